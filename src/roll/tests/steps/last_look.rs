//! Between the last node's proof and the write: what somebody has done to the account meanwhile.

use super::*;
use crate::account::AccountState;

/// Every node is ready, the writer issues with the old key, and the account is like this.
fn desk(edit: impl FnOnce(&mut AccountState)) -> Desk {
    let mut desk = Desk::at(staging(), 2);
    desk.proves(0, &[Role::Current, Role::Pending]);
    desk.proves(1, &[Role::Current, Role::Pending]);
    desk.sees(0, WhichKey::Base, BASE.0);
    let mut account = account();
    edit(&mut account);
    desk.seen.account = Some(Ok(account));
    desk
}

#[track_caller]
fn aborts(mut desk: Desk, words: &str) {
    desk.looks_for_the_new_key();
    match desk.written() {
        Record::Aborting { why, .. } => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_as_at_the_start_is_written_to() {
    let written = desk(|_| ()).written();
    assert!(matches!(written, Record::CommitIntent { attempt: 1, .. }));
}

#[test]
fn a_name_that_changes_the_salt_aborts_the_roll_before_the_write() {
    let renamed = desk(|account| account.salt_source.sam_account_name = "NEW$".to_owned());
    aborts(renamed, "its next salt is CORP.EXAMPLEhostnew.corp.example");
    // One that does not is no reason.
    let upn = |account: &mut AccountState| {
        account.salt_source.user_principal_name = Some("web@corp.example".to_owned());
    };
    let written = desk(upn).written();
    assert!(
        matches!(written, Record::CommitIntent { .. }),
        "{written:?}"
    );
}

#[test]
fn what_would_have_refused_the_roll_at_its_start_aborts_it_now() {
    let disabled = desk(|account| account.disabled = true);
    aborts(disabled, "disabled");
    let wider = desk(|account| account.supported_enctypes = Some(0x14));
    aborts(wider, "0x14");
}

/// Of the key and of its number neither alone tells that nobody has written meanwhile.
#[test]
fn a_writer_that_issues_otherwise_than_at_the_start_is_not_written_to() {
    for (key, kvno) in [
        (WhichKey::Base, BASE.0 + 1),
        (WhichKey::Foreign, BASE.0),
        (WhichKey::Foreign, BASE.0 + 1),
    ] {
        let mut desk = desk(|_| ());
        desk.sees(0, key, kvno);
        aborts(desk, "issues with another key");
    }
    // Nobody knows the key before: its number must do.
    for (kvno, writes) in [(BASE.0, true), (BASE.0 + 1, false)] {
        let mut desk = desk(|account| {
            (account.may_reset, account.may_write_fence) = (true, true);
        });
        desk.roll.plan.base = None;
        desk.roll.plan.policy.method = crate::roll::policy::Method::FencedReset;
        desk.sees(0, WhichKey::Foreign, kvno);
        if writes {
            let written = desk.written();
            assert!(
                matches!(written, Record::CommitIntent { .. }),
                "{written:?}"
            );
        } else {
            aborts(desk, "issues with another key");
        }
    }
}

#[test]
fn an_account_that_cannot_be_read_is_waited_for_until_the_deadline() {
    let mut desk = desk(|_| ());
    desk.seen.account = Some(Err("no answer".to_owned()));
    assert!(matches!(desk.step(), Step::Wait(_)));
    desk.around.since_state = LONG;
    aborts(desk, "no answer");
}

#[test]
fn the_look_is_repeated_after_each_wait() {
    let mut desk = desk(|_| ());
    desk.sees_nothing_of(0);
    assert!(matches!(desk.step(), Step::Wait(_)));
    desk.seen.look_again();
    let both = Step::Do(vec![Action::LookAtAccount, Action::LookAtDc(dc(0))]);
    assert_eq!(desk.step(), both);
}

/// A write is recorded and not sent, and the account is read like this right before.
fn unsent(records: Vec<Record>, account: Result<AccountState, String>) -> Desk {
    let mut desk = Desk::at(records, 2);
    let last = u32::try_from(desk.roll.attempts().len()).unwrap();
    desk.around.unsent = Some(last);
    let writer = desk.roll.account_on().clone();
    let both = Step::Do(vec![Action::LookAtAccount, Action::LookAtDc(writer)]);
    assert_eq!(desk.step(), both);
    let index = usize::from(desk.roll.account_on() == &dc(1));
    desk.sees(index, WhichKey::Base, BASE.0);
    desk.seen.account = Some(account);
    desk
}

#[test]
fn each_write_is_sent_to_an_account_as_it_was_and_to_no_other() {
    for (records, attempt) in [(intents(&[0]), 1), (intents(&[0, 1]), 2)] {
        let send = unsent(records.clone(), Ok(account())).step();
        let dc = dc(usize::try_from(attempt).unwrap() - 1);
        assert_eq!(send, Step::Do(vec![Action::Commit { attempt, dc }]));
        let mut renamed = account();
        renamed.salt_source.sam_account_name = "NEW$".to_owned();
        let mut desk = unsent(records, Ok(renamed.clone()));
        // Those before it may be applied yet.
        assert!(matches!(desk.step(), Step::Wait(_)));
        desk.around.since_record = LONG;
        assert_eq!(desk.written(), Record::Settled);
        desk.around.unsent = None;
        for index in 0..2 {
            desk.sees(index, WhichKey::Base, BASE.0);
        }
        desk.seen.account = Some(Ok(renamed));
        match desk.written() {
            Record::Abandoned { why } => assert!(why.contains("another name"), "{why}"),
            other => panic!("{other:?}"),
        }
        aborts(desk, "another name");
    }
}

#[test]
fn a_directory_that_does_not_tell_of_the_account_gets_no_write_until_another_has_its_turn() {
    let mut desk = unsent(intents(&[0]), Err("no answer".to_owned()));
    let waits = plan(&desk.roll, &desk.seen, &desk.around);
    assert!(matches!(waits.step, Step::Wait(_)));
    assert!(waits.reason.ends_with("no answer"), "{}", waits.reason);
    (desk.around.since_record, desk.around.since_state) = (LONG, LONG);
    let other = Record::CommitIntent {
        attempt: 2,
        dc: dc(1),
    };
    assert_eq!(desk.written(), other);
}

#[test]
fn the_account_is_asked_for_once_more_where_it_may_tell_why_nothing_was_written() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.write(Record::Settled);
    let looks = desk.step();
    assert_eq!(looks, Step::Do(vec![Action::LookAtDc(dc(0))]));
    desk.sees(0, WhichKey::Base, BASE.0);
    let rest = Step::Do(vec![Action::LookAtDc(dc(1)), Action::LookAtAccount]);
    assert_eq!(desk.step(), rest);
    // A refusal has told why.
    let mut desk = Desk::at(intents(&[0]), 2);
    let why = "too young".to_owned();
    desk.write(Record::AttemptRefused { attempt: 1, why });
    desk.sees(0, WhichKey::Base, BASE.0);
    assert_eq!(desk.step(), Step::Do(vec![Action::LookAtDc(dc(1))]));
}
