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

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn r31_after_thirty_days_without_the_controller_every_node_is_reached_again() {
    let world = world();
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix() - 31 * DAY);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let pool = pool(&world);
    pool.know(&joined(&world, "n1", &agent.address(), &[&issued]));
    pool.look(&name("n1"), &web(), [1; 32]).await.unwrap();
    assert_ne!(agent.serial(), issued.serial);
    assert_eq!(agent.connections(), 2, "one to recover, one to work");
    let told = crate::audit::newest(&world.scratch.store, 9, "n1").unwrap();
    let [entry] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(entry.event.verb, "renew-ended-certificate");
    assert!(entry.event.detail.contains(&issued.serial));
    let node = world.scratch.store.node(&name("n1")).unwrap().unwrap();
    assert!(node.is_last(&agent.serial()) && !node.is_last(&issued.serial));
}

/// What a look at `n1` says whose last certificates are these, the confirmed one first, when the
/// agent at its address shows the one that ended so many days ago.
async fn after(world: &World, shown: i64, confirmed: i64, given: &[i64]) -> Result<(), String> {
    let now = now_unix();
    let make = |days: &i64| node_certificate(&world.authority, "n1", now - (days + 1) * DAY);
    let mut on_record: Vec<_> = given.iter().map(make).collect();
    let at = given.iter().position(|days| *days == shown).unwrap();
    let issued: Vec<_> = on_record.iter().map(|(issued, _)| issued.clone()).collect();
    let (_, key) = on_record.swap_remove(at);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    let mut record = joined(
        world,
        "n1",
        &agent.address(),
        &issued.iter().collect::<Vec<_>>(),
    );
    record.confirm(now - confirmed * DAY);
    let kept = world.scratch.store.write(|change| change.put_node(&record));
    kept.unwrap();
    let pool = pool(world);
    pool.know(&record);
    let looked = pool.look(&name("n1"), &web(), [1; 32]).await;
    if looked.is_err() {
        assert_eq!(agent.calls(), 0, "it was asked something");
    }
    looked.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn r03_of_the_certificates_that_ended_the_last_one_alone_gets_a_new_one() {
    let replaced = "not one that node n1 may use any more";
    // The one that the node has, on the last day of grace.
    after(&world(), 89, 89, &[89]).await.unwrap();
    let late = after(&world(), 91, 91, &[91]).await.unwrap_err();
    assert!(late.contains("expired"), "{late}");
    // A copy of an earlier one, whether its successor has ended or not.
    for given in [[20, 19], [1, -1]] {
        let copied = after(&world(), given[0], given[1], &given)
            .await
            .unwrap_err();
        assert!(copied.contains(replaced), "{copied}");
    }
    // Its successor was handed out, and nobody knows whether it arrived: both count.
    for shown in [20, 19] {
        after(&world(), shown, 20, &[20, 19]).await.unwrap();
    }
}

#[tokio::test]
async fn r03_a_renewal_that_is_lost_on_its_way_locks_no_node_out() {
    let world = world();
    let (issued, key) = node_certificate(&world.authority, "n1", now_unix() - 31 * DAY);
    let agent = FakeAgent::start("n1", key, &world.authority).await;
    agent.knobs().refuse_certificate = true;
    joined(&world, "n1", &agent.address(), &[&issued]);
    // Each of these is a start of the controller, which knows what is on record and no more.
    for refuses in [true, true, false] {
        agent.knobs().refuse_certificate = refuses;
        let pool = pool(&world);
        pool.know_all().unwrap();
        let looked = pool.look(&name("n1"), &web(), [1; 32]).await;
        assert_eq!(looked.is_err(), refuses, "{looked:?}");
    }
    assert_ne!(agent.serial(), issued.serial);
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
