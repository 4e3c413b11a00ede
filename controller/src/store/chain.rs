//! The rows of the audit, and its head.

use serde::{Deserialize, Serialize};

use super::read::Rows;
use super::row;
use super::{Change, Store, StoreError};
use crate::audit::{Entry, Event, GENESIS};

const HEAD: &str = "audit-head";

#[derive(Serialize, Deserialize)]
struct Head {
    number: u64,
    hash: String,
}

fn head(rows: &impl Rows) -> Result<Head, StoreError> {
    let first = || Head {
        number: 0,
        hash: GENESIS.to_owned(),
    };
    Ok(rows.row(row::META, HEAD)?.unwrap_or_else(first))
}

impl Change<'_> {
    /// Adds an event at the end of the chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn append_audit(&self, event: Event) -> Result<(), StoreError> {
        let last = head(self)?;
        let entry = Entry::after(last.number, &last.hash, event);
        self.put(row::AUDIT, &row::numbered(entry.number), &entry)?;
        self.put(
            row::META,
            HEAD,
            &Head {
                number: entry.number,
                hash: entry.hash,
            },
        )
    }
}

impl Store {
    /// At most `limit` entries of the audit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit(&self, newest_first: bool, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = self.rows(row::AUDIT, "", newest_first, limit)?;
        Ok(rows.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The number and hash of the last entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_head(&self) -> Result<(u64, String), StoreError> {
        head(self).map(|head| (head.number, head.hash))
    }
}
