//! What the journal says: the records of one roll, in the order in which they may follow.
//!
//! A record is durable *before* the effect that it opens. Replaying the records through
//! [`super::Roll::apply`] is the only recovery there is.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use super::frame::{GenerationNumber, Plan, Sealed};
use crate::fence::Version;
use crate::kerberos::Kvno;
use crate::kerberos::salt::Salt;
use crate::name::{DcName, NodeName};

/// One entry of a roll's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[serde(rename_all = "kebab-case", tag = "record")]
#[strum(serialize_all = "kebab-case")]
pub enum Record {
    /// The roll exists. Nothing but looking follows.
    Planned {
        /// Its frame.
        plan: Box<Plan>,
    },
    /// The preflight found reasons against it. Nothing was changed; the roll ends.
    Refused {
        /// All of them, at once.
        reasons: Vec<Refusal>,
    },
    /// The new password is safe on the controller's disk.
    Generated {
        /// The password, sealed.
        sealed: Sealed,
        /// For a fenced reset: the fence attribute's value before the write; none: absent.
        fence_before: Option<String>,
        /// For a fenced reset: its value after the write.
        fence: String,
        /// The kvno that the directory had.
        kvno_before: Kvno,
        /// The kvno that the directory will give.
        kvno: Kvno,
        /// The salt that the directory will use.
        salt: Salt,
        /// How long the longest ticket lives that a domain controller issued before the roll.
        #[serde(default)]
        longest_ticket: Duration,
    },
    /// Opens the push of the keyset with both keys.
    Staging {
        /// The keyset's version.
        version: Version,
    },
    /// This node joined the array while the roll was under way, and counts from now on.
    Enlisted {
        /// The node.
        node: NodeName,
    },
    /// The roll goes on without this node, which must not serve until it has caught up.
    Quarantined {
        /// The node.
        node: NodeName,
        /// Why.
        why: String,
    },
    /// A quarantined node holds the keyset and accepted its proofs.
    Rejoined {
        /// The node.
        node: NodeName,
    },
    /// Opens one write to the directory. From here on there is no abort.
    CommitIntent {
        /// Counts the writes of this roll, from 1. All of them carry the same password.
        attempt: u32,
        /// Where.
        dc: DcName,
    },
    /// The domain controller said success to the attempt.
    AttemptApplied {
        /// Which.
        attempt: u32,
    },
    /// The domain controller refused the attempt.
    AttemptRefused {
        /// Which.
        attempt: u32,
        /// Why, in the directory's words.
        why: String,
    },
    /// Every attempt without an answer is too old to be applied still. Whether one was is seen
    /// after this record, since a look from before it may be older than the last moment.
    Settled,
    /// Every attempt was refused or settled, and every domain controller was seen since without
    /// the new key: nothing happened.
    Abandoned {
        /// Why, in words.
        why: String,
    },
    /// A domain controller was seen to issue with the new key.
    Committed {
        /// The kvno in its ticket.
        kvno: Kvno,
        /// The salt that its key was derived with.
        salt: Salt,
        /// The keyset with the new key as the current one.
        version: Version,
    },
    /// A domain controller was seen to issue with the new key under another kvno: the directory
    /// counted once more, or differently in two places. The nodes get the key under it too.
    Renumbered {
        /// The kvno in its ticket.
        kvno: Kvno,
        /// The keyset with the new key under it.
        version: Version,
    },
    /// These domain controllers were seen to issue with the new key.
    Converged {
        /// Which.
        dcs: BTreeSet<DcName>,
    },
    /// An operator takes it upon himself that this domain controller does not matter.
    Waived {
        /// Which.
        dc: DcName,
        /// Who.
        actor: String,
    },
    /// Every domain controller has the new key and every node has proven both.
    Draining {
        /// How long old tickets may still live.
        left: Duration,
    },
    /// Some of the drain has passed, by the monotonic clock of one process.
    Drained {
        /// How much is left.
        left: Duration,
    },
    /// A domain controller that was proven went back to the old key: a drain begins anew.
    Regressed {
        /// Which.
        dc: DcName,
    },
    /// Opens the push of the keyset without the old key.
    Retiring {
        /// The keyset's version.
        version: Version,
    },
    /// Every serving node holds the new key alone.
    Done,
    /// Opens the push of the keyset without the new key.
    Aborting {
        /// The keyset's version.
        version: Version,
        /// Why.
        why: String,
    },
    /// Every reachable node has given the new key up; it will never be used.
    Aborted,
    /// Something that no rule covers: an operator must say how to go on. Logins go on.
    Halted {
        /// What was seen.
        trouble: Trouble,
    },
    /// An operator has said how to go on.
    Resolved {
        /// How.
        choice: Resolution,
        /// Who.
        actor: String,
    },
    /// The journal was older than the nodes and the directory, which an operator had looked at.
    Recovered {
        /// A keyset version above all that a node was given: that of the state from here on.
        version: Version,
        /// What has become of the roll meanwhile.
        found: Found,
        /// Who.
        actor: String,
    },
}

/// What has become of a roll whose journal is older than the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "found")]
pub enum Found {
    /// No domain controller issues with its key: it goes on from where its journal ends.
    NotCommitted,
    /// Domain controllers issue with its key, and tickets under the old one may be alive.
    Committed {
        /// The kvno in their tickets.
        kvno: Kvno,
        /// The salt that the key was derived with.
        salt: Salt,
    },
    /// The same, and whoever went on with the roll has taken the old key from every node: the last
    /// ticket under it was dead.
    Retired {
        /// The kvno in their tickets.
        kvno: Kvno,
        /// The salt that the key was derived with.
        salt: Salt,
    },
    /// Neither of its keys is in force, or it had none yet: it ends here.
    Overtaken,
}

/// Why a roll stopped and waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "trouble")]
pub enum Trouble {
    /// A domain controller issues with a key that nobody here made.
    ForeignKey {
        /// Which.
        dc: DcName,
        /// The kvno of its tickets.
        kvno: Kvno,
    },
    /// A domain controller issues tickets of an enctype that no keytab of the array has a key of.
    ForeignEnctype {
        /// Which.
        dc: DcName,
        /// The enctype's number.
        enctype: i32,
    },
    /// The directory said success, and still issues with the old key.
    WithoutEffect {
        /// Which.
        dc: DcName,
    },
    /// A node that holds the keyset refuses a ticket all the same.
    NodeRefuses {
        /// Which.
        node: NodeName,
        /// In the acceptor's words.
        why: String,
    },
}

/// How an operator resolves a halted roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "choice")]
pub enum Resolution {
    /// The cause is gone: look again from the state in which it halted.
    Continue,
    /// End here. The nodes keep both keys; the array needs a look. With a write under way it ends
    /// once that cannot be applied any more, or goes on if it was; at the next halt it ends.
    GiveUp,
}

/// One reason why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word for programs: `account-disabled`, `clock-off`, …
    pub code: String,
    /// The object it is about.
    pub object: String,
    /// What is wrong and why it matters, one sentence.
    pub why: String,
    /// What to type next.
    pub next: String,
}

impl Refusal {
    /// A reason with its four parts.
    pub fn new(
        code: &str,
        object: impl ToString,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            object: object.to_string(),
            why: why.into(),
            next: next.into(),
        }
    }
}

impl Record {
    /// The record's name, as in logs, failpoints and the story of a roll. `Record::VARIANTS` has
    /// them all.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// What is sealed in it, and whose it is, in a journal whose roll brings `generation`.
    pub fn sealed_mut(
        &mut self,
        generation: GenerationNumber,
    ) -> Vec<(GenerationNumber, &mut Sealed)> {
        match self {
            Self::Planned { plan } => {
                let left = plan.leftovers.iter_mut();
                left.map(|one| (one.generation, &mut one.secret)).collect()
            }
            Self::Generated { sealed, .. } => vec![(generation, sealed)],
            Self::Refused { .. }
            | Self::Staging { .. }
            | Self::Enlisted { .. }
            | Self::Quarantined { .. }
            | Self::Rejoined { .. }
            | Self::CommitIntent { .. }
            | Self::AttemptApplied { .. }
            | Self::AttemptRefused { .. }
            | Self::Settled
            | Self::Abandoned { .. }
            | Self::Committed { .. }
            | Self::Renumbered { .. }
            | Self::Converged { .. }
            | Self::Waived { .. }
            | Self::Draining { .. }
            | Self::Drained { .. }
            | Self::Regressed { .. }
            | Self::Retiring { .. }
            | Self::Done
            | Self::Aborting { .. }
            | Self::Aborted
            | Self::Halted { .. }
            | Self::Resolved { .. }
            | Self::Recovered { .. } => Vec::new(),
        }
    }

    /// The version of the keyset that nodes are to hold from this record on, where it brings one.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Staging { version }
            | Self::Committed { version, .. }
            | Self::Renumbered { version, .. }
            | Self::Retiring { version }
            | Self::Aborting { version, .. }
            | Self::Recovered { version, .. } => Some(*version),
            Self::Planned { .. }
            | Self::Refused { .. }
            | Self::Generated { .. }
            | Self::Enlisted { .. }
            | Self::Quarantined { .. }
            | Self::Rejoined { .. }
            | Self::CommitIntent { .. }
            | Self::AttemptApplied { .. }
            | Self::AttemptRefused { .. }
            | Self::Settled
            | Self::Abandoned { .. }
            | Self::Converged { .. }
            | Self::Waived { .. }
            | Self::Draining { .. }
            | Self::Drained { .. }
            | Self::Regressed { .. }
            | Self::Done
            | Self::Aborted
            | Self::Halted { .. }
            | Self::Resolved { .. } => None,
        }
    }
}
