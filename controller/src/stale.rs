//! Whether this controller remembers less than the nodes have heard: its store was put back to an
//! earlier day, by a backup or a snapshot, or another controller has led meanwhile.
//!
//! Whoever acts on such memory takes keys away that are in force. So the array is marked as stale,
//! durably, and nothing is done for it, neither by a roll nor without one, until an operator has
//! had it recovered. The nodes keep what they have, and go on serving: nobody shuts their gates.

use chrono::Utc;
use futures_util::future::join_all;
use keyroll::name::{ArrayName, NodeName};

use crate::Ports;
use crate::audit::{self, Event};
use crate::ports::NodeInventory;
use crate::random;
use crate::store::{NodeState, Read as _, Store, StoreError};

/// What a node has heard that this controller does not know of, as a sentence.
///
/// What the store says is read after the node was asked: a version is durable before it is pushed,
/// so a store that is the latest is never behind a node.
///
/// # Errors
/// [`StoreError`].
pub fn evidence(
    ports: &Ports,
    array: &ArrayName,
    node: &NodeName,
    inventory: &NodeInventory,
) -> Result<Option<String>, StoreError> {
    let there = inventory.fence;
    let here = ports.epoch.now();
    if there.epoch > here {
        return Ok(Some(format!(
            "{node} has heard a controller of epoch {}, and this one is of epoch {here}",
            there.epoch
        )));
    }
    let Some(record) = ports.store.array(array)? else {
        return Ok(None);
    };
    let newest = record.keyset_version;
    Ok((there.version > newest).then(|| {
        format!(
            "{node} was given keyset {}, and the newest known here is {newest}",
            there.version
        )
    }))
}

/// Marks an array as stale, unless it is marked already.
///
/// # Errors
/// [`StoreError`].
pub fn hold(store: &Store, array: &ArrayName, why: &str) -> Result<(), StoreError> {
    let entry = store.write(|change| {
        let Some(mut record) = change.array(array)? else {
            return Ok(None);
        };
        if record.stale.is_some() {
            return Ok(None);
        }
        record.stale = Some(why.to_owned());
        change.put_array(&record)?;
        let event = Event {
            at_unix_millis: Utc::now().timestamp_millis(),
            actor: "controller".to_owned(),
            verb: "hold".to_owned(),
            object: array.to_string(),
            outcome: "stale".to_owned(),
            detail: why.to_owned(),
        };
        audit::append_within(change, event).map(Some)
    })?;
    if let Some(entry) = entry {
        tracing::error!(%array, why, "this controller's memory is old: nothing is done any more");
        audit::announce(&entry);
    }
    Ok(())
}

/// Asks every node of an array what it has heard, and marks the array as stale if one of them has
/// heard more than is known here. Why it is stale, if it is.
///
/// # Errors
/// [`StoreError`]. A node that does not answer has no say.
pub async fn look(ports: &Ports, array: &ArrayName) -> Result<Option<String>, StoreError> {
    let stale = |ports: &Ports| Ok(ports.store.array(array)?.and_then(|record| record.stale));
    if let Some(why) = stale(ports)? {
        return Ok(Some(why));
    }
    let mut members = ports.store.members(array)?;
    members.retain(|node| node.state == NodeState::Joined);
    let looks = members.iter().map(|node| async {
        let nonce = random::bytes();
        let inventory = ports.agents.look(&node.name, array, nonce).await.ok()?;
        Some((&node.name, inventory))
    });
    for (node, inventory) in join_all(looks).await.into_iter().flatten() {
        if let Some(why) = evidence(ports, array, node, &inventory)? {
            hold(&ports.store, array, &why)?;
            break;
        }
    }
    stale(ports)
}

#[cfg(test)]
mod tests;
