//! A connection is worth what its certificate is worth: now, not when it was made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyroll::keyset::Role;
use keyroll_agent::identity::{Identity, NewKey};
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_client::AgentClient;
use rcgen::date_time_ymd;
use rustls::version::TLS13;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;
use tonic::transport::Channel;

use crate::scene::{
    Authority, Badge, CONTROLLER, NODE, Scene, admit, keyset, kvnos, look, stage, wipe,
};

/// Revocation counts within this.
const SOON: Duration = Duration::from_secs(5);

/// A connection on which nothing is asked.
async fn idle(scene: &Scene, badge: &Badge) -> TlsStream<TcpStream> {
    let shaken = scene.shake(&scene.authority, Some(badge), &[&TLS13]).await;
    shaken.unwrap()
}

/// Whether the agent ends a connection within `time`.
async fn ends(stream: &mut TlsStream<TcpStream>, time: Duration) -> bool {
    let mut heard = Vec::new();
    timeout(time, stream.read_to_end(&mut heard)).await.is_ok()
}

/// Has the agent trust these from now on, by the controller's word.
async fn install(
    controller: &mut AgentClient<Channel>,
    signer: &Authority,
    authorities: &[&Authority],
) -> Result<(), tonic::Status> {
    let ask = said::RequestCertificateRequest {};
    let csr = controller.request_certificate(ask).await?.into_inner().csr;
    let trusted = authorities.iter().map(|one| one.certificate.to_vec());
    let request = said::InstallCertificateRequest {
        chain: vec![signer.node(&csr, NODE)],
        authorities: trusted.collect(),
    };
    controller.install_certificate(request).await.map(drop)
}

#[tokio::test]
async fn r04_a_node_that_has_joined_another_controller_hears_no_more_of_the_last() {
    let scene = Scene::plain().await;
    let mut old = scene.controller().await;
    old.stage(stage(keyset(1, 1, &[(Role::Current, 1)])))
        .await
        .unwrap();
    old.admit(admit(1, 1, "")).await.unwrap();
    let mut silent = idle(&scene, &scene.authority.client(CONTROLLER)).await;
    let mut asking = scene.controller().await;
    asking.look(look("web")).await.unwrap();

    let (other, new) = (Authority::new(), NewKey::make(NODE).unwrap());
    let certificate = other.node(&new.request, NODE);
    let authorities = [other.certificate.to_vec()];
    let state = scene.path("state");
    Identity::keep(&state, &new.into_pem(), &[certificate], &authorities).unwrap();

    // Whoever asks is refused at once, and whoever waits is hung up on.
    asking.wipe(wipe(u64::MAX)).await.unwrap_err();
    let keys = [(Role::Current, 2)];
    let staged = old.stage(stage(keyset(u64::MAX, 2, &keys))).await;
    staged.unwrap_err();
    let back = install(&mut old, &scene.authority, &[&scene.authority]).await;
    back.unwrap_err();
    assert!(ends(&mut silent, SOON).await, "the last one is listened to");
    assert_eq!(kvnos(&scene.path("web.keytab")), [1]);
    assert_eq!(scene.ready("/ready/web").await.0, 200, "its gate closed");
    let badge = other.client(CONTROLLER);
    let mut controller = scene.shake(&other, Some(&badge), &[&TLS13]).await.unwrap();
    assert!(controller.read_u8().await.is_ok(), "the new one is not");
}

#[tokio::test]
async fn r04_a_silent_connection_ends_though_nobody_else_comes() {
    let scene = Scene::plain().await;
    let mut silent = idle(&scene, &scene.authority.client(CONTROLLER)).await;
    assert!(!ends(&mut silent, SOON).await, "it ends by itself");
    let (other, new) = (Authority::new(), NewKey::make(NODE).unwrap());
    let certificate = other.node(&new.request, NODE);
    let authorities = [other.certificate.to_vec()];
    let state = scene.path("state");
    Identity::keep(&state, &new.into_pem(), &[certificate], &authorities).unwrap();
    assert!(ends(&mut silent, SOON).await, "the last one is listened to");
}

#[tokio::test]
async fn r04_a_connection_ends_with_its_certificate() {
    let scene = Scene::plain().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let badge = scene.authority.changed(CONTROLLER, |params| {
        params.not_after = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(3);
    });
    let mut silent = idle(&scene, &badge).await;
    let mut asking = scene.client(&badge).await.unwrap();
    asking.look(look("web")).await.unwrap();
    assert!(ends(&mut silent, Duration::from_secs(3) + SOON).await);
    asking.look(look("web")).await.unwrap_err();
}

#[tokio::test]
async fn r04_authorities_are_replaced_under_a_connection_until_its_own_is_gone() {
    let scene = Scene::plain().await;
    let next = Authority::new();
    let (mut old, mut warm) = (scene.controller().await, scene.controller().await);
    let mut silent = idle(&scene, &scene.authority.client(CONTROLLER)).await;
    // As `prepare` and `activate` do it: nobody is disturbed while both are trusted.
    let both = [&scene.authority, &next];
    install(&mut old, &scene.authority, &both).await.unwrap();
    install(&mut old, &next, &both).await.unwrap();
    for _ in 0..12 {
        warm.look(look("web")).await.unwrap();
        sleep(SOON / 10).await;
    }
    assert!(!ends(&mut silent, Duration::from_millis(1)).await);
    // As `retire`: by one who shows the new one's certificate, and is not disturbed either.
    let badge = next.client(CONTROLLER);
    let stream = scene.shake(&next, Some(&badge), &[&TLS13]).await.unwrap();
    let mut new = Scene::client_on(stream).await.unwrap();
    install(&mut new, &next, &[&next]).await.unwrap();
    assert!(ends(&mut silent, Duration::from_secs(1)).await, "not cut");
    warm.look(look("web")).await.unwrap_err();
    new.look(look("web")).await.unwrap();
}
