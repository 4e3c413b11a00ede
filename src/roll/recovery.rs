//! After a controller's state was lost and came back older than the world: what is in force, from
//! what the domain controllers issue with.

use super::Roll;
use super::record::Found;
use crate::kerberos::Kvno;
use crate::kerberos::salt::Salt;

/// Whose key a domain controller issues with, of those that the old records name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// The generation that they take for the one in force.
    Recorded,
    /// The one that the open roll brings.
    Roll,
    /// The one before the one in force, kept sealed for a while.
    Before,
    /// None of these.
    Unknown,
}

/// What one domain controller was seen to issue with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whose key.
    pub key: Issuer,
    /// The kvno in its ticket.
    pub kvno: Kvno,
    /// The salt, where the KDC named another than was predicted.
    pub salt: Option<Salt>,
}

/// Which generation is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// The recorded one; or none is recorded, and still none is known.
    Recorded,
    /// The one of the open roll.
    Roll,
    /// The one before the recorded one.
    Before(Kvno),
    /// One that nobody here has: the records end before it was made, or somebody else set it.
    Unknown(Kvno),
}

/// What follows from the looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which generation is in force.
    pub in_force: InForce,
    /// What to write into the journal of the roll that was open, if one was.
    pub found: Option<Found>,
}

/// Judges what was seen of an array whose records are old.
///
/// * `roll`: the one that its journal has open.
/// * `recorded`: whether its records name a generation in force at all.
/// * `looks`: one for each domain controller that answered.
/// * `retired`: every domain controller and every node answered, nodes were given more than the
///   journal knows of, and none of them holds the old key any more.
///
/// `None` if no domain controller answered: nothing can be said then.
///
/// One domain controller with a new unknown key is enough to call it unknown, since it will
/// replicate. An unknown key with a lower kvno than a known one is a domain controller that lags.
#[must_use]
pub fn judge(
    roll: Option<&Roll>,
    recorded: bool,
    looks: &[Look],
    retired: bool,
) -> Option<Verdict> {
    let first = looks.first()?;
    let adopted_before = roll
        .filter(|roll| roll.frame().base.is_none())
        .and_then(|roll| roll.generated().map(|new| new.kvno_before));
    // The key of before an adoption is not known, and is recognized by its kvno.
    let known = |look: &&Look| look.key != Issuer::Unknown || Some(look.kvno) == adopted_before;
    let newest_known = looks.iter().filter(known).map(|look| look.kvno).max();
    let unknown = looks
        .iter()
        .filter(|look| !known(look) && Some(look.kvno) > newest_known)
        .map(|look| look.kvno)
        .max();
    let nothing_to_know = !recorded && roll.is_none();
    let in_force = if nothing_to_know {
        InForce::Recorded
    } else if let Some(kvno) = unknown {
        InForce::Unknown(kvno)
    } else if looks.iter().any(|look| look.key == Issuer::Roll) {
        InForce::Roll
    } else if looks.iter().all(|look| look.key == Issuer::Before) {
        InForce::Before(first.kvno)
    } else {
        InForce::Recorded
    };
    let found = roll.map(|roll| found(roll, in_force, looks, retired));
    Some(Verdict { in_force, found })
}

fn found(roll: &Roll, in_force: InForce, looks: &[Look], retired: bool) -> Found {
    let new = looks.iter().find(|look| look.key == Issuer::Roll);
    match (in_force, roll.generated(), new) {
        (InForce::Roll, Some(generated), Some(new)) => {
            let kvno = new.kvno;
            let salt = new.salt.clone().unwrap_or_else(|| generated.salt.clone());
            if retired {
                Found::Retired { kvno, salt }
            } else {
                Found::Committed { kvno, salt }
            }
        }
        (InForce::Recorded, Some(_), _) => Found::NotCommitted,
        _ => Found::Overtaken,
    }
}
