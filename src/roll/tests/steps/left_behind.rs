//! Nodes that were left behind, and what the others are asked while the old key is drained.

use super::*;

fn left_behind() -> Desk {
    let (node, why) = (node(1), "no answer".to_owned());
    let left = Record::Quarantined { node, why };
    Desk::at(staging().into_iter().chain([left]), 1)
}

#[test]
fn a_node_left_behind_serves_again_when_it_has_proven_the_keys_and_not_before() {
    let both = [Role::Current, Role::Pending];
    let mut desk = left_behind();
    desk.proves(0, &both);
    let proven = |desk: &mut Desk, edit: fn(&mut NodeView)| {
        desk.proves(1, &both);
        edit(desk.seen.nodes.get_mut(&node(1)).unwrap());
        matches!(desk.step(), Step::Write(Record::Rejoined { .. }))
    };
    assert!(!proven(&mut desk, |view| view.holds = Some(Version(1))));
    assert!(!proven(&mut desk, |view| view.refuses = Some("no".to_owned())));
    assert!(!proven(&mut desk, |view| {
        view.accepts.remove(&Role::Pending);
    }));
    desk.around.set_aside.insert(node(1));
    assert!(!proven(&mut desk, |_| ()), "an operator keeps it out");
    desk.around.set_aside.clear();
    assert!(proven(&mut desk, |_| ()));
    assert_eq!(desk.written(), Record::Rejoined { node: node(1) });
}

#[test]
fn in_a_drain_a_node_is_asked_before_keys_are_sent() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let dcs = [dc(0), dc(1)].into();
    desk.write(Record::Converged { dcs });
    desk.write(Record::Draining { left: LONG });
    let old = NodeView {
        holds: Some(Version(2)),
        ..NodeView::default()
    };
    desk.seen.nodes.insert(node(1), old);
    desk.around.since_record = LONG;
    let Step::Do(actions) = desk.step() else {
        panic!("{:?}", desk.step());
    };
    let [unknown, known] = [Action::LookAtNode(node(0)), Action::Stage(node(1))];
    assert!(actions.contains(&unknown) && actions.contains(&known));
    assert!(!actions.contains(&Action::Stage(node(0))));
}

#[test]
fn a_domain_controller_is_waived_only_where_one_may_be_waited_for() {
    let waived = Record::Waived {
        dc: dc(1),
        actor: "alice".to_owned(),
    };
    let mut desk = Desk::at(staging(), 2);
    assert!(!desk.roll.may_waive());
    assert!(desk.roll.apply(waived.clone()).is_err());
    let mut desk = Desk::at(intents(&[0]), 2);
    assert!(desk.roll.may_waive());
    desk.write(waived);
}
