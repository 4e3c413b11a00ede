//! What the driver needs of the world. Adapters implement these and decide nothing.

mod agents;
mod directory;
mod kdc;

use chrono::{DateTime, Utc};
use keyroll::doctor::{Unseen, UnseenKind};
use keyroll::kerberos::Principal;

pub use self::agents::{Agents, NodeInventory, NodeProof, NodeTarget};
pub use self::directory::{
    Directory, ForestUnseen, NewAccount, PasswordWrite, SpnHolder, SpnSearch, SpnsFound, Values,
};
pub use self::kdc::{Kdc, KnownKeys, NotLoggedIn, Sighting, Trial};

/// Why something could not be read or done; by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// Nobody answered: the outcome is unknown, looking again later may settle it.
    #[error("{object} did not answer: {why}")]
    Unreachable {
        /// Whom we asked.
        object: String,
        /// What happened instead, in words.
        why: String,
    },
    /// It answered, and the answer is no.
    #[error("{object} refused: {why}")]
    Refused {
        /// Whom we asked.
        object: String,
        /// The reason given, with its codes.
        why: String,
        /// What to type next; empty if there is nothing better than the reason.
        next: String,
    },
    /// There is no such object.
    #[error("{object} does not exist")]
    Missing {
        /// Which.
        object: String,
    },
}

impl From<PortError> for Unseen {
    fn from(error: PortError) -> Self {
        let why = error.to_string();
        let (kind, next) = match error {
            PortError::Unreachable { .. } => (UnseenKind::Silent, String::new()),
            PortError::Refused { next, .. } => (UnseenKind::Refused, next),
            PortError::Missing { .. } => (UnseenKind::Missing, String::new()),
        };
        Self { why, next, kind }
    }
}

/// An account, named so that a rename does not lead a write astray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRef {
    /// `objectGUID`.
    pub guid: [u8; 16],
    /// Its name as principal, `WEB$@CORP.EXAMPLE`.
    pub principal: Principal,
}

/// The time of day: for the times of tickets, for schedules, for what people read.
///
/// Whoever sets the clock moves it by hours, so nothing is waited for by it: how long something
/// takes is measured by the monotonic clock (`tokio::time::Instant`) alone.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
