//! One row: format, authentication, content.
//!
//! Every table maps text to bytes; numbers in keys are padded with zeros so that the order of keys
//! is that of the numbers. A value is one byte of format, 32 bytes of HMAC, and JSON.

use redb::{ReadableDatabase as _, ReadableTable, TableDefinition, TableError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::seal::Seal;

/// The first byte of every row: JSON behind an HMAC.
const FORMAT: u8 = 1;
const TAG_LENGTH: usize = 32;

/// A table of the store, by name.
pub(super) type Table = &'static str;

pub(super) const META: Table = "meta";
pub(super) const ARRAYS: Table = "arrays";
pub(super) const NODES: Table = "nodes";
pub(super) const ROLLS: Table = "rolls";
pub(super) const TOKENS: Table = "tokens";
pub(super) const OPERATORS: Table = "operators";
pub(super) const AUTHORITIES: Table = "authorities";
pub(super) const AUDIT: Table = "audit";
pub(super) const CHANGES: Table = "changes";

pub(super) const ALL: [Table; 9] = [
    META,
    ARRAYS,
    NODES,
    ROLLS,
    TOKENS,
    OPERATORS,
    AUTHORITIES,
    AUDIT,
    CHANGES,
];

pub(super) const fn definition(
    table: Table,
) -> TableDefinition<'static, &'static str, &'static [u8]> {
    TableDefinition::new(table)
}

/// A number as a key, so that keys sort as numbers do.
pub(super) fn numbered(number: u64) -> String {
    format!("{number:020}")
}

/// A row as it stands on disk.
pub(super) fn encode<T: Serialize>(seal: &Seal, table: Table, key: &str, row: &T) -> Vec<u8> {
    let json = serde_json::to_vec(row).expect("rows have text keys and no failing serializer");
    let tag = seal.authenticate(table, key, &json);
    [&[FORMAT], tag.as_slice(), &json].concat()
}

/// A row from disk.
pub(super) fn decode<T: DeserializeOwned>(
    seal: &Seal,
    table: Table,
    key: &str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt {
        table,
        key: key.to_owned(),
        why,
    };
    let (format, rest) = bytes
        .split_first()
        .ok_or_else(|| corrupt("it is empty".to_owned()))?;
    if *format != FORMAT {
        return Err(corrupt(format!(
            "its format is {format}, and only {FORMAT} is known here"
        )));
    }
    let (tag, json) = rest
        .split_first_chunk::<TAG_LENGTH>()
        .ok_or_else(|| corrupt("it is cut short".to_owned()))?;
    if !seal.is_authentic(table, key, json, tag) {
        return Err(corrupt(
            "it was not written with this sealing key, or was changed".to_owned(),
        ));
    }
    // serde's text may quote what it stumbles over; where it stumbled is enough.
    serde_json::from_slice(json).map_err(|error| {
        corrupt(format!(
            "it does not fit this version ({:?} at {})",
            error.classify(),
            error.column()
        ))
    })
}

/// Where raw rows come from: the database as last committed, or a transaction under way.
pub(super) trait Source {
    /// One row's bytes.
    fn fetch(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` rows whose keys begin with `prefix`, from the last key backwards if
    /// `newest_first`.
    fn scan(
        &self,
        table: Table,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

impl Source for redb::Database {
    fn fetch(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.begin_read()
            .map_err(StoreError::unread)?
            .fetch(table, key)
    }

    fn scan(
        &self,
        table: Table,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let transaction = self.begin_read().map_err(StoreError::unread)?;
        transaction.scan(table, prefix, newest_first, limit)
    }
}

impl Source for redb::ReadTransaction {
    fn fetch(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.open_table(definition(table)) {
            Ok(table) => one(&table, key),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(StoreError::unread(error)),
        }
    }

    fn scan(
        &self,
        table: Table,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        match self.open_table(definition(table)) {
            Ok(table) => many(&table, prefix, newest_first, limit),
            Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
            Err(error) => Err(StoreError::unread(error)),
        }
    }
}

impl Source for redb::WriteTransaction {
    fn fetch(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        one(
            &self
                .open_table(definition(table))
                .map_err(StoreError::unread)?,
            key,
        )
    }

    fn scan(
        &self,
        table: Table,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let table = self
            .open_table(definition(table))
            .map_err(StoreError::unread)?;
        many(&table, prefix, newest_first, limit)
    }
}

fn one(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = table.get(key).map_err(StoreError::unread)?;
    Ok(row.map(|row| row.value().to_vec()))
}

fn many(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    prefix: &str,
    newest_first: bool,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    // Keys are ASCII, so this is above every key with the prefix.
    let above = format!("{prefix}\u{7f}");
    let rows = table
        .range(prefix..above.as_str())
        .map_err(StoreError::unread)?;
    let owned = |row: Result<
        (
            redb::AccessGuard<'_, &'static str>,
            redb::AccessGuard<'_, &'static [u8]>,
        ),
        _,
    >| {
        let (key, value) = row.map_err(StoreError::unread)?;
        Ok((key.value().to_owned(), value.value().to_vec()))
    };
    if newest_first {
        rows.rev().take(limit).map(owned).collect()
    } else {
        rows.take(limit).map(owned).collect()
    }
}

/// Rows from disk, with their keys.
pub(super) fn decode_all<T: DeserializeOwned>(
    seal: &Seal,
    table: Table,
    rows: Vec<(String, Vec<u8>)>,
) -> Result<Vec<(String, T)>, StoreError> {
    let decoded = rows.into_iter().map(|(key, bytes)| {
        let row = decode(seal, table, &key, &bytes)?;
        Ok((key, row))
    });
    decoded.collect()
}
