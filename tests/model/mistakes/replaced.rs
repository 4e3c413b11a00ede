//! A step of `plan`, replaced by one that a rule forbids.

use std::time::Duration;

use keyroll::fence::Version;
use keyroll::roll::{Action, Record, State, Step};

use super::Mistake;
use crate::ledger::Entry;
use crate::model::Model;
use crate::question::{Next, Question};

impl Model {
    /// Replaces what `plan` says.
    pub fn replace(&self, entry: &Entry, question: &Question, step: Step) -> Step {
        let Some(mistake) = self.mistake else {
            return step;
        };
        let roll = &entry.roll;
        match (mistake, step) {
            (Mistake::EffectBeforeRecord, Step::Write(Record::CommitIntent { attempt, dc })) => {
                Step::Do(vec![Action::Commit { attempt, dc }])
            }
            (Mistake::DrainGoesOnAfterRegression, Step::Write(Record::Draining { left })) => {
                let regressed = |record: &Record| matches!(record, Record::Regressed { .. });
                let left = if entry.journal.iter().any(regressed) {
                    roll.drain_left()
                } else {
                    left
                };
                Step::Write(Record::Draining { left })
            }
            (Mistake::DrainIsNotWrittenDown, Step::Write(Record::Drained { .. })) => {
                let left = roll.drain_left();
                Step::Write(Record::Drained { left })
            }
            (Mistake::OtherKvnoIsWaitedFor, Step::Write(Record::Renumbered { .. })) => {
                Step::Wait(Duration::ZERO)
            }
            (Mistake::LostKeyIsWaitedFor, Step::Write(Record::CommitIntent { .. }))
                if roll.state() == State::Converging =>
            {
                Step::Wait(Duration::ZERO)
            }
            (Mistake::AllLeftBehind, Step::Wait(_)) if is_last_push(roll.state()) => {
                match roll.serving().next().filter(|_| question.since_state > 0) {
                    Some(node) => Step::Write(Record::Quarantined {
                        node: node.clone(),
                        why: String::new(),
                    }),
                    None => Step::Wait(Duration::ZERO),
                }
            }
            (_, step) => step,
        }
    }

    /// What is written where `plan` is not even asked.
    pub fn overruled(&self, entry: &Entry, question: &Question) -> Option<Next> {
        let aborts = self.errs(Mistake::AbortAfterIntent)
            && question.abort
            && entry.roll.state() == State::Committing;
        if !aborts {
            return None;
        }
        let record = Record::Aborting {
            version: Version(u64::from(question.next_version)),
            why: String::new(),
        };
        // As if no write had been recorded: `apply` would not take it otherwise.
        let before = |record: &Record| {
            matches!(
                record,
                Record::Planned { .. } | Record::Generated { .. } | Record::Staging { .. }
            )
        };
        let journal = entry.journal.iter().filter(|one| before(one)).cloned();
        let journal = journal.chain([record.clone()]).collect();
        let roll = self.ledger.borrow_mut().replayed(journal).ok()?;
        Some(Next::Write(record, roll))
    }
}

const fn is_last_push(state: State) -> bool {
    matches!(state, State::Retiring | State::Aborting)
}
