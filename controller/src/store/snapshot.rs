//! Everything as it was at one moment: rows that are only true together must be read together.

use redb::ReadTransaction;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::read::Rows;
use super::row::{self, Source as _};
use crate::seal::Seal;

/// The store as last committed before [`super::Store::snapshot`]; later changes do not show.
pub struct Snapshot<'s> {
    transaction: ReadTransaction,
    seal: &'s Seal,
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot(..)")
    }
}

impl<'s> Snapshot<'s> {
    pub(super) const fn new(transaction: ReadTransaction, seal: &'s Seal) -> Self {
        Self { transaction, seal }
    }
}

impl Rows for Snapshot<'_> {
    fn row<T: DeserializeOwned>(
        &self,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let bytes = self.transaction.fetch(table, key)?;
        let decode = |bytes: Vec<u8>| row::decode(self.seal, table, key, &bytes);
        bytes.map(decode).transpose()
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
