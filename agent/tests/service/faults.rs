//! Files and folders that refuse: a clear answer, and nothing changed.

#![allow(
    clippy::disallowed_types,
    reason = "a test may wait for a program to end"
)]

use std::path::Path;
use std::process::Command;

use keyroll::keyset::Role;
use keyroll_proto::agent as said;
use tonic::Code;

use crate::scene::{Scene, keyset, kvnos, look, stage, wipe};

const BEFORE: [(Role, u32); 1] = [(Role::Current, 7)];
pub const AFTER: [(Role, u32); 2] = [(Role::Current, 7), (Role::Pending, 8)];

/// What a stage is refused with; the node must still hold `held`.
pub async fn refusal(scene: &Scene, version: u64, held: u64) -> String {
    let mut controller = scene.controller().await;
    let refused = controller.stage(stage(keyset(1, version, &AFTER))).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let inventory = controller.look(look("web")).await.unwrap().into_inner();
    assert_eq!(inventory.version, held);
    refused.message().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_missing_folder_a_link_and_a_folder_in_the_files_place_are_named() {
    let scene = Scene::with("[[array.target]]\npath = '{folder}/keys/web.keytab'\n").await;
    let keys = scene.path("keys");
    let why = refusal(&scene, 1, 0).await;
    assert!(why.contains("keys"), "{why}");
    assert!(why.contains("No such file or directory"), "{why}");
    std::fs::create_dir_all(keys.join("web.keytab")).unwrap();
    let why = refusal(&scene, 1, 0).await;
    assert!(why.contains("web.keytab is not a regular file"), "{why}");
    std::fs::remove_dir(keys.join("web.keytab")).unwrap();
    let precious = scene.path("precious");
    std::fs::write(&precious, "precious").unwrap();
    std::os::unix::fs::symlink(&precious, keys.join("web.keytab")).unwrap();
    let why = refusal(&scene, 1, 0).await;
    assert!(why.contains("web.keytab"), "{why}");
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
    // Once the fault is gone, the same keyset is taken.
    std::fs::remove_file(keys.join("web.keytab")).unwrap();
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    assert_eq!(names(&keys), ["web.keytab"], "nothing is left over");
}

#[tokio::test]
async fn a_damaged_keytab_of_others_is_not_touched_and_the_first_file_neither() {
    let tables = "[[array.target]]\npath = '{folder}/web.keytab'\n[[array.target]]\n\
                  path = '{folder}/shared.keytab'\nkind = 'shared'\n";
    let scene = Scene::with(tables).await;
    let mut controller = scene.controller().await;
    controller
        .stage(stage(keyset(1, 1, &BEFORE)))
        .await
        .unwrap();
    let first = std::fs::read(scene.path("web.keytab")).unwrap();
    let damaged = b"\x05\x02\x00\x00\x40\x00 an entry that is cut off";
    std::fs::write(scene.path("shared.keytab"), damaged).unwrap();
    let before = names(scene.folder.path());
    let why = refusal(&scene, 2, 1).await;
    assert!(why.contains("shared.keytab"), "{why}");
    assert_eq!(std::fs::read(scene.path("web.keytab")).unwrap(), first);
    assert_eq!(std::fs::read(scene.path("shared.keytab")).unwrap(), damaged);
    assert_eq!(names(scene.folder.path()), before);
    // A damaged file of ours alone is nobody's loss: it is replaced.
    std::fs::remove_file(scene.path("shared.keytab")).unwrap();
    std::fs::write(scene.path("web.keytab"), damaged).unwrap();
    controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
    assert_eq!(kvnos(&scene.path("web.keytab")), [7, 8]);
}

#[tokio::test]
async fn who_holds_the_lock_of_a_shared_file_does_not_stop_the_health_endpoint() {
    let tables = "[[array.target]]\npath = '{folder}/shared.keytab'\nkind = 'shared'\n";
    let scene = Scene::with(tables).await;
    let path = scene.path("shared.keytab");
    std::fs::write(&path, super::keysets::foreign_keytab()).unwrap();
    let file = locked(&path);
    let mut controller = scene.controller().await;
    let staging = tokio::spawn(async move { controller.stage(stage(keyset(1, 1, &AFTER))).await });
    asked_for(&path).await;
    let begun = std::time::Instant::now();
    assert_eq!(scene.ready("/live").await.0, 200);
    assert_eq!(scene.ready("/ready").await.0, 503);
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    assert!(!staging.is_finished(), "it wrote in spite of the lock");
    drop(file);
    staging.await.unwrap().unwrap();
    assert_eq!(kvnos(&path), [3, 7, 8]);
}

#[tokio::test]
async fn a_wipe_that_nobody_waits_for_any_more_is_done_before_what_comes_next() {
    let tables = "[[array.target]]\npath = '{folder}/shared.keytab'\nkind = 'shared'\n";
    let scene = Scene::with(tables).await;
    let path = scene.path("shared.keytab");
    let mut controller = scene.controller().await;
    controller.stage(stage(keyset(1, 1, &AFTER))).await.unwrap();
    let file = locked(&path);
    let mut impatient = controller.clone();
    let wiping = tokio::spawn(async move { impatient.wipe(wipe(1)).await });
    asked_for(&path).await;
    wiping.abort();
    wiping.await.unwrap_err();
    // On the same connection: the agent knows by now that it was given up.
    let nothing = said::RequestCertificateRequest::default();
    controller.request_certificate(nothing).await.unwrap();
    drop(file);
    let inventory = controller.look(look("web")).await.unwrap().into_inner();
    let [target] = &inventory.targets[..] else {
        panic!("{inventory:?}");
    };
    // The file as it was wiped, and the note of it.
    assert!(target.entries.is_empty() && !target.drifted, "{target:?}");
    controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
    assert_eq!(kvnos(&path), [7, 8]);
}

/// The file with the lock that other programs take, until it is dropped.
fn locked(path: &Path) -> std::fs::File {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    file
}

/// Returns once the agent asks for the lock: it runs in this process, and has the file open too.
async fn asked_for(path: &Path) {
    let asked = async {
        while opened(path) < 2 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, asked).await.unwrap();
}

/// How often this process has a file open.
fn opened(path: &std::path::Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let target =
        |one: std::io::Result<std::fs::DirEntry>| std::fs::read_link(one.ok()?.path()).ok();
    let path = std::fs::canonicalize(path).unwrap();
    open.filter_map(target).filter(|it| *it == path).count()
}

/// Says to the inner run of a test where its own small disk is.
const DISK: &str = "KEYROLL_TEST_DISK";

/// Runs the test `name` again in a mount namespace of its own, where `DISK` is a file system of
/// 64 KiB. Any user may have one.
fn on_a_small_disk(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=64k none "$0" && exec "$1" --exact "$2" --nocapture"#;
    let inner = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(DISK, folder.path())
        .output()
        .expect("unshare runs: it comes with the package util-linux");
    let said = String::from_utf8_lossy(&[inner.stdout, inner.stderr].concat()).into_owned();
    assert!(inner.status.success(), "{said}");
    assert!(said.contains("1 passed"), "no test ran: {said}");
}

fn tables(disk: &Path) -> String {
    let first = "[[array.target]]\npath = '{folder}/first.keytab'\n";
    let disk = disk.display();
    format!("{first}[[array.target]]\npath = '{disk}/web.keytab'\n")
}

fn current() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_full_disk_refuses_and_nothing_is_changed() {
    let Some(disk) = std::env::var_os(DISK) else {
        return on_a_small_disk("faults::a_full_disk_refuses_and_nothing_is_changed");
    };
    let disk = Path::new(&disk);
    current().block_on(async {
        let scene = Scene::with(&tables(disk)).await;
        let mut controller = scene.controller().await;
        controller
            .stage(stage(keyset(1, 1, &BEFORE)))
            .await
            .unwrap();
        let filled = std::fs::write(disk.join("filler"), vec![0; 128 * 1024]);
        filled.expect_err("the disk was to be full");
        let why = refusal(&scene, 2, 1).await;
        assert!(why.contains("web.keytab"), "{why}");
        assert!(why.contains("No space left on device"), "{why}");
        assert_eq!(kvnos(&disk.join("web.keytab")), [7]);
        assert_eq!(kvnos(&scene.path("first.keytab")), [7], "the first file");
        assert_eq!(names(disk), ["filler", "web.keytab"]);
        std::fs::remove_file(disk.join("filler")).unwrap();
        controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
        assert_eq!(kvnos(&disk.join("web.keytab")), [7, 8]);
    });
}

#[test]
fn a_read_only_file_system_refuses_and_nothing_is_changed() {
    let Some(disk) = std::env::var_os(DISK) else {
        return on_a_small_disk("faults::a_read_only_file_system_refuses_and_nothing_is_changed");
    };
    let disk = Path::new(&disk);
    let remount = |how: &str| {
        let status = Command::new("mount")
            .args(["-o", how])
            .arg(disk)
            .status()
            .unwrap();
        assert!(status.success());
    };
    current().block_on(async {
        let mut scene = Scene::with(&tables(disk)).await;
        let mut controller = scene.controller().await;
        controller
            .stage(stage(keyset(1, 1, &BEFORE)))
            .await
            .unwrap();
        remount("remount,bind,ro");
        let why = refusal(&scene, 2, 1).await;
        assert!(why.contains("web.keytab"), "{why}");
        assert!(why.contains("Read-only file system"), "{why}");
        assert_eq!(kvnos(&scene.path("first.keytab")), [7], "the first file");
        remount("remount,bind,rw");
        controller.stage(stage(keyset(1, 2, &AFTER))).await.unwrap();
        // As a shared file that was replaced behind the mount of the service's unit.
        let shared = disk.join("shared.keytab");
        std::fs::write(&shared, "").unwrap();
        let shared = shared.display();
        let table = format!("[[array.target]]\npath = '{shared}'\nkind = 'shared'\n");
        scene.restart_with(&table).await;
        remount("remount,bind,ro");
        let why = refusal(&scene, 3, 2).await;
        for words in [
            "shared.keytab",
            "systemctl restart",
            "Read-only file system",
        ] {
            assert!(why.contains(words), "{why}");
        }
    });
}

/// The capabilities that the service's unit leaves it.
fn granted() -> String {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/keyroll-agent.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("CapabilityBoundingSet="));
    let names = line.unwrap().split_whitespace();
    let names = names.map(|name| name.replace("CAP_", "+").to_lowercase());
    names.collect::<Vec<_>>().join(",")
}

/// As root the test runs again as the service does: as a user of its own, with the unit's few
/// capabilities. Nobody else may give files away, which is a fault like others.
#[test]
fn r44_a_keytab_gets_its_owner_with_the_capabilities_of_the_unit() {
    const INSIDE: &str = "KEYROLL_TEST_CAPABLE";
    const NAME: &str = "faults::r44_a_keytab_gets_its_owner_with_the_capabilities_of_the_unit";
    if rustix::process::geteuid().is_root() {
        let (few, set) = (granted(), |rest: &str| format!("-all,{rest}"));
        let inner = Command::new("setpriv")
            .args(["--reuid=54321", "--regid=54321", "--clear-groups"])
            .args(["--inh-caps", &set(&few), "--ambient-caps", &set(&few)])
            .args(["--bounding-set", &set(&few), "--no-new-privs"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(INSIDE, "")
            .output()
            .expect("setpriv runs: it comes with the package util-linux");
        let said = String::from_utf8_lossy(&[inner.stdout, inner.stderr].concat()).into_owned();
        assert!(
            inner.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    current().block_on(async {
        // The hook has none of the agent's capabilities.
        let tables = "[[array.target]]\npath = '{folder}/web.keytab'\nowner = '33'\n\
                      group = '33'\nmode = '0400'\n[[array.hook]]\ncommand = ['/bin/sh', '-c', \
                      'grep -Eq \"^CapEff:\\s*0+$\" /proc/self/status']\n";
        keyroll_agent::platform::protect();
        let scene = Scene::with(tables).await;
        if std::env::var_os(INSIDE).is_none() {
            let why = refusal(&scene, 1, 0).await;
            assert!(why.contains("Operation not permitted"), "{why}");
            return;
        }
        let mut controller = scene.controller().await;
        for version in 1..=2 {
            let keyset = keyset(1, version, &AFTER[..usize::try_from(version).unwrap()]);
            controller.stage(stage(keyset)).await.unwrap();
            use std::os::unix::fs::MetadataExt as _;
            let found = std::fs::metadata(scene.path("web.keytab")).unwrap();
            let access = (found.uid(), found.gid(), found.mode() & 0o7777);
            assert_eq!(access, (33, 33, 0o400));
        }
        let inventory = controller.look(look("web")).await.unwrap().into_inner();
        assert_eq!(inventory.targets[0].entries.len(), 2);
        assert_eq!(inventory.targets[0].trouble, "");
    });
}
