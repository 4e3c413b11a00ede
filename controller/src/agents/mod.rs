//! The agents: one warm connection to each node, and what is asked over it.
//!
//! The controller dials; an agent serves. Each node has a task of its own that keeps a connection
//! (HTTP/2 over TLS 1.3, both sides showing certificates) and makes a new one when it is lost,
//! with a growing, jittered pause. A call on a node without a connection waits for the attempt
//! under way, or starts one, and then says what came of it. Nothing is ever sent twice.

mod calls;
mod ended;
mod forgotten;
mod heard;
pub mod inventory;
mod letters;
mod link;
pub(crate) mod renewal;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use keyroll::name::{ArrayName, NodeName};
use tokio::sync::{Notify, OwnedMutexGuard, broadcast};

use crate::ca::{CaError, OwnCredential, now_unix};
use crate::ports::PortError;
use crate::store::{LEAVING, NodeRecord, NodeState, Read as _, Store, StoreError};
use crate::term::Term;
use link::Link;

/// More events than this unread, and the reader is told that it missed some.
const EVENTS: usize = 4096;

/// A change of a node's connection, for whoever waits for that node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// It is reachable, perhaps again: it should be looked at.
    Connected(NodeName),
    /// Its connection broke.
    Lost(NodeName),
}

/// How long each question may take, from the call to the whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To look, to prove, to admit.
    pub look: Duration,
    /// To stage or to wipe: every file written and read back, every hook run.
    pub stage: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        // Fifteen seconds for the files of a slow disk, and thirty for hooks: the longest that an
        // agent lets them run.
        Self {
            look: Duration::from_secs(5),
            stage: Duration::from_secs(45),
        }
    }
}

/// The connections to all nodes.
pub struct AgentPool {
    store: Arc<Store>,
    own: Arc<OwnCredential>,
    epoch: Term,
    deadlines: Deadlines,
    links: RwLock<HashMap<NodeName, Arc<Link>>>,
    events: broadcast::Sender<LinkEvent>,
    /// A node has said of its certificate what was not known.
    certificates: Notify,
    turns: Mutex<HashMap<(NodeName, ArrayName), Arc<Turn>>>,
}

/// Held by whoever changes what a node holds of an array.
type Turn = tokio::sync::Mutex<()>;

impl std::fmt::Debug for AgentPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentPool(..)")
    }
}

impl AgentPool {
    /// A pool without nodes, speaking as `own` under this epoch.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        own: Arc<OwnCredential>,
        epoch: impl Into<Term>,
        deadlines: Deadlines,
    ) -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        Self {
            store,
            own,
            epoch: epoch.into(),
            deadlines,
            links: RwLock::default(),
            events,
            certificates: Notify::new(),
            turns: Mutex::default(),
        }
    }

    /// Keeps connections to all nodes that the store knows to have joined.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub fn know_all(&self) -> Result<(), StoreError> {
        for node in self.store.nodes()? {
            self.know(&node);
        }
        Ok(())
    }

    /// Keeps a connection to this node, if it has joined: to be called whenever its record has
    /// changed. A connection at another address, or by a certificate that the record does not list
    /// any more, is cut. Must run within the asynchronous runtime.
    pub fn know(&self, record: &NodeRecord) {
        if record.state != NodeState::Joined || record.address.is_empty() {
            return self.forget(&record.name);
        }
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(&record.name)
            && link.still_fits(record)
        {
            return;
        }
        let link = Link::keep(
            record,
            self.store.clone(),
            self.own.clone(),
            self.events.clone(),
        );
        if let Some(old) = links.insert(record.name.clone(), Arc::new(link)) {
            old.cut();
        }
    }

    /// Cuts a node's connection at once, calls under way included, and makes no other.
    pub fn forget(&self, node: &NodeName) {
        let gone = self
            .links
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(node);
        if let Some(link) = gone {
            link.cut();
            drop(self.events.send(LinkEvent::Lost(node.clone())));
        }
    }

    /// Speaks from now on by certificates of the authority that signs now, and has each node hear
    /// soon of authorities that it does not know.
    ///
    /// # Errors
    /// [`CaError`]; the old ones stay then.
    pub fn live_by_the_authority(&self) -> Result<(), CaError> {
        self.own.renew(now_unix())?;
        self.certificates.notify_one();
        Ok(())
    }

    /// Changes of connections from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<LinkEvent> {
        self.events.subscribe()
    }

    /// Whether the node has a connection at this moment.
    #[must_use]
    pub fn is_connected(&self, node: &NodeName) -> bool {
        self.link(node).is_ok_and(|link| link.is_up())
    }

    /// Waits until nobody else changes what a node holds of an array: a keyset that was on its way
    /// must not come in after the keys were wiped.
    async fn turn(&self, node: &NodeName, array: &ArrayName) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry((node.clone(), array.clone())).or_default())
        };
        turn.lock_owned().await
    }

    /// Whoever was let go of, or is about to be, is given no key, however long ago the push was
    /// decided: it may have waited for its turn until the keys were wiped.
    fn demand_member(&self, node: &NodeName, array: &ArrayName) -> Result<NodeRecord, PortError> {
        let object = format!("node {node} of array {array}");
        let record = self.store.node(node).map_err(|error| PortError::Refused {
            object: object.clone(),
            why: error.to_string(),
            next: String::new(),
        })?;
        match record {
            Some(record) if record.leaves(array) => Err(PortError::Refused {
                object,
                why: LEAVING.to_owned(),
                next: String::new(),
            }),
            Some(record) if record.arrays.contains(array) => Ok(record),
            Some(_) | None => Err(PortError::Missing { object }),
        }
    }

    fn link(&self, node: &NodeName) -> Result<Arc<Link>, PortError> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        let missing = || PortError::Missing {
            object: format!("a connection to node {node}"),
        };
        links.get(node).cloned().ok_or_else(missing)
    }
}

impl Drop for AgentPool {
    fn drop(&mut self) {
        let links = self.links.get_mut().unwrap_or_else(PoisonError::into_inner);
        for link in links.values() {
            link.cut();
        }
    }
}
