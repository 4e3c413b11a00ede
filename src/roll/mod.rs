//! A roll: from its journal to the one next step.
//!
//! [`Roll::apply`] folds [`Record`]s into a state; [`plan`](plan::plan) looks at that state, at
//! what was last [`Observed`] and at the time that has passed, and names the one next [`Step`].
//! The driver writes the record durably, or performs the actions, or waits; never two of them.
//! An irreversible action is planned only in a state that a durable record has opened.

mod apply;
mod frame;
pub mod observed;
pub mod plan;
pub mod policy;
pub mod record;
pub mod recovery;
pub mod story;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use apply::Illegal;
pub use frame::{Base, Candidate, Cause, GenerationNumber, Leftover, Plan, RollNumber, Sealed};
pub use observed::{Answer, DcView, Issued, NoLogin, NodeView, Observed, WhichKey};
pub use plan::{Action, Circumstances, Decision, Step, plan};
pub use policy::OldKey;
pub use record::{Found, Record, Refusal, Resolution, Trouble};

use crate::fence::Version;
use crate::kerberos::Kvno;
use crate::kerberos::salt::Salt;
use crate::keyset::{Role, Unlisted};
use crate::name::{DcName, NodeName};

/// Where a roll stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It looks at everything and changes nothing.
    Planned,
    /// The new password is safe; no node has it.
    Generated,
    /// Nodes get both keys.
    Staging,
    /// The directory gets the password. No abort from here on.
    Committing,
    /// Every domain controller and every node is proven.
    Converging,
    /// Old tickets die.
    Draining,
    /// Nodes lose the old key.
    Retiring,
    /// Nodes lose the new key, which the directory never had.
    Aborting,
    /// It waits for an operator; the nodes keep what they have.
    Halted,
    /// It is over.
    Ended(End),
}

/// How a roll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// The new key is in force everywhere, the old one nowhere.
    Done,
    /// The old key is in force as before.
    Aborted,
    /// Nothing was begun.
    Refused,
    /// An operator ended it halfway; the nodes keep both keys.
    GivenUp,
    /// Its journal was lost and came back from a backup: the world went on without it.
    Overtaken,
}

impl State {
    /// The state's name, as in the CLI and the logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Generated => "generated",
            Self::Staging => "staging",
            Self::Committing => "committing",
            Self::Converging => "converging",
            Self::Draining => "draining",
            Self::Retiring => "retiring",
            Self::Aborting => "aborting",
            Self::Halted => "halted",
            Self::Ended(End::Done) => "done",
            Self::Ended(End::Aborted) => "aborted",
            Self::Ended(End::Refused) => "refused",
            Self::Ended(End::GivenUp) => "given-up",
            Self::Ended(End::Overtaken) => "overtaken",
        }
    }
}

/// The new generation, as journalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its password, sealed.
    pub sealed: Sealed,
    /// The fence attribute's value before a fenced reset; none: absent.
    pub fence_before: Option<String>,
    /// Its value after.
    pub fence: String,
    /// The kvno the directory had.
    pub kvno_before: Kvno,
    /// The kvno predicted, or observed once committed.
    pub kvno: Kvno,
    /// The salt predicted, or observed once committed.
    pub salt: Salt,
    /// How long the longest ticket lives that a domain controller issued before the roll.
    pub longest_ticket: Duration,
}

/// One write to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Where it was sent, if it was.
    pub dc: DcName,
    /// What is known of it.
    pub outcome: Outcome,
}

/// What is known of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing: it may have been sent, and may yet be applied.
    Open,
    /// It was applied.
    Applied,
    /// It was refused.
    Refused,
    /// It is too old to be applied still.
    Settled,
}

/// A roll, as its journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    plan: Plan,
    state: State,
    version: Version,
    generated: Option<Generated>,
    attempts: Vec<Attempt>,
    quarantined: BTreeMap<NodeName, String>,
    converged: BTreeSet<DcName>,
    waived: BTreeSet<DcName>,
    other_kvnos: BTreeSet<Kvno>,
    drain_left: Duration,
    mispredicted: bool,
    giving_up: bool,
    /// A domain controller was seen with the new key at some time, so tickets may be under it.
    issued: bool,
    halt: Option<Halt>,
    verdict: Option<String>,
    refusals: Vec<Refusal>,
    unknown_keys_stay: bool,
    /// Its journal was lost and came back older: a write may have been sent that it does not tell.
    forgetful: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Halt {
    trouble: Trouble,
    from: State,
}

/// Which generation a keyset lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one in force before the roll.
    Base,
    /// The one that the roll brings.
    New,
    /// An older one, of the frame's leftovers.
    Left(GenerationNumber),
}

/// What a keyset is made of; the driver turns it into keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Its version.
    pub version: Version,
    /// Generations in the order in which they stand in a file.
    pub generations: Vec<(Role, Which, Kvno)>,
    /// What becomes of other entries of the array's principals.
    pub unlisted: Unlisted,
}

impl Roll {
    /// Its frame.
    #[must_use]
    pub const fn frame(&self) -> &Plan {
        &self.plan
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The new generation, once there is one.
    #[must_use]
    pub const fn generated(&self) -> Option<&Generated> {
        self.generated.as_ref()
    }

    /// The writes to the directory so far, in order; the first is attempt 1.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The domain controller whose directory tells what the account is like: the one that is to be
    /// written to next.
    #[must_use]
    pub fn account_on(&self) -> &DcName {
        let last = self.attempts.last();
        last.map_or(&self.plan.writer, |attempt| &attempt.dc)
    }

    /// The nodes that the roll goes on without, and why.
    #[must_use]
    pub const fn quarantined(&self) -> &BTreeMap<NodeName, String> {
        &self.quarantined
    }

    /// The domain controllers seen to issue with the new key.
    #[must_use]
    pub const fn converged(&self) -> &BTreeSet<DcName> {
        &self.converged
    }

    /// The domain controllers that an operator said do not matter.
    #[must_use]
    pub const fn waived(&self) -> &BTreeSet<DcName> {
        &self.waived
    }

    /// Whether the directory gave another kvno or salt than predicted: nodes must hear at once.
    #[must_use]
    pub const fn mispredicted(&self) -> bool {
        self.mispredicted
    }

    /// Whether a domain controller was seen to issue with the new key: it is the one in force,
    /// however the roll ends.
    #[must_use]
    pub fn has_committed(&self) -> bool {
        match self.halt.as_ref().map_or(self.state, |halt| halt.from) {
            // Given up without a halt is only a roll that drains.
            State::Converging
            | State::Draining
            | State::Retiring
            | State::Ended(End::Done | End::GivenUp) => true,
            State::Planned
            | State::Generated
            | State::Staging
            | State::Committing
            | State::Aborting
            | State::Halted
            | State::Ended(End::Aborted | End::Refused | End::Overtaken) => false,
        }
    }

    /// Whether a domain controller was seen to issue with the new key at some time: tickets may be
    /// under it, even if the key was lost again with that domain controller.
    #[must_use]
    pub const fn has_issued(&self) -> bool {
        self.issued
    }

    /// How long old tickets may still live, as last written down.
    #[must_use]
    pub const fn drain_left(&self) -> Duration {
        self.drain_left
    }

    /// What it halted on, if it did.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.halt.as_ref().map(|halt| &halt.trouble)
    }

    /// Why it was aborted or abandoned, if it was.
    #[must_use]
    pub fn verdict(&self) -> Option<&str> {
        self.verdict.as_deref()
    }

    /// Why it was refused, if it was.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The members that are not quarantined.
    pub fn serving(&self) -> impl Iterator<Item = &NodeName> {
        self.plan
            .members
            .iter()
            .filter(|node| !self.quarantined.contains_key(*node))
    }

    /// The domain controllers that must be proven.
    pub fn required_dcs(&self) -> impl Iterator<Item = &DcName> {
        self.plan.dcs.iter().filter(|dc| !self.waived.contains(*dc))
    }

    /// The keyset that nodes must hold in this state.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        let state = self.halt.as_ref().map_or(self.state, |halt| halt.from);
        let base = self.plan.base.map(|base| base.kvno);
        let new = self.generated.as_ref().map(|generated| generated.kvno);
        let (before, after) = match state {
            State::Planned
            | State::Generated
            | State::Aborting
            | State::Halted
            | State::Ended(End::Aborted | End::Refused | End::Overtaken) => {
                (Some(Role::Current), None)
            }
            State::Staging => (Some(Role::Current), Some(Role::Pending)),
            State::Committing if !self.issued => (Some(Role::Current), Some(Role::Pending)),
            State::Committing
            | State::Converging
            | State::Draining
            | State::Ended(End::GivenUp) => (Some(Role::Previous), Some(Role::Current)),
            State::Retiring | State::Ended(End::Done) => (None, Some(Role::Current)),
        };
        let before = before
            .zip(base)
            .map(|(role, kvno)| (role, Which::Base, kvno));
        let after = after.zip(new).map(|(role, kvno)| (role, Which::New, kvno));
        let mut generations: Vec<_> = before.into_iter().chain(after).collect();
        let retired = matches!(state, State::Retiring | State::Ended(End::Done));
        if !retired {
            generations.extend(self.still_alive(&generations));
        }
        // The current one first: some acceptors take the first entry that fits.
        generations.sort_by_key(|(role, ..)| *role);
        let unknown = self.plan.base.is_none() || self.unknown_keys_stay;
        let unlisted = if unknown && !retired {
            // Adoption, recovery: tickets under a key that nobody told us are alive until the
            // drain's end.
            Unlisted::Keep
        } else {
            Unlisted::Remove
        };
        Recipe {
            version: self.version,
            generations,
            unlisted,
        }
    }

    /// What tickets may be under besides the generations `listed`: the new key under other kvnos,
    /// and what an earlier roll has left. Never two keys under one kvno: the one listed is in
    /// force, so the directory has never had the other one.
    fn still_alive(&self, listed: &[(Role, Which, Kvno)]) -> Vec<(Role, Which, Kvno)> {
        let others = self.other_kvnos.iter().map(|kvno| (Which::New, *kvno));
        let leftovers = self.plan.leftovers.iter();
        let leftovers = leftovers.map(|left| (Which::Left(left.generation), left.kvno));
        others
            .chain(leftovers)
            .filter(|(_, kvno)| listed.iter().all(|(.., other)| other != kvno))
            .map(|(which, kvno)| (Role::Previous, which, kvno))
            .collect()
    }

    /// How much of a drain is left `since_end` after the roll ended, by whatever clock: a roll
    /// that did not wait for the last ticket under its old key leaves that to the next one.
    #[must_use]
    pub fn cool_down(&self, since_end: Duration) -> Duration {
        let drained = self.state == State::Ended(End::Done) && !plan::impatient(self);
        if drained || !self.has_committed() {
            return Duration::ZERO;
        }
        self.drain().saturating_sub(since_end)
    }

    /// How long the old key stays after the last domain controller has the new one.
    #[must_use]
    pub fn drain(&self) -> Duration {
        let seen = self.generated.as_ref().map(|new| new.longest_ticket);
        self.plan.policy.drain_seen(seen.unwrap_or_default())
    }
}
