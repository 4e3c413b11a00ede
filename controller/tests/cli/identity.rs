//! Mutual TLS 1.3 with an operator's certificate, and keys that others can read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use keyroll_proto::operator::operator_server::OperatorServer;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::fake::{Fake, Ran, bare};

const CONTROLLER: &str = "keyroll://controller";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with its key, PEM.
type Badge = (String, String);

/// A server's certificate as the controller has one: for `localhost`, and for whom `uri` names.
fn served_by(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.subject_alt_names.push(named(uri));
    params
}

fn named(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn operator(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![named(&format!("keyroll://operator/{name}"))];
    params
}

fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2020, 2, 1);
    params
}

fn certified(authority: &Authority, params: &CertificateParams) -> Badge {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A controller over mutual TLS; the port it listens on.
fn controller(authority: &Authority) -> u16 {
    server(authority, certified(authority, &served_by(CONTROLLER)))
}

/// A server that answers as a controller does, with this certificate.
fn server(clients: &Authority, (certificate, key): Badge) -> u16 {
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(clients.pem()));
    listening(async move |listener| {
        let incoming = TcpListenerStream::new(listener);
        let server = Server::builder().tls_config(tls).unwrap();
        let service = OperatorServer::new(Fake::default());
        server.serve_with_incoming(service, incoming).await.unwrap();
    })
}

/// A server that speaks TLS 1.2 alone, with this certificate.
fn of_before((certificate, key): Badge) -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listening(async move |listener| {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    })
}

/// The port on which somebody serves, until the test ends.
fn listening(serve: impl AsyncFnOnce(TcpListener) + Send + 'static) -> u16 {
    let (send, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            serve(listener).await;
        });
    });
    port.recv().unwrap()
}

/// Writes an operator's files and settings.
fn settings(folder: &Path, host: &str, authority: &Authority, identity: Badge) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("me.crt", &identity.0);
    write("me.key", &identity.1);
    std::fs::set_permissions(folder.join("me.key"), PermissionsExt::from_mode(0o600)).unwrap();
    write("ca.crt", &authority.pem());
    let config = folder.join(".config/keyroll");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!(
        "controller = \"{host}\"\ncertificate = \"../../me.crt\"\nkey = \"../../me.key\"\n\
         ca = \"../../ca.crt\"\n"
    );
    std::fs::write(config.join("cli.toml"), text).unwrap();
}

fn status(folder: &Path) -> Ran {
    Ran::from(bare(folder).arg("status").output().unwrap())
}

#[test]
fn a_certified_operator_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let host = format!("localhost:{}", controller(&authority));
    settings(
        folder.path(),
        &host,
        &authority,
        certified(&authority, &operator("anna")),
    );
    let ran = status(folder.path()).exits(0);
    assert!(ran.out.starts_with("controller 0.1.0"), "{ran:?}");
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    settings(
        folder.path(),
        "localhost:1",
        &authority,
        certified(&authority, &operator("anna")),
    );
    let key = folder.path().join("me.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let ran = status(folder.path()).exits(78);
    assert!(ran.err.contains("is open to others (mode 0644)"), "{ran:?}");
    assert!(ran.err.contains("next: chmod 600 "), "{ran:?}");
}

#[test]
fn a_stranger_is_refused_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority(), authority());
    let host = format!("localhost:{}", controller(&ours));
    settings(
        folder.path(),
        &host,
        &ours,
        certified(&theirs, &operator("mallory")),
    );
    let ran = status(folder.path()).exits(77);
    assert!(
        ran.err.contains("refused this operator's certificate"),
        "{ran:?}"
    );
    settings(
        folder.path(),
        &host,
        &theirs,
        certified(&ours, &operator("anna")),
    );
    let ran = status(folder.path()).exits(78);
    assert!(ran.err.contains("is not accepted"), "{ran:?}");
}

#[test]
fn r05_the_command_line_takes_nobody_else_for_the_controller() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority(), authority());
    let status_from = |port: u16| {
        let host = format!("localhost:{port}");
        let me = certified(&ours, &operator("anna"));
        settings(folder.path(), &host, &ours, me);
        status(folder.path())
    };
    status_from(controller(&ours)).exits(0);
    let good = || served_by(CONTROLLER);
    let by_us = |params: &CertificateParams| certified(&ours, params);
    let alone = KeyPair::generate().unwrap();
    let self_signed = good().self_signed(&alone).unwrap();
    let mut nobodys = good();
    nobodys.subject_alt_names.truncate(1);
    let mut two = good();
    two.subject_alt_names
        .push(named("keyroll://node/localhost"));
    let mut elsewhere = good();
    elsewhere.subject_alt_names.remove(0);
    let mut for_dialling = good();
    for_dialling.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let node = "it shows the certificate of keyroll://node/localhost, not of keyroll://controller";
    for (who, shown, why) in [
        (
            "a node",
            by_us(&served_by("keyroll://node/localhost")),
            node,
        ),
        (
            "an operator",
            by_us(&operator("mallory")),
            "is not accepted",
        ),
        (
            "an operator's name for serving",
            by_us(&served_by("keyroll://operator/mallory")),
            "keyroll://operator/mallory",
        ),
        ("nobody's", by_us(&nobodys), "nobody whom keyroll knows"),
        ("two names", by_us(&two), "nobody whom keyroll knows"),
        ("another host's", by_us(&elsewhere), "is not accepted"),
        ("no server's", by_us(&for_dialling), "is not accepted"),
        ("expired", by_us(&expired(good())), "is not accepted"),
        (
            "self-signed",
            (self_signed.pem(), alone.serialize_pem()),
            "is not accepted",
        ),
        (
            "of another CA",
            certified(&theirs, &good()),
            "is not accepted",
        ),
    ] {
        let ran = status_from(server(&ours, shown)).exits(78);
        assert!(ran.err.contains(why), "{who}: {ran:?}");
        assert!(ran.err.contains("next: check `"), "{who}: {ran:?}");
    }
    let ran = status_from(of_before(by_us(&good()))).exits(69);
    assert!(ran.err.contains("no TLS 1.3 connection"), "{ran:?}");
}

#[test]
fn an_expired_certificate_is_said_to_be_expired() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    settings(
        folder.path(),
        "localhost:1",
        &authority,
        certified(&authority, &expired(operator("anna"))),
    );
    let ran = status(folder.path()).exits(78);
    assert!(ran.err.contains("expired at 2020-02-01"), "{ran:?}");
}

#[test]
fn no_controller_at_that_port() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    settings(
        folder.path(),
        "localhost:1",
        &authority,
        certified(&authority, &operator("anna")),
    );
    let ran = status(folder.path()).exits(69);
    assert!(
        ran.err
            .contains("localhost:1 was not reached: Connection refused"),
        "{ran:?}"
    );
}
