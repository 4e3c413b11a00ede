//! Who is left behind before the commit, and what their gates are given time for.

use super::*;

#[test]
fn who_is_left_behind_is_told_before_the_commit_and_waited_for_until_the_deadline() {
    let mut desk = Desk::at(staging(), 2);
    desk.around.set_aside = BTreeSet::from([node(7)]);
    desk.proves(0, &[Role::Current, Role::Pending]);
    desk.proves(1, &[Role::Current, Role::Pending]);
    assert_eq!(desk.step(), Step::Do(vec![Action::Shut(node(7))]));
    let unconfirmed = Err("no answer".to_owned());
    desk.seen.told.insert(node(7), unconfirmed);
    assert!(matches!(desk.step(), Step::Wait(_)));
    desk.around.since_state = LONG;
    assert!(matches!(desk.step(), Step::Wait(_)), "once more");
    desk.seen.waits = 3;
    let last_look = Step::Do(vec![Action::LookAtAccount, Action::LookAtDc(dc(0))]);
    assert_eq!(desk.step(), last_look);
    desk.around.since_state = Duration::ZERO;
    desk.seen.told.insert(node(7), Ok(()));
    assert_eq!(desk.step(), last_look);
}

/// A roll whose members are ready, long after the deadline; a third node is left behind, and was
/// told so with this outcome.
fn left_behind(cause: Cause, told: Result<(), String>) -> Desk {
    let mut desk = Desk::at([], 2);
    desk.because(cause);
    staging().into_iter().for_each(|record| desk.write(record));
    desk.around.set_aside = BTreeSet::from([node(7)]);
    desk.proves(0, &[Role::Current, Role::Pending]);
    desk.proves(1, &[Role::Current, Role::Pending]);
    desk.seen.told.insert(node(7), told);
    (desk.around.since_state, desk.seen.waits) = (LONG, 9);
    desk
}

#[test]
fn who_shuts_its_gate_by_itself_is_waited_for_but_in_an_emergency() {
    let waits = |cause, left: Option<u64>| {
        let mut desk = left_behind(cause, Err("no answer".to_owned()));
        let left = left.map(|left| (node(7), Duration::from_secs(left)));
        desk.around.shut_in = left.into_iter().collect();
        matches!(desk.step(), Step::Wait(_))
    };
    assert!(waits(Cause::Operator, Some(1)));
    assert!(!waits(Cause::Operator, None));
    assert!(!waits(Cause::Emergency, Some(1)));
}

#[test]
fn the_balancer_is_given_time_to_hear_of_a_shut_gate_but_in_an_emergency() {
    let waits = |cause, told, left: Option<u64>| {
        let mut desk = left_behind(cause, told);
        let left = left.map(|left| (node(7), Duration::from_secs(left)));
        desk.around.still_sent = left.into_iter().collect();
        matches!(desk.step(), Step::Wait(_))
    };
    assert!(waits(Cause::Operator, Ok(()), Some(1)));
    assert!(waits(Cause::Operator, Err("silent".into()), Some(1)));
    assert!(!waits(Cause::Operator, Ok(()), None));
    assert!(!waits(Cause::Emergency, Ok(()), Some(1)));
}
