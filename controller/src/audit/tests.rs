use proptest::prelude::*;

use super::chain::{Head, Link};
use super::*;
use crate::seal::Seal;
use crate::store::tests::scratch;

fn event(number: i64) -> Event {
    Event {
        at_unix_millis: number,
        actor: "alice".into(),
        verb: "StartRoll".into(),
        object: if number % 2 == 0 { "web" } else { "crm erp" }.into(),
        outcome: "done".into(),
        detail: String::new(),
    }
}

fn chain(entries: i64) -> Vec<Entry> {
    let (seal, mut head) = (Seal::new(&[1; 32]), Head::default());
    let entry = |number| {
        // As the store writes them: checkpoints among them.
        let event = match head.is_due() {
            true => checkpoint::event(&seal, &head, number),
            false => event(number),
        };
        let entry = head.next(event);
        head = head.after(&entry);
        entry
    };
    (1..=entries).map(entry).collect()
}

/// The head that an entry is.
fn at(entry: &Entry) -> Head {
    Head::default().after(entry)
}

/// Goes on from `link` along `entries`, to the end that was noted.
fn check<'a>(
    mut link: Link,
    entries: impl IntoIterator<Item = &'a Entry>,
    head: &Head,
) -> Result<(), String> {
    let mut entries = entries.into_iter();
    entries.try_for_each(|entry| link.take(entry))?;
    link.ends_at(head)
}

type Entries<'a> = Box<dyn Iterator<Item = &'a Entry> + 'a>;

/// One entry in another's place, before the rest.
fn instead<'a>(one: &'a Entry, rest: &'a [Entry]) -> Entries<'a> {
    Box::new([one].into_iter().chain(rest))
}

#[test]
fn r21_every_tampering_at_every_entry_is_found() {
    let whole = chain(10_000);
    let start = Link::from_the_first(Seal::new(&[1; 32]).audit_key());
    let head = at(&whole[9_999]);
    check(start.clone(), &whole, &head).unwrap();
    // How far the verifier has come before the entry that somebody has touched.
    let mut link = start;
    for place in 0..whole.len() {
        let (here, rest) = (&whole[place], &whole[place + 1..]);
        let edited = |edit: &dyn Fn(&mut Event)| {
            let mut entry = here.clone();
            edit(&mut entry.event);
            entry
        };
        // Rewritten with a hash of its own that fits, as far as it goes.
        let before = place.checked_sub(1).map(|before| at(&whole[before]));
        let rehashed = before.unwrap_or_default().next(event(-1));
        let later = edited(&|event| event.at_unix_millis += 1);
        let renamed = edited(&|event| event.actor.push('x'));
        // A field's end moved into the next one: the bytes in a row are the same.
        let moved = edited(&|event| {
            let last = event.actor.pop().unwrap();
            event.verb.insert(0, last);
        });
        let swapped = rest
            .first()
            .into_iter()
            .chain([here])
            .chain(rest.iter().skip(1));
        let mut changes: Vec<(&str, Entries<'_>)> = vec![
            ("dropped", Box::new(rest.iter())),
            ("cut off", Box::new([].into_iter())),
            ("inserted", Box::new([here, here].into_iter().chain(rest))),
            ("later", instead(&later, rest)),
            ("renamed", instead(&renamed, rest)),
            ("moved", instead(&moved, rest)),
            ("rehashed", instead(&rehashed, rest)),
        ];
        if !rest.is_empty() {
            changes.push(("reordered", Box::new(swapped)));
        }
        for (how, entries) in changes {
            let found = check(link.clone(), entries, &head);
            assert!(found.is_err(), "entry {place} {how}: not found");
        }
        link.take(here).unwrap();
    }
}

/// A copy may begin anywhere, and whoever has made it up may have written any number.
#[test]
fn r21_nothing_follows_the_last_of_all_numbers() {
    let mut link = Link::from_anywhere(Seal::new(&[1; 32]).audit_key());
    let mut entry = Head::default().next(event(1));
    entry.number = u64::MAX;
    link.take(&entry).unwrap();
    let why = link.take(&entry).unwrap_err();
    assert!(why.contains("nothing follows"), "{why}");
}

#[test]
fn r21_the_rows_are_checked_and_so_is_the_end() {
    let scratch = scratch();
    let store = &scratch.store;
    let empty = verify(store).unwrap();
    assert_eq!((empty.entries, empty.trouble), (0, None));
    // Over the edge of a page, so that the pages are seen to follow one another.
    let written = store.write(|change| {
        (1..=1003).try_for_each(|number| append_within(change, event(number)).map(drop))
    });
    written.unwrap();
    append(store, event(1004)).unwrap();
    // The thousandth is a checkpoint.
    let whole = verify(store).unwrap();
    assert_eq!((whole.entries, whole.checkpoints), (1005, 1));
    assert_eq!((whole.signed, whole.trouble), (1000, None));
    let newest = newest(store, 3, "").unwrap();
    assert_eq!(newest[0].hash, whole.head);
    let numbers: Vec<u64> = newest.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1005, 1004, 1003]);
    let about = super::newest(store, 2, "erp").unwrap();
    assert_eq!(
        about.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        [1004, 1002]
    );

    // With the sealing key, rows can be rewritten; the chain still shows it.
    let head = store.audit_head().unwrap().unwrap();
    let forged = head.next(event(7));
    store
        .write(|change| change.put_audit(&forged, &head))
        .unwrap();
    let trouble = verify(store).unwrap().trouble.unwrap();
    assert!(
        trouble.contains("ends at entry 1006, and 1005"),
        "{trouble}"
    );
    let mut edited = newest[1].clone();
    edited.event.detail = "edited".into();
    store
        .write(|change| change.put_audit(&edited, &head))
        .unwrap();
    let trouble = verify(store).unwrap().trouble.unwrap();
    assert!(trouble.contains("entry 1004"), "{trouble}");
}

#[test]
fn an_event_of_a_change_that_failed_is_not_in_the_chain() {
    let scratch = scratch();
    append(&scratch.store, event(1)).unwrap();
    let failed: Result<(), StoreError> = scratch.store.write(|change| {
        append_within(change, event(2))?;
        Err(StoreError::missing(&"web".parse().unwrap()))
    });
    assert!(failed.is_err());
    append(&scratch.store, event(3)).unwrap();
    let verdict = verify(&scratch.store).unwrap();
    assert_eq!((verdict.entries, verdict.trouble), (2, None));
}

proptest! {
    #[test]
    fn no_two_events_have_one_hash(one in [".*", ".*", ".*"], two in [".*", ".*", ".*"]) {
        let hash = |fields: &[String; 3]| {
            let [actor, verb, object] = fields.clone();
            Head::default().next(Event { actor, verb, object, ..event(1) }).hash
        };
        prop_assert_eq!(one == two, hash(&one) == hash(&two));
    }
}

#[test]
fn an_entry_is_no_longer_than_a_line_may_be_and_tells_what_was_cut() {
    let scratch = scratch();
    let long = "\u{1}".repeat(100_000) + "ä";
    let event = Event {
        at_unix_millis: 1,
        actor: long.clone(),
        verb: long.clone(),
        object: long.clone(),
        outcome: "ä".repeat(150),
        detail: long,
    };
    append(&scratch.store, event).unwrap();
    let entry = newest(&scratch.store, 1, "").unwrap().remove(0);
    assert!(serde_json::to_string(&entry).unwrap().len() < 48 * 1024);
    let mark = " [cut: 300 bytes, sha256 ";
    assert!(entry.event.outcome.starts_with(&("ä".repeat(100) + mark)));
    assert!(entry.event.object.contains("[cut: 100002 bytes, sha256 "));
    assert_eq!(verify(&scratch.store).unwrap().trouble, None);
}
