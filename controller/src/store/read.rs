//! Reading rows, from what is committed or within a change.

use keyroll::name::{ArrayName, NodeName, OperatorName};
use serde::de::DeserializeOwned;

use super::records::{ArrayRecord, AuthorityRecord, Meta, NodeRecord, OperatorRecord};
use super::row::{self, Table};
use super::{StoreError, TokenRecord};

/// The row of table `meta` that holds [`Meta`].
pub(super) const STORE: &str = "store";

/// Raw rows; implemented by [`super::Store`] and [`super::Change`] alone.
pub trait Rows {
    /// One row.
    #[doc(hidden)]
    fn row<T: DeserializeOwned>(
        &self,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, StoreError>;

    /// Rows whose keys begin with `prefix`.
    #[doc(hidden)]
    fn rows<T: DeserializeOwned>(
        &self,
        table: &'static str,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, T)>, StoreError>;
}

/// Typed reading. Every method fails with [`StoreError::Unread`] or [`StoreError::Corrupt`] only.
pub trait Read: Rows {
    /// The store's own row.
    ///
    /// # Errors
    /// See the trait.
    fn meta(&self) -> Result<Meta, StoreError> {
        self.row(row::META, STORE)?.ok_or_else(StoreError::no_meta)
    }

    /// An array, if it exists.
    ///
    /// # Errors
    /// See the trait.
    fn array(&self, name: &ArrayName) -> Result<Option<ArrayRecord>, StoreError> {
        self.row(row::ARRAYS, name.as_str())
    }

    /// Every array, by name.
    ///
    /// # Errors
    /// See the trait.
    fn arrays(&self) -> Result<Vec<ArrayRecord>, StoreError> {
        self.all(row::ARRAYS)
    }

    /// A node, if it is known.
    ///
    /// # Errors
    /// See the trait.
    fn node(&self, name: &NodeName) -> Result<Option<NodeRecord>, StoreError> {
        self.row(row::NODES, name.as_str())
    }

    /// Every node, by name; removed ones too.
    ///
    /// # Errors
    /// See the trait.
    fn nodes(&self) -> Result<Vec<NodeRecord>, StoreError> {
        self.all(row::NODES)
    }

    /// The nodes of an array that were not removed, by name.
    ///
    /// # Errors
    /// See the trait.
    fn members(&self, array: &ArrayName) -> Result<Vec<NodeRecord>, StoreError> {
        let mut nodes = self.nodes()?;
        nodes.retain(|node| node.arrays.contains(array) && node.state != super::NodeState::Removed);
        Ok(nodes)
    }

    /// An operator, if known; revoked ones too.
    ///
    /// # Errors
    /// See the trait.
    fn operator(&self, name: &OperatorName) -> Result<Option<OperatorRecord>, StoreError> {
        self.row(row::OPERATORS, name.as_str())
    }

    /// Every operator, by name; revoked ones too.
    ///
    /// # Errors
    /// See the trait.
    fn operators(&self) -> Result<Vec<OperatorRecord>, StoreError> {
        self.all(row::OPERATORS)
    }

    /// Every certificate authority, the oldest first.
    ///
    /// # Errors
    /// See the trait.
    fn authorities(&self) -> Result<Vec<AuthorityRecord>, StoreError> {
        self.all(row::AUTHORITIES)
    }

    /// Every join token that was not forgotten, used and expired ones too.
    ///
    /// # Errors
    /// See the trait.
    fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.all(row::TOKENS)
    }

    /// A whole table.
    #[doc(hidden)]
    fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(table, "", false, usize::MAX)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}

impl<R: Rows> Read for R {}
