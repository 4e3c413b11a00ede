//! Nodes that are not there, and what a test has them show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::TimeDelta;
use keyroll::fence::{Epoch, Fence, Version};
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::keyset::{HeldEntry, Keyset, Unlisted};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::name::{ArrayName, NodeName};

use super::{StandIn, silence};
use crate::ports::{Agents, NodeInventory, NodeProof, NodeTarget, PortError};

impl StandIn {
    /// The node has heard a controller of this epoch, and was given this keyset.
    pub(crate) fn heard(&self, node: &str, epoch: u64, version: u64) {
        let fence = Fence {
            epoch: Epoch(epoch),
            version: Version(version),
        };
        let mut fences = self.nodes.fences.lock().unwrap();
        fences.insert(node.parse().unwrap(), fence);
    }

    /// The node answers no more.
    pub(crate) fn falls_silent(&self, node: &str) {
        let mut silent = self.nodes.silent.lock().unwrap();
        silent.insert(node.parse().unwrap());
    }

    /// The node takes what it is asked to wipe, and never says that it is done.
    pub(crate) fn plays_for_time(&self, node: &str) {
        let mut stalling = self.nodes.stalling.lock().unwrap();
        stalling.insert(node.parse().unwrap());
    }

    /// A keytab of the node opens whatever ticket it is shown.
    pub(crate) fn opens(&self, node: &str, path: &str) {
        let proof = NodeProof {
            path: path.to_owned(),
            verdict: Ok(Kvno(5)),
        };
        let mut proofs = self.nodes.proofs.lock().unwrap();
        proofs.insert(node.parse().unwrap(), proof);
    }

    /// Somebody writes to the node's keytab.
    pub(crate) fn drifts(&self, node: &str, path: &str) {
        self.shows(node, path, true, Vec::new());
    }

    /// The node's keytab holds a key that nobody here knows.
    pub(crate) fn holds(&self, node: &str, principal: &str, kvno: u32) {
        let entry = HeldEntry {
            principal: principal.parse().unwrap(),
            kvno: Kvno(kvno),
            enctype: Enctype::Aes256CtsHmacSha1,
            fingerprint: [9; 32],
        };
        self.shows(node, "/etc/krb5.keytab", false, vec![entry]);
    }

    /// The node's keytab is as it should be again.
    pub(crate) fn shows_nothing(&self, node: &str) {
        let mut targets = self.nodes.targets.lock().unwrap();
        targets.remove(&node.parse().unwrap());
    }

    fn shows(&self, node: &str, path: &str, drifted: bool, entries: Vec<HeldEntry>) {
        let target = NodeTarget {
            path: path.to_owned(),
            filter: TargetFilter {
                kind: TargetKind::Shared,
                principals: None,
                enctypes: None,
            },
            entries,
            trouble: None,
            drifted,
            foreign_entries: 0,
            written_unix: 0,
            leftovers: Vec::new(),
            folder_trouble: None,
        };
        let mut targets = self.nodes.targets.lock().unwrap();
        targets.insert(node.parse().unwrap(), target);
    }

    /// A push that was under way opens the node's gate again, `times` times.
    pub(crate) fn opens_again(&self, node: &str, times: usize) {
        let mut open = self.nodes.open.lock().unwrap();
        open.insert(node.parse().unwrap(), times);
    }

    /// What the nodes were asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.nodes.asked.lock().unwrap())
    }
}

/// Nodes that answer that they hold nothing, whatever they are given.
#[derive(Default)]
pub(super) struct Nodes {
    asked: Mutex<Vec<String>>,
    fences: Mutex<BTreeMap<NodeName, Fence>>,
    targets: Mutex<BTreeMap<NodeName, NodeTarget>>,
    proofs: Mutex<BTreeMap<NodeName, NodeProof>>,
    silent: Mutex<BTreeSet<NodeName>>,
    stalling: Mutex<BTreeSet<NodeName>>,
    shut: Mutex<BTreeSet<NodeName>>,
    /// How often a gate that was shut is found open.
    open: Mutex<BTreeMap<NodeName, usize>>,
}

impl Nodes {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }

    fn readiness(&self, node: &NodeName) -> Result<(), String> {
        if !self.shut.lock().unwrap().contains(node) {
            return Ok(());
        }
        match self.open.lock().unwrap().get_mut(node) {
            Some(times) if *times > 0 => *times -= 1,
            _ => return Err("it was told so".to_owned()),
        }
        Ok(())
    }
}

/// What a node says that holds nothing.
pub(crate) fn empty() -> NodeInventory {
    NodeInventory {
        version: Version(0),
        fence: Fence::default(),
        targets: Vec::new(),
        boot: Vec::new(),
        ready: Ok(()),
        clock_offset: TimeDelta::zero(),
        certificate_ends_unix: 0,
        agent_version: String::new(),
        stays_ready: None,
        hook_trouble: None,
    }
}

#[async_trait]
impl Agents for Nodes {
    async fn look(
        &self,
        node: &NodeName,
        _: &ArrayName,
        _: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        if self.silent.lock().unwrap().contains(node) {
            return Err(silence(node));
        }
        let fences = self.fences.lock().unwrap();
        let targets = self.targets.lock().unwrap();
        Ok(NodeInventory {
            fence: fences.get(node).copied().unwrap_or_default(),
            targets: targets.get(node).cloned().into_iter().collect(),
            ready: self.readiness(node),
            ..empty()
        })
    }

    async fn stage(
        &self,
        node: &NodeName,
        keyset: &Keyset,
        _: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        let kvnos = keyset.generations.iter().map(|one| one.kvno.to_string());
        let kvnos = kvnos.collect::<Vec<_>>().join("+");
        let words = match keyset.unlisted {
            Unlisted::Keep => " keeping others",
            Unlisted::Remove => "",
        };
        self.note(format!("stage {node} {kvnos}{words}"));
        Ok(empty())
    }

    async fn prove(
        &self,
        node: &NodeName,
        _: &ArrayName,
        _: Vec<u8>,
    ) -> Result<Vec<NodeProof>, PortError> {
        let proofs = self.proofs.lock().unwrap();
        let proof = proofs.get(node).ok_or_else(|| silence(node))?;
        Ok(vec![proof.clone()])
    }

    async fn admit(
        &self,
        node: &NodeName,
        _: &ArrayName,
        _: Version,
        verdict: Result<(), String>,
    ) -> Result<(), PortError> {
        let word = if verdict.is_ok() { "admit" } else { "shut" };
        self.note(format!("{word} {node}"));
        let mut shut = self.shut.lock().unwrap();
        if verdict.is_ok() {
            shut.remove(node);
        } else {
            shut.insert(node.clone());
        }
        Ok(())
    }

    async fn wipe(&self, node: &NodeName, _: &ArrayName) -> Result<(), PortError> {
        self.note(format!("wipe {node}"));
        if self.silent.lock().unwrap().contains(node) {
            return Err(silence(node));
        }
        if self.stalling.lock().unwrap().contains(node) {
            std::future::pending::<()>().await;
        }
        // It takes its time, and others go on.
        tokio::task::yield_now().await;
        Ok(())
    }
}
