//! Before the commit: who is waited for, whom the roll goes on without, and for whom it ends.

use super::*;
use crate::roll::policy::OnDeadline;

/// What is done about the nodes that are not ready.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Waited,
    /// The roll goes on without this one: the gate can do without it.
    Spared(usize),
    /// The same, but because it was late.
    LeftBehind(usize),
    Aborted,
}

use Done::{Aborted, LeftBehind, Spared, Waited};

const READY: [Role; 2] = [Role::Current, Role::Pending];

/// A roll of three nodes with this gate. All but these of them are ready.
fn lacking(gate: &str, on_deadline: OnDeadline, missing: &[usize]) -> Desk {
    let mut desk = Desk::at([], 2);
    desk.reframe(|plan| {
        plan.members = (0..3).map(node).collect();
        plan.policy.gate = gate.parse().unwrap();
        plan.policy.on_deadline = on_deadline;
    });
    staging().into_iter().for_each(|record| desk.write(record));
    for index in 0..3 {
        desk.proves(index, &READY);
    }
    for index in missing {
        let view = desk.seen.nodes.get_mut(&node(*index)).unwrap();
        (view.accepts, view.trouble) = (BTreeSet::new(), Some("disk full".to_owned()));
    }
    for index in 0..2 {
        desk.sees(index, WhichKey::Base, BASE.0);
    }
    desk
}

fn done(desk: &Desk) -> Done {
    let index = |name| (0..3).position(|index| node(index) == name).unwrap();
    match desk.step() {
        Step::Wait(_) => Waited,
        Step::Write(Record::Quarantined { node, why }) if why.contains("gate") => {
            Spared(index(node))
        }
        Step::Write(Record::Quarantined { node, .. }) => LeftBehind(index(node)),
        Step::Write(Record::Aborting { .. }) => Aborted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_that_the_gate_can_do_without_gets_one_chance_and_the_others_until_the_deadline() {
    let (abort, without) = (OnDeadline::Abort, OnDeadline::Quarantine);
    for (gate, on_deadline, missing, at_first, failed, late) in [
        // Enough are ready.
        ("at-least 2", abort, &[1][..], Waited, Spared(1), Spared(1)),
        ("all-but n1", abort, &[1], Waited, Spared(1), Spared(1)),
        ("must-have n0,n2", abort, &[1], Waited, Spared(1), Spared(1)),
        // Too few are, or one that must be is not.
        ("at-least 3", abort, &[1], Waited, Waited, Aborted),
        ("all", abort, &[1], Waited, Waited, Aborted),
        ("all-but n1", abort, &[0, 1], Waited, Waited, Aborted),
        ("all", without, &[1], Waited, Waited, LeftBehind(1)),
        ("at-least 3", without, &[1], Waited, Waited, LeftBehind(1)),
        (
            "all-but n1",
            without,
            &[0, 1],
            Waited,
            Waited,
            LeftBehind(0),
        ),
        // One that the gate names is never gone on without.
        ("must-have n1", without, &[1], Waited, Waited, Aborted),
        ("must-have n1", without, &[0, 1], Waited, Waited, Aborted),
        // Nor are all.
        ("all", without, &[0, 1, 2], Waited, Waited, Aborted),
        ("at-least 1", without, &[0, 1, 2], Waited, Waited, Aborted),
    ] {
        let mut desk = lacking(gate, on_deadline, missing);
        assert_eq!(done(&desk), at_first, "{gate} without {missing:?}");
        desk.seen.failed_before = missing.iter().copied().map(node).collect();
        assert_eq!(done(&desk), failed, "{gate} without {missing:?}, again");
        desk.seen.failed_before.clear();
        desk.around.since_state = desk.roll.frame().policy.stage_deadline;
        assert_eq!(done(&desk), late, "{gate} without {missing:?}, late");
    }
}

#[test]
fn only_the_one_that_has_failed_before_has_had_its_chance() {
    let mut desk = lacking("at-least 1", OnDeadline::Abort, &[1, 2]);
    desk.seen.failed_before = [node(2)].into();
    assert_eq!(done(&desk), Spared(2));
}

#[test]
fn a_node_that_refuses_a_ticket_or_holds_something_else_is_not_ready() {
    let mut desk = lacking("all", OnDeadline::Abort, &[]);
    let with = |desk: &mut Desk, edit: fn(&mut NodeView)| {
        desk.proves(1, &READY);
        edit(desk.seen.nodes.get_mut(&node(1)).unwrap());
        desk.step()
    };
    let refusing = with(&mut desk, |view| view.refuses = Some("no".to_owned()));
    assert!(matches!(refusing, Step::Wait(_)), "{refusing:?}");
    let reason = plan(&desk.roll, &desk.seen, &desk.around).reason;
    assert_eq!(reason, format!("waiting for {} (no)", node(1)));
    let older = with(&mut desk, |view| view.holds = Some(Version(1)));
    assert_eq!(older, Step::Do(vec![Action::Stage(node(1))]));
    let unproven = with(&mut desk, |view| {
        view.accepts.remove(&Role::Pending);
    });
    let (current, pending) = (Role::Current, Role::Pending);
    let Step::Do(actions) = unproven else {
        panic!("{unproven:?}");
    };
    let [Action::Prove(who, roles)] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(who, &node(1));
    assert!(
        roles.contains(&current) && roles.contains(&pending),
        "{roles:?}"
    );
}

#[test]
fn with_the_last_push_a_node_that_holds_something_else_is_waited_for() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let version = desk.around.next_version;
    desk.write(Record::Converged {
        dcs: [dc(0), dc(1)].into(),
    });
    desk.roll.plan.policy.old_key = crate::roll::OldKey::UntilConverged;
    desk.write(Record::Retiring { version });
    let both = [Action::Stage(node(0)), Action::Stage(node(1))];
    assert_eq!(desk.step(), Step::Do(both.to_vec()));
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.seen.nodes.get_mut(&node(1)).unwrap().holds = Some(Version(2));
    assert!(matches!(desk.step(), Step::Wait(_)), "{:?}", desk.step());
    desk.around.since_state = LONG;
    let left = desk.written();
    assert!(matches!(left, Record::Quarantined { .. }), "{left:?}");
    desk.proves(0, &[]);
    assert_eq!(desk.written(), Record::Done);
}
