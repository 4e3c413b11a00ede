//! The agent's settings: a TOML file, checked as a whole before anything starts.
//!
//! [`file`] is what may be written there; [`Config`] is what it means, valid by construction. All
//! complaints come at once, each naming its key.

pub mod file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyroll::name::ArrayName;
use keyroll::secret::SecretBytes;

use crate::atomic_file::{self, FileError};
use crate::hook::Hook;
use crate::keytab_file::Target;
use crate::logon_session::Session;

/// Everything the agent is told.
#[derive(Debug)]
pub struct Config {
    /// Where it keeps its certificate and what it has accepted; 0700, never a keytab's key.
    pub state: PathBuf,
    /// Where the controller dials it.
    pub listen: SocketAddr,
    /// How much is logged of what the agent does.
    pub log: tracing::Level,
    /// How others learn whether the node may serve.
    pub health: Health,
    /// The arrays the node belongs to, at least one.
    pub arrays: Vec<Array>,
}

/// How others learn whether the node may serve.
#[derive(Debug)]
pub struct Health {
    /// Plain HTTP: `/ready`, `/ready/ARRAY`, `/live`.
    pub http: Option<SocketAddr>,
    /// HAProxy's agent-check: one line, then the end.
    pub agent_check: Option<SocketAddr>,
    /// How long a ready node stays so without a word from the controller; for ever if `None`:
    /// the keys on disk are good until the controller changes something, and it cannot.
    pub stay_ready_without_controller: Option<Duration>,
}

/// One array on this node.
#[derive(Debug)]
pub struct Array {
    /// Its name.
    pub name: ArrayName,
    /// Its files; all or none count as staged. One at least, or one of those below.
    pub targets: Vec<Target>,
    /// The logon sessions that get its credential.
    pub sessions: Option<Vec<Session>>,
    /// The services that log on as its account.
    pub services: Option<Vec<String>>,
    /// The application pools of IIS that run as its account.
    pub pools: Option<Pools>,
    /// What runs after its files have changed, in order.
    pub hooks: Vec<Hook>,
}

/// Application pools that get the password of their account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Their names.
    pub names: Vec<String>,
    /// Whether they are recycled after that.
    pub recycle: bool,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no TOML, or has a key that is not known.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// Values that do not make sense, all of them.
    #[error("{}: {}", path.display(), complaints.join("; "))]
    Values {
        /// Which file.
        path: PathBuf,
        /// Each begins with the key.
        complaints: Vec<String>,
    },
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`]: a file that cannot be read is an error, not a default.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes: SecretBytes = atomic_file::read(path)?;
        Self::parse(path, bytes.expose())
    }

    /// The settings that the bytes of the file at `path` say.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::Values`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let syntax = |message| ConfigError::Syntax {
            path: path.to_owned(),
            message,
        };
        let text = std::str::from_utf8(bytes)
            .map_err(|error| syntax(format!("it is not text: {error}")))?;
        let file: file::File = toml::from_str(text).map_err(|error| {
            // On one line: the error's own text draws a picture.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            syntax(format!("line {line}: {}", error.message()))
        })?;
        file.check().map_err(|complaints| ConfigError::Values {
            path: path.to_owned(),
            complaints,
        })
    }

    /// The array of this name, if the node belongs to it.
    #[must_use]
    pub fn array(&self, name: &ArrayName) -> Option<&Array> {
        self.arrays.iter().find(|array| array.name == *name)
    }
}

#[cfg(test)]
mod tests;
