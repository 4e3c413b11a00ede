//! What was planned to be written to the directory besides passwords, and what became of it.

use keyroll::directory_change::{DirectoryChange, Reported, State};
use keyroll::name::ArrayName;
use serde::{Deserialize, Serialize};

use super::read::Rows;
use super::row::{self, numbered};
use super::{Change, StoreError};

/// A change that was handed out to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangeRecord {
    /// Its number, from 1.
    pub number: u64,
    /// The array that it is for; none for an account of no array.
    pub array: Option<ArrayName>,
    /// What the operator typed.
    pub verb: String,
    /// Who asked for it.
    pub actor: String,
    /// When, seconds since 1970.
    pub at_unix: i64,
    /// What it is.
    pub change: DirectoryChange,
    /// What was last reported of it.
    pub reported: Reported,
    /// When that was, seconds since 1970.
    pub reported_unix: i64,
    /// How it stands.
    pub state: State,
    /// What the domain controller said.
    pub said: String,
    /// Who it was made as.
    pub bound_as: String,
    /// The change that this one takes back.
    pub undoes: Option<u64>,
    /// The change that took this one back.
    pub undone_by: Option<u64>,
}

/// Reading changes, committed or within a transaction.
pub trait Changes: Rows {
    /// A change, if there is one of this number.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`].
    fn change(&self, number: u64) -> Result<Option<ChangeRecord>, StoreError> {
        self.row(row::CHANGES, &numbered(number))
    }

    /// The newest `limit` changes, the newest first.
    ///
    /// # Errors
    /// As [`Changes::change`].
    fn newest_changes(&self, limit: usize) -> Result<Vec<ChangeRecord>, StoreError> {
        let rows = self.rows(row::CHANGES, "", true, limit)?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }
}

impl<R: Rows> Changes for R {}

impl Change<'_> {
    /// Writes a change's row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_change(&self, record: &ChangeRecord) -> Result<(), StoreError> {
        self.put(row::CHANGES, &numbered(record.number), record)
    }

    /// The number that the next change gets.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`].
    pub fn next_change(&self) -> Result<u64, StoreError> {
        let newest = self.newest_changes(1)?;
        Ok(newest.first().map_or(1, |record| record.number + 1))
    }
}
