//! Which keys a node must hold: declarative, numbered, never "add" or "remove".

use serde::{Deserialize, Serialize};

use crate::fence::{Epoch, Version};
use crate::kerberos::salt::Salt;
use crate::kerberos::string_to_key::derive_all;
use crate::kerberos::{Enctype, Key, Kvno, Principal};
use crate::name::ArrayName;
use crate::secret::Password;

/// Everything the nodes of an array must hold, whole.
///
/// The keys of one account are the same under each of its principals, since AD salts by account:
/// a keytab gets one entry per principal, generation and enctype.
#[derive(Debug)]
pub struct Keyset {
    /// The array it belongs to.
    pub array: ArrayName,
    /// The controller's epoch.
    pub epoch: Epoch,
    /// Its number; a node never goes back to a lower one.
    pub version: Version,
    /// The names under which the keys stand in a keytab: the account, then its SPNs.
    pub principals: Vec<Principal>,
    /// The generations, in the order in which they stand in the file.
    pub generations: Vec<GenerationKeys>,
    /// What becomes of entries of these principals that are not listed here.
    pub unlisted: Unlisted,
}

impl Keyset {
    /// The same keys, with whatever else is in the keytabs left there.
    #[must_use]
    pub fn keeping(&self) -> Self {
        let duplicate = |one: &GenerationKeys| GenerationKeys {
            role: one.role,
            kvno: one.kvno,
            keys: one.keys.iter().map(Key::duplicate).collect(),
            origin: one.origin.as_ref().map(Origin::duplicate),
        };
        Self {
            array: self.array.clone(),
            epoch: self.epoch,
            version: self.version,
            principals: self.principals.clone(),
            generations: self.generations.iter().map(duplicate).collect(),
            unlisted: Unlisted::Keep,
        }
    }
}

/// One password's keys.
#[derive(Debug)]
pub struct GenerationKeys {
    /// What it is for at this moment.
    pub role: Role,
    /// Its key version number in the directory.
    pub kvno: Kvno,
    /// One key for each enctype.
    pub keys: Vec<Key>,
    /// What the keys were derived from, where it is known and a target may need it. No keytab does,
    /// and no keyset on its way has it: it goes in letters ([`crate::letter`]).
    pub origin: Option<Origin>,
}

/// What keys were derived from.
#[derive(Debug)]
pub struct Origin {
    /// The password.
    pub password: Password,
    /// The salt.
    pub salt: Salt,
}

impl Origin {
    /// A second copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            password: self.password.duplicate(),
            salt: self.salt.clone(),
        }
    }

    /// Whether all of `keys` are of this origin.
    #[must_use]
    pub fn is_of(&self, keys: &[Key]) -> bool {
        let enctypes: Vec<Enctype> = keys.iter().map(Key::enctype).collect();
        let derived = derive_all(&enctypes, &self.password, &self.salt);
        let mut pairs = derived.iter().zip(keys);
        pairs.all(|(derived, key)| derived.same_as(key))
    }
}

/// What a generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The directory has it: tickets are issued with it, and initiators log in with it.
    Current,
    /// It is on the nodes before the directory has it. Client keytabs do not get it.
    Pending,
    /// Tickets issued with it may still be alive. Client keytabs do not get it.
    Previous,
}

/// What becomes of entries that carry the array's principals but are not in the keyset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlisted {
    /// They stay: an array is being adopted, and live tickets may need a key we do not know.
    Keep,
    /// They go.
    Remove,
}

/// One entry as a node reports it: which key, never the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldEntry {
    /// The principal.
    pub principal: Principal,
    /// The kvno in the file.
    pub kvno: Kvno,
    /// The enctype.
    pub enctype: Enctype,
    /// HMAC-SHA-256 over the entry's key under the asker's nonce ([`fingerprint`]).
    pub fingerprint: [u8; 32],
}

/// The keyed fingerprint of one entry: HMAC-SHA-256(nonce, principal NUL kvno enctype key).
///
/// A fresh nonce for each question makes an answer worthless to whoever overhears or replays it,
/// and nothing about the key can be learned from it without trying keys.
#[must_use]
pub fn fingerprint(nonce: &[u8; 32], principal: &Principal, kvno: Kvno, key: &Key) -> [u8; 32] {
    use hmac::Mac as _;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(nonce).expect("any length will do");
    mac.update(principal.to_string().as_bytes());
    mac.update(&[0]);
    mac.update(&kvno.0.to_be_bytes());
    mac.update(&key.enctype().number().to_be_bytes());
    mac.update(key.expose());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_the_password_and_salt_that_they_were_derived_from() {
        let origin = |password: &str, salt: &str| Origin {
            password: Password::new(password.into()),
            salt: Salt::new(salt.to_owned()),
        };
        let right = origin("one", "CORP.EXAMPLEweb");
        let enctypes = [Enctype::Rc4Hmac, Enctype::Aes256CtsHmacSha1];
        let keys = derive_all(&enctypes, &right.password, &right.salt);
        assert!(right.is_of(&keys));
        assert!(!origin("two", "CORP.EXAMPLEweb").is_of(&keys));
        assert!(
            !origin("one", "CORP.EXAMPLEnew").is_of(&keys),
            "RC4 has none"
        );
    }
}
