//! A roll in a small world of two DCs and three nodes: alone, with faults, and at random.

mod account;
mod dice;
mod fault;
mod recovery;
mod steps;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use super::policy::{Gate, OnDeadline};
use super::record::{Record, Resolution};
use super::{End, Illegal, Roll, State, Trouble};
use fault::Fault;
use world::World;

#[test]
fn a_roll_goes_through_all_its_states() {
    let mut world = World::new();
    assert_eq!(world.run(), End::Done);
    let mut states: Vec<&str> = world.states.clone();
    states.dedup();
    let story = [
        "planned",
        "generated",
        "staging",
        "committing",
        "converging",
        "draining",
    ];
    assert_eq!(states[..6], story);
    assert_eq!(states[6..], ["retiring", "done"]);
    assert!(
        world.elapsed >= world.policy().drain(),
        "the drain was cut short"
    );
}

#[test]
fn tickets_that_live_longer_than_the_policy_says_are_waited_for() {
    let mut world = World::new();
    world.ticket_life = world.policy().ticket_life * 2;
    world.run();
    assert!(world.elapsed >= world.policy().drain() + world.policy().ticket_life);
}

#[test]
fn a_replayed_journal_gives_the_same_roll() {
    let mut world = World::new();
    world.run();
    let replayed = Roll::replay(world.journal.clone()).unwrap();
    assert_eq!(replayed.state(), State::Ended(End::Done));
    assert_eq!(replayed, world.roll);
}

#[test]
fn all_reasons_against_a_roll_come_at_once_and_nothing_is_touched() {
    let mut world = World::new();
    world.account.disabled = true;
    world.account.supported_enctypes = None;
    world.fault(Fault::ClockOff);
    assert_eq!(world.run(), End::Refused);
    let mut codes: Vec<&str> = world
        .roll
        .refusals()
        .iter()
        .map(|reason| reason.code.as_str())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "account-disabled",
            "clock-off",
            "clock-off",
            "enctypes-unset"
        ]
    );
    assert_eq!(world.writes, 0);
    assert_eq!(world.stages, 0);
}

#[test]
fn an_attribute_that_names_no_kind_of_key_yields_rc4_as_much_as_none() {
    let mut world = World::new();
    // AES256-CTS-HMAC-SHA1-96-SK alone speaks of session keys.
    world.account.supported_enctypes = Some(0x20);
    assert_eq!(world.run(), End::Refused);
    assert_eq!(world.roll.refusals()[0].code, "enctypes-unset");
}

#[test]
fn a_dead_node_refuses_or_is_left_behind_as_the_policy_says() {
    let mut world = World::new();
    world.fault(Fault::NodeDead(2));
    assert_eq!(world.run(), End::Refused);
    for (gate, on_deadline) in [
        (Gate::AtLeast(2), OnDeadline::Abort),
        ("all-but n2".parse().unwrap(), OnDeadline::Abort),
        (Gate::All, OnDeadline::Quarantine),
    ] {
        let mut world = World::with_policy(|policy| {
            policy.gate = gate.clone();
            policy.on_deadline = on_deadline;
        });
        world.fault(Fault::NodeDead(2));
        assert_eq!(world.run(), End::Done, "{gate}");
        assert_eq!(world.roll.quarantined().len(), 1, "{gate}");
    }
}

#[test]
fn a_node_that_dies_while_staging_aborts_the_roll() {
    let mut world = World::new();
    world.at("staging", Fault::NodeDead(1));
    assert_eq!(world.run(), End::Aborted);
    assert_eq!(world.writes, 0);
    assert!(world.roll.verdict().unwrap().contains("n1"));
}

#[test]
fn an_operator_aborts_before_the_commit_and_not_after() {
    let mut world = World::new();
    world.at("staging", Fault::AbortAsked);
    assert_eq!(world.run(), End::Aborted);
    let mut world = World::new();
    world.at("planned", Fault::AbortAsked);
    assert_eq!(world.run(), End::Aborted);
    assert_eq!(world.stages, 0, "nothing was given, so nothing is taken");
    let mut world = World::new();
    world.at("converging", Fault::AbortAsked);
    assert_eq!(world.run(), End::Done);
}

#[test]
fn a_node_that_joins_before_the_commit_counts_and_one_set_aside_does_not() {
    let mut world = World::new();
    world.at("staging", Fault::NodeJoins);
    assert_eq!(world.run(), End::Done);
    assert_eq!(world.roll.frame().members.len(), 4);
    let mut world = World::new();
    world.at("staging", Fault::NodeDead(1));
    world.at("staging", Fault::NodeSetAside(1));
    assert_eq!(world.run(), End::Done);
    assert_eq!(world.roll.quarantined().len(), 1);
}

#[test]
fn a_node_that_was_removed_or_set_aside_gets_no_key_of_the_roll() {
    for state in ["staging", "converging", "draining"] {
        let mut world = World::new();
        world.at(state, Fault::NodeSetAside(1));
        assert_eq!(world.run(), End::Done);
        // What it got before is all it has: 2 is the keyset of staging, 3 that of the commit.
        let most = match state {
            "staging" => 1,
            "converging" => 2,
            _ => 3,
        };
        assert_eq!(world.held(1), most, "set aside in {state}");
    }
}

#[test]
fn a_controller_cut_off_from_every_node_quarantines_none_of_them() {
    let mut world = World::new();
    for node in 0..3 {
        world.at("converging", Fault::NodeDead(node));
    }
    assert_eq!(world.run_or_halt(), None, "it waits for the way to them");
    assert!(world.roll.quarantined().is_empty());
    world.heal();
    assert_eq!(world.run(), End::Done);
}

#[test]
fn a_controller_cut_off_at_the_last_push_shuts_no_gate_and_calls_nothing_done() {
    for (state, end) in [("retiring", End::Done), ("aborting", End::Aborted)] {
        let mut world = World::new();
        if end == End::Aborted {
            world.at("staging", Fault::AbortAsked);
        }
        for node in 0..3 {
            world.at(state, Fault::NodeDead(node));
        }
        assert_eq!(world.run_or_halt(), None, "it waits for the way to them");
        assert!(world.roll.quarantined().is_empty());
        world.heal();
        assert_eq!(world.run(), end);
    }
}

#[test]
fn what_an_earlier_roll_has_left_stays_until_this_one_has_drained() {
    let mut world = World::with_leftover();
    assert_eq!(world.run(), End::Done);
    let mut world = World::with_leftover();
    world.at("staging", Fault::AbortAsked);
    assert_eq!(world.run(), End::Aborted);
}

#[test]
fn over_a_password_that_still_replicates_nothing_halts() {
    let mut world = World::over_a_foreign_password();
    assert_eq!(world.run(), End::Done);
    assert!(world.roll.trouble().is_none());
}

#[test]
fn a_lost_answer_is_settled_by_looking() {
    for applied in [true, false] {
        let mut world = World::new();
        world.fault(Fault::AnswerLost { applied, times: 1 });
        assert_eq!(world.run(), End::Done);
        assert_eq!(world.applied, 1, "the password was written once");
        assert_eq!(world.writes, if applied { 1 } else { 2 });
    }
}

#[test]
fn a_refused_write_ends_in_an_abort_with_the_reason() {
    let mut world = World::new();
    world.fault(Fault::WriteRefused);
    assert_eq!(world.run(), End::Aborted);
    assert!(
        world.roll.verdict().unwrap().contains("0x52d"),
        "{:?}",
        world.roll.verdict()
    );
}

#[test]
fn a_refusal_after_a_lost_answer_is_no_proof() {
    // Model mutant MA: applied, the answer lost, the repeat refused. The password is in force.
    let mut world = World::new();
    world.fault(Fault::AnswerLost {
        applied: true,
        times: 1,
    });
    world.fault(Fault::StaleLooks(3));
    assert_eq!(world.run(), End::Done);
}

#[test]
fn a_foreign_password_stops_the_roll_and_an_operator_goes_on() {
    let mut world = World::new();
    world.at("draining", Fault::ForeignKey);
    assert_eq!(world.run_until_halt(), State::Halted);
    assert!(matches!(
        world.roll.trouble(),
        Some(Trouble::ForeignKey { .. })
    ));
    world.resolve(Resolution::GiveUp);
    assert_eq!(world.run(), End::GivenUp);
}

#[test]
fn a_drain_is_given_up_for_another_roll_and_nothing_else_is() {
    let mut world = World::new();
    world.run();
    for length in 1..=world.journal.len() {
        let mut roll = Roll::replay(world.journal[..length].iter().cloned()).unwrap();
        let state = roll.state();
        let given_up = roll.apply(Record::Resolved {
            choice: Resolution::GiveUp,
            actor: "test".to_owned(),
        });
        assert_eq!(given_up.is_ok(), state == State::Draining, "{state:?}");
        if given_up.is_ok() {
            assert_eq!(roll.state(), State::Ended(End::GivenUp));
            assert!(roll.has_committed(), "its key is the one in force");
            assert_eq!(roll.recipe().generations.len(), 2, "both keys stay");
            assert!(!roll.cool_down(Duration::ZERO).is_zero());
        }
    }
}

#[test]
fn another_kvno_than_predicted_is_staged_before_anything_else() {
    let mut world = World::new();
    world.fault(Fault::KvnoJumps(100_000));
    assert_eq!(world.run(), End::Done);
    assert!(world.roll.mispredicted());
    assert_eq!(world.roll.generated().unwrap().kvno, world.kvno());
}

#[test]
fn a_dc_that_goes_back_starts_the_drain_anew() {
    let mut world = World::new();
    world.at("draining", Fault::DcRestored);
    assert_eq!(world.run(), End::Done);
    let drains = world
        .journal
        .iter()
        .filter(|record| matches!(record, Record::Draining { .. }));
    assert_eq!(drains.count(), 2);
}

#[test]
fn illegal_records_leave_the_roll_as_it_is() {
    let mut world = World::new();
    let before = world.roll.clone();
    for record in [
        Record::Done,
        Record::Settled,
        Record::Draining {
            left: Duration::ZERO,
        },
        Record::CommitIntent {
            attempt: 1,
            dc: "dc1".parse().unwrap(),
        },
    ] {
        let Illegal { state, .. } = world.roll.apply(record).unwrap_err();
        assert_eq!(state, "planned");
        assert_eq!(world.roll, before);
    }
    assert!(Roll::replay([Record::Done]).is_err());
    assert!(Roll::replay([]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever is lost, late or killed: no ticket that a DC issued or could issue is refused by
    /// a serving node (checked by the world after every step), and the roll comes to an end.
    #[test]
    fn no_ticket_is_ever_refused(seed in any::<u64>()) {
        let mut world = World::random(seed);
        let end = world.run_or_halt();
        prop_assert!(end.is_some(), "the roll is stuck: {:?}", world.states.last());
    }
}
