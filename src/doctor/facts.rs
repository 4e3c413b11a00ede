//! What is known of an array, and what could not be seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;

use crate::account::rights::LeastRights;
use crate::account::{AccountState, Wanted};
use crate::delegation;
use crate::drift::{Change, History};
use crate::kerberos::salt::Salt;
use crate::kerberos::{Enctype, Kvno};
use crate::keytab::TargetKind;
use crate::keytab::compare::Shortfall;
use crate::name::{ArrayName, DcName, NodeName};
use crate::roll::policy::Method;
use crate::spn::{HostRecords, Likeness, Spn};

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

/// A node.
#[derive(Debug, Clone)]
pub struct NodeFacts {
    /// Its name.
    pub name: NodeName,
    /// Where it is, as the controller resolves its name.
    pub address: Option<IpAddr>,
    /// Why it is quarantined, if it is.
    pub quarantined: Option<String>,
    /// What its agent tells.
    pub look: Seen<NodeLook>,
    /// What is around its agent.
    pub around: NodeAround,
    /// What its keytabs make of a fresh ticket, by file; none if there was none to show.
    pub proofs: Option<Seen<Vec<ProofFacts>>>,
}

/// What is around an agent on its node.
#[derive(Debug, Clone, Default)]
pub struct NodeAround {
    /// The array's names that the node's own resolver leads to the node itself.
    pub own_names: Vec<OwnName>,
    /// How IIS authenticates; none where there is none.
    pub iis: Option<Seen<IisFacts>>,
}

/// What the configuration of IIS says of Kerberos.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IisFacts {
    /// Its application pools.
    pub pools: Vec<IisPool>,
    /// Windows authentication, at each place that says something of it.
    pub sites: Vec<IisSite>,
}

/// An application pool of IIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IisPool {
    /// Its name.
    pub name: String,
    /// What it runs as: `NetworkService`, `CORP\svc-web`.
    pub account: String,
    /// Whether a target of the array keeps its password.
    pub kept: bool,
}

/// Windows authentication at one place; what is none comes from the place above.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IisSite {
    /// The site or a path below it; empty for all.
    pub location: String,
    /// Whether it is on.
    pub enabled: Option<bool>,
    /// Whether HTTP.SYS authenticates, in the machine's session.
    pub kernel_mode: Option<bool>,
    /// Whether the application pool's account opens tickets.
    pub use_app_pool_credentials: Option<bool>,
    /// Whether a connection stays authenticated after its first request.
    pub auth_persist_non_ntlm: Option<bool>,
}

/// A name that leads a node to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnName {
    /// The host of an SPN.
    pub host: String,
    /// A loop-back address, or one of the node's interfaces'.
    pub address: IpAddr,
    /// What the node's system makes of a login that comes from itself.
    pub check: LoopBackCheck,
}

/// What a system makes of a login that comes from itself under another name than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopBackCheck {
    /// It does not ask where a login comes from.
    None,
    /// It refuses it.
    Refuses,
    /// It would refuse it, and has been told to take it under this name.
    Exempt,
}

/// What one keytab file makes of a ticket.
#[derive(Debug, Clone)]
pub struct ProofFacts {
    /// The file's path on the node.
    pub path: String,
    /// The kvno that opened it, or why it was refused, in an acceptor's words.
    pub verdict: Result<Kvno, String>,
}

/// What an agent tells of its node.
#[derive(Debug, Clone)]
pub struct NodeLook {
    /// Whether its health endpoint says ready, and why not.
    pub ready: Result<(), String>,
    /// The keyset that it holds, and the one that it should.
    pub versions: (u64, u64),
    /// Its keytab files.
    pub keytabs: Vec<KeytabFacts>,
    /// How far its clock is ahead of the controller's; below zero, it is behind.
    pub clock_offset: TimeDelta,
    /// When its certificate ends, seconds since 1970.
    pub certificate_ends_unix: i64,
    /// Why a hook has not succeeded since the files were last written, if one has not.
    pub hook_trouble: Option<String>,
}

/// A keytab file of a node.
#[derive(Debug, Clone)]
pub struct KeytabFacts {
    /// Its path on the node, or what it is called.
    pub path: String,
    /// What it is.
    pub kind: TargetKind,
    /// Why it cannot be read or written.
    pub trouble: Option<String>,
    /// What is wrong with its entries.
    pub wrong: Option<Shortfall>,
    /// It differs from what the agent last wrote, or has another owner or mode.
    pub drifted: bool,
    /// Copies beside it.
    pub leftovers: Vec<String>,
    /// Why others may put another file in its place, if they may.
    pub folder_trouble: Option<String>,
    /// The enctypes of its entries.
    pub enctypes: BTreeSet<Enctype>,
    /// The array's enctypes that the node's settings keep out of it, although it is an acceptor's
    /// and for the SPN of the tickets that are looked at.
    pub left_out: BTreeSet<Enctype>,
}

/// How a place of the service was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A node, at its own address.
    Direct,
    /// The array's name, which leads to nodes themselves, or nobody knows where.
    Name,
    /// The array's name, at an address that no node has.
    Balancer(IpAddr),
}

/// A place where the service answers: a node, or the array's name. What is asked several times,
/// since there may be several behind it, is there several times.
#[derive(Debug, Clone)]
pub struct ServiceFacts {
    /// The node's name, or the array's.
    pub place: String,
    /// How it was reached.
    pub way: Way,
    /// The host that was dialled.
    pub dialled: String,
    /// The page that was asked for.
    pub url: String,
    /// What it answered.
    pub web: Seen<WebFacts>,
}

/// What a web server answered.
#[derive(Debug, Clone)]
pub struct WebFacts {
    /// The status without a login.
    pub status: u16,
    /// The `WWW-Authenticate` headers then, in order.
    pub challenges: Vec<String>,
    /// What program it says it is (RFC 9110 section 10.2.4); empty if it does not.
    pub server: String,
    /// What it answered to a real ticket, or why it did not; `None` if no ticket was shown.
    pub login: Option<Result<LoginFacts, String>>,
}

/// What a web server answered to a real ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginFacts {
    /// The status.
    pub status: u16,
    /// Whether it has proven to have opened the ticket (RFC 4559 section 5: its own token).
    pub proven: bool,
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
