//! What is asked of the nodes' agents.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keyroll::doctor::NodeAround;
use keyroll::fence::{Fence, Version};
use keyroll::kerberos::Kvno;
use keyroll::keyset::{HeldEntry, Keyset};
use keyroll::keytab::TargetFilter;
use keyroll::name::{ArrayName, NodeName};

use super::PortError;

/// What a node says it holds.
#[derive(Debug, Clone)]
pub struct NodeInventory {
    /// The version that it last wrote.
    pub version: Version,
    /// The highest epoch that it has heard, and the highest version whose writing it began.
    pub fence: Fence,
    /// Each keytab file.
    pub targets: Vec<NodeTarget>,
    /// Changes with each start of the agent.
    pub boot: Vec<u8>,
    /// Whether the node's health endpoint says ready, and why not.
    pub ready: Result<(), String>,
    /// How far the node's clock is ahead of ours; below zero, it is behind.
    pub clock_offset: TimeDelta,
    /// When the node's certificate ends, seconds since 1970.
    pub certificate_ends_unix: i64,
    /// The agent's version.
    pub agent_version: String,
    /// How long the node stays ready without a controller's word; none: for ever.
    pub stays_ready: Option<Duration>,
    /// Why a hook has not succeeded since the files were last written, if one has not.
    pub hook_trouble: Option<String>,
}

/// One keytab file of a node.
#[derive(Debug, Clone)]
pub struct NodeTarget {
    /// Its path on the node.
    pub path: String,
    /// Its kind, and what of a keyset it takes.
    pub filter: TargetFilter,
    /// Its entries of this array.
    pub entries: Vec<HeldEntry>,
    /// Why it cannot be read or written; none if it can.
    pub trouble: Option<String>,
    /// It differs from what the agent last wrote.
    pub drifted: bool,
    /// Entries of others.
    pub foreign_entries: u32,
    /// When it was last written to, seconds since 1970 by the node's clock; 0 if unknown.
    pub written_unix: i64,
    /// Copies beside it, by their paths.
    pub leftovers: Vec<String>,
    /// Why others may put another file in its place, if they may.
    pub folder_trouble: Option<String>,
}

/// A node's verdict on one AP-REQ, by keytab file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProof {
    /// The file.
    pub path: String,
    /// The kvno that opened it, or why it was refused, in an acceptor's words.
    pub verdict: Result<Kvno, String>,
}

/// The agents, over warm mTLS connections.
#[async_trait]
pub trait Agents: Send + Sync {
    /// What the node holds, fingerprints under `nonce`.
    async fn look(
        &self,
        node: &NodeName,
        array: &ArrayName,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError>;

    /// What is around the agent on its node: those of the hosts that the node's own resolver leads
    /// to the node itself, and how IIS authenticates. Agents of before this question was there
    /// tell of nothing.
    async fn around(
        &self,
        _: &NodeName,
        _: &ArrayName,
        _: &[String],
    ) -> Result<NodeAround, PortError> {
        Ok(NodeAround::default())
    }

    /// Has the node hold this keyset, and tells what it then read back.
    async fn stage(
        &self,
        node: &NodeName,
        keyset: &Keyset,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError>;

    /// Has the node accept an AP-REQ with those of its keytabs on disk that should hold the
    /// ticket's key: none may.
    async fn prove(
        &self,
        node: &NodeName,
        array: &ArrayName,
        ap_request: Vec<u8>,
    ) -> Result<Vec<NodeProof>, PortError>;

    /// Opens or shuts the node's gate.
    async fn admit(
        &self,
        node: &NodeName,
        array: &ArrayName,
        required: Version,
        verdict: Result<(), String>,
    ) -> Result<(), PortError>;

    /// Has the node forget the array.
    async fn wipe(&self, node: &NodeName, array: &ArrayName) -> Result<(), PortError>;
}
