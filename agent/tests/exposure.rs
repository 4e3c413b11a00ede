//! R13: at no moment can anybody read a keytab who should not, whatever the process's umask is.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyroll::secret::SecretBytes;
use keyroll_agent::atomic_file::{Access, replace};

const WRITES: usize = 10_000;
const MODE: u32 = 0o640;

/// What is wrong with who may read a file of the folder just now.
fn exposed(path: &Path, group: u32) -> Option<String> {
    // Gone between the listing and the look: nobody can read it.
    let found = fs::symlink_metadata(path).ok()?;
    let mode = found.mode() & 0o7777;
    // Empty, it may be its maker's alone; with a key in it, it is as it will be.
    let fits = match found.len() {
        0 => mode & !MODE == 0,
        _ => mode == MODE && found.gid() == group,
    };
    let (name, size) = (path.display(), found.len());
    (!fits).then(|| format!("{name}: {size} bytes, mode {mode:o}, group {}", found.gid()))
}

#[test]
fn r13_ten_thousand_writes_leave_no_moment_in_which_others_can_read() {
    // In memory: what is looked for is the order of the steps, not the disk.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    rustix::process::umask(rustix::fs::Mode::empty());
    let path = folder.path().join("web.keytab");
    let root = rustix::process::geteuid().is_root();
    let group = if root {
        4242
    } else {
        rustix::process::getegid().as_raw()
    };
    let access = Access {
        owner: None,
        group: Some(group),
        mode: Some(MODE),
        list: None,
    };
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let names = fs::read_dir(folder.path()).unwrap().flatten();
                for entry in names {
                    looks.fetch_add(1, Ordering::Relaxed);
                    seen.extend(exposed(&entry.path(), group));
                }
            }
            seen
        });
        for number in 0..WRITES {
            let bytes = SecretBytes::new(vec![u8::try_from(number % 251).unwrap(); 200]);
            replace(&path, &bytes, &access).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert!(
        seen.is_empty(),
        "{} of {looks:?} looks: {}",
        seen.len(),
        seen[0]
    );
    let looks = looks.into_inner();
    assert!(looks > WRITES / 10, "only {looks} looks");
}

#[test]
fn r13_the_look_bites() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open");
    fs::write(&path, b"key").unwrap();
    let group = fs::metadata(&path).unwrap().gid();
    fs::set_permissions(&path, fs::Permissions::from_mode(MODE)).unwrap();
    assert_eq!(exposed(&path, group), None);
    assert!(exposed(&path, group + 1).is_some());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(exposed(&path, group).is_some());
}
