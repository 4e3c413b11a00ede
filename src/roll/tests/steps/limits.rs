//! Where a wait ends: a moment before it, and at it.

use super::*;
use crate::roll::plan::Decision;
use crate::roll::policy::OnDeadline;

const MOMENT: Duration = Duration::from_millis(1);

fn decision(desk: &Desk) -> Decision {
    plan(&desk.roll, &desk.seen, &desk.around)
}

/// How long is waited at most, if anything is waited for.
fn waits(desk: &Desk) -> Option<Duration> {
    match desk.step() {
        Step::Wait(time) => Some(time),
        _ => None,
    }
}

#[test]
fn looks_in_vain_are_farther_and_farther_apart() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.sees_nothing_of(0);
    for (looks, milliseconds) in [
        (0, 250),
        (1, 500),
        (2, 1000),
        (5, 8000),
        (6, 15_000),
        (u32::MAX, 15_000),
    ] {
        desk.seen.waits = looks;
        let time = Duration::from_millis(milliseconds);
        assert_eq!(waits(&desk), Some(time), "{looks}");
    }
}

#[test]
fn a_write_without_an_answer_is_repeated_after_a_pause_that_doubles() {
    for (dcs, pause) in [(&[0][..], 500), (&[0, 1], 1000), (&[0, 1, 0], 2000)] {
        let last = dcs[dcs.len() - 1];
        let mut desk = Desk::at(intents(dcs), 2);
        desk.sees(last, WhichKey::Base, BASE.0);
        let pause = Duration::from_millis(pause);
        assert_eq!(waits(&desk), Some(pause));
        let why = "(the controller was restarted)";
        assert!(decision(&desk).reason.contains(why));
        desk.around.since_record = pause - MOMENT;
        assert_eq!(waits(&desk), Some(MOMENT));
        desk.around.since_record = pause;
        assert!(matches!(desk.step(), Step::Write(_)));
    }
}

#[test]
fn success_that_shows_nothing_is_looked_for_twelve_times() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.write(Record::AttemptApplied { attempt: 1 });
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.seen.waits = 11;
    assert!(waits(&desk).is_some());
    desk.seen.waits = 12;
    assert!(waits(&desk).is_none());
}

#[test]
fn a_silent_dc_and_one_that_takes_nothing_have_their_time() {
    let after = Desk::at([], 2).roll.frame().policy.fail_over;
    let mut silent = Desk::at(intents(&[0]), 2);
    silent.sees_nothing_of(0);
    silent.around.since_record = after - MOMENT;
    let reason = decision(&silent).reason;
    assert_eq!(reason, format!("waiting for {}: no answer", dc(0)));
    silent.around.since_record = after;
    let reason = decision(&silent).reason;
    assert!(reason.contains("stays silent"), "{reason}");
    let mut deaf = Desk::at(intents(&[0]), 2);
    deaf.sees(0, WhichKey::Base, BASE.0);
    deaf.around.since_record = after;
    for (since, to) in [(after - MOMENT, dc(0)), (after, dc(1))] {
        deaf.around.since_state = since;
        match deaf.step() {
            Step::Write(Record::CommitIntent { attempt: 2, dc }) => assert_eq!(dc, to),
            other => panic!("{other:?}"),
        }
    }
    // So has one whose directory does not tell of the account before the write.
    let mut mute = Desk::at(intents(&[0]), 2);
    mute.around.unsent = Some(1);
    mute.sees(0, WhichKey::Base, BASE.0);
    mute.seen.account = Some(Err("no answer".to_owned()));
    mute.around.since_record = after - MOMENT;
    assert!(waits(&mute).is_some());
    mute.around.since_record = after;
    assert!(waits(&mute).is_none());
}

#[test]
fn a_write_is_settled_when_it_can_be_applied_no_more() {
    let mut desk = Desk::at(intents(&[0]), 2);
    let quiesce = desk.roll.frame().policy.quiesce;
    desk.around.abort = Some("asked".to_owned());
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.around.since_record = quiesce - MOMENT;
    assert!(waits(&desk).is_some());
    desk.around.since_record = quiesce;
    assert_eq!(desk.written(), Record::Settled);
}

#[test]
fn nodes_have_until_the_deadline() {
    let mut desk = Desk::at([], 2);
    desk.reframe(|plan| plan.policy.on_deadline = OnDeadline::Abort);
    staging().into_iter().for_each(|record| desk.write(record));
    let deadline = desk.roll.frame().policy.stage_deadline;
    desk.proves(0, &[Role::Current, Role::Pending]);
    let trouble = Some("disk full".to_owned());
    let view = NodeView {
        trouble,
        ..NodeView::default()
    };
    desk.seen.nodes.insert(node(1), view);
    desk.around.since_state = deadline - MOMENT;
    let reason = decision(&desk).reason;
    assert_eq!(reason, format!("waiting for {} (disk full)", node(1)));
    desk.around.since_state = deadline;
    desk.looks_for_the_new_key();
    match desk.written() {
        Record::Aborting { why, .. } => {
            let said = format!("not ready in time: {} (disk full)", node(1));
            assert_eq!(why, said);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drain_is_written_down_every_half_a_minute_and_at_its_end() {
    let drains = |left: u64, since: Duration| {
        let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
        let dcs = [dc(0), dc(1)].into();
        desk.write(Record::Converged { dcs });
        let left = Duration::from_secs(left);
        desk.write(Record::Draining { left });
        desk.around.since_record = since;
        decision(&desk)
    };
    let seconds = Duration::from_secs;
    for (left, tick) in [(3600, 30), (31, 30), (30, 30), (7, 7)] {
        let begun = drains(left, Duration::ZERO);
        assert_eq!(begun.step, Step::Wait(seconds(tick)));
        let almost = drains(left, seconds(tick) - MOMENT);
        assert_eq!(almost.step, Step::Wait(MOMENT));
        let now = drains(left, seconds(tick)).step;
        assert!(matches!(now, Step::Do(_)), "{now:?}");
    }
    let reason = drains(3600, seconds(10)).reason;
    assert_eq!(reason, "the old key goes in 59 min 50 s");
}

#[test]
fn a_drain_counts_no_time_in_which_nobody_looked() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let dcs = [dc(0), dc(1)].into();
    desk.write(Record::Converged { dcs });
    desk.write(Record::Draining { left: LONG });
    desk.proves(0, &[Role::Previous, Role::Current]);
    desk.proves(1, &[Role::Previous, Role::Current]);
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    desk.sees_nothing_of(1);
    // Hours of silence, or of a controller that stood still: one look tells of the moment alone.
    desk.around.since_record = 3 * LONG;
    let silent = decision(&desk);
    assert!(matches!(silent.step, Step::Wait(_)), "{silent:?}");
    let said = format!("the drain stands still until {} answers", dc(1));
    assert_eq!(silent.reason, said);
    desk.sees(1, WhichKey::New, BASE.0 + 1);
    let left = LONG - Duration::from_secs(30);
    assert_eq!(desk.written(), Record::Drained { left });
}

#[test]
fn a_few_names_are_listed_and_of_many_the_first() {
    let names = |count| {
        let names = (0..count).map(|index| dc(index).to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    let of_five = format!("{} and 2 more", names(3));
    for (count, said) in [(1, names(1)), (4, names(4)), (5, of_five)] {
        let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
        desk.roll.plan.dcs = (0..count).map(dc).collect();
        for index in 0..count {
            desk.sees(index, WhichKey::New, BASE.0 + 1);
        }
        let reason = decision(&desk).reason;
        assert_eq!(reason, format!("{said} issues with the new key"));
    }
}

/// After the last DC took hours, a node that fails for a moment has not had its time; and where all
/// fail it is the way to them that is broken.
#[test]
fn after_the_commit_a_node_is_left_behind_when_its_time_is_over_and_three_looks_were_in_vain() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let dcs = [dc(0), dc(1)].into();
    desk.write(Record::Converged { dcs });
    let silent = |desk: &mut Desk, index| {
        let view = NodeView {
            trouble: Some("no answer".to_owned()),
            ..NodeView::default()
        };
        desk.seen.nodes.insert(node(index), view);
    };
    for index in 0..2 {
        desk.sees(index, WhichKey::New, BASE.0 + 1);
    }
    desk.proves(0, &[Role::Current, Role::Previous]);
    silent(&mut desk, 1);
    let deadline = desk.roll.frame().policy.stage_deadline;
    for (since, looks, left) in [
        (deadline - MOMENT, 3, false),
        (deadline, 2, false),
        (deadline, 3, true),
    ] {
        desk.around.since_state = since;
        desk.seen.waits = looks;
        let is_left = matches!(desk.step(), Step::Write(Record::Quarantined { .. }));
        assert_eq!(is_left, left, "{since:?}, {looks} looks: {:?}", desk.step());
    }
    silent(&mut desk, 0);
    assert!(waits(&desk).is_some(), "{:?}", desk.step());
}

#[test]
fn what_a_dc_said_instead_of_an_answer_is_told_while_it_is_waited_for() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.sees(0, WhichKey::Base, BASE.0);
    let text = "connection reset".to_owned();
    desk.seen.answer = Some(Answer::Unanswered { text });
    let reason = decision(&desk).reason;
    assert!(reason.contains("(connection reset)"), "{reason}");
}
