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

/// `ERROR_UNABLE_TO_REMOVE_REPLACED` and `ERROR_UNABLE_TO_MOVE_REPLACEMENT`: both files have their
/// names still.
const IN_THE_WAY: [i32; 2] = [1175, 1176];
/// `ERROR_SHARING_VIOLATION`.
const SHARED: i32 = 32;

fn is_in_the_way(error: &io::Error) -> bool {
    let is_in_the_way = |code| IN_THE_WAY.contains(&code);
    is_held(error) || error.raw_os_error().is_some_and(is_in_the_way)
}

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
    attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    again_while(is_held, until, attempt)
}

/// The same of `ReplaceFileW`, which has words of its own for it.
///
/// # Errors
/// As of [`once_free`].
pub(super) fn once_replaced<T>(
    until: Instant,
    attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    again_while(is_in_the_way, until, attempt).map_err(|error| {
        let is_in_the_way = is_in_the_way(&error) && !is_held(&error);
        // Of a file that is held to the end the same is told, whatever Windows called it.
        if is_in_the_way {
            io::Error::from_raw_os_error(SHARED)
        } else {
            error
        }
    })
}

fn again_while<T>(
    passes: impl Fn(&io::Error) -> bool,
    until: Instant,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if passes(&error) && Instant::now() < until => {
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
        // The replacement of a file says it in other words, and is asked for again by them alone.
        for code in IN_THE_WAY {
            let mut attempts = 0;
            let mut held = || {
                attempts += 1;
                if attempts < 3 {
                    Err(io::Error::from_raw_os_error(code))
                } else {
                    Ok(())
                }
            };
            let until = Instant::now() + Duration::from_secs(60);
            assert!(once_free(until, &mut held).is_err());
            once_replaced(until, &mut held).unwrap();
            let ever = || Err::<(), _>(io::Error::from_raw_os_error(code));
            let told = told(
                once_replaced(Instant::now(), ever).unwrap_err(),
                "has it open",
            );
            assert!(told.to_string().contains("Resource Monitor"), "{told}");
        }
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
