//! Giving a file its name once it is whole, so that whoever is cut off leaves nothing that looks
//! finished.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use keyroll_failpoint::at;
use strum::{IntoStaticStr, VariantNames};

/// A file that the controller makes.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Made {
    /// The sealing key.
    SealKey,
    /// The store.
    Store,
    /// A backup.
    Backup,
}

/// What a file is called until it is whole: `NAME.new`, in the same folder.
#[must_use]
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// An empty file of mode 0600 under its [`unfinished`] name, in place of one that a set-up left
/// there that was cut off: that is nobody's, since it never had its final name.
///
/// # Errors
/// The system's.
pub fn begin(path: &Path) -> io::Result<File> {
    let unfinished = unfinished(path);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(unfinished)
}

/// Gives the file its name, durably. Its content is durable already.
///
/// # Errors
/// As [`give_name`].
pub fn finish(made: Made, path: &Path) -> io::Result<()> {
    let _here = at("publish", made.into());
    give_name(&unfinished(path), path)
}

/// The same for a folder on any file system: not all have links, so an older file of that name is
/// replaced.
///
/// # Errors
/// The system's.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a file gets its name"
)]
pub fn rename(made: Made, unfinished: &Path, path: &Path) -> io::Result<()> {
    let _here = at("publish", made.into());
    fs::rename(unfinished, path)?;
    sync_folder(path)
}

/// Gives a whole file in the same folder its name, durably.
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] if there is a file of that name.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a file gets its name"
)]
pub fn give_name(unfinished: &Path, path: &Path) -> io::Result<()> {
    // A hard link, unlike a rename, never replaces a file that somebody else made meanwhile.
    fs::hard_link(unfinished, path)?;
    fs::remove_file(unfinished)?;
    sync_folder(path)
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
