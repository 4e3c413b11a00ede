//! Keytab files on a real file system: what others write beside us stays, what cannot be written
//! whole is not begun, and nobody reads a key who should not.
//!
//! How: real files and real locks.

#![expect(
    clippy::disallowed_methods,
    reason = "a test loses files as a careless person would"
)]

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::{Entry, TargetFilter, TargetKind};
use keyroll::secret::SecretBytes;
use keyroll_agent::atomic_file::Access;
use keyroll_agent::keytab_file::{KeytabError, Order, Target, prepare, wipe};
use keyroll_agent::platform::stamp;
use keyroll_agent::shared_file::{LockedFile, Purpose};

fn key(byte: u8) -> Key {
    let enctype = Enctype::Aes256CtsHmacSha1;
    Key::new(enctype, SecretBytes::new(vec![byte; enctype.key_length()])).unwrap()
}

fn keyset(kvno: u32, names: &[&str]) -> Keyset {
    let generation = |role, kvno: u32| GenerationKeys {
        role,
        kvno: Kvno(kvno),
        keys: vec![key(u8::try_from(kvno % 251).unwrap())],
        origin: None,
    };
    Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(1),
        version: Version(u64::from(kvno)),
        principals: names.iter().map(|name| name.parse().unwrap()).collect(),
        generations: vec![
            generation(Role::Current, kvno),
            generation(Role::Pending, kvno + 1),
        ],
        unlisted: Unlisted::Remove,
    }
}

const OURS: &[&str] = &["HTTP/web.corp.example@CORP.EXAMPLE"];

fn target(path: PathBuf, kind: TargetKind) -> Target {
    let filter = TargetFilter {
        kind,
        principals: None,
        enctypes: None,
    };
    #[cfg(unix)]
    let access = unix::for_a_group();
    #[cfg(windows)]
    let access = Access::default();
    Target {
        path,
        filter,
        access,
    }
}

fn stage(targets: &[Target], keyset: &Keyset) -> Result<(), KeytabError> {
    let order = Order {
        keyset,
        scope: &keyset.principals,
        // What is not ours is refused by the node, not here.
        written: &targets
            .iter()
            .map(|target| (target.path.clone(), Access::default()))
            .collect(),
        ours: &targets.iter().map(|target| target.path.clone()).collect(),
        timestamp: 1,
    };
    prepare(targets, order)?.commit()
}

fn kvnos(target: &Target, principal: &str) -> Vec<u32> {
    let entries = target.entries().unwrap();
    let of = |entry: &Entry| entry.principal.to_string() == principal;
    let mut kvnos: Vec<u32> = entries
        .iter()
        .flatten()
        .filter(|one| of(one))
        .map(|one| one.kvno.0)
        .collect();
    kvnos.sort_unstable();
    kvnos
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn an_owned_file_is_for_those_it_is_meant_for_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    // What a crash in the middle of an earlier replacement leaves: it may hold keys.
    fs::write(folder.path().join(".k.keyroll-00"), b"key").unwrap();
    stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap();
    assert_eq!(names_in(folder.path()), ["k"]);
    assert!(!file.is_open_to_others());
    #[cfg(unix)]
    assert_eq!(unix::mode(&file.path), 0o640);
    assert_eq!(kvnos(&file, OURS[0]), [7, 8]);
    let before = stamp(&fs::metadata(&file.path).unwrap());
    stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap();
    assert_eq!(
        stamp(&fs::metadata(&file.path).unwrap()),
        before,
        "a repetition wrote again"
    );
    // A repetition that has nothing to write clears up too, and so does a wipe.
    let leave = || fs::write(folder.path().join(".k.keyroll-01"), b"key").unwrap();
    leave();
    stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap();
    assert_eq!(names_in(folder.path()), ["k"]);
    leave();
    let written = BTreeSet::from([file.path.clone()]);
    wipe(std::slice::from_ref(&file), &written, &[]).unwrap();
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn a_second_name_is_refused_and_what_it_names_is_not_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    let written = BTreeSet::from([file.path.clone()]);
    stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap();
    let second = folder.path().join("second");
    fs::hard_link(&file.path, &second).unwrap();
    let refused = [
        stage(std::slice::from_ref(&file), &keyset(8, OURS)).unwrap_err(),
        wipe(std::slice::from_ref(&file), &written, &[]).unwrap_err(),
    ];
    for error in refused {
        let why = keyroll_agent::trouble::chain(&error);
        assert!(why.contains("hard links"), "{why}");
    }
    assert_eq!(kvnos(&file, OURS[0]), [7, 8], "it was changed");
    fs::remove_file(&second).unwrap();
    // What lies in the place of a leftover by a second name, or a link, is another's.
    let precious = folder.path().join("precious");
    fs::write(&precious, b"precious").unwrap();
    fs::hard_link(&precious, folder.path().join(".k.keyroll-01")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&precious, folder.path().join(".k.keyroll-02")).unwrap();
    stage(std::slice::from_ref(&file), &keyset(8, OURS)).unwrap();
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
    assert_eq!(names_in(folder.path()).len(), 2, "leftovers are there yet");
}

#[test]
fn a_folder_in_the_place_of_a_leftover_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    fs::create_dir(folder.path().join(".k.keyroll-01")).unwrap();
    stage(std::slice::from_ref(&file), &keyset(7, OURS)).unwrap();
    assert_eq!(kvnos(&file, OURS[0]), [7, 8]);
    let written = BTreeSet::from([file.path.clone()]);
    wipe(std::slice::from_ref(&file), &written, &[]).unwrap();
    assert_eq!(names_in(folder.path()), [".k.keyroll-01"]);
}

#[test]
fn a_client_keytab_holds_what_the_directory_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("client"), TargetKind::Client);
    stage(std::slice::from_ref(&file), &keyset(300, OURS)).unwrap();
    assert_eq!(kvnos(&file, OURS[0]), [300]);
}

#[test]
fn a_set_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let good = target(folder.path().join("good"), TargetKind::Owned);
    let shared = target(folder.path().join("shared"), TargetKind::Shared);
    fs::write(&shared.path, b"\x05\x02\0\0\0\x09cut").unwrap();
    let refused = stage(&[good.clone(), shared.clone()], &keyset(7, OURS)).unwrap_err();
    assert!(format!("{refused}").contains("shared"), "{refused}");
    assert_eq!(fs::read(&shared.path).unwrap(), b"\x05\x02\0\0\0\x09cut");
    assert_eq!(
        names_in(folder.path()),
        ["shared"],
        "the good one was begun"
    );
}

/// Another program: locks the file, appends one entry as MIT does, unlocks.
fn append_foreign(path: &Path, kvno: u32) {
    use keyroll::keytab::{SharedEdit, wanted};
    let file = LockedFile::open(path, Purpose::Write, Duration::from_secs(20)).unwrap();
    let bytes = file.read().unwrap();
    let other = keyset(kvno, &["host/web.corp.example@CORP.EXAMPLE"]);
    let filter = TargetFilter {
        kind: TargetKind::Client,
        principals: None,
        enctypes: None,
    };
    let wanted = wanted(&other, &filter);
    let unlisted = Unlisted::Keep;
    let edit = SharedEdit {
        wanted: &wanted,
        scope: &other.principals,
        unlisted,
        timestamp: 1,
    };
    for patch in keyroll::keytab::edit::shared(bytes.expose(), &edit).unwrap() {
        file.perform(&patch).unwrap();
    }
}

/// Races with another writer, each of them one entry of its own. A file gets a hundred of them.
const RACES: u32 = 10_000;

#[test]
fn r14_in_ten_thousand_races_nothing_that_others_add_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..RACES / 100 {
        race(&folder.path().join(format!("{number}.keytab")), 100);
    }
}

fn race(path: &Path, added: u32) {
    let file = target(path.to_owned(), TargetKind::Shared);
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    let (over, done) = (AtomicBool::new(false), AtomicU32::new(0));
    let last = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            for kvno in 1..=added {
                append_foreign(path, kvno);
                done.store(kvno, Ordering::Relaxed);
            }
        });
        let own = scope.spawn(|| {
            let mut kvno = 1;
            // Once for each of theirs, or they would never be given the lock.
            while !over.load(Ordering::Relaxed) {
                let theirs = done.load(Ordering::Relaxed);
                kvno += 1;
                stage(std::slice::from_ref(&file), &keyset(kvno, OURS)).unwrap();
                while done.load(Ordering::Relaxed) == theirs && !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            }
            kvno
        });
        scope.spawn(|| {
            // A reader without a lock, as Java's and Go's are, finds a whole file each time.
            while !over.load(Ordering::Relaxed) {
                let bytes = fs::read(path).unwrap();
                keyroll::keytab::Framing::parse(&bytes).expect("a reader met a torn file");
            }
        });
        let others = others.join();
        over.store(true, Ordering::Relaxed);
        others.unwrap();
        own.join().unwrap()
    });
    let foreign = kvnos(&file, "host/web.corp.example@CORP.EXAMPLE");
    assert_eq!(foreign, (1..=added).collect::<Vec<_>>());
    assert_eq!(kvnos(&file, OURS[0]), [last, last + 1]);
    let scope = keyset(last, OURS).principals;
    wipe(std::slice::from_ref(&file), &BTreeSet::new(), &scope).unwrap();
    assert_eq!(kvnos(&file, OURS[0]), [0; 0]);
    assert_eq!(kvnos(&file, "host/web.corp.example@CORP.EXAMPLE"), foreign);
}

#[test]
fn a_lock_that_is_never_given_back_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("krb5.keytab");
    LockedFile::create(&path, &Access::PRIVATE).unwrap();
    let _held = LockedFile::open(&path, Purpose::Write, Duration::ZERO).unwrap();
    let refused = LockedFile::open(&path, Purpose::Read, Duration::from_millis(80)).unwrap_err();
    let why = keyroll_agent::trouble::chain(&refused);
    assert!(why.contains("another program holds its lock"), "{why}");
}

#[test]
fn while_an_account_is_adopted_unknown_keys_stay_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [
        ("owned", TargetKind::Owned),
        ("shared", TargetKind::Shared),
        ("client", TargetKind::Client),
    ] {
        let target = target(folder.path().join(name), kind);
        // What was in service before anybody asked keyroll: kvno 4 (and 5, not for initiators).
        stage(std::slice::from_ref(&target), &keyset(4, OURS)).unwrap();
        let before = kvnos(&target, OURS[0]);
        let mut adopting = keyset(8, OURS);
        adopting.generations.remove(0);
        adopting.unlisted = Unlisted::Keep;
        stage(std::slice::from_ref(&target), &adopting).unwrap();
        let mut held = kvnos(&target, OURS[0]);
        held.sort_unstable();
        match kind {
            TargetKind::Client => assert_eq!(held, before, "initiators keep what works"),
            _ => assert_eq!(
                held,
                [4, 5, 9],
                "{name}: old keys stay, the pending one comes"
            ),
        }
        // A repetition changes nothing, and the end of the drain clears up.
        stage(std::slice::from_ref(&target), &adopting).unwrap();
        let mut last = keyset(9, OURS);
        last.generations.remove(1);
        stage(std::slice::from_ref(&target), &last).unwrap();
        assert_eq!(kvnos(&target, OURS[0]), [9], "{name}");
    }
}
