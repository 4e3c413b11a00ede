//! What [`crate::effect`] brings about, as Linux does it.
#![expect(
    clippy::disallowed_methods,
    reason = "effect.rs alone calls these, each at a place for a test"
)]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::files::SAFE_OPEN;

/// A file that was not there before, for its owner alone.
///
/// # Errors
/// The system's.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(SAFE_OPEN.bits().cast_signed())
        .open(path)
}

/// [`fs::rename`]: the name never lacks a file.
///
/// # Errors
/// The system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// [`std::os::unix::fs::FileExt::write_all_at`].
///
/// # Errors
/// The system's.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
