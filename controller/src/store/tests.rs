mod backup;
mod broken;
mod crash;
mod journal;
mod tokens;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use keyroll::fence::Epoch;
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Sealed;

use super::row::{self, Source as _};
use super::*;
use crate::seal::Seal;

/// A store in a folder that goes when it is dropped.
pub(crate) struct Scratch {
    pub(crate) store: Arc<Store>,
    pub(crate) seal: Arc<Seal>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn seal() -> Arc<Seal> {
    Arc::new(Seal::new(&[5; 32]))
}

pub(crate) fn private_folder() -> tempfile::TempDir {
    let private = PermissionsExt::from_mode(0o700);
    tempfile::Builder::new()
        .permissions(private)
        .tempdir()
        .unwrap()
}

pub(crate) fn scratch() -> Scratch {
    let folder = private_folder();
    let realm = "CORP.EXAMPLE".parse().unwrap();
    let store = Store::create(folder.path(), &realm, seal()).unwrap();
    Scratch {
        store: Arc::new(store),
        seal: seal(),
        folder,
    }
}

pub(crate) fn array(name: &str) -> ArrayRecord {
    ArrayRecord {
        name: name.parse().unwrap(),
        account: Account {
            guid: [3; 16],
            sam_account_name: "WEB$".into(),
            kind: AccountKind::Computer,
            distinguished_name: "CN=WEB,DC=corp,DC=example".into(),
            principal: "WEB$@CORP.EXAMPLE".parse().unwrap(),
        },
        realm: "CORP.EXAMPLE".parse().unwrap(),
        spns: vec!["HTTP/web.corp.example".into()],
        spns_pending: Default::default(),
        enctypes: vec![keyroll::kerberos::Enctype::Aes256CtsHmacSha1],
        policy: Default::default(),
        password_length: 64,
        current: Some(GenerationRecord {
            number: keyroll::roll::GenerationNumber(1),
            kvno: keyroll::kerberos::Kvno(70_000),
            salt: None,
            secret: Sealed(vec![1, 2, 3]),
            password_known: false,
        }),
        previous: None,
        keyset_version: Default::default(),
        next_roll: keyroll::roll::RollNumber(1),
        next_generation: keyroll::roll::GenerationNumber(2),
        rolled_at_unix: None,
        schedule: None,
        schedule_set_unix: None,
        paused: None,
        founding: None,
        method: None,
        stale: None,
        unknown_keys_stay: false,
        drift: DriftRecord::default(),
        naming: NamingRecord::default(),
    }
}

fn reopen(folder: &Path) -> Result<(Store, Epoch), StoreError> {
    Store::open(folder, seal())
}

#[test]
fn rows_outlive_the_process_and_each_start_raises_the_epoch() {
    let scratch = scratch();
    let node = NodeRecord::invited("n1.corp.example".parse().unwrap(), "n1:7443".into());
    let written = scratch.store.write(|change| {
        change.put_array(&array("web"))?;
        change.put_array(&array("crm"))?;
        change.put_node(&node)?;
        assert_eq!(change.arrays()?.len(), 2, "a change sees itself");
        assert!(
            scratch.store.arrays().unwrap().is_empty(),
            "others see it when it is durable"
        );
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    let folder = scratch.folder;
    drop(scratch.store);
    for epoch in 1..4 {
        let (store, found) = reopen(folder.path()).unwrap();
        assert_eq!(found, Epoch(epoch));
        assert_eq!(
            store.array(&"web".parse().unwrap()).unwrap(),
            Some(array("web"))
        );
        assert_eq!(store.nodes().unwrap(), vec![node.clone()]);
        let removed = store.write(|change| change.remove_array(&"crm".parse().unwrap()));
        assert_eq!(removed.unwrap(), epoch == 1);
    }
}

#[test]
fn a_change_that_fails_leaves_nothing() {
    let scratch = scratch();
    let failed: Result<(), StoreError> = scratch.store.write(|change| {
        change.put_array(&array("web"))?;
        Err(StoreError::missing(&"web".parse().unwrap()))
    });
    assert!(matches!(failed, Err(StoreError::Gone { .. })));
    assert!(scratch.store.arrays().unwrap().is_empty());
}

#[test]
fn only_one_controller_opens_a_store_and_none_makes_it_anew() {
    let scratch = scratch();
    let (path, realm) = (scratch.folder.path(), "CORP.EXAMPLE".parse().unwrap());
    assert!(matches!(reopen(path), Err(StoreError::Locked { .. })));
    drop(scratch.store);
    let again = Store::create(path, &realm, seal());
    assert!(matches!(again, Err(StoreError::Present { .. })));
    assert!(reopen(path).is_ok());
    let stranger = Store::open(path, Arc::new(Seal::new(&[6; 32])));
    assert!(matches!(stranger, Err(StoreError::WrongSeal { .. })));
    assert_eq!(
        reopen(path).unwrap().1,
        Epoch(2),
        "a wrong key raises no epoch"
    );

    let empty = private_folder();
    assert!(matches!(
        reopen(empty.path()),
        Err(StoreError::Absent { .. })
    ));
    let unfinished = empty.path().join("state.redb.new");
    std::fs::write(unfinished, "cut off").unwrap();
    assert!(matches!(
        reopen(empty.path()),
        Err(StoreError::Absent { .. })
    ));
    assert!(Store::create(empty.path(), &realm, seal()).is_ok());
}

#[test]
fn others_can_neither_read_the_file_nor_enter_the_folder() {
    let scratch = scratch();
    let folder = scratch.folder.path();
    let file = folder.join("state.redb");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(folder), mode(&file)), (0o700, 0o600));
    drop(scratch.store);
    for (path, wide) in [(folder, 0o750), (file.as_path(), 0o640)] {
        let before = mode(path);
        std::fs::set_permissions(path, PermissionsExt::from_mode(wide)).unwrap();
        let error = reopen(folder).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod {before:04o}")), "{error}");
        std::fs::set_permissions(path, PermissionsExt::from_mode(before)).unwrap();
    }
    assert!(reopen(folder).is_ok());
}

#[test]
fn a_row_that_was_edited_moved_or_cut_is_named() {
    let scratch = scratch();
    let store = &scratch.store;
    store
        .write(|change| change.put_array(&array("web")))
        .unwrap();
    let good = store.database.fetch(row::ARRAYS, "web").unwrap().unwrap();
    let put = |key: &str, bytes: &[u8]| {
        let transaction = store.database.begin_write().unwrap();
        let mut table = transaction
            .open_table(row::definition(row::ARRAYS))
            .unwrap();
        table.insert(key, bytes).unwrap();
        drop(table);
        transaction.commit().unwrap();
    };
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 0x20;
        put("web", &flipped);
        let error = store.arrays().unwrap_err().to_string();
        assert!(error.contains("table arrays, row \"web\""), "{error}");
        assert!(!error.contains("CORP"), "content in {error}");
    }
    put("web", &good[..good.len() - 1]);
    assert!(store.arrays().is_err());
    put("web", &good);
    assert!(store.arrays().is_ok());
    put("crm", &good);
    assert!(
        store.array(&"crm".parse().unwrap()).is_err(),
        "a row was moved"
    );
}

#[test]
#[allow(clippy::print_stderr, reason = "a measurement is read by people")]
fn commits_take_milliseconds() {
    let scratch = scratch();
    let begun = std::time::Instant::now();
    let times = 50;
    for _ in 0..times {
        scratch
            .store
            .write(|change| change.put_array(&array("web")))
            .unwrap();
    }
    let each = begun.elapsed() / times;
    eprintln!("a durable commit takes {each:?}");
    // Two fsyncs; a second would mean that something else is waited for.
    assert!(each < std::time::Duration::from_secs(1));
}
