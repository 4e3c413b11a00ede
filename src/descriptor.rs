//! Security descriptors in their self-relative form (MS-DTYP 2.4.6), whole and without loss.
//!
//! `nTSecurityDescriptor` tells what a caller may do to an object;
//! `msDS-AllowedToActOnBehalfOfOtherIdentity` who may delegate to it. The latter is written anew by
//! whoever adds one name, so everything in it that we do not know must come out as it went in:
//! unknown kinds of entries, control bits, the order of the parts and the bytes between them.

mod acl;
mod guid;
mod sid;
#[cfg(test)]
mod tests;

pub use acl::{Ace, Acl};
pub use guid::Guid;
pub use sid::{BadSid, Sid};

use std::collections::BTreeSet;

/// The longest descriptor that is read, in bytes: an ACL's length has 16 bits, and there are two
/// of them beside two SIDs of at most 68 bytes.
pub const DESCRIPTOR_MAX: usize = 2 * 0xffff + 2 * 68 + HEADER;

/// A right to an object, of one kind, to what this GUID names (MS-ADTS 5.1.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    mask: u32,
    guid: [u8; 16],
    /// The property set that it is in (MS-ADTS 3.1.1.2.3.3): an entry for that is one for it.
    set: Option<[u8; 16]>,
}

/// The control access right `User-Force-Change-Password` (Reset Password),
/// `00299570-246d-11d0-a768-00aa006e0529`.
pub const RESET_PASSWORD: Right = Right {
    mask: acl::CONTROL_ACCESS,
    guid: [
        0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11, 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05,
        0x29,
    ],
    set: None,
};
/// To read the attribute `adminCount` (MS-ADA1), which is in no property set,
/// `bf967918-0de6-11d0-a285-00aa003049e2`.
pub const READ_ADMIN_COUNT: Right = Right {
    mask: acl::READ_PROPERTY | acl::GENERIC_READ,
    guid: [
        0x18, 0x79, 0x96, 0xbf, 0xe6, 0x0d, 0xd0, 0x11, 0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49,
        0xe2,
    ],
    set: None,
};
/// To read `servicePrincipalName` (MS-ADA3), `f3a64788-5306-11d1-a9c5-0000f80367c1`.
pub const READ_SPNS: Right = Right {
    mask: acl::READ_PROPERTY | acl::GENERIC_READ,
    guid: [
        0x88, 0x47, 0xa6, 0xf3, 0x06, 0x53, 0xd1, 0x11, 0xa9, 0xc5, 0x00, 0x00, 0xf8, 0x03, 0x67,
        0xc1,
    ],
    set: Some(PUBLIC),
};
/// To read `userPrincipalName` (MS-ADA3), `28630ebb-41d5-11d1-a9c1-0000f80367c1`.
pub const READ_PRINCIPAL_NAME: Right = Right {
    mask: acl::READ_PROPERTY | acl::GENERIC_READ,
    guid: [
        0xbb, 0x0e, 0x63, 0x28, 0xd5, 0x41, 0xd1, 0x11, 0xa9, 0xc1, 0x00, 0x00, 0xf8, 0x03, 0x67,
        0xc1,
    ],
    set: Some(PUBLIC),
};
/// To read `msDS-SupportedEncryptionTypes` (MS-ADA2), `20119867-1d04-4ab7-9371-cfc3d5df0afd`, of
/// the property set Personal Information, `77b5b886-944a-11d1-aebd-0000f80367c1`.
pub const READ_ENCTYPES: Right = Right {
    mask: acl::READ_PROPERTY | acl::GENERIC_READ,
    guid: [
        0x67, 0x98, 0x11, 0x20, 0x04, 0x1d, 0xb7, 0x4a, 0x93, 0x71, 0xcf, 0xc3, 0xd5, 0xdf, 0x0a,
        0xfd,
    ],
    set: Some([
        0x86, 0xb8, 0xb5, 0x77, 0x4a, 0x94, 0xd1, 0x11, 0xae, 0xbd, 0x00, 0x00, 0xf8, 0x03, 0x67,
        0xc1,
    ]),
};
/// To read `allowedAttributesEffective` (MS-ADA1), `9a7ad941-ca53-11d1-bbd0-0080c76670c0`.
pub const READ_WRITABLE: Right = Right {
    mask: acl::READ_PROPERTY | acl::GENERIC_READ,
    guid: [
        0x41, 0xd9, 0x7a, 0x9a, 0x53, 0xca, 0xd1, 0x11, 0xbb, 0xd0, 0x00, 0x80, 0xc7, 0x66, 0x70,
        0xc0,
    ],
    set: Some(PUBLIC),
};
/// The property set Public Information, `e48d0154-bcf8-11d1-8702-00c04fb96050`.
const PUBLIC: [u8; 16] = [
    0x54, 0x01, 0x8d, 0xe4, 0xf8, 0xbc, 0xd1, 0x11, 0x87, 0x02, 0x00, 0xc0, 0x4f, 0xb9, 0x60, 0x50,
];

/// The length of what stands before the parts.
const HEADER: usize = 20;
/// Bits of the control field (MS-DTYP 2.4.6).
const DACL_PRESENT: u16 = 0x0004;
const SACL_PRESENT: u16 = 0x0010;
const SELF_RELATIVE: u16 = 0x8000;
/// BUILTIN\Administrators, `S-1-5-32-544`.
const ADMINISTRATORS: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];

/// Bytes that are no security descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its security descriptor cannot be read: {0}")]
pub struct BadDescriptor(pub(crate) &'static str);

/// A security descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its revision, the byte after it and the control bits, as they were found.
    head: [u8; 4],
    /// What follows the header, in the order in which it stands.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Owner(Sid),
    Group(Sid),
    Sacl(Acl),
    Dacl(Acl),
    /// Bytes that no offset points to.
    Gap(Vec<u8>),
}

impl Part {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Owner(sid) | Self::Group(sid) => sid.as_bytes().to_vec(),
            Self::Sacl(acl) | Self::Dacl(acl) => acl.to_bytes(),
            Self::Gap(bytes) => bytes.clone(),
        }
    }
}

impl Descriptor {
    /// The descriptor that lets these SIDs delegate to an object, as Microsoft's PowerShell module
    /// makes it: `O:BAD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SID)…`.
    #[must_use]
    pub fn of_actors<'a>(actors: impl IntoIterator<Item = &'a Sid>) -> Self {
        let [low, high] = (SELF_RELATIVE | DACL_PRESENT).to_le_bytes();
        let mut made = Self {
            head: [1, 0, low, high],
            parts: vec![
                Part::Owner(Sid::from_bytes(&ADMINISTRATORS).expect("a SID of two parts")),
                Part::Dacl(Acl::empty()),
            ],
        };
        for actor in actors {
            made.allow(actor);
        }
        made
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BadDescriptor`] if a part is cut short, lies on another, or is not what its length says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadDescriptor> {
        let head = bytes.first_chunk::<4>().copied();
        let head = head.ok_or(BadDescriptor("it is cut short"))?;
        let control = u16::from_le_bytes([head[2], head[3]]);
        if bytes.len() > DESCRIPTOR_MAX {
            return Err(BadDescriptor("it is too long"));
        }
        if head[0] != 1 || control & SELF_RELATIVE == 0 {
            return Err(BadDescriptor("it is not of revision 1 and self-relative"));
        }
        let mut found: Vec<(usize, usize, Part)> = Vec::new();
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            let start = u32_at(bytes, 4 + 4 * place)?;
            let start = usize::try_from(start).map_err(|_| BadDescriptor("it is cut short"))?;
            if start == 0 {
                continue;
            }
            if kind.bit().is_some_and(|bit| control & bit == 0) {
                return Err(BadDescriptor("it has a list that it says it has not"));
            }
            let rest = bytes.get(start..).filter(|_| start >= HEADER);
            let rest = rest.ok_or(BadDescriptor("a part lies outside of it"))?;
            let (length, part) = kind.read(rest)?;
            found.push((start, length, part));
        }
        found.sort_by_key(|(start, ..)| *start);
        let mut parts = Vec::new();
        let mut end = HEADER;
        for (start, length, part) in found {
            let gap = bytes.get(end..start);
            let gap = gap.ok_or(BadDescriptor("two parts lie on one another"))?;
            if !gap.is_empty() {
                parts.push(Part::Gap(gap.to_vec()));
            }
            parts.push(part);
            end = start + length;
        }
        let tail = bytes.get(end..).ok_or(BadDescriptor("it is cut short"))?;
        if !tail.is_empty() {
            parts.push(Part::Gap(tail.to_vec()));
        }
        Ok(Self { head, parts })
    }

    /// Its bytes: those it was read from, but for what was changed since.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut offsets = [0_u32; 4];
        let mut body = Vec::new();
        for part in &self.parts {
            let start = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
            match part {
                Part::Owner(_) => offsets[0] = start,
                Part::Group(_) => offsets[1] = start,
                Part::Sacl(_) => offsets[2] = start,
                Part::Dacl(_) => offsets[3] = start,
                Part::Gap(_) => {}
            }
            body.extend(part.to_bytes());
        }
        let mut bytes = self.head.to_vec();
        bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        bytes.extend(body);
        bytes
    }

    /// Who owns the object, if it says so.
    #[must_use]
    pub fn owner(&self) -> Option<&Sid> {
        self.parts.iter().find_map(|part| match part {
            Part::Owner(sid) => Some(sid),
            _ => None,
        })
    }

    /// The list that says who may do what. `None`: everybody may do everything (MS-DTYP 2.4.6).
    #[must_use]
    pub fn dacl(&self) -> Option<&Acl> {
        self.parts.iter().find_map(|part| match part {
            Part::Dacl(acl) => Some(acl),
            _ => None,
        })
    }

    /// Whether a caller with these SIDs holds `right` on the object. `object` is the object's own
    /// SID, if it has one.
    ///
    /// The list is walked as MS-ADTS 5.1.3.3.4 walks it: the first entry that speaks of the right,
    /// and of one of the caller's SIDs, decides.
    ///
    /// # Errors
    /// [`BadDescriptor`] if an entry of a known kind is cut short.
    pub fn grants(
        &self,
        right: &Right,
        caller: &BTreeSet<Sid>,
        object: Option<&Sid>,
    ) -> Result<bool, BadDescriptor> {
        let Some(dacl) = self.dacl() else {
            return Ok(true);
        };
        for ace in &dacl.aces {
            if let Some(allows) = ace.decides(right, caller, object)? {
                return Ok(allows);
            }
        }
        Ok(false)
    }

    /// The SIDs that the entries let delegate to the object, in their order, each once.
    ///
    /// The KDC makes an access check for the right Control Access as a whole (MS-SFU 3.2.5.2.3), so
    /// an entry for one extended right lets nobody in, and one that denies keeps out whom a later
    /// one lets in. Who is let in as the member of a group is not told here: see
    /// [`Descriptor::lets_act`].
    #[must_use]
    pub fn actors(&self) -> Vec<Sid> {
        let mut decided = BTreeSet::new();
        let entries = self.dacl().into_iter().flat_map(|dacl| &dacl.aces);
        let entries = entries.filter_map(Ace::of_all_rights);
        entries
            .filter(|(_, sid)| decided.insert(sid.clone()))
            .filter_map(|(allows, sid)| allows.then_some(sid))
            .collect()
    }

    /// Whether a caller with these SIDs, its groups' among them, may delegate to the object: the
    /// first entry of all rights that speaks of one of them decides.
    #[must_use]
    pub fn lets_act(&self, caller: &BTreeSet<Sid>) -> bool {
        self.dacl().is_none() || self.lets_act_by(caller).is_some()
    }

    /// The SID of the entry by which such a caller may delegate to the object; none if it may not,
    /// or if there is no list of entries, without which everybody may.
    #[must_use]
    pub fn lets_act_by(&self, caller: &BTreeSet<Sid>) -> Option<Sid> {
        let mut said = self.dacl()?.aces.iter().filter_map(Ace::of_all_rights);
        let (allows, sid) = said.find(|(_, sid)| caller.contains(sid))?;
        allows.then_some(sid)
    }

    /// Whether an entry lets somebody in on a condition, which is not read here (MS-DTYP
    /// 2.4.4.17): nobody can say who may delegate to the object then.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        let mut entries = self.dacl().into_iter().flat_map(|dacl| &dacl.aces);
        entries.any(Ace::may_allow_on_a_condition)
    }

    /// Lets `actor` delegate to the object; whether that changed anything. An entry that denies it
    /// to the very same SID goes on doing so: see [`Descriptor::actors`].
    pub fn allow(&mut self, actor: &Sid) -> bool {
        if self.actors().contains(actor) {
            return false;
        }
        let dacl = self.parts.iter_mut().find_map(|part| match part {
            Part::Dacl(acl) => Some(acl),
            _ => None,
        });
        // Without a list everybody may already.
        dacl.is_some_and(|dacl| dacl.insert(Ace::of_actor(actor)))
    }

    /// Takes away the entries of its own that let `actor` delegate to the object; whether there
    /// were any. Inherited ones and those of unknown kinds stay.
    pub fn disallow(&mut self, actor: &Sid) -> bool {
        let mut removed = false;
        for part in &mut self.parts {
            let Part::Dacl(dacl) = part else { continue };
            let before = dacl.aces.len();
            let lets_in = Some((true, actor.clone()));
            dacl.aces
                .retain(|ace| ace.is_inherited() || ace.of_all_rights() != lets_in);
            removed |= dacl.aces.len() < before;
        }
        removed
    }
}

/// The four parts, in the order of their offsets in the header.
#[derive(Clone, Copy)]
enum Kind {
    Owner,
    Group,
    Sacl,
    Dacl,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Owner, Self::Group, Self::Sacl, Self::Dacl];

    /// The control bit without which there is no such part.
    const fn bit(self) -> Option<u16> {
        match self {
            Self::Owner | Self::Group => None,
            Self::Sacl => Some(SACL_PRESENT),
            Self::Dacl => Some(DACL_PRESENT),
        }
    }

    /// The part at the front of `bytes`, and its length.
    fn read(self, bytes: &[u8]) -> Result<(usize, Part), BadDescriptor> {
        let wrap = match self {
            Self::Sacl => Part::Sacl,
            Self::Dacl => Part::Dacl,
            Self::Owner | Self::Group => {
                let (sid, length) = Sid::at_front(bytes).ok_or(BadDescriptor("a SID is bad"))?;
                let owner = matches!(self, Self::Owner);
                let part = if owner { Part::Owner } else { Part::Group };
                return Ok((length, part(sid)));
            }
        };
        let acl = Acl::at_front(bytes)?;
        Ok((acl.length(), wrap(acl)))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, BadDescriptor> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    let found = found.ok_or(BadDescriptor("it is cut short"))?;
    Ok(u16::from_le_bytes(*found))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, BadDescriptor> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    let found = found.ok_or(BadDescriptor("it is cut short"))?;
    Ok(u32::from_le_bytes(*found))
}
