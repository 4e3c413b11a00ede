//! Replay: one arm for each record, naming the states it may follow.

use super::record::{Found, Record, Resolution};
use super::{Attempt, End, Generated, Halt, Outcome, Roll, State};
use crate::fence::Version;
use crate::kerberos::Kvno;

/// A record that may not stand where it stands: the journal is damaged or from another version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("illegal journal: record {record} cannot follow in state {state}{detail}")]
pub struct Illegal {
    /// The record's name.
    pub record: &'static str,
    /// The state's name, `nothing` before the first record.
    pub state: &'static str,
    /// More, if there is more to say; begins with ": ".
    pub detail: String,
}

impl Roll {
    /// The roll that a journal tells.
    ///
    /// # Errors
    /// [`Illegal`] at the first record that may not stand where it stands.
    pub fn replay(records: impl IntoIterator<Item = Record>) -> Result<Self, Illegal> {
        let mut records = records.into_iter();
        let illegal = |record: &Record| Illegal {
            record: record.name(),
            state: "nothing",
            detail: String::new(),
        };
        let mut roll = match records.next() {
            Some(Record::Planned { plan }) => Self::planned(*plan),
            Some(other) => return Err(illegal(&other)),
            None => {
                return Err(Illegal {
                    record: "none",
                    state: "nothing",
                    detail: ": the journal is empty".to_owned(),
                });
            }
        };
        for record in records {
            roll.apply(record)?;
        }
        Ok(roll)
    }

    /// A roll that has just been planned.
    #[must_use]
    pub fn planned(plan: super::Plan) -> Self {
        Self {
            version: plan.version,
            unknown_keys_stay: plan.unknown_keys_stay,
            plan,
            state: State::Planned,
            generated: None,
            attempts: Vec::new(),
            quarantined: std::collections::BTreeMap::new(),
            converged: std::collections::BTreeSet::new(),
            waived: std::collections::BTreeSet::new(),
            other_kvnos: std::collections::BTreeSet::new(),
            drain_left: std::time::Duration::ZERO,
            mispredicted: false,
            giving_up: false,
            issued: false,
            halt: None,
            verdict: None,
            refusals: Vec::new(),
            forgetful: false,
        }
    }

    /// Takes one more record in.
    ///
    /// # Errors
    /// [`Illegal`] if the record may not follow; the roll is unchanged then.
    pub fn apply(&mut self, record: Record) -> Result<(), Illegal> {
        let name = record.name();
        match record {
            Record::Planned { .. } => return Err(self.illegal(name, "")),
            Record::Refused { reasons } => {
                self.follows(name, &[State::Planned])?;
                self.refusals = reasons;
                self.state = State::Ended(End::Refused);
            }
            Record::Generated {
                sealed,
                fence_before,
                fence,
                kvno_before,
                kvno,
                salt,
                longest_ticket,
            } => {
                self.follows(name, &[State::Planned])?;
                self.generated = Some(Generated {
                    sealed,
                    fence_before,
                    fence,
                    kvno_before,
                    kvno,
                    salt,
                    longest_ticket,
                });
                self.state = State::Generated;
            }
            Record::Staging { version } => {
                self.follows(name, &[State::Generated])?;
                self.advance(name, version)?;
                self.state = State::Staging;
            }
            Record::Enlisted { node } => {
                self.follows(name, &BEFORE_COMMIT)?;
                self.plan.members.insert(node);
            }
            Record::Quarantined { node, why } => {
                self.follows(name, &WITH_NODES)?;
                self.quarantined.insert(node, why);
            }
            Record::Rejoined { node } => {
                self.follows(name, &WITH_NODES)?;
                if self.quarantined.remove(&node).is_none() {
                    return Err(self.illegal(name, "the node was not quarantined"));
                }
            }
            Record::CommitIntent { attempt, dc } => {
                // Once more, where the domain controllers that had it are gone for good.
                self.follows(
                    name,
                    &[State::Staging, State::Committing, State::Converging],
                )?;
                if attempt as usize != self.attempts.len() + 1 {
                    return Err(self.illegal(name, "attempts are counted from 1 without gaps"));
                }
                self.attempts.push(Attempt {
                    dc,
                    outcome: Outcome::Open,
                });
                self.converged.clear();
                self.state = State::Committing;
            }
            Record::AttemptApplied { attempt } => {
                self.follows(name, &[State::Committing])?;
                self.answered(name, attempt, Outcome::Applied)?;
            }
            Record::AttemptRefused { attempt, why } => {
                self.follows(name, &[State::Committing])?;
                self.answered(name, attempt, Outcome::Refused)?;
                self.verdict = Some(why);
            }
            Record::Settled => {
                self.follows(name, &[State::Committing])?;
                for attempt in &mut self.attempts {
                    if attempt.outcome == Outcome::Open {
                        attempt.outcome = Outcome::Settled;
                    }
                }
            }
            Record::Abandoned { why } => {
                self.follows(name, &[State::Committing])?;
                if self.issued || !self.untouched() {
                    return Err(self.illegal(name, "an attempt may have been applied"));
                }
                self.verdict = Some(why);
                self.state = State::Staging;
            }
            Record::Committed {
                kvno,
                salt,
                version,
            } => {
                // By a write that the journal tells, or one that it has lost.
                self.follows(name, &[State::Staging, State::Committing])?;
                self.advance(name, version)?;
                if let Some(new) = &mut self.generated {
                    self.mispredicted = (new.kvno, &new.salt) != (kvno, &salt);
                    // Tickets may have been issued under the kvno predicted, before it was raised.
                    self.other_kvnos
                        .extend((new.kvno != kvno).then_some(new.kvno));
                    (new.kvno, new.salt) = (kvno, salt);
                }
                self.issued = true;
                self.giving_up = false;
                self.state = State::Converging;
            }
            Record::Renumbered { kvno, version } => {
                self.follows(name, &[State::Converging, State::Draining])?;
                self.advance(name, version)?;
                self.renumber(kvno);
                self.state = State::Converging;
            }
            Record::Converged { dcs } => {
                self.follows(name, &[State::Converging])?;
                self.converged.extend(dcs);
            }
            Record::Waived { dc, .. } => {
                if !self.may_waive() {
                    return Err(self.illegal(name, ""));
                }
                self.waived.insert(dc);
            }
            Record::Draining { left } => {
                self.follows(name, &[State::Converging])?;
                if self.required_dcs().any(|dc| !self.converged.contains(dc)) {
                    return Err(self.illegal(name, "a domain controller is not proven"));
                }
                self.drain_left = left;
                self.state = State::Draining;
            }
            Record::Drained { left } => {
                self.follows(name, &[State::Draining])?;
                if left > self.drain_left {
                    return Err(self.illegal(name, "a drain does not grow"));
                }
                self.drain_left = left;
            }
            Record::Regressed { dc } => {
                self.follows(name, &[State::Converging, State::Draining])?;
                self.converged.remove(&dc);
                self.state = State::Converging;
            }
            Record::Retiring { version } => {
                self.follows(name, &[State::Draining, State::Converging])?;
                if self.state == State::Draining && !self.drain_left.is_zero() {
                    return Err(self.illegal(name, "old tickets are alive"));
                }
                self.advance(name, version)?;
                self.state = State::Retiring;
            }
            Record::Done => {
                self.follows(name, &[State::Retiring])?;
                self.state = State::Ended(End::Done);
            }
            Record::Aborting { version, why } => {
                self.follows(name, &[State::Planned, State::Generated, State::Staging])?;
                if !self.untouched() {
                    return Err(self.illegal(name, "an attempt may have been applied"));
                }
                self.advance(name, version)?;
                self.verdict = Some(why);
                self.state = State::Aborting;
            }
            Record::Aborted => {
                self.follows(name, &[State::Aborting])?;
                self.state = State::Ended(End::Aborted);
            }
            Record::Halted { trouble } => {
                self.follows(name, &WITH_NODES)?;
                self.halt = Some(Halt {
                    trouble,
                    from: self.state,
                });
                // Whoever has given it up already is not asked twice.
                self.state = if self.giving_up {
                    State::Ended(End::GivenUp)
                } else {
                    State::Halted
                };
            }
            Record::Resolved { choice, .. } => {
                if !self.may_resolve(&choice) {
                    return Err(self.illegal(name, ""));
                }
                self.resolve(&choice);
            }
            Record::Recovered { version, found, .. } => self.recover(name, version, found)?,
        }
        Ok(())
    }

    /// Whether no attempt is under way: each was refused, or is too old to be applied still.
    ///
    /// The refusal of a *repeated* request says nothing about the first one, so every attempt
    /// must have its own answer.
    #[must_use]
    pub fn untouched(&self) -> bool {
        let dead = |outcome| matches!(outcome, Outcome::Refused | Outcome::Settled);
        self.attempts.iter().all(|attempt| dead(attempt.outcome))
    }

    /// Whether it may wait for a domain controller now, which an operator can waive.
    #[must_use]
    pub fn may_waive(&self) -> bool {
        match self.state {
            State::Committing | State::Converging | State::Draining | State::Halted => true,
            State::Staging => self.forgetful,
            State::Planned
            | State::Generated
            | State::Retiring
            | State::Aborting
            | State::Ended(_) => false,
        }
    }

    /// Whether an operator may choose this now. A halted roll takes any choice; a draining one,
    /// which has nothing left to do but to wait, may be given up, so that another can follow.
    #[must_use]
    pub fn may_resolve(&self, choice: &Resolution) -> bool {
        match choice {
            Resolution::Continue => self.state == State::Halted,
            Resolution::GiveUp => matches!(self.state, State::Halted | State::Draining),
        }
    }

    fn resolve(&mut self, choice: &Resolution) {
        let open = self
            .attempts
            .iter()
            .any(|attempt| attempt.outcome == Outcome::Open);
        match choice {
            Resolution::Continue => {
                self.state = self.halt.take().map_or(State::Converging, |halt| halt.from);
            }
            // The next roll must not meet a write of this one.
            Resolution::GiveUp if open && !self.has_committed() => {
                self.halt = None;
                self.giving_up = true;
                self.state = State::Committing;
            }
            // The halt stays: it tells which keyset the nodes were left with.
            Resolution::GiveUp => self.state = State::Ended(End::GivenUp),
        }
    }

    fn recover(
        &mut self,
        name: &'static str,
        version: Version,
        found: Found,
    ) -> Result<(), Illegal> {
        if matches!(self.state, State::Ended(_)) {
            return Err(self.illegal(name, ""));
        }
        if self.generated.is_none() && found != Found::Overtaken {
            return Err(self.illegal(name, "it had no password yet"));
        }
        self.advance(name, version)?;
        self.unknown_keys_stay = true;
        let (state, in_force) = match found {
            Found::NotCommitted => {
                self.forgetful = true;
                return Ok(());
            }
            Found::Committed { kvno, salt } => (State::Converging, Some((kvno, salt))),
            Found::Retired { kvno, salt } => (State::Retiring, Some((kvno, salt))),
            Found::Overtaken => (State::Ended(End::Overtaken), None),
        };
        if let (Some(new), Some((kvno, salt))) = (&mut self.generated, in_force) {
            self.mispredicted = (new.kvno, &new.salt) != (kvno, &salt);
            self.other_kvnos
                .extend((new.kvno != kvno).then_some(new.kvno));
            (new.kvno, new.salt) = (kvno, salt);
        }
        self.issued |= matches!(state, State::Converging | State::Retiring);
        // What was seen before the journal was lost counts no more.
        self.converged.clear();
        self.halt = None;
        self.state = state;
        Ok(())
    }

    /// The new key is known under one more kvno. The highest is the one that the directory will
    /// come to; one that is known already is what all of it has come to.
    fn renumber(&mut self, kvno: Kvno) {
        let Some(new) = &mut self.generated else {
            return;
        };
        let known = !self.other_kvnos.insert(kvno);
        if known || kvno > new.kvno {
            self.other_kvnos.insert(new.kvno);
            self.other_kvnos.remove(&kvno);
            new.kvno = kvno;
            self.converged.clear();
        }
        self.mispredicted = true;
    }

    fn answered(
        &mut self,
        name: &'static str,
        number: u32,
        outcome: Outcome,
    ) -> Result<(), Illegal> {
        let index = (number as usize).checked_sub(1);
        let open = index
            .and_then(|index| self.attempts.get_mut(index))
            .filter(|attempt| attempt.outcome == Outcome::Open);
        match open {
            Some(attempt) => attempt.outcome = outcome,
            None => return Err(self.illegal(name, "no such attempt is open")),
        }
        Ok(())
    }

    fn advance(&mut self, name: &'static str, version: Version) -> Result<(), Illegal> {
        if version <= self.version {
            return Err(self.illegal(name, "its keyset version is not a new one"));
        }
        self.version = version;
        Ok(())
    }

    fn follows(&self, record: &'static str, states: &[State]) -> Result<(), Illegal> {
        if states.contains(&self.state) {
            Ok(())
        } else {
            Err(self.illegal(record, ""))
        }
    }

    fn illegal(&self, record: &'static str, detail: &str) -> Illegal {
        let detail = if detail.is_empty() {
            String::new()
        } else {
            format!(": {detail}")
        };
        Illegal {
            record,
            state: self.state.name(),
            detail,
        }
    }
}

/// The states in which the directory cannot have the new password yet.
pub(super) const BEFORE_COMMIT: [State; 3] = [State::Planned, State::Generated, State::Staging];

/// The states in which nodes hold or get keysets of this roll.
pub(super) const WITH_NODES: [State; 6] = [
    State::Staging,
    State::Committing,
    State::Converging,
    State::Draining,
    State::Retiring,
    State::Aborting,
];
