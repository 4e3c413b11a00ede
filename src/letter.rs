//! A password on its way to one node: sealed to that node's key, for one use there.
//!
//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. What
//! the letter is for stands outside and is authenticated with it, so a letter opens at one node,
//! for one array, one keyset, one generation and one use, and nowhere else. Who wrote it, the
//! connection says over which it comes.

use std::fmt;
use std::str::FromStr;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, single_shot_open,
    single_shot_seal,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::fence::Version;
use crate::kerberos::salt::Salt;
use crate::kerberos::{Kvno, Principal};
use crate::name::{ArrayName, NodeName};
use crate::secret::{Password, SecretBytes};

/// What all letters are sealed under, besides their address (the `info` of RFC 9180 section 5).
const INFO: &[u8] = b"keyroll: a password for a node, 1";

type Kem = X25519HkdfSha256;

/// What a node uses a password for. Keytabs need none: they are made of keys.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PasswordUse {
    /// As an extra credential of a logon session of Windows.
    LogonSession,
    /// As what a service of Windows logs on with.
    ServiceLogon,
    /// As what an application pool of IIS runs with.
    IisPool,
}

/// A node's public key for letters: 32 bytes, X25519; written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LetterKey([u8; 32]);

/// The private half, which never leaves the node: 32 random bytes from which it is derived
/// (RFC 9180 section 7.1.3, `DeriveKeyPair`).
#[derive(Debug)]
pub struct LetterOpener(SecretBytes);

/// What a letter is for. A sealed one opens only under the same.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// To whom it goes.
    pub node: &'a NodeName,
    /// For which array.
    pub array: &'a ArrayName,
    /// With which keyset.
    pub version: Version,
    /// Which generation of it.
    pub kvno: Kvno,
    /// What it may be used for.
    pub purpose: PasswordUse,
    /// The account, `WEB$@CORP.EXAMPLE`.
    pub account: &'a Principal,
    /// The salt of the generation's keys.
    pub salt: &'a Salt,
}

/// A password, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The encapsulated key (RFC 9180 section 4.1), 32 bytes.
    pub encapsulated: Vec<u8>,
    /// The password's UTF-8 bytes, encrypted, and a tag of 16 bytes.
    pub ciphertext: Vec<u8>,
}

/// Why there is no letter key, or a letter is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLetter {
    /// The key is none.
    #[error("the node's key for passwords is not an X25519 key in 64 hexadecimal digits")]
    Key,
    /// It is not for this node's key, or not for what it is said to be for, or was changed.
    #[error("the sealed password does not open with this node's key, or not for this use")]
    Closed,
    /// What was in it is no text.
    #[error("the sealed password is no text")]
    NoText,
}

impl LetterKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`BadLetter::Key`] if they are not one.
    pub fn new(bytes: &[u8]) -> Result<Self, BadLetter> {
        <Kem as hpke::Kem>::PublicKey::from_bytes(bytes).map_err(|_| BadLetter::Key)?;
        bytes.try_into().map(Self).map_err(|_| BadLetter::Key)
    }

    /// The key's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What people compare: SHA-256 over the key, hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hexadecimal(&Sha256::digest(self.0))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl From<LetterKey> for String {
    fn from(key: LetterKey) -> Self {
        hexadecimal(&key.0)
    }
}

impl TryFrom<String> for LetterKey {
    type Error = BadLetter;

    fn try_from(text: String) -> Result<Self, BadLetter> {
        text.parse()
    }
}

impl FromStr for LetterKey {
    type Err = BadLetter;

    fn from_str(text: &str) -> Result<Self, BadLetter> {
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BadLetter::Key);
        }
        let byte = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
        Self::new(&bytes.ok_or(BadLetter::Key)?)
    }
}

impl LetterOpener {
    /// The private key that follows from 32 random bytes, drawn once by its owner.
    #[must_use]
    pub fn of(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(SecretBytes::new(seed.to_vec()))
    }

    /// What is to be kept of it: the random bytes it was made of.
    ///
    /// # Errors
    /// [`BadLetter::Key`] if `seed` has not 32 bytes.
    pub fn kept(seed: SecretBytes) -> Result<Self, BadLetter> {
        if seed.expose().len() == 32 {
            Ok(Self(seed))
        } else {
            Err(BadLetter::Key)
        }
    }

    /// The random bytes that it was made of. Not to leave the node.
    #[must_use]
    pub fn seed(&self) -> SecretBytes {
        self.0.duplicate()
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> LetterKey {
        LetterKey(Kem::derive_keypair(self.0.expose()).1.to_bytes().into())
    }

    /// What a letter says to this node.
    ///
    /// # Errors
    /// [`BadLetter::Closed`], [`BadLetter::NoText`].
    pub fn open(&self, letter: &Letter, address: Address<'_>) -> Result<Password, BadLetter> {
        let (private, _) = Kem::derive_keypair(self.0.expose());
        let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(&letter.encapsulated)
            .map_err(|_| BadLetter::Closed)?;
        let plain = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            INFO,
            &letter.ciphertext,
            &address.bytes(),
        );
        let plain = Zeroizing::new(plain.map_err(|_| BadLetter::Closed)?);
        let text = std::str::from_utf8(&plain).map_err(|_| BadLetter::NoText)?;
        Ok(Password::new(text.to_owned()))
    }
}

/// Seals `password` for one node and one use. `random` must never be used twice.
///
/// # Errors
/// [`BadLetter::Key`] if no secret can be shared with the key.
pub fn seal(
    password: &Password,
    to: &LetterKey,
    address: Address<'_>,
    random: [u8; 32],
) -> Result<Letter, BadLetter> {
    let to = <Kem as hpke::Kem>::PublicKey::from_bytes(&to.0).map_err(|_| BadLetter::Key)?;
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem, _>(
        &OpModeS::Base,
        &to,
        INFO,
        password.expose().as_bytes(),
        &address.bytes(),
        &mut Drawn(Zeroizing::new(random)),
    )
    .map_err(|_| BadLetter::Key)?;
    Ok(Letter {
        encapsulated: encapsulated.to_bytes().to_vec(),
        ciphertext,
    })
}

impl Address<'_> {
    /// The address as it is authenticated: each part with its length before it.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [
            self.node.as_str().as_bytes(),
            self.array.as_str().as_bytes(),
            &self.version.0.to_be_bytes(),
            &self.kvno.0.to_be_bytes(),
            <&str>::from(self.purpose).as_bytes(),
            self.account.to_string().as_bytes(),
            self.salt.as_str().as_bytes(),
        ] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Random bytes that the caller has drawn. HPKE takes 32 of them, once.
struct Drawn(Zeroizing<[u8; 32]>);

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, place: &mut [u8]) {
        place
            .iter_mut()
            .zip(self.0.iter().cycle())
            .for_each(|(to, from)| *to = *from);
    }
}

impl CryptoRng for Drawn {}

impl fmt::Display for LetterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

#[cfg(test)]
mod tests;
