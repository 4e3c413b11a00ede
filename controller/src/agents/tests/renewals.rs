//! R3: no node's certificate ends.

use super::*;
use crate::store::Read as _;

#[tokio::test]
async fn a_renewal_is_on_record_before_it_is_used() {
    let (world, pool, agent, record) = one_agent().await;
    let n1 = name("n1");
    let before = agent.serial();
    pool.renew(&n1).await.unwrap();
    let after = agent.serial();
    assert_ne!(before, after);
    let stored = world.scratch.store.node(&n1).unwrap().unwrap();
    assert!(
        stored.certificates.contains_key(&after),
        "the new one is on record"
    );
    assert!(
        stored.certificates.contains_key(&before),
        "the old one is good until it ends"
    );
    pool.know(&stored);
    pool.look(&n1, &web(), [1; 32]).await.unwrap();
    assert_eq!(
        agent.connections(),
        1,
        "a renewal does not cut the connection"
    );
    // A removed node gets none, whatever connection it still has.
    let mut removed = record;
    removed.state = NodeState::Removed;
    world
        .scratch
        .store
        .write(|change| change.put_node(&removed))
        .unwrap();
    let error = pool.renew(&n1).await.unwrap_err().to_string();
    assert!(error.contains("removed"), "{error}");
    assert_eq!(agent.serial(), after);
}

#[tokio::test]
async fn a_node_that_was_away_when_its_certificate_ended_recovers() {
    let world = world();
    let week = 7 * 24 * 3600;
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix() - week);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let pool = pool(&world);
    pool.know(&joined(&world, "n1", &agent.address(), &[&issued]));
    pool.look(&name("n1"), &web(), [1; 32]).await.unwrap();
    assert_ne!(agent.serial(), issued.serial);
    assert_eq!(agent.connections(), 2, "one to recover, one to work");
}

#[tokio::test]
async fn only_what_is_due_is_renewed() {
    let (_world, pool, agent, _) = one_agent().await;
    let before = agent.serial();
    let renewing = tokio::spawn(pool.clone().renew_due());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(agent.serial(), before);
    renewing.abort();
    let world = world();
    let half = 13 * 3600;
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix() - half);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let pool = super::pool(&world);
    pool.know(&joined(&world, "n1", &agent.address(), &[&issued]));
    let renewing = tokio::spawn(pool.clone().renew_due());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_ne!(agent.serial(), issued.serial);
    renewing.abort();
}
