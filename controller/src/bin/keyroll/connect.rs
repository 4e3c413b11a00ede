//! The connection with the controller: a Unix socket, or mutual TLS 1.3.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use hyper_util::rt::TokioIo;
use keyroll_controller::ca::ControllerCheck;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncBufReadExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::exit::Exit;
use crate::files;
use crate::settings::{Reach, TlsReach};
use crate::trouble::Trouble;
use crate::words::moment;

/// How long a connection may take: a controller further away than this is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a controller may take to greet; longer than a round trip around the world.
const WELCOME_TIMEOUT: Duration = Duration::from_millis(500);
/// How often a silent connection is tested, so that a watch notices a controller that is gone.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Connects.
///
/// # Errors
/// A controller that is not reached, wrong settings, a certificate refused by either side.
pub async fn connect(reach: &Reach) -> Result<Channel, Trouble> {
    // The scheme and name are for HTTP/2 alone; the connector below decides where to dial.
    let endpoint = Endpoint::from_static("http://controller")
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE);
    let channel = match reach {
        Reach::Socket(path) => {
            let path = path.clone();
            let dial = service_fn(move |_| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            endpoint.connect_with_connector(dial).await
        }
        Reach::Tls(tls) => {
            let (connector, name) = tls_connector(tls)?;
            let controller = tls.controller.clone();
            let dial = service_fn(move |_| {
                let (connector, name) = (connector.clone(), name.clone());
                let controller = controller.clone();
                async move {
                    let stream = TcpStream::connect(controller).await?;
                    let mut stream = connector.connect(name, stream).await?;
                    await_welcome(&mut stream).await?;
                    Ok::<_, io::Error>(TokioIo::new(stream))
                }
            });
            endpoint.connect_with_connector(dial).await
        }
    };
    channel.map_err(|error| Trouble::unreachable(&reach.place(), &error))
}

/// Waits for the controller's first bytes, without taking them.
///
/// In TLS 1.3 a client's handshake is over before the server has judged its certificate. A refusal
/// is the first thing to be read; once we have sent something it may be lost with the connection.
/// An HTTP/2 server greets first, so a welcome is not waited for in vain.
async fn await_welcome(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    match tokio::time::timeout(WELCOME_TIMEOUT, stream.fill_buf()).await {
        Ok(Ok([])) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(first) => first.map(drop),
        // A slow network: go on, and tell a refusal less exactly.
        Err(_) => Ok(()),
    }
}

/// TLS 1.3 only, our certificate shown, and nobody taken for the controller whom one of these
/// authorities has not certified to be it.
fn tls_connector(reach: &TlsReach) -> Result<(TlsConnector, ServerName<'static>), Trouble> {
    let wrong = |what: String| Trouble::new(Exit::Settings, "bad-settings", what);
    files::demand_private(&reach.key)?;
    let mut roots = rustls::RootCertStore::empty();
    for authority in certificates(&reach.ca)? {
        roots
            .add(authority)
            .map_err(|error| wrong(format!("{}: {error}", reach.ca.display())))?;
    }
    let chain = certificates(&reach.certificate)?;
    demand_valid(&reach.certificate, &chain)?;
    let key = PrivateKeyDer::from_pem_file(&reach.key).map_err(|error| {
        wrong(format!(
            "{} is no private key: {error}",
            reach.key.display()
        ))
    })?;
    let check = ControllerCheck::new(Arc::new(roots)).map_err(|error| wrong(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(check))
        .with_client_auth_cert(chain, key)
        .map_err(|error| {
            wrong(format!(
                "{} and {} do not belong together: {error}",
                reach.certificate.display(),
                reach.key.display()
            ))
        })?;
    let name = ServerName::try_from(reach.server_name.clone()).map_err(|_| {
        wrong(format!(
            "{:?} is neither a host name nor an address",
            reach.server_name
        ))
    })?;
    Ok((with_http2(config), name))
}

fn with_http2(mut config: rustls::ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let bytes = std::fs::read(path).map_err(|error| Trouble::unreadable(path, &error))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if found.is_empty() {
        let what = format!("{} holds no PEM certificate", path.display());
        return Err(Trouble::new(Exit::Settings, "bad-settings", what));
    }
    Ok(found)
}

/// An expired certificate is said to be one here; the controller would only hang up.
fn demand_valid(path: &Path, chain: &[CertificateDer<'_>]) -> Result<(), Trouble> {
    let ends = chain
        .first()
        .and_then(|leaf| x509_parser::parse_x509_certificate(leaf).ok())
        .map(|(_, leaf)| leaf.validity().not_after.timestamp());
    match ends {
        Some(ends) if ends < Utc::now().timestamp() => {
            let path = path.display();
            let what = format!(
                "the operator's certificate {path} expired at {}",
                moment(ends)
            );
            Err(Trouble::new(Exit::Settings, "certificate-expired", what)
                .next("ask an admin for a new one: keyroll operator add NAME --role ROLE"))
        }
        Some(_) => Ok(()),
        None => {
            let what = format!("{} is no X.509 certificate", path.display());
            Err(Trouble::new(Exit::Settings, "bad-settings", what))
        }
    }
}
