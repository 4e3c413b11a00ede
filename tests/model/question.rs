//! What is asked of `plan`, in small and in full, and what it answers.

use std::time::Duration;

use keyroll::account::{AccountState, OtherOwners};
use keyroll::fence::Version;
use keyroll::kerberos::Kvno;
use keyroll::kerberos::salt::{AccountKind, SaltSource};
use keyroll::keyset::Role;
use keyroll::roll::{
    Action, Answer, Candidate, Circumstances, DcView, Issued, NodeView, Observed, Record, Refusal,
    Sealed, WhichKey,
};

use crate::ledger::{Brief, dc, node, number};
use crate::world::{DcSeen, FIRST_KVNO, KeyId, NodeSeen, Said, Seen, Slot};

/// A tick: what a drain is written down by. Everything else in these worlds lasts one tick or two.
pub const TICK: Duration = Duration::from_secs(30);

/// What is counted since the last record: nothing, long enough for a write to be repeated, a tick,
/// two.
const TIMES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(2),
    TICK,
    Duration::from_secs(60),
];

/// The place of the short time among them.
pub const MOMENT: u8 = 1;

/// Everything that `plan` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    pub roll: u32,
    pub seen: Seen,
    pub since_record: u8,
    pub since_state: u8,
    pub abort: bool,
    pub unsent: u8,
    pub next_version: u8,
    /// Bits by node.
    pub strangers: u8,
    pub set_aside: u8,
}

/// What it answers.
#[derive(Debug)]
pub enum Next {
    /// A record, and the roll with it.
    Write(Record, u32),
    /// A record that `apply` did not take.
    Illegal(String),
    Do(Vec<Act>),
    Wait,
    End,
}

/// An [`Action`] in small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    Account,
    Dc(u8),
    Look(u8),
    Generate,
    Stage(u8),
    Shut(u8),
    /// Roles by bit.
    Prove(u8, u8),
    Commit(u8, u8),
}

impl Act {
    pub fn of(action: &Action) -> Self {
        match action {
            Action::LookAtAccount => Self::Account,
            Action::LookAtDc(dc) => Self::Dc(number(dc.as_str())),
            Action::LookAtNode(node) => Self::Look(number(node.as_str())),
            Action::Generate => Self::Generate,
            Action::Stage(node) => Self::Stage(number(node.as_str())),
            Action::Shut(node) => Self::Shut(number(node.as_str())),
            Action::Prove(node, roles) => {
                let roles = roles.iter().fold(0, |bits, role| bits | 1 << *role as u8);
                Self::Prove(number(node.as_str()), roles)
            }
            Action::Commit { attempt, dc } => {
                let attempt = u8::try_from(*attempt).unwrap_or(u8::MAX);
                Self::Commit(attempt, number(dc.as_str()))
            }
        }
    }
}

/// Roles in the order of their bits.
pub const ROLES: [Role; 3] = [Role::Current, Role::Pending, Role::Previous];

/// Whose key a ticket is under, as far as a roll knows.
pub fn which(brief: &Brief, slot: Slot) -> WhichKey {
    if brief.base.is_some_and(|base| base.key() == slot.key()) {
        WhichKey::Base
    } else if brief.new.is_some_and(|new| new.key() == slot.key()) {
        WhichKey::New
    } else {
        WhichKey::Foreign
    }
}

/// Whether a node was seen to hold and to have proven what it shall.
pub fn is_proven(seen: &NodeSeen, brief: &Brief) -> bool {
    let roles = brief.roles.iter().enumerate();
    let mut wanted = roles.filter(|(_, slot)| slot.is_some());
    seen.holds == Some(brief.content.version)
        && wanted.all(|(role, _)| seen.accepts & (1 << role) != 0)
}

impl Question {
    pub fn circumstances(&self) -> Circumstances {
        let nodes = |bits: u8| (0..8).filter(move |n| bits & (1 << n) != 0).map(node);
        Circumstances {
            since_record: TIMES[usize::from(self.since_record)],
            since_state: TICK * u32::from(self.since_state),
            strangers: nodes(self.strangers).collect(),
            set_aside: nodes(self.set_aside).collect(),
            shut_in: std::collections::BTreeMap::new(),
            still_sent: std::collections::BTreeMap::new(),
            abort: self.abort.then(String::new),
            unsent: (self.unsent != 0).then_some(u32::from(self.unsent)),
            next_version: Version(u64::from(self.next_version)),
        }
    }

    pub fn observed(&self, brief: &Brief) -> Observed {
        let seen = &self.seen;
        let nodes = seen.nodes.iter().enumerate().filter(|(_, node)| node.asked);
        let dcs = seen.dcs.iter().enumerate().filter_map(|(index, seen)| {
            let view = match seen {
                DcSeen::Unasked => return None,
                DcSeen::Silent => DcView::Trouble(String::new()),
                DcSeen::Issues(slot) => DcView::Issues(issued(brief, *slot)),
            };
            Some((dc(index), view))
        });
        let told = seen.told.iter().enumerate().filter_map(|(index, told)| {
            let told = (*told)?.then_some(()).ok_or_else(String::new);
            Some((node(index), told))
        });
        let failed = (0..8).filter(|n| seen.failed_before & (1 << n) != 0);
        Observed {
            account: seen.account.map(|(kvno, fence)| Ok(account(kvno, fence))),
            nodes: nodes
                .map(|(index, seen)| (node(index), view(seen)))
                .collect(),
            told: told.collect(),
            dcs: dcs.collect(),
            candidate: seen.candidate.then(|| Candidate {
                sealed: Sealed(Vec::new()),
                fence: format!("f{}", brief.generation),
            }),
            answer: seen.answer.map(answer),
            failed_before: failed.map(node).collect(),
            waits: u32::from(seen.waits),
        }
    }
}

fn issued(brief: &Brief, slot: Slot) -> Issued {
    Issued {
        key: which(brief, slot),
        kvno: Kvno(FIRST_KVNO + u32::from(slot.kvno())),
        enctype: 18,
        salt: None,
        clock_offset: Duration::ZERO,
        ticket_life: Duration::ZERO,
        no_login: None,
    }
}

fn view(seen: &NodeSeen) -> NodeView {
    let accepts = ROLES
        .into_iter()
        .filter(|role| seen.accepts & (1 << *role as u8) != 0);
    let refusal = || Refusal::new("keytab-trouble", "n", "", "");
    NodeView {
        holds: seen.holds.map(|version| Version(u64::from(version))),
        accepts: accepts.collect(),
        refuses: seen.refuses.then(String::new),
        trouble: seen.trouble.then(String::new),
        refusals: seen.unwilling.then(refusal).into_iter().collect(),
    }
}

fn answer(said: Said) -> Answer {
    let text = String::new();
    match said {
        Said::Applied => Answer::Applied,
        Said::Refused => Answer::Refused {
            code: 19,
            win32: None,
            text,
        },
        Said::Nothing => Answer::Unanswered { text },
    }
}

/// An account that nothing speaks against.
fn account(kvno: u8, fence: KeyId) -> AccountState {
    AccountState {
        guid: [7; 16],
        distinguished_name: "CN=WEB".to_owned(),
        salt_source: SaltSource {
            kind: AccountKind::Computer,
            realm: "CORP.EXAMPLE".parse().expect("a realm"),
            sam_account_name: "WEB$".to_owned(),
            user_principal_name: None,
            dns_domain: "corp.example".to_owned(),
        },
        kvno: Kvno(FIRST_KVNO + u32::from(kvno)),
        spns: vec!["HTTP/web.corp.example".to_owned()],
        supported_enctypes: Some(0x10),
        disabled: false,
        locked: false,
        expired: false,
        password_expired: false,
        expires_unix: None,
        password_expires_unix: None,
        protections: Vec::new(),
        hidden: Vec::new(),
        password_set_unix: 0,
        minimum_age_left: Duration::ZERO,
        minimum_length: 7,
        may_reset: true,
        may_write_fence: true,
        fence: (fence != 0).then(|| format!("f{fence}")),
        other_owners: OtherOwners::default(),
        delegates: false,
        not_delegated: false,
        protected_user: false,
        delegates_to: Vec::new(),
    }
}

/// The record without its words: they bear on nothing, and would make equal rolls differ.
pub fn wordless(record: Record) -> Record {
    let none = String::new;
    match record {
        Record::Quarantined { node, .. } => Record::Quarantined { node, why: none() },
        Record::AttemptRefused { attempt, .. } => Record::AttemptRefused {
            attempt,
            why: none(),
        },
        Record::Abandoned { .. } => Record::Abandoned { why: none() },
        Record::Aborting { version, .. } => Record::Aborting {
            version,
            why: none(),
        },
        other => other,
    }
}
