//! The audit's rows; what they mean is [`crate::audit`]'s affair.

use super::read::Rows;
use super::row::{self, numbered};
use super::{Change, Store, StoreError};
use crate::audit::{Entry, Head};

/// The row of table `meta` with the chain's end.
const HEAD: &str = "audit-head";
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

    pub(crate) fn put_audit(&self, entry: &Entry, head: &Head) -> Result<(), StoreError> {
        self.put(row::AUDIT, &numbered(entry.number), entry)?;
        self.put(row::META, HEAD, head)
    }
}

impl Store {
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
