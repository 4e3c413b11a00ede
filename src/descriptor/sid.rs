//! Security identifiers.

use std::fmt;
use std::str::FromStr;

/// A SID in its binary form (MS-DTYP 2.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(Vec<u8>);

/// A text that is no SID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SID such as S-1-5-21-1-2-3-1104")]
pub struct BadSid(String);

/// The most parts of a SID behind its authority.
const PARTS_MAX: usize = 15;

impl Sid {
    /// A SID as the directory sends it; `None` if its length does not fit its content.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sid, length) = Self::at_front(bytes)?;
        (length == bytes.len()).then_some(sid)
    }

    /// The SID at the front of `bytes`, and its length.
    pub(super) fn at_front(bytes: &[u8]) -> Option<(Self, usize)> {
        let (1, count) = (*bytes.first()?, usize::from(*bytes.get(1)?)) else {
            return None;
        };
        let length = 8 + 4 * count;
        let bytes = bytes.get(..length).filter(|_| count <= PARTS_MAX)?;
        Some((Self(bytes.to_vec()), length))
    }

    /// Whether both are of one domain, or one machine: all but their last parts are the same.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        let domain = |sid: &Self| sid.0.len().checked_sub(4).map(|end| sid.0[..end].to_vec());
        self.0.len() > 12 && domain(self) == domain(other)
    }

    /// Its binary form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Sid {
    /// As MS-DTYP 2.4.2.1 has it: an authority of more than 32 bits is hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut authority = [0; 8];
        authority[2..].copy_from_slice(&self.0[2..8]);
        let authority = u64::from_be_bytes(authority);
        if authority > u64::from(u32::MAX) {
            write!(f, "S-1-0x{authority:012x}")?;
        } else {
            write!(f, "S-1-{authority}")?;
        }
        for part in self.0[8..].chunks_exact(4) {
            let part = part.try_into().map_or(0, u32::from_le_bytes);
            write!(f, "-{part}")?;
        }
        Ok(())
    }
}

impl FromStr for Sid {
    type Err = BadSid;

    fn from_str(text: &str) -> Result<Self, BadSid> {
        let bad = || BadSid(text.chars().take(80).collect());
        let mut words = text.split('-');
        if (words.next(), words.next()) != (Some("S"), Some("1")) {
            return Err(bad());
        }
        let authority = words.next().ok_or_else(bad)?;
        let authority = match authority.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => authority.parse(),
        };
        let authority = authority.ok().filter(|one| one >> 48 == 0);
        let authority = authority.ok_or_else(bad)?.to_be_bytes();
        let parts = words.map(str::parse::<u32>);
        let parts: Vec<u32> = parts.collect::<Result<_, _>>().map_err(|_| bad())?;
        let count = u8::try_from(parts.len()).map_err(|_| bad())?;
        let mut bytes = vec![1, count];
        bytes.extend(&authority[2..]);
        bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
        // Also refuses more parts than a SID has.
        let sid = Self::from_bytes(&bytes).ok_or_else(bad)?;
        // One way to write a number is the right one: no signs, no zeros in front.
        if sid.to_string() == text {
            Ok(sid)
        } else {
            Err(bad())
        }
    }
}
