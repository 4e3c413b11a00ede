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
const PAUSE: Duration = Duration::from_millis(25);

/// `FILE_SHARE_READ`.
const OTHERS_READ: u32 = 1;

/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`,
/// `ERROR_USER_MAPPED_FILE`: others have the file open. The first is also what a name says whose
/// file is deleted and still open, and whoever may not write at all.
const HELD: [i32; 4] = [5, 32, 33, 1224];

/// Whether this is what Windows says while another program has the file open.
fn is_held(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| HELD.contains(&code))
}

/// Does `attempt`, and again until `until` as long as another program has the file open.
///
/// # Errors
/// The system's, the last time.
pub(super) fn once_free<T>(
    until: Instant,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if is_held(&error) && Instant::now() < until => {
                tracing::trace!(%error, "waits until a file is free");
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// The same error, with what it most likely means if the file was `held` to the end.
pub(super) fn told(error: io::Error, held: &str) -> io::Error {
    if !is_held(&error) {
        return error;
    }
    // Windows says the same of both.
    let or = match error.kind() {
        io::ErrorKind::PermissionDenied => "this account may not (an administrator may), or ",
        _ => "",
    };
    let why = format!("{or}another program {held}; Resource Monitor names it: {error}");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

/// Opens the file at `path` once nobody else has it open to write; nobody can open it so, or
/// replace it, as long as it stays open.
///
/// # Errors
/// [`FileError`], if it is not there, or others have it open beyond `until`.
pub fn open_locked(path: &Path, purpose: Purpose, until: Instant) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(purpose == Purpose::Write)
        .share_mode(OTHERS_READ)
        .custom_flags(NO_LINK);
    let file = once_free(until, || options.open(path)).map_err(|error| {
        let action = if is_held(&error) { "lock" } else { "open" };
        FileError::system(action, path, told(error, "holds its lock, or has it open"))
    })?;
    let found = file
        .metadata()
        .map_err(|error| FileError::system("look at", path, error))?;
    if found.is_file() {
        Ok(file)
    } else {
        Err(not_a_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_another_program_has_for_itself_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        std::fs::write(&path, "old").unwrap();
        let mut alone = OpenOptions::new();
        let mut other = Some(alone.read(true).share_mode(0).open(&path).unwrap());
        let mut attempts = 0;
        let opened = once_free(Instant::now() + Duration::from_secs(60), || {
            attempts += 1;
            if attempts == 3 {
                drop(other.take());
            }
            File::open(&path)
        });
        drop(opened.unwrap());
        assert_eq!(attempts, 3);
        // Not beyond its time, and not for anything else.
        let _other = alone.open(&path).unwrap();
        let held = once_free(Instant::now(), || File::open(&path)).unwrap_err();
        assert!(is_held(&held), "{held}");
        assert!(
            told(held, "has it open")
                .to_string()
                .contains("Resource Monitor")
        );
        let until = Instant::now() + Duration::from_secs(60);
        let gone = once_free(until, || File::open(folder.path().join("none"))).unwrap_err();
        assert_eq!(told(gone, "has it open").kind(), io::ErrorKind::NotFound);
    }
}
