//! What is known of a node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::TimeDelta;

use super::Seen;
use crate::kerberos::{Enctype, Kvno};
use crate::keytab::TargetKind;
use crate::keytab::compare::Shortfall;
use crate::name::NodeName;

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
