//! Which logon sessions are meant: those that there are on every Windows, and those of services.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::request::LogonId;
use crate::service_logon::{Services, is_service_name};

/// How the session of a service is written: this, and the service's name.
const OF_SERVICE: &str = "service:";

/// A logon session, by a name that outlives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Session {
    /// LocalSystem.
    System,
    /// NetworkService.
    NetworkService,
    /// LocalService.
    LocalService,
    /// The one in which the service of this name runs: another one after each of its starts, if it
    /// runs under an account of its own.
    Service(String),
}

/// A text that names no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name system, network-service, local-service or service:NAME, as `sc.exe query` shows it")]
pub struct NoSession;

impl Session {
    /// Its number now (`SYSTEM_LUID` and its like in `winnt.h`); none of a service that does not
    /// run.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no such service; the system's.
    pub fn id(&self, services: &dyn Services) -> io::Result<Option<LogonId>> {
        let fixed = match self {
            Self::System => 0x3e7,
            Self::NetworkService => 0x3e4,
            Self::LocalService => 0x3e5,
            Self::Service(name) => return services.session(name),
        };
        Ok(Some(LogonId(fixed)))
    }

    /// Whether its number changes while the machine runs.
    #[must_use]
    pub const fn moves(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::NetworkService => f.write_str("network-service"),
            Self::LocalService => f.write_str("local-service"),
            Self::Service(name) => write!(f, "{OF_SERVICE}{name}"),
        }
    }
}

impl FromStr for Session {
    type Err = NoSession;

    fn from_str(text: &str) -> Result<Self, NoSession> {
        let of_service = text.strip_prefix(OF_SERVICE);
        match (text, of_service.filter(|name| is_service_name(name))) {
            ("system", _) => Ok(Self::System),
            ("network-service", _) => Ok(Self::NetworkService),
            ("local-service", _) => Ok(Self::LocalService),
            (_, Some(name)) => Ok(Self::Service(name.to_owned())),
            (_, None) => Err(NoSession),
        }
    }
}

impl TryFrom<String> for Session {
    type Error = NoSession;

    fn try_from(text: String) -> Result<Self, NoSession> {
        text.parse()
    }
}

impl From<Session> for String {
    fn from(session: Session) -> Self {
        session.to_string()
    }
}
