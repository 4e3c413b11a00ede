//! A key and its version number.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Enctype;
use crate::secret::SecretBytes;

/// A key version number. Always 32 bits: an authoritative restore raises AD's number by 100,000 a
/// day, so 8- or 16-bit fields do not hold it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Kvno(pub u32);

impl Kvno {
    /// The number the directory gives to the next password, if nobody else writes before us.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for Kvno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A long-term or session key of one enctype.
#[derive(Debug)]
pub struct Key {
    enctype: Enctype,
    bytes: SecretBytes,
}

/// A key whose length does not fit its enctype.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key of {enctype} has {wanted} bytes, not {found}")]
pub struct BadKeyLength {
    /// The enctype named.
    pub enctype: Enctype,
    /// The length its keys have.
    pub wanted: usize,
    /// The length found.
    pub found: usize,
}

impl Key {
    /// A key of `enctype`.
    ///
    /// # Errors
    /// [`BadKeyLength`] if the number of bytes is not that of the enctype.
    pub fn new(enctype: Enctype, bytes: SecretBytes) -> Result<Self, BadKeyLength> {
        let (wanted, found) = (enctype.key_length(), bytes.expose().len());
        if wanted == found {
            Ok(Self { enctype, bytes })
        } else {
            Err(BadKeyLength {
                enctype,
                wanted,
                found,
            })
        }
    }

    /// Its enctype.
    #[must_use]
    pub const fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// Its bytes. Do not log, format or store what this returns.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// A second copy, wiped like the first.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            enctype: self.enctype,
            bytes: self.bytes.duplicate(),
        }
    }

    /// Equality of enctype and bytes, in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.enctype == other.enctype && self.bytes.same_as(&other.bytes)
    }
}
