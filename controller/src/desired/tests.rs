use keyroll::roll::Record;

use super::*;
use crate::reconcile::Reconciler;
use crate::stand_in::{StandIn, begin, commit, draining, generated, give_up, go_on, in_service};

/// The kvnos that nodes shall hold, in order, and under which version.
fn wanted(site: &StandIn, array: &ArrayRecord) -> (Vec<u32>, u64) {
    let desired = Desired::of(&site.controller.ports, array).unwrap();
    let generations = desired.keyset.generations.iter();
    let kvnos = generations.map(|one| one.kvno.0).collect();
    (kvnos, desired.keyset.version.0)
}

fn refuse(site: &StandIn, known: bool) {
    let mut roll = begin(site, known);
    let reasons = Vec::new();
    go_on(site, &mut roll, [Record::Refused { reasons }]);
}

fn abort(site: &StandIn, known: bool) {
    let mut roll = begin(site, known);
    let version = roll.frame().version.next().next();
    let records = [
        generated(site, &roll),
        Record::Staging {
            version: roll.frame().version.next(),
        },
        Record::Aborting {
            version,
            why: "test".to_owned(),
        },
        Record::Aborted,
    ];
    go_on(site, &mut roll, records);
}

#[test]
fn a_roll_given_up_after_its_commit_leaves_both_keys_and_the_new_one_in_force() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    give_up(&site, &mut roll);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 9));
    let desired = Desired::of(&site.controller.ports, &array).unwrap();
    let current = desired.array.current.as_ref().unwrap();
    assert_eq!((current.number.0, current.kvno.0), (2, 5));
    let (base, new) = (desired.base.unwrap(), desired.new.unwrap());
    assert_eq!(base.keys[0].expose(), new.keys[0].expose());
    let [now, before] = &desired.keyset.generations[..] else {
        panic!("two generations");
    };
    assert_ne!(now.keys[0].expose(), before.keys[0].expose());
}

#[tokio::test]
async fn a_clock_set_ahead_takes_no_key_of_a_roll_that_was_given_up() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    give_up(&site, &mut roll);
    let mut array = Desired::of(&site.controller.ports, &array).unwrap().array;
    array.previous.as_mut().unwrap().destroy_at_unix = 0;
    site.keep(&array);
    reconciler(&site).pass(&array).await.unwrap();
    assert_eq!(wanted(&site, &array), (vec![5, 4], 9));
    // Were it lost, the key in force would not stand in for it.
    array.previous = None;
    site.keep(&array);
    assert_eq!(wanted(&site, &array), (vec![5], 9));
}

#[test]
fn after_an_adoption_that_was_given_up_unknown_keys_stay_until_a_roll_is_done() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let unlisted = || {
        let desired = Desired::of(&site.controller.ports, &array).unwrap();
        desired.keyset.unlisted
    };
    let mut adoption = begin(&site, false);
    commit(&site, &mut adoption);
    give_up(&site, &mut adoption);
    assert_eq!(unlisted(), Unlisted::Keep);
    let mut next = begin(&site, true);
    assert_eq!(unlisted(), Unlisted::Keep, "tickets under them may live");
    commit(&site, &mut next);
    assert_eq!(unlisted(), Unlisted::Keep);
    let records = [
        Record::Converged {
            dcs: ["dc1".parse().unwrap()].into(),
        },
        Record::Draining {
            left: Duration::ZERO,
        },
        Record::Retiring {
            version: next.frame().version.next().next().next(),
        },
        Record::Done,
    ];
    go_on(&site, &mut next, records);
    assert_eq!(unlisted(), Unlisted::Remove);
}

#[test]
fn what_came_to_nothing_after_a_roll_was_given_up_takes_no_key_away() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    give_up(&site, &mut roll);
    refuse(&site, true);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 9));
    abort(&site, false);
    refuse(&site, false);
    refuse(&site, true);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 11));
    let mut roll = begin(&site, true);
    let (version, why) = (Version(12), "test".to_owned());
    go_on(
        &site,
        &mut roll,
        [Record::Aborting { version, why }, Record::Aborted],
    );
    assert_eq!(wanted(&site, &array), (vec![5, 4], 12));
    // One with a base has told the nodes what to hold, of what there was before too.
    abort(&site, true);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 14));
}

struct NextYear;

impl crate::ports::Clock for NextYear {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::Utc::now() + chrono::TimeDelta::days(365)
    }
}

#[tokio::test]
async fn a_clock_set_ahead_takes_no_key_that_an_aborted_roll_has_taken_over() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    give_up(&site, &mut roll);
    abort(&site, true);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 11));
    let clock = std::sync::Arc::new(NextYear);
    let ports = site.controller.ports.clone();
    let pass = reconciler_with(&site, Ports { clock, ..ports });
    for _ in 0..2 {
        pass.pass(&array).await.unwrap();
    }
    assert_eq!(wanted(&site, &array), (vec![5, 4], 11));
    // The next roll, too, finds what it takes over.
    let next = begin(&site, true);
    let left = &next.frame().leftovers;
    assert!(matches!(&left[..], [one] if one.kvno.0 == 4 && !one.secret.0.is_empty()));
}

#[test]
fn a_key_that_was_destroyed_too_early_keeps_no_array_from_its_other_keys() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    give_up(&site, &mut roll);
    abort(&site, true);
    let store = &site.controller.ports.store;
    let destroyed: Result<_, StoreError> = store.write(|change| {
        let spare = [keyroll::roll::GenerationNumber(2)].into();
        change.destroy_secrets(&array.name, &spare, i64::MAX)
    });
    assert!(destroyed.unwrap() > 0);
    assert_eq!(wanted(&site, &array), (vec![5], 11));
}

#[test]
fn rolls_given_up_before_the_commit_keep_the_old_key_in_force() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    let staging = Record::Staging {
        version: Version(8),
    };
    let records = [generated(&site, &roll), staging];
    go_on(&site, &mut roll, records);
    let dc = "dc1".parse().unwrap();
    // Success was said, and nothing is to be seen of it.
    let attempt = 1;
    let intent = Record::CommitIntent { attempt, dc };
    go_on(
        &site,
        &mut roll,
        [intent, Record::AttemptApplied { attempt }],
    );
    give_up(&site, &mut roll);
    refuse(&site, true);
    assert_eq!(wanted(&site, &array), (vec![4, 5], 8));
    let desired = Desired::of(&site.controller.ports, &array).unwrap();
    assert_eq!(desired.array.current.unwrap().kvno.0, 4);
}

fn reconciler(site: &StandIn) -> Reconciler {
    reconciler_with(site, site.controller.ports.clone())
}

fn reconciler_with(site: &StandIn, ports: Ports) -> Reconciler {
    let controller = &site.controller;
    let pause = std::time::Duration::from_secs(60);
    Reconciler::new(
        ports,
        controller.overview.clone(),
        controller.wake.clone(),
        pause,
    )
}

#[tokio::test]
async fn nodes_are_mended_while_a_roll_waits_for_a_dc_or_an_operator() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let reconciler = reconciler(&site);
    let mut roll = begin(&site, true);
    let records = [
        generated(&site, &roll),
        Record::Staging {
            version: Version(8),
        },
    ];
    go_on(&site, &mut roll, records);
    reconciler.pass(&array).await.unwrap();
    assert!(site.asked().is_empty(), "the driver is at it");
    let dc = "dc1".parse().unwrap();
    go_on(&site, &mut roll, [Record::CommitIntent { attempt: 1, dc }]);
    reconciler.pass(&array).await.unwrap();
    assert_eq!(site.asked(), ["stage n1 4+5"], "and no gate is shut");
    go_on(&site, &mut roll, [Record::AttemptApplied { attempt: 1 }]);
    give_up(&site, &mut roll);
    reconciler.pass(&array).await.unwrap();
    assert_eq!(site.asked(), ["stage n1 4+5", "shut n1"]);
}

#[tokio::test]
async fn nodes_are_mended_while_old_tickets_die() {
    let site = StandIn::new();
    let array = in_service(&site, &["n1"]);
    let reconciler = reconciler(&site);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    go_on(&site, &mut roll, draining());
    reconciler.pass(&array).await.unwrap();
    assert_eq!(site.asked(), ["stage n1 5+4"]);
}

/// The array with a password of generation 9 that some domain controller issues under `kvno`.
fn keep(site: &StandIn, array: &mut ArrayRecord, kvno: u32) {
    let mut generation = array.current.clone().unwrap();
    let number = keyroll::roll::GenerationNumber(9);
    let password = keyroll::secret::Password::new("another".to_owned());
    let seal = &site.controller.ports.seal;
    generation.secret = crate::keys::seal_password(seal, &array.name, number, &password);
    (generation.number, generation.kvno.0) = (number, kvno);
    array.drift.kept.push(crate::store::KeptGeneration {
        generation,
        left_seconds: 60,
    });
    site.keep(array);
}

#[test]
fn what_is_kept_is_held_through_a_roll_and_goes_with_the_key_before_it() {
    let site = StandIn::new();
    let mut array = in_service(&site, &["n1"]);
    keep(&site, &mut array, 3);
    assert_eq!(wanted(&site, &array), (vec![4, 3], 7));
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    assert_eq!(wanted(&site, &array), (vec![5, 4, 3], 9));
    let left = std::time::Duration::ZERO;
    let version = Version(10);
    go_on(
        &site,
        &mut roll,
        [Record::Converged {
            dcs: ["dc1".parse().unwrap()].into(),
        }],
    );
    go_on(
        &site,
        &mut roll,
        [Record::Draining { left }, Record::Retiring { version }],
    );
    assert_eq!(wanted(&site, &array), (vec![5], 10));
    go_on(&site, &mut roll, [Record::Done]);
    let store = &site.controller.ports.store;
    assert_eq!(store.array(&array.name).unwrap().unwrap().drift.kept, []);
}

#[test]
fn what_is_kept_never_stands_beside_another_key_under_one_kvno() {
    let site = StandIn::new();
    let mut array = in_service(&site, &["n1"]);
    keep(&site, &mut array, 5);
    assert_eq!(wanted(&site, &array), (vec![4, 5], 7));
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    assert_eq!(wanted(&site, &array), (vec![5, 4], 9));
}

#[test]
fn a_roll_waits_for_numbers_that_the_directory_would_give_again() {
    let site = StandIn::new();
    let mut array = in_service(&site, &["n1"]);
    array.rolled_at_unix = None;
    let wait = |array: &ArrayRecord| cool_down(&site.controller.ports, array, 0).unwrap();
    keep(&site, &mut array, 3);
    assert!(wait(&array).is_zero(), "its number is in the past");
    keep(&site, &mut array, 5);
    assert_eq!(wait(&array).as_secs(), 60);
}
