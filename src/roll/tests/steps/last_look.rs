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
