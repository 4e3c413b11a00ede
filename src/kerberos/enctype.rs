//! Encryption types (RFC 3961 section 8), as far as Active Directory issues them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An encryption type whose keys keyroll derives and stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Enctype {
    /// `aes128-cts-hmac-sha1-96`, number 17 (RFC 3962).
    Aes128CtsHmacSha1,
    /// `aes256-cts-hmac-sha1-96`, number 18 (RFC 3962).
    Aes256CtsHmacSha1,
    /// `aes128-cts-hmac-sha256-128`, number 19 (RFC 8009).
    Aes128CtsHmacSha256,
    /// `aes256-cts-hmac-sha384-192`, number 20 (RFC 8009).
    Aes256CtsHmacSha384,
    /// `rc4-hmac`, number 23 (RFC 4757): broken, used only where a policy names it.
    Rc4Hmac,
}

/// A text or number that names no enctype keyroll knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown enctype {0:?}; known are aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96, \
     aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128 and rc4-hmac"
)]
pub struct UnknownEnctype(pub String);

impl Enctype {
    /// Every enctype, strongest first.
    pub const ALL: [Self; 5] = [
        Self::Aes256CtsHmacSha384,
        Self::Aes128CtsHmacSha256,
        Self::Aes256CtsHmacSha1,
        Self::Aes128CtsHmacSha1,
        Self::Rc4Hmac,
    ];

    /// The assigned number, as it stands in tickets and keytabs.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Aes128CtsHmacSha1 => 17,
            Self::Aes256CtsHmacSha1 => 18,
            Self::Aes128CtsHmacSha256 => 19,
            Self::Aes256CtsHmacSha384 => 20,
            Self::Rc4Hmac => 23,
        }
    }

    /// The enctype with this assigned number, if keyroll knows it.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|enctype| enctype.number() == number)
    }

    /// The length of a key of this enctype, in bytes.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes256CtsHmacSha1 | Self::Aes256CtsHmacSha384 => 32,
            Self::Aes128CtsHmacSha1 | Self::Aes128CtsHmacSha256 | Self::Rc4Hmac => 16,
        }
    }

    /// The bit in `msDS-SupportedEncryptionTypes` (MS-KILE 2.2.7); none for enctypes that the
    /// attribute cannot name.
    #[must_use]
    pub const fn directory_bit(self) -> Option<u32> {
        match self {
            Self::Rc4Hmac => Some(0x04),
            Self::Aes128CtsHmacSha1 => Some(0x08),
            Self::Aes256CtsHmacSha1 => Some(0x10),
            Self::Aes128CtsHmacSha256 | Self::Aes256CtsHmacSha384 => None,
        }
    }

    /// The name, as `klist -ke` prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128CtsHmacSha1 => "aes128-cts-hmac-sha1-96",
            Self::Aes256CtsHmacSha1 => "aes256-cts-hmac-sha1-96",
            Self::Aes128CtsHmacSha256 => "aes128-cts-hmac-sha256-128",
            Self::Aes256CtsHmacSha384 => "aes256-cts-hmac-sha384-192",
            Self::Rc4Hmac => "rc4-hmac",
        }
    }

    /// The name of the enctype with this number; of one that is not known here, the number.
    #[must_use]
    pub fn name_of(number: i32) -> String {
        let known = Self::from_number(number).map(|enctype| enctype.name().to_owned());
        known.unwrap_or_else(|| format!("enctype {number}"))
    }
}

impl fmt::Display for Enctype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Enctype {
    type Err = UnknownEnctype;

    fn from_str(text: &str) -> Result<Self, UnknownEnctype> {
        let wanted = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|enctype| enctype.name() == wanted)
            .ok_or_else(|| UnknownEnctype(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Enctype {
    type Error = UnknownEnctype;

    fn try_from(text: String) -> Result<Self, UnknownEnctype> {
        text.parse()
    }
}

impl From<Enctype> for String {
    fn from(enctype: Enctype) -> Self {
        enctype.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3962 section 7, RFC 8009 section 6, RFC 4757 section 4; MS-KILE 2.2.7.
    #[test]
    fn enctypes_have_their_assigned_numbers_names_and_bits() {
        for (number, name, length, bit) in [
            (17, "aes128-cts-hmac-sha1-96", 16, Some(0x08)),
            (18, "aes256-cts-hmac-sha1-96", 32, Some(0x10)),
            (19, "aes128-cts-hmac-sha256-128", 16, None),
            (20, "aes256-cts-hmac-sha384-192", 32, None),
            (23, "rc4-hmac", 16, Some(0x04)),
        ] {
            let enctype: Enctype = name.parse().unwrap();
            assert_eq!(Enctype::from_number(number), Some(enctype));
            assert_eq!((enctype.number(), enctype.key_length()), (number, length));
            assert_eq!(enctype.directory_bit(), bit);
            assert_eq!(String::from(enctype), name);
            assert_eq!(name.to_ascii_uppercase().parse(), Ok(enctype));
            assert_eq!(Enctype::try_from(name.to_owned()), Ok(enctype));
        }
        assert_eq!(Enctype::from_number(3), None);
        let unknown = "des-cbc-crc".parse::<Enctype>().unwrap_err();
        assert_eq!(unknown, UnknownEnctype("des-cbc-crc".to_owned()));
        // The strongest comes first: a list of all is in the order of preference.
        let lengths = Enctype::ALL.map(Enctype::key_length);
        assert_eq!(lengths, [32, 16, 32, 16, 16]);
    }
}
