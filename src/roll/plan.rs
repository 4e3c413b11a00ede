//! The one next step of a roll, and the reason for it.

mod commit;
pub mod evidence;
mod nodes;
pub mod preflight;
mod prove;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use strum::{IntoStaticStr, VariantNames};

use super::apply::{BEFORE_COMMIT, WITH_NODES};
use super::observed::Observed;
use super::record::Record;
use super::{End, OldKey, Roll, State};
use crate::fence::Version;
use crate::keyset::Role;
use crate::name::{DcName, NodeName};

/// What the driver does next: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make this record durable, apply it, and forget everything observed.
    Write(Record),
    /// Do all of these, side by side, each of them safe to repeat; note what was seen.
    Do(Vec<Action>),
    /// Nothing to do for at most this long, or until something happens; then look again.
    Wait(Duration),
    /// The roll is over.
    End(End),
}

/// Something that is done to look, or to bring about what a record has opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Action {
    /// Read the account on the DC that is written to ([`Roll::account_on`]).
    LookAtAccount,
    /// Get a service ticket from this domain controller and see which key opens it.
    LookAtDc(DcName),
    /// Ask the node what it holds, and compare with the keyset of the present state.
    LookAtNode(NodeName),
    /// Make a new password, seal it, keep it in memory.
    Generate,
    /// Push the keyset of the present state, and compare what was read back from disk.
    Stage(NodeName),
    /// Tell the node, which the roll goes on without, that it must not serve.
    Shut(NodeName),
    /// Have the node accept a ticket under the key of each of these roles.
    Prove(NodeName, Vec<Role>),
    /// Send the write of this attempt.
    Commit {
        /// Which, from 1.
        attempt: u32,
        /// Where.
        dc: DcName,
    },
}

impl Action {
    /// Its name, as in failpoints. `Action::VARIANTS` has them all.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// A step and why it is the one, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The step.
    pub step: Step,
    /// Why, a phrase that completes "now: …".
    pub reason: String,
}

impl Decision {
    fn new(step: Step, reason: impl Into<String>) -> Self {
        Self {
            step,
            reason: reason.into(),
        }
    }

    fn write(record: Record, reason: impl Into<String>) -> Self {
        Self::new(Step::Write(record), reason)
    }
}

/// What else bears on the next step: time, by this process's monotonic clock alone, and wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Since the last record was written, or the write to the directory that it opened came back,
    /// with an answer or without; after a start, since the process took over.
    pub since_record: Duration,
    /// Since the state was entered or, after a start, since the process took over.
    pub since_state: Duration,
    /// Nodes of the array that may serve and are not in the roll: they joined after it began.
    pub strangers: BTreeSet<NodeName>,
    /// Nodes that an operator has quarantined, in the roll or not, and members that were removed.
    pub set_aside: BTreeSet<NodeName>,
    /// Nodes that cannot be told to shut their gates, and after how long they will have done so by
    /// themselves, for want of a controller's word. Not those that have, nor those that never will.
    pub shut_in: BTreeMap<NodeName, Duration>,
    /// Nodes that were told to shut their gates, or could not be, so lately that a balancer may
    /// send them users still; and for how long it may.
    pub still_sent: BTreeMap<NodeName, Duration>,
    /// An operator's wish to abort, with the reason given.
    pub abort: Option<String>,
    /// The attempt that this very process recorded and has not sent. After a start: none, since
    /// nobody can know any more.
    pub unsent: Option<u32>,
    /// The next free keyset version of the array.
    pub next_version: Version,
}

/// Names the next step. Pure: the same arguments give the same step, for ever.
#[must_use]
pub fn plan(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Decision {
    let early = BEFORE_COMMIT.contains(&roll.state) && roll.untouched();
    // What its journal has lost may have been done all the same: from the state with nodes it is
    // looked for before an end.
    let sure = !(roll.forgetful && roll.state == State::Generated);
    if let Some(why) = circumstances.abort.as_ref().filter(|_| early && sure) {
        return aborting(roll, observed, circumstances, why);
    }
    if let Some(decision) = membership(roll, circumstances, early) {
        return decision;
    }
    match roll.state {
        State::Planned => preflight::plan(roll, observed),
        State::Generated => Decision::write(
            Record::Staging {
                version: circumstances.next_version,
            },
            "the new password is safe here: the nodes may get its keys",
        ),
        State::Staging => nodes::plan_staging(roll, observed, circumstances),
        State::Committing => commit::plan(roll, observed, circumstances),
        State::Converging => prove::plan_converging(roll, observed, circumstances),
        State::Draining => prove::plan_draining(roll, observed, circumstances),
        State::Retiring => nodes::plan_last_push(roll, observed, circumstances, Record::Done),
        // It had no password yet, nor a look at the directory: the nodes keep what they hold.
        State::Aborting if roll.generated.is_none() => {
            Decision::write(Record::Aborted, "no node was given anything")
        }
        State::Aborting => nodes::plan_last_push(roll, observed, circumstances, Record::Aborted),
        State::Halted => Decision::new(
            Step::Wait(Duration::from_secs(3600)),
            format!(
                "halted; go on with: keyroll roll resolve {}",
                roll.plan.array
            ),
        ),
        State::Ended(end) => Decision::new(Step::End(end), State::Ended(end).name()),
    }
}

/// Who serves may have changed since the roll began. A node that serves and is not in the roll
/// would refuse the first ticket under the new key, so before the commit it is taken in; later on
/// reconciliation gives it what the others hold.
fn membership(roll: &Roll, circumstances: &Circumstances, early: bool) -> Option<Decision> {
    if let Some(node) = circumstances.strangers.first().filter(|_| early) {
        let reason = format!("{node} has joined the array");
        return Some(Decision::write(
            Record::Enlisted { node: node.clone() },
            reason,
        ));
    }
    let with_nodes = WITH_NODES.contains(&roll.state);
    let aside = roll
        .serving()
        .find(|node| circumstances.set_aside.contains(*node));
    let node = aside.filter(|_| with_nodes)?.clone();
    let reason = format!("an operator has set {node} aside");
    let why = "an operator set it aside".to_owned();
    Some(Decision::write(Record::Quarantined { node, why }, reason))
}

/// The end of a roll before its write, and its key leaves the nodes; unless that is in force.
fn aborting(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    why: impl Into<String>,
) -> Decision {
    if roll.state == State::Staging
        && let Some(decision) = commit::written_after_all(roll, observed, circumstances)
    {
        return decision;
    }
    let why = why.into();
    let reason = format!("aborting: {why}");
    Decision::write(
        Record::Aborting {
            version: circumstances.next_version,
            why,
        },
        reason,
    )
}

/// How long to wait before looking again, the longer the more often it was in vain: 0.25 s
/// doubling to 15 s. An event ends a wait early, so this bounds only what sends no events.
fn back_off(observed: &Observed) -> Duration {
    let doublings = observed.waits.min(6);
    Duration::from_millis(250u64 << doublings).min(Duration::from_secs(15))
}

fn wait(observed: &Observed, reason: impl Into<String>) -> Decision {
    Decision::new(Step::Wait(back_off(observed)), reason)
}

/// Whether the policy removes the old key before its last ticket is dead.
pub(super) fn impatient(roll: &Roll) -> bool {
    roll.plan.policy.old_key != OldKey::UntilDrained
}

/// Lists names for a reason: "node1, node2 and 3 more".
fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    match names.len() {
        0..=4 => names.join(", "),
        more => format!("{} and {} more", names[..3].join(", "), more - 3),
    }
}
