use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use keyroll::fence::Epoch;
use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use keyroll_proto::enroll::enroll_client::EnrollClient;
use keyroll_proto::enroll::{JoinReply, JoinRequest};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};

use super::*;
use crate::agents::{AgentPool, Deadlines};
use crate::audit;
use crate::ca::tests::{World, request, world};
use crate::ca::{Doorway, Identity, Peer, limited, now_unix};
use crate::store::{NodeRecord, NodeState, Read as _};

struct Site {
    world: World,
    address: SocketAddr,
    client: EnrollClient<Channel>,
}

/// A controller with an enrolment port, and a client that trusts its authority.
async fn site() -> Site {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (store, own) = (world.scratch.store.clone(), world.own.clone());
    let pool = AgentPool::new(store.clone(), own.clone(), Epoch(1), Deadlines::default());
    let service = EnrollService::new(store, world.authority.clone(), Arc::new(pool)).server();
    let doorway = Doorway::open(listener, move || own.open_to_all());
    tokio::spawn(
        limited(Server::builder())
            .add_service(service)
            .serve_with_incoming(doorway),
    );
    let client = connect(&world, address).await;
    Site {
        world,
        address,
        client,
    }
}

async fn connect(world: &World, address: SocketAddr) -> EnrollClient<Channel> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(world.authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let dial = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    let endpoint = Endpoint::from_static("http://controller");
    EnrollClient::new(endpoint.connect_with_connector(dial).await.unwrap())
}

fn name(name: &str) -> NodeName {
    name.parse().unwrap()
}

impl Site {
    fn invite(&self, node: &str, token: u8, expires_unix: i64) {
        let node = name(node);
        let mut record = NodeRecord::invited(node.clone(), String::new());
        record.arrays.insert("web".parse().unwrap());
        let token = SecretBytes::new(vec![token; 32]);
        let store = &self.world.scratch.store;
        let written = store.write(|change| {
            change.put_node(&record)?;
            change.issue_token(&token, &node, now_unix(), expires_unix)
        });
        written.unwrap();
    }

    async fn join(&mut self, node: &str, token: u8) -> Result<JoinReply, Status> {
        let request = JoinRequest {
            token: vec![token; 32],
            node: node.into(),
            csr: request().1,
            address: "127.0.0.1:1".into(),
        };
        Ok(self.client.join(request).await?.into_inner())
    }

    fn node(&self, node: &str) -> NodeRecord {
        self.world.scratch.store.node(&name(node)).unwrap().unwrap()
    }

    fn audit(&self) -> Vec<String> {
        let entries = audit::newest(&self.world.scratch.store, 100, "").unwrap();
        entries
            .into_iter()
            .map(|entry| entry.event.outcome)
            .collect()
    }
}

#[tokio::test]
async fn r02_a_token_brings_its_node_in_once() {
    let mut site = site().await;
    site.invite("n1", 7, now_unix() + 600);
    let reply = site.join("n1", 7).await.unwrap();
    let peer = Peer::of(&reply.chain[0]).unwrap();
    assert_eq!(
        peer.identity,
        Identity::Node(name("n1")),
        "whatever the request claimed"
    );
    assert_eq!(
        reply.authorities,
        vec![site.world.authority.certificates()[0].to_vec()]
    );
    assert_eq!(reply.arrays, ["web"]);
    let record = site.node("n1");
    assert_eq!(
        (record.state, record.address.as_str()),
        (NodeState::Joined, "127.0.0.1:1")
    );
    let serials: Vec<_> = record.certificates.keys().collect();
    assert_eq!(serials, [&peer.serial]);

    let again = site.join("n1", 7).await.unwrap_err();
    assert_eq!(again.code(), Code::PermissionDenied);
    assert!(
        again.message().contains("used already"),
        "{}",
        again.message()
    );
    assert!(
        site.node("n1").certificates.contains_key(&peer.serial),
        "a refusal changes nothing"
    );
    assert_eq!(site.audit(), ["refused", "done"]);
}

#[tokio::test]
async fn r02_of_many_joins_at_once_one_succeeds() {
    let mut site = site().await;
    site.invite("n1", 7, now_unix() + 600);
    let other = connect(&site.world, site.address).await;
    let joins = (0..9).map(|number| {
        let mut client = if number % 2 == 0 {
            site.client.clone()
        } else {
            other.clone()
        };
        let request = JoinRequest {
            token: vec![7; 32],
            node: "n1".into(),
            csr: request().1,
            address: "127.0.0.1:1".into(),
        };
        async move { client.join(request).await.is_ok() }
    });
    let joined = futures_util::future::join_all(joins).await;
    assert_eq!(joined.iter().filter(|joined| **joined).count(), 1);
    assert_eq!(site.node("n1").certificates.len(), 1);
    let one_more = site.join("n1", 7).await.unwrap_err();
    assert_eq!(one_more.code(), Code::PermissionDenied);
    let too_many = site.join("n1", 7).await.unwrap_err();
    assert_eq!(too_many.code(), Code::ResourceExhausted, "ten a minute");
}

#[tokio::test]
async fn r02_strangers_latecomers_and_removed_nodes_stay_out() {
    let mut site = site().await;
    site.invite("n1", 7, now_unix() - 1);
    site.invite("n2", 8, now_unix() + 600);
    let mut removed = site.node("n2");
    for (node, token, wanted) in [
        ("n1", 9, "unknown"),
        ("n1", 7, "expired"),
        ("n1", 8, "not for node n1"),
    ] {
        let refused = site.join(node, token).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains(wanted), "{}", refused.message());
        assert!(
            !refused.message().contains("n2"),
            "whose token it is, is told to nobody"
        );
    }
    removed.state = NodeState::Removed;
    site.world
        .scratch
        .store
        .write(|change| change.put_node(&removed))
        .unwrap();
    let refused = site.join("n2", 8).await.unwrap_err();
    assert!(
        refused.message().contains("removed"),
        "{}",
        refused.message()
    );
    assert_eq!(site.audit().len(), 3, "a guess is not worth an entry");
    assert_eq!(site.node("n1").state, NodeState::Invited);
}

#[tokio::test]
async fn what_is_no_join_is_refused_and_uses_nothing_up() {
    let mut site = site().await;
    site.invite("n1", 7, now_unix() + 600);
    let good = JoinRequest {
        token: vec![7; 32],
        node: "n1".into(),
        csr: request().1,
        address: "127.0.0.1:1".into(),
    };
    for (what, bad) in [
        (
            "token",
            JoinRequest {
                token: vec![7; 31],
                ..good.clone()
            },
        ),
        (
            "name",
            JoinRequest {
                node: "../n1".into(),
                ..good.clone()
            },
        ),
        (
            "csr",
            JoinRequest {
                csr: vec![0; 500],
                ..good.clone()
            },
        ),
        (
            "address",
            JoinRequest {
                address: "0.0.0.0:7443".into(),
                ..good.clone()
            },
        ),
        (
            "size",
            JoinRequest {
                csr: vec![0; 100_000],
                ..good.clone()
            },
        ),
    ] {
        let refused = site.client.join(bad).await.unwrap_err();
        let codes = [Code::InvalidArgument, Code::OutOfRange];
        assert!(codes.contains(&refused.code()), "{what}: {refused:?}");
    }
    assert!(site.client.join(good).await.is_ok());
}

#[tokio::test]
async fn a_node_that_knows_only_the_fingerprint_is_shown_the_authority() {
    use sha2::Digest as _;
    let site = site().await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(site.world.authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(site.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    let last: [u8; 32] = sha2::Sha256::digest(chain.last().unwrap()).into();
    assert_eq!(last, site.world.authority.fingerprint().unwrap());
}
