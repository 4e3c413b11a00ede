//! What the agent must withstand, by the number of the requirement in `docs/trust.md`.

use std::sync::Arc;

use keyroll::keyset::Role;
use keyroll_agent::config::Config;
use keyroll_agent::gate::Readiness;
use keyroll_agent::identity::Identity;
use keyroll_agent::node::Node;
use keyroll_agent::service::Service;
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_server::Agent as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rcgen::{ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt as _;
use tonic::{Code, Request, Status};

use crate::scene::{Authority, Badge, CONTROLLER, Scene, admit, keyset, kvnos, look, stage, wipe};

/// Whether somebody gets as far as a connection that stays.
async fn enters(
    scene: &Scene,
    badge: Option<&Badge>,
    versions: &[&'static rustls::SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> bool {
    let shaken = scene.shake_for(&scene.authority, badge, versions, protocols);
    let Ok(mut stream) = shaken.await else {
        return false;
    };
    // TLS 1.3 lets a client think for a moment that it was let in. A server of HTTP/2 that means
    // to talk says so first (RFC 9113 section 3.4).
    stream.read_u8().await.is_ok()
}

#[tokio::test]
async fn r05_the_agent_speaks_with_the_controller_by_tls_1_3_and_with_nobody_else() {
    let scene = Scene::plain().await;
    let ours = &scene.authority;
    let good = ours.client(CONTROLLER);
    let both: &[_] = &[&TLS12, &TLS13];
    assert!(enters(&scene, Some(&good), both, &[b"h2"]).await);
    let from_to = |from: i32, to: i32| {
        ours.changed(CONTROLLER, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    };
    let named =
        |names: Vec<SanType>| ours.changed(CONTROLLER, |params| params.subject_alt_names = names);
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let dns = SanType::DnsName("controller".try_into().unwrap());
    let two = vec![uri(CONTROLLER), uri("keyroll://operator/alice")];
    let usage = |usage| ours.changed(CONTROLLER, |params| params.extended_key_usages = usage);
    for (who, badge) in [
        ("nobody", None),
        ("expired", Some(from_to(2020, 2021))),
        ("not yet valid", Some(from_to(2200, 2201))),
        ("a node", Some(ours.client("keyroll://node/node2"))),
        ("without a URI", Some(named(vec![dns]))),
        ("with two URIs", Some(named(two))),
        (
            "for serving",
            Some(usage(vec![ExtendedKeyUsagePurpose::ServerAuth])),
        ),
        ("self-signed", Some(Authority::self_signed(CONTROLLER))),
        ("of another CA", Some(Authority::new().client(CONTROLLER))),
    ] {
        let entered = enters(&scene, badge.as_ref(), both, &[b"h2"]).await;
        assert!(!entered, "{who}: let in");
    }
    assert!(
        !enters(&scene, Some(&good), &[&TLS12], &[b"h2"]).await,
        "TLS 1.2"
    );
    let other: [&[&[u8]]; 3] = [&[], &[b"http/1.1"], &[b"spdy/3"]];
    for protocols in other {
        let entered = enters(&scene, Some(&good), both, protocols).await;
        assert!(!entered, "{protocols:?}: let in");
    }
    for _ in 0..2 {
        let stream = scene.shake(ours, Some(&good), both).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
        assert!(!session.is_early_data_accepted());
    }
}

/// Sends the agent one of the three messages that are numbered, of the past.
async fn replay(
    dice: &mut StdRng,
    session: &[said::StageRequest],
    service: &Service,
) -> Result<(), Status> {
    match dice.random_range(0..4) {
        0 => {
            let (epoch, version) = past(dice);
            let reason = ["", "keys differ"][dice.random_range(0..2)];
            let message = Request::new(admit(epoch, version, reason));
            service.admit(message).await.map(drop)
        }
        1 => {
            let message = Request::new(wipe(dice.random_range(0..6)));
            service.wipe(message).await.map(drop)
        }
        _ => {
            let message = Request::new(changed(dice, session));
            service.stage(message).await.map(drop)
        }
    }
}

/// What a session said from its first keyset to its last: epochs 3 to 6, versions 10 to 29.
fn session() -> Vec<said::StageRequest> {
    let message = |version: u64| {
        let kvno = u32::try_from(version).unwrap();
        let generations = [(Role::Current, kvno), (Role::Pending, kvno + 1)];
        stage(keyset(3 + (version - 10) / 5, version, &generations))
    };
    (10..30).map(message).collect()
}

/// An epoch and a version, one of which that session has left behind.
fn past(dice: &mut StdRng) -> (u64, u64) {
    if dice.random_bool(0.5) {
        (dice.random_range(0..6), dice.random_range(0..u64::MAX))
    } else {
        (dice.random_range(6..u64::MAX), dice.random_range(0..29))
    }
}

/// A message of the past with parts of it changed; its epoch or its version stays a past one.
fn changed(dice: &mut StdRng, session: &[said::StageRequest]) -> said::StageRequest {
    let mut message = session[dice.random_range(0..session.len())].clone();
    let keyset = message.keyset.as_mut().unwrap();
    (keyset.epoch, keyset.version) = past(dice);
    match dice.random_range(0..4) {
        0 => drop(keyset.generations.pop()),
        1 => keyset.generations[0].kvno = dice.random(),
        2 => keyset.generations[0].keys[0].key[0] ^= 1,
        _ => message.nonce[0] ^= 1,
    }
    message
}

#[tokio::test]
async fn r06_of_ten_thousand_replayed_and_changed_messages_none_is_taken() {
    let mut scene = Scene::plain().await;
    scene.stop().await;
    let config = Config::read(&scene.path("agent.toml")).unwrap();
    let identity = Arc::new(Identity::load(&config.state).unwrap());
    let node = Arc::new(Node::open(config).unwrap());
    let service = Service::new(Arc::clone(&node), identity);
    let (session, web) = (session(), "web".parse().unwrap());
    for message in &session {
        service.stage(Request::new(message.clone())).await.unwrap();
    }
    let admitted = service.admit(Request::new(admit(6, 29, ""))).await;
    admitted.unwrap();
    let keytab = scene.path("web.keytab");
    let before = std::fs::read(&keytab).unwrap();
    let state = std::fs::read(scene.path("state/arrays/web.json")).unwrap();
    let mut dice = StdRng::seed_from_u64(6);
    for _ in 0..10_000 {
        let refused = replay(&mut dice, &session, &service).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused}");
    }
    assert_eq!(node.gates().readiness(&web), Readiness::Ready);
    assert!(std::fs::read(&keytab).unwrap() == before);
    assert_eq!(
        std::fs::read(scene.path("state/arrays/web.json")).unwrap(),
        state
    );
    // The next one is taken as ever.
    let next = stage(keyset(6, 30, &[(Role::Current, 30)]));
    service.stage(Request::new(next)).await.unwrap();
    assert_eq!(kvnos(&keytab), [30]);
}

#[tokio::test]
async fn r08_there_is_one_protocol_and_nothing_before_it() {
    let scene = Scene::plain().await;
    let badge = scene.authority.client(CONTROLLER);
    let mut client = scene.client(&badge).await.unwrap();
    client.look(look("web")).await.unwrap();
    for path in [
        "/keyroll.agent.v0.Agent/Look",
        "/keyroll.agent.v2.Agent/Look",
        "/keyroll.agent.Agent/Look",
        "/keyroll.agent.v1.Agent/AddKey",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        // 12: unimplemented.
        assert_eq!(scene.status_of(&badge, path).await, "12", "{path}");
    }
}
