//! Keys that the settings have no place for any more.

use keyroll::keyset::Role;
use keyroll_proto::agent as said;

use crate::keysets::{foreign_keytab, keytab_of};
use crate::scene::{Scene, keyset, kvnos, stage, wipe};

const OTHER: &str = "HTTP/other.corp.example@CORP.EXAMPLE";
const BEFORE: &str = "[[array.target]]\npath = '{folder}/old.keytab'\n[[array.target]]\n\
                      path = '{folder}/shared.keytab'\nkind = 'shared'\n";
const AFTER: &str = "[[array.target]]\npath = '{folder}/new.keytab'\n[[array.target]]\n\
                     path = '{folder}/shared.keytab'\nkind = 'shared'\n\
                     principals = ['HTTP/web.corp.example@CORP.EXAMPLE']\n";

fn of_two(version: u64, generations: &[(Role, u32)]) -> said::StageRequest {
    let mut keyset = keyset(1, version, generations);
    keyset.principals.push(OTHER.to_owned());
    stage(keyset)
}

/// An agent whose settings have changed after it took a keyset.
async fn changed() -> Scene {
    let mut scene = Scene::with(BEFORE).await;
    std::fs::write(scene.path("shared.keytab"), foreign_keytab()).unwrap();
    let mut controller = scene.controller().await;
    let first = of_two(1, &[(Role::Current, 7)]);
    controller.stage(first).await.unwrap();
    assert_eq!(kvnos(&scene.path("shared.keytab")), [3, 7, 7]);
    scene.restart_with(AFTER).await;
    scene
}

fn holds(scene: &Scene, name: &str, byte: u8) -> bool {
    let bytes = std::fs::read(scene.path(name)).unwrap();
    bytes.windows(32).any(|part| part == [byte; 32])
}

#[tokio::test]
async fn keys_that_the_settings_no_longer_cover_go_when_they_are_retired() {
    let mut scene = changed().await;
    let mut controller = scene.controller().await;
    let both = of_two(2, &[(Role::Current, 7), (Role::Pending, 8)]);
    let reply = controller.stage(both).await.unwrap().into_inner();
    // Who still reads them goes on until the roll ends; nothing new comes there.
    assert_eq!(kvnos(&scene.path("old.keytab")), [7, 7]);
    assert_eq!(kvnos(&scene.path("shared.keytab")), [3, 7, 7, 8]);
    let targets = reply.inventory.unwrap().targets;
    let entries = |at: usize| (targets[at].entries.len(), targets[at].foreign_entries);
    assert_eq!((entries(0), entries(1)), ((4, 0), (2, 2)));
    assert!(targets.iter().all(|target| !target.drifted), "{targets:?}");

    scene.restart().await;
    let mut controller = scene.controller().await;
    let new = of_two(3, &[(Role::Current, 8)]);
    controller.stage(new).await.unwrap();
    assert!(kvnos(&scene.path("old.keytab")).is_empty());
    assert_eq!(kvnos(&scene.path("shared.keytab")), [3, 8]);
    assert!(!holds(&scene, "old.keytab", 7) && !holds(&scene, "shared.keytab", 7));
    let state = std::fs::read_to_string(scene.path("state/arrays/web.json")).unwrap();
    assert!(!state.contains("old.keytab"), "{state}");
}

#[tokio::test]
async fn a_wipe_takes_them_too() {
    let scene = changed().await;
    assert!(holds(&scene, "old.keytab", 7));
    scene.controller().await.wipe(wipe(1)).await.unwrap();
    assert!(kvnos(&scene.path("old.keytab")).is_empty());
    assert_eq!(kvnos(&scene.path("shared.keytab")), [3]);
    assert!(!holds(&scene, "old.keytab", 7) && !holds(&scene, "shared.keytab", 7));
}

#[tokio::test]
async fn a_file_that_was_shared_is_ours_alone_only_without_the_others() {
    const SHARED: &str = "[[array.target]]\npath = '{folder}/krb5.keytab'\nkind = 'shared'\n";
    let mut scene = Scene::with(SHARED).await;
    let path = scene.path("krb5.keytab");
    std::fs::write(&path, foreign_keytab()).unwrap();
    let mut controller = scene.controller().await;
    let first = keyset(1, 1, &[(Role::Current, 7)]);
    controller.stage(stage(first)).await.unwrap();
    assert_eq!(kvnos(&path), [3, 7]);
    scene
        .restart_with("[[array.target]]\npath = '{folder}/krb5.keytab'\n")
        .await;

    let mut controller = scene.controller().await;
    let second = || stage(keyset(1, 2, &[(Role::Current, 8)]));
    let refused = controller.stage(second()).await.unwrap_err();
    let why = "holds entries of host/node1.corp.example@CORP.EXAMPLE";
    assert!(refused.message().contains(why), "{refused}");
    let refused = controller.wipe(wipe(1)).await.unwrap_err();
    assert!(refused.message().contains(why), "{refused}");
    assert_eq!(kvnos(&path), [3, 7]);

    // Their owner takes them elsewhere.
    let alone = keytab_of(keyset(1, 1, &[(Role::Current, 7)]));
    std::fs::write(&path, alone).unwrap();
    controller.stage(second()).await.unwrap();
    assert_eq!(kvnos(&path), [8]);
    // From now on nothing in it is anybody else's.
    std::fs::write(&path, foreign_keytab()).unwrap();
    controller.stage(second()).await.unwrap();
    assert_eq!(kvnos(&path), [8]);
}
