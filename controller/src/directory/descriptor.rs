//! Security descriptors as far as one question needs them: may these SIDs reset this object's
//! password?
//!
//! `allowedAttributesEffective` tells what may be written, but Reset Password is a control access
//! right and stands only in the DACL. So the DACL is walked as MS-ADTS 5.1.3.3.4 walks it: the
//! first entry that speaks of the right, and of one of the caller's SIDs, decides.

use std::collections::BTreeSet;

/// A SID in its binary form (MS-DTYP 2.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid(Vec<u8>);

/// `User-Force-Change-Password` (Reset Password), `00299570-246d-11d0-a768-00aa006e0529`.
pub const RESET_PASSWORD: [u8; 16] = [
    0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11, 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29,
];

/// `S-1-5-10`, PRINCIPAL_SELF: whoever the object is.
const SELF: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0];
/// ADS_RIGHT_DS_CONTROL_ACCESS and GENERIC_ALL (MS-ADTS 5.1.3.2).
const CONTROL_ACCESS: u32 = 0x100;
const GENERIC_ALL: u32 = 0x1000_0000;
const INHERIT_ONLY: u8 = 0x08;
const DACL_PRESENT: u16 = 0x0004;

/// Bytes that are no security descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its security descriptor cannot be read")]
pub struct BadDescriptor;

impl Sid {
    /// A SID as the directory sends it; `None` if its length does not fit its content.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let count = usize::from(*bytes.get(1)?);
        (bytes[0] == 1 && count <= 15 && bytes.len() == 8 + 4 * count).then(|| Self(bytes.to_vec()))
    }
}

impl std::fmt::Display for Sid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let authority = self.0[2..8]
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        write!(f, "S-1-{authority}")?;
        for part in self.0[8..].chunks_exact(4) {
            let part = part.try_into().map_or(0, u32::from_le_bytes);
            write!(f, "-{part}")?;
        }
        Ok(())
    }
}

/// Whether a caller with these SIDs holds the control access right `right` on the object with the
/// security descriptor `descriptor`. `object` is the object's own SID, if it has one.
///
/// # Errors
/// [`BadDescriptor`] if the bytes are none.
pub fn grants(
    descriptor: &[u8],
    right: &[u8; 16],
    caller: &BTreeSet<Sid>,
    object: Option<&Sid>,
) -> Result<bool, BadDescriptor> {
    let control = u16_at(descriptor, 2)?;
    let dacl = u32_at(descriptor, 16)?;
    // No DACL at all grants everything (MS-DTYP 2.4.6).
    if control & DACL_PRESENT == 0 || dacl == 0 {
        return Ok(true);
    }
    let start = usize::try_from(dacl).map_err(|_| BadDescriptor)?;
    let acl = descriptor.get(start..).ok_or(BadDescriptor)?;
    let count = u16_at(acl, 4)?;
    let mut rest = acl.get(8..).ok_or(BadDescriptor)?;
    for _ in 0..count {
        let size = usize::from(u16_at(rest, 2)?);
        let ace = rest
            .get(..size)
            .filter(|ace| ace.len() >= 8)
            .ok_or(BadDescriptor)?;
        if let Some(allows) = decides(ace, right, caller, object)? {
            return Ok(allows);
        }
        rest = &rest[size..];
    }
    Ok(false)
}

/// Whether this entry allows or denies the right to the caller; `None` if it says nothing of it.
fn decides(
    ace: &[u8],
    right: &[u8; 16],
    caller: &BTreeSet<Sid>,
    object: Option<&Sid>,
) -> Result<Option<bool>, BadDescriptor> {
    let (kind, flags) = (ace[0], ace[1]);
    let (allows, of_object) = match kind {
        0 => (true, false),
        1 => (false, false),
        5 => (true, true),
        6 => (false, true),
        // Audit entries and the conditional ones of claims, which no one puts on a password.
        _ => return Ok(None),
    };
    let mask = u32_at(ace, 4)?;
    if flags & INHERIT_ONLY != 0 || mask & (CONTROL_ACCESS | GENERIC_ALL) == 0 {
        return Ok(None);
    }
    let mut sid = 8;
    if of_object {
        let present = u32_at(ace, 8)?;
        sid = 12;
        if present & 1 != 0 {
            let named = ace.get(sid..sid + 16).ok_or(BadDescriptor)?;
            if named != right {
                return Ok(None);
            }
            sid += 16;
        }
        // The class to which it is inherited says nothing once it has been.
        if present & 2 != 0 {
            sid += 16;
        }
    }
    let sid = ace.get(sid..).ok_or(BadDescriptor)?;
    let length = 8 + 4 * usize::from(*sid.get(1).ok_or(BadDescriptor)?);
    let sid = sid
        .get(..length)
        .and_then(Sid::from_bytes)
        .ok_or(BadDescriptor)?;
    let is_self = sid.0 == SELF && object.is_some_and(|object| caller.contains(object));
    Ok((is_self || caller.contains(&sid)).then_some(allows))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, BadDescriptor> {
    let found = bytes
        .get(at..at + 2)
        .and_then(|found| found.try_into().ok());
    found.map(u16::from_le_bytes).ok_or(BadDescriptor)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, BadDescriptor> {
    let found = bytes
        .get(at..at + 4)
        .and_then(|found| found.try_into().ok());
    found.map(u32::from_le_bytes).ok_or(BadDescriptor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALICE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 99, 0, 0, 0];
    const OTHER: [u8; 16] = [7; 16];

    fn ace(kind: u8, flags: u8, mask: u32, right: Option<&[u8; 16]>, sid: &[u8]) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if kind >= 5 {
            body.extend(u32::from(right.is_some()).to_le_bytes());
            body.extend(right.into_iter().flatten());
        }
        body.extend(sid);
        let size = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
        [&[kind, flags][..], &size, &body].concat()
    }

    fn descriptor(aces: &[Vec<u8>]) -> Vec<u8> {
        let count = u16::try_from(aces.len()).unwrap().to_le_bytes();
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([0; 12]);
        bytes.extend(20_u32.to_le_bytes());
        bytes.extend([4, 0, 0, 0, count[0], count[1], 0, 0]);
        bytes.extend(aces.concat());
        bytes
    }

    #[track_caller]
    fn check(aces: &[Vec<u8>], granted: bool) {
        let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
        let own = Sid::from_bytes(&ALICE);
        let found = grants(&descriptor(aces), &RESET_PASSWORD, &caller, own.as_ref());
        assert_eq!(found, Ok(granted));
    }

    #[test]
    fn the_first_entry_that_speaks_of_the_right_decides() {
        let right = Some(&RESET_PASSWORD);
        let allow = || ace(5, 0, CONTROL_ACCESS, right, &ALICE);
        let deny = || ace(6, 0, CONTROL_ACCESS, right, &ALICE);
        check(&[], false);
        check(&[allow()], true);
        check(&[deny(), allow()], false);
        check(&[allow(), deny()], true);
        check(&[ace(1, 0, CONTROL_ACCESS, None, &ALICE), allow()], false);
        check(&[ace(5, 0, CONTROL_ACCESS, None, &ALICE)], true);
        check(&[ace(0, 0, GENERIC_ALL, None, &ALICE)], true);
        check(&[ace(5, 0, CONTROL_ACCESS, right, &SELF)], true);
    }

    #[test]
    fn what_does_not_speak_of_it_is_passed_over() {
        let right = Some(&RESET_PASSWORD);
        check(&[ace(5, 0, CONTROL_ACCESS, Some(&OTHER), &ALICE)], false);
        check(
            &[ace(5, INHERIT_ONLY, CONTROL_ACCESS, right, &ALICE)],
            false,
        );
        check(&[ace(5, 0, 0x20, right, &ALICE)], false);
        check(
            &[ace(
                5,
                0,
                CONTROL_ACCESS,
                right,
                &[1, 1, 0, 0, 0, 0, 0, 5, 98, 0, 0, 0],
            )],
            false,
        );
        check(&[ace(9, 0, CONTROL_ACCESS, None, &ALICE)], false);
    }

    #[test]
    fn sids_have_their_usual_text() {
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(Sid::from_bytes(&bytes).unwrap().to_string(), "S-1-5-32-544");
        assert_eq!(Sid::from_bytes(&bytes[..15]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_walk_panic(
            bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte: u8,
        ) {
            let caller = BTreeSet::from([Sid::from_bytes(&ALICE).unwrap()]);
            let _ = grants(&bytes, &RESET_PASSWORD, &caller, None);
            let mut almost = descriptor(&[ace(5, 0, 0x20, Some(&OTHER), &ALICE)]);
            let at = at.index(almost.len());
            almost[at] = byte;
            let _ = grants(&almost, &RESET_PASSWORD, &caller, None);
        }
    }
}
