//! The audit's rows; what they mean is [`crate::audit`]'s affair.

use super::read::Rows;
use super::row::{self, numbered};
use super::{Change, Store, StoreError};
use crate::audit::{Entry, Head};
use crate::seal::{AuditKey, Seal};

/// The row of table `meta` with the chain's end.
const HEAD: &str = "audit-head";
/// The row of table `meta` with how far a sink has come.
fn taken(sink: &str) -> String {
    format!("audit-taken-by-{sink}")
}

/// The row of table `meta` that a sink knows of entries which this store does not.
fn fork(sink: &str) -> String {
    format!("audit-fork-of-{sink}")
}

/// Entries read at once: all keys that differ in their last three digits.
const PAGE: u64 = 1000;

impl Change<'_> {
    pub(crate) fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        self.row(row::META, HEAD)
    }

    pub(crate) fn newest_audit_entry(&self) -> Result<Option<Entry>, StoreError> {
        let Some(head) = self.audit_head()? else {
            return Ok(None);
        };
        self.row(row::AUDIT, &numbered(head.number))
    }

    pub(crate) fn put_audit_taken(&self, sink: &str, number: u64) -> Result<(), StoreError> {
        self.put(row::META, &taken(sink), &number)
    }

    pub(crate) fn put_audit_fork(&self, sink: &str, what: &str) -> Result<(), StoreError> {
        self.put(row::META, &fork(sink), &what)
    }

    pub(crate) fn remove_audit_fork(&self, sink: &str) -> Result<bool, StoreError> {
        self.remove(row::META, &fork(sink))
    }

    /// What signs checkpoints.
    pub(crate) const fn seal(&self) -> &Seal {
        self.seal
    }

    pub(crate) fn put_audit(&self, entry: &Entry, head: &Head) -> Result<(), StoreError> {
        self.put(row::AUDIT, &numbered(entry.number), entry)?;
        self.put(row::META, HEAD, head)
    }
}

impl Store {
    /// By which key checkpoints are signed.
    #[must_use]
    pub fn audit_key(&self) -> AuditKey {
        self.seal.audit_key()
    }

    /// The number of the last entry that a sink has taken; 0 if it has taken none.
    pub(crate) fn audit_taken(&self, sink: &str) -> Result<u64, StoreError> {
        let number = self.row(row::META, &taken(sink))?;
        Ok(number.unwrap_or(0))
    }

    /// What a sink knows that this store does not, until somebody has acknowledged it.
    pub(crate) fn audit_fork(&self, sink: &str) -> Result<Option<String>, StoreError> {
        self.row(row::META, &fork(sink))
    }

    pub(crate) fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        self.row(row::META, HEAD)
    }

    pub(crate) fn audit_entry(&self, number: u64) -> Result<Option<Entry>, StoreError> {
        self.row(row::AUDIT, &numbered(number))
    }

    /// Every entry in the order of the keys, a page at a time; `last` is the number at which they
    /// should end.
    pub(crate) fn audit_pages(
        &self,
        last: u64,
    ) -> impl Iterator<Item = Result<Vec<Entry>, StoreError>> {
        // One page more than there should be, for what stands behind the end.
        (0..=last / PAGE + 1).map(|page| {
            let prefix = numbered(page * PAGE);
            let prefix = &prefix[..prefix.len() - 3];
            let rows = self.rows(row::AUDIT, prefix, false, usize::MAX)?;
            Ok(rows.into_iter().map(|(_, entry)| entry).collect())
        })
    }
}
