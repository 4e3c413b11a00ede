//! Values that come and go within one modify, and so leave nothing behind.
//!
//! Samba (4.17, `samldb`) asks of an SPN that goes what it asks of one that comes: that nobody else
//! has it. So it refuses to end a duplicate by the one deletion that would end it. It asks that of
//! the first part of a modify alone that touches `servicePrincipalName`; so a value that nobody has
//! comes there and goes, and the deletion stands behind. It is one modify all the same: whatever
//! else the attribute holds, and whatever somebody else adds meanwhile, stays.

use super::{DirectoryChange, Modification, Target};
use crate::descriptor::Guid;

/// The attribute.
const SPNS: &str = "servicePrincipalName";

/// What the rootDSE of a Samba DC has as its `vendorName` (RFC 3045); Windows has none.
const SAMBA: &str = "Samba";

/// Whether a domain controller of this vendor refuses to take an SPN from an object while another
/// one has it, too.
#[must_use]
pub fn keeps_duplicates(vendor: Option<&str>) -> bool {
    vendor.is_some_and(|vendor| vendor.starts_with(SAMBA))
}

/// Takes an SPN from an object where [`keeps_duplicates`] holds. The value that comes and goes
/// carries the object's own number: nobody else can have it.
#[must_use]
pub fn take_duplicate(from: &Target, spn: &str) -> Vec<Modification> {
    let passing = format!("keyroll/{}", Guid(from.guid));
    vec![
        Modification::add(SPNS, passing.as_str()),
        Modification::delete(SPNS, passing),
        Modification::delete(SPNS, spn),
    ]
}

impl DirectoryChange {
    /// What is left of it once it is made: without what comes and goes.
    pub(super) fn lasting(&self) -> impl DoubleEndedIterator<Item = &Modification> {
        self.modifications.iter().filter(|one| !self.passes(one))
    }

    fn passes(&self, one: &Modification) -> bool {
        let opposite = |other: &&Modification| {
            other.action != one.action
                && other.value == one.value
                && other.attribute.eq_ignore_ascii_case(&one.attribute)
        };
        self.modifications.iter().any(|other| opposite(&other))
    }
}
