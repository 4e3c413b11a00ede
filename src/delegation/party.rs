//! An account, as far as delegation needs it, and what it is beside a service.

use std::collections::BTreeSet;

use super::Control;
use crate::account::protection::Protection;
use crate::descriptor::Sid;
use crate::shell::{powershell_word, word};
use crate::spn::{left_to_first, take_away};

/// An account, as far as delegation needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// `objectGUID`.
    pub guid: [u8; 16],
    /// `sAMAccountName`.
    pub account: String,
    /// `distinguishedName`.
    pub distinguished_name: String,
    /// `objectSid`.
    pub sid: Option<Sid>,
    /// Its flags; none if they are not shown, or if it has none, as a group.
    pub control: Option<Control>,
    /// Why it is more than a service; looked up of the owners of SPNs alone.
    pub protections: Vec<Protection>,
    /// The SPN by which it was found, as it spells it itself; of the owners of SPNs alone. It may
    /// be the one that answers for the one that was looked for.
    pub found_by: Option<String>,
    /// Its flags or its groups were asked for and not shown: it may be more than this says.
    pub hidden: bool,
}

impl Party {
    /// Whether its flags are shown and have this bit.
    #[must_use]
    pub fn has(&self, bit: u32) -> bool {
        self.control.is_some_and(|control| control.has(bit))
    }
}

/// The owners of an SPN by name, for people.
#[must_use]
pub fn shown(owners: &[Party]) -> String {
    let each = owners
        .iter()
        .map(|one| format!("{} ({})", one.account, one.distinguished_name));
    each.collect::<Vec<_>>().join(" and ")
}

/// What gives an SPN to somebody, where nobody has it: whose it is to be is not known here.
#[must_use]
pub fn left_to_somebody(spn: &str) -> String {
    format!(
        "samba-tool spn add {} ACCOUNT (or setspn -S {} ACCOUNT), ACCOUNT being what its service \
         runs as",
        word(spn),
        powershell_word(spn)
    )
}

/// What leaves an SPN to one of its owners: to one that can be used, if there is any.
#[must_use]
pub fn left_to_one(spn: &str, owners: &[Party]) -> String {
    let mut owners: Vec<&Party> = owners.iter().collect();
    owners.sort_by_key(|one| one.has(Control::DISABLED));
    let each = owners.into_iter().map(|one| {
        let theirs = one.found_by.as_deref().unwrap_or(spn);
        let loses = take_away(theirs, &one.account, &one.guid);
        (one.account.as_str(), loses)
    });
    left_to_first(&each.collect::<Vec<_>>())
}

/// What the owner of a service is beside that. A service's name is not protected in a ticket, so
/// who may act at one service of an account may act at all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tier {
    /// The KDC itself, whose service issues tickets.
    Kdc,
    /// A domain controller, whose service is the directory.
    DomainController,
    /// An administrator's account, or one that was.
    Protected(Vec<Protection>),
}

impl Tier {
    /// What an SPN and its owners come to; none for a service of its own.
    #[must_use]
    pub fn of(spn: &str, owners: &[Party]) -> Option<Self> {
        let class = spn.split_once('/').map_or(spn, |(class, _)| class);
        // The KDC finds its own account by this name, which is no SPN of it.
        if class.eq_ignore_ascii_case("krbtgt") {
            return Some(Self::Kdc);
        }
        let [owner] = owners else { return None };
        let is = |one| owner.protections.contains(&one);
        if is(Protection::Kdc) {
            Some(Self::Kdc)
        } else if is(Protection::DomainController) {
            Some(Self::DomainController)
        } else {
            let marks = &owner.protections;
            (!marks.is_empty()).then(|| Self::Protected(marks.clone()))
        }
    }
}

/// Whom every account that asks a KDC for tickets is: Everyone, Network, Authenticated Users, This
/// Organization, and an identity that a KDC has asserted (MS-DTYP 2.4.2.4).
const ANYBODY: [&str; 5] = ["S-1-1-0", "S-1-5-2", "S-1-5-11", "S-1-5-15", "S-1-18-1"];
/// Anonymous, one whom a service has named (S4U2Self), Users, Guests, Pre-Windows 2000 Compatible
/// Access.
const MANY: [&str; 5] = [
    "S-1-5-7",
    "S-1-18-2",
    "S-1-5-32-545",
    "S-1-5-32-546",
    "S-1-5-32-554",
];
/// A domain's Users, Guests and Computers.
const MANY_OF_A_DOMAIN: [&str; 3] = ["-513", "-514", "-515"];

/// Whether a SID is a crowd's, which anybody can come to be in.
pub(super) fn is_crowd(sid: &Sid) -> bool {
    let text = sid.to_string();
    let mut known = ANYBODY.iter().chain(&MANY);
    known.any(|one| *one == text)
        || text.starts_with("S-1-5-21-") && MANY_OF_A_DOMAIN.iter().any(|end| text.ends_with(end))
}

/// The SIDs by which a descriptor may let an account in: its own, its groups', and anybody's.
#[must_use]
pub fn caller(own: Option<&Sid>, groups: impl IntoIterator<Item = Sid>) -> BTreeSet<Sid> {
    let anybody = ANYBODY.iter().filter_map(|sid| sid.parse().ok());
    groups
        .into_iter()
        .chain(own.cloned())
        .chain(anybody)
        .collect()
}
