//! Files of others: neither written nor wiped, whatever the settings say of them.

use keyroll::kerberos::{Kvno, Principal};
use keyroll::keyset::Role;
use keyroll::keytab::Wanted;
use keyroll::keytab::edit::whole_file;

use crate::faults::{AFTER, refusal};
use crate::scene::{Scene, key, keyset, kvnos, look, stage, wipe};

#[tokio::test]
async fn a_file_in_which_others_keep_keys_is_not_taken_for_ours() {
    let scene = Scene::plain().await;
    let path = scene.path("web.keytab");
    // The machine's own keytab, by a slip in the settings.
    let host = ["host/n1@CORP.EXAMPLE", "nfs/n1@CORP.EXAMPLE"];
    let theirs = file_of(&host);
    std::fs::write(&path, &theirs).unwrap();
    let why = refusal(&scene, 1, 0).await;
    for words in [
        "web.keytab",
        "host/n1@CORP.EXAMPLE, nfs/n1",
        "kind = \"shared\"",
    ] {
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), theirs);
    // The node is let go of after that: the machine's keys are still nobody's to wipe.
    let mut controller = scene.controller().await;
    let refused = controller.wipe(wipe(1)).await.unwrap_err();
    assert!(refused.message().contains("host/n1@"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), theirs);
    std::fs::remove_file(&path).unwrap();
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    // Once it is ours, whoever writes there has been told of by the inventory.
    std::fs::write(&path, &theirs).unwrap();
    let inventory = controller.look(look("web")).await.unwrap().into_inner();
    let target = &inventory.targets[0];
    assert!(target.drifted && target.entries.len() == 2, "{target:?}");
    let age = chrono::Utc::now().timestamp() - target.written_unix;
    assert!((0..60).contains(&age), "written {age} s ago");
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    assert_eq!(kvnos(&path), [7, 8]);
}

#[tokio::test]
async fn a_file_that_nobody_can_judge_is_not_taken_for_ours() {
    let tables = "[[array.target]]\npath = '{folder}/first.keytab'\n[[array.target]]\n\
                  path = '{folder}/web.keytab'\n";
    let scene = Scene::with(tables).await;
    let (first, path) = (scene.path("first.keytab"), scene.path("web.keytab"));
    let whole = file_of(&["host/n1@CORP.EXAMPLE"]);
    let older = [&[5, 1], &whole[2..]].concat();
    let opaque = [&whole[..2], &[0, 0, 0, 2, 9, 9][..]].concat();
    let behind_the_end = [&[5, 2, 0, 0, 0, 0][..], &whole[2..]].concat();
    let others: [(&[u8], &str); 7] = [
        (b"[libdefaults]\n\tdefault_realm = CORP.EXAMPLE\n", "0x5b6c"),
        (&older, "0x0501"),
        (&[&whole[..], &[1, 2, 3]].concat(), "cut short"),
        (&[&whole[..], &[0, 0, 1, 0, 7]].concat(), "a record of 256"),
        (&vec![5; (1 << 20) + 1], "larger than"),
        (&opaque, "unreadable"),
        (&behind_the_end, "behind its end"),
    ];
    let mut controller = scene.controller().await;
    for (theirs, what) in others {
        std::fs::write(&path, theirs).unwrap();
        let why = refusal(&scene, 1, 0).await;
        assert!(why.contains("web.keytab"), "{why}");
        assert!(why.contains("would be lost"), "{why}");
        assert!(why.contains(what), "{what}: {why}");
        let refused = controller.wipe(wipe(1)).await.unwrap_err();
        assert!(refused.message().contains(what), "{refused}");
        assert!(std::fs::read(&path).unwrap() == theirs, "{what} is lost");
    }
    assert!(!first.exists());
    // What is ours beside it stays until all can go; an empty file is nobody's loss.
    std::fs::write(&path, b"").unwrap();
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    assert_eq!((kvnos(&first), kvnos(&path)), (vec![7, 8], vec![7, 8]));
    controller.wipe(wipe(1)).await.unwrap();
    assert!(!first.exists() && !path.exists());
}

#[tokio::test]
async fn where_one_file_must_not_be_wiped_none_is() {
    let two = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
               path = '{folder}/host.keytab'\n";
    let mut scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    let theirs = file_of(&["host/n1@CORP.EXAMPLE"]);
    std::fs::write(scene.path("host.keytab"), &theirs).unwrap();
    scene.restart_with(two).await;
    let mut controller = scene.controller().await;
    controller.wipe(wipe(1)).await.unwrap_err();
    assert_eq!(kvnos(&scene.path("web.keytab")), [7, 8]);
    assert_eq!(std::fs::read(scene.path("host.keytab")).unwrap(), theirs);
    // With the path mended, the same wipe does it.
    scene
        .restart_with("[[array.target]]\npath = '{folder}/web.keytab'\n")
        .await;
    scene.controller().await.wipe(wipe(1)).await.unwrap();
    assert!(!scene.path("web.keytab").exists());
}

#[tokio::test]
async fn a_keytab_that_was_lost_comes_back_for_those_who_could_read_it() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
    const ACL: &str = "system.posix_acl_access";
    let mut scene = Scene::plain().await;
    let path = scene.path("web.keytab");
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(33), Some(34)).unwrap();
    }
    // Version 2; then owner rw, user 35 r, group nothing, at most r, others nothing.
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, bits, id) in [(1, 6, !0), (2, 4, 35), (4, 0, !0), (16, 4, !0), (32, 0, !0)] {
        let (tag, bits, id): (u16, u16, u32) = (tag, bits, id);
        list.extend([tag.to_le_bytes(), bits.to_le_bytes()].concat());
        list.extend(id.to_le_bytes());
    }
    // Where the file system has none, there is none to be kept.
    let flags = rustix::fs::XattrFlags::empty();
    let has_list = rustix::fs::setxattr(&path, ACL, &list, flags).is_ok();
    controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
    let access = || {
        let found = std::fs::metadata(&path).unwrap();
        let mut value = vec![0; 100];
        let read = rustix::fs::getxattr(&path, ACL, &mut value);
        assert!(!has_list || read.is_ok_and(|size| value[..size] == list));
        (found.uid(), found.gid(), found.mode() & 0o7777)
    };
    let before = access();
    assert_eq!(before.2, 0o640);
    scene.restart().await;
    std::fs::remove_file(&path).unwrap();
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
    assert_eq!(access(), before);
}

#[tokio::test]
async fn keys_that_a_crash_left_beside_a_keytab_go_at_the_next_start() {
    let mut scene = Scene::plain().await;
    let left = scene.path(".web.keytab.keyroll-0123456789abcdef");
    std::fs::write(&left, file_of(&["HTTP/web.corp.example@CORP.EXAMPLE"])).unwrap();
    // To see what becomes of its bytes.
    let bytes = std::fs::File::open(&left).unwrap();
    scene.restart().await;
    assert!(!left.exists());
    let bytes = std::io::read_to_string(bytes).unwrap();
    assert!(!bytes.is_empty() && bytes.chars().all(|one| one == '\0'));
}

/// A keytab with one key of each principal.
fn file_of(principals: &[&str]) -> Vec<u8> {
    let principals: Vec<Principal> = principals.iter().map(|one| one.parse().unwrap()).collect();
    let key = key(1);
    let wanted: Vec<Wanted<'_>> = principals
        .iter()
        .map(|principal| Wanted {
            principal,
            role: Role::Current,
            kvno: Kvno(1),
            key: &key,
        })
        .collect();
    whole_file(&wanted, 1).unwrap().expose().to_vec()
}
