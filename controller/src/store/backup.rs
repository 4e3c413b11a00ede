//! A backup: the whole store as it was at one moment, in one file that shows whether it is whole.
//!
//! ```text
//! magic     "keyroll backup 1\n"
//! head      u32 length, JSON (Head), 32 bytes: the stamp over magic and head
//! rows      u8 length of the table's name, the name; u32 length of the key, the key;
//!           u32 length of the value, the value
//! end       u8 0, u64 number of rows, 32 bytes: the stamp over everything before
//! ```
//!
//! Numbers are big-endian. The stamp is an HMAC-SHA-256 under a key that follows from the sealing
//! key ([`crate::seal::Seal::backup_stamp`]). Rows are as they stand in the store, each with its
//! own HMAC, secrets sealed: the sealing key is not in it. Join tokens are left out, since one
//! that was used after the backup would be good again.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use keyroll::fence::Epoch;
use keyroll::kerberos::Realm;
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::read::STORE;
use super::row::{self, Source as _, Table};
use super::{Meta, Store, StoreError};
use crate::seal::{Seal, Stamp};

const MAGIC: &[u8] = b"keyroll backup ";
const FORMAT: &[u8] = b"1\n";
/// A head is some two hundred bytes, a key at most a hundred, a row some kilobytes.
const LONGEST_HEAD: u32 = 64 * 1024;
const LONGEST_KEY: u32 = 4 * 1024;
const LONGEST_ROW: u32 = 16 << 20;
/// So many rows are made durable together when a store is filled.
const ROWS_AT_ONCE: u64 = 50_000;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    /// When it was made, seconds since 1970.
    pub made_unix: i64,
    /// The version of keyroll that made it.
    pub version: String,
    /// The store that it is of ([`super::Meta::store`]).
    pub store: String,
    /// The realm of its accounts.
    pub realm: Realm,
    /// The epoch of the controller that made it.
    pub epoch: Epoch,
}

/// Why a backup was not made or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be read or written.
    #[error("the backup {path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no backup.
    #[error("{path} is no backup of keyroll; one is made by: keyroll backup FILE")]
    NotOne {
        /// The file.
        path: PathBuf,
    },
    /// A later version made it.
    #[error("{path} was made by a later version of keyroll ({what}); install that version")]
    Later {
        /// The file.
        path: PathBuf,
        /// What is not known here.
        what: String,
    },
    /// Its head is not under the sealing key at hand, or was edited.
    #[error(
        "the sealing key does not fit the backup {path}, or its beginning was edited; nothing in \
         it can be opened without the sealing key of the controller that made it"
    )]
    WrongSeal {
        /// The file.
        path: PathBuf,
    },
    /// It is under the right key, and is not as it was made.
    #[error("the backup {path} is damaged: {what}; nothing was restored, take another one")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, how.
        what: String,
    },
    /// The store that it is made from, or that is made from it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes a backup of this moment; changes made meanwhile are not in it, and wait for nothing.
    ///
    /// # Errors
    /// [`BackupError::Io`] with `path` if `sink` fails, [`BackupError::Store`].
    pub fn back_up(
        &self,
        sink: impl Write,
        path: &Path,
        now_unix: i64,
    ) -> Result<Head, BackupError> {
        let moment = self.database.begin_read().map_err(StoreError::unread)?;
        let meta = moment
            .fetch(row::META, STORE)?
            .ok_or_else(StoreError::no_meta)?;
        let meta: Meta = row::decode(&self.seal, row::META, STORE, &meta)?;
        let head = Head {
            made_unix: now_unix,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: meta.store,
            realm: meta.realm,
            epoch: meta.epoch,
        };
        let failed = |source| BackupError::Io {
            path: path.to_owned(),
            source,
        };
        let mut sink = Stamping {
            inner: sink,
            stamp: self.seal.backup_stamp(),
        };
        sink.head(&head).map_err(failed)?;
        let mut rows = 0_u64;
        for table in row::ALL.into_iter().filter(|table| *table != row::TOKENS) {
            let content = match moment.open_table(row::definition(table)) {
                Err(redb::TableError::TableDoesNotExist(_)) => continue,
                opened => opened.map_err(StoreError::unread)?,
            };
            for one in content.iter().map_err(StoreError::unread)? {
                let (key, value) = one.map_err(StoreError::unread)?;
                sink.row(table, key.value(), value.value())
                    .map_err(failed)?;
                rows += 1;
            }
        }
        sink.end(rows).map_err(failed)?;
        Ok(head)
    }
}

struct Stamping<W> {
    inner: W,
    stamp: Stamp,
}

impl<W: Write> Stamping<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stamp.update(bytes);
        self.inner.write_all(bytes)
    }

    fn long(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }

    fn head(&mut self, head: &Head) -> io::Result<()> {
        self.put(MAGIC)?;
        self.put(FORMAT)?;
        self.long(&serde_json::to_vec(head)?)?;
        let so_far = self.stamp.clone().finish();
        self.put(&so_far)
    }

    fn row(&mut self, table: Table, key: &str, value: &[u8]) -> io::Result<()> {
        let length = u8::try_from(table.len()).map_err(io::Error::other)?;
        self.put(&[length])?;
        self.put(table.as_bytes())?;
        self.long(key.as_bytes())?;
        self.long(value)
    }

    fn end(mut self, rows: u64) -> io::Result<()> {
        self.put(&[0])?;
        self.put(&rows.to_be_bytes())?;
        let all = self.stamp.finish();
        self.inner.write_all(&all)?;
        self.inner.flush()
    }
}

/// Fills an empty database with the rows of a backup. What is in it then counts only if this
/// returns `Ok`: whether the backup is whole shows at its end.
pub(super) fn fill(
    database: &Database,
    seal: &Seal,
    source: impl Read,
    path: &Path,
) -> Result<Head, BackupError> {
    let mut source = Checking {
        inner: source,
        stamp: seal.backup_stamp(),
        path,
        read: 0,
    };
    let head = source.head()?;
    let mut rows = 0_u64;
    while !fill_some(database, &mut source, &mut rows)? {}
    Ok(head)
}

/// Takes some rows in; whether they were the last ones.
fn fill_some(
    database: &Database,
    source: &mut Checking<'_, impl Read>,
    rows: &mut u64,
) -> Result<bool, BackupError> {
    let transaction = database.begin_write().map_err(StoreError::unsaved)?;
    let until = rows.saturating_add(ROWS_AT_ONCE);
    let mut over = false;
    while !over && *rows < until {
        match source.row()? {
            Some((table, key, value)) => {
                let mut table = transaction
                    .open_table(row::definition(table))
                    .map_err(StoreError::unsaved)?;
                let before = table
                    .insert(&*key, &*value)
                    .map_err(StoreError::unsaved)?
                    .is_some();
                if before {
                    return Err(source.damaged(format!("row {key:?} is in it twice")));
                }
                *rows += 1;
            }
            None => {
                source.end(*rows)?;
                over = true;
            }
        }
    }
    transaction.commit().map_err(StoreError::unsaved)?;
    Ok(over)
}

struct Checking<'p, R> {
    inner: R,
    stamp: Stamp,
    path: &'p Path,
    read: u64,
}

impl<R: Read> Checking<'_, R> {
    fn damaged(&self, what: impl Into<String>) -> BackupError {
        BackupError::Damaged {
            path: self.path.to_owned(),
            what: what.into(),
        }
    }

    fn failed(&self, source: io::Error) -> BackupError {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return self.damaged(format!("it ends after {} bytes, too early", self.read));
        }
        BackupError::Io {
            path: self.path.to_owned(),
            source,
        }
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let mut bytes = [0; N];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|error| self.failed(error))?;
        self.read += N as u64;
        Ok(bytes)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let bytes = self.exactly()?;
        self.stamp.update(&bytes);
        Ok(bytes)
    }

    /// So many bytes; room for them is made as they come, whatever was announced.
    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        let read = (&mut self.inner).take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.failed(error))? as u64;
        self.read += read;
        if read < length {
            return Err(self.failed(io::ErrorKind::UnexpectedEof.into()));
        }
        self.stamp.update(&bytes);
        Ok(bytes)
    }

    fn long(&mut self, longest: u32) -> Result<Vec<u8>, BackupError> {
        let at = self.read;
        let length = u32::from_be_bytes(self.number()?);
        if length > longest {
            return Err(self.damaged(format!("byte {at} announces {length} bytes")));
        }
        self.bytes(length.into())
    }

    fn head(&mut self) -> Result<Head, BackupError> {
        let not_one = || BackupError::NotOne {
            path: self.path.to_owned(),
        };
        let mut start = Vec::new();
        let length = (MAGIC.len() + FORMAT.len()) as u64;
        let read = (&mut self.inner).take(length).read_to_end(&mut start);
        read.map_err(|source| BackupError::Io {
            path: self.path.to_owned(),
            source,
        })?;
        let format = start.strip_prefix(MAGIC).ok_or_else(not_one)?;
        if format != FORMAT {
            return Err(BackupError::Later {
                path: self.path.to_owned(),
                what: format!("format {:?}", String::from_utf8_lossy(format).trim_end()),
            });
        }
        self.read = length;
        self.stamp.update(&start);
        let json = self.long(LONGEST_HEAD)?;
        let wanted = self.stamp.clone();
        let stamp: [u8; Stamp::LENGTH] = self.number()?;
        if !wanted.fits(&stamp) {
            return Err(BackupError::WrongSeal {
                path: self.path.to_owned(),
            });
        }
        serde_json::from_slice(&json).map_err(|error| BackupError::Later {
            path: self.path.to_owned(),
            what: format!("its head, {:?} at {}", error.classify(), error.column()),
        })
    }

    fn row(&mut self) -> Result<Option<(Table, String, Vec<u8>)>, BackupError> {
        let at = self.read;
        let [length] = self.number()?;
        if length == 0 {
            return Ok(None);
        }
        let name = self.bytes(length.into())?;
        let known = row::ALL
            .into_iter()
            .find(|table| table.as_bytes() == &*name);
        // A later version's backup is found out here only if nothing before was damaged: say both.
        let table = known.ok_or_else(|| {
            let name = String::from_utf8_lossy(&name).into_owned();
            self.damaged(format!("byte {at} names a table {name:?}, unknown here"))
        })?;
        let key = String::from_utf8(self.long(LONGEST_KEY)?)
            .map_err(|_| self.damaged(format!("byte {at} begins a row whose key is no text")))?;
        Ok(Some((table, key, self.long(LONGEST_ROW)?)))
    }

    fn end(&mut self, rows: u64) -> Result<(), BackupError> {
        let said = u64::from_be_bytes(self.number()?);
        let wanted = self.stamp.clone();
        let stamp: [u8; Stamp::LENGTH] = self.exactly()?;
        if !wanted.fits(&stamp) || said != rows {
            return Err(self.damaged("it is not as it was made".to_owned()));
        }
        let mut more = [0; 1];
        match self.inner.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged(format!("something follows its end, byte {}", self.read))),
            Err(error) => Err(self.failed(error)),
        }
    }
}
