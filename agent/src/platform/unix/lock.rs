//! The lock that MIT's and Heimdal's libraries take on a keytab.
//!
//! An OFD lock, as MIT's is: it belongs to the open file alone, and closing another descriptor of
//! the same file does not drop it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::files::SAFE_OPEN;
use crate::atomic_file::FileError;
use crate::platform::{Purpose, not_a_file};

/// How often a lock is asked for: the kernel has no lock with a deadline.
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// How often a file may be replaced under our hands before we give up.
const REPLACED_AT_MOST: usize = 5;

/// Opens and locks the file that is at `path` once the lock is held.
///
/// # Errors
/// [`FileError`], if it is not there, or others keep the lock beyond `until`.
pub fn open_locked(path: &Path, purpose: Purpose, until: Instant) -> Result<File, FileError> {
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
            return Err(not_a_file(path));
        }
        lock(&file, purpose, until).map_err(|error| FileError::system("lock", path, error))?;
        // Whoever replaced the file before we had the lock left us with a dead inode.
        let there = fs::symlink_metadata(path);
        if there.is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino())) {
            return Ok(file);
        }
    }
    let replaced = io::Error::other("it is replaced again and again while we wait for it");
    Err(FileError::system("lock", path, replaced))
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
