//! What speaks against a roll.

mod delegation;

use super::*;
use crate::account::AccountState;
use crate::roll::policy::{Gate, Method, OldKey, OnDeadline};
use crate::roll::record::Refusal;

/// The codes of the reasons against a roll whose account and frame are these.
fn codes(change: impl FnOnce(&mut Desk, &mut AccountState)) -> Vec<String> {
    let mut desk = Desk::at([], 2);
    let mut account = account();
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.sees(1, WhichKey::Base, BASE.0);
    desk.seen.waits = 3;
    change(&mut desk, &mut account);
    desk.seen.account = Some(Ok(account));
    match desk.step() {
        Step::Write(Record::Refused { reasons }) => {
            reasons.into_iter().map(|reason| reason.code).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn an_expired_password_speaks_against_a_roll_where_it_costs_the_proof() {
    let expired = codes(|_, account| account.password_expired = true);
    assert!(expired.is_empty(), "the roll is the cure: {expired:?}");
    let expired = codes(|desk, account| {
        account.password_expired = true;
        desk.sees_nothing_of(1);
    });
    assert_eq!(expired, ["password-expired"]);
    let spared = codes(|desk, account| {
        desk.because(Cause::Emergency);
        account.password_expired = true;
        desk.sees_nothing_of(1);
    });
    assert!(spared.is_empty(), "it is not waited for: {spared:?}");
}

#[test]
fn an_account_that_may_not_log_in_could_not_be_proven() {
    let why = || "not at this hour".to_owned();
    let barred = codes(|desk, _| desk.bars(1, NoLogin::Barred(why())));
    assert_eq!(barred, ["login-refused"]);
    let cured = codes(|desk, account| {
        account.password_expired = true;
        desk.bars(1, NoLogin::Expired(why()));
    });
    assert!(cured.is_empty(), "{cured:?}");
    let both = codes(|desk, account| {
        account.password_expired = true;
        desk.bars(1, NoLogin::Barred(why()));
    });
    assert_eq!(both, ["login-refused"], "a new password does not cure that");
    let urgent = codes(|desk, _| {
        desk.because(Cause::Emergency);
        desk.bars(1, NoLogin::Barred(why()));
    });
    assert!(urgent.is_empty(), "{urgent:?}");
}

#[test]
fn only_an_emergency_begins_without_a_dc_and_never_without_its_writer() {
    for (cause, silent, expected) in [
        (Cause::Operator, 1, &["dc-unreachable"][..]),
        (Cause::Emergency, 1, &[]),
        (Cause::Emergency, 0, &["dc-unreachable"]),
    ] {
        let reasons = codes(|desk, _| {
            desk.because(cause);
            desk.sees_nothing_of(silent);
        });
        assert_eq!(reasons, expected, "{cause:?} without DC {silent}");
    }
    // It may answer at the second try.
    let mut desk = Desk::at([], 2);
    desk.because(Cause::Emergency);
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.sees_nothing_of(1);
    desk.seen.account = Some(Ok(account()));
    assert!(matches!(desk.step(), Step::Wait(_)));
}

#[test]
fn a_password_is_not_followed_by_another_within_a_tickets_life_but_in_an_emergency() {
    for (cause, expected) in [
        (Cause::Schedule, &["too-soon"][..]),
        (Cause::Emergency, &[]),
    ] {
        let soon = codes(|desk, _| {
            desk.reframe(|plan| {
                plan.cool_down = Duration::from_secs(60);
                plan.cause = cause;
            });
        });
        assert_eq!(soon, expected);
    }
}

#[test]
fn tickets_that_hardly_end_are_not_waited_for_unless_somebody_said_how_long() {
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let over = |life: Duration, change: fn(&mut crate::roll::Plan)| {
        codes(|desk, _| {
            desk.reframe(change);
            if let Some(DcView::Issues(issued)) = desk.seen.dcs.get_mut(&dc(1)) {
                issued.ticket_life = life;
            }
        })
    };
    assert!(over(days(30), |_| {}).is_empty());
    assert_eq!(over(days(31), |_| {}), ["tickets-without-end"]);
    let named = over(days(4000), |plan| plan.policy.ticket_life_given = true);
    assert!(named.is_empty(), "{named:?}");
    let at_once = over(days(4000), |plan| {
        plan.cause = Cause::Emergency;
        plan.policy.old_key = OldKey::UntilConverged;
    });
    assert!(at_once.is_empty(), "{at_once:?}");
}

#[test]
fn a_gate_that_cannot_open_refuses_but_where_the_roll_goes_on_without_the_nodes_that_lack() {
    let lacks = |lacking: &'static [usize], on_deadline| {
        codes(|desk, _| {
            desk.reframe(|plan| {
                plan.policy.gate = Gate::AtLeast(2);
                plan.policy.on_deadline = on_deadline;
            });
            for index in lacking {
                let view = NodeView {
                    trouble: Some("it is away".to_owned()),
                    ..NodeView::default()
                };
                desk.seen.nodes.insert(node(*index), view);
            }
        })
    };
    assert!(lacks(&[], OnDeadline::Abort).is_empty());
    assert_eq!(lacks(&[1], OnDeadline::Abort), ["gate-shut"]);
    assert!(lacks(&[1], OnDeadline::Quarantine).is_empty());
    assert_eq!(lacks(&[0, 1], OnDeadline::Quarantine), ["gate-shut"]);
}

#[test]
fn what_speaks_against_a_node_that_the_gate_does_not_need_speaks_against_no_roll() {
    for (gate, expected) in [
        (Gate::AtLeast(1), &[][..]),
        (Gate::All, &["keytab-trouble"]),
    ] {
        let found = codes(|desk, _| {
            desk.reframe(|plan| plan.policy.gate = gate);
            let view = NodeView {
                refusals: vec![Refusal::new("keytab-trouble", node(1), "full", "df")],
                ..NodeView::default()
            };
            desk.seen.nodes.insert(node(1), view);
        });
        assert_eq!(found, expected);
    }
}

/// An emergency over a password that the array does not hold, from a writer that says `kvno`; the
/// key in force until then is kvno 4, and may be on the other DC.
fn over_another(kvno: u32, other: Option<u32>) -> Vec<String> {
    codes(|desk, account| {
        desk.reframe(|plan| {
            let base = plan.base.take().unwrap();
            plan.cause = Cause::Emergency;
            plan.policy.method = Method::FencedReset;
            plan.leftovers.push(crate::roll::Leftover {
                generation: base.generation,
                kvno: base.kvno,
                salt: None,
                secret: crate::roll::Sealed(vec![2]),
            });
        });
        (account.may_reset, account.may_write_fence) = (true, true);
        account.kvno = Kvno(kvno);
        desk.sees(0, WhichKey::Foreign, kvno);
        match other {
            Some(kvno) => desk.sees(1, WhichKey::Foreign, kvno),
            None => desk.sees_nothing_of(1),
        }
    })
}

#[test]
fn a_writer_that_lags_would_give_the_new_key_the_number_of_the_one_in_force() {
    let none: [&str; 0] = [];
    let (behind, ahead) = (BASE.0 - 1, BASE.0 + 1);
    assert_eq!(over_another(behind, Some(BASE.0)), ["kvno-differs"]);
    assert_eq!(over_another(behind, None), ["kvno-differs"]);
    // The whole directory was set back: nobody issues under the other key.
    assert_eq!(over_another(behind, Some(behind)), none);
    // Somebody has set a password there, and the other one has not heard of it.
    assert_eq!(over_another(ahead, Some(BASE.0)), none);
    assert_eq!(over_another(ahead, None), none);
    // It has heard of the one in force.
    assert_eq!(over_another(BASE.0, None), none);
    // Adoption: keys that nobody told us are in the files under such numbers.
    let adopted = codes(|desk, account| {
        desk.reframe(|plan| {
            plan.base = None;
            plan.policy.method = Method::FencedReset;
        });
        (account.may_reset, account.may_write_fence) = (true, true);
        desk.sees(1, WhichKey::Foreign, ahead);
    });
    assert_eq!(adopted, ["kvno-differs"]);
}

#[test]
fn an_older_key_and_an_unknown_enctype_are_not_somebody_elses_password() {
    let older = codes(|desk, _| desk.sees(1, WhichKey::Foreign, BASE.0 - 1));
    assert_eq!(older, ["kvno-differs"]);
    let other = codes(|desk, _| desk.sees(1, WhichKey::Foreign, BASE.0));
    assert_eq!(other, ["key-foreign"]);
    let enctype = codes(|desk, _| {
        desk.sees(1, WhichKey::Foreign, BASE.0);
        if let Some(DcView::Issues(issued)) = desk.seen.dcs.get_mut(&dc(1)) {
            issued.enctype = 23;
        }
    });
    assert_eq!(enctype, ["enctype-foreign"]);
}

#[test]
fn a_clock_may_be_a_minute_off_and_no_more() {
    let off = |offset| {
        codes(|desk, _| {
            if let Some(DcView::Issues(issued)) = desk.seen.dcs.get_mut(&dc(1)) {
                issued.clock_offset = offset;
            }
        })
    };
    let minute = Duration::from_secs(60);
    assert!(off(minute).is_empty());
    assert_eq!(off(minute + Duration::from_millis(1)), ["clock-off"]);
}

#[test]
fn what_is_silent_is_asked_three_times_more_before_a_roll_is_refused_for_it() {
    for of_account in [true, false] {
        let mut desk = Desk::at([], 2);
        desk.proves(0, &[]);
        desk.proves(1, &[]);
        desk.sees(0, WhichKey::Base, BASE.0);
        desk.sees(1, WhichKey::Base, BASE.0);
        if of_account {
            desk.seen.account = Some(Err("no answer".to_owned()));
        } else {
            desk.seen.account = Some(Ok(account()));
            desk.sees_nothing_of(1);
        }
        for waits in 0..3 {
            desk.seen.waits = waits;
            assert!(matches!(desk.step(), Step::Wait(_)), "{waits}");
        }
        desk.seen.waits = 3;
        let refused = desk.step();
        let is_refusal = matches!(refused, Step::Write(Record::Refused { .. }));
        assert!(is_refusal, "{refused:?}");
    }
}

#[test]
fn what_a_node_says_that_lacks_something_is_told_where_the_gate_needs_it_and_nobody_waits() {
    let lacks = |says: &'static [&str], gate: Gate, on_deadline| {
        codes(|desk, _| {
            desk.reframe(|plan| {
                plan.policy.gate = gate;
                plan.policy.on_deadline = on_deadline;
            });
            let refusals = says
                .iter()
                .map(|code| Refusal::new(code, node(1), "full", "df"));
            let view = NodeView {
                trouble: Some("no space".to_owned()),
                refusals: refusals.collect(),
                ..NodeView::default()
            };
            desk.seen.nodes.insert(node(1), view);
        })
    };
    let (abort, without) = (OnDeadline::Abort, OnDeadline::Quarantine);
    assert_eq!(lacks(&["disk-full"], Gate::All, abort), ["disk-full"]);
    assert_eq!(lacks(&[], Gate::All, abort), ["node-unreachable"]);
    for (gate, on_deadline) in [
        (Gate::All, without),
        (Gate::AtLeast(1), abort),
        (Gate::AtLeast(1), without),
    ] {
        for says in [&["disk-full"][..], &[]] {
            let told = lacks(says, gate.clone(), on_deadline);
            assert!(told.is_empty(), "{gate:?}, {on_deadline:?}: {told:?}");
        }
    }
}

#[test]
fn a_number_that_only_the_directory_says_speaks_against_its_writer_alone() {
    let mut desk = Desk::at([], 2);
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.sees(1, WhichKey::Base, BASE.0);
    let mut account = account();
    account.kvno = account.kvno.next();
    desk.seen.account = Some(Ok(account));
    let Record::Refused { reasons } = desk.written() else {
        panic!("{:?}", desk.roll.state());
    };
    let [reason] = &reasons[..] else {
        panic!("{reasons:?}");
    };
    let writer = desk.roll.frame().writer.to_string();
    assert_eq!(
        (reason.code.as_str(), &reason.object),
        ("kvno-differs", &writer)
    );
}

#[test]
fn why_the_account_was_not_read_is_told() {
    let mut desk = Desk::at([], 2);
    desk.proves(0, &[]);
    desk.proves(1, &[]);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.sees(1, WhichKey::Base, BASE.0);
    desk.seen.waits = 3;
    desk.seen.account = Some(Err("no route to host".to_owned()));
    let Record::Refused { reasons } = desk.written() else {
        panic!("{:?}", desk.roll.state());
    };
    assert_eq!(reasons[0].code, "directory-unreachable");
    assert!(reasons[0].why.contains("no route to host"), "{reasons:?}");
}
