//! An agent on loopback with a state folder, an authority, and a controller's certificate.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use keyroll::keyset::Role;
use keyroll::secret::SecretBytes;
use keyroll_agent::config::Config;
use keyroll_agent::identity::Identity;
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_client::AgentClient;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

pub const TLS13: &SupportedProtocolVersion = &rustls::version::TLS13;
pub const TLS12: &SupportedProtocolVersion = &rustls::version::TLS12;

const NODE: &str = "n1.corp.example";

/// A certificate and its key.
pub struct Pair(CertificateDer<'static>, KeyPair);

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    pub fn certificate(&self, uri: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair(
            names(uri)
                .signed_by(&key, &self.issuer)
                .unwrap()
                .der()
                .clone(),
            key,
        )
    }

    pub fn sign(&self, csr: &[u8], uri: &str) -> Vec<u8> {
        let mut request = CertificateSigningRequestParams::from_der(&csr.into()).unwrap();
        request.params = names(uri);
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

fn names(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![NODE.to_owned()]).unwrap();
    params
        .subject_alt_names
        .push(SanType::URI(uri.try_into().unwrap()));
    params
}

/// A running agent.
pub struct Site {
    folder: tempfile::TempDir,
    extra: String,
    pub authority: Authority,
    pub port: SocketAddr,
    http: SocketAddr,
    check: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    life: tokio::task::JoinHandle<()>,
}

impl Site {
    /// An agent that has joined, with `extra` lines of settings.
    pub async fn open(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let Pair(leaf, key) = authority.certificate(&format!("keyroll://node/{NODE}"));
        let key = SecretBytes::new(key.serialize_pem().into_bytes());
        Identity::keep(folder.path(), &key, &[leaf.to_vec()], &[authority.der()]).unwrap();
        Self::start(folder, authority, extra.to_owned()).await
    }

    async fn start(folder: tempfile::TempDir, authority: Authority, extra: String) -> Self {
        let [port, http, check] = free_ports();
        let root = folder.path().display();
        let settings = format!(
            "state = '{root}'\nlisten = '{port}'\n[health]\nhttp = '{http}'\n\
             agent-check = '{check}'\n[[array]]\nname = 'web'\n[[array.target]]\n\
             path = '{root}/krb5.keytab'\n{extra}\n"
        );
        std::fs::write(folder.path().join("agent.toml"), settings).unwrap();
        let config = Config::read(&folder.path().join("agent.toml")).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let life = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            keyroll_agent::serve::run(config, shutdown).await.unwrap();
        });
        for _ in 0..200 {
            if TcpStream::connect(port).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self {
            folder,
            extra,
            authority,
            port,
            http,
            check,
            stop: Some(stop),
            life,
        }
    }

    /// The same node after a restart of its agent.
    pub async fn restart(mut self) -> Self {
        drop(self.stop.take());
        self.life.await.unwrap();
        Self::start(self.folder, self.authority, self.extra).await
    }

    /// The agent as the controller calls it.
    pub async fn controller(&self) -> AgentClient<Channel> {
        let pair = self.authority.certificate("keyroll://controller");
        let config = self.config(Some(pair), TLS13);
        let port = self.port;
        let connect = tower::service_fn(move |_| {
            let config = Arc::clone(&config);
            async move { shake(config, port).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://agent");
        AgentClient::new(endpoint.connect_with_connector(connect).await.unwrap())
    }

    /// A whole HTTP/2 connection and one question over it.
    pub async fn dial_with(
        &self,
        pair: Option<Pair>,
        version: &'static SupportedProtocolVersion,
    ) -> Result<(), String> {
        let mut stream = shake(self.config(pair, version), self.port)
            .await
            .map_err(|error| error.to_string())?;
        // In TLS 1.3 a client hears of its refusal only when it reads.
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream
            .write_all(preface)
            .await
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(Duration::from_secs(3), stream.read_u8()).await;
        answer
            .map_err(|_| "no answer".to_owned())?
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// The certificate that the next handshake shows.
    pub async fn shown_certificate(&self) -> Vec<u8> {
        let pair = self.authority.certificate("keyroll://controller");
        let stream = shake(self.config(Some(pair), TLS13), self.port)
            .await
            .unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    fn config(
        &self,
        pair: Option<Pair>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match pair {
            None => builder.with_no_client_auth(),
            Some(Pair(leaf, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![leaf], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    /// The keytab's bytes.
    pub fn keytab(&self) -> Vec<u8> {
        std::fs::read(self.keytab_path()).unwrap()
    }

    pub fn lose_the_keytab(&self) {
        std::fs::remove_file(self.keytab_path()).unwrap();
    }

    fn keytab_path(&self) -> impl AsRef<Path> {
        self.folder.path().join("krb5.keytab")
    }

    /// Status and reason of `GET /ready`.
    pub async fn ready(&self) -> (u16, String) {
        let request = "GET /ready HTTP/1.1\r\nhost: n1\r\nconnection: close\r\n\r\n";
        let answer = converse(self.http, request).await;
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (
            status,
            answer
                .split("\r\n\r\n")
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        )
    }

    /// What HAProxy hears.
    pub async fn agent_check(&self) -> String {
        converse(self.check, "").await
    }
}

async fn converse(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn shake(
    config: Arc<ClientConfig>,
    port: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(port).await?;
    let name = ServerName::try_from(NODE).unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

/// Ports that were free a moment ago.
fn free_ports() -> [SocketAddr; 3] {
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

pub fn nonce() -> Vec<u8> {
    vec![9; 32]
}

pub fn look(nonce: [u8; 32]) -> said::LookRequest {
    said::LookRequest {
        array: "web".into(),
        nonce: nonce.to_vec(),
    }
}

/// A keyset of one key.
pub fn keyset(epoch: u64, version: u64) -> said::StageRequest {
    use keyroll::fence::{Epoch, Version};
    use keyroll::kerberos::{Enctype, Key, Kvno};
    use keyroll::keyset::{GenerationKeys, Keyset, Unlisted};
    let key = Key::new(Enctype::Aes256CtsHmacSha1, SecretBytes::new(vec![7; 32])).unwrap();
    let keyset = Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(epoch),
        version: Version(version),
        principals: vec!["HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap()],
        generations: vec![GenerationKeys {
            role: Role::Current,
            kvno: Kvno(300),
            keys: vec![key],
        }],
        unlisted: Unlisted::Remove,
    };
    said::StageRequest {
        keyset: Some((&keyset).into()),
        nonce: nonce(),
    }
}
