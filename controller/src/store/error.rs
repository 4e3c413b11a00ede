//! What can go wrong with the store, by what the caller does about it.

use std::io;
use std::path::PathBuf;

use keyroll::name::ArrayName;
use keyroll::roll::Illegal;
use keyroll::shell::quoted;

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none. A new one is made by the set-up alone: an empty store in place of a lost one
    /// would forget epochs, and with them which controller leads.
    #[error(
        "there is no store at {path}; a new controller begins with: keyroll-controller init; \
         a lost one is restored with: keyroll-controller restore BACKUP"
    )]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A new one was asked for, and there is one.
    #[error("there is a store at {path} already, and it is not overwritten")]
    Present {
        /// Where.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error("another controller is using the store {path}; only one may: stop it first")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may reach it.
    #[error(
        "the store {path} has mode {mode:04o}; first run: chmod {wanted:04o} {}",
        quoted(&.path.display().to_string())
    )]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        wanted: u32,
    },
    /// The file or folder could not be made or looked at.
    #[error("the store {path} cannot be used")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is there and is no store, or is torn beyond what the commit protocol allows.
    #[error("the store {path} cannot be opened; if it is damaged, restore it from its backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// The sealing key is not the one that the store was made with.
    #[error(
        "the sealing key does not fit the store {path}: it authenticates not even its first row"
    )]
    WrongSeal {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read; nothing is lost or changed.
    #[error("reading the store failed")]
    Unread(#[source] Box<redb::Error>),
    /// It could not be saved, and nobody knows how much of it was. **Stop the process.**
    #[error("saving to the store failed; stopping, since nothing may be done that is not saved")]
    Unsaved(#[source] Box<redb::Error>),
    /// A row that keyroll did not write like this.
    #[error("the store is corrupt: table {table}, row {key:?}: {why}; restore it from its backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What is wrong with it; never its content.
        why: String,
    },
    /// An array that was there a moment ago. Nothing was written.
    #[error("array {array} is gone from the store")]
    Gone {
        /// The array.
        array: ArrayName,
    },
    /// Records that may not follow on what the journal holds. Nothing was written.
    #[error("the journal of roll {roll} of {array} does not allow this")]
    Illegal {
        /// The array.
        array: ArrayName,
        /// The roll.
        roll: keyroll::roll::RollNumber,
        /// The record, and the state it cannot follow.
        #[source]
        source: Illegal,
    },
}

impl StoreError {
    /// Whether the process must stop now.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Unsaved(_) | Self::Corrupt { .. })
    }

    /// The array is not there any more.
    pub(crate) fn missing(array: &ArrayName) -> Self {
        Self::Gone {
            array: array.clone(),
        }
    }

    /// The store's own row is not there.
    pub(super) fn no_meta() -> Self {
        Self::Corrupt {
            table: super::row::META,
            key: super::read::STORE.to_owned(),
            why: "it is missing".to_owned(),
        }
    }

    pub(super) fn unread(source: impl Into<redb::Error>) -> Self {
        Self::Unread(Box::new(source.into()))
    }

    pub(super) fn unsaved(source: impl Into<redb::Error>) -> Self {
        Self::Unsaved(Box::new(source.into()))
    }
}
