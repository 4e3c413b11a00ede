//! Who is let in, and who the node shows itself to be.

use std::fs;
use std::time::Duration;

use keyroll::keyset::Role;
use keyroll_agent::identity::{Identity, NewKey};
use keyroll_proto::agent as said;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tonic::Code;

use crate::scene::{Authority, Badge, CONTROLLER, NODE, Scene, admit, keyset, look, stage};

/// TLS 1.3 lets a client speak before the server has judged it: the refusal comes at the first
/// question.
async fn is_served(scene: &Scene, badge: &Badge) -> Result<(), String> {
    let mut client = scene.client(badge).await?;
    let answer = client.look(look("web")).await;
    answer
        .map(drop)
        .map_err(|status| format!("{:?}", status.code()))
}

#[tokio::test]
async fn the_controller_is_served_and_nobody_else() {
    let scene = Scene::plain().await;
    let by = |name: &str| scene.authority.client(name);
    assert_eq!(is_served(&scene, &by(CONTROLLER)).await, Ok(()));
    for other in [
        "keyroll://node/node2.corp.example",
        "keyroll://operator/alice",
        "keyroll://controller/",
        "KEYROLL://controller",
    ] {
        assert!(is_served(&scene, &by(other)).await.is_err(), "{other}");
    }
    let stranger = Authority::new().client(CONTROLLER);
    assert!(is_served(&scene, &stranger).await.is_err(), "a wrong CA");
    assert_eq!(is_served(&scene, &by(CONTROLLER)).await, Ok(()));
}

#[tokio::test]
async fn r05_without_a_certificate_or_with_tls_1_2_there_is_no_conversation() {
    use tokio::io::AsyncReadExt as _;
    let scene = Scene::plain().await;
    let badge = scene.authority.client(CONTROLLER);
    let old = scene
        .shake(&scene.authority, Some(&badge), &[&TLS12])
        .await
        .unwrap_err();
    assert!(old.to_string().contains("ProtocolVersion"), "{old}");
    let mut anonymous = scene
        .shake(&scene.authority, None, &[&TLS13])
        .await
        .unwrap();
    let refusal = anonymous.read_u8().await.unwrap_err();
    assert!(
        refusal.to_string().contains("CertificateRequired"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_node_is_known_by_its_authority() {
    let scene = Scene::plain().await;
    let badge = scene.authority.client(CONTROLLER);
    let other = Authority::new();
    let refused = scene.shake(&other, Some(&badge), &[&TLS13]).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("invalid peer certificate")
    );
}

#[tokio::test]
async fn strangers_who_hold_connections_open_do_not_shut_the_controller_out() {
    let scene = Scene::plain().await;
    let badge = scene.authority.client(CONTROLLER);
    let mut controller = scene.client(&badge).await.unwrap();
    controller.look(look("web")).await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..80 {
        idle.push(tokio::net::TcpStream::connect(scene.address).await.unwrap());
    }
    controller.look(look("web")).await.unwrap();
    // Whoever says nothing gives way, to one of the same address, too.
    assert_eq!(is_served(&scene, &badge).await, Ok(()));
    drop(idle);
}

async fn shown(scene: &Scene) -> Vec<u8> {
    let badge = scene.authority.client(CONTROLLER);
    let stream = scene
        .shake(&scene.authority, Some(&badge), &[&TLS13])
        .await
        .unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_at_once_and_after_a_restart() {
    let mut scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    let install = |leaf: &[u8], scene: &Scene| said::InstallCertificateRequest {
        chain: vec![leaf.to_vec()],
        authorities: vec![scene.authority.certificate.to_vec()],
    };
    let first = shown(&scene).await;
    let refused = controller
        .install_certificate(install(&first, &scene))
        .await
        .map(|reply| reply.into_inner().certificate_ends_unix > 0);
    assert_eq!(
        refused.ok(),
        Some(true),
        "the one it has already may be sent again"
    );

    let ask = said::RequestCertificateRequest {};
    let csr = controller
        .request_certificate(ask)
        .await
        .unwrap()
        .into_inner()
        .csr;
    let foreign = scene.authority.node(&csr, "node2.corp.example");
    let unsigned = Authority::new().node(&csr, NODE);
    for wrong in [&foreign, &unsigned, &first] {
        let status = controller
            .install_certificate(install(wrong, &scene))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    }
    assert_eq!(shown(&scene).await, first);

    let second = scene.authority.node(&csr, NODE);
    // One that cannot be kept whole is not taken, by no later connection either.
    let copy = scene.path("state/node.crt");
    fs::remove_file(&copy).unwrap();
    fs::create_dir_all(copy.join("in the way")).unwrap();
    let kept = controller
        .install_certificate(install(&second, &scene))
        .await;
    assert_eq!(kept.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(shown(&scene).await, first);
    fs::remove_dir_all(&copy).unwrap();

    // The request still stands after what was refused; a lost answer may be asked for again.
    for _ in 0..2 {
        let request = install(&second, &scene);
        let reply = controller.install_certificate(request).await.unwrap();
        assert!(reply.into_inner().certificate_ends_unix > 0);
    }
    assert_eq!(shown(&scene).await, second);
    scene.restart().await;
    assert_eq!(shown(&scene).await, second);
}

#[tokio::test]
async fn a_node_that_joins_anew_serves_the_new_authority_and_stays_ready() {
    let scene = Scene::plain().await;
    let mut old = scene.controller().await;
    old.stage(stage(keyset(1, 1, &[(Role::Current, 1)])))
        .await
        .unwrap();
    old.admit(admit(1, 1, "")).await.unwrap();
    let (other, new) = (Authority::new(), NewKey::make(NODE).unwrap());
    let badge = other.client(CONTROLLER);
    assert!(is_served(&scene, &badge).await.is_err());
    let certificate = other.node(&new.request, NODE);
    let authorities = [other.certificate.to_vec()];
    let state = scene.path("state");
    Identity::keep(&state, &new.into_pem(), &[certificate], &authorities).unwrap();
    let stream = scene.shake(&other, Some(&badge), &[&TLS13]).await.unwrap();
    drop(stream);
    assert!(
        is_served(&scene, &scene.authority.client(CONTROLLER))
            .await
            .is_err(),
        "the authority of before is trusted still"
    );
    assert_eq!(scene.ready("/ready/web").await.0, 200, "its gate closed");
}

#[tokio::test]
async fn r30_strangers_of_one_address_do_not_take_the_controllers_place() {
    let scene = Scene::plain().await;
    let mut strangers = Vec::new();
    for _ in 0..100 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        strangers.push(socket.connect(scene.address).await.unwrap());
    }
    let badge = scene.authority.client(CONTROLLER);
    assert_eq!(is_served(&scene, &badge).await, Ok(()));
    // The controller came last, so the fate of all others is settled: some wait for a handshake
    // that never comes, the others were hung up on, which each of them hears in its own time.
    let mut hung_up = tokio::task::JoinSet::new();
    for mut stream in strangers {
        hung_up.spawn(async move { drop(stream.read(&mut [0]).await) });
    }
    let heard = async {
        for _ in 0..92 {
            hung_up.join_next().await.unwrap().unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard)
        .await
        .unwrap();
    assert_eq!(hung_up.len(), 8);
}

#[tokio::test]
async fn r30_strangers_of_many_addresses_give_way_to_the_controller() {
    let scene = Scene::plain().await;
    let mut strangers = Vec::new();
    // More than there is room for, and few of each.
    for number in 0..280_u16 {
        let socket = TcpSocket::new_v4().unwrap();
        let [high, low] = (number / 4).to_be_bytes();
        let address = std::net::Ipv4Addr::new(127, 1, high, low + 1);
        socket.bind((address, 0).into()).unwrap();
        strangers.push(socket.connect(scene.address).await.unwrap());
    }
    let badge = scene.authority.client(CONTROLLER);
    for _ in 0..5 {
        assert_eq!(is_served(&scene, &badge).await, Ok(()));
    }
    // The first that came is the first that went.
    let gone = strangers.remove(0).read(&mut [0]).await;
    assert!(gone.is_err() || gone.is_ok_and(|length| length == 0));
}
