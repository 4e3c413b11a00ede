//! What a copy is worth, and what somebody else writes there: R21.

use super::*;

#[tokio::test]
async fn r21_a_copy_tells_every_touched_line_and_every_foreign_signature() {
    let scratch = scratch();
    let path = scratch.folder.path().join("audit.jsonl");
    write(&scratch.store, 1_100);
    let served = serve(scratch, &file(&path));
    served.settle().await;
    let key = served.scratch.store.audit_key();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let judge = |lines: &[&str], key| {
        let text = lines.join("\n");
        verify_copy(text.as_bytes(), key, None).unwrap().trouble
    };
    assert_eq!(judge(&lines, key), None);
    assert_eq!(judge(&lines[500..], key), None, "it may begin anywhere");
    let other = crate::seal::Seal::new(&[9; 32]).audit_key();
    let trouble = judge(&lines, other).unwrap();
    assert!(trouble.contains("has not signed"), "{trouble}");
    for at in [0, 1, 500, 998, 999, 1000, 1050] {
        let mut dropped = lines.clone();
        dropped.remove(at);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        let edited = lines[at]
            .replacen("web", "wex", 1)
            .replacen("signed", "sealed", 1);
        let mut changed = lines.clone();
        changed[at] = &edited;
        // What no hash covers.
        let said_more = lines[at].replacen('{', "{\"approved-by\":\"bob\",", 1);
        let mut more = lines.clone();
        more[at] = &said_more;
        for (how, lines) in [
            // Where a copy begins is nobody's to say, so the first may be missing.
            ("dropped", if at == 0 { vec!["{}"] } else { dropped }),
            ("doubled", doubled),
            ("swapped", swapped),
            ("changed", changed),
            ("said more", more),
            ("torn", vec![lines[0], &lines[at][..20]]),
        ] {
            assert!(judge(&lines, key).is_some(), "line {at} {how}: not found");
        }
    }
}

#[tokio::test]
async fn r21_a_copy_is_worth_what_its_checkpoints_cover() {
    let scratch = scratch();
    write(&scratch.store, 2_100);
    let store = &scratch.store;
    let whole = newest(store, 9_999, "").unwrap();
    let whole: Vec<Entry> = whole.into_iter().rev().collect();
    let key = store.audit_key();
    let judge = |entries: &[Entry], head: Option<&str>| {
        let lines = entries
            .iter()
            .map(|entry| serde_json::to_string(entry).unwrap());
        let text = lines.collect::<Vec<_>>().join("\n");
        verify_copy(text.as_bytes(), key, head).unwrap()
    };
    let verdict = judge(&whole, None);
    assert_eq!((verdict.trouble, verdict.signed), (None, 2_000));
    assert_eq!(verdict.last, 2_102);
    // What begins with a checkpoint is not signed by that.
    let verdict = judge(&whole[999..1_500], None);
    assert_eq!((verdict.trouble, verdict.signed), (None, 0));
    // A chain that somebody has made anew, without the key.
    let forged = |entries: &[Entry], from: usize| {
        let mut made: Vec<Entry> = entries[..from].to_vec();
        for entry in &entries[from..] {
            let before = made.last().map_or("", |last: &Entry| last.hash.as_str());
            let head: audit::Head = serde_json::from_value(serde_json::json!({
                "number": made.len(), "hash": before,
            }))
            .unwrap();
            made.push(head.next(event(&entry.event.detail)));
        }
        made
    };
    let verdict = judge(&forged(&whole[..900], 0), None);
    assert_eq!((verdict.trouble, verdict.signed), (None, 0));
    let trouble = judge(&forged(&whole, 0), None).trouble.unwrap();
    assert!(trouble.contains("no checkpoint since entry 0"), "{trouble}");
    let trouble = judge(&forged(&whole, 1_200), None).trouble.unwrap();
    assert!(
        trouble.contains("no checkpoint since entry 1000"),
        "{trouble}"
    );
    let trouble = judge(&forged(&whole, 1_200)[400..], None).trouble.unwrap();
    assert!(
        trouble.contains("no checkpoint since entry 1000"),
        "{trouble}"
    );
    // A tail that was cut off shows by the head.
    let head = verify(store).unwrap().head;
    assert_eq!(judge(&whole, Some(&head)).trouble, None);
    let trouble = judge(&whole[..2_050], Some(&head)).trouble.unwrap();
    assert!(trouble.contains("cut off"), "{trouble}");
}

#[tokio::test]
async fn r21_a_file_that_ends_with_what_is_no_entry_is_told_of() {
    let scratch = scratch();
    let path = scratch.folder.path().join("audit.jsonl");
    write(&scratch.store, 3);
    std::fs::write(&path, "rotated by mallory\n").unwrap();
    let served = serve(scratch, &file(&path));
    served.settle().await;
    let forks = served.sinks.forks();
    assert!(forks[0].1.contains("a line that is no entry"), "{forks:?}");
    let alarm = served.sinks.alarms().next().unwrap();
    assert_eq!(alarm.code, "audit-fork");
}
