//! An agent that holds nothing, with knobs.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyroll_proto::agent::agent_server::{Agent, AgentServer};
use keyroll_proto::agent::*;
use rcgen::KeyPair;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status};

use crate::ca::tests::{certified, request};
use crate::ca::{Authority, Doorway, server_config};

/// What a test can set.
#[derive(Default)]
pub(super) struct Knobs {
    pub(super) delay: Duration,
    pub(super) refuse: Option<String>,
    pub(super) clock_off_seconds: i64,
    pub(super) refuse_certificate: bool,
    /// Where agents that are asked wait for each other before any of them answers.
    pub(super) meet: Option<Arc<Barrier>>,
    /// The key that it shows for letters.
    pub(super) letter_key: Vec<u8>,
}

#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap().clone())
    }
}

struct Inner {
    node: String,
    knobs: Mutex<Knobs>,
    connections: AtomicUsize,
    calls: AtomicUsize,
    shown: Arc<Shown>,
    next_key: Mutex<Option<KeyPair>>,
    version: AtomicUsize,
    given: Mutex<Vec<String>>,
    sealed: Mutex<Vec<Vec<SealedPassword>>>,
}

#[derive(Clone)]
struct Service(Arc<Inner>);

/// A running fake; it stops when dropped.
pub(super) struct FakeAgent {
    inner: Arc<Inner>,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

/// A port that shows this certificate, behind which nobody speaks.
pub(super) async fn mute(key: CertifiedKey, authority: &Authority) -> (String, Doorway) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shown = Arc::new(Shown(RwLock::new(Arc::new(key))));
    let config = Arc::new(server_config(shown, Some(authority.roots())).unwrap());
    (address, Doorway::open(listener, move || Ok(config.clone())))
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeAgent {
    pub(super) async fn start(node: &str, key: CertifiedKey, authority: &Authority) -> Self {
        Self::trusting(node, key, authority.roots()).await
    }

    /// One that takes its controller from these authorities.
    pub(super) async fn trusting(node: &str, key: CertifiedKey, roots: Arc<RootCertStore>) -> Self {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(key))));
        let config = server_config(shown.clone(), Some(roots)).unwrap();
        Self::with_config(node, shown, config).await
    }

    /// One whose TLS is changed before it serves.
    pub(super) async fn changed(
        node: &str,
        key: CertifiedKey,
        authority: &Authority,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(key))));
        let mut config = server_config(shown.clone(), Some(authority.roots())).unwrap();
        change(&mut config);
        Self::with_config(node, shown, config).await
    }

    async fn with_config(node: &str, shown: Arc<Shown>, config: ServerConfig) -> Self {
        let inner = Arc::new(Inner {
            node: node.to_owned(),
            knobs: Mutex::default(),
            connections: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            shown,
            next_key: Mutex::default(),
            version: AtomicUsize::new(0),
            given: Mutex::default(),
            sealed: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(config);
        let stop = Arc::new(Notify::new());
        let task = serve(listener, config.clone(), inner.clone(), stop.clone());
        Self {
            inner,
            address,
            config,
            stop,
            task,
        }
    }

    /// Ends its connections and its port.
    pub(super) async fn stop(&mut self) {
        self.stop.notify_one();
        (&mut self.task).await.unwrap();
    }

    pub(super) async fn restart(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(64).unwrap();
        let (config, inner) = (self.config.clone(), self.inner.clone());
        self.task = serve(listener, config, inner, self.stop.clone());
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    pub(super) fn calls(&self) -> usize {
        self.inner.calls.load(Ordering::SeqCst)
    }

    pub(super) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.inner.knobs.lock().unwrap()
    }

    /// The arrays of the keysets that it was given since the last time.
    pub(super) fn given(&self) -> Vec<String> {
        std::mem::take(&mut *self.inner.given.lock().unwrap())
    }

    /// The sealed passwords that came with each keyset since the last time.
    pub(super) fn sealed(&self) -> Vec<Vec<SealedPassword>> {
        std::mem::take(&mut *self.inner.sealed.lock().unwrap())
    }

    /// The serial of the certificate that it shows.
    pub(super) fn serial(&self) -> String {
        let shown = self.inner.shown.0.read().unwrap();
        crate::ca::Peer::of(&shown.cert[0]).unwrap().serial
    }
}

fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    inner: Arc<Inner>,
    stop: Arc<Notify>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let counted = inner.clone();
        let doorway = Doorway::open(listener, move || Ok(config.clone())).map(move |connection| {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            connection
        });
        let server = tonic::transport::Server::builder()
            .add_service(AgentServer::new(Service(inner)))
            .serve_with_incoming_shutdown(doorway, stop.notified());
        server.await.unwrap();
    })
}

impl Service {
    async fn begin(&self) -> Result<(), Status> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let (delay, refuse, meet) = {
            let knobs = self.0.knobs.lock().unwrap();
            (knobs.delay, knobs.refuse.clone(), knobs.meet.clone())
        };
        if let Some(meet) = meet {
            meet.wait().await;
        }
        tokio::time::sleep(delay).await;
        refuse.map_or(Ok(()), |why| Err(Status::failed_precondition(why)))
    }

    fn inventory(&self) -> Inventory {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_micros() as i64;
        let off = self.0.knobs.lock().unwrap().clock_off_seconds;
        Inventory {
            node: self.0.node.clone(),
            array: "web".into(),
            version: self.0.version.load(Ordering::SeqCst) as u64,
            ready: true,
            clock_unix_micros: now + off * 1_000_000,
            ..Inventory::default()
        }
    }
}

#[tonic::async_trait]
impl Agent for Service {
    async fn look(&self, _: Request<LookRequest>) -> Result<Response<Inventory>, Status> {
        self.begin().await?;
        Ok(Response::new(self.inventory()))
    }

    async fn stage(&self, request: Request<StageRequest>) -> Result<Response<StageReply>, Status> {
        self.begin().await?;
        let request = request.into_inner();
        self.0.sealed.lock().unwrap().push(request.passwords);
        let keyset = request.keyset.unwrap();
        let version = keyset.version as usize;
        self.0.version.store(version, Ordering::SeqCst);
        let inventory = Some(Inventory {
            array: keyset.array.clone(),
            ..self.inventory()
        });
        self.0.given.lock().unwrap().push(keyset.array);
        Ok(Response::new(StageReply { inventory }))
    }

    async fn prove(&self, _: Request<ProveRequest>) -> Result<Response<ProveReply>, Status> {
        self.begin().await?;
        let proof = Proof {
            accepted: true,
            kvno: 300,
            ..Proof::default()
        };
        Ok(Response::new(ProveReply {
            proofs: vec![proof],
        }))
    }

    async fn admit(&self, _: Request<AdmitRequest>) -> Result<Response<AdmitReply>, Status> {
        self.begin().await?;
        Ok(Response::new(AdmitReply::default()))
    }

    async fn show_letter_key(
        &self,
        _: Request<ShowLetterKeyRequest>,
    ) -> Result<Response<ShowLetterKeyReply>, Status> {
        self.begin().await?;
        let key = self.0.knobs.lock().unwrap().letter_key.clone();
        Ok(Response::new(ShowLetterKeyReply { key }))
    }

    async fn wipe(&self, _: Request<WipeRequest>) -> Result<Response<Inventory>, Status> {
        self.begin().await?;
        Ok(Response::new(self.inventory()))
    }

    async fn request_certificate(
        &self,
        _: Request<RequestCertificateRequest>,
    ) -> Result<Response<RequestCertificateReply>, Status> {
        self.begin().await?;
        let (key, csr) = request();
        *self.0.next_key.lock().unwrap() = Some(key);
        Ok(Response::new(RequestCertificateReply { csr }))
    }

    async fn install_certificate(
        &self,
        request: Request<InstallCertificateRequest>,
    ) -> Result<Response<InstallCertificateReply>, Status> {
        self.begin().await?;
        if self.0.knobs.lock().unwrap().refuse_certificate {
            return Err(Status::failed_precondition("no space left"));
        }
        let chain = request.into_inner().chain.into_iter();
        let chain = chain.map(CertificateDer::from).collect();
        let key = self.0.next_key.lock().unwrap().take().unwrap();
        *self.0.shown.0.write().unwrap() = Arc::new(certified(chain, &key));
        Ok(Response::new(InstallCertificateReply::default()))
    }
}
