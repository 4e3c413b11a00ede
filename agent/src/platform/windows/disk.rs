//! What [`crate::effect`] brings about, as Windows does it.
#![expect(
    clippy::disallowed_methods,
    reason = "effect.rs alone calls these, each at a place for a test"
)]

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use keyroll_windows::files;

use super::lock::{once_free, told};
use super::rights::private_list;

/// How long readers may keep a file open that is to be replaced: each reads it in one go.
const READERS: Duration = Duration::from_secs(10);

/// A file that was not there before, for SYSTEM, Administrators and the agent's account alone.
///
/// # Errors
/// The system's.
pub fn create(path: &Path) -> io::Result<File> {
    files::create(path, &private_list("")?)
}

/// Puts a file in another's place, durably: MoveFileExW with MOVEFILE_WRITE_THROUGH. As long as
/// somebody has the other open without FILE_SHARE_DELETE, Windows refuses, so it is tried again.
///
/// # Errors
/// The system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    rename_until(from, to, Instant::now() + READERS)
}

fn rename_until(from: &Path, to: &Path, until: Instant) -> io::Result<()> {
    once_free(until, || files::replace(from, to)).map_err(|error| told(error, "has it open"))
}

/// Writes all of `bytes` at `offset`.
///
/// # Errors
/// The system's.
pub fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        offset += u64::try_from(written).unwrap_or(u64::MAX);
    }
    Ok(())
}

/// A folder cannot be synced here: [`rename`] returns once the name is on the disk, and a name
/// that is lost in a crash was of a file that was new or gone.
///
/// # Errors
/// None.
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::windows::fs::OpenOptionsExt as _;

    use super::*;

    #[test]
    fn who_keeps_a_file_open_for_ever_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["new", "old"].map(|name| folder.path().join(name));
        create(&from).unwrap();
        std::fs::write(&to, "old").unwrap();
        let held = std::fs::OpenOptions::new()
            .read(true)
            .share_mode(1)
            .open(&to)
            .unwrap();
        let refused = rename_until(&from, &to, Instant::now()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert!(refused.to_string().contains("another program has it open"));
        drop(held);
        rename_until(&from, &to, Instant::now()).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"");
    }
}
