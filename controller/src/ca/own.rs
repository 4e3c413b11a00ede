//! The controller's own certificates: made at its start, renewed by itself, never on a disk.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair};
use rustls::ServerConfig;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::watch;

use super::tls::{Replaceable, provider};
use super::{Authority, CaError, now_unix, server_config};

/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// The controller's certificates as a client of agents and as a server of its ports.
///
/// Keys live in memory alone: a controller that starts makes new ones, since it has the authority.
#[derive(Debug)]
pub struct OwnCredential {
    authority: Arc<Authority>,
    names: Vec<String>,
    client: Arc<Replaceable>,
    server: Arc<Replaceable>,
    ends_unix: Mutex<i64>,
    renewed: watch::Sender<()>,
}

impl OwnCredential {
    /// New certificates; as a server under `names`, host names and addresses.
    ///
    /// # Errors
    /// [`CaError`] if the authority cannot sign them.
    pub fn new(authority: Arc<Authority>, names: Vec<String>) -> Result<Self, CaError> {
        let now = now_unix();
        let (client, ends_unix) =
            certify(&authority, ExtendedKeyUsagePurpose::ClientAuth, &[], now)?;
        let (server, _) = certify(&authority, ExtendedKeyUsagePurpose::ServerAuth, &names, now)?;
        Ok(Self {
            authority,
            names,
            client: Arc::new(Replaceable::new(client)),
            server: Arc::new(Replaceable::new(server)),
            ends_unix: Mutex::new(ends_unix),
            renewed: watch::Sender::new(()),
        })
    }

    /// The authority that signed them.
    #[must_use]
    pub const fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// The certificate towards agents, always the newest.
    #[must_use]
    pub fn client(&self) -> Arc<dyn ResolvesClientCert> {
        self.client.clone()
    }

    /// Hears of each renewal: an agent ends a connection with the certificate that it was made by.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.renewed.subscribe()
    }

    /// How the operators' port speaks at this moment: only with holders of our certificates.
    ///
    /// # Errors
    /// [`CaError::Tls`].
    pub fn mutual(&self) -> Result<Arc<ServerConfig>, CaError> {
        let clients = Some(self.authority.roots());
        Ok(Arc::new(server_config(self.server.clone(), clients)?))
    }

    /// How the enrolment port speaks: with anybody, since who joins has no certificate yet. The
    /// authority's certificate goes along, so that a node that has its fingerprint can check us.
    ///
    /// # Errors
    /// [`CaError::Tls`].
    pub fn open_to_all(&self) -> Result<Arc<ServerConfig>, CaError> {
        Ok(Arc::new(server_config(self.server.clone(), None)?))
    }

    /// Makes new certificates now. New connections use these; those with agents give way to such.
    ///
    /// # Errors
    /// [`CaError`]; the old ones stay then.
    pub fn renew(&self, now_unix: i64) -> Result<(), CaError> {
        let authority = &self.authority;
        let (client, ends_unix) = certify(
            authority,
            ExtendedKeyUsagePurpose::ClientAuth,
            &[],
            now_unix,
        )?;
        let (server, _) = certify(
            authority,
            ExtendedKeyUsagePurpose::ServerAuth,
            &self.names,
            now_unix,
        )?;
        self.client.replace(client);
        self.server.replace(server);
        *self
            .ends_unix
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = ends_unix;
        self.renewed.send_replace(());
        Ok(())
    }

    /// Renews the certificates for ever, each time when about half their life is over.
    pub async fn stay_fresh(self: Arc<Self>) {
        loop {
            let ends_unix = *self
                .ends_unix
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let left = u64::try_from(ends_unix.saturating_sub(now_unix())).unwrap_or(0);
            let half = self.authority.lifetimes().controller.as_secs() / 2;
            let wait = Duration::from_secs(left.saturating_sub(half));
            // No longer than an hour at once: a machine that slept has lost count.
            let wait = wait.min(Duration::from_secs(3600)).mul_f64(jitter());
            tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
            let left = ends_unix.saturating_sub(now_unix());
            if left > i64::try_from(half).unwrap_or(i64::MAX) {
                continue;
            }
            match self.renew(now_unix()) {
                Ok(()) => tracing::info!("renewed the controller's own certificates"),
                Err(error) => {
                    tracing::error!(%error, left, "the controller's certificates were not renewed");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

fn jitter() -> f64 {
    rand::rng().random_range(0.9..1.0)
}

fn certify(
    authority: &Authority,
    usage: ExtendedKeyUsagePurpose,
    names: &[String],
    now_unix: i64,
) -> Result<(Arc<CertifiedKey>, i64), CaError> {
    let failed = |error: rcgen::Error| CaError::Signing {
        object: "keyroll://controller".to_owned(),
        why: error.to_string(),
    };
    let pair = KeyPair::generate().map_err(failed)?;
    let server = usage == ExtendedKeyUsagePurpose::ServerAuth;
    let mut issued = authority.issue_own(usage, names, &pair, now_unix)?;
    if server {
        issued.chain.push(authority.signing_certificate()?);
    }
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let key = provider().key_provider.load_private_key(der)?;
    Ok((
        Arc::new(CertifiedKey::new(issued.chain, key)),
        issued.ends_unix,
    ))
}
