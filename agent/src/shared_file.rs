//! Editing a keytab that other programs write too, in place and under the lock they take.
//!
//! MIT's and Heimdal's libraries lock the file's inode with fcntl and write where they are; a
//! rename would leave them with the old inode and lose what they add. The lock is an OFD lock, as
//! MIT's is: it belongs to this open file alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyroll::keytab::{Patch, Sync};
use keyroll::secret::SecretBytes;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{FallocateFlags, Gid, Mode, Uid};

use crate::atomic_file::{self, Access, FileError, SAFE_OPEN};
use crate::effect;

/// How long others may hold their lock. They hold it for the time of one write; a process that
/// was stopped with the lock in its hand must not stop a roll for ever.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(10);

/// How often a lock is asked for: the kernel has no lock with a deadline.
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// How often a file may be replaced under our hands before we give up.
const REPLACED_AT_MOST: usize = 5;

/// What the lock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Others may read too.
    Read,
    /// Nobody else may.
    Write,
}

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
        for _ in 0..REPLACED_AT_MOST {
            let file = OpenOptions::new()
                .read(true)
                .write(purpose == Purpose::Write)
                .custom_flags(SAFE_OPEN.bits().cast_signed())
                .open(path)
                .map_err(|error| FileError::system("open", path, error))?;
            let opened = file
                .metadata()
                .map_err(|error| FileError::system("look at", path, error))?;
            if !opened.is_file() {
                let what = "not a regular file";
                return Err(FileError::Unfit {
                    path: path.to_owned(),
                    what,
                });
            }
            lock(&file, purpose, until).map_err(|error| FileError::system("lock", path, error))?;
            // Whoever replaced the file before we had the lock left us with a dead inode.
            let there = std::fs::symlink_metadata(path);
            if there.is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino())) {
                return Ok(Self {
                    file,
                    path: path.to_owned(),
                });
            }
        }
        let replaced = io::Error::other("it is replaced again and again while we wait for it");
        Err(FileError::system("lock", path, replaced))
    }

    /// Creates an empty file for others to share, unless there is one.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn create(path: &Path, access: Access) -> Result<(), FileError> {
        let failed = |error: io::Error| FileError::system("create", path, error);
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        let file = match effect::create(&mut options, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            outcome => outcome.map_err(failed)?,
        };
        if access.owner.is_some() || access.group.is_some() {
            let (owner, group) = (
                access.owner.map(Uid::from_raw),
                access.group.map(Gid::from_raw),
            );
            rustix::fs::fchown(&file, owner, group).map_err(|error| failed(error.into()))?;
        }
        let mode = Mode::from_raw_mode(access.mode.unwrap_or(0o600));
        rustix::fs::fchmod(&file, mode).map_err(|error| failed(error.into()))?;
        effect::sync(&file).map_err(failed)?;
        atomic_file::sync_folder(path)
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
        use rustix::io::Errno;
        let ends = patches
            .iter()
            .map(|patch| patch.offset + patch.bytes.expose().len());
        let end = u64::try_from(ends.max().unwrap_or_default()).unwrap_or(u64::MAX);
        if end == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, end) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(FileError::system("reserve room in", &self.path, error)),
        }
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

fn lock(file: &File, purpose: Purpose, until: Instant) -> io::Result<()> {
    let kind = match purpose {
        Purpose::Read => libc::F_RDLCK,
        Purpose::Write => libc::F_WRLCK,
    };
    let whole_file = libc::flock {
        l_type: i16::try_from(kind).map_err(io::Error::other)?,
        l_whence: i16::try_from(libc::SEEK_SET).map_err(io::Error::other)?,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file)) {
            Ok(_) => return Ok(()),
            Err(nix::Error::EAGAIN | nix::Error::EACCES | nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() >= until {
            let held = "another program holds its lock; `fuser -v` on the file names it";
            return Err(io::Error::new(io::ErrorKind::TimedOut, held));
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}
