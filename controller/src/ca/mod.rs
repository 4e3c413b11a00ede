//! Identity: the internal certificate authority, what its certificates say, and TLS with them.
//!
//! Every certificate names its holder by one URI: `keyroll://node/NAME`, `keyroll://controller` or
//! `keyroll://operator/NAME` ([`Identity`]). Names in signing requests are ignored: the controller
//! says who somebody is. All connections are TLS 1.3 without resumption, tickets or early data, so
//! that every connection proves its key anew.

mod accept;
mod authority;
mod error;
mod identity;
mod issue;
mod own;
mod places;
mod request;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod under_way;

pub use accept::{Connection, Doorway, Visitor, limited, limited_for_strangers};
pub use authority::{Authority, Lifetimes};
pub use error::CaError;
pub use identity::{BadIdentity, Identity, Peer};
pub use issue::Issued;
pub use own::OwnCredential;
pub(crate) use places::Places;
pub use request::SigningRequest;
pub use tls::{ControllerCheck, NodeCheck, client_config, server_config};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 by this machine's clock.
#[must_use]
pub fn now_unix() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
