//! What is known of an array, and what could not be seen of it.

mod node;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;

use crate::account::rights::LeastRights;
use crate::account::{AccountState, Wanted};
use crate::delegation;
use crate::drift::{Change, History};
use crate::kerberos::salt::Salt;
use crate::kerberos::{Enctype, Kvno};
use crate::name::{ArrayName, DcName, NodeName};
use crate::roll::policy::Method;
use crate::spn::{HostRecords, Likeness, Spn};

pub use node::{
    IisFacts, IisPool, IisSite, KeytabFacts, LoopBackCheck, NodeAround, NodeFacts, NodeLook,
    OwnName, ProofFacts,
};
pub use service::{LoginFacts, ServiceFacts, Way, WebFacts};

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// In words, naming whom was asked.
    pub why: String,
    /// What to type to find out more; empty if the reason says it all.
    pub next: String,
    /// What kind of answer it was.
    pub kind: UnseenKind,
}

/// What kind of answer stands in the place of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnseenKind {
    /// Nobody answered.
    Silent,
    /// The answer was no.
    Refused,
    /// There is no such object.
    Missing,
}

/// A fact, or why there is none.
pub type Seen<T> = Result<T, Unseen>;

/// Everything that the checks look at, gathered side by side at one moment.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When, seconds since 1970 by the controller's clock.
    pub now_unix: i64,
    /// What the controller has in its journal.
    pub array: ArrayFacts,
    /// The domain controllers, the one that is written to first.
    pub dcs: Seen<Vec<DcFacts>>,
    /// What the controller's own account may do beside its work.
    pub surplus: Seen<Vec<Surplus>>,
    /// The least that it must be allowed, as commands.
    pub rights: Seen<LeastRights>,
    /// The hosts of its SPNs in DNS, each once.
    pub hosts: Vec<HostFacts>,
    /// Who else has its SPNs, or names that look like them.
    pub names: Seen<NameFacts>,
    /// What there is to say of delegation by the account and to it.
    pub delegation: Seen<Vec<delegation::Finding>>,
    /// Every node that it has, those included that have not joined or are not looked at.
    pub members: Vec<NodeName>,
    /// Those that have joined and are looked at.
    pub nodes: Vec<NodeFacts>,
    /// The service's page at each place where users may come to it.
    pub services: Vec<ServiceFacts>,
    /// Whether an operator asked for one node: nothing is known of the others then.
    pub one_node_alone: bool,
    /// Whether an operator named that page: then it must be there.
    pub service_asked_for: bool,
}

/// What a search for an array's SPNs has found elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameFacts {
    /// Whoever passes for the array's account to somebody.
    pub rivals: Vec<Rival>,
    /// The other forests that were searched.
    pub forests: Vec<String>,
    /// Those that could not be, and why.
    pub unseen: Vec<(String, Unseen)>,
}

/// An account with an SPN of the array's, or with one that looks like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The array's SPN.
    pub spn: String,
    /// How alike the other's is.
    pub likeness: Likeness,
    /// The other's, as it is there.
    pub theirs: String,
    /// The other's sAMAccountName.
    pub account: String,
    /// Its distinguished name.
    pub distinguished_name: String,
    /// Its objectGUID.
    pub guid: [u8; 16],
    /// The other forest that it is in; none: the array's own.
    pub forest: Option<String>,
}

/// An array as the controller's journal has it.
#[derive(Debug, Clone)]
pub struct ArrayFacts {
    /// Its name.
    pub name: ArrayName,
    /// The account's sAMAccountName.
    pub account: String,
    /// Its SPNs, registered or to be.
    pub spns: Vec<String>,
    /// Those that wait until a node holds the key.
    pub pending: BTreeSet<String>,
    /// Those that nodes hold keys for and nobody has registered yet.
    pub prepared: BTreeSet<String>,
    /// Those that were removed, with the milliseconds for which keytabs keep them still.
    pub leaving: BTreeMap<String, u64>,
    /// The enctypes in its keytabs.
    pub enctypes: Vec<Enctype>,
    /// The kvno in force; none if nobody has told the controller today's key.
    pub kvno: Option<Kvno>,
    /// The kvnos that keytabs hold besides, for the sake of a roll or of a DC that was set back.
    pub other_kvnos: Vec<Kvno>,
    /// Today's salt, where it is known.
    pub salt: Option<Salt>,
    /// How the password is written, if the policy says so.
    pub method: Option<Method>,
    /// Whether the password in force is known.
    pub password_known: bool,
    /// The length of the next password.
    pub password_length: u32,
    /// What shows that the controller's memory of it is old.
    pub stale: Option<String>,
    /// The roll under way.
    pub roll: Option<OpenRoll>,
    /// When it rolls by itself.
    pub schedule: ScheduleFacts,
    /// How long a node's certificate lives.
    pub certificate_life: Duration,
    /// When the authority's own certificate ends, which signs those, seconds since 1970.
    pub authority_ends_unix: i64,
    /// What reconciliation has seen others change.
    pub noticed: Vec<Change>,
}

/// A roll under way.
#[derive(Debug, Clone)]
pub struct OpenRoll {
    /// Its number.
    pub number: u64,
    /// Its state's name.
    pub state: &'static str,
    /// What has halted it.
    pub halted: Option<String>,
}

/// When an array rolls by itself.
#[derive(Debug, Clone, Default)]
pub struct ScheduleFacts {
    /// Whether it has a schedule at all.
    pub set: bool,
    /// Whether that is paused.
    pub paused: bool,
    /// The next roll, in words.
    pub next: String,
    /// What is late about it; empty if nothing.
    pub alarm: String,
}

/// The host of an SPN.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// The first SPN of that host.
    pub spn: Spn,
    /// What DNS says, as this controller's machine asks it.
    pub records: Seen<HostRecords>,
}

/// What the controller's account may do at a place where it has nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surplus {
    /// The object's distinguished name, or the group that it is a member of.
    pub place: String,
    /// What it may do there; empty if nothing.
    pub may: Vec<May>,
}

/// What somebody may do with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum May {
    /// Own it, or write who may do what with it.
    TakeRights,
    /// Make an object of this class in it.
    Make(String),
    /// Write this attribute.
    Write(String),
    /// Whatever members of this group may.
    BeOfIt,
}

impl fmt::Display for May {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeRights => f.write_str("give itself any right"),
            Self::Make(class) => write!(f, "make a {class}"),
            Self::Write(attribute) => write!(f, "write {attribute}"),
            Self::BeOfIt => f.write_str("do whatever its members may"),
        }
    }
}

/// A domain controller.
#[derive(Debug, Clone)]
pub struct DcFacts {
    /// Its name.
    pub name: DcName,
    /// The account as it shows it.
    pub account: Seen<AccountState>,
    /// The account's stamps there.
    pub history: Seen<History>,
    /// What it takes over LDAP; none if that could not be tried.
    pub ldap: Option<Seen<LdapFacts>>,
    /// A fresh ticket of its KDC; none if there is no SPN to ask for.
    pub ticket: Option<Seen<TicketFacts>>,
}

/// What a domain controller takes over LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LdapFacts {
    /// Whether it takes a bind by Kerberos on port 389 that neither signs nor seals; none if it
    /// does not answer there.
    pub unsigned: Option<bool>,
    /// Whether it takes one over TLS without channel binding; none if the controller does not speak
    /// TLS to it.
    pub unbound: Option<bool>,
}

/// Whose key a fresh ticket is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKey {
    /// The array's: in force, or brought by a roll.
    Ours,
    /// One of before that nodes are to hold too, for the sake of a domain controller that has it.
    Held,
    /// One of before that nodes are not to hold: they have not been told yet, or hold another one
    /// under its kvno.
    Earlier,
    /// One that an emergency roll has replaced: nodes are never given it again.
    Burned,
    /// None that was ever made here.
    Foreign,
}

/// A fresh service ticket.
#[derive(Debug, Clone)]
pub struct TicketFacts {
    /// Whose key it is under.
    pub key: TicketKey,
    /// The kvno in it.
    pub kvno: Kvno,
    /// The enctype's number in it.
    pub enctype: i32,
    /// How far the KDC's clock is ahead of the controller's; below zero, it is behind.
    pub clock_offset: TimeDelta,
}

impl Facts {
    /// The domain controllers that are known of.
    pub(super) fn dcs(&self) -> &[DcFacts] {
        self.dcs.as_deref().unwrap_or_default()
    }

    /// The account as the domain controller shows it that is written to.
    ///
    /// # Errors
    /// Why it could not be seen.
    pub(super) fn account(&self) -> Seen<&AccountState> {
        let none = || Unseen {
            why: "there is no domain controller".to_owned(),
            next: "keyroll status".to_owned(),
            kind: UnseenKind::Missing,
        };
        let dcs = self.dcs.as_ref().map_err(Unseen::clone)?;
        let writer = dcs.first().ok_or_else(none)?;
        writer.account.as_ref().map_err(Unseen::clone)
    }

    /// The account's stamps there, if they were shown.
    pub(super) fn history(&self) -> Option<&History> {
        self.dcs().first()?.history.as_ref().ok()
    }

    /// What the array wants of such an account.
    pub(super) fn wanted(&self, account: &AccountState) -> Wanted<'_> {
        let array = &self.array;
        let password_known = array.password_known;
        Wanted {
            array: &array.name,
            enctypes: &array.enctypes,
            method: array
                .method
                .unwrap_or_else(|| account.method(password_known)),
            password_known,
            password_length: array.password_length,
        }
    }
}
