//! A certificate that ended while the controller, or the node, was away.
//!
//! It gets the node a new one and nothing else, and only if it is the last one that the node had:
//! on record, not replaced by one that the node has, and its end not longer ago than the settings
//! allow. Whoever copied the key of an earlier one from a backup gets nothing with it.

use std::sync::{Arc, Mutex, PoisonError};

use keyroll::name::NodeName;

use super::link::Keeper;
use crate::audit;
use crate::ca::{Identity, Peer, now_unix};
use crate::store::{Read as _, Store, StoreError};

/// The certificate by which a connection for its renewal was accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct LastShown(Arc<Mutex<Option<Peer>>>);

impl LastShown {
    /// Whether `peer` shows the last certificate that it had; it is kept in mind if so.
    pub(super) fn is(&self, store: &Store, peer: &Peer) -> bool {
        let Identity::Node(node) = &peer.identity else {
            return false;
        };
        // What cannot be read now is asked again at the next try.
        let record = store.node(node).ok().flatten();
        let is_last = record.is_some_and(|record| record.is_last(&peer.serial));
        if is_last {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer.clone());
        }
        is_last
    }

    /// Writes down, before anything is done over it, that such a connection was accepted.
    ///
    /// # Errors
    /// [`StoreError`]: nothing may be done then.
    pub(super) fn write_down(&self, keeper: &Keeper) -> Result<(), StoreError> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(peer) = shown else { return Ok(()) };
        let written = keeper.store.write(|change| {
            change.edit_node(&keeper.node, |node| node.confirm(peer.ends_unix))?;
            audit::append_within(change, event(&keeper.node, &peer))
        })?;
        audit::announce(&written);
        Ok(())
    }
}

fn event(node: &NodeName, peer: &Peer) -> audit::Event {
    let ended = crate::restore::moment(peer.ends_unix);
    audit::Event {
        at_unix_millis: now_unix().saturating_mul(1000),
        actor: node.to_string(),
        verb: "renew-ended-certificate".to_owned(),
        object: node.to_string(),
        outcome: "accepted".to_owned(),
        detail: format!(
            "{} ended {ended}; accepted for its renewal alone",
            peer.serial
        ),
    }
}
