//! Many nodes are staged side by side. How long that takes is the benchmark's to measure.

use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::*;

const NODES: usize = 50;

/// No agent answers before the last one was asked: one after another, nobody would ever answer.
#[tokio::test]
async fn fifty_nodes_are_staged_at_once() {
    let world = world();
    let patient = Deadlines {
        look: Duration::from_secs(60),
        stage: Duration::from_secs(60),
    };
    let (store, own) = (world.scratch.store.clone(), world.own.clone());
    let pool = AgentPool::new(store, own, Epoch(4), patient);
    let meet = Arc::new(Barrier::new(NODES));
    let mut agents = Vec::new();
    for number in 0..NODES {
        let node = format!("n{number}");
        let (issued, key) = node_certificate(&world.authority, &node, now_unix());
        let agent = FakeAgent::start(&node, key, &world.authority).await;
        agent.knobs().meet = Some(meet.clone());
        pool.know(&joined(&world, &node, &agent.address(), &[&issued]));
        agents.push(agent);
    }
    let names: Vec<_> = (0..NODES)
        .map(|number| name(&format!("n{number}")))
        .collect();
    let keyset = keyset(9);
    let staged = join_all(names.iter().map(|node| pool.stage(node, &keyset, [2; 32]))).await;
    let all = staged
        .iter()
        .all(|one| one.as_ref().is_ok_and(|one| one.version == Version(9)));
    assert!(all, "{staged:?}");
}

/// That it ends then, and is wiped at both ends, is seen in their memory
/// (`tests/end_to_end/secrets.rs`).
#[tokio::test]
async fn r11_a_connection_that_keys_went_over_gives_way_to_another() {
    let (_world, pool, agent, _) = one_agent().await;
    let (n1, mut events) = (name("n1"), pool.events());
    pool.look(&n1, &web(), [1; 32]).await.unwrap();
    assert_eq!(events.recv().await, Ok(LinkEvent::Connected(n1.clone())));
    assert_eq!(agent.connections(), 1);
    for version in [8, 9] {
        pool.stage(&n1, &keyset(version), [2; 32]).await.unwrap();
    }
    // One for both, once the second has its answer.
    while agent.connections() == 1 {
        pool.look(&n1, &web(), [1; 32]).await.unwrap();
    }
    assert!(events.is_empty(), "a connection was lost");
}

#[tokio::test]
async fn a_connection_gives_way_to_another_once_our_own_certificate_is_renewed() {
    let (world, pool, agent, _) = one_agent().await;
    let (n1, mut events) = (name("n1"), pool.events());
    pool.look(&n1, &web(), [1; 32]).await.unwrap();
    assert_eq!(events.recv().await, Ok(LinkEvent::Connected(n1.clone())));
    for connections in [2, 3] {
        world.own.renew(now_unix()).unwrap();
        while agent.connections() < connections {
            pool.look(&n1, &web(), [1; 32]).await.unwrap();
        }
    }
    assert!(events.is_empty(), "a connection was lost");
}
