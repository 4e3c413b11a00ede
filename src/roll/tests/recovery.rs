//! A journal that was put back: whatever it has forgotten, no ticket is refused because of it.

use proptest::prelude::*;

use super::world::World;
use crate::kerberos::Kvno;
use crate::roll::recovery::{InForce, Issuer, Look, Verdict, judge};
use crate::roll::{End, Found, Record, Roll, State};

/// Each moment of a roll's journal, found again after the roll has ended.
#[test]
fn a_journal_of_before_the_end_is_brought_to_the_same_end() {
    let mut done = World::new();
    assert_eq!(done.run(), End::Done);
    // A drain is written down more than a thousand times: one of them is as good as the other.
    let drained = |left: &usize| matches!(done.journal[left - 1], Record::Drained { .. });
    let moments = 1..done.journal.len();
    let moments = moments.filter(|left| !drained(left) || left.is_multiple_of(300));
    for left in moments {
        let mut world = World::new();
        world.run();
        let verdict = world.forget(left);
        let end = world.run();
        match verdict.found.unwrap() {
            // The password was not made yet: nobody here knows the key in force.
            Found::Overtaken => {
                assert_eq!(left, 1);
                assert!(matches!(verdict.in_force, InForce::Unknown(_)));
                assert_eq!(end, End::Overtaken);
            }
            Found::Retired { .. } | Found::Committed { .. } => {
                assert_eq!((verdict.in_force, end), (InForce::Roll, End::Done));
            }
            other @ Found::NotCommitted => panic!("{left} records left: {other:?}"),
        }
    }
}

#[test]
fn a_journal_of_before_an_abort_goes_on_with_the_same_password() {
    let mut world = World::new();
    world.at("staging", super::Fault::AbortAsked);
    assert_eq!(world.run(), End::Aborted);
    let left = world.journal.len() - 2;
    let verdict = world.forget(left);
    assert_eq!(verdict.found, Some(Found::NotCommitted));
    assert_eq!(world.roll.state(), State::Staging);
}

#[test]
fn a_journal_that_has_forgotten_the_commit_waits_for_old_tickets_once_more() {
    let mut world = World::new();
    world.at("draining", super::Fault::AbortAsked);
    assert_eq!(world.run(), End::Done);
    // One node was away when the old key went: it holds it still, and so it is not over.
    let mut world = World::new();
    world.run();
    world.put_back(0);
    let staging = |record: &Record| matches!(record, Record::Staging { .. });
    let left = world.journal.iter().position(staging).unwrap() + 1;
    let verdict = world.forget(left);
    assert!(matches!(verdict.found, Some(Found::Committed { .. })));
    let before = world.elapsed;
    assert_eq!(world.run(), End::Done);
    assert!(world.elapsed - before >= world.policy().drain());
}

#[test]
fn what_has_ended_cannot_be_recovered() {
    let mut world = World::new();
    world.run();
    let mut ended = world.roll.clone();
    let recovered = Record::Recovered {
        version: crate::fence::Version(99),
        found: Found::Overtaken,
        actor: "test".to_owned(),
    };
    ended.apply(recovered).unwrap_err();
    assert_eq!(ended, world.roll);
}

fn look(key: Issuer, kvno: u32) -> Look {
    let (kvno, salt) = (Kvno(kvno), None);
    Look { key, kvno, salt }
}

fn judged(looks: &[Look]) -> Option<InForce> {
    judge(None, true, looks, false).map(|verdict| verdict.in_force)
}

#[test]
fn without_a_roll_the_newest_key_that_is_known_is_the_one() {
    use Issuer::{Before, Recorded, Unknown};
    let cases: [(&[Look], Option<InForce>); 8] = [
        (&[], None),
        (&[look(Recorded, 5)], Some(InForce::Recorded)),
        (&[look(Before, 4)], Some(InForce::Before(Kvno(4)))),
        (
            &[look(Before, 4), look(Recorded, 5)],
            Some(InForce::Recorded),
        ),
        (&[look(Unknown, 6)], Some(InForce::Unknown(Kvno(6)))),
        (
            &[look(Recorded, 5), look(Unknown, 6)],
            Some(InForce::Unknown(Kvno(6))),
        ),
        // It lags behind, and what it has is older than what we know.
        (
            &[look(Unknown, 4), look(Recorded, 5)],
            Some(InForce::Recorded),
        ),
        // Two of one number: replication will tell, and an alarm if it is not ours.
        (
            &[look(Unknown, 5), look(Recorded, 5)],
            Some(InForce::Recorded),
        ),
    ];
    for (looks, expected) in cases {
        assert_eq!(judged(looks), expected, "{looks:?}");
    }
}

#[test]
fn an_account_whose_key_was_never_known_stays_one() {
    let verdict = judge(None, false, &[look(Issuer::Unknown, 6)], false);
    let expected = Verdict {
        in_force: InForce::Recorded,
        found: None,
    };
    assert_eq!(verdict, Some(expected));
}

#[test]
fn an_adoption_under_way_knows_the_key_before_it_by_its_kvno() {
    let mut world = World::new();
    world.run();
    let mut plan = world.roll.frame().clone();
    plan.base = None;
    let mut roll = Roll::planned(plan);
    let generated = world.journal[1].clone();
    roll.apply(generated).unwrap();
    let before = look(Issuer::Unknown, 4);
    let verdict = judge(Some(&roll), false, &[before], false).unwrap();
    assert_eq!(verdict.in_force, InForce::Recorded);
    assert_eq!(verdict.found, Some(Found::NotCommitted));
    let after = look(Issuer::Unknown, 6);
    let verdict = judge(Some(&roll), false, &[after], false).unwrap();
    assert_eq!(verdict.found, Some(Found::Overtaken));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The controller's disk is put back to any earlier moment, at any moment, again and again,
    /// with everything else going wrong too: no serving node ever refuses a living ticket.
    #[test]
    fn no_ticket_is_refused_by_what_a_controller_forgot(seed in any::<u64>()) {
        let mut world = World::forgetful(seed);
        let end = world.run_or_halt();
        prop_assert!(end.is_some(), "the roll is stuck: {:?}", world.states.last());
    }
}
