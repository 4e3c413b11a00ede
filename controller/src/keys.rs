//! From sealed secrets to keysets: the only place where an array's keys are in the clear.

use std::collections::BTreeMap;

use keyroll::fence::Epoch;
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::keyset::{GenerationKeys, Keyset, Origin};
use keyroll::name::ArrayName;
use keyroll::roll::{GenerationNumber, Leftover, Recipe, Sealed, Which};
use keyroll::secret::{Password, SecretBytes};

use crate::seal::{Purpose, Seal, SealError};

/// A generation's secret, open: dropped, and so wiped, as soon as a step is done.
#[derive(Debug)]
pub struct Unlocked {
    /// The password, where it is known.
    pub password: Option<Password>,
    /// The salt that the keys were derived from it with.
    pub salt: Option<Salt>,
    /// One key for each of the array's enctypes.
    pub keys: Vec<Key>,
}

impl Unlocked {
    /// A copy of what the keys were derived from, where that is known.
    fn origin(&self) -> Option<Origin> {
        Some(Origin {
            password: self.password.as_ref()?.duplicate(),
            salt: self.salt.clone()?,
        })
    }
}

/// Why a generation's secret cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The seal does not open it: another sealing key, or a damaged store.
    #[error("the secret of generation {generation} of {array} cannot be opened")]
    Sealed {
        /// The array.
        array: ArrayName,
        /// The generation.
        generation: GenerationNumber,
        /// Why.
        #[source]
        source: SealError,
    },
    /// It opened, and what was in it makes no sense.
    #[error("the secret of generation {generation} of {array} is not in a form known here")]
    Unreadable {
        /// The array.
        array: ArrayName,
        /// The generation.
        generation: GenerationNumber,
    },
}

/// Opens what [`seal_password`] or [`seal_keys`] closed, and derives keys where it is a password.
///
/// # Errors
/// [`UnlockError`].
pub fn unlock(
    seal: &Seal,
    array: &ArrayName,
    generation: GenerationNumber,
    sealed: &Sealed,
    salt: Option<&Salt>,
    enctypes: &[Enctype],
) -> Result<Unlocked, UnlockError> {
    let purpose = Purpose::Generation { array, generation };
    let plain = seal
        .open(&purpose, &sealed.0)
        .map_err(|source| UnlockError::Sealed {
            array: array.clone(),
            generation,
            source,
        })?;
    let unreadable = || UnlockError::Unreadable {
        array: array.clone(),
        generation,
    };
    match (plain.expose().split_first(), salt) {
        (Some((&PASSWORD, text)), Some(salt)) => {
            let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
            let password = Password::new(text.to_owned());
            let keys = derive_all(enctypes, &password, salt);
            Ok(Unlocked {
                password: Some(password),
                salt: Some(salt.clone()),
                keys,
            })
        }
        (Some((&KEYS, mut rest)), _) => {
            let mut keys = Vec::new();
            while let Some((key, left)) = read_key(rest) {
                keys.push(key);
                rest = left;
            }
            if !rest.is_empty() || keys.is_empty() {
                return Err(unreadable());
            }
            Ok(Unlocked {
                password: None,
                salt: None,
                keys,
            })
        }
        _ => Err(unreadable()),
    }
}

const PASSWORD: u8 = 1;
const KEYS: u8 = 2;

/// Seals a password for one generation of one array; it opens for no other.
#[must_use]
pub fn seal_password(
    seal: &Seal,
    array: &ArrayName,
    generation: GenerationNumber,
    password: &Password,
) -> Sealed {
    let text = password.expose().as_bytes();
    let mut plain = zeroize::Zeroizing::new(Vec::with_capacity(text.len() + 1));
    plain.push(PASSWORD);
    plain.extend_from_slice(text);
    Sealed(seal.seal(&Purpose::Generation { array, generation }, &plain))
}

/// Seals keys whose password is not known.
#[must_use]
pub fn seal_keys(
    seal: &Seal,
    array: &ArrayName,
    generation: GenerationNumber,
    keys: &[Key],
) -> Sealed {
    let length = keys.iter().map(|key| key.expose().len() + 4).sum::<usize>();
    let mut plain = zeroize::Zeroizing::new(Vec::with_capacity(length + 1));
    plain.push(KEYS);
    for key in keys {
        plain.extend_from_slice(&key.enctype().number().to_be_bytes());
        plain.extend_from_slice(key.expose());
    }
    Sealed(seal.seal(&Purpose::Generation { array, generation }, &plain))
}

fn read_key(bytes: &[u8]) -> Option<(Key, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    let enctype = Enctype::from_number(i32::from_be_bytes(*number))?;
    let (key, rest) = rest.split_at_checked(enctype.key_length())?;
    Some((
        Key::new(enctype, SecretBytes::new(key.to_vec())).ok()?,
        rest,
    ))
}

/// Opens what earlier rolls have left. One whose secret is destroyed is a gap, which no other key
/// fills: it must not keep this array, or the process, from going on with the keys that there are.
///
/// # Errors
/// [`UnlockError`].
pub fn unlock_left(
    seal: &Seal,
    array: &ArrayName,
    leftovers: &[Leftover],
    enctypes: &[Enctype],
) -> Result<BTreeMap<GenerationNumber, Unlocked>, UnlockError> {
    let open = |left: &Leftover| {
        let (number, salt) = (left.generation, left.salt.as_ref());
        let open = unlock(seal, array, number, &left.secret, salt, enctypes)?;
        Ok((number, open))
    };
    let there = leftovers.iter().filter(|left| !left.secret.0.is_empty());
    there.map(open).collect()
}

/// The keyset that a recipe describes.
#[must_use]
pub fn keyset(
    recipe: &Recipe,
    array: &ArrayName,
    epoch: Epoch,
    principals: &[Principal],
    base: Option<&Unlocked>,
    new: Option<&Unlocked>,
    left: &BTreeMap<GenerationNumber, Unlocked>,
) -> Keyset {
    let unlocked = |which| match which {
        Which::Base => base,
        Which::New => new,
        Which::Left(number) => left.get(&number),
    };
    let generations = recipe
        .generations
        .iter()
        .filter_map(|(role, which, kvno)| {
            let unlocked = unlocked(*which)?;
            Some(GenerationKeys {
                role: *role,
                kvno: *kvno,
                keys: unlocked.keys.iter().map(Key::duplicate).collect(),
                origin: unlocked.origin(),
            })
        })
        .collect();
    Keyset {
        array: array.clone(),
        epoch,
        version: recipe.version,
        principals: principals.to_vec(),
        generations,
        unlisted: recipe.unlisted,
    }
}
