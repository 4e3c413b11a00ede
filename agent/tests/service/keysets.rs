//! Keysets: taken, read back, repeated, refused, proven, wiped.

use chrono::{TimeDelta, Utc};
use keyroll::kerberos::Kvno;
use keyroll::kerberos::message::{ApRequest, Mint};
use keyroll::keyset::{Role, fingerprint};
use keyroll_agent::platform;
use keyroll_proto::agent as said;
use tonic::Code;

use crate::scene::{NONCE, SPN, Scene, admit, key, keyset, kvnos, look, stage, wipe};

const TWO: [(Role, u32); 2] = [(Role::Pending, 8), (Role::Current, 7)];

#[tokio::test]
async fn what_is_staged_is_read_back_from_the_disk() {
    let scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    let reply = controller.stage(stage(keyset(3, 4, &TWO))).await.unwrap();
    let inventory = reply.into_inner().inventory.unwrap();
    assert_eq!((inventory.epoch, inventory.version), (3, 4));
    let target = &inventory.targets[0];
    assert_eq!((target.drifted, target.trouble.as_str()), (false, ""));
    let principal = SPN.parse().unwrap();
    for (entry, kvno) in target.entries.iter().zip([7, 8]) {
        let print = fingerprint(&NONCE, &principal, Kvno(kvno), &key(kvno));
        assert_eq!((entry.kvno, &entry.fingerprint), (kvno, &print.to_vec()));
    }
    let path = scene.path("web.keytab");
    assert_eq!(kvnos(&path), [7, 8], "current stands before pending");
    #[cfg(unix)]
    for (name, mode) in [
        ("web.keytab", 0o600),
        ("state/arrays", 0o700),
        ("state/arrays/web.json", 0o600),
        ("state/node.key", 0o600),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::metadata(scene.path(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
    }
}

#[tokio::test]
async fn r06_a_repetition_changes_nothing_and_older_ones_are_refused() {
    let mut scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(3, 4, &TWO))).await.unwrap();
    let path = scene.path("web.keytab");
    let before = std::fs::read(&path).unwrap();
    // A repetition, from a later controller too; never an older one, over a restart neither.
    controller.stage(stage(keyset(5, 4, &TWO))).await.unwrap();
    scene.restart().await;
    let mut controller = scene.controller().await;
    for (epoch, version) in [(4, 9), (5, 3)] {
        let older = stage(keyset(epoch, version, &[(Role::Current, 1)]));
        let refused = controller.stage(older).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted, "{refused}");
        assert!(refused.message().contains("is older than"), "{refused}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // A verdict of the superseded one counts no more either.
    let late = controller.admit(admit(4, 0, "")).await.unwrap_err();
    assert_eq!(late.code(), Code::Aborted);
    controller.admit(admit(6, 4, "")).await.unwrap();
    let inventory = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!((inventory.epoch, inventory.heard_epoch), (5, 6));
    assert_eq!((inventory.version, inventory.begun_version), (4, 4));
    assert_eq!(inventory.stays_ready_seconds, Some(3600));
    let late = controller
        .stage(stage(keyset(5, 5, &TWO)))
        .await
        .unwrap_err();
    assert!(late.message().contains("epoch 5 is older than epoch 6"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_name() {
    let scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    let mut other = keyset(1, 1, &TWO);
    other.array = "crm".to_owned();
    let refused = controller.stage(stage(other)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(
        refused.message().contains("does not belong to array crm"),
        "{refused}"
    );
    let unknown = controller.look(look("crm")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut short = stage(keyset(1, 1, &TWO));
    short.nonce.pop();
    let mut odd = stage(keyset(1, 1, &TWO));
    odd.keyset.as_mut().unwrap().generations[0].keys[0]
        .key
        .pop();
    for (request, part) in [(short, "nonce"), (odd, "key.key")] {
        let refused = controller.stage(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(part), "{refused}");
    }
    assert!(!scene.path("web.keytab").exists());
}

/// A hook that notes each run, and succeeds if a file `fine` is there.
#[cfg(unix)]
const HOOK: &str = "['/bin/sh', '-c', 'echo ran >> {folder}/ran; test -e {folder}/fine']";
#[cfg(windows)]
const HOOK: &str = r"['C:\windows\system32\cmd.exe', '/d', '/c', '{folder}\hook.cmd']";
#[cfg(unix)]
const HOOK_FAILED: &str = "hook /bin/sh ended with";
#[cfg(windows)]
const HOOK_FAILED: &str = r"hook C:\windows\system32\cmd.exe ended with";

#[tokio::test]
async fn while_a_hook_fails_the_node_is_not_staged_and_it_is_run_again() {
    let target = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.hook]]\n";
    let scene = Scene::with(&format!("{target}command = {HOOK}\n")).await;
    let mut controller = scene.controller().await;
    #[cfg(windows)]
    std::fs::write(
        scene.path("hook.cmd"),
        "@echo ran>>\"%~dp0ran\"\r\n@if not exist \"%~dp0fine\" exit 3\r\n",
    )
    .unwrap();
    let ran = || std::fs::read_to_string(scene.path("ran")).map_or(0, |text| text.lines().count());
    for attempt in 1..=2 {
        let refused = controller
            .stage(stage(keyset(1, 1, &TWO)))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(HOOK_FAILED), "{refused}");
        let held = controller.look(look("web")).await.unwrap().into_inner();
        assert_eq!((held.version, ran()), (0, attempt));
        assert!(held.hook_trouble.contains(HOOK_FAILED), "{held:?}");
        assert!(
            !held.targets[0].drifted,
            "the files are as they were written"
        );
    }
    std::fs::write(scene.path("fine"), "").unwrap();
    controller.stage(stage(keyset(1, 1, &TWO))).await.unwrap();
    controller.stage(stage(keyset(1, 1, &TWO))).await.unwrap();
    assert_eq!(ran(), 3, "nothing has changed since it succeeded");
    let held = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!(held.hook_trouble, "");
    // A repair is a change, and its failing hook is not forgotten either.
    std::fs::remove_file(scene.path("fine")).unwrap();
    std::fs::remove_file(scene.path("web.keytab")).unwrap();
    for attempt in 4..=5 {
        let refused = controller
            .stage(stage(keyset(1, 1, &TWO)))
            .await
            .unwrap_err();
        assert_eq!(ran(), attempt, "{refused}");
    }
}

/// An AP-REQ whose ticket is minted with the key of `real`, and says that it is under `kvno`.
fn ap_request(kvno: u32, real: u32) -> Vec<u8> {
    let (now, session_key) = (Utc::now(), key(99));
    let (service, client) = (SPN.parse().unwrap(), "probe@CORP.EXAMPLE".parse().unwrap());
    let credential = Mint {
        service: &service,
        key: &key(real),
        kvno: Kvno(kvno),
        client: &client,
        start: now,
        end: now + TimeDelta::minutes(5),
        session_key: &session_key,
        confounder: &rand::random(),
    };
    ApRequest {
        credential: &credential.issue().unwrap(),
        now,
        confounder: &rand::random(),
    }
    .to_bytes()
    .unwrap()
}

#[tokio::test]
async fn tickets_under_every_held_key_are_accepted_and_no_others() {
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
                  path = '{folder}/client.keytab'\nkind = 'client'\n";
    let scene = Scene::with(tables).await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &TWO))).await.unwrap();
    assert_eq!(kvnos(&scene.path("client.keytab")), [7], "no pending key");
    for (kvno, real, accepted) in [(7, 7, true), (8, 8, true), (9, 9, false), (7, 8, false)] {
        let request = said::ProveRequest {
            array: "web".to_owned(),
            ap_req: ap_request(kvno, real),
        };
        let proofs = controller.prove(request).await.unwrap().into_inner().proofs;
        let [proof] = &proofs[..] else {
            panic!("a client's keytab accepts nobody: {proofs:?}");
        };
        assert_eq!(proof.accepted, accepted, "kvno {kvno}: {}", proof.reason);
        assert_eq!(proof.reason.is_empty(), accepted);
        if accepted {
            assert_eq!((proof.kvno, proof.service.as_str()), (kvno, SPN));
            assert_eq!(proof.client, "probe@CORP.EXAMPLE");
        }
    }
    let garbage = said::ProveRequest {
        array: "web".to_owned(),
        ap_req: vec![0x6e; 4000],
    };
    let proofs = controller.prove(garbage).await.unwrap().into_inner().proofs;
    assert!(!proofs[0].accepted);
}

#[tokio::test]
async fn a_file_that_is_told_to_lack_a_tickets_key_is_not_asked() {
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
                  path = '{folder}/ssh.keytab'\nkind = 'shared'\n\
                  principals = ['host/ssh.corp.example@CORP.EXAMPLE']\n[[array.target]]\n\
                  path = '{folder}/half.keytab'\nenctypes = ['aes128-cts-hmac-sha1-96']\n";
    let scene = Scene::with(tables).await;
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &TWO))).await.unwrap();
    // As the settings write it.
    let web = format!("{}/web.keytab", scene.folder.path().display());
    // Nor is it if nobody can read it; the file that should hold the key is.
    for (file, accepted) in [("ssh.keytab", true), ("web.keytab", false)] {
        std::fs::write(scene.path(file), "no keytab").unwrap();
        let request = said::ProveRequest {
            array: "web".to_owned(),
            ap_req: ap_request(7, 7),
        };
        let proofs = controller.prove(request).await.unwrap().into_inner().proofs;
        let [proof] = &proofs[..] else {
            panic!("one file should hold the key: {proofs:?}");
        };
        assert_eq!((&proof.path, proof.accepted), (&web, accepted), "{proof:?}");
        assert_eq!(proof.reason.contains("web.keytab"), !accepted, "{proof:?}");
    }
}

#[tokio::test]
async fn a_wipe_removes_every_key_of_the_array_and_no_other() {
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
                  path = '{folder}/shared.keytab'\nkind = 'shared'\n";
    let scene = Scene::with(tables).await;
    let shared = scene.path("shared.keytab");
    let foreign = foreign_keytab();
    std::fs::write(&shared, &foreign).unwrap();
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(2, 1, &TWO))).await.unwrap();
    assert_eq!(kvnos(&shared), [3, 7, 8]);
    assert_eq!(
        controller.wipe(wipe(1)).await.unwrap_err().code(),
        Code::Aborted
    );
    let left = controller.wipe(wipe(2)).await.unwrap().into_inner();
    assert_eq!((left.version, left.ready), (0, false));
    assert!(left.targets.iter().all(|target| target.entries.is_empty()));
    assert!(!scene.path("web.keytab").exists());
    assert_eq!(kvnos(&shared), [3]);
    let after = std::fs::read(&shared).unwrap();
    assert_eq!(after[..foreign.len()], foreign, "the other entry's bytes");
    let key_bytes = |kvno: u8| after.windows(32).any(|part| part == [kvno; 32]);
    assert!(!key_bytes(7) && !key_bytes(8), "a wiped key is still there");
    // What came before the wipe stays refused; what comes after is taken.
    controller.stage(stage(keyset(2, 2, &TWO))).await.unwrap();
}

#[tokio::test]
async fn a_repetition_during_an_adoption_writes_no_file_either() {
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
                  path = '{folder}/client.keytab'\nkind = 'client'\n[[array.target]]\n\
                  path = '{folder}/shared.keytab'\nkind = 'shared'\n";
    let scene = Scene::with(tables).await;
    let mut controller = scene.controller().await;
    let adopting = || {
        let mut keyset = keyset(1, 1, &TWO);
        keyset.keep_unlisted = true;
        stage(keyset)
    };
    let files = || {
        ["web.keytab", "client.keytab", "shared.keytab"].map(|name| {
            let found = std::fs::metadata(scene.path(name)).unwrap();
            (platform::stamp(&found), found.modified().unwrap())
        })
    };
    controller.stage(adopting()).await.unwrap();
    let before = files();
    controller.stage(adopting()).await.unwrap();
    assert_eq!(files(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_wipe_follows_no_link() {
    let scene = Scene::plain().await;
    std::fs::write(scene.path("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(scene.path("precious"), scene.path("web.keytab")).unwrap();
    let mut controller = scene.controller().await;
    controller.wipe(wipe(1)).await.unwrap_err();
    assert_eq!(std::fs::read(scene.path("precious")).unwrap(), b"precious");
}

#[cfg(unix)]
#[tokio::test]
async fn an_agent_that_is_stopped_lets_a_running_hook_end() {
    let hook = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.hook]]\n\
                command = ['/bin/sh', '-c', 'read line < {folder}/pipe']\n";
    let mut scene = Scene::with(hook).await;
    let pipe = scene.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut controller = scene.controller().await;
    let staging = tokio::spawn(async move { controller.stage(stage(keyset(1, 1, &TWO))).await });
    let writer = move || std::fs::File::options().write(true).open(pipe).unwrap();
    let writer = tokio::task::spawn_blocking(writer).await.unwrap();
    let port = scene.check;
    let release = async {
        while tokio::net::TcpStream::connect(port).await.is_ok() {
            tokio::task::yield_now().await;
        }
        std::io::Write::write_all(&mut &writer, b"go\n").unwrap();
    };
    let state = scene.path("state").join("arrays").join("web.json");
    let stopped = async {
        scene.stop().await;
        std::fs::read_to_string(state).unwrap()
    };
    let (noted, ()) = tokio::join!(stopped, release);
    assert!(noted.contains(r#""held":1,"#), "{noted}");
    staging.abort();
}

/// A keytab with one entry of somebody else's.
pub fn foreign_keytab() -> Vec<u8> {
    let mut keyset = keyset(1, 1, &[(Role::Current, 3)]);
    keyset.principals = vec!["host/node1.corp.example@CORP.EXAMPLE".to_owned()];
    keytab_of(keyset)
}

/// A keytab of all that a keyset has.
pub fn keytab_of(keyset: said::Keyset) -> Vec<u8> {
    use keyroll::keytab::{TargetFilter, TargetKind};
    let keyset = keyroll::keyset::Keyset::try_from(keyset).unwrap();
    let filter = TargetFilter {
        kind: TargetKind::Owned,
        principals: None,
        enctypes: None,
    };
    let wanted = keyroll::keytab::edit::wanted(&keyset, &filter);
    let bytes = keyroll::keytab::edit::whole_file(&wanted, 1).unwrap();
    bytes.expose().to_vec()
}
