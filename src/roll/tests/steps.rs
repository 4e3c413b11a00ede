//! Single steps of `plan`, asked for by hand: what the world of the other tests does not come to.

mod gates;
mod given_up;
mod journal;
mod last_look;
mod left_behind;
mod limits;
mod proven;
mod refusals;
mod who_leaves;
mod written_after_all;

use std::collections::BTreeSet;
use std::time::Duration;

use super::account::account;
use super::world::{BASE, World, dc, node};
use crate::fence::Version;
use crate::kerberos::Kvno;
use crate::keyset::{Role, Unlisted};
use crate::roll::frame::{Cause, Plan};
use crate::roll::observed::{DcView, Issued, NoLogin, NodeView, Observed, WhichKey};
use crate::roll::plan::{Action, Circumstances, Step, plan};
use crate::roll::record::{Record, Resolution, Trouble};
use crate::roll::{Answer, End, Roll, State};

const LONG: Duration = Duration::from_secs(3600);

/// A roll, what was seen, and how it stands with time and wishes.
struct Desk {
    roll: Roll,
    seen: Observed,
    around: Circumstances,
}

impl Desk {
    /// A roll of two nodes, brought by these records to where they lead.
    fn at(records: impl IntoIterator<Item = Record>, dcs: usize) -> Self {
        let mut plan = World::new().roll.frame().clone();
        plan.dcs = (0..dcs).map(dc).collect();
        plan.members = (0..2).map(node).collect();
        let mut desk = Self {
            roll: Roll::planned(plan),
            seen: Observed::default(),
            around: Circumstances {
                next_version: Version(8),
                ..Circumstances::default()
            },
        };
        records.into_iter().for_each(|record| desk.write(record));
        desk
    }

    fn write(&mut self, record: Record) {
        self.roll.apply(record).unwrap();
        self.seen = Observed::default();
        self.around.next_version = self.roll.recipe().version.next();
    }

    fn step(&self) -> Step {
        plan(&self.roll, &self.seen, &self.around).step
    }

    /// Writes what is to be written, and tells what it was.
    fn written(&mut self) -> Record {
        match self.step() {
            Step::Write(record) => {
                self.write(record.clone());
                record
            }
            other => panic!("no record but {other:?}"),
        }
    }

    fn sees(&mut self, index: usize, key: WhichKey, kvno: u32) {
        let issued = Issued {
            key,
            kvno: Kvno(kvno),
            enctype: 18,
            salt: None,
            clock_offset: Duration::ZERO,
            ticket_life: Duration::ZERO,
            no_login: None,
        };
        self.seen.dcs.insert(dc(index), DcView::Issues(issued));
    }

    /// Before its key leaves the nodes each DC is asked that was not: those have the old one.
    #[track_caller]
    fn looks_for_the_new_key(&mut self) {
        let Step::Do(looks) = self.step() else {
            panic!("no look but {:?}", self.step());
        };
        for index in 0..2 {
            if looks.contains(&Action::LookAtDc(dc(index))) {
                self.sees(index, WhichKey::Base, BASE.0);
            }
        }
    }

    fn bars(&mut self, index: usize, why: NoLogin) {
        let Some(DcView::Issues(issued)) = self.seen.dcs.get_mut(&dc(index)) else {
            panic!("it was seen");
        };
        issued.no_login = Some(why);
    }

    fn reframe(&mut self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.roll.frame().clone();
        change(&mut plan);
        self.roll = Roll::planned(plan);
    }

    fn because(&mut self, cause: Cause) {
        self.reframe(|plan| plan.cause = cause);
    }

    fn sees_nothing_of(&mut self, index: usize) {
        let silent = DcView::Trouble("no answer".to_owned());
        self.seen.dcs.insert(dc(index), silent);
    }

    fn proves(&mut self, index: usize, roles: &[Role]) {
        let view = NodeView {
            holds: Some(self.roll.recipe().version),
            accepts: roles.iter().copied().collect(),
            ..NodeView::default()
        };
        self.seen.nodes.insert(node(index), view);
    }
}

fn generated() -> Record {
    Record::Generated {
        sealed: crate::roll::Sealed(vec![1]),
        fence_before: None,
        fence: "f".to_owned(),
        kvno_before: BASE,
        kvno: BASE.next(),
        salt: account().salt_source.next_salt(),
        longest_ticket: Duration::ZERO,
    }
}

fn staging() -> [Record; 2] {
    let version = Version(2);
    [generated(), Record::Staging { version }]
}

fn intents(dcs: &[usize]) -> Vec<Record> {
    let intent = |(number, index): (usize, &usize)| Record::CommitIntent {
        attempt: u32::try_from(number).unwrap() + 1,
        dc: dc(*index),
    };
    let intents = dcs.iter().enumerate().map(intent);
    staging().into_iter().chain(intents).collect()
}

#[test]
fn while_dcs_stay_silent_each_gets_its_turn() {
    let mut desk = Desk::at(intents(&[0]), 3);
    desk.around.since_record = LONG;
    let mut turns = Vec::new();
    for silent in [0, 1, 2] {
        desk.sees_nothing_of(silent);
        match desk.written() {
            Record::CommitIntent { dc, .. } => turns.push(dc),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(turns, [dc(1), dc(2), dc(0)]);
}

#[test]
fn after_a_refusal_a_silent_dc_is_waited_for() {
    let why = "too young".to_owned();
    let refused = Record::AttemptRefused { attempt: 1, why };
    let records = intents(&[0]).into_iter().chain([refused]);
    let mut desk = Desk::at(records, 2);
    desk.around.since_record = LONG;
    desk.sees_nothing_of(0);
    assert!(matches!(desk.step(), Step::Wait(_)));
}

#[test]
fn a_write_that_may_still_come_is_looked_for_after_its_time_wherever_it_was_sent() {
    let mut desk = Desk::at(intents(&[0, 1]), 2);
    desk.around.abort = Some("asked".to_owned());
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(
        matches!(desk.step(), Step::Wait(_)),
        "it may be applied yet"
    );
    desk.around.since_record = LONG;
    assert_eq!(desk.written(), Record::Settled);
    // What was seen before is forgotten: the write may have been applied after that look.
    desk.sees(1, WhichKey::Base, BASE.0);
    assert_eq!(desk.step(), Step::Do(vec![Action::LookAtDc(dc(0))]));
    desk.sees(0, WhichKey::New, BASE.0 + 1);
    assert!(matches!(desk.written(), Record::Committed { .. }));
}

#[test]
fn a_dc_that_said_success_and_one_that_refused_do_not_settle_for_ever() {
    let mut records = intents(&[0]);
    records.push(Record::AttemptApplied { attempt: 1 });
    let second = Record::CommitIntent {
        attempt: 2,
        dc: dc(1),
    };
    let why = "no".to_owned();
    records.extend([second, Record::AttemptRefused { attempt: 2, why }]);
    let mut desk = Desk::at(records, 2);
    desk.around.since_record = LONG;
    desk.seen.waits = 12;
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.sees(1, WhichKey::Base, BASE.0);
    assert!(matches!(
        desk.written(),
        Record::Halted {
            trouble: Trouble::WithoutEffect { .. }
        }
    ));
}

#[test]
fn a_waived_dc_is_not_waited_for_while_committing() {
    let mut desk = Desk::at(intents(&[0]), 2);
    let actor = "alice".to_owned();
    desk.write(Record::Waived { dc: dc(0), actor });
    let next = Record::CommitIntent {
        attempt: 2,
        dc: dc(1),
    };
    assert_eq!(desk.written(), next);
}

/// With two DCs that issue as given, from `committed` on.
fn converging(seen: [(WhichKey, u32); 2]) -> Desk {
    let committed = Record::Committed {
        kvno: BASE.next(),
        salt: account().salt_source.next_salt(),
        version: Version(3),
    };
    let mut desk = Desk::at(intents(&[0]).into_iter().chain([committed]), 2);
    for (index, (key, kvno)) in seen.into_iter().enumerate() {
        desk.sees(index, key, kvno);
    }
    desk
}

#[test]
fn where_the_account_may_not_log_in_a_ticket_is_proof_enough_in_an_emergency_alone() {
    let new = BASE.0 + 1;
    for (cause, enough) in [(Cause::Operator, false), (Cause::Emergency, true)] {
        let mut desk = converging([(WhichKey::New, new), (WhichKey::New, new)]);
        desk.roll.plan.cause = cause;
        let seen = [dc(0)].into();
        desk.write(Record::Converged { dcs: seen });
        desk.sees(1, WhichKey::New, new);
        desk.proves(0, &[Role::Current, Role::Previous]);
        desk.proves(1, &[Role::Current, Role::Previous]);
        desk.bars(1, NoLogin::Barred("not at this hour".to_owned()));
        let decision = plan(&desk.roll, &desk.seen, &desk.around);
        let dcs = [dc(1)].into();
        if enough {
            assert_eq!(decision.step, Step::Write(Record::Converged { dcs }));
        } else {
            assert!(matches!(decision.step, Step::Wait(_)));
            assert!(
                decision.reason.contains("at this hour"),
                "{}",
                decision.reason
            );
        }
    }
}

fn listed(roll: &Roll) -> Vec<(Role, u32)> {
    let generations = roll.recipe().generations.into_iter();
    generations.map(|(role, _, kvno)| (role, kvno.0)).collect()
}

#[test]
fn the_new_key_under_another_kvno_is_given_to_the_nodes_under_both() {
    let (old, new) = (BASE.0, BASE.0 + 1);
    let mut desk = converging([(WhichKey::New, new), (WhichKey::New, new + 1)]);
    assert!(matches!(desk.written(), Record::Renumbered { .. }));
    assert!(desk.roll.mispredicted(), "the nodes come first");
    let (current, previous) = (Role::Current, Role::Previous);
    let both = [(current, new + 1), (previous, old), (previous, new)];
    assert_eq!(listed(&desk.roll), both);
    // The first one has the lower number still: it is waited for, by name.
    desk.sees(0, WhichKey::New, new);
    desk.sees(1, WhichKey::New, new + 1);
    desk.proves(0, &[current, previous]);
    desk.proves(1, &[current, previous]);
    let dcs = [dc(1)].into();
    assert_eq!(desk.written(), Record::Converged { dcs });
    desk.sees(0, WhichKey::New, new);
    desk.proves(0, &[current, previous]);
    desk.proves(1, &[current, previous]);
    assert!(matches!(desk.step(), Step::Wait(_)));
}

#[test]
fn where_every_dc_that_counts_has_come_to_the_lower_kvno_it_is_the_one() {
    let new = BASE.0 + 1;
    let mut desk = converging([(WhichKey::New, new), (WhichKey::New, new + 1)]);
    desk.written();
    let actor = "alice".to_owned();
    desk.write(Record::Waived { dc: dc(1), actor });
    desk.sees(0, WhichKey::New, new);
    desk.proves(0, &[Role::Current, Role::Previous]);
    desk.proves(1, &[Role::Current, Role::Previous]);
    assert!(matches!(desk.written(), Record::Renumbered { kvno, .. } if kvno.0 == new));
    assert_eq!(listed(&desk.roll)[0], (Role::Current, new));
}

#[test]
fn the_old_password_under_another_kvno_was_set_by_somebody_else() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1), (WhichKey::Base, 100_000)]);
    assert!(matches!(
        desk.written(),
        Record::Halted {
            trouble: Trouble::ForeignKey { .. }
        }
    ));
}

#[test]
fn a_misprediction_keeps_the_kvno_that_was_predicted() {
    let committed = Record::Committed {
        kvno: Kvno(BASE.0 + 2),
        salt: account().salt_source.next_salt(),
        version: Version(3),
    };
    let desk = Desk::at(intents(&[0]).into_iter().chain([committed]), 2);
    let kvnos: Vec<u32> = listed(&desk.roll).iter().map(|(_, kvno)| *kvno).collect();
    assert_eq!(kvnos, [BASE.0 + 2, BASE.0, BASE.0 + 1]);
}

#[test]
fn a_roll_that_did_not_wait_for_the_last_old_ticket_leaves_that_to_the_next() {
    let mut desk = converging([(WhichKey::New, BASE.0 + 1); 2]);
    let drain = desk.roll.frame().policy.drain();
    desk.sees(0, WhichKey::Foreign, 9);
    desk.written();
    let (choice, actor) = (Resolution::GiveUp, "alice".to_owned());
    desk.write(Record::Resolved { choice, actor });
    assert_eq!(desk.roll.state(), State::Ended(End::GivenUp));
    assert_eq!(desk.roll.cool_down(Duration::ZERO), drain);
    assert_eq!(desk.roll.cool_down(drain), Duration::ZERO);
    let mut drained = World::new();
    drained.run();
    assert_eq!(drained.roll.cool_down(Duration::ZERO), Duration::ZERO);
}

#[test]
fn a_write_is_not_repeated_under_its_number() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.seen.answer = Some(Answer::Unanswered {
        text: "reset".to_owned(),
    });
    desk.around.since_record = LONG;
    assert!(matches!(
        desk.written(),
        Record::CommitIntent { attempt: 2, .. }
    ));
}

#[test]
fn keys_that_nobody_told_us_stay_only_where_the_base_is_unknown() {
    let mut roll = Desk::at(staging(), 1).roll;
    assert_eq!(roll.recipe().unlisted, Unlisted::Remove);
    roll.plan.base = None;
    assert_eq!(roll.recipe().unlisted, Unlisted::Keep);
}

#[test]
fn a_writer_whose_kdc_alone_answers_is_left_for_another() {
    let mut desk = Desk::at(intents(&[0]), 2);
    desk.sees(0, WhichKey::Base, BASE.0);
    desk.seen.answer = Some(Answer::Unanswered {
        text: "reset".to_owned(),
    });
    desk.around.since_record = LONG;
    let next = |desk: &Desk| match desk.step() {
        Step::Write(Record::CommitIntent { attempt: 2, dc }) => dc,
        other => panic!("{other:?}"),
    };
    assert_eq!(next(&desk), dc(0));
    desk.around.since_state = LONG;
    assert_eq!(next(&desk), dc(1));
}
