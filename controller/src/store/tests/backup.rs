use keyroll::name::ArrayName;
use keyroll::secret::SecretBytes;

use super::*;
use crate::audit::{self, Event};

const NOW: i64 = 1_800_000_000;

/// A store with one of everything, and its backup.
fn backed_up() -> (Scratch, Vec<u8>) {
    let scratch = scratch();
    let node = NodeRecord::invited("n1.corp.example".parse().unwrap(), "n1:7443".into());
    let token = SecretBytes::new(vec![7; 32]);
    let kept = scratch.store.write(|change| {
        change.put_array(&array("web"))?;
        change.put_node(&node)?;
        change.issue_token(&token, &node.name, NOW, NOW + 600)?;
        let event = Event {
            at_unix_millis: 1,
            actor: "a".into(),
            verb: "v".into(),
            object: "o".into(),
            outcome: "done".into(),
            detail: String::new(),
        };
        audit::append_within(change, event)?;
        Ok::<_, StoreError>(())
    });
    kept.unwrap();
    let mut bytes = Vec::new();
    let head = scratch.store.back_up(&mut bytes, here(), NOW).unwrap();
    assert_eq!((head.made_unix, head.epoch), (NOW, Epoch(0)));
    (scratch, bytes)
}

fn here() -> &'static Path {
    Path::new("/the/backup")
}

fn look(bytes: &[u8]) -> Result<(Store, Head), BackupError> {
    Store::of_backup(bytes, here(), seal())
}

#[test]
fn a_restored_store_holds_everything_but_tokens_and_says_that_it_is_stale() {
    let (scratch, bytes) = backed_up();
    let folder = private_folder();
    let place = folder.path().join("state");
    let (restored, _) =
        Store::restore(&place, &*bytes, here(), seal(), NOW * 1000 + 5_000).unwrap();
    drop(restored);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&place.join("state.redb")), 0o600);
    let (store, epoch) = Store::open(&place, seal()).unwrap();
    assert_eq!(epoch, Epoch(1), "the epoch goes on from the backup's");
    let web: ArrayName = "web".parse().unwrap();
    let found = store.array(&web).unwrap().unwrap();
    let why = found.stale.clone().unwrap();
    assert!(why.contains("backup of 2027-01-15 08:00:00 UTC"), "{why}");
    let unmarked = ArrayRecord {
        stale: None,
        ..found
    };
    assert_eq!(Some(unmarked), scratch.store.array(&web).unwrap());
    assert_eq!(store.nodes().unwrap(), scratch.store.nodes().unwrap());
    assert!(store.tokens().unwrap().is_empty(), "a token is good again");
    assert_eq!(scratch.store.tokens().unwrap().len(), 1);
    assert_eq!(store.meta().unwrap().remembers_until_unix, NOW);
    let verdict = audit::verify(&store).unwrap();
    assert_eq!((verdict.entries, verdict.trouble), (2, None));
}

#[test]
fn a_restore_never_replaces_a_store() {
    let (scratch, bytes) = backed_up();
    let before = std::fs::read(scratch.folder.path().join("state.redb")).unwrap();
    let again = Store::restore(scratch.folder.path(), &*bytes, here(), seal(), 0);
    assert!(matches!(
        again,
        Err(BackupError::Store(StoreError::Present { .. }))
    ));
    let after = std::fs::read(scratch.folder.path().join("state.redb")).unwrap();
    assert_eq!(before, after);
}

#[test]
fn a_backup_that_was_cut_or_edited_anywhere_is_refused() {
    let (_scratch, bytes) = backed_up();
    assert!(look(&bytes).is_ok());
    // All of both ends, and a sample of the rows between.
    let ends = |at: &usize| *at < 64 || *at + 64 > bytes.len() || at.is_multiple_of(23);
    for length in (0..bytes.len()).filter(ends) {
        assert!(look(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in (0..bytes.len()).filter(ends) {
        let mut edited = bytes.clone();
        edited[at] ^= 1;
        assert!(look(&edited).is_err(), "edited at {at}");
    }
    let longer = [&bytes[..], b"x"].concat();
    assert!(matches!(look(&longer), Err(BackupError::Damaged { .. })));
}

#[test]
fn each_fault_of_a_backup_has_its_own_words_and_leaves_no_store() {
    let (_scratch, bytes) = backed_up();
    let later = [b"keyroll backup 2\n", &bytes[17..]].concat();
    let half = &bytes[..bytes.len() / 2];
    let mut edited = bytes.clone();
    let inside = edited.len() - 60;
    edited[inside] ^= 1;
    let cases: [(&[u8], &str); 5] = [
        (b"", "is no backup of keyroll"),
        (b"PK\x03\x04 something else", "is no backup of keyroll"),
        (&later, "later version of keyroll (format \"2\")"),
        (half, "too early"),
        (&edited, "is not as it was made"),
    ];
    let folder = private_folder();
    for (bytes, words) in cases {
        let refused = Store::restore(folder.path(), bytes, here(), seal(), 0);
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("/the/backup"), "{error}");
        assert!(!folder.path().join("state.redb").exists());
    }
    let stranger = Store::of_backup(&*bytes, here(), Arc::new(Seal::new(&[6; 32])));
    assert!(matches!(stranger, Err(BackupError::WrongSeal { .. })));
}
