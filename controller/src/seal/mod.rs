//! The seal: what leaves this process for a disk is closed with a key that is not on that disk.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a random 192-bit nonce, which is long enough
//! never to repeat. The purpose is authenticated along (AAD), so that a sealed value copied to
//! another array, generation or place does not open there.

mod key;
mod signature;
#[cfg(test)]
mod tests;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::Mac as _;
use keyroll::name::ArrayName;
use keyroll::roll::GenerationNumber;
use keyroll::secret::SecretBytes;
use rand::RngCore as _;

pub use key::{SealKeyError, credential_path};
pub use signature::{AuditKey, BadAuditKey};

type Authenticator = hmac::Hmac<sha2::Sha256>;

/// The first byte of every sealed value: the cipher and layout used.
const LAYOUT: u8 = 1;
/// The bytes of a nonce of XChaCha20.
const NONCE_LENGTH: usize = 24;

/// What a sealed value is for; it opens for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// One generation's password or keys.
    Generation {
        /// The array.
        array: &'a ArrayName,
        /// The generation.
        generation: GenerationNumber,
    },
    /// The private key of one of the internal certificate authorities.
    Authority {
        /// The authority's number.
        number: u64,
    },
}

impl Purpose<'_> {
    /// The purpose in bytes, no two alike: a tag, and lengths before what varies.
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = b"keyroll seal 1\0".to_vec();
        match self {
            Self::Generation { array, generation } => {
                bytes.push(1);
                bytes.extend_from_slice(&(array.as_str().len() as u64).to_be_bytes());
                bytes.extend_from_slice(array.as_str().as_bytes());
                bytes.extend_from_slice(&generation.0.to_be_bytes());
            }
            Self::Authority { number } => {
                bytes.push(2);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
        }
        bytes
    }
}

/// A value that does not open: sealed with another key, for another purpose, or damaged. Which of
/// these, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sealed value does not open: it was sealed with another sealing key or for another \
     purpose, or it is damaged"
)]
pub struct SealError;

/// The sealing key, wiped when dropped.
pub struct Seal {
    cipher: XChaCha20Poly1305,
    authenticator: SecretBytes,
    backups: SecretBytes,
    audit: SecretBytes,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// A seal with this key of 32 bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        // Rows, backups and checkpoints each have a key of their own: one key, one use.
        let derived = |purpose: &[u8]| {
            let mut derive = mac(key);
            derive.update(purpose);
            SecretBytes::new(derive.finalize().into_bytes().to_vec())
        };
        Self {
            cipher: XChaCha20Poly1305::new(key.into()),
            authenticator: derived(b"keyroll store rows 1"),
            backups: derived(b"keyroll backup 1"),
            audit: derived(b"keyroll audit signature 1"),
        }
    }

    /// Closes `plaintext` for one purpose: layout byte, nonce, ciphertext with its tag.
    #[must_use]
    pub fn seal(&self, purpose: &Purpose<'_>, plaintext: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);
        let (msg, aad) = (plaintext, &*purpose.to_bytes());
        let closed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg, aad })
            .expect("fails only beyond 256 GiB of plain text");
        [&[LAYOUT], nonce.as_slice(), &closed].concat()
    }

    /// Opens what [`Seal::seal`] closed for the same purpose.
    ///
    /// # Errors
    /// [`SealError`] if the key, the purpose or a single bit differs.
    pub fn open(&self, purpose: &Purpose<'_>, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let (&[layout], rest) = sealed.split_first_chunk::<1>().ok_or(SealError)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(SealError)?;
        if layout != LAYOUT {
            return Err(SealError);
        }
        let aad = &*purpose.to_bytes();
        self.cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg, aad })
            .map(SecretBytes::new)
            .map_err(|_| SealError)
    }

    /// HMAC-SHA-256 over a row of the store: who edits the file without the sealing key is found
    /// out at the next read.
    #[must_use]
    pub fn authenticate(&self, table: &str, key: &str, value: &[u8]) -> [u8; 32] {
        self.row(table, key, value).finalize().into_bytes().into()
    }

    /// Whether `tag` is that of [`Seal::authenticate`], in constant time.
    #[must_use]
    pub fn is_authentic(&self, table: &str, key: &str, value: &[u8], tag: &[u8]) -> bool {
        self.row(table, key, value).verify_slice(tag).is_ok()
    }

    /// A stamp over a backup as a whole, to be fed its bytes in order.
    #[must_use]
    pub fn backup_stamp(&self) -> Stamp {
        Stamp(mac(self.backups.expose()))
    }

    fn row(&self, table: &str, key: &str, value: &[u8]) -> Authenticator {
        let mut mac = mac(self.authenticator.expose());
        for part in [table.as_bytes(), key.as_bytes(), value] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// An HMAC-SHA-256 under way: who cuts or edits what it was made over is found out.
#[derive(Clone)]
pub struct Stamp(Authenticator);

impl std::fmt::Debug for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stamp(..)")
    }
}

impl Stamp {
    /// The bytes that a finished stamp has.
    pub const LENGTH: usize = 32;

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The stamp over all bytes so far.
    #[must_use]
    pub fn finish(self) -> [u8; Self::LENGTH] {
        self.0.finalize().into_bytes().into()
    }

    /// Whether `stamp` is the one over all bytes so far, in constant time.
    #[must_use]
    pub fn fits(self, stamp: &[u8]) -> bool {
        self.0.verify_slice(stamp).is_ok()
    }
}

fn mac(key: &[u8]) -> Authenticator {
    <Authenticator as hmac::Mac>::new_from_slice(key).expect("any length will do")
}
