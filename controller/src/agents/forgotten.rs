//! A certificate that this authority issued and this store does not know: the store was put back
//! to an earlier day.
//!
//! Each certificate is durable in the store before a node gets it. So one that was issued after
//! everything that the store surely remembers, and after the node joined, was issued by a later
//! life of this controller. The node has heard more than we know, whatever it was: its arrays are
//! held, and then it is spoken with, so that it can say what.

use std::sync::{Arc, Mutex, PoisonError};

use super::link::Keeper;
use crate::ca::{Peer, now_unix};
use crate::stale;
use crate::store::{Read as _, StoreError};

/// The last such certificate that was shown, if one was.
#[derive(Debug, Clone, Default)]
pub(super) struct Forgotten(Arc<Mutex<Option<Peer>>>);

impl Forgotten {
    pub(super) fn note(&self, peer: &Peer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer.clone());
    }

    pub(super) fn take(&self) -> Option<Peer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the store surely remembers of a node's certificates, seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// Each that was issued until then is known.
    until_unix: i64,
    /// None that is known ends later than this.
    newest_ends_unix: i64,
}

impl Memory {
    /// Whether a certificate that is not on record was issued by a later life. One that ends before
    /// the newest on record was issued by this one, and taken off the record since it has ended.
    pub(super) const fn lacks(&self, peer: &Peer) -> bool {
        peer.issued_unix > self.until_unix && peer.ends_unix >= self.newest_ends_unix
    }
}

impl Keeper {
    pub(super) fn memory(&self) -> Result<Memory, StoreError> {
        let node = self.store.node(&self.node)?;
        let joined = node.as_ref().map(|node| node.joined_unix);
        let remembers = self.store.meta()?.remembers_until_unix;
        // What is not known is no ground to trust anybody.
        let known = |unix: &i64| *unix != 0;
        let until = Some(remembers).filter(known).zip(joined.filter(known));
        Ok(Memory {
            until_unix: until.map_or(i64::MAX, |(remembers, joined)| remembers.max(joined)),
            newest_ends_unix: node
                .and_then(|node| node.certificate_ends_unix())
                .unwrap_or_default(),
        })
    }

    /// Holds the node's arrays, and then takes the certificate for one that it may use.
    pub(super) fn remember(&self, peer: &Peer) -> Result<(), StoreError> {
        let Some(node) = self.store.node(&self.node)? else {
            return Ok(());
        };
        let why = format!(
            "{} shows a certificate of {}, which this controller does not remember to have issued",
            self.node,
            crate::restore::moment(peer.issued_unix)
        );
        for array in &node.arrays {
            stale::hold(&self.store, array, &why)?;
        }
        self.store.write(|change| {
            change.edit_node(&self.node, |node| {
                node.certify(peer.serial.clone(), peer.ends_unix, now_unix());
            })
        })?;
        let mut serials = self.serials.write().unwrap_or_else(PoisonError::into_inner);
        serials.insert(peer.serial.clone());
        Ok(())
    }
}
