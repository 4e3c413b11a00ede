//! Hooks take their time; what else the node is asked meanwhile does not wait for them.

use std::fs::File;
use std::path::{Path, PathBuf};

use keyroll::keyset::Role;
use tonic::Code;

use crate::scene::{Scene, admit, keyset, kvnos, look, stage, wipe};

const FIRST: [(Role, u32); 1] = [(Role::Current, 7)];
const SECOND: [(Role, u32); 1] = [(Role::Current, 8)];

/// An agent whose hook waits for a line in a pipe, and then notes its version.
async fn scene() -> (Scene, PathBuf) {
    let scene = Scene::with(
        "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.hook]]\ncommand = ['/bin/sh', \
         '-c', 'read line < {folder}/pipe; echo $KEYROLL_VERSION >> {folder}/ran']\n",
    )
    .await;
    let pipe = scene.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    (scene, pipe)
}

/// The pipe's other end, once a hook waits at it.
async fn waiting(pipe: &Path) -> File {
    let pipe = pipe.to_path_buf();
    let open = move || File::options().write(true).open(pipe).unwrap();
    tokio::task::spawn_blocking(open).await.unwrap()
}

fn release(mut pipe: &File) {
    std::io::Write::write_all(&mut pipe, b"go\n").unwrap();
}

#[tokio::test]
async fn while_hooks_run_a_gate_shuts_and_the_last_keyset_is_the_one_that_counts() {
    let (scene, pipe) = scene().await;
    let controller = scene.controller().await;
    let asked = |version, generations: &'static [_]| {
        let mut controller = controller.clone();
        let staging = async move {
            controller
                .stage(stage(keyset(1, version, generations)))
                .await
        };
        tokio::spawn(staging)
    };
    let first = asked(1, &FIRST);
    let hook = waiting(&pipe).await;
    let mut controller = controller.clone();
    let verdict = controller.admit(admit(1, 1, "quarantined by alice")).await;
    let verdict = verdict.unwrap().into_inner();
    assert_eq!(verdict.reason, "web: quarantined by alice");
    assert_eq!(scene.ready("/ready").await.0, 503);
    let found = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!((found.version, found.begun_version), (0, 1));

    let second = asked(2, &SECOND);
    let found = async {
        while kvnos(&scene.path("web.keytab")) != [8] {
            tokio::task::yield_now().await;
        }
    };
    found.await;
    // It has come to the hooks by the time that this is answered.
    controller.look(look("web")).await.unwrap();
    std::fs::remove_file(scene.path("web.keytab")).unwrap();
    let again = asked(2, &SECOND);
    let repaired = async {
        while !scene.path("web.keytab").exists() {
            tokio::task::yield_now().await;
        }
    };
    repaired.await;
    controller.look(look("web")).await.unwrap();

    release(&hook);
    drop(hook);
    for (staging, version) in [(first, 1), (second, 2)] {
        let overtaken = staging.await.unwrap().unwrap_err();
        assert_eq!(overtaken.code(), Code::Aborted, "{overtaken}");
        let what = format!("version {version} is overtaken");
        assert!(overtaken.message().contains(&what), "{overtaken}");
    }
    release(&waiting(&pipe).await);
    let reply = again.await.unwrap().unwrap().into_inner();
    assert_eq!(reply.inventory.unwrap().version, 2);
    let ran = std::fs::read_to_string(scene.path("ran")).unwrap();
    assert_eq!(ran, "1\n2\n");
}

#[tokio::test]
async fn a_removal_does_not_wait_for_hooks_and_is_not_undone_by_them() {
    let (scene, pipe) = scene().await;
    let mut controller = scene.controller().await;
    let mut waits = controller.clone();
    let staging = tokio::spawn(async move { waits.stage(stage(keyset(1, 1, &FIRST))).await });
    let hook = waiting(&pipe).await;
    let left = controller.wipe(wipe(1)).await.unwrap().into_inner();
    assert!(!scene.path("web.keytab").exists());
    release(&hook);
    let overtaken = staging.await.unwrap().unwrap_err();
    assert_eq!(overtaken.code(), Code::Aborted, "{overtaken}");
    let found = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!((left.version, found.version, found.ready), (0, 0, false));
}
