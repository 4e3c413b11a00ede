//! How long staging many nodes takes, and whether the cost of each stays the same.

use futures_util::future::join_all;

use super::*;

async fn stage(nodes: usize) -> Duration {
    let world = world();
    let patient = Deadlines {
        look: Duration::from_secs(60),
        stage: Duration::from_secs(60),
    };
    let (store, own) = (world.scratch.store.clone(), world.own.clone());
    let pool = AgentPool::new(store, own, Epoch(4), patient);
    let mut agents = Vec::new();
    for number in 0..nodes {
        let node = format!("n{number}");
        let (issued, key) = node_certificate(&world.authority, &node, now_unix());
        let agent = FakeAgent::start(&node, key, &world.authority).await;
        pool.know(&joined(&world, &node, &agent.address(), &[&issued]));
        agents.push(agent);
    }
    let names: Vec<_> = (0..nodes)
        .map(|number| name(&format!("n{number}")))
        .collect();
    let web = web();
    for chunk in names.chunks(100) {
        let looks = chunk.iter().map(|node| pool.look(node, &web, [1; 32]));
        join_all(looks)
            .await
            .into_iter()
            .for_each(|seen| drop(seen.unwrap()));
    }
    let keyset = keyset(9);
    let begun = Instant::now();
    let staged = join_all(names.iter().map(|node| pool.stage(node, &keyset, [2; 32]))).await;
    let took = begun.elapsed();
    assert!(
        staged
            .iter()
            .all(|one| one.as_ref().is_ok_and(|one| one.version == Version(9)))
    );
    took
}

#[tokio::test]
async fn fifty_nodes_are_staged_at_once() {
    let took = stage(50).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}
