//! The agent as a service of Windows: installed, started, stopped in the middle of a write.

#![allow(
    clippy::disallowed_types,
    reason = "a test may wait for a program to end"
)]

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use keyroll::keyset::Role;
use windows_service::service::ServiceAccess;
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use crate::scene::{Scene, keyset, kvnos, look, stage};

const OLD: [(Role, u32); 1] = [(Role::Current, 7)];
const NEW: [(Role, u32); 2] = [(Role::Current, 7), (Role::Pending, 8)];

/// `keyroll-agent service VERB`, in a process of its own: by a copy of the program, where nobody
/// else may change it.
fn service(scene: &Scene, verb: &str) -> Output {
    let program = scene.path("keyroll-agent.exe");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_keyroll-agent"), &program).unwrap();
    }
    Command::new(program)
        .args(["--config".as_ref(), scene.path("agent.toml").as_os_str()])
        .args(["service", verb])
        .output()
        .unwrap()
}

fn works(scene: &Scene, verb: &str) {
    let done = service(scene, verb);
    assert!(done.status.success(), "{verb}: {done:?}");
}

/// How far the service says that it has come.
fn checkpoint() -> u32 {
    let access = ServiceManagerAccess::CONNECT;
    let manager = ServiceManager::local_computer(None::<&str>, access).unwrap();
    let access = ServiceAccess::QUERY_STATUS;
    let service = manager.open_service("keyroll-agent", access).unwrap();
    service.query_status().unwrap().checkpoint
}

/// Ends the service whatever becomes of the test: there is one of its name on a machine.
struct Uninstalled<'a>(&'a Scene);

impl Drop for Uninstalled<'_> {
    fn drop(&mut self) {
        service(self.0, "uninstall");
    }
}

#[tokio::test]
async fn a_service_is_installed_and_stops_only_after_the_write_that_is_under_way() {
    let mut scene = Scene::plain().await;
    scene.stop().await;
    // Left by a run that was ended.
    service(&scene, "uninstall");
    let _uninstalled = Uninstalled(&scene);
    let absent = service(&scene, "start");
    let said = String::from_utf8(absent.stderr).unwrap();
    assert_eq!(absent.status.code(), Some(71), "{said}");
    assert!(
        said.contains("Next: keyroll-agent service install"),
        "{said}"
    );
    let by_hand = service(&scene, "run");
    assert_eq!(by_hand.status.code(), Some(2), "{by_hand:?}");

    works(&scene, "install");
    // Again, over what is there.
    works(&scene, "install");
    works(&scene, "start");
    works(&scene, "start");
    // It is said to be started once it serves.
    assert_eq!(scene.ready("/live").await.0, 200);
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &OLD))).await.unwrap();
    let keytab = scene.path("web.keytab");
    assert_eq!(kvnos(&keytab), [7]);

    // A reader keeps the file open, so the next keyset is begun and cannot be finished.
    let reader = OpenOptions::new()
        .read(true)
        .share_mode(1)
        .open(&keytab)
        .unwrap();
    let staging = tokio::spawn(async move { controller.stage(stage(keyset(1, 2, &NEW))).await });
    let begun = || {
        let state =
            std::fs::read_to_string(scene.path("state/arrays/web.json")).unwrap_or_default();
        state.contains("\"version\":2")
    };
    while !begun() {
        tokio::task::yield_now().await;
    }
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| works(&scene, "stop"));
        // It serves nobody any more, and is not gone.
        while std::net::TcpStream::connect(scene.http).is_ok() {
            std::thread::yield_now();
        }
        // It says that it goes on: whoever waits sees that number rise.
        let begun = Instant::now();
        while checkpoint() < 2 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is silent");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!stopping.is_finished(), "it ended in the middle of a write");
        drop(reader);
        stopping.join().unwrap();
    });
    assert!(staging.await.unwrap().is_err(), "nobody was left to answer");
    assert_eq!(kvnos(&keytab), [7, 8]);

    works(&scene, "stop");
    works(&scene, "start");
    let mut controller = scene.controller().await;
    let found = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!((found.version, found.targets[0].drifted), (2, false));
    works(&scene, "uninstall");
    assert_eq!(service(&scene, "stop").status.code(), Some(71));
}

/// The thread that serves looks at the identity at each call: by then 2 s for each would have gone.
#[tokio::test]
async fn who_has_the_identity_for_himself_holds_up_nobody() {
    let scene = Scene::plain().await;
    let mut controller = scene.controller().await;
    let key = scene.path("state/node.key");
    // Somebody has written it anew, and a scanner has it.
    let bytes = std::fs::read(&key).unwrap();
    std::fs::write(&key, bytes).unwrap();
    let alone = OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(&key)
        .unwrap();
    let began = Instant::now();
    for _ in 0..10 {
        controller.look(look("web")).await.unwrap();
    }
    let passed = began.elapsed();
    assert!(passed < Duration::from_secs(10), "{passed:?}");
    drop(alone);
    controller.look(look("web")).await.unwrap();
}
