//! A store made from a backup, marked as what it is: older than the world.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::Database;
use redb::backends::InMemoryBackend;

use super::backup::{BackupError, Head, fill};
use super::open::Place;
use super::read::Read as _;
use super::{Store, StoreError};
use crate::audit::{self, Event};
use crate::seal::Seal;

impl Store {
    /// The store that is in `folder` already, if one is.
    #[must_use]
    pub fn in_the_way(folder: &Path) -> Option<PathBuf> {
        Some(super::open::file(folder)).filter(|path| path.try_exists().unwrap_or(true))
    }

    /// What a backup holds, as a store in memory that is gone when it is dropped. The whole of it
    /// is checked.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn of_backup(
        source: impl Read,
        path: &Path,
        seal: Arc<Seal>,
    ) -> Result<(Self, Head), BackupError> {
        let database = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .map_err(StoreError::unsaved)?;
        let head = fill(&database, &seal, source, path)?;
        let store = Self::around(database, seal);
        store.examine(path)?;
        Ok((store, head))
    }

    /// Makes the store in `folder` from a backup. Each array is marked as stale: what the nodes
    /// and the directory have is to be looked at before anything is done
    /// ([`super::ArrayRecord::stale`]).
    ///
    /// # Errors
    /// [`BackupError`]; then there is no store. [`StoreError::Present`] if there is one already.
    pub fn restore(
        folder: &Path,
        source: impl Read,
        path: &Path,
        seal: Arc<Seal>,
        now_unix_millis: i64,
    ) -> Result<(Self, Head), BackupError> {
        let (place, database) = Place::take(folder)?;
        let head = fill(&database, &seal, source, path)?;
        let store = Self::around(database, seal);
        store.examine(path)?;
        store.mark(&head, now_unix_millis)?;
        place.finish()?;
        Ok((store, head))
    }

    /// That what was filled in is a store: every row that the controller starts with can be read,
    /// no roll's journal is torn, and the audit is whole.
    fn examine(&self, path: &Path) -> Result<(), BackupError> {
        let damaged = |what: String| BackupError::Damaged {
            path: path.to_owned(),
            what,
        };
        let read = || {
            self.meta()?;
            self.nodes()?;
            self.operators()?;
            self.authorities()?;
            for array in self.arrays()? {
                self.open_roll(&array.name)?;
            }
            audit::verify(self)
        };
        let verdict = read().map_err(|error| damaged(error.to_string()))?;
        verdict
            .trouble
            .map_or(Ok(()), |trouble| Err(damaged(format!("audit: {trouble}"))))
    }

    fn mark(&self, head: &Head, now_unix_millis: i64) -> Result<(), StoreError> {
        let made = crate::restore::moment(head.made_unix);
        let entry = self.write(|change| {
            let mut meta = change.meta()?;
            meta.remembers_until_unix = head.made_unix;
            change.put_meta(&meta)?;
            for mut array in change.arrays()? {
                array.stale = Some(format!(
                    "the controller was restored from its backup of {made}"
                ));
                change.put_array(&array)?;
            }
            let event = Event {
                at_unix_millis: now_unix_millis,
                actor: "root".to_owned(),
                verb: "restore".to_owned(),
                object: head.store.clone(),
                outcome: "done".to_owned(),
                detail: format!("from the backup of {made}, epoch {}", head.epoch),
            };
            audit::append_within(change, event)
        })?;
        audit::announce(&entry);
        Ok(())
    }
}
