//! Whom the controller takes for a node: R04, R05.

use tokio::io::AsyncReadExt as _;
use tokio::sync::Barrier;
use tokio_stream::StreamExt as _;

use super::*;
use crate::ca::tests::operator_certificate;

/// What a look at `n1` says, when `agent` answers at its address and `issued` is on record.
async fn look(world: &World, agent: &FakeAgent, issued: &[&Issued]) -> Result<(), PortError> {
    let pool = pool(world);
    pool.know(&joined(world, "n1", &agent.address(), issued));
    pool.look(&name("n1"), &web(), [1; 32]).await.map(drop)
}

#[tokio::test]
async fn r05_nobody_else_is_taken_for_a_node() {
    let (here, elsewhere) = (world(), world());
    let now = now_unix();
    let own = node_certificate(&here.authority, "n1", now);
    let other = node_certificate(&here.authority, "n2", now);
    let foreign = node_certificate(&elsewhere.authority, "n1", now);
    let early = node_certificate(&here.authority, "n1", now + 25 * 3600);
    let dead = node_certificate(&here.authority, "n1", now - 92 * 24 * 3600);
    let operator = operator_certificate(&here.authority, "n1", now);
    for (who, (issued, key), wanted) in [
        (
            "another node",
            other,
            "keyroll://node/n2, not of keyroll://node/n1",
        ),
        ("of another authority", foreign, "UnknownIssuer"),
        ("not valid yet", early, "not valid yet"),
        ("dead for too long", dead, "expired"),
        ("an operator", operator, "extended key usage"),
    ] {
        let agent = FakeAgent::start("n1", key, &here.authority).await;
        let error = look(&here, &agent, &[&issued, &own.0]).await.unwrap_err();
        let PortError::Refused { why, .. } = &error else {
            panic!("{who}: {error}")
        };
        assert!(
            why.contains("not the right agent") && why.contains(wanted),
            "{who}: {why}"
        );
        assert_eq!(agent.calls(), 0, "{who} was asked something");
    }
}

#[tokio::test]
async fn r04_a_certificate_that_is_not_on_record_is_refused() {
    let world = world();
    let (before, key) = node_certificate(&world.authority, "n1", now_unix());
    let (after, _) = node_certificate(&world.authority, "n1", now_unix());
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let error = look(&world, &agent, &[&after])
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("may use any more"), "{error}");
    assert!(look(&world, &agent, &[&after, &before]).await.is_ok());
}

#[tokio::test]
async fn r05_an_agent_of_older_tls_or_of_no_protocol_is_refused() {
    let world = world();
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix());
    let silent = FakeAgent::changed("n1", key.clone(), &world.authority, |config| {
        config.alpn_protocols.clear();
    });
    assert!(look(&world, &silent.await, &[&issued]).await.is_err());
    let other = FakeAgent::changed("n1", key.clone(), &world.authority, |config| {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    });
    assert!(look(&world, &other.await, &[&issued]).await.is_err());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let older = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
    let agent = FakeAgent::changed("n1", key, &world.authority, |config| *config = older).await;
    let error = look(&world, &agent, &[&issued])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("ProtocolVersion") || error.contains("TLS"),
        "{error}"
    );
}

/// By TLS 1.3 we are connected before the agent says no: then, and later, and to whoever asks in
/// between, it is told as what it is.
#[tokio::test]
async fn an_agent_that_refuses_our_certificate_is_told_of_as_that() {
    let (here, elsewhere) = (world(), world());
    let (issued, key) = node_certificate(&here.authority, "n1", now_unix());
    let agent = FakeAgent::trusting("n1", key, elsewhere.authority.roots()).await;
    let pool = pool(&here);
    pool.know(&joined(&here, "n1", &agent.address(), &[&issued]));
    let wanted = format!(
        "node n1 did not answer: the agent at {} refused this controller's certificate (",
        agent.address()
    );
    for number in 0..20 {
        let error = pool.look(&name("n1"), &web(), [1; 32]).await.unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with(&wanted), "look {number}: {told}");
        assert!(told.contains("journalctl -u keyroll-agent"), "{told}");
    }
}

#[tokio::test]
async fn an_agent_that_does_not_trust_us_is_not_hammered() {
    let (here, elsewhere) = (world(), world());
    let (issued, key) = node_certificate(&here.authority, "n1", now_unix());
    let agent = FakeAgent::trusting("n1", key, elsewhere.authority.roots()).await;
    let pool = pool(&here);
    pool.know(&joined(&here, "n1", &agent.address(), &[&issued]));
    assert!(pool.look(&name("n1"), &web(), [1; 32]).await.is_err());
    let mut events = pool.events();
    // Nothing tells that nothing more is tried: time alone shows how often it is.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut tries = 0;
    while events.try_recv().is_ok() {
        tries += 1;
    }
    assert!(tries <= 16, "{tries} events in 3 s");
}

#[tokio::test]
async fn r04_removal_cuts_a_live_connection_and_the_call_on_it() {
    let (world, pool, agent, mut record) = one_agent().await;
    let n1 = name("n1");
    pool.look(&n1, &web(), [1; 32]).await.unwrap();
    let arrived = Arc::new(Barrier::new(2));
    agent.knobs().delay = Duration::from_secs(30);
    agent.knobs().meet = Some(arrived.clone());
    let staging = tokio::spawn({
        let (pool, n1) = (pool.clone(), n1.clone());
        async move { pool.stage(&n1, &keyset(9), [2; 32]).await }
    });
    arrived.wait().await;
    let mut events = pool.events();
    let begun = Instant::now();
    record.state = NodeState::Removed;
    world
        .scratch
        .store
        .write(|change| change.put_node(&record))
        .unwrap();
    pool.know(&record);
    let cut = staging.await.unwrap().unwrap_err();
    assert!(matches!(cut, PortError::Unreachable { .. }), "{cut}");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(events.recv().await.unwrap(), LinkEvent::Lost(n1.clone()));
    let asked = pool.look(&n1, &web(), [1; 32]).await;
    assert!(matches!(asked, Err(PortError::Missing { .. })));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.connections(), 1, "it was dialled again");
}

#[tokio::test]
async fn r04_a_node_s_new_life_does_not_inherit_the_old_connection() {
    let (world, pool, agent, _) = one_agent().await;
    pool.look(&name("n1"), &web(), [1; 32]).await.unwrap();
    let (issued, _) = node_certificate(&world.authority, "n1", now_unix());
    pool.know(&joined(&world, "n1", &agent.address(), &[&issued]));
    let error = pool.look(&name("n1"), &web(), [1; 32]).await.unwrap_err();
    assert!(matches!(error, PortError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn r04_of_a_thousand_removals_every_one_cuts_within_five_seconds() {
    let world = world();
    let pool = pool(&world);
    let mut slowest = Duration::ZERO;
    for number in 0..1_000 {
        let node = format!("n{number}");
        let (issued, key) = node_certificate(&world.authority, &node, now_unix());
        let (address, mut doorway) = fake::mute(key, &world.authority).await;
        let mut record = NodeRecord::invited(name(&node), address);
        record.state = NodeState::Joined;
        record.certificates.insert(issued.serial, issued.ends_unix);
        pool.know(&record);
        let mut connection = doorway.next().await.unwrap().unwrap();
        let begun = Instant::now();
        record.state = NodeState::Removed;
        pool.know(&record);
        let mut rest = Vec::new();
        drop(connection.read_to_end(&mut rest).await);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

/// A machine was put back, or somebody shows a copy: that is no reason to stop rolls.
#[tokio::test]
async fn a_certificate_of_before_the_newest_that_is_known_is_no_evidence() {
    let now = now_unix();
    let day = 24 * 3600;
    let (known, _) = node_certificate(&world().authority, "n1", now);
    let (world, mut record) = remembering(now - 9 * day, now - 9 * day, &known);
    let (_, key) = node_certificate(&world.authority, "n1", now - 2 * day);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    record.address = agent.address();
    let pool = pool(&world);
    pool.know(&record);
    let looked = pool.look(&name("n1"), &web(), [1; 32]).await;
    assert!(looked.is_err(), "{looked:?}");
    let array = world.scratch.store.array(&web()).unwrap().unwrap();
    assert_eq!((array.stale, agent.calls()), (None, 0));
}

/// A store that surely remembers everything until `until_unix`, and `n1` of array `web` in it.
fn remembering(until_unix: i64, joined_unix: i64, issued: &Issued) -> (World, NodeRecord) {
    let world = world();
    let store = &world.scratch.store;
    let mut record = joined(&world, "n1", "", &[issued]);
    record.joined_unix = joined_unix;
    let kept: Result<(), StoreError> = store.write(|change| {
        let mut meta = change.meta()?;
        meta.remembers_until_unix = until_unix;
        change.put_meta(&meta)?;
        change.put_array(&crate::store::tests::array("web"))?;
        change.put_node(&record)
    });
    kept.unwrap();
    (world, record)
}

#[tokio::test]
async fn a_certificate_from_a_later_life_of_this_controller_is_evidence() {
    let now = now_unix();
    let hour = 3600;
    for (remembers, joined_at, evident) in [
        (now - hour, now - 2 * hour, true),
        // It was issued while everything was written down here: somebody has taken it back.
        (now + hour, now - 2 * hour, false),
        // It was issued to whoever had the name before.
        (now - hour, now + hour, false),
    ] {
        let (known, _) = node_certificate(&world().authority, "n1", now);
        let (world, mut record) = remembering(remembers, joined_at, &known);
        let (later, key) = node_certificate(&world.authority, "n1", now);
        let agent = FakeAgent::start("n1", key, &world.authority).await;
        record.address = agent.address();
        let pool = pool(&world);
        pool.know(&record);
        let looked = pool.look(&name("n1"), &web(), [1; 32]).await;
        assert_eq!(looked.is_ok(), evident, "{looked:?}");
        let store = &world.scratch.store;
        let why = store.array(&web()).unwrap().unwrap().stale;
        assert_eq!(why.is_some(), evident, "{why:?}");
        let node = store.node(&name("n1")).unwrap().unwrap();
        assert_eq!(node.certificates.contains_key(&later.serial), evident);
        assert_eq!(agent.calls() > 0, evident);
    }
}
