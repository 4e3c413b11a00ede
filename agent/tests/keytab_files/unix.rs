//! Modes, links, and a full disk: a tmpfs of a few pages in a user namespace (skipped where the
//! kernel grants none).

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use keyroll::keytab::TargetKind;
use keyroll_agent::atomic_file::Access;
use keyroll_agent::keytab_file::wipe;

use super::{OURS, keyset, kvnos, names_in, stage, target};

pub fn for_a_group() -> Access {
    Access {
        owner: None,
        group: None,
        mode: Some(0o640),
        list: None,
    }
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("shadow");
    fs::write(&elsewhere, b"precious").unwrap();
    for kind in [TargetKind::Owned, TargetKind::Shared] {
        let file = target(folder.path().join("link"), kind);
        std::os::unix::fs::symlink(&elsewhere, &file.path).unwrap();
        stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap_err();
        let written = BTreeSet::from([file.path.clone()]);
        let scope = keyset(7, OURS).principals;
        wipe(std::slice::from_ref(&file), &written, &scope).unwrap_err();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
        fs::remove_file(&file.path).unwrap();
    }
}

/// Where the test below finds the small disk when it runs inside the namespace.
const SMALL_DISK: &str = "KEYROLL_TEST_SMALL_DISK";

#[test]
fn r15_a_full_disk_leaves_the_old_file() {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return on_a_full_disk(Path::new(&disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=16k none {0} && \
         exec {1} --exact unix::r15_a_full_disk_leaves_the_old_file",
        folder.path().display(),
        std::env::current_exe().unwrap().display(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let output = runtime.block_on(async {
        tokio::process::Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .env(SMALL_DISK, folder.path())
            .output()
            .await
            .unwrap()
    });
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if said.contains("unshare failed") || said.contains("permission denied") {
        return; // No user namespaces here.
    }
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

fn on_a_full_disk(disk: &Path) {
    let owned = target(disk.join("owned"), TargetKind::Owned);
    let shared = target(disk.join("shared"), TargetKind::Shared);
    let both = [owned, shared];
    stage(&both, &keyset(1, OURS)).unwrap();
    let before: Vec<_> = both
        .iter()
        .map(|target| fs::read(&target.path).unwrap())
        .collect();
    let mut ballast = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(disk.join("ballast"))
        .unwrap();
    std::io::Write::write_all(&mut ballast, &[1; 64 * 1024]).unwrap_err();
    // More names than fit into the page that is left of each file.
    let names: Vec<String> = (0..60)
        .map(|n| format!("HTTP/web{n}.corp.example@R"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for target in &both {
        let refused = stage(std::slice::from_ref(target), &keyset(2, &names)).unwrap_err();
        let why = keyroll_agent::trouble::chain(&refused);
        assert!(why.contains("No space left"), "{why}");
    }
    let after: Vec<_> = both
        .iter()
        .map(|target| fs::read(&target.path).unwrap())
        .collect();
    assert!(
        before == after,
        "a file was changed though there was no room"
    );
    assert_eq!(names_in(disk).len(), 3, "a temporary file was left behind");
}

#[test]
fn r15_a_folder_that_cannot_be_written_keeps_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let outcome = stage(std::slice::from_ref(&file), &keyset(2, OURS));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    // Root may write everywhere; everybody else is told.
    let expected = if outcome.is_ok() { [2, 3] } else { [1, 2] };
    assert_eq!(kvnos(&file, OURS[0]), expected);
}
