//! Lists of entries, and what an entry says.

use std::collections::BTreeSet;

use super::{BadDescriptor, Right, Sid, u16_at, u32_at};

/// ADS_RIGHT_DS_READ_PROP, ADS_RIGHT_DS_CONTROL_ACCESS, GENERIC_ALL and GENERIC_READ
/// (MS-ADTS 5.1.3.2).
pub(super) const READ_PROPERTY: u32 = 0x10;
pub(super) const CONTROL_ACCESS: u32 = 0x100;
const GENERIC_ALL: u32 = 0x1000_0000;
pub(super) const GENERIC_READ: u32 = 0x8000_0000;
/// What Microsoft's PowerShell module grants to one who may delegate:
/// `CCDCLCSWRPWPDTLOCRSDRCWDWO`, every right of the directory.
const ALL_RIGHTS: u32 = 0x000f_01ff;
/// Flags of an entry (MS-DTYP 2.4.4.1).
const INHERIT_ONLY: u8 = 0x08;
const INHERITED: u8 = 0x10;
/// Kinds of entries (MS-DTYP 2.4.4.1).
const ALLOWED: u8 = 0;
const DENIED: u8 = 1;
const ALLOWED_OBJECT: u8 = 5;
const DENIED_OBJECT: u8 = 6;
const ALLOWED_CALLBACK: u8 = 9;
const ALLOWED_CALLBACK_OBJECT: u8 = 11;
/// The length of a list's header, and of an entry's.
const ACL_HEADER: usize = 8;
const ACE_HEADER: usize = 4;
/// `S-1-5-10`, PRINCIPAL_SELF: whoever the object is.
const SELF: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0];

/// A list of entries (MS-DTYP 2.4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// Its revision and the byte after it.
    head: [u8; 2],
    /// The two bytes after the count of entries.
    reserved: [u8; 2],
    /// Its entries, in their order.
    pub aces: Vec<Ace>,
    /// Room behind the last entry.
    slack: Vec<u8>,
}

/// One entry (MS-DTYP 2.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace {
    /// What kind of entry it is.
    pub kind: u8,
    /// How it is inherited or audited.
    pub flags: u8,
    /// What follows the header: for the known kinds an access mask, perhaps GUIDs, and a SID.
    body: Vec<u8>,
}

impl Acl {
    pub(super) fn empty() -> Self {
        Self {
            head: [2, 0],
            reserved: [0; 2],
            aces: Vec::new(),
            slack: Vec::new(),
        }
    }

    pub(super) fn at_front(bytes: &[u8]) -> Result<Self, BadDescriptor> {
        let size = usize::from(u16_at(bytes, 2)?);
        let whole = bytes.get(..size).filter(|_| size >= ACL_HEADER);
        let whole = whole.ok_or(BadDescriptor("a list is cut short"))?;
        let count = u16_at(whole, 4)?;
        let mut rest = &whole[ACL_HEADER..];
        let mut aces = Vec::new();
        for _ in 0..count {
            let size = usize::from(u16_at(rest, 2)?);
            let ace = rest.split_at_checked(size).filter(|_| size >= ACE_HEADER);
            let (ace, behind) = ace.ok_or(BadDescriptor("an entry is cut short"))?;
            aces.push(Ace {
                kind: ace[0],
                flags: ace[1],
                body: ace[ACE_HEADER..].to_vec(),
            });
            rest = behind;
        }
        Ok(Self {
            head: [whole[0], whole[1]],
            reserved: [whole[6], whole[7]],
            aces,
            slack: rest.to_vec(),
        })
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> usize {
        let entries = self.aces.iter().map(|ace| ACE_HEADER + ace.body.len());
        ACL_HEADER + entries.sum::<usize>() + self.slack.len()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Both fit: they were read from such fields, and `insert` keeps within them.
        let size = u16::try_from(self.length()).unwrap_or(u16::MAX);
        let count = u16::try_from(self.aces.len()).unwrap_or(u16::MAX);
        let mut bytes = self.head.to_vec();
        bytes.extend(size.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(self.reserved);
        for ace in &self.aces {
            let size = u16::try_from(ACE_HEADER + ace.body.len()).unwrap_or(u16::MAX);
            bytes.extend([ace.kind, ace.flags]);
            bytes.extend(size.to_le_bytes());
            bytes.extend(&ace.body);
        }
        bytes.extend(&self.slack);
        bytes
    }

    /// Puts an entry behind the last one that is not inherited, where such an entry belongs
    /// (MS-DTYP 2.4.5); whether there was room for it.
    pub(super) fn insert(&mut self, ace: Ace) -> bool {
        let inherited = self.aces.iter().position(Ace::is_inherited);
        let place = inherited.unwrap_or(self.aces.len());
        let length = self.length() + ACE_HEADER + ace.body.len();
        let fits = u16::try_from(length).is_ok();
        if fits {
            self.aces.insert(place, ace);
        }
        fits
    }
}

impl Ace {
    /// The entry that lets a SID delegate to the object.
    pub(super) fn of_actor(actor: &Sid) -> Self {
        Self {
            kind: ALLOWED,
            flags: 0,
            body: [&ALL_RIGHTS.to_le_bytes(), actor.as_bytes()].concat(),
        }
    }

    /// Whether it came from the object's container.
    #[must_use]
    pub const fn is_inherited(&self) -> bool {
        self.flags & INHERITED != 0
    }

    /// Whether it allows on a condition, and control access perhaps: its mask cannot be read, or
    /// has that right.
    pub(super) fn may_allow_on_a_condition(&self) -> bool {
        let rights = u32_at(&self.body, 0).unwrap_or(GENERIC_ALL);
        matches!(self.kind, ALLOWED_CALLBACK | ALLOWED_CALLBACK_OBJECT)
            && self.flags & INHERIT_ONLY == 0
            && rights & (CONTROL_ACCESS | GENERIC_ALL) != 0
    }

    /// Whether it allows (or denies) every control access right, and to whom; `None` if it says
    /// nothing of that, or is of a kind that is not known here.
    pub(super) fn of_all_rights(&self) -> Option<(bool, Sid)> {
        let said = self.said(CONTROL_ACCESS).ok()??;
        said.right.is_none().then_some((said.allows, said.sid))
    }

    /// Whether this entry allows or denies the right to the caller; `None` if it says nothing of
    /// it.
    pub(super) fn decides(
        &self,
        right: &Right,
        caller: &BTreeSet<Sid>,
        object: Option<&Sid>,
    ) -> Result<Option<bool>, BadDescriptor> {
        let Some(said) = self.said(right.mask)? else {
            return Ok(None);
        };
        let is_named = |named: &[u8; 16]| *named == right.guid || Some(*named) == right.set;
        if said.right.is_some_and(|named| !is_named(named)) {
            return Ok(None);
        }
        let of_self = said.sid.as_bytes() == SELF;
        let is_self = of_self && object.is_some_and(|object| caller.contains(object));
        Ok((is_self || caller.contains(&said.sid)).then_some(said.allows))
    }

    /// What it says of the rights of this mask.
    fn said(&self, wanted: u32) -> Result<Option<Said<'_>>, BadDescriptor> {
        let (allows, of_object) = match self.kind {
            ALLOWED => (true, false),
            DENIED => (false, false),
            ALLOWED_OBJECT => (true, true),
            DENIED_OBJECT => (false, true),
            // Audit entries and the conditional ones of claims.
            _ => return Ok(None),
        };
        let mask = u32_at(&self.body, 0)?;
        if self.flags & INHERIT_ONLY != 0 || mask & (wanted | GENERIC_ALL) == 0 {
            return Ok(None);
        }
        let mut rest = &self.body[4..];
        let mut right = None;
        if of_object {
            let present = u32_at(rest, 0)?;
            rest = &rest[4..];
            let mut guid = || {
                let (guid, behind) = rest
                    .split_first_chunk::<16>()
                    .ok_or(BadDescriptor("an entry is cut short"))?;
                rest = behind;
                Ok(guid)
            };
            if present & 1 != 0 {
                right = Some(guid()?);
            }
            // The class to which it is inherited says nothing once it has been.
            if present & 2 != 0 {
                guid()?;
            }
        }
        // What a callback of an application may have put behind the SID is its own matter.
        let (sid, _) = Sid::at_front(rest).ok_or(BadDescriptor("a SID is bad"))?;
        Ok(Some(Said { allows, right, sid }))
    }
}

/// What an entry says of rights of a kind: of one, or of all.
struct Said<'a> {
    allows: bool,
    right: Option<&'a [u8; 16]>,
    sid: Sid,
}
