//! When and where an attribute was last written: replication stamps, read from hostile bytes.
//!
//! Every attribute of a directory object carries a stamp: how often it was written, when, and on
//! which domain controller (MS-ADTS 3.1.1.1.9). The object shows them all in one attribute,
//! `replPropertyMetaData`, whose layout is PROPERTY_META_DATA_VECTOR (MS-DRSR 4.1.10.3; Samba:
//! `drsblobs.idl`). Whose hand it was is not among them: that is in a security log only.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::name::DcName;

/// Names one life of a domain controller's database: a restore gives it a new one (MS-ADTS
/// 3.1.1.1.9, `invocationId`).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Invocation(pub [u8; 16]);

/// The attributes whose stamps are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// `unicodePwd`: its stamp's version is the kvno (MS-ADTS 3.1.1.4.5.16).
    Password,
    /// `pwdLastSet`.
    PasswordSet,
    /// `sAMAccountName`.
    AccountName,
    /// `userPrincipalName`.
    PrincipalName,
    /// `name`: stamped when the object is renamed or moved.
    Place,
    /// `servicePrincipalName`.
    Spns,
    /// `userAccountControl`.
    Control,
    /// `msDS-SupportedEncryptionTypes`.
    Enctypes,
    /// `lockoutTime`.
    Lockout,
    /// `accountExpires`.
    Expiry,
    /// `nTSecurityDescriptor`.
    Rights,
}

impl Attribute {
    const ALL: [Self; 11] = [
        Self::Password,
        Self::PasswordSet,
        Self::AccountName,
        Self::PrincipalName,
        Self::Place,
        Self::Spns,
        Self::Control,
        Self::Enctypes,
        Self::Lockout,
        Self::Expiry,
        Self::Rights,
    ];

    /// Its number in a stamp: the prefixes that every forest begins with are numbered alike
    /// (MS-DRSR 5.16.4): 2 stands for 1.2.840.113556.1.2, 9 for 1.2.840.113556.1.4.
    const fn number(self) -> u32 {
        match self {
            Self::Rights => 0x2_0119,
            Self::Place => 0x9_0001,
            Self::Control => 0x9_0008,
            Self::Password => 0x9_005a,
            Self::PasswordSet => 0x9_0060,
            Self::Expiry => 0x9_009f,
            Self::AccountName => 0x9_00dd,
            Self::PrincipalName => 0x9_0290,
            Self::Lockout => 0x9_0296,
            Self::Spns => 0x9_0303,
            Self::Enctypes => 0x9_07ab,
        }
    }

    /// Its name in the directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "unicodePwd",
            Self::PasswordSet => "pwdLastSet",
            Self::AccountName => "sAMAccountName",
            Self::PrincipalName => "userPrincipalName",
            Self::Place => "name",
            Self::Spns => "servicePrincipalName",
            Self::Control => "userAccountControl",
            Self::Enctypes => "msDS-SupportedEncryptionTypes",
            Self::Lockout => "lockoutTime",
            Self::Expiry => "accountExpires",
            Self::Rights => "nTSecurityDescriptor",
        }
    }

    /// The events in a Windows security log that tell who wrote it.
    const fn events(self) -> &'static str {
        match self {
            Self::Password | Self::PasswordSet => "4723 or 4724",
            Self::AccountName => "4781",
            Self::Place => "5139 or 4781",
            Self::PrincipalName | Self::Spns | Self::Enctypes | Self::Expiry => "4738 or 4742",
            Self::Control => "4725, 4738 or 4742",
            Self::Lockout => "4740",
            Self::Rights => "5136",
        }
    }
}

/// One attribute's stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// How often it was written since the object was made.
    pub version: u32,
    /// When it was last written, seconds since 1970, by the clock of where that was.
    pub at_unix: i64,
    /// Where.
    pub invocation: Invocation,
}

/// Bytes that are no stamps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replPropertyMetaData is not in the one form that is known: {0}")]
pub struct BadStamps(&'static str);

/// What is known of an account's stamps and of who gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The account's stamps.
    pub stamps: BTreeMap<Attribute, Stamp>,
    /// The domain controllers of today by their databases' present lives.
    pub dcs: BTreeMap<Invocation, DcName>,
}

/// Where a change came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What was written.
    pub attribute: Attribute,
    /// Its stamp.
    pub stamp: Stamp,
    /// The domain controller that took the write; none if its database has another life by now.
    pub dc: Option<DcName>,
}

const HEADER: usize = 16;
const ENTRY: usize = 48;
/// Seconds from 1601 to 1970 (DSTIME, MS-DRSR 5.61).
const EPOCH: i64 = 11_644_473_600;

/// Reads the stamps of the attributes known here.
///
/// # Errors
/// [`BadStamps`] unless every byte is in its place.
pub fn parse(bytes: &[u8]) -> Result<BTreeMap<Attribute, Stamp>, BadStamps> {
    let (header, entries) = bytes
        .split_at_checked(HEADER)
        .ok_or(BadStamps("too short"))?;
    let word = |at: usize| number(header.get(at..at + 4).unwrap_or_default());
    if word(0) != 1 {
        return Err(BadStamps("another version than 1"));
    }
    if !entries.len().is_multiple_of(ENTRY) || word(8) != (entries.len() / ENTRY) as u64 {
        return Err(BadStamps("another length than it says"));
    }
    let mut stamps = BTreeMap::new();
    for entry in entries.chunks_exact(ENTRY) {
        let field = |at: usize, length: usize| entry.get(at..at + length).unwrap_or_default();
        let known = |one: &Attribute| u64::from(one.number()) == number(field(0, 4));
        let Some(attribute) = Attribute::ALL.into_iter().find(known) else {
            continue;
        };
        let seconds =
            i64::try_from(number(field(8, 8))).map_err(|_| BadStamps("a time that is none"))?;
        let mut invocation = [0; 16];
        invocation.copy_from_slice(field(16, 16));
        let stamp = Stamp {
            version: u32::try_from(number(field(4, 4))).unwrap_or(u32::MAX),
            at_unix: seconds.saturating_sub(EPOCH),
            invocation: Invocation(invocation),
        };
        if stamps.insert(attribute, stamp).is_some() {
            return Err(BadStamps("one attribute twice"));
        }
    }
    Ok(stamps)
}

/// Little-endian, of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| 256 * number + u64::from(*byte))
}

impl History {
    /// Where an attribute's last change came from; none if its stamp is not shown.
    #[must_use]
    pub fn origin(&self, attribute: Attribute) -> Option<Origin> {
        let stamp = *self.stamps.get(&attribute)?;
        Some(Origin {
            attribute,
            stamp,
            dc: self.dcs.get(&stamp.invocation).cloned(),
        })
    }
}

impl fmt::Display for Invocation {
    /// As directories write it: the first three groups are little-endian (MS-DTYP 2.3.4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c, d, e, g, h, i, rest @ ..]) = self;
        write!(
            f,
            "{d:02x}{c:02x}{b:02x}{a:02x}-{g:02x}{e:02x}-{i:02x}{h:02x}-"
        )?;
        for (at, byte) in rest.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 2 { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin {
    /// `on dc2.corp.example at 2026-11-21 08:12:03 UTC (change 4 of unicodePwd; event 4723 or 4724
    /// in its security log tells by whom)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dc {
            Some(dc) => write!(f, "on {dc}")?,
            None => write!(
                f,
                "on a domain controller that is gone or was restored since (invocation id {})",
                self.stamp.invocation
            )?,
        }
        match DateTime::<Utc>::from_timestamp(self.stamp.at_unix, 0) {
            Some(at) => write!(f, " at {}", at.format("%Y-%m-%d %H:%M:%S UTC"))?,
            None => f.write_str(" at a time that is none")?,
        }
        write!(
            f,
            " (change {} of {}; event {} in its security log tells by whom)",
            self.stamp.version,
            self.attribute.name(),
            self.attribute.events()
        )
    }
}

#[cfg(test)]
mod tests;
