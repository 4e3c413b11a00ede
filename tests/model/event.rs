//! What can happen, one thing at a time, and how it reads.

use std::fmt;

use keyroll::roll::Resolution;

use crate::question::Act;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The next roll is begun.
    Begin,
    /// The controller writes the record that `plan` names.
    Write,
    /// The controller does one of the actions that `plan` names.
    Did(Act, How),
    /// The controller has waited, and forgets what was wrong.
    Waited,
    /// The controller dies, and another one takes over.
    ControllerDies,
    /// Reconciliation looks at a node, and mends what may be mended.
    Reconciled(u8),
    Abort,
    Resolve(Choice),
    Waive(u8),
    SetAside(u8),
    Release(u8),
    Join(u8),
    /// 2 s pass.
    Moment,
    /// 30 s pass.
    Tick,
    Replicated(u8, u8),
    /// A write whose answer was lost is applied after all.
    AppliedLate(u8),
    /// A keyset arrives late or once more.
    ArrivedLate(u8),
    Foreign(u8),
    Bumped(u8),
    Restored(u8),
    NodeDies(u8),
    NodeStarts(u8),
    Snapshot(u8),
    NodeRestored(u8),
    Sickens(u8),
    Recovers(u8),
}

/// How an action went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As the world is.
    Plainly,
    /// Without an answer, though it was done where there was something to do.
    Cut,
    /// Without an answer; it may still arrive.
    Late,
    /// With an answer; a copy of it may still arrive.
    Twice,
    /// The directory refuses for reasons of its own.
    Refused,
    /// The directory says success and does nothing.
    Lied,
}

/// What an operator says to a halted roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Continue,
    GiveUp,
}

impl From<Choice> for Resolution {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Continue => Self::Continue,
            Choice::GiveUp => Self::GiveUp,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => write!(f, "a roll begins"),
            Self::Write => write!(f, "the controller writes"),
            Self::Did(act, how) => write!(f, "the controller {act}{how}"),
            Self::Waited => write!(f, "the controller waits, and will look again"),
            Self::ControllerDies => write!(f, "the controller dies, and another takes over"),
            Self::Reconciled(node) => write!(f, "reconciliation sees to n{node}"),
            Self::Abort => write!(f, "an operator asks for an abort"),
            Self::Resolve(Choice::Continue) => write!(f, "an operator says: continue"),
            Self::Resolve(Choice::GiveUp) => write!(f, "an operator says: give up"),
            Self::Waive(dc) => write!(f, "an operator waives dc{dc}"),
            Self::SetAside(node) => write!(f, "an operator quarantines n{node}"),
            Self::Release(node) => write!(f, "an operator releases n{node}"),
            Self::Join(node) => write!(f, "n{node} joins the array"),
            Self::Moment => write!(f, "2 s pass"),
            Self::Tick => write!(f, "30 s pass"),
            Self::Replicated(from, to) => write!(f, "dc{to} hears from dc{from}"),
            Self::AppliedLate(_) => write!(f, "a write without an answer is applied late"),
            Self::ArrivedLate(_) => write!(f, "a keyset arrives late"),
            Self::Foreign(dc) => write!(f, "somebody sets another password on dc{dc}"),
            Self::Bumped(dc) => write!(f, "somebody sets the same password again on dc{dc}"),
            Self::Restored(dc) => write!(f, "dc{dc} is restored from before the roll"),
            Self::NodeDies(node) => write!(f, "n{node} dies"),
            Self::NodeStarts(node) => write!(f, "n{node} starts"),
            Self::Snapshot(node) => write!(f, "a snapshot of n{node} is taken"),
            Self::NodeRestored(node) => write!(f, "n{node} is restored from its snapshot"),
            Self::Sickens(node) => write!(f, "n{node} cannot write its keytab any more"),
            Self::Recovers(node) => write!(f, "n{node} can write its keytab again"),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => write!(f, "reads the account"),
            Self::Dc(dc) => write!(f, "looks at dc{dc}"),
            Self::Look(node) => write!(f, "looks at n{node}"),
            Self::Generate => write!(f, "makes a password"),
            Self::Stage(node) => write!(f, "pushes the keyset to n{node}"),
            Self::Shut(node) => write!(f, "tells n{node} not to serve"),
            Self::Prove(node, _) => write!(f, "has n{node} accept tickets"),
            Self::Commit(attempt, dc) => write!(f, "sends write {attempt} to dc{dc}"),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plainly => "",
            Self::Cut => "; done, no answer",
            Self::Late => "; no answer, it is on its way",
            Self::Twice => "; answered, and a copy is on its way",
            Self::Refused => "; the directory refuses",
            Self::Lied => "; success, it says, and does nothing",
        })
    }
}
