//! R5, R30: who gets through the door, over real sockets.

use rustls::client::ResolvesClientCert;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, ServerConfig, SignatureScheme};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt as _;

use super::*;

#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

pub(super) fn client(world: &World, shows: Option<CertifiedKey>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_root_certificates(world.authority.roots())
        .with_client_cert_resolver(Arc::new(Shows(shows.map(Arc::new))));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// The operators' door; says who came through.
struct Door {
    address: std::net::SocketAddr,
    doorway: Doorway,
}

async fn door(world: &World) -> Door {
    let own = world.own.clone();
    doorway(move || own.mutual()).await
}

/// The door to join by: whoever comes shows nothing.
async fn open_door(world: &World) -> Door {
    let own = world.own.clone();
    doorway(move || own.open_to_all()).await
}

async fn doorway(
    config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
) -> Door {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let doorway = Doorway::open(listener, config);
    Door { address, doorway }
}

impl Door {
    /// Tries to enter; gives who we were taken for, or why not.
    async fn enter(&mut self, config: ClientConfig) -> Result<Visitor, String> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|error| error.to_string())?;
        stream
            .write_all(b"x")
            .await
            .map_err(|error| error.to_string())?;
        tokio::select! {
            connection = self.doorway.next() => {
                use tonic::transport::server::Connected as _;
                Ok(connection.unwrap().unwrap().connect_info())
            }
            refusal = stream.read_u8() => Err(refusal.unwrap_err().to_string()),
        }
    }
}

#[tokio::test]
async fn r05_an_operator_gets_in_and_is_known() {
    let world = world();
    let mut door = door(&world).await;
    let (issued, key) = operator_certificate(&world.authority, "alice", now_unix());
    let visitor = door.enter(client(&world, Some(key))).await.unwrap();
    let peer = visitor.peer.unwrap();
    assert_eq!(peer.identity.to_string(), "keyroll://operator/alice");
    assert_eq!(peer.serial, issued.serial);
}

#[tokio::test]
async fn r05_nobody_else_gets_in() {
    let (here, elsewhere) = (world(), world());
    let mut door = door(&here).await;
    let now = now_unix();
    let old = operator_certificate(&here.authority, "alice", now - 2 * 3600).1;
    let early = operator_certificate(&here.authority, "alice", now + 25 * 3600).1;
    let foreign = operator_certificate(&elsewhere.authority, "alice", now).1;
    let server = node_certificate(&here.authority, "n1", now).1;
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    let alone = params.self_signed(&key).unwrap();
    let alone = certified(vec![alone.der().clone()], &key);
    let stolen = operator_certificate(&here.authority, "alice", now).0;
    let stolen = certified(stolen.chain, &key);
    for (who, shows) in [
        ("nobody", None),
        ("expired", Some(old)),
        ("not yet valid", Some(early)),
        ("of another authority", Some(foreign)),
        ("a node's, for serving", Some(server)),
        ("self-signed", Some(alone)),
        ("without its key", Some(stolen)),
    ] {
        let entered = door.enter(client(&here, shows)).await;
        assert!(entered.is_err(), "{who}: let in");
    }
}

#[tokio::test]
async fn r05_only_tls_1_3_and_http_2_are_spoken_and_nothing_is_resumed() {
    let world = world();
    speaks_nothing_else(&world, door(&world).await).await;
    speaks_nothing_else(&world, open_door(&world).await).await;
}

async fn speaks_nothing_else(world: &World, mut door: Door) {
    let shows = || Some(operator_certificate(&world.authority, "alice", now_unix()).1);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut older = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(world.authority.roots())
        .with_client_cert_resolver(Arc::new(Shows(shows().map(Arc::new))));
    older.alpn_protocols = vec![b"h2".to_vec()];
    assert!(
        door.enter(older)
            .await
            .unwrap_err()
            .contains("ProtocolVersion")
    );
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = client(world, shows());
        config.alpn_protocols = protocols.clone();
        assert!(
            door.enter(config).await.is_err(),
            "{protocols:?} was let in"
        );
    }
    // The client is willing to resume, with tickets or without, and never may.
    let mut config = client(world, shows());
    config.enable_early_data = true;
    let connector = TlsConnector::from(Arc::new(config));
    for _ in 0..3 {
        let stream = TcpStream::connect(door.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        drop(door.doorway.next().await);
        drop(stream.read_u8().await);
        let session = stream.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert!(!session.is_early_data_accepted());
        assert_eq!(session.tls13_tickets_received(), 0);
    }
}

#[tokio::test]
async fn r30_handshakes_that_are_held_up_end_and_keep_nobody_out() {
    let world = world();
    let mut door = door(&world).await;
    // Older than all others, and alone at its address: it is ended by its time and by nothing else.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let mut alone = socket.connect(door.address).await.unwrap();
    // As many as one address may have, and twenty more, saying nothing or half a hello.
    let mut held = Vec::new();
    for number in 0..220 {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&[22, 3, 1]).await.unwrap();
        }
        held.push(stream);
    }
    // The oldest give way, before the time of any is over.
    for stream in &mut held[..20] {
        tokio::select! {
            biased;
            _ = alone.read_u8() => panic!("none has given way"),
            ended = stream.read_u8() => drop(ended.unwrap_err()),
        }
    }
    // And so we get in from the same address, as long as it lasts.
    let config = client(
        &world,
        Some(operator_certificate(&world.authority, "alice", now_unix()).1),
    );
    assert!(door.enter(config.clone()).await.is_ok());
    let begun = std::time::Instant::now();
    for mut stream in held.into_iter().skip(20).chain([alone]) {
        drop(stream.read_u8().await.unwrap_err());
    }
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
    assert!(door.enter(config).await.is_ok());
}

#[tokio::test]
async fn renewed_certificates_are_used_for_new_connections() {
    let world = world();
    let mut door = door(&world).await;
    let (_, key) = operator_certificate(&world.authority, "alice", now_unix());
    let config = client(&world, Some(key));
    let connector = TlsConnector::from(Arc::new(config));
    let mut serials = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(door.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap();
        let peer = Peer::of(&shown[0]).unwrap();
        assert_eq!(peer.identity, Identity::Controller);
        serials.insert(peer.serial);
        drop(door.doorway.next().await);
        world.own.renew(now_unix()).unwrap();
    }
    assert_eq!(serials.len(), 2);
}

#[tokio::test]
async fn r30_strangers_stay_for_a_while_and_in_small_numbers() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = world.own.clone();
    let (places, stay) = (Places::new(100, 3), Duration::from_secs(1));
    let doorway = Doorway::with(listener, move || own.open_to_all(), places, Some(stay));
    let mut door = Door { address, doorway };
    let connector = TlsConnector::from(Arc::new(client(&world, None)));
    let mut guests = Vec::new();
    for number in 0..5 {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        if number >= 3 {
            drop(stream.read_u8().await.unwrap_err());
            continue;
        }
        let there = door.doorway.next().await.unwrap().unwrap();
        guests.push((stream, there));
    }
    for (mut stream, mut there) in guests {
        // One who keeps talking is hung up on as well.
        let talks = tokio::spawn(async move {
            while stream.write_all(&[7; 1000]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut heard = vec![0; 1000];
        let ended = loop {
            match there.read(&mut heard).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(ended.kind(), std::io::ErrorKind::TimedOut);
        drop(there);
        talks.await.unwrap();
    }
    // Their places are free again.
    assert!(door.enter(client(&world, None)).await.is_ok());
}
