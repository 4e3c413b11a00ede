//! `keyroll roll …`: begun, watched, aborted, resolved, told.

use keyroll::name::DcName;
use keyroll::roll::policy::Method;
use keyroll::roll::{Cause, OldKey, Resolution, RollNumber, State};
use keyroll_proto::operator as said;
use tokio::sync::watch;

use super::arrays::refusal;
use super::no::No;
use super::{Controller, changed};
use crate::driver::{self, Line};
use crate::rolls::{NotBegun, Wanted};
use crate::store::{ArrayRecord, PastRoll, Read as _};

impl Controller {
    /// Begins a roll of each array named, side by side, or tells what would be done.
    ///
    /// # Errors
    /// [`No`] if a name is wrong, or the only array named refuses.
    pub async fn start_rolls(
        &self,
        request: &said::StartRollRequest,
        actor: &str,
    ) -> Result<said::StartRollReply, No> {
        let arrays = if request.all {
            self.ports.store.arrays()?
        } else {
            request
                .arrays
                .iter()
                .map(|name| self.array(name))
                .collect::<Result<_, _>>()?
        };
        if arrays.is_empty() {
            return Err(No::bad_input("no-array", "no array was named").next("keyroll roll ARRAY"));
        }
        let wanted = Wanted {
            cause: if request.emergency {
                Cause::Emergency
            } else {
                Cause::Operator
            },
            actor: with_reason(actor, &request.reason),
            old_key: old_key(request)?,
            accepts_gap: request.accept_delegation_gap,
        };
        let mut rolls = Vec::new();
        for array in &arrays {
            rolls.push(if request.dry_run {
                match self.rehearse(array, &wanted).await {
                    Ok(view) => view,
                    Err(no) if arrays.len() == 1 => return Err(no),
                    Err(no) => not_begun(array, no),
                }
            } else {
                match self.rolls.begin(array, &wanted).await {
                    Ok(view) => said::RollView {
                        array: array.name.to_string(),
                        roll: array.next_roll.0,
                        state: "planned".to_owned(),
                        ..view.borrow().clone()
                    },
                    Err(error) if arrays.len() == 1 => return Err(error.into()),
                    // The others have begun: say of this one that it has not.
                    Err(error) => not_begun(array, error.into()),
                }
            });
        }
        Ok(said::StartRollReply { rolls })
    }

    async fn rehearse(&self, array: &ArrayRecord, wanted: &Wanted) -> Result<said::RollView, No> {
        let (plan, rehearsed) = self.rolls.rehearse(array, wanted).await?;
        let reasons = rehearsed.refusals;
        let nodes = plan
            .members
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let drain = match plan.policy.old_key {
            OldKey::UntilDrained => format!(
                "keep the old key for {} until the last ticket under it is dead",
                keyroll::roll::story::human(plan.policy.drain())
            ),
            OldKey::UntilConverged => {
                "drop the old key as soon as every DC issues with the new one: clients with cached \
                 tickets are refused until they fetch new ones"
                    .to_owned()
            }
            OldKey::UntilCommitted => {
                "drop the old key at once: cached tickets and those of lagging DCs are refused"
                    .to_owned()
            }
        };
        let method = match plan.policy.method {
            Method::Change => "by changing it with the old one",
            Method::FencedReset => "by a fenced reset",
        };
        let kvno = plan.base.map_or(0, |base| base.kvno.0);
        let counted = match plan.base {
            Some(base) => format!(", kvno {} to {}", base.kvno, base.kvno.0.saturating_add(1)),
            None => String::new(),
        };
        let mut would = vec![
            format!(
                "make a password of {} characters and seal it",
                plan.password_length
            ),
            format!("give {nodes} the old and the new key, and have them accept tickets of both"),
            format!("write the password to {} {method}{counted}", plan.writer),
            format!("prove every DC ({}) and every node", plan.dcs.len()),
            drain,
            format!("remove the old key from {nodes}"),
        ];
        if plan.cause == Cause::Emergency {
            would.push(
                "leave the directory accepting the old password for NTLM for an hour: if the \
                 password itself has leaked, and not a key alone, roll once more after it"
                    .to_owned(),
            );
        }
        Ok(said::RollView {
            array: array.name.to_string(),
            roll: plan.roll.0,
            state: if reasons.is_empty() {
                "planned"
            } else {
                "refused"
            }
            .to_owned(),
            refusals: reasons.iter().map(refusal).collect(),
            would: if reasons.is_empty() {
                would
            } else {
                Vec::new()
            },
            warnings: rehearsed.warnings,
            writer: plan.writer.to_string(),
            kvno_before: kvno,
            ..said::RollView::default()
        })
    }

    /// The roll under way of each array, or the last one.
    ///
    /// # Errors
    /// [`No`].
    pub fn roll_status(
        &self,
        request: &said::RollStatusRequest,
    ) -> Result<said::RollStatusReply, No> {
        let arrays = if request.array.is_empty() {
            self.ports.store.arrays()?
        } else {
            vec![self.array(&request.array)?]
        };
        let views = arrays.iter().map(|array| self.roll_view(array));
        let rolls = views
            .collect::<Result<Vec<_>, No>>()?
            .into_iter()
            .flatten()
            .collect();
        Ok(said::RollStatusReply { rolls })
    }

    /// The array's roll under way, or its last one, if there ever was one.
    ///
    /// # Errors
    /// [`No`].
    pub fn roll_view(&self, array: &ArrayRecord) -> Result<Option<said::RollView>, No> {
        if let Some(line) = self.rolls.line(&array.name) {
            let view = line.view.borrow().clone();
            if !view.array.is_empty() {
                return Ok(Some(view));
            }
        }
        let last = self.ports.store.history(&array.name, 1)?;
        Ok(last
            .first()
            .map(|past| driver::ended_view(&past.roll, &past.entries)))
    }

    /// A stream of views of the array's roll, and its last view once nobody drives it any more.
    ///
    /// # Errors
    /// [`No`].
    pub fn watch(&self, array: &ArrayRecord) -> Option<watch::Receiver<said::RollView>> {
        self.rolls
            .line(&array.name)
            .map(|line| line.view.subscribe())
    }

    /// Asks the roll under way to abort; it does unless the password was written.
    ///
    /// # Errors
    /// [`No`].
    pub fn abort_roll(
        &self,
        request: &said::AbortRollRequest,
        actor: &str,
    ) -> Result<said::Changed, No> {
        let (array, line, past) = self.under_way(&request.array)?;
        let early = [State::Planned, State::Generated, State::Staging];
        let state = past.roll.state();
        if state == State::Aborting {
            let done = format!("roll {} of {} is aborting already", past.number, array.name);
            let next = format!("keyroll roll watch {}", array.name);
            return Ok(changed(vec![done], vec![next], request.dry_run));
        }
        let roll = &past.roll;
        let unwritten = state == State::Committing && roll.untouched() && !roll.has_issued();
        if !early.contains(&state) && !unwritten {
            let what = format!(
                "roll {} of {} is {}: the directory may have the new password, so it can only go \
                 forward",
                past.number,
                array.name,
                state.name()
            );
            return Err(
                No::refused("too-late", what).next(format!("keyroll roll watch {}", array.name))
            );
        }
        let done = vec![format!(
            "roll {} of {} is asked to abort; until it has begun to, a restart of the controller \
             forgets that",
            past.number, array.name
        )];
        if !request.dry_run {
            let reason = if request.reason.is_empty() {
                "no reason given"
            } else {
                &request.reason
            };
            if let Ok(mut wishes) = line.wishes.lock() {
                wishes.abort = Some(format!("{actor}: {reason}"));
            }
            line.wake.notify_one();
        }
        Ok(changed(
            done,
            vec![format!("keyroll roll watch {}", array.name)],
            request.dry_run,
        ))
    }

    /// Tells a halted roll how to go on.
    ///
    /// # Errors
    /// [`No`].
    pub fn resolve_roll(
        &self,
        request: &said::ResolveRollRequest,
        actor: &str,
    ) -> Result<said::Changed, No> {
        let (array, line, past) = self.under_way(&request.array)?;
        let may = |choice| past.roll.may_resolve(choice);
        let number = past.number;
        let not_halted = || {
            let what = format!(
                "roll {number} of {} is {}, not halted",
                array.name,
                past.roll.state().name()
            );
            No::bad_state("not-halted", what).next(format!("keyroll roll status {}", array.name))
        };
        let done = match request.choice.as_str() {
            "continue" if !may(&Resolution::Continue) => return Err(not_halted()),
            "give-up" if !may(&Resolution::GiveUp) => return Err(not_halted()),
            "continue" => format!("roll {number} of {} looks again and goes on", array.name),
            "give-up" => format!(
                "roll {number} of {} ends; the nodes keep both keys",
                array.name
            ),
            "waive-dc" => waivable(&past, &array, request.dc.parse()?)?,
            other => {
                let what = format!(
                    "{other:?} is no way to go on; there are continue, waive-dc and give-up"
                );
                return Err(No::bad_input("bad-value", what));
            }
        };
        let actor = with_reason(actor, &request.reason);
        if !request.dry_run {
            if let Ok(mut wishes) = line.wishes.lock() {
                match request.choice.as_str() {
                    "continue" => wishes.resolve = Some((Resolution::Continue, actor)),
                    "give-up" => wishes.resolve = Some((Resolution::GiveUp, actor)),
                    _ => {
                        let dc = request.dc.parse()?;
                        // Again, it would be one more record, and a drain counts from the last one.
                        if !past.roll.waived().contains(&dc) {
                            wishes.waive.insert(dc, actor);
                        }
                    }
                }
            }
            line.wake.notify_one();
        }
        Ok(changed(
            vec![done],
            vec![format!("keyroll roll watch {}", array.name)],
            request.dry_run,
        ))
    }

    fn under_way(&self, name: &str) -> Result<(ArrayRecord, Line, PastRoll), No> {
        let array = self.array(name)?;
        let none = || {
            No::bad_state("no-roll", format!("no roll of {} is under way", array.name))
                .next(format!("keyroll roll history {}", array.name))
        };
        let past = self.ports.store.open_roll(&array.name)?.ok_or_else(none)?;
        if let Some(why) = &array.stale {
            let array = array.name.clone();
            let why = why.clone();
            return Err(NotBegun::Stale { array, why }.into());
        }
        let line = self.rolls.line(&array.name).ok_or_else(none)?;
        Ok((array, line, past))
    }

    /// The array's rolls, the newest first.
    ///
    /// # Errors
    /// [`No`].
    pub fn roll_history(
        &self,
        request: &said::RollHistoryRequest,
    ) -> Result<said::RollHistoryReply, No> {
        let array = self.array(&request.array)?;
        let limit = if request.limit == 0 {
            20
        } else {
            request.limit as usize
        };
        let past = self.ports.store.history(&array.name, limit)?;
        let rolls = past
            .iter()
            .map(|past| driver::ended_view(&past.roll, &past.entries))
            .collect();
        Ok(said::RollHistoryReply { rolls })
    }

    /// A roll told from its journal.
    ///
    /// # Errors
    /// [`No`].
    pub fn explain_roll(
        &self,
        request: &said::ExplainRollRequest,
    ) -> Result<said::ExplainRollReply, No> {
        let array = self.array(&request.array)?;
        let number = match request.roll {
            0 => array.next_roll.0.saturating_sub(1),
            number => number,
        };
        let entries = self.ports.store.records(&array.name, RollNumber(number))?;
        if entries.is_empty() {
            return Err(No::unknown(
                "unknown-roll",
                format!("{} has no roll {number}", array.name),
            )
            .next(format!("keyroll roll history {}", array.name)));
        }
        Ok(said::ExplainRollReply {
            sentences: driver::story(&entries),
        })
    }
}

/// That the roll can do without a DC, as what would be done.
fn waivable(past: &PastRoll, array: &ArrayRecord, dc: DcName) -> Result<String, No> {
    let (number, state) = (past.number, past.roll.state());
    if !past.roll.may_waive() {
        let what = format!(
            "roll {number} of {} is {}, which waits for no DC that could be waived",
            array.name,
            state.name()
        );
        let next = format!("keyroll roll watch {}", array.name);
        return Err(No::bad_state("not-waiting", what).next(next));
    }
    if !past.roll.frame().dcs.contains(&dc) {
        let what = format!("{dc} is no DC of roll {number}");
        let next = format!("keyroll roll status {}", array.name);
        return Err(No::unknown("unknown-dc", what).next(next));
    }
    Ok(format!(
        "roll {number} of {} no longer waits for {dc}",
        array.name
    ))
}

/// Who it was and, if they said, why: as the journal keeps it.
fn with_reason(actor: &str, reason: &str) -> String {
    if reason.is_empty() {
        return actor.to_owned();
    }
    format!(
        "{actor}, because: {}",
        reason.chars().take(400).collect::<String>()
    )
}

fn not_begun(array: &ArrayRecord, no: No) -> said::RollView {
    said::RollView {
        array: array.name.to_string(),
        state: "refused".to_owned(),
        ended: true,
        refusals: vec![said::Refusal {
            code: no.code.to_owned(),
            object: array.name.to_string(),
            why: no.what,
            next: no.next,
        }],
        ..said::RollView::default()
    }
}

fn old_key(request: &said::StartRollRequest) -> Result<OldKey, No> {
    match (request.emergency, request.kill.as_str()) {
        (false, "") | (true, "drain") => Ok(OldKey::UntilDrained),
        (true, "" | "converged") => Ok(OldKey::UntilConverged),
        (true, "now") => Ok(OldKey::UntilCommitted),
        (false, _) => Err(
            No::bad_input("bad-value", "kill goes with an emergency roll only")
                .next("keyroll roll ARRAY --emergency"),
        ),
        (true, other) => {
            let what =
                format!("{other:?} is no time to kill old keys; there are converged, now, drain");
            Err(No::bad_input("bad-value", what))
        }
    }
}
