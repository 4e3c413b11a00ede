use std::time::Duration;

use keyroll::fence::{Epoch, Version};
use keyroll::roll::{Cause, GenerationNumber, OldKey, Record, Sealed};
use keyroll_proto::operator as said;

use crate::reconcile::Reconciler;
use crate::rolls::{NotBegun, Wanted};
use crate::stand_in::{StandIn, begin, generated, go_on, in_service};
use crate::store::{ArrayRecord, GenerationRecord, PreviousGeneration, Read as _};

fn reconciler(site: &StandIn) -> Reconciler {
    let controller = &site.controller;
    let (ports, overview) = (controller.ports.clone(), controller.overview.clone());
    let wake = controller.wake.clone();
    Reconciler::new(ports, overview, wake, Duration::from_secs(60))
}

fn stored(site: &StandIn) -> ArrayRecord {
    let store = &site.controller.ports.store;
    store.array(&"web".parse().unwrap()).unwrap().unwrap()
}

fn wanted() -> Wanted {
    Wanted {
        cause: Cause::Operator,
        actor: "test".to_owned(),
        old_key: OldKey::UntilDrained,
        accepts_gap: false,
    }
}

/// Keyset 7 under epoch 1 is the latest that is known here.
async fn held(epoch: u64, version: u64) -> (StandIn, ArrayRecord) {
    let site = StandIn::new();
    let array = in_service(&site, &["n1", "n2"]);
    // The other one is behind: it would be given keys, were this the latest controller.
    site.heard("n2", 1, 6);
    site.heard("n1", epoch, version);
    reconciler(&site).pass(&array).await.unwrap();
    (site, array)
}

#[tokio::test]
async fn a_node_that_has_heard_more_stops_everything_and_shuts_no_gate() {
    for (epoch, version, words) in [
        (
            1,
            8,
            "n1 was given keyset 8, and the newest known here is 7",
        ),
        (
            2,
            7,
            "n1 has heard a controller of epoch 2, and this one is of epoch 1",
        ),
    ] {
        let (site, array) = held(epoch, version).await;
        let nothing: [String; 0] = [];
        assert_eq!(site.asked(), nothing);
        assert_eq!(stored(&site).stale.as_deref(), Some(words));
        let alarms = site.alarms(&array.name);
        assert_eq!(alarms[0].grade, "critical");
        assert!(alarms[0].what.contains(words), "{}", alarms[0].what);
        assert_eq!(alarms[0].next, "keyroll recover web --dry-run");
        let rolls = &site.controller.rolls;
        let begun = rolls.begin(&array, &wanted()).await;
        assert!(matches!(begun, Err(NotBegun::Stale { .. })));
        // It is remembered: a start without that node changes nothing.
        site.heard("n1", 1, 1);
        reconciler(&site).pass(&array).await.unwrap();
        assert_eq!(site.asked(), nothing);
        let entries = crate::audit::newest(&site.controller.ports.store, 9, "web").unwrap();
        let told: Vec<_> = entries.iter().map(|entry| &*entry.event.verb).collect();
        assert_eq!(told, ["hold"]);
    }
}

#[tokio::test]
async fn a_controller_that_knows_all_goes_about_its_work() {
    let (site, _) = held(1, 7).await;
    assert!(stored(&site).stale.is_none());
    let asked = site.asked();
    assert!(asked.contains(&"stage n1 4".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_node_that_shows_later_what_it_has_heard_stops_everything_too() {
    let (site, array) = held(1, 7).await;
    site.asked();
    let reconciler = reconciler(&site);
    reconciler.pass(&array).await.unwrap();
    site.asked();
    site.heard("n2", 1, 9);
    reconciler.pass(&array).await.unwrap();
    reconciler.pass(&array).await.unwrap();
    let asked = site.asked();
    assert!(!asked.iter().any(|one| one.contains("n2")), "{asked:?}");
    assert!(stored(&site).stale.is_some());
}

#[tokio::test]
async fn a_secret_that_is_due_is_not_destroyed_by_a_controller_that_is_behind() {
    let site = StandIn::new();
    let mut array = in_service(&site, &["n1"]);
    let generation = GenerationRecord {
        number: GenerationNumber(9),
        kvno: keyroll::kerberos::Kvno(3),
        salt: None,
        secret: Sealed(vec![1]),
        password_known: false,
    };
    array.previous = Some(PreviousGeneration {
        generation,
        destroy_at_unix: 0,
    });
    site.keep(&array);
    site.heard("n1", 1, 8);
    reconciler(&site).pass(&array).await.unwrap();
    assert!(stored(&site).previous.is_some());
}

#[tokio::test]
async fn nodes_are_asked_what_they_have_heard_before_a_roll_begins() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1", "n2"]);
    // Nobody has looked since it came back.
    site.heard("n2", 1, 8);
    let begun = site.controller.rolls.begin(&array, &wanted()).await;
    let Err(NotBegun::Stale { why, .. }) = begun else {
        panic!("a roll began");
    };
    assert!(why.starts_with("n2 was given keyset 8"), "{why}");
    assert_eq!(stored(&site).stale, Some(why), "not remembered");
    let store = &site.controller.ports.store;
    assert!(store.open_roll(&array.name).unwrap().is_none());
}

#[tokio::test]
async fn an_open_roll_is_left_where_it_is() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    let version = Version(8);
    let records = [generated(&site, &roll), Record::Staging { version }];
    go_on(&site, &mut roll, records);
    site.heard("n1", 1, 9);
    let rolls = &site.controller.rolls;
    rolls.take_up().unwrap();
    let stands_by = async {
        let mut view = rolls.line(&array.name).unwrap().view.subscribe();
        let held = |view: &said::RollView| view.reason.starts_with("held");
        view.wait_for(held).await.unwrap().state.clone()
    };
    let state = tokio::time::timeout(Duration::from_secs(20), stands_by).await;
    assert_eq!(state.unwrap(), "staging");
    let nothing: [String; 0] = [];
    assert_eq!(site.asked(), nothing);
    let abort = said::AbortRollRequest {
        array: "web".to_owned(),
        ..said::AbortRollRequest::default()
    };
    let no = site.controller.abort_roll(&abort, "test").unwrap_err();
    assert_eq!((no.code, no.exit), ("stale", 76));
    rolls.stop(&array.name).await;
    assert!(rolls.line(&array.name).is_none());
}

#[tokio::test]
async fn what_cannot_be_said_is_not_recovered() {
    let (site, _) = held(2, 8).await;
    let request = said::RecoverRequest {
        arrays: vec!["web".to_owned()],
        ..said::RecoverRequest::default()
    };
    let no = site.controller.recover(&request, "test").await.unwrap_err();
    assert_eq!(no.code, "unreachable", "no domain controller answers");
    assert!(stored(&site).stale.is_some());
    // A node that counts to the moon must not take this controller along.
    site.heard("n1", u64::MAX, 8);
    let no = site.controller.recover(&request, "test").await.unwrap_err();
    assert_eq!(no.code, "node-implausible");
    assert_eq!(no.next, "keyroll node remove web n1 --unreachable");
    assert_eq!(site.controller.ports.epoch.now(), Epoch(1));
}
