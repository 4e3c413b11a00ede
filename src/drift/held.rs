//! Which passwords the nodes hold while no roll is open, from what the tickets show.
//!
//! Nobody but a roll of ours is to set the password; but domain controllers and accounts are
//! restored from backups, and the same password is set again. Then tickets come under a key that
//! is known here and is not the one in force. Such a key is given to the nodes at once: it adds to
//! what they accept and takes nothing away. It goes when its last ticket is dead.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::kerberos::Kvno;
use crate::name::DcName;
use crate::roll::GenerationNumber;

/// A password as tickets show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issue {
    /// Which password.
    pub generation: GenerationNumber,
    /// The kvno that its tickets carry.
    pub kvno: Kvno,
}

/// A password that nodes hold besides the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub issue: Issue,
    /// How long tickets under it may still live, counted from when no domain controller was seen
    /// to issue under it any more.
    pub left: Duration,
}

/// What the nodes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The one in force.
    pub current: Issue,
    /// The others.
    pub kept: Vec<Kept>,
}

/// What a fresh ticket of one domain controller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// None was to be had.
    Silent,
    /// It is under a password known here.
    Known(Issue),
    /// It is under one that is known here and must not be used again: an emergency roll was made
    /// because of it.
    Burned(Issue),
    /// It is of an enctype that the array has keys of, and none of them opens it.
    Foreign(Kvno),
    /// It is of an enctype that the array has no keys of.
    OtherEnctype(i32),
}

impl Standing {
    /// Whether nodes may hold this beside the others: never two keys under one kvno, since
    /// acceptors take the one or the other.
    fn admits(&self, issue: Issue) -> bool {
        self.issues()
            .all(|one| one.kvno != issue.kvno || one.generation == issue.generation)
    }

    fn issues(&self) -> impl Iterator<Item = Issue> {
        std::iter::once(self.current).chain(self.kept.iter().map(|kept| kept.issue))
    }

    /// Whether nodes hold this.
    #[must_use]
    pub fn holds(&self, issue: Issue) -> bool {
        self.issues().any(|one| one == issue)
    }

    /// What nodes shall hold after a look at every domain controller, `passed` after the look
    /// before. `drain` is how long a ticket may outlive the key that it is under.
    ///
    /// A password that *every* domain controller issues under is the one in force, whatever was
    /// before. Until all agree nothing is taken for that, and a silent one may issue under any.
    #[must_use]
    pub fn after(&self, seen: &BTreeMap<DcName, Sight>, passed: Duration, drain: Duration) -> Self {
        let mut next = self.clone();
        let known: BTreeSet<Issue> = seen.values().filter_map(|sight| sight.known()).collect();
        let silent = seen.is_empty() || seen.values().any(|sight| *sight == Sight::Silent);
        for kept in &mut next.kept {
            if known.contains(&kept.issue) {
                kept.left = drain;
            } else if !silent {
                kept.left = kept.left.saturating_sub(passed);
            }
        }
        next.kept.retain(|kept| !kept.left.is_zero());
        for issue in &known {
            if !next.holds(*issue) && next.admits(*issue) {
                let (issue, left) = (*issue, drain);
                next.kept.push(Kept { issue, left });
            }
        }
        let mut all = known.iter();
        let alike = seen.values().all(|sight| sight.known().is_some());
        if let (Some(one), None, true) = (all.next(), all.next(), alike)
            && *one != next.current
            && next.holds(*one)
        {
            next.kept.retain(|kept| kept.issue != *one);
            let (issue, left) = (next.current, drain);
            next.kept.push(Kept { issue, left });
            next.current = *one;
        }
        next
    }

    /// Whether nodes hold the same, whatever time is left.
    #[must_use]
    pub fn same_keys_as(&self, other: &Self) -> bool {
        let set = |one: &Self| {
            one.kept
                .iter()
                .map(|kept| kept.issue)
                .collect::<BTreeSet<_>>()
        };
        self.current == other.current && set(self) == set(other)
    }
}

impl Sight {
    const fn known(&self) -> Option<Issue> {
        match self {
            Self::Known(issue) => Some(*issue),
            Self::Silent | Self::Burned(_) | Self::Foreign(_) | Self::OtherEnctype(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
