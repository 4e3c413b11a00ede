//! What was last seen. Emptied by each record: every state begins by looking.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frame::Candidate;
use super::record::Refusal;
use crate::account::AccountState;
use crate::fence::Version;
use crate::kerberos::Kvno;
use crate::kerberos::salt::Salt;
use crate::keyset::Role;
use crate::name::{DcName, NodeName};

/// Everything that `plan` may look at besides the journal.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The account, as the directory that is written to shows it; `Err` names what kept us from
    /// reading it.
    pub account: Option<Result<AccountState, String>>,
    /// Each node asked so far.
    pub nodes: BTreeMap<NodeName, NodeView>,
    /// Each node that was told not to serve: whether it confirmed that, or why it is not known to.
    pub told: BTreeMap<NodeName, Result<(), String>>,
    /// Each domain controller asked so far.
    pub dcs: BTreeMap<DcName, DcView>,
    /// A new password, sealed, that nothing has seen yet.
    pub candidate: Option<Candidate>,
    /// What became of the write that this process sent for the last attempt.
    pub answer: Option<Answer>,
    /// Nodes that failed at least once since the last record; a wait does not forget them.
    pub failed_before: BTreeSet<NodeName>,
    /// How many waits there have been since the last record: the back-off grows with it.
    pub waits: u32,
}

impl Observed {
    /// Forgets what was seen to be wrong, so that `plan` looks again. Called after each wait.
    pub fn look_again(&mut self) {
        self.waits = self.waits.saturating_add(1);
        if matches!(self.account, Some(Err(_))) {
            self.account = None;
        }
        let failed = self.nodes.iter().filter(|(_, view)| view.trouble.is_some());
        self.failed_before
            .extend(failed.map(|(node, _)| node.clone()));
        self.nodes.retain(|_, view| view.trouble.is_none());
        self.told.retain(|_, confirmed| confirmed.is_ok());
        self.dcs.clear();
        if matches!(self.answer, Some(Answer::Unanswered { .. })) {
            self.answer = None;
        }
    }
}

/// One node, as last heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeView {
    /// The version that the node was *seen* to hold whole: every entry's fingerprint compared.
    pub holds: Option<Version>,
    /// The roles of the generations that the node's keytabs were seen to accept a ticket of.
    pub accepts: BTreeSet<Role>,
    /// The roles whose ticket a keytab refused, with the acceptor's words.
    pub refuses: Option<String>,
    /// Why the node could not be asked or did not do as asked.
    pub trouble: Option<String>,
    /// Reasons of the node's own against a roll (folder read-only, disk full, clock off).
    pub refusals: Vec<Refusal>,
}

/// One domain controller, as last asked for a service ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DcView {
    /// It issued a ticket.
    Issues(Issued),
    /// It did not answer, or refused; in words.
    Trouble(String),
}

/// A ticket that a domain controller issued just now, and the key that opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Whose key it is.
    pub key: WhichKey,
    /// The kvno in the ticket.
    pub kvno: Kvno,
    /// The ticket's enctype number; one the array lacks no keytab of ours could open.
    pub enctype: i32,
    /// The salt with which the key was derived: the domain controller's own word where it differs
    /// from the prediction.
    pub salt: Option<Salt>,
    /// How far the domain controller's clock is ahead of or behind ours, in either direction.
    pub clock_offset: Duration,
    /// How long the longest-lived ticket lives that this domain controller gives: this one, or the
    /// ticket-granting one that it follows from.
    pub ticket_life: Duration,
    /// Why the account may not log in there with that key, where it was tried: the domain
    /// controller is not proven by a login then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_login: Option<NoLogin>,
}

/// Why an account may not log in with a key that a ticket has shown to be in force; in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoLogin {
    /// Its password has expired: a new one cures that.
    Expired(String),
    /// Something that no password cures.
    Barred(String),
}

/// Which of the keys we know opens a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhichKey {
    /// The key in force before this roll.
    Base,
    /// The key that this roll brings.
    New,
    /// None that we know: somebody else set a password.
    Foreign,
}

/// What became of a write to the directory: three outcomes, never two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The domain controller said success.
    Applied,
    /// The domain controller refused *this request*; that says nothing about an earlier one.
    Refused {
        /// The LDAP result code.
        code: u32,
        /// The Win32 code in the diagnostic message, if there was one (0x56, 0x52D, …).
        win32: Option<u32>,
        /// The diagnostic message.
        text: String,
    },
    /// Nobody knows: the connection was lost, or no answer came in time.
    Unanswered {
        /// What was seen instead of an answer.
        text: String,
    },
}
