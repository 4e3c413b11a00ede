use keyroll::fence::Version;
use keyroll::kerberos::Kvno;
use keyroll::name::DcName;
use keyroll::roll::{Cause, DcView, Issued, NoLogin, OldKey, WhichKey};

use super::*;
use crate::ports::{NotLoggedIn, PortError};
use crate::rolls::{NotBegun, Wanted};
use crate::stand_in::domain::{Scene, password};
use crate::stand_in::{StandIn, begin, begin_for, commit, draining, generated, go_on, in_service};
use crate::store::NodeState;

/// Drives the roll for a while; it cannot end, since no node ever holds anything.
async fn drive(site: &StandIn, array: &ArrayRecord, roll: Roll) -> Vec<String> {
    let driver = Driver::new(
        site.controller.ports.clone(),
        array.clone(),
        roll,
        Line::default(),
    );
    let time = Duration::from_millis(600);
    let end = tokio::time::timeout(time, driver.unwrap().run()).await;
    assert!(
        end.is_err(),
        "{:?}",
        end.map(|end| end.map_err(|e| e.to_string()))
    );
    site.asked()
}

fn staging(site: &StandIn) -> Roll {
    let mut roll = begin(site, true);
    let version = Version(8);
    let records = [generated(site, &roll), Record::Staging { version }];
    go_on(site, &mut roll, records);
    roll
}

#[tokio::test]
async fn a_node_that_is_left_behind_is_shut_before_the_roll_goes_on() {
    let site = StandIn::new();
    in_service(&site, &["n1", "n2"]);
    let roll = staging(&site);
    let name = "n2".parse().unwrap();
    let store = &site.controller.ports.store;
    let aside: Result<_, StoreError> = store.write(|change| {
        change.edit_node(&name, |node| {
            let why = "test".to_owned();
            node.quarantined.insert("web".parse().unwrap(), why);
        })
    });
    aside.unwrap();
    let array = store.array(&"web".parse().unwrap()).unwrap().unwrap();
    let asked = drive(&site, &array, roll).await;
    assert_eq!(asked[..2], ["shut n2", "stage n1 4+5"]);
    assert!(!asked.iter().any(|one| one.starts_with("stage n2")));
}

#[tokio::test]
async fn a_node_with_a_limit_of_its_own_has_shut_its_gate_that_long_after_it_was_lost() {
    let site = StandIn::new();
    in_service(&site, &["n1", "n2", "n3"]);
    let roll = staging(&site);
    let store = &site.controller.ports.store;
    let array = store.array(&"web".parse().unwrap()).unwrap().unwrap();
    let name: NodeName = "n2".parse().unwrap();
    let limited: Result<_, StoreError> =
        store.write(|change| change.edit_node(&name, |node| node.stays_ready_seconds = Some(60)));
    limited.unwrap();
    let ports = site.controller.ports.clone();
    let mut driver = Driver::new(ports, array, roll, Line::default()).unwrap();
    let lost = |ago| {
        Instant::now()
            .checked_sub(Duration::from_secs(ago))
            .unwrap()
    };
    driver.untold = [(name.clone(), lost(70)), ("n3".parse().unwrap(), lost(70))].into();
    let left = driver.shut_in();
    assert_eq!(left.len(), 1, "the other one has no limit: {left:?}");
    // Somebody who looked at it before may have had a last word for it.
    assert!((1..=50).contains(&left[&name].as_secs()));
    driver.untold = [(name, lost(120))].into();
    assert!(driver.shut_in().is_empty());
}

#[tokio::test]
async fn a_node_that_does_not_hold_what_it_was_given_is_not_pressed() {
    let site = StandIn::new();
    in_service(&site, &["n1"]);
    let roll = staging(&site);
    let name = "web".parse().unwrap();
    let store = &site.controller.ports.store;
    let array = store.array(&name).unwrap().unwrap();
    let asked = drive(&site, &array, roll).await;
    assert!(asked.len() < 5, "{} pushes in 0.6 s", asked.len());
}

#[tokio::test]
async fn every_keyset_that_a_record_brings_is_the_newest_that_the_array_knows() {
    let site = StandIn::new();
    in_service(&site, &["n1"]);
    let mut roll = staging(&site);
    let dc: keyroll::name::DcName = "dc1.corp.example".parse().unwrap();
    let (attempt, kvno) = (1, keyroll::kerberos::Kvno(6));
    let salt = roll.generated().unwrap().salt.clone();
    let records = [
        Record::CommitIntent {
            attempt,
            dc: dc.clone(),
        },
        Record::AttemptApplied { attempt },
        Record::Committed {
            kvno,
            salt,
            version: Version(9),
        },
        // Somebody has set the same password again.
        Record::Renumbered {
            kvno: kvno.next(),
            version: Version(10),
        },
    ];
    for record in records {
        go_on(&site, &mut roll, [record]);
        let name = "web".parse().unwrap();
        let store = &site.controller.ports.store;
        let array = store.array(&name).unwrap().unwrap();
        assert_eq!(array.keyset_version, roll.recipe().version);
    }
}

#[tokio::test]
async fn no_roll_begins_that_nobody_could_drive() {
    let site = StandIn::new();
    let mut array = in_service(&site, &["n1"]);
    array.spns.clear();
    site.keep(&array);
    site.node("n1", NodeState::Joined, &["web"]);
    let wanted = Wanted {
        cause: Cause::Operator,
        actor: "test".to_owned(),
        old_key: OldKey::UntilDrained,
        accepts_gap: false,
    };
    array.method = Some(keyroll::roll::policy::Method::Change);
    let begun = site.controller.rolls.begin(&array, &wanted).await;
    assert!(matches!(begun, Err(NotBegun::NoService(_))));
    assert!(
        site.controller
            .ports
            .store
            .open_roll(&array.name)
            .unwrap()
            .is_none()
    );
    site.controller.rolls.take_up().unwrap();
}

#[test]
fn nodes_count_as_proven_while_old_tickets_die() {
    let site = StandIn::new();
    in_service(&site, &["n1"]);
    let mut roll = begin(&site, true);
    commit(&site, &mut roll);
    let state = |roll: &Roll| act::by_state(roll, &Observed::default())[&"n1".parse().unwrap()];
    assert_eq!(state(&roll), "waiting");
    go_on(&site, &mut roll, draining());
    assert_eq!(state(&roll), "proven");
}

/// What the driver of this roll sees of a domain controller.
async fn looked(scene: &Scene, roll: &Roll) -> DcView {
    let ports = scene.site.controller.ports.clone();
    let mut driver = Driver::new(ports, scene.row(), roll.clone(), Line::default()).unwrap();
    let dc: DcName = "dc1".parse().unwrap();
    driver
        .act(vec![Action::LookAtDc(dc.clone())])
        .await
        .unwrap();
    driver.observed.dcs.remove(&dc).unwrap()
}

fn refused() -> PortError {
    PortError::Refused {
        object: "WEB$".to_owned(),
        why: "not at this hour".to_owned(),
        next: String::new(),
    }
}

#[tokio::test]
async fn a_login_is_tried_only_with_keys_that_the_same_look_has_shown_to_be_right() {
    let scene = Scene::new(&["dc1"]);
    let mut roll = begin(&scene.site, true);
    commit(&scene.site, &mut roll);
    scene.issues("dc1", password(1), 4);
    assert!(
        matches!(looked(&scene, &roll).await, DcView::Issues(seen) if seen.key == WhichKey::Base)
    );
    scene.issues("dc1", password(2), 5);
    scene.salts_as("dc1", "another");
    match looked(&scene, &roll).await {
        DcView::Trouble(why) => assert!(why.contains("hostanother.corp.example"), "{why}"),
        DcView::Issues(seen) => panic!("the nodes have no key for its tickets: {seen:?}"),
    }
    assert_eq!(scene.logins(), 0, "each would be counted as failed");
    scene.salts_as("dc1", "web");
    let seen = looked(&scene, &roll).await;
    let right = |seen: &Issued| seen.key == WhichKey::New && seen.no_login.is_none();
    assert!(
        matches!(&seen, DcView::Issues(seen) if right(seen)),
        "{seen:?}"
    );
    assert_eq!(scene.logins(), 1);
}

#[tokio::test]
async fn who_may_not_log_in_is_told_from_a_key_that_is_wrong() {
    let scene = Scene::new(&["dc1"]);
    let mut roll = begin(&scene.site, true);
    let mut seen = Vec::new();
    for committed in [false, true] {
        if committed {
            commit(&scene.site, &mut roll);
            scene.issues("dc1", password(2), 5);
        }
        for why in [
            NotLoggedIn::Expired(refused()),
            NotLoggedIn::Barred(refused()),
            NotLoggedIn::Unproven(refused()),
        ] {
            scene.bars(Some(why));
            seen.push(match looked(&scene, &roll).await {
                DcView::Issues(Issued { no_login: None, .. }) => "proven",
                DcView::Issues(Issued {
                    no_login: Some(NoLogin::Expired(_)),
                    ..
                }) => "expired",
                DcView::Issues(Issued {
                    no_login: Some(NoLogin::Barred(_)),
                    ..
                }) => "barred",
                DcView::Trouble(_) => "trouble",
            });
        }
    }
    let before = ["expired", "barred", "barred"];
    assert_eq!(seen, [before, ["expired", "barred", "trouble"]].concat());
}

/// What an emergency takes for the key in force before it.
async fn emergency_base(scene: &Scene) -> Option<Kvno> {
    let wanted = Wanted {
        cause: Cause::Emergency,
        actor: "test".to_owned(),
        old_key: OldKey::UntilConverged,
        accepts_gap: false,
    };
    let rolls = &scene.site.controller.rolls;
    let (frame, _) = rolls.rehearse(&scene.row(), &wanted).await.unwrap();
    frame.base.map(|base| base.kvno)
}

#[tokio::test]
async fn in_an_emergency_an_older_password_of_ours_is_not_somebody_elses() {
    let scene = Scene::new(&["dc1", "dc2"]);
    assert_eq!(emergency_base(&scene).await, Some(Kvno(4)));
    scene.has_had(3, 3);
    scene.issues("dc1", password(3), 3);
    assert_eq!(
        emergency_base(&scene).await,
        Some(Kvno(4)),
        "the writer lags"
    );
    scene.issues("dc1", "set by hand", 5);
    assert_eq!(emergency_base(&scene).await, None);
}

#[tokio::test]
async fn a_roll_does_not_begin_unasked_where_nobody_can_say_whether_it_delegates() {
    for (cause, hidden, begins) in [
        (Cause::Operator, false, true),
        (Cause::Operator, true, false),
        (Cause::Emergency, true, true),
    ] {
        let scene = Scene::new(&["dc1"]);
        if hidden {
            scene.hides_resources();
        }
        let roll = begin_for(&scene.site, true, cause, OldKey::UntilDrained);
        let ports = scene.site.controller.ports.clone();
        let mut driver = Driver::new(ports, scene.row(), roll, Line::default()).unwrap();
        driver.act(vec![Action::LookAtAccount]).await.unwrap();
        let account = driver.observed.account.unwrap();
        assert_eq!(account.is_ok(), begins, "{cause:?}: {account:?}");
    }
}
