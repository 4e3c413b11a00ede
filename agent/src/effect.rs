//! What the agent does to its node, each thing by one function: so each is a place where a test
//! ends the process, before and after, and none can be forgotten (`clippy.toml` bans the others).
#![expect(
    clippy::disallowed_methods,
    reason = "the one place from which the disk is changed"
)]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use keyroll_failpoint::{Here, at};
use strum::{IntoStaticStr, VariantNames};

use crate::platform;

/// Everything that the agent does to its node.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Effect {
    /// A temporary file is made.
    Create,
    /// A temporary file is filled.
    Write,
    /// A file or folder is made durable.
    Sync,
    /// A file takes the place of another.
    Rename,
    /// A part of a file that others share is written.
    Patch,
    /// A file goes.
    Remove,
    /// What was accepted of an array is written down.
    SaveState,
    /// A key with its certificate is written down.
    SaveIdentity,
    /// A keytab of ours alone gets its new content.
    ReplaceKeytab,
    /// A keytab that others share gets its new entries.
    PatchKeytab,
    /// A keytab loses the array's keys.
    WipeKeytab,
    /// Logon sessions get a credential.
    GiveCredential,
    /// Logon sessions lose a credential.
    TakeCredential,
    /// A command of the operator's runs.
    RunHook,
}

impl Effect {
    /// To be held while it is brought about.
    pub fn here(self) -> Here {
        at("effect", self.into())
    }
}

/// [`platform::create`].
///
/// # Errors
/// The system's.
pub fn create(path: &Path) -> io::Result<File> {
    let _here = Effect::Create.here();
    platform::create(path)
}

/// [`io::Write::write_all`].
///
/// # Errors
/// The system's.
pub fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let _here = Effect::Write.here();
    file.write_all(bytes)
}

/// [`File::sync_all`].
///
/// # Errors
/// The system's.
pub fn sync(file: &File) -> io::Result<()> {
    let _here = Effect::Sync.here();
    file.sync_all()
}

/// [`File::sync_data`].
///
/// # Errors
/// The system's.
pub fn sync_content(file: &File) -> io::Result<()> {
    let _here = Effect::Sync.here();
    file.sync_data()
}

/// [`platform::sync_folder`].
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let _here = Effect::Sync.here();
    platform::sync_folder(folder)
}

/// [`platform::rename`].
///
/// # Errors
/// The system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let _here = Effect::Rename.here();
    platform::rename(from, to)
}

/// Writes over a part of a file.
///
/// # Errors
/// The system's.
pub fn patch(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let _here = Effect::Patch.here();
    platform::write_at(file, bytes, offset)
}

/// [`fs::remove_file`].
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> io::Result<()> {
    let _here = Effect::Remove.here();
    fs::remove_file(path)
}
