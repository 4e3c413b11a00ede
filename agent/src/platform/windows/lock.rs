//! Nobody else writes meanwhile: share modes, which Windows holds every program to.
//!
//! MIT's library takes no lock on Windows, but who opens a keytab to write it is refused while we
//! have it open, and we are refused while it has.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::NO_LINK;
use crate::atomic_file::FileError;
use crate::platform::{Purpose, not_a_file};

/// How often a file is asked for: there is no wait with a deadline.
pub(super) const PAUSE: Duration = Duration::from_millis(25);

/// `FILE_SHARE_READ`.
const OTHERS_READ: u32 = 1;

/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`,
/// `ERROR_USER_MAPPED_FILE`: others have the file open. The first is also what a name says whose
/// file is deleted and still open, and whoever may not write at all.
const HELD: [i32; 4] = [5, 32, 33, 1224];

/// Whether this is what Windows says while another program has the file open.
pub(super) fn is_held(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| HELD.contains(&code))
}

/// Opens the file at `path` once nobody else has it open to write; nobody can open it so, or
/// replace it, as long as it stays open.
///
/// # Errors
/// [`FileError`], if it is not there, or others have it open beyond `until`.
pub fn open_locked(path: &Path, purpose: Purpose, until: Instant) -> Result<File, FileError> {
    let file = loop {
        let outcome = OpenOptions::new()
            .read(true)
            .write(purpose == Purpose::Write)
            .share_mode(OTHERS_READ)
            .custom_flags(NO_LINK)
            .open(path);
        match outcome {
            Ok(file) => break file,
            Err(error) if is_held(&error) && Instant::now() < until => std::thread::sleep(PAUSE),
            Err(error) if is_held(&error) => {
                let held = format!(
                    "another program holds its lock, or has it open; Resource Monitor names it: \
                     {error}"
                );
                let error = io::Error::new(io::ErrorKind::TimedOut, held);
                return Err(FileError::system("lock", path, error));
            }
            Err(error) => return Err(FileError::system("open", path, error)),
        }
    };
    let found = file
        .metadata()
        .map_err(|error| FileError::system("look at", path, error))?;
    if found.is_file() {
        Ok(file)
    } else {
        Err(not_a_file(path))
    }
}
