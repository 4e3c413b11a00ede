//! Mutual TLS 1.3 with an operator's certificate, and keys that others can read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyroll_proto::operator::operator_server::OperatorServer;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::fake::{Fake, Ran, bare};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certified(authority: &Authority, name: &str, expired: bool) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }
    (
        params.signed_by(&key, authority).unwrap().pem(),
        key.serialize_pem(),
    )
}

/// A controller over mutual TLS; the port it listens on.
fn controller(authority: &Authority) -> u16 {
    let (certificate, key) = certified(authority, "localhost", false);
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    let (send, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            let incoming = TcpListenerStream::new(listener);
            let server = Server::builder().tls_config(tls).unwrap();
            let service = OperatorServer::new(Fake::default());
            server.serve_with_incoming(service, incoming).await.unwrap();
        });
    });
    port.recv().unwrap()
}

/// Writes an operator's files and settings.
fn settings(folder: &Path, host: &str, authority: &Authority, identity: (String, String)) {
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
        certified(&authority, "anna", false),
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
        certified(&authority, "anna", false),
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
        certified(&theirs, "mallory", false),
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
        certified(&ours, "anna", false),
    );
    let ran = status(folder.path()).exits(78);
    assert!(ran.err.contains("is not accepted"), "{ran:?}");
}

#[test]
fn an_expired_certificate_is_said_to_be_expired() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    settings(
        folder.path(),
        "localhost:1",
        &authority,
        certified(&authority, "anna", true),
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
        certified(&authority, "anna", false),
    );
    let ran = status(folder.path()).exits(69);
    assert!(
        ran.err
            .contains("localhost:1 was not reached: Connection refused"),
        "{ran:?}"
    );
}
