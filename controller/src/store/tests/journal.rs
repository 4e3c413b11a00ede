use std::time::Duration;

use keyroll::fence::Version;
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::name::ArrayName;
use keyroll::roll::{
    Cause, End, GenerationNumber, Leftover, Plan, Record, RollNumber, Sealed, State,
};

use super::*;

fn plan(array: &str, roll: u64) -> Record {
    let plan = Plan {
        array: array.parse().unwrap(),
        roll: RollNumber(roll),
        cause: Cause::Operator,
        actor: "alice".into(),
        policy: Default::default(),
        base: None,
        generation: GenerationNumber(roll),
        version: Version(4),
        members: ["n1".parse().unwrap()].into(),
        dcs: ["dc1".parse().unwrap()].into(),
        writer: "dc1".parse().unwrap(),
        enctypes: vec![Enctype::Aes256CtsHmacSha1],
        password_length: 64,
        leftovers: Vec::new(),
        cool_down: std::time::Duration::ZERO,
        unknown_keys_stay: false,
    };
    Record::Planned {
        plan: Box::new(plan),
    }
}

fn entry(record: Record) -> JournalEntry {
    JournalEntry {
        at_unix_millis: 1_000,
        reason: "because".into(),
        record,
    }
}

fn append(store: &Store, array: &ArrayName, roll: u64, record: Record) -> Result<(), StoreError> {
    let (roll, entries) = (RollNumber(roll), [entry(record)]);
    store
        .write(|change| change.append(array, roll, &entries))
        .map(drop)
}

fn refused() -> Record {
    Record::Refused {
        reasons: Vec::new(),
    }
}

#[test]
fn a_journal_is_read_back_in_order_after_a_restart() {
    let scratch = scratch();
    let web: ArrayName = "web".parse().unwrap();
    // Names of which one begins with the other must not see each other's rolls.
    let web2: ArrayName = "web-2".parse().unwrap();
    append(&scratch.store, &web2, 1, plan("web-2", 1)).unwrap();
    for roll in 1..=12 {
        append(&scratch.store, &web, roll, plan("web", roll)).unwrap();
        if roll < 12 {
            append(&scratch.store, &web, roll, refused()).unwrap();
        }
    }
    let folder = scratch.folder;
    drop(scratch.store);
    let (store, _) = reopen(folder.path()).unwrap();
    assert_eq!(
        store.records(&web, RollNumber(2)).unwrap(),
        vec![entry(plan("web", 2)), entry(refused())]
    );
    assert!(store.records(&web, RollNumber(13)).unwrap().is_empty());
    let open = store.open_roll(&web).unwrap().unwrap();
    assert_eq!(
        (open.number, open.roll.state()),
        (RollNumber(12), State::Planned)
    );
    let history = store.history(&web, 3).unwrap();
    let numbers: Vec<u64> = history.iter().map(|roll| roll.number.0).collect();
    assert_eq!(numbers, [12, 11, 10]);
    assert_eq!(history[1].roll.state(), State::Ended(End::Refused));
    append(&store, &web, 12, refused()).unwrap();
    assert!(store.open_roll(&web).unwrap().is_none());
    assert!(store.open_roll(&web2).unwrap().is_some());
}

#[test]
fn records_that_may_not_follow_are_never_written() {
    let scratch = scratch();
    let web: ArrayName = "web".parse().unwrap();
    let illegal = |outcome| matches!(outcome, Err(StoreError::Illegal { .. }));
    assert!(illegal(append(&scratch.store, &web, 1, Record::Done)));
    append(&scratch.store, &web, 1, plan("web", 1)).unwrap();
    assert!(illegal(append(&scratch.store, &web, 1, plan("web", 1))));
    let draining = Record::Draining {
        left: Duration::ZERO,
    };
    assert!(illegal(append(&scratch.store, &web, 1, draining)));
    assert_eq!(scratch.store.records(&web, RollNumber(1)).unwrap().len(), 1);
}

#[test]
fn a_record_that_is_missing_is_found_out() {
    let scratch = scratch();
    let web: ArrayName = "web".parse().unwrap();
    append(&scratch.store, &web, 1, plan("web", 1)).unwrap();
    append(&scratch.store, &web, 1, refused()).unwrap();
    let first = format!("web/{}/{}", row::numbered(1), row::numbered(1));
    scratch
        .store
        .write(|change| change.remove(row::ROLLS, &first))
        .unwrap();
    let error = scratch.store.records(&web, RollNumber(1)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn the_end_of_a_roll_and_its_array_are_durable_together_or_not_at_all() {
    let scratch = scratch();
    let web: ArrayName = "web".parse().unwrap();
    let mut after = array("web");
    after.keyset_version = Version(9);
    let failed: Result<(), StoreError> = scratch.store.write(|change| {
        change.put_array(&after)?;
        change
            .append(&web, RollNumber(1), &[entry(Record::Done)])
            .map(drop)
    });
    assert!(failed.is_err());
    assert!(scratch.store.array(&web).unwrap().is_none());
}

#[test]
fn r12_secrets_of_ended_rolls_are_destroyed_and_nothing_else() {
    let scratch = scratch();
    let web: ArrayName = "web".parse().unwrap();
    let generated = || Record::Generated {
        sealed: Sealed(vec![7; 40]),
        fence_before: None,
        fence: "f".into(),
        kvno_before: Kvno(3),
        kvno: Kvno(4),
        salt: Salt::new("SALT".to_owned()),
        longest_ticket: Duration::ZERO,
    };
    let aborting = || Record::Aborting {
        version: Version(9),
        why: "test".into(),
    };
    let left = |generation| Leftover {
        generation: GenerationNumber(generation),
        kvno: Kvno(2),
        salt: None,
        secret: Sealed(vec![8; 40]),
    };
    for roll in 1..=3 {
        let Record::Planned { plan: mut frame } = plan("web", roll) else {
            unreachable!("it is one");
        };
        frame.leftovers = vec![left(90), left(91)];
        for record in [Record::Planned { plan: frame }, generated()] {
            append(&scratch.store, &web, roll, record).unwrap();
        }
        if roll < 3 {
            append(&scratch.store, &web, roll, aborting()).unwrap();
            append(&scratch.store, &web, roll, Record::Aborted).unwrap();
        }
    }
    let destroy = |before| {
        let spare = [GenerationNumber(2), GenerationNumber(91)].into();
        let change = |change: &Change<'_>| change.destroy_secrets(&web, &spare, before);
        scratch.store.write(change).unwrap()
    };
    assert_eq!(destroy(1_000), 0, "they ended at that very moment");
    let before = scratch.store.history(&web, 9).unwrap();
    // Leftover 90 of two rolls, and the password of the first.
    assert_eq!(destroy(1_001), 3);
    assert_eq!(destroy(1_001), 0, "it is done");
    let after = scratch.store.history(&web, 9).unwrap();
    let full = |past: &PastRoll| {
        let left = past.roll.frame().leftovers.iter();
        let left: Vec<bool> = left.map(|left| !left.secret.0.is_empty()).collect();
        (!past.roll.generated().unwrap().sealed.0.is_empty(), left)
    };
    assert_eq!(
        after.iter().map(full).collect::<Vec<_>>(),
        [
            (true, vec![true, true]),
            (true, vec![false, true]),
            (false, vec![false, true])
        ]
    );
    let states = |past: &[PastRoll]| past.iter().map(|one| one.roll.state()).collect::<Vec<_>>();
    assert_eq!(states(&before), states(&after));
}
