//! One change to the store: everything in it becomes durable at once, or nothing does.

use std::cell::RefCell;

use keyroll::name::{ArrayName, NodeName};
use keyroll_failpoint::{Here, at};
use redb::WriteTransaction;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::read::{Read as _, Rows, STORE};
use super::records::{ArrayRecord, AuthorityRecord, Meta, NodeRecord, OperatorRecord};
use super::row::{self, Source as _, Table};
use crate::seal::Seal;

/// A change under way, made by [`super::Store::write`]; reads within it see it.
pub struct Change<'s> {
    transaction: WriteTransaction,
    pub(super) seal: &'s Seal,
    /// One for each row, until all are durable.
    here: RefCell<Vec<Here>>,
}

impl std::fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(..)")
    }
}

/// Each method fails with [`StoreError::Unsaved`] if the row cannot be written.
impl<'s> Change<'s> {
    /// The names of all tables.
    pub(crate) const TABLES: [&'static str; 9] = row::ALL;

    pub(super) const fn new(transaction: WriteTransaction, seal: &'s Seal) -> Self {
        Self {
            transaction,
            seal,
            here: RefCell::new(Vec::new()),
        }
    }

    /// A place where a test ends the process: before this is durable, and after.
    pub(super) fn reach(&self, kind: &str, name: &str) {
        self.here.borrow_mut().push(at(kind, name));
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().map_err(StoreError::unsaved)
    }

    /// The first change of a new store: its tables and its own row.
    pub(super) fn begin(&self, meta: &Meta) -> Result<(), StoreError> {
        for table in row::ALL {
            self.transaction
                .open_table(row::definition(table))
                .map_err(StoreError::unsaved)?;
        }
        self.put_meta(meta)
    }

    /// Writes the store's own row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_meta(&self, meta: &Meta) -> Result<(), StoreError> {
        self.put(row::META, STORE, meta)
    }

    /// Writes an array's row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_array(&self, array: &ArrayRecord) -> Result<(), StoreError> {
        self.put(row::ARRAYS, array.name.as_str(), array)
    }

    /// Removes an array's row; its rolls' journals stay. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn remove_array(&self, name: &ArrayName) -> Result<bool, StoreError> {
        self.remove(row::ARRAYS, name.as_str())
    }

    /// Writes a node's row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_node(&self, node: &NodeRecord) -> Result<(), StoreError> {
        self.put(row::NODES, node.name.as_str(), node)
    }

    /// Edits a node's row as it is at this moment, if there is one, and gives it as it is then.
    /// For whoever read the row some time ago: certificates may have been renewed meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Unsaved`].
    pub fn edit_node(
        &self,
        name: &NodeName,
        edit: impl FnOnce(&mut NodeRecord),
    ) -> Result<Option<NodeRecord>, StoreError> {
        let Some(mut node) = self.node(name)? else {
            return Ok(None);
        };
        edit(&mut node);
        self.put_node(&node)?;
        Ok(Some(node))
    }

    /// Removes a node's row. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn remove_node(&self, name: &NodeName) -> Result<bool, StoreError> {
        self.remove(row::NODES, name.as_str())
    }

    /// Writes an operator's row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_operator(&self, operator: &OperatorRecord) -> Result<(), StoreError> {
        self.put(row::OPERATORS, operator.name.as_str(), operator)
    }

    /// Writes an authority's row.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn put_authority(&self, authority: &AuthorityRecord) -> Result<(), StoreError> {
        self.put(
            row::AUTHORITIES,
            &row::numbered(authority.number),
            authority,
        )
    }

    /// Removes an authority's row, which ends all trust in what it signed. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Unsaved`].
    pub fn remove_authority(&self, number: u64) -> Result<bool, StoreError> {
        self.remove(row::AUTHORITIES, &row::numbered(number))
    }

    pub(crate) fn put<T: Serialize>(
        &self,
        table: Table,
        key: &str,
        content: &T,
    ) -> Result<(), StoreError> {
        self.reach("save", table);
        let bytes = row::encode(self.seal, table, key, content);
        let definition = row::definition(table);
        let mut table = self
            .transaction
            .open_table(definition)
            .map_err(StoreError::unsaved)?;
        table
            .insert(key, bytes.as_slice())
            .map_err(StoreError::unsaved)?;
        Ok(())
    }

    pub(super) fn remove(&self, table: Table, key: &str) -> Result<bool, StoreError> {
        self.reach("save", table);
        let definition = row::definition(table);
        let mut table = self
            .transaction
            .open_table(definition)
            .map_err(StoreError::unsaved)?;
        let removed = table.remove(key).map_err(StoreError::unsaved)?;
        Ok(removed.is_some())
    }
}

impl Rows for Change<'_> {
    fn row<T: DeserializeOwned>(
        &self,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let bytes = self.transaction.fetch(table, key)?;
        bytes
            .map(|bytes| row::decode(self.seal, table, key, &bytes))
            .transpose()
    }

    fn rows<T: DeserializeOwned>(
        &self,
        table: &'static str,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let rows = self.transaction.scan(table, prefix, newest_first, limit)?;
        row::decode_all(self.seal, table, rows)
    }
}
