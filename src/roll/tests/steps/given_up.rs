//! No way back, or none but the long one: writes that nobody can say anything of, keys that are
//! nowhere any more.

use super::*;

/// A roll that was given up, over a foreign key, while a write had no answer; that is settled now.
fn given_up() -> Desk {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.sees(0, WhichKey::Foreign, 9);
    let foreign = desk.written();
    assert!(matches!(
        foreign,
        Record::Halted {
            trouble: Trouble::ForeignKey { .. }
        }
    ));
    let (choice, actor) = (Resolution::GiveUp, "alice".to_owned());
    desk.write(Record::Resolved { choice, actor });
    assert_eq!(desk.roll.state(), State::Committing);
    desk.around.unsent = Some(1);
    desk.sees(0, WhichKey::Foreign, 9);
    assert!(matches!(desk.step(), Step::Wait(_)), "nothing more is sent");
    desk.around.since_record = LONG;
    assert_eq!(desk.written(), Record::Settled);
    desk
}

#[test]
fn a_roll_given_up_with_a_write_under_way_ends_when_that_is_settled() {
    let mut desk = given_up();
    desk.sees(0, WhichKey::Base, BASE.0);
    let other = Action::LookAtDc(dc(1));
    assert_eq!(desk.step(), Step::Do(vec![other]), "it may have spread");
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(matches!(desk.written(), Record::Abandoned { .. }));
    desk.looks_for_the_new_key();
    assert!(matches!(desk.written(), Record::Aborting { .. }));
}

#[test]
fn a_write_that_somebody_may_have_written_over_leaves_both_keys() {
    let mut desk = given_up();
    desk.sees(0, WhichKey::Foreign, 9);
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(matches!(desk.written(), Record::Halted { .. }));
    assert_eq!(
        desk.step(),
        Step::End(End::GivenUp),
        "nobody is asked twice"
    );
    let roles = listed(&desk.roll);
    assert_eq!(
        roles.len(),
        2,
        "tickets may be under the new key: {roles:?}"
    );
}

#[test]
fn where_success_was_said_there_is_no_way_back_though_the_dc_is_waived() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.write(Record::AttemptApplied { attempt: 1 });
    desk.around.abort = Some("asked".to_owned());
    let actor = "alice".to_owned();
    desk.write(Record::Waived { dc: dc(0), actor });
    let next = Record::CommitIntent {
        attempt: 2,
        dc: dc(1),
    };
    assert_eq!(desk.written(), next);
}

/// Success shows nothing; of a roll that goes on, more looks would tell why.
#[test]
fn a_roll_given_up_waits_for_the_write_without_an_answer_though_the_next_one_had_one() {
    let mut desk = Desk::at(intents(&[0, 1]), 2);
    desk.write(Record::AttemptApplied { attempt: 2 });
    desk.sees(1, WhichKey::Foreign, 9);
    assert!(matches!(desk.written(), Record::Halted { .. }));
    let (choice, actor) = (Resolution::GiveUp, "alice".to_owned());
    desk.write(Record::Resolved { choice, actor });
    assert_eq!(desk.roll.state(), State::Committing);
    desk.around.since_record = LONG;
    desk.sees(1, WhichKey::Base, BASE.0);
    assert_eq!(desk.written(), Record::Settled);
}

#[test]
fn a_write_that_may_have_come_through_is_not_abandoned() {
    let mut roll = Desk::at(intents(&[0]), 2).roll;
    let why = "test".to_owned();
    let abandoned = Record::Abandoned { why };
    assert!(
        roll.apply(abandoned.clone()).is_err(),
        "nobody has settled it"
    );
    roll.apply(Record::Settled).unwrap();
    roll.apply(abandoned).unwrap();
}

#[test]
fn a_key_that_was_lost_with_its_only_dc_is_written_once_more() {
    let fresh = Desk::at(intents(&[0]), 2).roll;
    assert!(!fresh.has_issued());
    assert_eq!(listed(&fresh)[0], (Role::Current, BASE.0));
    let mut desk = converging([(WhichKey::New, BASE.0 + 1), (WhichKey::Base, BASE.0)]);
    let dcs = [dc(0)].into();
    assert_eq!(desk.written(), Record::Converged { dcs });
    let actor = "alice".to_owned();
    desk.write(Record::Waived { dc: dc(0), actor });
    desk.sees(1, WhichKey::Base, BASE.0);
    let again = Record::CommitIntent {
        attempt: 2,
        dc: dc(1),
    };
    assert_eq!(desk.written(), again);
    assert_eq!(
        listed(&desk.roll)[0],
        (Role::Current, BASE.0 + 1),
        "tickets may be under it: the nodes keep what they have"
    );
    assert!(desk.roll.has_issued());
    assert_eq!(desk.roll.attempts().len(), 2);
    desk.around.abort = Some("asked".to_owned());
    desk.around.unsent = Some(2);
    desk.seen.account = Some(Ok(account()));
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(
        matches!(desk.step(), Step::Do(actions) if matches!(actions[..], [Action::Commit { .. }])),
        "there is no way back"
    );
    let why = "no".to_owned();
    desk.write(Record::AttemptRefused { attempt: 2, why });
    desk.around.since_record = LONG;
    desk.sees(1, WhichKey::Base, BASE.0);
    assert_eq!(desk.written(), Record::Settled);
    desk.seen.waits = 12;
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(matches!(
        desk.written(),
        Record::Halted {
            trouble: Trouble::WithoutEffect { .. }
        }
    ));
}

/// The account may tell why a write was never sent, and of one that was seen it tells nothing.
#[test]
fn after_a_key_was_lost_the_account_is_not_asked_why() {
    let new = (WhichKey::New, BASE.0 + 1);
    let mut desk = converging([new, (WhichKey::Base, BASE.0)]);
    desk.roll.plan.dcs = (0..3).map(dc).collect();
    desk.sees(2, WhichKey::Base, BASE.0);
    assert!(matches!(desk.written(), Record::Converged { .. }));
    let actor = "alice".to_owned();
    desk.write(Record::Waived { dc: dc(0), actor });
    desk.sees(1, WhichKey::Base, BASE.0);
    desk.sees(2, WhichKey::Base, BASE.0);
    assert!(matches!(
        desk.written(),
        Record::CommitIntent { attempt: 2, .. }
    ));
    let why = "no".to_owned();
    desk.write(Record::AttemptRefused { attempt: 2, why });
    desk.around.since_record = LONG;
    desk.sees(1, WhichKey::Base, BASE.0);
    assert_eq!(desk.written(), Record::Settled);
    desk.sees(1, WhichKey::Base, BASE.0);
    assert_eq!(desk.step(), Step::Do(vec![Action::LookAtDc(dc(2))]));
}

#[test]
fn where_all_that_said_success_are_gone_the_next_one_gets_the_same_password() {
    let mut desk = Desk::at(intents(&[0, 1]), 3);
    desk.write(Record::AttemptApplied { attempt: 1 });
    let why = "no".to_owned();
    desk.write(Record::AttemptRefused { attempt: 2, why });
    for gone in 0..2 {
        let actor = "alice".to_owned();
        desk.write(Record::Waived {
            dc: dc(gone),
            actor,
        });
    }
    desk.sees(2, WhichKey::Base, BASE.0);
    let again = Record::CommitIntent {
        attempt: 3,
        dc: dc(2),
    };
    assert_eq!(desk.written(), again);
    let why = "no".to_owned();
    desk.write(Record::AttemptRefused { attempt: 3, why });
    desk.seen.waits = 12;
    desk.sees(2, WhichKey::Base, BASE.0);
    assert!(
        matches!(desk.written(), Record::Halted { .. }),
        "it does not take it: an operator must find out why"
    );
}
