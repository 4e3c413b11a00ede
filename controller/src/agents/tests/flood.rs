//! R30: strangers at the open port do not disturb what goes on with the nodes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use keyroll_proto::enroll::enroll_client::EnrollClient;
use keyroll_proto::enroll::{JoinReply, JoinRequest};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsConnector;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Status};

use super::*;
use crate::ca::{Doorway, limited};
use crate::enroll::EnrollService;

/// As many nodes as a large array has.
const NODES: usize = 100;
/// What a roll asks each node: two keysets staged, one proven in between, the gate kept open.
const ROUNDS: u64 = 3;
/// Handshakes that are begun and never ended.
const SLOW: usize = 3_000;

/// The port that is open to anybody.
async fn open_port(world: &World, pool: &Arc<AgentPool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = world.own.clone();
    let doorway = Doorway::open(listener, move || own.open_to_all());
    let (store, authority) = (world.scratch.store.clone(), world.authority.clone());
    let service = EnrollService::new(store, authority, pool.clone());
    let server = limited(Server::builder()).add_service(service.server());
    tokio::spawn(server.serve_with_incoming(doorway));
    address
}

/// Begins handshakes from many addresses and ends none.
async fn hold_up(port: SocketAddr, begun: Arc<AtomicUsize>) {
    let mut held = std::collections::VecDeque::new();
    for number in 0..SLOW {
        let socket = TcpSocket::new_v4().unwrap();
        let host = u8::try_from(number % 50 + 2).unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 3, host], 0)))
            .unwrap();
        if let Ok(mut stream) = socket.connect(port).await {
            drop(stream.write_all(&[22, 3, 1, 2, 0, 1]).await);
            held.push_back(stream);
        }
        begun.fetch_add(1, Ordering::Relaxed);
        // No more descriptors than a process has.
        if held.len() > 400 {
            held.pop_front();
        }
    }
}

/// Joins with messages of a megabyte, and hangs up on most of them, for as long as `busy`.
async fn pester(world: &World, port: SocketAddr, busy: &AtomicBool) -> usize {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(world.authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let mut refused = 0;
    while busy.load(Ordering::Relaxed) {
        let config = config.clone();
        let dial = tower::service_fn(move |_: tonic::codegen::http::Uri| {
            let config = config.clone();
            async move {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::from(([127, 0, 4, 1], 0)))?;
                let stream = socket.connect(port).await?;
                let name = ServerName::try_from("localhost").unwrap();
                let stream = TlsConnector::from(config).connect(name, stream).await?;
                Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(stream))
            }
        });
        let endpoint = Endpoint::from_static("http://controller");
        let Ok(channel) = endpoint.connect_with_connector(dial).await else {
            continue;
        };
        for number in 0..50 {
            let mut client = EnrollClient::new(channel.clone());
            let join = client.join(JoinRequest {
                token: vec![7; 32],
                csr: vec![0; 1 << 20],
                ..Default::default()
            });
            if number % 5 > 0 {
                // A request that is taken back as soon as it is sent.
                let moment = Duration::from_micros(200);
                drop(tokio::time::timeout(moment, join).await);
                continue;
            }
            let answer: Result<tonic::Response<JoinReply>, Status> = join.await;
            let code = answer.unwrap_err().code();
            assert_ne!(code, Code::Internal);
            refused += 1;
        }
    }
    refused
}

async fn roll(pool: &AgentPool, nodes: &[NodeName]) {
    let web = web();
    for version in 1..=ROUNDS {
        let each = nodes.iter().map(|node| {
            let web = &web;
            async move {
                pool.stage(node, &keyset(version), [2; 32]).await.unwrap();
                let proofs = pool.prove(node, web, vec![0x6e]).await.unwrap();
                assert!(proofs[0].verdict.is_ok());
                let open = pool.admit(node, web, Version(version), Ok(()));
                open.await.unwrap();
            }
        });
        join_all(each).await;
    }
}

#[tokio::test]
async fn r30_a_flood_at_the_open_port_costs_a_hundred_nodes_no_call_and_no_connection() {
    let world = Arc::new(world());
    let deadlines = Deadlines {
        look: Duration::from_secs(30),
        stage: Duration::from_secs(30),
    };
    let (store, own) = (world.scratch.store.clone(), world.own.clone());
    let pool = Arc::new(AgentPool::new(store, own, Epoch(4), deadlines));
    let (mut agents, mut nodes) = (Vec::new(), Vec::new());
    for number in 0..NODES {
        let node = format!("n{number}");
        let (issued, key) = node_certificate(&world.authority, &node, now_unix());
        let agent = FakeAgent::start(&node, key, &world.authority).await;
        pool.know(&joined(&world, &node, &agent.address(), &[&issued]));
        agents.push(agent);
        nodes.push(name(&node));
    }
    roll(&pool, &nodes).await;
    let mut events = pool.events();
    let port = open_port(&world, &pool).await;
    let (begun, busy) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(true)),
    );
    let slow = tokio::spawn(hold_up(port, begun.clone()));
    let pest = tokio::spawn({
        let (world, busy) = (world.clone(), busy.clone());
        async move { pester(&world, port, &busy).await }
    });
    // Until the last handshake was begun: the roll goes on in the midst of it.
    let mut rolls = 0;
    while !slow.is_finished() {
        roll(&pool, &nodes).await;
        rolls += 1;
    }
    slow.await.unwrap();
    busy.store(false, Ordering::Relaxed);
    let refused = pest.await.unwrap();
    assert_eq!(begun.load(Ordering::Relaxed), SLOW);
    assert!(rolls > 0 && refused > 0, "{rolls} rolls, {refused} refused");
    assert!(events.try_recv().is_err(), "a connection was lost");
    for node in &nodes {
        assert!(pool.is_connected(node), "{node}");
    }
}
