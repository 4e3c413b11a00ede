//! TLS 1.3 with our certificates, both ways.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyroll::name::NodeName;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ResolvesClientCert, Resumption, WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor,
};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert,
    WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Identity, Peer};

/// HTTP/2 and nothing else: a peer that speaks another protocol is not one of ours.
const ALPN: &[u8] = b"h2";

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate and key that may be replaced while connections are made with it.
pub(super) struct Replaceable(RwLock<Arc<CertifiedKey>>);

impl Replaceable {
    pub(super) const fn new(first: Arc<CertifiedKey>) -> Self {
        Self(RwLock::new(first))
    }

    pub(super) fn replace(&self, next: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn current(&self) -> Arc<CertifiedKey> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Replaceable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replaceable(..)")
    }
}

impl ResolvesServerCert for Replaceable {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for Replaceable {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// How a server of ours speaks: with `certificate`; with `clients`, only to those whose
/// certificate one of these authorities signed, without, to anybody.
///
/// # Errors
/// [`Error`] if no client could be verified with these authorities.
pub fn server_config(
    certificate: Arc<dyn ResolvesServerCert>,
    clients: Option<Arc<RootCertStore>>,
) -> Result<ServerConfig, Error> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match clients {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = verifier
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificate);
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// How we speak as a client, with `certificate`, to the one whom `check` takes for the right one.
///
/// # Errors
/// [`Error`] if the cryptography at hand has no TLS 1.3.
pub fn client_config(
    certificate: Arc<dyn ResolvesClientCert>,
    check: NodeCheck,
) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(check))
        .with_client_cert_resolver(certificate);
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    // A node is known by its URI; what it is called in the network is nobody's business.
    config.enable_sni = false;
    Ok(config)
}

/// Takes a server for a node only if an authority of ours signed its certificate for serving, the
/// certificate names that node, and it is one that we know to have issued to it.
///
/// This is the verifier, where a browser would compare host names: node names need not be names
/// in DNS.
pub struct NodeCheck {
    roots: Arc<RootCertStore>,
    node: NodeName,
    may_use: Box<dyn Fn(&Peer) -> bool + Send + Sync>,
    grace: Option<Duration>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for NodeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeCheck")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl NodeCheck {
    /// A check for `node`; `may_use` tells whether a certificate of ours is one that it may use.
    #[must_use]
    pub fn new(
        roots: Arc<RootCertStore>,
        node: NodeName,
        may_use: impl Fn(&Peer) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            roots,
            node,
            may_use: Box::new(may_use),
            grace: None,
            provider: provider(),
        }
    }

    /// Takes a certificate that has ended, too, if it did so no longer than `grace` ago: for a
    /// connection over which the node gets a new one, and nothing else.
    #[must_use]
    pub const fn lenient(mut self, grace: Option<Duration>) -> Self {
        self.grace = grace;
        self
    }

    /// The moment for which the chain is verified.
    fn moment(&self, peer: &Peer, now: UnixTime) -> UnixTime {
        let ends = Duration::from_secs(u64::try_from(peer.ends_unix).unwrap_or(0));
        let since_1970 = Duration::from_secs(now.as_secs());
        let ended_for = since_1970.saturating_sub(ends);
        if self.grace.is_some_and(|grace| ended_for <= grace) {
            UnixTime::since_unix_epoch(ends.min(since_1970))
        } else {
            now
        }
    }

    fn identify(&self, peer: &Peer) -> Result<(), String> {
        if peer.identity != Identity::Node(self.node.clone()) {
            return Err(format!(
                "it shows the certificate of {}, not of keyroll://node/{}",
                peer.identity, self.node
            ));
        }
        if !(self.may_use)(peer) {
            return Err(format!(
                "its certificate {} is not one that node {} may use any more",
                peer.serial, self.node
            ));
        }
        Ok(())
    }
}

impl ServerCertVerifier for NodeCheck {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        let peer = Peer::of(certificate).map_err(|error| Error::General(error.to_string()))?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            self.moment(&peer, now),
            algorithms,
        )?;
        self.identify(&peer).map_err(Error::General)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A server that was taken for the controller, and is not.
#[derive(Debug, thiserror::Error)]
#[error("it shows the certificate of {0}, not of {controller}", controller = Identity::Controller)]
struct NotTheController(String);

/// Takes a server for the controller only if its certificate holds for the name that was dialled,
/// as everywhere, and names the controller by its URI: every node's has a host name, too, and who
/// lets a node in has a say in which.
#[derive(Debug)]
pub struct ControllerCheck(Arc<WebPkiServerVerifier>);

impl ControllerCheck {
    /// A check by these authorities.
    ///
    /// # Errors
    /// [`Error`] if nobody could be verified with them.
    pub fn new(roots: Arc<RootCertStore>) -> Result<Self, Error> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
        verifier
            .map(Self)
            .map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for ControllerCheck {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now)?;
        let holder = match Peer::of(certificate) {
            Ok(peer) if peer.identity == Identity::Controller => return Ok(verified),
            Ok(peer) => peer.identity.to_string(),
            Err(_) => "nobody whom keyroll knows".to_owned(),
        };
        let why = OtherError(Arc::new(NotTheController(holder)));
        Err(CertificateError::Other(why).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
