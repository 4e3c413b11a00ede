//! An array whose records are older than the world: looked at, and left alone.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use futures_util::future::join_all;
use keyroll::name::{ArrayName, NodeName};

use super::Reconciler;
use super::nodes::node_alarm;
use super::overview::{NodeStatus, alarm};
use crate::ports::NodeInventory;
use crate::random;
use crate::stale;
use crate::store::{ArrayRecord, NodeState, Read as _, StoreError};

impl Reconciler {
    /// Whether nothing may be done for the array. Before the first thing is done for it in the
    /// life of this process, all its nodes are asked what they have heard.
    pub(super) async fn stands_by(&self, name: &ArrayName) -> Result<bool, StoreError> {
        let found = if self.asked(|asked| asked.contains(name)) {
            self.ports.store.array(name)?.and_then(|array| array.stale)
        } else {
            stale::look(&self.ports, name).await?
        };
        self.asked(|asked| asked.insert(name.clone()));
        let Some(why) = found else {
            return Ok(false);
        };
        if let Some(array) = self.ports.store.array(name)? {
            self.watch(&array, &why).await?;
        }
        Ok(true)
    }

    fn asked<T>(&self, what: impl FnOnce(&mut BTreeSet<ArrayName>) -> T) -> T {
        what(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why nothing may be done for the array any more, if the node has heard of more than we know.
    pub(super) fn has_forgotten(
        &self,
        array: &ArrayRecord,
        node: &NodeName,
        inventory: &NodeInventory,
    ) -> Result<Option<String>, StoreError> {
        let found = stale::evidence(&self.ports, &array.name, node, inventory)?;
        if let Some(why) = &found {
            stale::hold(&self.ports.store, &array.name, why)?;
        }
        Ok(found)
    }

    async fn watch(&self, array: &ArrayRecord, why: &str) -> Result<(), StoreError> {
        let mut members = self.ports.store.members(&array.name)?;
        members.retain(|node| node.state == NodeState::Joined);
        let looks = members.into_iter().map(|node| async {
            let status = self.seen(array, &node.name).await;
            (node.name, status)
        });
        let nodes = join_all(looks).await;
        let mut alarms = vec![alarm(
            "critical",
            &array.name,
            format!(
                "this controller's memory of it is old: {why}; nothing is done for it, its nodes \
                 go on with what they have"
            ),
            &format!("keyroll recover {} --dry-run", array.name),
        )];
        let silent = nodes.iter().filter(|(_, status)| status.state != "held");
        alarms.extend(silent.filter_map(|(node, status)| node_alarm(array, node, status)));
        self.overview.set(&array.name, nodes, alarms, Vec::new());
        Ok(())
    }

    async fn seen(&self, array: &ArrayRecord, node: &NodeName) -> NodeStatus {
        let nonce = random::bytes();
        match self.ports.agents.look(node, &array.name, nonce).await {
            Ok(inventory) => NodeStatus {
                seen: Some(self.ports.clock.now()),
                reason: match &inventory.ready {
                    Ok(()) => "ready, with what it was given before".to_owned(),
                    Err(why) => format!("not ready: {why}"),
                },
                inventory: Some(inventory),
                nonce,
                state: "held",
            },
            Err(error) => NodeStatus {
                seen: self
                    .overview
                    .node(&array.name, node)
                    .and_then(|before| before.seen),
                inventory: None,
                nonce,
                state: "unreachable",
                reason: error.to_string(),
            },
        }
    }
}
