//! What a controller whose memory is old makes of the tickets and of what the nodes have heard.

use std::time::Duration;

use keyroll::fence::{Epoch, Version};
use keyroll::keyset::Unlisted;
use keyroll::roll::{GenerationNumber, Record, State};
use keyroll_proto::operator as said;

use crate::audit;
use crate::desired::Desired;
use crate::stand_in::domain::{Scene, password};
use crate::stand_in::{begin, generated, go_on};
use crate::store::Read as _;

/// A node has heard more than is known here: keyset 7, epoch 1.
async fn behind(scene: &Scene, epoch: u64, version: u64) {
    scene.site.heard("n1", epoch, version);
    scene.pass().await;
    assert!(scene.row().stale.is_some());
    scene.site.asked();
}

async fn ask(scene: &Scene, dry_run: bool) -> said::Recovery {
    let request = said::RecoverRequest {
        arrays: vec!["web".to_owned()],
        dry_run,
        ..said::RecoverRequest::default()
    };
    let controller = &scene.site.controller;
    let mut reply = controller.recover(&request, "anna").await.unwrap();
    assert_eq!(reply.recoveries.len(), 1);
    reply.recoveries.remove(0)
}

async fn recover(scene: &Scene) -> said::Recovery {
    let found = ask(scene, true).await;
    assert!(scene.row().stale.is_some(), "a dry run recovers");
    let done = ask(scene, false).await;
    assert_eq!(done, found, "a dry run says something else than is done");
    assert_eq!(scene.row().stale, None);
    done
}

fn desired(scene: &Scene) -> Desired {
    Desired::of(&scene.site.controller.ports, &scene.row()).unwrap()
}

#[tokio::test]
async fn numbers_go_on_above_all_that_anybody_has_heard() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.site.heard("n2", 4, 11);
    behind(&scene, 3, 12).await;
    let done = recover(&scene).await;
    assert_eq!(done.verdict, "recorded");
    let row = scene.row();
    assert_eq!(row.keyset_version, Version(13));
    let ports = &scene.site.controller.ports;
    assert_eq!(ports.epoch.now(), Epoch(5));
    assert_eq!(ports.store.meta().unwrap().epoch, Epoch(5), "durable");
    assert_eq!(scene.kvnos(), [4]);
    let entries = audit::newest(&ports.store, 1, "web").unwrap();
    assert_eq!(entries[0].event.actor, "anna");
    assert_eq!(entries[0].event.verb, "recover");
    // Whoever has nothing to recover hears so, and nothing is done.
    assert_eq!(ask(&scene, false).await.verdict, "current");
    assert_eq!(scene.row(), row);
}

#[tokio::test]
async fn a_controller_that_is_not_superseded_keeps_its_epoch() {
    let scene = Scene::new(&["dc1"]);
    behind(&scene, 1, 8).await;
    recover(&scene).await;
    assert_eq!(scene.site.controller.ports.epoch.now(), Epoch(1));
    assert_eq!(scene.row().keyset_version, Version(9));
}

#[tokio::test]
async fn a_password_that_is_in_no_backup_is_not_guessed_and_no_node_loses_a_key() {
    let scene = Scene::new(&["dc1", "dc2"]);
    for dc in ["dc1", "dc2"] {
        scene.issues(dc, "made after the backup", 5);
    }
    behind(&scene, 1, 9).await;
    let done = recover(&scene).await;
    assert_eq!(done.verdict, "unknown");
    assert!(done.next.contains(&"keyroll roll web".to_owned()));
    let row = scene.row();
    assert_eq!(row.current, None);
    let before = row.previous.unwrap();
    assert_eq!(before.generation.number, GenerationNumber(1));
    assert_eq!(before.destroy_at_unix, i64::MAX);
    let keyset = desired(&scene).keyset;
    assert_eq!(keyset.unlisted, Unlisted::Keep);
    assert!(keyset.generations.is_empty());
}

#[tokio::test]
async fn one_domain_controller_with_a_newer_unknown_key_is_enough() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.issues("dc2", "made after the backup", 5);
    behind(&scene, 1, 9).await;
    assert_eq!(recover(&scene).await.verdict, "unknown");
}

#[tokio::test]
async fn a_domain_controller_that_lags_is_not_believed() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.issues("dc2", "from long ago", 2);
    behind(&scene, 1, 9).await;
    assert_eq!(recover(&scene).await.verdict, "recorded");
    assert_eq!(scene.kvnos(), [4]);
}

#[tokio::test]
async fn a_directory_that_was_put_back_too_has_the_password_before() {
    let scene = Scene::new(&["dc1", "dc2"]);
    scene.has_had(3, 3);
    for dc in ["dc1", "dc2"] {
        scene.issues(dc, password(3), 100_003);
    }
    behind(&scene, 1, 9).await;
    assert_eq!(recover(&scene).await.verdict, "before");
    let row = scene.row();
    assert_eq!(row.current.unwrap().number, GenerationNumber(3));
    let after = row.previous.unwrap();
    assert_eq!(after.generation.number, GenerationNumber(1));
    assert_eq!(scene.kvnos(), [100_003]);
}

/// A backup from the middle of a roll: generation 2 has its password, the nodes are being staged.
async fn in_the_middle_of_a_roll(issued: &str, kvno: u32) -> (Scene, said::Recovery) {
    middle(Scene::new(&["dc1"]), issued, kvno).await
}

async fn middle(scene: Scene, issued: &str, kvno: u32) -> (Scene, said::Recovery) {
    let mut roll = begin(&scene.site, true);
    let version = Version(8);
    let records = [generated(&scene.site, &roll), Record::Staging { version }];
    go_on(&scene.site, &mut roll, records);
    scene.issues("dc1", issued, kvno);
    behind(&scene, 1, 10).await;
    let done = recover(&scene).await;
    let rolls = &scene.site.controller.rolls;
    assert!(rolls.line(&scene.row().name).is_some(), "nobody drives it");
    rolls.stop(&scene.row().name).await;
    (scene, done)
}

fn state(scene: &Scene) -> State {
    let store = &scene.site.controller.ports.store;
    let open = store.open_roll(&scene.row().name).unwrap();
    open.unwrap().roll.state()
}

#[tokio::test]
async fn a_roll_goes_on_from_where_the_lost_controller_had_brought_it() {
    let scene = Scene::new(&["dc1"]);
    // It may hold the old key, so that is not known to have been retired.
    scene.site.falls_silent("n2");
    let (scene, done) = middle(scene, password(2), 5).await;
    assert_eq!(done.verdict, "roll");
    assert_eq!(state(&scene), State::Converging);
    assert_eq!(scene.kvnos(), [5, 4]);
    // What the lost controller may have given to nodes besides is not known.
    assert_eq!(desired(&scene).keyset.unlisted, Unlisted::Keep);
}

#[tokio::test]
async fn a_key_that_the_lost_controller_has_retired_comes_back_to_no_node() {
    let (scene, done) = in_the_middle_of_a_roll(password(2), 5).await;
    assert_eq!(done.verdict, "roll");
    assert_eq!(state(&scene), State::Retiring);
    assert_eq!(scene.kvnos(), [5]);
}

#[tokio::test]
async fn a_roll_whose_password_never_reached_the_directory_goes_on_to_write_it_or_ends() {
    let (scene, done) = in_the_middle_of_a_roll(password(1), 4).await;
    assert_eq!(done.verdict, "recorded");
    assert_eq!(scene.row().current.unwrap().number, GenerationNumber(1));
    assert!(scene.kvnos().contains(&4));
}

#[tokio::test]
async fn what_was_kept_since_a_recovery_goes_with_the_next_roll_and_stays_gone() {
    let scene = Scene::new(&["dc1"]);
    behind(&scene, 1, 9).await;
    recover(&scene).await;
    assert_eq!(desired(&scene).keyset.unlisted, Unlisted::Keep);
    let mut roll = begin(&scene.site, true);
    crate::stand_in::commit(&scene.site, &mut roll);
    let version = scene.row().keyset_version.next();
    let dcs = ["dc1".parse().unwrap()].into();
    let left = Duration::ZERO;
    let records = [
        Record::Converged { dcs },
        Record::Draining { left },
        Record::Retiring { version },
        Record::Done,
    ];
    go_on(&scene.site, &mut roll, records);
    assert!(!scene.row().unknown_keys_stay);
    assert_eq!(desired(&scene).keyset.unlisted, Unlisted::Remove);
}
