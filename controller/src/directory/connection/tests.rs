//! A domain controller that dies, freezes or lies at the worst moment.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use keyroll::kerberos::Enctype;
use keyroll::roll::Answer;
use keyroll::roll::policy::Method;
use keyroll::secret::Password;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as ServerStream;

use super::*;
use crate::directory::config::{BindConfig, DirectoryConfig, DomainControllers, Transport};
use crate::directory::{ActiveDirectory, ber};
use crate::ports::{AccountRef, Directory as _, PasswordWrite};

/// What the domain controller does on a modify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Succeeds,
    Closes,
    Freezes,
    SaysNothingSensible,
    NestsDeeply,
    AnswersAnother,
    SaysGoodbye,
}

struct FakeDc {
    /// The attribute that it does not show.
    hidden: &'static str,
    folder: tempfile::TempDir,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    binds: AtomicU32,
    modifies: AtomicU32,
}

fn result(id: u8, tag: u8) -> Vec<u8> {
    vec![0x30, 12, 2, 1, id, tag, 7, 10, 1, 0, 4, 0, 4, 0]
}

fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, body].concat()
}

/// What every account shows.
const PLAIN: [(&str, &[u8]); 4] = [
    ("adminCount", b"0"),
    ("objectSid", &[1, 1, 0, 0, 0, 0, 0, 5, 77, 4, 0, 0]),
    ("tokenGroups", &[1, 1, 0, 0, 0, 0, 0, 5, 1, 2, 0, 0]),
    ("userAccountControl", b"512"),
];

/// An entry with these, but for one.
fn entry(id: u8, hidden: &str) -> Vec<u8> {
    let shown = PLAIN.iter().filter(|(name, _)| *name != hidden);
    let attributes = shown.flat_map(|(name, value)| {
        let values = element(0x31, &element(4, value));
        element(0x30, &[element(4, name.as_bytes()), values].concat())
    });
    let attributes = element(0x30, &attributes.collect::<Vec<u8>>());
    let entry = element(0x64, &[element(4, b""), attributes].concat());
    element(0x30, &[vec![2, 1, id], entry].concat())
}

impl FakeDc {
    async fn new() -> Arc<Self> {
        Self::hiding("").await
    }

    async fn hiding(hidden: &'static str) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let issuer = Issuer::from_params(&params, &ca_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "canary").unwrap();
        std::fs::set_permissions(&password, PermissionsExt::from_mode(0o600)).unwrap();
        Arc::new(Self {
            hidden,
            folder,
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            binds: AtomicU32::new(0),
            modifies: AtomicU32::new(0),
        })
    }

    fn directory(&self) -> ActiveDirectory {
        let config = DirectoryConfig {
            domain: "corp.example".to_owned(),
            realm: None,
            transport: Transport::Ldaps,
            domain_controllers: DomainControllers::Srv,
            ca: vec![self.folder.path().join("ca.pem")],
            bind: BindConfig {
                principal: "svc@corp.example".to_owned(),
                password_file: Some(self.folder.path().join("password")),
                password_credential: None,
                keytab: None,
                keytab_credential: None,
            },
            prober: None,
            account_container: None,
            fence_attribute: "adminDescription".to_owned(),
            connect_timeout_seconds: 5,
            write_timeout_seconds: 1,
            accounts_below: Vec::new(),
            exceptions: Vec::new(),
            forests: Vec::new(),
        };
        let mut directory = ActiveDirectory::new(config.settings().unwrap()).unwrap();
        directory.connections.port = self.listener.local_addr().unwrap().port();
        directory
    }

    /// Serves one connection after another, each in its manner.
    async fn serve(self: Arc<Self>, manners: Vec<Manner>) {
        for manner in manners {
            let (stream, _) = self.listener.accept().await.unwrap();
            let stream = self.acceptor.accept(stream).await.unwrap();
            tokio::spawn(Arc::clone(&self).talk(stream, manner));
        }
    }

    async fn talk(self: Arc<Self>, mut stream: ServerStream<TcpStream>, manner: Manner) {
        let mut pending = Vec::new();
        while let Ok(count) = stream.read_buf(&mut pending).await {
            if count == 0 {
                return;
            }
            while let Ok(Some(length)) = ber::message_length(&pending)
                && length <= pending.len()
            {
                let request = ber::request(&pending[..length]).unwrap();
                pending.drain(..length);
                let id = u8::try_from(request.id).unwrap();
                let answer = match request.operation {
                    0x60 => {
                        self.binds.fetch_add(1, Ordering::Relaxed);
                        result(id, 0x61)
                    }
                    0x63 => [entry(id, self.hidden), result(id, 0x65)].concat(),
                    0x66 => {
                        self.modifies.fetch_add(1, Ordering::Relaxed);
                        match manner {
                            Manner::Succeeds => result(id, 0x67),
                            Manner::Closes => return,
                            Manner::Freezes => continue,
                            Manner::SaysNothingSensible => b"HTTP/1.1 500 No".to_vec(),
                            Manner::NestsDeeply => deep(id),
                            Manner::AnswersAnother => result(id + 1, 0x67),
                            Manner::SaysGoodbye => result(0, 0x78),
                        }
                    }
                    other => panic!("unexpected request {other:#x}"),
                };
                stream.write_all(&answer).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    }
}

/// A message that nests 200,000 deep: ldap3's parser would overflow its stack.
fn deep(id: u8) -> Vec<u8> {
    let mut inner = Vec::new();
    for _ in 0..200_000_u32 {
        let length = u32::try_from(inner.len()).unwrap().to_be_bytes();
        // Built from the inside, appended in reverse order and turned at the end.
        inner.extend([length[3], length[2], length[1], length[0], 0x84, 0x30]);
    }
    inner.reverse();
    let length = u32::try_from(inner.len() + 3).unwrap().to_be_bytes();
    [&[0x30, 0x84][..], &length, &[2, 1, id], &inner].concat()
}

fn account() -> AccountRef {
    AccountRef {
        guid: [7; 16],
        principal: "web@CORP.EXAMPLE".parse().unwrap(),
    }
}

/// A write without a secret in it.
async fn set_enctypes(directory: &ActiveDirectory) {
    let (dc, aes) = ("localhost".parse().unwrap(), [Enctype::Aes256CtsHmacSha1]);
    let set = directory.set_enctypes(&dc, &account(), &aes).await;
    set.unwrap();
}

async fn write(directory: &ActiveDirectory) -> Answer {
    let account = account();
    let new = Password::new("canary-new".to_owned());
    let write = PasswordWrite {
        account: &account,
        old: None,
        new: &new,
        method: Method::FencedReset,
        fence: (None, "1"),
    };
    directory
        .write_password(&"localhost".parse().unwrap(), &write)
        .await
}

#[tokio::test]
async fn a_write_without_an_answer_is_sent_once_and_said_to_be_unanswered() {
    for manner in [
        Manner::Closes,
        Manner::Freezes,
        Manner::SaysNothingSensible,
        Manner::NestsDeeply,
        Manner::AnswersAnother,
        Manner::SaysGoodbye,
    ] {
        let dc = FakeDc::new().await;
        let directory = dc.directory();
        tokio::spawn(Arc::clone(&dc).serve(vec![manner, Manner::Succeeds]));
        let answer = write(&directory).await;
        let Answer::Unanswered { text } = &answer else {
            panic!("{manner:?}: {answer:?}");
        };
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(dc.modifies.load(Ordering::Relaxed), 1, "{manner:?}");
        // The next write goes over another connection, and this one is answered.
        assert_eq!(write(&directory).await, Answer::Applied, "{manner:?}");
        assert_eq!(dc.modifies.load(Ordering::Relaxed), 2, "{manner:?}");
        assert_eq!(dc.binds.load(Ordering::Relaxed), 2, "{manner:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_an_account_that_shows_too_little() {
    for (hidden, _) in PLAIN {
        let dc = FakeDc::hiding(hidden).await;
        tokio::spawn(Arc::clone(&dc).serve(vec![Manner::Succeeds]));
        let answer = write(&dc.directory()).await;
        let Answer::Refused { text, .. } = &answer else {
            panic!("{hidden}: {answer:?}");
        };
        let command = "--print-acl --account 'web'";
        assert!(text.contains(hidden) && text.contains(command), "{text}");
        assert_eq!(dc.modifies.load(Ordering::Relaxed), 0, "{hidden}");
    }
}

#[tokio::test]
async fn a_warm_connection_is_kept_and_a_dead_one_is_not_written_to() {
    let dc = FakeDc::new().await;
    let directory = dc.directory();
    let serving = tokio::spawn(Arc::clone(&dc).serve(vec![Manner::Succeeds]));
    for _ in 0..3 {
        set_enctypes(&directory).await;
    }
    assert_eq!(dc.binds.load(Ordering::Relaxed), 1);
    serving.await.unwrap();

    // Closed behind our back, as AD does after a quarter of an hour of silence.
    let dc = FakeDc::new().await;
    let directory = dc.directory();
    let (closes, succeeds) = (Arc::clone(&dc), Arc::clone(&dc));
    let first = tokio::spawn(async move {
        let (stream, _) = closes.listener.accept().await.unwrap();
        let stream = closes.acceptor.accept(stream).await.unwrap();
        let talking = Arc::clone(&closes).talk(stream, Manner::Succeeds);
        let _ = timeout(Duration::from_millis(300), talking).await;
    });
    set_enctypes(&directory).await;
    first.await.unwrap();
    tokio::spawn(succeeds.serve(vec![Manner::Succeeds]));
    set_enctypes(&directory).await;
    assert_eq!(dc.modifies.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn r11_a_connection_that_a_password_went_over_is_given_up() {
    let dc = FakeDc::new().await;
    let directory = dc.directory();
    tokio::spawn(Arc::clone(&dc).serve(vec![Manner::Succeeds; 2]));
    set_enctypes(&directory).await;
    assert_eq!(write(&directory).await, Answer::Applied);
    assert_eq!(dc.binds.load(Ordering::Relaxed), 1);
    set_enctypes(&directory).await;
    assert_eq!(dc.binds.load(Ordering::Relaxed), 2);
}
