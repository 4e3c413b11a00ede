//! What a journal may say next, and what it says to a reader.

use super::*;
use crate::name::ArrayName;
use crate::roll::policy::{Gate, OldKey};
use crate::roll::record::{Found, Refusal};
use crate::roll::story::human;

fn fails(roll: &Roll, record: Record) -> bool {
    roll.clone().apply(record).is_err()
}

fn draining(left: u64) -> Desk {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let dcs = [dc(0), dc(1)].into();
    desk.write(Record::Converged { dcs });
    let left = Duration::from_secs(left);
    desk.write(Record::Draining { left });
    desk
}

#[test]
fn a_drain_shrinks_and_only_its_end_lets_the_old_key_go() {
    let mut roll = draining(60).roll;
    let drained = |left| Record::Drained {
        left: Duration::from_secs(left),
    };
    let retiring = Record::Retiring {
        version: Version(9),
    };
    assert!(fails(&roll, drained(61)));
    assert!(fails(&roll, retiring.clone()));
    for left in [60, 30, 0] {
        roll.apply(drained(left)).unwrap();
        assert_eq!(roll.drain_left().as_secs(), left);
    }
    roll.apply(retiring).unwrap();
}

#[test]
fn a_draining_roll_may_be_given_up_and_only_a_halted_one_goes_on() {
    let may = |roll: &Roll| {
        [Resolution::Continue, Resolution::GiveUp].map(|choice| roll.may_resolve(&choice))
    };
    assert_eq!(may(&draining(60).roll), [false, true]);
    let mut desk = draining(0);
    desk.sees(0, WhichKey::Foreign, 9);
    desk.sees(1, WhichKey::New, BASE.0 + 1);
    desk.proves(0, &[Role::Current, Role::Previous]);
    desk.proves(1, &[Role::Current, Role::Previous]);
    assert!(matches!(desk.written(), Record::Halted { .. }));
    assert_eq!(may(&desk.roll), [true, true]);
    assert_eq!(may(&Desk::at(staging(), 2).roll), [false, false]);
}

#[test]
fn a_write_without_an_answer_is_under_way() {
    let mut roll = Desk::at(intents(&[0]), 2).roll;
    assert!(!roll.untouched());
    roll.apply(Record::Settled).unwrap();
    assert!(roll.untouched());
}

#[test]
fn a_recovered_roll_knows_what_it_was_wrong_about() {
    let salt = || account().salt_source.next_salt();
    let recovered = |kvno: u32, salt| {
        let mut roll = Desk::at(intents(&[0]), 2).roll;
        let found = Found::Committed {
            kvno: Kvno(kvno),
            salt,
        };
        let (version, actor) = (Version(9), "alice".to_owned());
        let record = Record::Recovered {
            version,
            found,
            actor,
        };
        roll.apply(record).unwrap();
        roll
    };
    let right = recovered(BASE.0 + 1, salt());
    assert!(right.has_issued() && !right.mispredicted());
    assert_eq!(
        listed(&right),
        [(Role::Current, BASE.0 + 1), (Role::Previous, BASE.0)]
    );
    let later = recovered(BASE.0 + 3, salt());
    assert!(later.mispredicted());
    let kvnos: Vec<u32> = listed(&later).iter().map(|(_, kvno)| *kvno).collect();
    assert_eq!(kvnos, [BASE.0 + 3, BASE.0, BASE.0 + 1]);
    let renamed = recovered(
        BASE.0 + 1,
        crate::kerberos::salt::Salt::new("OTHER".to_owned()),
    );
    assert!(renamed.mispredicted());
}

#[test]
fn a_roll_that_drops_the_old_key_early_leaves_its_drain_to_the_next() {
    let mut desk = Desk::at([], 2);
    desk.reframe(|plan| plan.policy.old_key = OldKey::UntilConverged);
    let committed = Record::Committed {
        kvno: BASE.next(),
        salt: account().salt_source.next_salt(),
        version: Version(3),
    };
    intents(&[0])
        .into_iter()
        .chain([committed])
        .for_each(|record| desk.write(record));
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    desk.sees(1, WhichKey::New, BASE.0 + 1);
    assert!(matches!(desk.written(), Record::Converged { .. }));
    desk.proves(0, &[Role::Current, Role::Previous]);
    desk.proves(1, &[Role::Current, Role::Previous]);
    // What was proven may be hours old.
    assert_eq!(
        desk.step(),
        Step::Do(vec![Action::LookAtDc(dc(0)), Action::LookAtDc(dc(1))])
    );
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    desk.sees_nothing_of(1);
    assert!(matches!(desk.step(), Step::Wait(_)));
    desk.sees(1, WhichKey::New, BASE.0 + 1);
    assert!(matches!(desk.written(), Record::Retiring { .. }));
    desk.write(Record::Done);
    let drain = desk.roll.frame().policy.drain();
    assert_eq!(desk.roll.cool_down(Duration::ZERO), drain);
}

#[test]
fn times_are_told_as_people_say_them() {
    for (seconds, said) in [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h"),
        (3_659, "1 h"),
        (3_660, "1 h 1 min"),
        (37_800, "10 h 30 min"),
    ] {
        assert_eq!(human(Duration::from_secs(seconds)), said);
    }
}

#[test]
fn records_have_names_versions_and_sentences() {
    let staging = Record::Staging {
        version: Version(7),
    };
    assert_eq!(Action::LookAtAccount.name(), "look-at-account");
    assert_eq!((staging.name(), Record::Done.name()), ("staging", "done"));
    assert_eq!(staging.version(), Some(Version(7)));
    assert_eq!(Record::Done.version(), None);
    let (kvno, actor) = (Kvno(5), "alice".to_owned());
    let reason = |object| Refusal::new("c", object, "why", "next");
    let trouble = |trouble| Record::Halted { trouble };
    let recovered = |found| Record::Recovered {
        version: Version(9),
        found,
        actor: actor.clone(),
    };
    for (record, said) in [
        (staging, "hold the old and the new key (keyset 7)."),
        (
            Record::Refused {
                reasons: vec![reason("a"), reason("b")],
            },
            "a: why [next]; b: why [next].",
        ),
        (
            Record::Converged {
                dcs: [dc(0), dc(1)].into(),
            },
            &format!("{}, {} issued with the new key.", dc(0), dc(1)),
        ),
        (
            Record::Drained {
                left: Duration::from_secs(90),
            },
            "Old tickets live for another 1 min 30 s.",
        ),
        (
            trouble(Trouble::ForeignKey { dc: dc(0), kvno }),
            "issues tickets (kvno 5) under a key that nobody here made",
        ),
        (
            trouble(Trouble::WithoutEffect { dc: dc(0) }),
            "said that the password was set, and issues with the old key.",
        ),
        (
            recovered(Found::Overtaken),
            "alice had it recovered: the roll is over; what is in force is not of it (keyset 9).",
        ),
        (
            recovered(Found::NotCommitted),
            "no domain controller issues with the new key",
        ),
    ] {
        let sentence = record.sentence();
        assert!(sentence.contains(said), "{sentence}");
    }
}

#[test]
fn words_of_a_frame_are_read_as_they_are_written() {
    let gate: Gate = "at-least 2".parse().unwrap();
    assert_eq!(String::from(gate), "at-least 2");
    assert_eq!(crate::roll::RollNumber(12).to_string(), "12");
    assert_eq!(crate::roll::GenerationNumber(13).to_string(), "13");
    let sealed = crate::roll::Sealed(b"secret".to_vec());
    assert_eq!(format!("{sealed:?}"), "Sealed(..)");
    let array: ArrayName = "web".parse().unwrap();
    assert_eq!(Desk::at([], 2).roll.frame().array, array);
}

#[test]
fn an_answer_is_written_down_before_anything_is_concluded_and_once() {
    let no = || Answer::Refused {
        code: 53,
        win32: Some(0x52d),
        text: "too young".to_owned(),
    };
    let why = "dc1 refused it (LDAP 53, 0x52d): too young";
    let answers = [
        (Answer::Applied, Record::AttemptApplied { attempt: 1 }),
        (
            no(),
            Record::AttemptRefused {
                attempt: 1,
                why: why.replace("dc1", dc(0).as_str()),
            },
        ),
    ];
    for (answer, record) in answers {
        let mut desk = Desk::at(intents(&[0]), 2);
        desk.seen.answer = Some(answer.clone());
        assert_eq!(desk.written(), record);
        desk.seen.answer = Some(answer);
        let again = desk.step();
        assert!(!matches!(again, Step::Write(_)), "{again:?}");
    }
}

#[test]
fn what_is_sealed_in_a_record_is_found_with_whose_it_is() {
    let roll = crate::roll::GenerationNumber(7);
    let mut generated = generated();
    let found = generated.sealed_mut(roll);
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == roll && found[0].1.0 == [1]);
    let version = Version(2);
    assert!(Record::Staging { version }.sealed_mut(roll).is_empty());
}
