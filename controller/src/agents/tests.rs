mod containment;
mod fake;
mod flood;
mod identity;
mod passwords;
mod renewals;
mod staging;

use std::time::Duration;

use chrono::TimeDelta;
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::name::ArrayName;
use keyroll::secret::SecretBytes;
use tokio::time::Instant;

use super::*;
use crate::ca::tests::{World, node_certificate, world};
use crate::ca::{Issued, now_unix};
use crate::ports::Agents as _;
use fake::FakeAgent;

fn pool(world: &World) -> Arc<AgentPool> {
    let deadlines = Deadlines {
        look: Duration::from_secs(2),
        stage: Duration::from_secs(3),
    };
    let (store, own) = (world.scratch.store.clone(), world.own.clone());
    Arc::new(AgentPool::new(store, own, Epoch(4), deadlines))
}

fn name(name: &str) -> NodeName {
    name.parse().unwrap()
}

fn web() -> ArrayName {
    "web".parse().unwrap()
}

/// A node's record as it is after joining.
fn joined(world: &World, node: &str, address: &str, issued: &[&Issued]) -> NodeRecord {
    let mut record = NodeRecord::invited(name(node), address.to_owned());
    record.state = NodeState::Joined;
    record.arrays.insert(web());
    for one in issued {
        let (serial, ends) = (one.serial.clone(), one.ends_unix);
        record.certificates.insert(serial, ends);
    }
    world
        .scratch
        .store
        .write(|change| change.put_node(&record))
        .unwrap();
    record
}

/// A pool that knows one honest agent, `n1`.
async fn one_agent() -> (World, Arc<AgentPool>, FakeAgent, NodeRecord) {
    let world = world();
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix());
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let pool = pool(&world);
    let record = joined(&world, "n1", &agent.address(), &[&issued]);
    pool.know(&record);
    (world, pool, agent, record)
}

fn keyset(version: u64) -> Keyset {
    let secret = SecretBytes::new(vec![b'C'; 32]);
    let key = Key::new(Enctype::Aes256CtsHmacSha1, secret).unwrap();
    Keyset {
        array: web(),
        epoch: Epoch(4),
        version: Version(version),
        principals: vec!["HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap()],
        generations: vec![GenerationKeys {
            role: Role::Current,
            kvno: Kvno(300),
            keys: vec![key],
            origin: None,
        }],
        unlisted: Unlisted::Remove,
    }
}

#[tokio::test]
async fn an_agent_is_asked_over_one_warm_connection() {
    let (_world, pool, agent, _) = one_agent().await;
    let (n1, web) = (name("n1"), web());
    for _ in 0..50 {
        let seen = pool.look(&n1, &web, [1; 32]).await.unwrap();
        assert!(
            seen.clock_offset.abs() < TimeDelta::seconds(1),
            "{:?}",
            seen.clock_offset
        );
    }
    let staged = pool.stage(&n1, &keyset(9), [2; 32]).await.unwrap();
    assert_eq!(staged.version, Version(9));
    let proofs = pool.prove(&n1, &web, vec![0x6e]).await.unwrap();
    assert_eq!(proofs[0].verdict, Ok(Kvno(300)));
    pool.admit(&n1, &web, Version(9), Ok(())).await.unwrap();
    pool.wipe(&n1, &web).await.unwrap();
    assert_eq!(agent.connections(), 1);
    assert!(pool.is_connected(&n1));
    let stranger = pool.look(&name("n2"), &web, [1; 32]).await;
    assert!(matches!(stranger, Err(PortError::Missing { .. })));
}

#[tokio::test]
async fn the_agent_s_no_is_a_refusal_and_silence_is_not() {
    let (_world, pool, agent, _) = one_agent().await;
    let (n1, web) = (name("n1"), web());
    agent.knobs().refuse = Some("epoch 4 is older than epoch 5".into());
    let refused = pool.stage(&n1, &keyset(9), [2; 32]).await.unwrap_err();
    let PortError::Refused { object, why, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(
        (object.as_str(), why.as_str()),
        ("node n1", "epoch 4 is older than epoch 5")
    );
    agent.knobs().refuse = None;
    agent.knobs().delay = Duration::from_secs(30);
    let begun = Instant::now();
    let silent = pool.look(&n1, &web, [1; 32]).await.unwrap_err();
    assert!(matches!(silent, PortError::Unreachable { .. }), "{silent}");
    assert!(
        (1900..2500).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_noticed() {
    let (_world, pool, agent, _) = one_agent().await;
    for off in [600, -600] {
        agent.knobs().clock_off_seconds = off;
        let seen = pool.look(&name("n1"), &web(), [1; 32]).await.unwrap();
        assert!(
            (off - 1..=off + 1).contains(&seen.clock_offset.num_seconds()),
            "{:?}",
            seen.clock_offset
        );
    }
}

#[tokio::test]
async fn an_agent_that_was_away_is_found_again() {
    let (_world, pool, mut agent, _) = one_agent().await;
    let (n1, web) = (name("n1"), web());
    let mut events = pool.events();
    pool.look(&n1, &web, [1; 32]).await.unwrap();
    assert_eq!(
        events.recv().await.unwrap(),
        LinkEvent::Connected(n1.clone())
    );
    agent.stop().await;
    assert_eq!(events.recv().await.unwrap(), LinkEvent::Lost(n1.clone()));
    let begun = Instant::now();
    let away = pool.look(&n1, &web, [1; 32]).await.unwrap_err();
    assert!(matches!(away, PortError::Unreachable { .. }), "{away}");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "a refused connection is known at once"
    );
    agent.restart().await;
    pool.look(&n1, &web, [1; 32]).await.unwrap();
    assert_eq!(events.recv().await.unwrap(), LinkEvent::Connected(n1));
}

#[tokio::test]
async fn r10_no_secret_is_in_an_error() {
    let (_world, pool, agent, _) = one_agent().await;
    agent.knobs().delay = Duration::from_secs(30);
    let error = pool
        .stage(&name("n1"), &keyset(9), [2; 32])
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("CCCC") && !text.contains("67, 67"), "{text}");
}

#[tokio::test]
async fn a_push_that_waited_until_a_leaving_node_was_wiped_is_not_made() {
    let (world, pool, _agent, _) = one_agent().await;
    let (n1, web) = (name("n1"), web());
    let turn = pool.turn(&n1, &web).await;
    let (key, nonce) = (keyset(9), [2; 32]);
    let mut push = std::pin::pin!(pool.stage(&n1, &key, nonce));
    assert!(futures_util::poll!(push.as_mut()).is_pending());
    let leaves = |node: &mut NodeRecord| {
        node.quarantined.insert(web.clone(), LEAVING.to_owned());
    };
    let store = &world.scratch.store;
    let kept: Result<_, StoreError> = store.write(|change| change.edit_node(&n1, leaves));
    kept.unwrap();
    drop(turn);
    let refused = push.await.unwrap_err().to_string();
    assert!(refused.contains(LEAVING), "{refused}");
}

#[tokio::test]
async fn a_node_that_was_let_go_of_is_given_no_key_and_a_push_and_a_wipe_never_cross() {
    let (world, pool, _agent, _) = one_agent().await;
    let (n1, web) = (name("n1"), web());
    let turn = pool.turn(&n1, &web).await;
    let (key, nonce) = (keyset(9), [2; 32]);
    let mut push = std::pin::pin!(pool.stage(&n1, &key, nonce));
    let waits = futures_util::poll!(push.as_mut());
    assert!(waits.is_pending(), "somebody wipes it just now");
    let leave = |node: &mut NodeRecord| {
        node.arrays.clear();
    };
    let store = &world.scratch.store;
    let left: Result<_, StoreError> = store.write(|change| change.edit_node(&n1, leave));
    left.unwrap();
    drop(turn);
    let refused = push.await;
    assert!(
        matches!(refused, Err(PortError::Missing { .. })),
        "{refused:?}"
    );
}
