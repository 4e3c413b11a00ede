//! Editing a keytab that other programs write too, in place and under the lock they take.
//!
//! They write where they are; a rename would leave them with the old file and lose what they add.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyroll::keytab::{Patch, Sync};
use keyroll::secret::SecretBytes;

use crate::atomic_file::{self, Access, FileError};
pub use crate::platform::Purpose;
use crate::{effect, platform};

/// How long others may hold their lock. They hold it for the time of one write; a process that
/// was stopped with the lock in its hand must not stop a roll for ever.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(10);

/// A file that is open and locked until this is dropped.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Opens and locks the file that is at `path` once the lock is held.
    ///
    /// # Errors
    /// [`FileError`], if it is not there, or others keep the lock longer than `deadline`.
    pub fn open(path: &Path, purpose: Purpose, deadline: Duration) -> Result<Self, FileError> {
        let until = Instant::now() + deadline;
        let file = platform::open_locked(path, purpose, until)?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// Creates an empty file for others to share, unless there is one.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn create(path: &Path, access: &Access) -> Result<(), FileError> {
        let failed = |error: io::Error| FileError::system("create", path, error);
        let file = match effect::create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            outcome => outcome.map_err(failed)?,
        };
        platform::set_access(&file, path, None, access).map_err(failed)?;
        effect::sync(&file).map_err(failed)?;
        atomic_file::sync_folder(path)
    }

    /// Gives the file its access; what `access` leaves open stays as it is.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn set_access(&self, access: &Access) -> Result<(), FileError> {
        let set = |now| platform::set_access(&self.file, &self.path, Some(&now), access);
        let done = self.file.metadata().and_then(set);
        done.map_err(|error| FileError::system("set the access of", &self.path, error))
    }

    /// The whole content.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn read(&self) -> Result<SecretBytes, FileError> {
        use std::io::Seek as _;
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| atomic_file::read_open(file))
            .map_err(|error| FileError::system("read", &self.path, error))
    }

    /// Makes sure that there is room for `patches`, without a change that readers could see.
    ///
    /// # Errors
    /// [`FileError::System`], if there is none.
    pub fn reserve(&self, patches: &[Patch]) -> Result<(), FileError> {
        let ends = patches
            .iter()
            .map(|patch| patch.offset + patch.bytes.expose().len());
        let end = u64::try_from(ends.max().unwrap_or_default()).unwrap_or(u64::MAX);
        platform::reserve(&self.file, end)
            .map_err(|error| FileError::system("reserve room in", &self.path, error))
    }

    /// Performs one write, and the sync behind it.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn perform(&self, patch: &Patch) -> Result<(), FileError> {
        let failed = |error| FileError::system("write", &self.path, error);
        let offset = u64::try_from(patch.offset).unwrap_or(u64::MAX);
        effect::patch(&self.file, patch.bytes.expose(), offset).map_err(failed)?;
        match patch.then {
            Sync::Now => effect::sync_content(&self.file).map_err(failed),
            Sync::Later => Ok(()),
        }
    }
}
