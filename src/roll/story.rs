//! A roll told as sentences, from its journal alone.

use std::time::Duration;

use super::frame::Cause;
use super::policy::Method;
use super::record::{Found, Record, Resolution, Trouble};

impl Record {
    /// What happened, as one sentence for an operator.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Planned { plan } => {
                let cause = match plan.cause {
                    Cause::Schedule => "the schedule asked for it",
                    Cause::Operator => "an operator asked for it",
                    Cause::Emergency => "an emergency: old keys may be in wrong hands",
                };
                let method = match plan.policy.method {
                    Method::Change => "change",
                    Method::FencedReset => "fenced reset",
                };
                format!(
                    "Roll {} of {} began ({cause}; {}). Nodes: {}. Writer: {}, by {method}.",
                    plan.roll,
                    plan.array,
                    plan.actor,
                    join(&plan.members),
                    plan.writer
                )
            }
            Self::Refused { reasons } => {
                let each: Vec<String> = reasons
                    .iter()
                    .map(|reason| format!("{}: {} [{}]", reason.object, reason.why, reason.next))
                    .collect();
                format!(
                    "It was refused, and nothing was changed: {}.",
                    each.join("; ")
                )
            }
            Self::Generated {
                kvno_before,
                kvno,
                salt,
                ..
            } => format!(
                "A new password was made and sealed. The directory has kvno {kvno_before} and will \
                 give {kvno}, salt {salt}."
            ),
            Self::Staging { version } => {
                format!("The nodes were to hold the old and the new key (keyset {version}).")
            }
            Self::Enlisted { node } => format!("{node} joined the array and the roll."),
            Self::Quarantined { node, why } => {
                format!("{node} was left behind and must not serve until it has caught up: {why}.")
            }
            Self::Rejoined { node } => format!("{node} had caught up and serves again."),
            Self::CommitIntent { attempt: 1, dc } => {
                format!("Every node had proven both keys: the password was to be written to {dc}.")
            }
            Self::CommitIntent { attempt, dc } => {
                format!("The same password was to be written to {dc}, attempt {attempt}.")
            }
            Self::AttemptApplied { attempt } => {
                format!("Attempt {attempt} was answered with success.")
            }
            Self::AttemptRefused { attempt, why } => format!("Attempt {attempt}: {why}."),
            Self::Settled => "No write without an answer could be applied any more.".to_owned(),
            Self::Abandoned { why } => format!("The old password is in force: {why}."),
            Self::Committed { kvno, version, .. } => format!(
                "Tickets were seen under the new key, kvno {kvno}; initiators were to use it \
                 (keyset {version})."
            ),
            Self::Renumbered { kvno, version } => format!(
                "Tickets were seen under the new key with kvno {kvno}; the nodes were to hold it \
                 under that one too (keyset {version})."
            ),
            Self::Converged { dcs } => format!("{} issued with the new key.", join(dcs)),
            Self::Waived { dc, actor } => format!("{actor} waived {dc}."),
            Self::Draining { left } => format!(
                "Every node accepted a fresh and an old ticket. Old tickets live for another {}.",
                human(*left)
            ),
            Self::Drained { left } => format!("Old tickets live for another {}.", human(*left)),
            Self::Regressed { dc } => {
                format!("{dc} issued with the old key again, and was to be proven anew.")
            }
            Self::Retiring { version } => {
                format!("The nodes were to hold the new key alone (keyset {version}).")
            }
            Self::Done => "Every serving node holds the new key alone. Done.".to_owned(),
            Self::Aborting { why, version } => {
                format!(
                    "It was aborted: {why}. The new key was to leave the nodes (keyset {version})."
                )
            }
            Self::Aborted => "The old key is in force as before; the new one is gone.".to_owned(),
            Self::Halted { trouble } => {
                format!("It stopped for an operator: {}.", trouble.sentence())
            }
            Self::Resolved { choice, actor } => match choice {
                Resolution::Continue => format!("{actor} said to go on."),
                Resolution::GiveUp => format!("{actor} ended it; the nodes keep what they hold."),
            },
            Self::Recovered {
                version,
                found,
                actor,
            } => format!(
                "The journal ended here and was older than the nodes; {actor} had it recovered: \
                 {} (keyset {version}).",
                found.sentence()
            ),
        }
    }
}

impl Found {
    /// What was found, without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::NotCommitted => {
                "no domain controller issues with the new key, and the roll goes on".to_owned()
            }
            Self::Committed { kvno, .. } => format!(
                "the new key is in force, kvno {kvno}; everything is proven anew, and old tickets \
                 are waited for"
            ),
            Self::Retired { kvno, .. } => format!(
                "the new key is in force, kvno {kvno}, and the old one had been retired already"
            ),
            Self::Overtaken => "the roll is over; what is in force is not of it".to_owned(),
        }
    }
}

impl Trouble {
    /// What was seen, without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::ForeignKey { dc, kvno } => format!(
                "{dc} issues tickets (kvno {kvno}) under a key that nobody here made; somebody \
                 set the password"
            ),
            Self::ForeignEnctype { dc, enctype } => format!(
                "{dc} issues tickets of enctype {enctype}, of which no keytab has a key; somebody \
                 changed msDS-SupportedEncryptionTypes"
            ),
            Self::WithoutEffect { dc } => {
                format!("{dc} said that the password was set, and issues with the old key")
            }
            Self::NodeRefuses { node, why } => {
                format!("{node} holds the keys and refuses a ticket under one of them: {why}")
            }
        }
    }
}

fn join<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    names
        .into_iter()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A duration as people say it: `10 h 30 min`, `45 s`.
#[must_use]
pub fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
