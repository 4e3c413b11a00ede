//! Making and opening the store's file.

use std::error::Error as _;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyroll::fence::Epoch;
use keyroll::kerberos::Realm;
use rand::RngCore as _;
use redb::{Database, DatabaseError, ReadableDatabase as _, StorageBackend};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::read::{Read as _, Rows};
use super::row::{self, Source as _};
use super::{Change, Meta, Snapshot, StoreError};
use crate::publish::{self, Made};
use crate::seal::Seal;

const FILE: &str = "state.redb";
/// A few megabytes hold every row of a large site; redb's own default of 1 GiB is for others.
const CACHE_BYTES: usize = 8 << 20;

/// The store, open. Shared by reference; one writer at a time, any number of readers.
pub struct Store {
    pub(super) database: Database,
    pub(super) seal: Arc<Seal>,
    /// Why nothing can be saved any more.
    broken: watch::Sender<Option<String>>,
    /// Told of each change that was made.
    changed: watch::Sender<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Store {
    /// Makes the store of a new controller in `folder`, which is made too if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Present`] if there is one; [`StoreError::Exposed`], [`StoreError::Io`],
    /// [`StoreError::Unsaved`].
    pub fn create(folder: &Path, realm: &Realm, seal: Arc<Seal>) -> Result<Self, StoreError> {
        let (place, database) = Place::take(folder)?;
        let store = Self::begin(database, realm, seal)?;
        place.finish()?;
        Ok(store)
    }

    /// Opens the store and raises its epoch, durably: whoever led before is superseded.
    ///
    /// # Errors
    /// Every variant of [`StoreError`] but [`StoreError::Present`] and [`StoreError::Illegal`].
    pub fn open(folder: &Path, seal: Arc<Seal>) -> Result<(Self, Epoch), StoreError> {
        let path = folder.join(FILE);
        if !path.try_exists().unwrap_or(true) {
            return Err(StoreError::Absent { path });
        }
        demand_mode(folder, 0o700)?;
        demand_mode(&path, 0o600)?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .open(&path)
            .map_err(|source| unopened(&path, source))?;
        Self::take_over(database, &path, seal)
    }

    /// Makes or opens the store on another medium than a file: one that a test has in its hand,
    /// to cut its power.
    ///
    /// # Errors
    /// As [`Store::create`] and [`Store::open`].
    pub fn on(
        medium: impl StorageBackend,
        realm: &Realm,
        seal: Arc<Seal>,
    ) -> Result<(Self, Epoch), StoreError> {
        let path = PathBuf::from(FILE);
        let new = medium.len().map_err(|source| StoreError::Io {
            path: path.clone(),
            source,
        })? == 0;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(medium)
            .map_err(|source| unopened(&path, source))?;
        if new {
            return Ok((Self::begin(database, realm, seal)?, Epoch(0)));
        }
        Self::take_over(database, &path, seal)
    }

    fn begin(database: Database, realm: &Realm, seal: Arc<Seal>) -> Result<Self, StoreError> {
        let mut id = [0; 16];
        rand::rng().fill_bytes(&mut id);
        let store = Self::around(database, seal);
        let meta = Meta {
            store: hex::encode(id),
            realm: realm.clone(),
            epoch: Epoch(0),
            remembers_until_unix: 0,
        };
        store.write(|change| change.begin(&meta))?;
        Ok(store)
    }

    fn take_over(
        database: Database,
        path: &Path,
        seal: Arc<Seal>,
    ) -> Result<(Self, Epoch), StoreError> {
        let store = Self::around(database, seal);
        let epoch = store.write(|change| {
            let mut meta = match change.meta() {
                Err(StoreError::Corrupt { .. }) => {
                    let path = path.to_owned();
                    return Err(StoreError::WrongSeal { path });
                }
                read => read?,
            };
            meta.epoch = meta.epoch.next();
            // A row that cannot be read is told of where it is needed, not here.
            let newest = change.newest_audit_entry().ok().flatten();
            let arrays = change.arrays().unwrap_or_default();
            if arrays.iter().all(|array| array.stale.is_none()) {
                let at = newest.map_or(0, |entry| entry.event.at_unix_millis / 1000);
                meta.remembers_until_unix = at;
            }
            change.put_meta(&meta)?;
            Ok(meta.epoch)
        })?;
        Ok((store, epoch))
    }

    /// Makes one change, durable as a whole when this returns `Ok`, and never made if `edit` or
    /// the commit fails. Takes some milliseconds (two fsyncs); changes wait for each other.
    ///
    /// # Errors
    /// Whatever `edit` returns; [`StoreError::Unsaved`], upon which the process must stop.
    pub fn write<T, E: From<StoreError>>(
        &self,
        edit: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let change = self.begin_change().map_err(|error| self.broke(error))?;
        let outcome = edit(&change)?;
        change.commit().map_err(|error| self.broke(error))?;
        self.changed.send_replace(());
        Ok(outcome)
    }

    fn begin_change(&self) -> Result<Change<'_>, StoreError> {
        let mut transaction = self.database.begin_write().map_err(StoreError::unsaved)?;
        transaction
            .set_durability(redb::Durability::Immediate)
            .map_err(StoreError::unsaved)?;
        transaction.set_two_phase_commit(true);
        Ok(Change::new(transaction, &self.seal))
    }

    /// Hears of each change from now on, once it is durable.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn broke(&self, error: StoreError) -> StoreError {
        let source = error.source().map(ToString::to_string);
        self.broken.send_replace(Some(source.unwrap_or_default()));
        error
    }

    /// Returns once a change could not be saved, whoever made it, with the reason: the process
    /// must stop then.
    pub async fn broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        match broken.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The sender is in the store itself.
            Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn around(database: Database, seal: Arc<Seal>) -> Self {
        Self {
            database,
            seal,
            broken: watch::Sender::new(None),
            changed: watch::Sender::new(()),
        }
    }
}

impl Store {
    /// Everything as it is at this moment, for reading rows that belong together.
    ///
    /// # Errors
    /// [`StoreError::Unread`].
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let transaction = self.database.begin_read().map_err(StoreError::unread)?;
        Ok(Snapshot::new(transaction, &self.seal))
    }
}

/// The place of a store that is being made.
pub(super) struct Place<'f> {
    folder: &'f Path,
}

impl<'f> Place<'f> {
    /// A new database in `folder`, which is made too if it is missing; under its own name it
    /// stands there only once [`Place::finish`] says so.
    ///
    /// # Errors
    /// [`StoreError::Present`] if there is a store; [`StoreError::Exposed`], [`StoreError::Io`].
    pub(super) fn take(folder: &'f Path) -> Result<(Self, Database), StoreError> {
        if !folder.exists() {
            let made = std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder);
            made.map_err(|source| io_error(folder, source))?;
        }
        demand_mode(folder, 0o700)?;
        let path = folder.join(FILE);
        if path.exists() {
            return Err(StoreError::Present { path });
        }
        let file = publish::begin(&path).map_err(|source| io_error(&path, source))?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_file(file)
            .map_err(|source| unopened(&path, source))?;
        Ok((Self { folder }, database))
    }

    /// Gives what was made its name, durably.
    ///
    /// # Errors
    /// [`StoreError::Io`], also if another set-up was faster.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        let path = self.folder.join(FILE);
        publish::finish(Made::Store, &path).map_err(|source| io_error(&path, source))
    }
}

fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Where the store of a state folder is.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

impl Rows for Store {
    fn row<T: DeserializeOwned>(
        &self,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let bytes = self.database.fetch(table, key)?;
        bytes
            .map(|bytes| row::decode(&self.seal, table, key, &bytes))
            .transpose()
    }

    fn rows<T: DeserializeOwned>(
        &self,
        table: &'static str,
        prefix: &str,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let rows = self.database.scan(table, prefix, newest_first, limit)?;
        row::decode_all(&self.seal, table, rows)
    }
}

fn demand_mode(path: &Path, wanted: u32) -> Result<(), StoreError> {
    let metadata = std::fs::metadata(path).map_err(|source| io_error(path, source))?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(StoreError::Exposed {
            path: path.to_owned(),
            mode,
            wanted,
        })
    }
}

fn unopened(path: &Path, source: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match source {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked { path },
        DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() != io::ErrorKind::InvalidData =>
        {
            StoreError::Io { path, source }
        }
        other => StoreError::Damaged {
            path,
            source: Box::new(other.into()),
        },
    }
}
