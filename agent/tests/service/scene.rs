//! An agent that runs, an authority, and whoever dials.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::secret::SecretBytes;
use keyroll_agent::config::{Config, Pools};
use keyroll_agent::identity::{Identity, NewKey};
use keyroll_agent::logon_session::Session;
use keyroll_agent::password_targets::Takers;
use keyroll_agent::{platform, serve};
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_client::AgentClient;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

pub const NODE: &str = "node1.corp.example";
pub const CONTROLLER: &str = "keyroll://controller";
pub const SPN: &str = "HTTP/web.corp.example@CORP.EXAMPLE";
/// How the table of the array begins.
const WEB: &str = "[[array]]\nname = 'web'\n";
pub const NONCE: [u8; 32] = [5; 32];

/// A certificate authority.
pub struct Authority {
    pub certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A client certificate with its key.
pub struct Badge(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    /// A client certificate for whoever `name` says.
    pub fn client(&self, name: &str) -> Badge {
        self.changed(name, |_| ())
    }

    /// A client certificate that is not as it should be.
    pub fn changed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Badge {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![uri(name)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Badge(vec![certificate.der().clone()], key)
    }

    /// A client certificate that nobody but its holder has signed.
    pub fn self_signed(name: &str) -> Badge {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![uri(name)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Badge(vec![certificate.der().clone()], key)
    }

    /// A node's certificate for a signing request.
    pub fn node(&self, csr: &[u8], node: &str) -> Vec<u8> {
        let csr = csr.to_vec().into();
        let mut request = CertificateSigningRequestParams::from_der(&csr).unwrap();
        let name = uri(&format!("keyroll://node/{node}"));
        request.params.subject_alt_names = vec![name, SanType::DnsName(NODE.try_into().unwrap())];
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

/// The array's targets that take the password, and who gets it.
#[derive(Clone)]
pub struct Logon {
    pub sessions: Option<Vec<Session>>,
    pub services: Option<Vec<String>>,
    pub pools: Option<Pools>,
    pub takers: Takers,
}

/// An agent at work.
pub struct Scene {
    pub authority: Authority,
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub http: SocketAddr,
    pub check: SocketAddr,
    settings: String,
    logon: Option<Logon>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// A free address. On an IP of the test's own, so that no connection of another test, which comes
/// from 127.0.0.1, can take the port before the agent does.
fn free(place: u8) -> SocketAddr {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = NEXT.fetch_add(place, Ordering::Relaxed);
    let listener = TcpListener::bind(SocketAddr::from(([127, high | 1, low, own], 0))).unwrap();
    listener.local_addr().unwrap()
}

impl Scene {
    /// An agent of one array, `web`, with one owned keytab.
    pub async fn plain() -> Self {
        Self::with("[[array.target]]\npath = '{folder}/web.keytab'\n").await
    }

    /// An agent of one array, `web`, with these tables; `{folder}` is replaced.
    pub async fn with(tables: &str) -> Self {
        Self::beside(tables, None).await
    }

    /// The same, with targets that take the password, which the settings allow on Windows alone.
    pub async fn beside(tables: &str, logon: Option<Logon>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, http, check] = [free(0), free(0), free(1)];
        let root = folder.path().display().to_string();
        let settings = format!(
            "state = '{root}/state'\nlisten = '{address}'\n[health]\nhttp = '{http}'\n\
             stay-ready-without-controller-seconds = 3600\n\
             agent-check = '{check}'\n{WEB}{}",
            tables.replace("{folder}", &root)
        );
        let authority = Authority::new();
        let state = folder.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let new = NewKey::make(NODE).unwrap();
        let chain = [authority.node(&new.request, NODE)];
        let roots = [authority.certificate.to_vec()];
        Identity::keep(&state, &new.into_pem(), &chain, &roots).unwrap();
        let (stop, running) = (None, None);
        let mut scene = Self {
            authority,
            folder,
            address,
            http,
            check,
            settings,
            logon,
            stop,
            running,
        };
        scene.start().await;
        scene
    }

    async fn start(&mut self) {
        let path = self.path("agent.toml");
        std::fs::write(&path, &self.settings).unwrap();
        let mut config = Config::read(&path).unwrap();
        let mut takers = platform::takers();
        if let Some(logon) = self.logon.clone() {
            config.arrays[0].sessions = logon.sessions;
            config.arrays[0].services = logon.services;
            config.arrays[0].pools = logon.pools;
            takers = logon.takers;
        }
        let (stop, stopped) = oneshot::channel::<()>();
        self.running = Some(tokio::spawn(async move {
            let end = async {
                drop(stopped.await);
            };
            serve::run_beside(config, takers, end).await.unwrap();
        }));
        self.stop = Some(stop);
        // It says nothing when its port is open.
        let open = async {
            while TcpStream::connect(self.check).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, open).await.unwrap();
    }

    #[cfg(unix)]
    /// Stops the agent and starts it anew with other tables for `web`.
    pub async fn restart_with(&mut self, tables: &str) {
        self.stop().await;
        let (before, _) = self.settings.split_once(WEB).unwrap();
        let tables = tables.replace("{folder}", &self.folder.path().display().to_string());
        self.settings = format!("{before}{WEB}{tables}");
        self.start().await;
    }

    /// Stops the agent and starts it anew over the same folder.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Stops the agent.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Dials as the holder of `badge`, trusting `authority`, in these versions of TLS.
    pub async fn shake(
        &self,
        authority: &Authority,
        badge: Option<&Badge>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake_for(authority, badge, versions, &[b"h2"]).await
    }

    /// The same, for one of these protocols (RFC 7301).
    pub async fn shake_for(
        &self,
        authority: &Authority,
        badge: Option<&Badge>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match badge {
            Some(Badge(chain, key)) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
        // Willing to take up an earlier session, which nobody may.
        config.enable_early_data = true;
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(NODE).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A client that holds `badge`; a refusal shows at its first question.
    pub async fn client(&self, badge: &Badge) -> Result<AgentClient<Channel>, String> {
        self.channel(badge).await.map(AgentClient::new)
    }

    async fn channel(&self, badge: &Badge) -> Result<Channel, String> {
        let stream = self
            .shake(&self.authority, Some(badge), &[&rustls::version::TLS13])
            .await
            .map_err(|error| error.to_string())?;
        Self::channel_on(stream).await
    }

    /// A client on a connection that is there.
    pub async fn client_on(stream: TlsStream<TcpStream>) -> Result<AgentClient<Channel>, String> {
        Self::channel_on(stream).await.map(AgentClient::new)
    }

    async fn channel_on(stream: TlsStream<TcpStream>) -> Result<Channel, String> {
        let mut stream = Some(stream);
        let once = tower::service_fn(move |_: Uri| {
            let stream = stream.take().ok_or(std::io::ErrorKind::NotConnected);
            async move { Ok::<_, std::io::Error>(TokioIo::new(stream?)) }
        });
        Endpoint::from_static("http://agent")
            .connect_with_connector(once)
            .await
            .map_err(|error| error.to_string())
    }

    /// What the agent says to a call of this name: the gRPC status, as a number in text.
    pub async fn status_of(&self, badge: &Badge, path: &str) -> String {
        let channel = self.channel(badge).await.unwrap();
        let request = tonic::codegen::http::Request::post(format!("http://agent{path}"))
            .header("content-type", "application/grpc")
            .body(tonic::body::Body::empty())
            .unwrap();
        let answer = tower::ServiceExt::oneshot(channel, request).await.unwrap();
        let status = answer.headers().get("grpc-status");
        status.map_or_else(String::new, |status| status.to_str().unwrap().to_owned())
    }

    /// The controller's own client.
    pub async fn controller(&self) -> AgentClient<Channel> {
        let badge = self.authority.client(CONTROLLER);
        self.client(&badge).await.unwrap()
    }

    /// The answer of the HTTP endpoint: status and line.
    pub async fn ready(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = converse(self.http, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.trim_end().to_owned())
    }
}

/// Everything that a server says to `request`.
pub async fn converse(address: SocketAddr, request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The AES-256 key of a generation in these tests.
pub fn key(kvno: u32) -> Key {
    let byte = u8::try_from(kvno % 251).unwrap();
    let bytes = SecretBytes::new(vec![byte; 32]);
    Key::new(Enctype::Aes256CtsHmacSha1, bytes).unwrap()
}

/// A keyset of `web` with a generation for each role.
pub fn keyset(epoch: u64, version: u64, generations: &[(Role, u32)]) -> said::Keyset {
    let generation = |(role, kvno): &(Role, u32)| GenerationKeys {
        role: *role,
        kvno: Kvno(*kvno),
        keys: vec![key(*kvno)],
        origin: None,
    };
    said::Keyset::from(&Keyset {
        array: "web".parse().unwrap(),
        epoch: keyroll::fence::Epoch(epoch),
        version: keyroll::fence::Version(version),
        principals: vec![SPN.parse().unwrap()],
        generations: generations.iter().map(generation).collect(),
        unlisted: Unlisted::Remove,
    })
}

pub fn stage(keyset: said::Keyset) -> said::StageRequest {
    said::StageRequest {
        keyset: Some(keyset),
        nonce: NONCE.to_vec(),
        passwords: Vec::new(),
    }
}

pub fn wipe(epoch: u64) -> said::WipeRequest {
    let array = "web".to_owned();
    said::WipeRequest { array, epoch }
}

pub fn look(array: &str) -> said::LookRequest {
    said::LookRequest {
        hosts: Vec::new(),
        array: array.to_owned(),
        nonce: NONCE.to_vec(),
    }
}

pub fn admit(epoch: u64, required: u64, reason: &str) -> said::AdmitRequest {
    said::AdmitRequest {
        array: "web".to_owned(),
        epoch,
        required_version: required,
        admitted: reason.is_empty(),
        reason: reason.to_owned(),
    }
}

/// The kvnos in a file, in its order.
pub fn kvnos(path: &Path) -> Vec<u32> {
    let bytes = std::fs::read(path).unwrap();
    let entries = keyroll::keytab::held::entries(&bytes).unwrap();
    entries
        .into_iter()
        .map(|entry| entry.unwrap().kvno.0)
        .collect()
}
