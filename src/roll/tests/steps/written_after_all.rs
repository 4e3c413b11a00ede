//! A controller that was put back to a moment before its write: the new key may be in force, and
//! must not leave the nodes.

use super::*;
use crate::roll::record::Found;

/// Every node holds both keys, as far as the journal knows.
fn staged() -> Desk {
    let mut desk = Desk::at(staging(), 2);
    desk.proves(0, &[Role::Current, Role::Pending]);
    desk.proves(1, &[Role::Current, Role::Pending]);
    desk
}

/// The same, and an operator knows that the journal was lost.
fn recovered() -> Desk {
    let mut desk = staged();
    desk.write(Record::Recovered {
        version: desk.around.next_version,
        found: Found::NotCommitted,
        actor: "alice".to_owned(),
    });
    desk
}

fn wants_to_abort(desk: &mut Desk) {
    desk.around.abort = Some("alice: enough".to_owned());
}

#[track_caller]
fn goes_on(mut desk: Desk) {
    let written = desk.written();
    let expected = (Kvno(BASE.0 + 1), State::Converging);
    match written {
        Record::Committed { kvno, .. } => assert_eq!((kvno, desk.roll.state()), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_writer_with_the_new_key_was_written_to() {
    let mut desk = staged();
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    desk.seen.account = Some(Ok(account()));
    goes_on(desk);
}

#[test]
fn no_abort_takes_the_new_key_from_the_nodes_where_any_dc_has_it() {
    let mut desk = staged();
    wants_to_abort(&mut desk);
    let looks = Step::Do(vec![Action::LookAtDc(dc(0)), Action::LookAtDc(dc(1))]);
    assert_eq!(desk.step(), looks);
    desk.sees_nothing_of(0);
    desk.sees(1, WhichKey::New, BASE.0 + 1);
    goes_on(desk);
}

#[test]
fn a_silent_dc_holds_up_an_abort_only_where_the_journal_was_lost() {
    let mut known = staged();
    wants_to_abort(&mut known);
    known.sees(0, WhichKey::Base, BASE.0);
    known.sees_nothing_of(1);
    assert!(matches!(known.written(), Record::Aborting { .. }));

    let mut lost = recovered();
    wants_to_abort(&mut lost);
    let quiesce = lost.roll.frame().policy.quiesce;
    lost.around.since_record = quiesce - Duration::from_millis(1);
    lost.sees(0, WhichKey::Base, BASE.0);
    lost.sees(1, WhichKey::Base, BASE.0);
    let early = plan(&lost.roll, &lost.seen, &lost.around);
    assert!(early.reason.contains("may still be applied"), "{early:?}");
    lost.around.since_record = quiesce;
    lost.sees_nothing_of(1);
    let silent = plan(&lost.roll, &lost.seen, &lost.around);
    assert!(matches!(silent.step, Step::Wait(_)), "{silent:?}");
    let said = format!("{} does not say whether it has the new password", dc(1));
    assert_eq!(silent.reason, said);
    // One that is gone for good is waived.
    assert!(lost.roll.may_waive());
    lost.write(Record::Waived {
        dc: dc(1),
        actor: "alice".to_owned(),
    });
    lost.looks_for_the_new_key();
    assert!(matches!(lost.written(), Record::Aborting { .. }));
}

#[test]
fn what_was_lost_is_looked_for_with_nodes_before_an_abort() {
    let mut desk = Desk::at(staging().into_iter().take(1), 2);
    assert_eq!(desk.roll.state(), State::Generated);
    desk.write(Record::Recovered {
        version: desk.around.next_version,
        found: Found::NotCommitted,
        actor: "alice".to_owned(),
    });
    wants_to_abort(&mut desk);
    assert!(matches!(desk.written(), Record::Staging { .. }));
}
