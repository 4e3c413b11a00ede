//! Where the sealing key comes from: a systemd credential, or a file that only its owner reads.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use keyroll::shell::quoted;
use rand::RngCore as _;
use zeroize::Zeroizing;

use super::Seal;
use crate::publish::{self, Made};

/// The credential's name in a unit: `LoadCredentialEncrypted=seal-key:…`.
const CREDENTIAL: &str = "seal-key";
const LENGTH: usize = 32;

/// Why there is no sealing key.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyError {
    /// It is not there.
    #[error(
        "there is no sealing key at {path}; without the one that this store was sealed with, \
         nothing in it can be opened. Only a new controller makes a new one: \
         keyroll-controller init"
    )]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A new one was asked for, and there is one.
    #[error("there is a sealing key at {path} already, and it is not overwritten")]
    Present {
        /// Where.
        path: PathBuf,
    },
    /// Others than its owner may read or replace it.
    #[error("the sealing key {path} {trouble}; first run: {command}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Owner or mode, in words.
        trouble: String,
        /// The command that mends it.
        command: String,
    },
    /// It is there and is no key.
    #[error("the sealing key {path} has {found} bytes, not {LENGTH}: restore it from your backup")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length, read no further than one byte too many.
        found: usize,
    },
    /// It could not be read or written.
    #[error("the sealing key {path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Where systemd puts the sealing key, given `$CREDENTIALS_DIRECTORY`.
#[must_use]
pub fn credential_path(credentials_directory: &Path) -> PathBuf {
    credentials_directory.join(CREDENTIAL)
}

impl Seal {
    /// Takes the key from a systemd credential ([`credential_path`]). Owner and mode are systemd's
    /// affair: it grants the service its credentials by ACL, which shows as a group's right.
    ///
    /// # Errors
    /// [`SealKeyError`] if it is absent, unreadable, or not of 32 bytes.
    pub fn from_credential(path: &Path) -> Result<Self, SealKeyError> {
        read(open(path)?, path)
    }

    /// Takes the key from a file, owned by this process's user or root and readable by nobody
    /// else.
    ///
    /// # Errors
    /// [`SealKeyError`], with the command that mends a wrong owner or mode.
    pub fn from_file(path: &Path) -> Result<Self, SealKeyError> {
        let file = open(path)?;
        let metadata = file.metadata().map_err(|source| io_error(path, source))?;
        let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
        let user = rustix::process::geteuid().as_raw();
        let exposed = |trouble: String, command: String| SealKeyError::Exposed {
            path: path.to_owned(),
            trouble,
            command,
        };
        let shown = quoted(&path.display().to_string());
        if owner != user && owner != 0 {
            let trouble = format!("belongs to user {owner}, not to user {user}");
            return Err(exposed(trouble, format!("chown {user} {shown}")));
        }
        if mode & 0o077 != 0 {
            let trouble = format!("has mode {mode:04o}: others than its owner can reach it");
            return Err(exposed(trouble, format!("chmod 0600 {shown}")));
        }
        read(file, path)
    }

    /// Makes a new key in a new file of mode 0600, durable when this returns. Only for the set-up
    /// of a new controller: a key made in place of a lost one opens nothing.
    ///
    /// # Errors
    /// [`SealKeyError::Present`] if there is a file already; [`SealKeyError::Io`].
    pub fn create(path: &Path) -> Result<Self, SealKeyError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        rand::rng().fill_bytes(key.as_mut_slice());
        let write = || {
            let mut file = publish::begin(path)?;
            file.write_all(key.as_slice())?;
            file.sync_all()?;
            publish::finish(Made::SealKey, path)
        };
        match write() {
            Ok(()) => Ok(Self::new(&key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(SealKeyError::Present {
                    path: path.to_owned(),
                })
            }
            Err(source) => Err(io_error(path, source)),
        }
    }
}

fn open(path: &Path) -> Result<std::fs::File, SealKeyError> {
    let opened = std::fs::File::open(path).and_then(|file| {
        let regular = file.metadata()?.is_file();
        regular
            .then_some(file)
            .ok_or_else(|| io::Error::other("it is not a regular file"))
    });
    opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SealKeyError::Absent {
            path: path.to_owned(),
        },
        _ => io_error(path, source),
    })
}

fn read(file: std::fs::File, path: &Path) -> Result<Seal, SealKeyError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
    let limit = LENGTH as u64 + 1;
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|source| io_error(path, source))?;
    let key: &[u8; LENGTH] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| SealKeyError::Length {
            path: path.to_owned(),
            found: bytes.len(),
        })?;
    Ok(Seal::new(key))
}

fn io_error(path: &Path, source: io::Error) -> SealKeyError {
    SealKeyError::Io {
        path: path.to_owned(),
        source,
    }
}
