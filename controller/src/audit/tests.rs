use proptest::prelude::*;

use super::chain::{Head, Link};
use super::*;
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
    let mut head = Head::default();
    let entry = |number| {
        let entry = head.next(event(number));
        head = Head::at(&entry);
        entry
    };
    (1..=entries).map(entry).collect()
}

fn check(entries: &[Entry], head: &Head) -> Result<(), String> {
    let mut link = Link::default();
    entries.iter().try_for_each(|entry| link.take(entry))?;
    link.ends_at(head)
}

#[test]
fn r21_every_tampering_at_every_entry_is_found() {
    let whole = chain(300);
    let head = Head::at(&whole[299]);
    check(&whole, &head).unwrap();
    for at in 0..whole.len() {
        let mut changes: Vec<Vec<Entry>> = Vec::new();
        let mut edit = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut entries = whole.clone();
            change(&mut entries);
            changes.push(entries);
        };
        edit(&|entries| drop(entries.remove(at)));
        edit(&|entries| entries.truncate(at));
        edit(&|entries| entries.insert(at, entries[at].clone()));
        edit(&|entries| entries.swap(at, (at + 1) % 300));
        edit(&|entries| entries[at].event.actor.push('x'));
        edit(&|entries| entries[at].event.at_unix_millis += 1);
        edit(&|entries| {
            // A field's end moved into the next one: the bytes in a row are the same.
            let event = &mut entries[at].event;
            let last = event.actor.pop().unwrap();
            event.verb.insert(0, last);
        });
        edit(&|entries| {
            // Rewritten with a hash of its own that fits, as far as it goes.
            let before = at
                .checked_sub(1)
                .map_or_else(Head::default, |at| Head::at(&entries[at]));
            entries[at] = before.next(event(-1));
        });
        for (how, changed) in changes.iter().enumerate() {
            assert!(
                check(changed, &head).is_err(),
                "change {how} at {at} was not found"
            );
        }
    }
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
    let whole = verify(store).unwrap();
    assert_eq!((whole.entries, whole.trouble), (1004, None));
    let newest = newest(store, 3, "").unwrap();
    assert_eq!(newest[0].hash, whole.head);
    let numbers: Vec<u64> = newest.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1004, 1003, 1002]);
    let about = super::newest(store, 2, "erp").unwrap();
    assert_eq!(
        about.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        [1003, 1001]
    );

    // With the sealing key, rows can be rewritten; the chain still shows it.
    let forged = chain(1005).pop().unwrap();
    let head = store.audit_head().unwrap().unwrap();
    store
        .write(|change| change.put_audit(&forged, &head))
        .unwrap();
    let trouble = verify(store).unwrap().trouble.unwrap();
    assert!(
        trouble.contains("ends at entry 1005, and 1004"),
        "{trouble}"
    );
    let mut edited = newest[1].clone();
    edited.event.detail = "edited".into();
    store
        .write(|change| change.put_audit(&edited, &head))
        .unwrap();
    let trouble = verify(store).unwrap().trouble.unwrap();
    assert!(trouble.contains("entry 1003"), "{trouble}");
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
