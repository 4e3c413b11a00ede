//! Who is at the other end of a connection, and how long that is somebody to listen to.
//!
//! A connection is kept for days. Whom the node trusts may change meanwhile, by a
//! `keyroll-agent join` beside this process or by the controller's own word, and certificates end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::{Error, ServerConnection};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::identity::{Identity, ends, uri};
use crate::tls;

/// How often a connection's peer is looked at anew while nothing is asked and nothing is known to
/// have changed: by then a new identity in the folder counts, and a clock that was set. What was
/// revoked counts within five seconds.
const LOOK: Duration = Duration::from_secs(3);

/// The controller at the other end of a connection.
pub struct Peer {
    chain: Vec<CertificateDer<'static>>,
    ends: SystemTime,
    identity: Arc<Identity>,
}

impl Peer {
    /// Whoever has shown a certificate in this handshake, if that is the controller's.
    ///
    /// # Errors
    /// In words.
    pub fn of(session: &ServerConnection, identity: Arc<Identity>) -> Result<Self, String> {
        let chain = session.peer_certificates().unwrap_or_default();
        let leaf = chain.first().ok_or("nobody is not the controller")?;
        let holder = uri(leaf)?;
        if holder != tls::CONTROLLER {
            return Err(format!("{holder} is not the controller"));
        }
        Ok(Self {
            ends: ends(leaf)?,
            chain: chain.to_vec(),
            identity,
        })
    }

    /// Whether the authorities of this moment stand for it at this moment, as at a handshake.
    ///
    /// # Errors
    /// [`Error`]: why not.
    pub fn is_trusted(&self) -> Result<(), Error> {
        self.identity.refresh();
        let (leaf, others) = self
            .chain
            .split_first()
            .ok_or(Error::NoCertificatesPresented)?;
        tls::clients(&self.identity)?
            .verify_client_cert(leaf, others, UnixTime::now())
            .map(drop)
    }

    /// Returns once it is not, with the reason.
    pub async fn until_distrusted(&self) -> Error {
        let mut changes = self.identity.changes();
        loop {
            changes.mark_unchanged();
            if let Err(why) = self.is_trusted() {
                return why;
            }
            let left = self.ends.duration_since(SystemTime::now());
            // A certificate is good for the whole of its last second.
            let left = left.unwrap_or_default() + Duration::from_secs(1);
            let news = tokio::time::timeout(left.min(LOOK), changes.changed());
            drop(news.await);
        }
    }
}
