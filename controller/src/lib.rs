//! The controller: drives rolls, speaks with the directory and the agents, serves operators.

use std::sync::Arc;
use std::time::Duration;

use keyroll::name::{ArrayName, NodeName};
use keyroll::roll::{Record, Roll};

use crate::store::{ArrayRecord, JournalEntry, Read as _, StoreError};
use crate::term::Term;

pub mod agents;
pub mod array;
pub mod audit;
pub mod backups;
pub mod ca;
pub mod command_line;
pub mod config;
pub mod daemon;
pub mod desired;
pub mod directory;
pub mod driver;
pub mod enroll;
pub mod failpoint;
pub mod founding;
pub mod keys;
pub mod operators;
pub mod ports;
pub mod publish;
pub mod random;
pub mod reconcile;
pub mod restore;
pub mod rolls;
pub mod scheduler;
pub mod seal;
pub mod service;
pub mod stale;
#[cfg(test)]
mod stand_in;
pub mod store;
pub mod term;
pub mod verbs;
pub mod web;

/// The world, as the driver reaches it.
#[derive(Clone)]
pub struct Ports {
    /// The directory.
    pub directory: Arc<dyn ports::Directory>,
    /// The KDCs.
    pub kdc: Arc<dyn ports::Kdc>,
    /// The agents.
    pub agents: Arc<dyn ports::Agents>,
    /// The time of day.
    pub clock: Arc<dyn ports::Clock>,
    /// Opens and closes secrets.
    pub seal: Arc<seal::Seal>,
    /// The journal and everything else that must survive.
    pub store: Arc<store::Store>,
    /// Makes backups of the store.
    pub backups: Arc<backups::Backups>,
    /// This controller's epoch.
    pub epoch: Term,
    /// How long an old generation stays sealed after a roll, in seconds.
    pub escrow_seconds: i64,
    /// How long a balancer may go on sending users to a node whose gate was shut.
    pub balancer: Duration,
}

impl Ports {
    /// Why an operator keeps this node from serving, as it is on record now: not what somebody has
    /// read before a push that may have taken half a minute.
    #[must_use]
    pub fn quarantine(&self, node: &NodeName, array: &ArrayName) -> Option<String> {
        // What cannot be read opens no gate.
        self.store.node(node).map_or_else(
            |error| Some(error.to_string()),
            |row| row?.quarantined.get(array).cloned(),
        )
    }

    /// An entry of this moment for a roll's journal.
    #[must_use]
    pub fn entry(&self, record: Record, reason: &str) -> JournalEntry {
        JournalEntry {
            at_unix_millis: self.clock.now().timestamp_millis(),
            reason: reason.to_owned(),
            record,
        }
    }

    /// Makes an entry durable together with what its record changes in the array.
    ///
    /// # Errors
    /// [`StoreError`]: the process must stop, since nobody knows what is on disk.
    pub fn record(
        &self,
        name: &ArrayName,
        roll: &Roll,
        entry: &JournalEntry,
    ) -> Result<ArrayRecord, StoreError> {
        let record = &entry.record;
        self.store.write(|change| {
            let mut array = change
                .array(name)?
                .ok_or_else(|| StoreError::missing(name))?;
            array.settle(
                record,
                roll,
                entry.at_unix_millis / 1000,
                self.escrow_seconds,
            );
            change.append(name, roll.frame().roll, std::slice::from_ref(entry))?;
            change.put_array(&array)?;
            Ok(array)
        })
    }
}
