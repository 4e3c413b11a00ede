//! A domain controller that was proven, while another one is waited for.

use super::*;

/// Dc0 is proven, dc1 is waited for, and after the first wait dc0 is looked at, too.
fn one_proven() -> Desk {
    let (new, old) = ((WhichKey::New, BASE.0 + 1), (WhichKey::Base, BASE.0));
    let mut desk = converging([new, old]);
    assert_eq!(
        desk.written(),
        Record::Converged {
            dcs: [dc(0)].into()
        }
    );
    assert_eq!(desk.step(), Step::Do(vec![Action::LookAtDc(dc(1))]));
    desk.seen.look_again();
    let both = vec![Action::LookAtDc(dc(0)), Action::LookAtDc(dc(1))];
    assert_eq!(desk.step(), Step::Do(both));
    desk.sees_nothing_of(1);
    desk
}

#[test]
fn a_proven_dc_that_changes_while_another_is_waited_for_is_noticed() {
    let mut desk = one_proven();
    desk.sees(0, WhichKey::Foreign, BASE.0 + 2);
    let trouble = Trouble::ForeignKey {
        dc: dc(0),
        kvno: Kvno(BASE.0 + 2),
    };
    assert_eq!(desk.written(), Record::Halted { trouble });

    let mut desk = one_proven();
    desk.sees(0, WhichKey::New, BASE.0 + 2);
    assert!(matches!(desk.written(), Record::Renumbered { kvno, .. } if kvno.0 == BASE.0 + 2));

    // Set back to a number from before the roll, and with the roll's key all the same.
    let mut desk = one_proven();
    desk.sees(0, WhichKey::New, BASE.0 - 1);
    assert!(matches!(desk.written(), Record::Renumbered { kvno, .. } if kvno.0 == BASE.0 - 1));

    let mut desk = one_proven();
    desk.sees(0, WhichKey::Base, BASE.0);
    assert_eq!(desk.written(), Record::Regressed { dc: dc(0) });
    assert_eq!(desk.roll.state(), State::Converging);
    assert!(desk.roll.converged().is_empty());

    // What has not changed, and what does not answer, is no news.
    let mut desk = one_proven();
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    assert!(!matches!(desk.step(), Step::Write(_)));
    desk.sees_nothing_of(0);
    assert!(!matches!(desk.step(), Step::Write(_)));
}

/// Where nobody told us the key before, its number tells a DC that lags behind from one that
/// somebody else has written to.
#[test]
fn an_older_key_is_somebody_elses_where_the_one_before_is_known() {
    let (new, old) = ((WhichKey::New, BASE.0 + 1), BASE.0);
    for (base_known, kvno, halts) in [
        (true, old, true),
        (false, old, false),
        (false, old - 1, false),
        (false, old + 1, true),
    ] {
        let mut desk = converging([new, (WhichKey::Foreign, kvno)]);
        if !base_known {
            desk.roll.plan.base = None;
        }
        let written = desk.written();
        let is_halt = matches!(written, Record::Halted { .. });
        assert_eq!(is_halt, halts, "{base_known}, {kvno}: {written:?}");
    }
}

#[test]
fn a_lower_number_that_all_have_come_to_is_the_number() {
    let new = BASE.0 + 1;
    for (second, renumbered) in [
        (Some((WhichKey::New, new)), true),
        (Some((WhichKey::Base, BASE.0)), false),
        (None, false),
    ] {
        let mut desk = converging([(WhichKey::New, new), (WhichKey::New, new + 1)]);
        assert!(matches!(desk.written(), Record::Renumbered { kvno, .. } if kvno.0 == new + 1));
        desk.sees(0, WhichKey::New, new);
        match second {
            Some((key, kvno)) => desk.sees(1, key, kvno),
            None => desk.sees_nothing_of(1),
        }
        desk.proves(0, &[Role::Current, Role::Previous]);
        desk.proves(1, &[Role::Current, Role::Previous]);
        let step = desk.step();
        let back =
            |record: &Record| matches!(record, Record::Renumbered { kvno, .. } if kvno.0 == new);
        let is_back = matches!(&step, Step::Write(record) if back(record));
        assert_eq!(is_back, renumbered, "{step:?}");
    }
}

#[test]
fn a_dc_with_the_old_key_is_waited_for_whoever_may_log_in_there() {
    let mut desk = one_proven();
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    desk.sees(1, WhichKey::Base, BASE.0);
    desk.bars(1, NoLogin::Barred("not at this hour".to_owned()));
    desk.proves(0, &[Role::Current, Role::Previous]);
    desk.proves(1, &[Role::Current, Role::Previous]);
    let reason = plan(&desk.roll, &desk.seen, &desk.around).reason;
    assert!(
        reason.starts_with(&format!("waiting for {}", dc(1))),
        "{reason}"
    );
}

#[test]
fn an_enctype_that_no_keytab_has_is_not_somebody_elses_password() {
    let mut desk = one_proven();
    desk.sees(0, WhichKey::Foreign, BASE.0 + 1);
    let Some(DcView::Issues(issued)) = desk.seen.dcs.get_mut(&dc(0)) else {
        panic!("it was just seen");
    };
    issued.enctype = 23;
    let trouble = Trouble::ForeignEnctype {
        dc: dc(0),
        enctype: 23,
    };
    assert_eq!(desk.written(), Record::Halted { trouble });
}

#[test]
fn a_node_that_holds_the_keys_and_refuses_a_ticket_is_left_to_an_operator() {
    let refusing = |desk: &mut Desk, trouble: Option<&str>| {
        desk.proves(1, &[Role::Current]);
        let view = desk.seen.nodes.get_mut(&node(1)).unwrap();
        view.refuses = Some("clock skew too great".to_owned());
        view.trouble = trouble.map(str::to_owned);
    };
    let mut desk = one_proven();
    refusing(&mut desk, None);
    let trouble = Trouble::NodeRefuses {
        node: node(1),
        why: "clock skew too great".to_owned(),
    };
    assert_eq!(desk.written(), Record::Halted { trouble });
    assert_eq!(desk.roll.state(), State::Halted);

    // One whose file cannot be read now has an excuse, and is asked again.
    let mut desk = one_proven();
    refusing(&mut desk, Some("the keytab is being written"));
    assert!(!matches!(desk.step(), Step::Write(_)));
}

/// The nodes hold the new key under each number that it was seen with.
#[test]
fn while_old_tickets_die_another_number_of_the_new_key_is_taken_for_what_it_is() {
    let new = BASE.0 + 1;
    let draining = |numbers: &[u32]| {
        let mut desk = converging([(WhichKey::New, new); 2]);
        for kvno in numbers {
            let version = desk.around.next_version;
            let kvno = Kvno(*kvno);
            desk.write(Record::Renumbered { kvno, version });
        }
        let dcs = [dc(0), dc(1)].into();
        desk.write(Record::Converged { dcs });
        desk.write(Record::Draining { left: LONG });
        desk.around.since_record = LONG;
        for index in 0..2 {
            desk.proves(index, &[Role::Current, Role::Previous]);
            desk.sees(index, WhichKey::New, *numbers.last().unwrap());
        }
        desk
    };
    for (numbers, seen, renumbered) in [
        // One that is before ours: a DC that has gone back.
        (&[new + 1][..], new, false),
        // One that is after ours: the number to come.
        (&[new + 1, new], new + 1, true),
        // One that nobody has seen.
        (&[new + 1], new + 2, true),
    ] {
        let mut desk = draining(numbers);
        desk.sees(0, WhichKey::New, seen);
        match desk.written() {
            Record::Renumbered { kvno, .. } => assert!(renumbered && kvno.0 == seen),
            Record::Regressed { .. } => assert!(!renumbered, "{numbers:?}, {seen}"),
            other => panic!("{other:?}"),
        }
    }
}
