//! Committing: one write at a time, always the same password, and a look before each next step.

use std::time::Duration;

use super::{Action, Circumstances, Decision, Step, wait};
use crate::name::DcName;
use crate::roll::observed::{Answer, DcView, Issued, Observed, WhichKey};
use crate::roll::record::{Record, Trouble};
use crate::roll::{Attempt, Outcome, Roll};

/// A DC that said success and still issues with the old key after this many looks has not done
/// what it said.
const LOOKS_AFTER_SUCCESS: u32 = 12;

pub(super) fn plan(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Decision {
    let number = u32::try_from(roll.attempts.len()).unwrap_or(u32::MAX);
    let Some(last) = roll.attempts.last() else {
        return wait(observed, "no attempt is recorded");
    };
    // The answer first: it is journalled before anything is concluded from it.
    match &observed.answer {
        Some(Answer::Applied) if last.outcome == Outcome::Open => {
            let record = Record::AttemptApplied { attempt: number };
            return Decision::write(record, format!("{} said success", last.dc));
        }
        Some(Answer::Refused { code, win32, text }) if last.outcome == Outcome::Open => {
            let win32 = win32
                .map(|win32| format!(", {win32:#x}"))
                .unwrap_or_default();
            let why = format!("{} refused it (LDAP {code}{win32}): {text}", last.dc);
            let reason = why.clone();
            return Decision::write(
                Record::AttemptRefused {
                    attempt: number,
                    why,
                },
                reason,
            );
        }
        _ => {}
    }
    let Some(view) = observed.dcs.get(&last.dc) else {
        return Decision::new(
            Step::Do(vec![Action::LookAtDc(last.dc.clone())]),
            format!("looking which key {} issues with", last.dc),
        );
    };
    match view {
        DcView::Issues(issued) => after_look(roll, observed, circumstances, last, issued),
        DcView::Trouble(why) => silent(roll, observed, circumstances, last, why),
    }
}

fn after_look(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    last: &Attempt,
    issued: &Issued,
) -> Decision {
    let before = roll.generated.as_ref().map(|new| new.kvno_before);
    match issued.key {
        WhichKey::New => committed(roll, circumstances, &last.dc, issued),
        // Adoption: the key before ours is one we do not know, recognized by its kvno.
        WhichKey::Foreign if roll.plan.base.is_none() && Some(issued.kvno) == before => {
            still_old(roll, observed, circumstances, last)
        }
        WhichKey::Foreign => {
            let reason = format!("{} issues with a key nobody here made", last.dc);
            let trouble = Trouble::ForeignKey {
                dc: last.dc.clone(),
                kvno: issued.kvno,
            };
            Decision::write(Record::Halted { trouble }, reason)
        }
        WhichKey::Base => still_old(roll, observed, circumstances, last),
    }
}

fn committed(roll: &Roll, circumstances: &Circumstances, dc: &DcName, issued: &Issued) -> Decision {
    let predicted = roll.generated.as_ref().map(|new| new.salt.clone());
    let Some(salt) = issued.salt.clone().or(predicted) else {
        return Decision::new(Step::Wait(Duration::from_secs(1)), "no salt is known");
    };
    let record = Record::Committed {
        kvno: issued.kvno,
        salt,
        version: circumstances.next_version,
    };
    Decision::write(
        record,
        format!("{dc} issues with the new key, kvno {}", issued.kvno),
    )
}

/// The DC was asked and issues with the old key: what follows depends on what is known of the
/// attempts.
fn still_old(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    last: &Attempt,
) -> Decision {
    match last.outcome {
        Outcome::Open => send_or_repeat(roll, observed, circumstances, last),
        Outcome::Applied if observed.waits >= LOOKS_AFTER_SUCCESS => {
            let reason = format!("{} said success and did nothing", last.dc);
            let trouble = Trouble::WithoutEffect {
                dc: last.dc.clone(),
            };
            Decision::write(Record::Halted { trouble }, reason)
        }
        Outcome::Applied => wait(observed, format!("{} said success; looking again", last.dc)),
        Outcome::Refused | Outcome::Settled if roll.untouched() => {
            let why = roll
                .verdict
                .clone()
                .unwrap_or_else(|| "no write was answered".to_owned());
            Decision::write(
                Record::Abandoned { why },
                "nothing was written and nothing can be",
            )
        }
        // The refusal of a repeated write is no proof about an earlier one without an answer.
        Outcome::Refused | Outcome::Settled => settle(roll, observed, circumstances),
    }
}

/// A write is sent once under its number, by the process that recorded it. Whoever cannot know
/// that it was not sent takes a new number, so that the refusal of a repetition is never taken
/// for the answer to the first (model mutant MA: a lost password in ten steps).
fn send_or_repeat(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    last: &Attempt,
) -> Decision {
    let number = u32::try_from(roll.attempts.len()).unwrap_or(u32::MAX);
    let dc = last.dc.clone();
    if circumstances.unsent == Some(number) {
        let reason = format!("writing the new password to {dc}");
        return Decision::new(
            Step::Do(vec![Action::Commit {
                attempt: number,
                dc,
            }]),
            reason,
        );
    }
    if circumstances.abort.is_some() {
        return settle(roll, observed, circumstances);
    }
    let pause = Duration::from_millis(250u64 << number.min(7));
    if circumstances.since_record < pause {
        let why = match &observed.answer {
            Some(Answer::Unanswered { text }) => text.as_str(),
            _ => "the controller was restarted",
        };
        let reason = format!("{dc} gave no answer ({why}): looking before anything else");
        return Decision::new(Step::Wait(pause - circumstances.since_record), reason);
    }
    let reason = format!("{dc} has the old key still: the same password once more");
    Decision::write(
        Record::CommitIntent {
            attempt: number + 1,
            dc,
        },
        reason,
    )
}

/// Attempts without an answer are closed once no server can hold them any more, every DC written
/// to having been seen with the old key just now.
fn settle(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Decision {
    let quiet = circumstances.since_record >= roll.plan.policy.quiesce;
    if !quiet {
        return wait(
            observed,
            "a write without an answer may still be applied; waiting it out",
        );
    }
    let unseen: Vec<Action> = roll
        .attempts
        .iter()
        .map(|attempt| &attempt.dc)
        .filter(|dc| !observed.dcs.contains_key(*dc))
        .map(|dc| Action::LookAtDc(dc.clone()))
        .collect();
    if !unseen.is_empty() {
        return Decision::new(Step::Do(unseen), "looking at every DC that was written to");
    }
    let new = |view: &DcView| matches!(view, DcView::Issues(issued) if issued.key == WhichKey::New);
    let silent = |view: &DcView| matches!(view, DcView::Trouble(_));
    let written = || {
        roll.attempts
            .iter()
            .filter_map(|attempt| observed.dcs.get_key_value(&attempt.dc))
    };
    if let Some((dc, DcView::Issues(issued))) = written().find(|(_, view)| new(view)) {
        return committed(roll, circumstances, dc, issued);
    }
    if written().any(|(_, view)| silent(view)) {
        return wait(observed, "a DC that was written to does not answer");
    }
    Decision::write(
        Record::Settled,
        "no write can be applied any more, and none was",
    )
}

/// The DC does not answer: wait, and after a long time give another one the *same* password.
fn silent(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    last: &Attempt,
    why: &str,
) -> Decision {
    let patience = roll.plan.policy.fail_over;
    let elsewhere = roll.required_dcs().find(|dc| **dc != last.dc);
    match elsewhere.filter(|_| circumstances.since_record >= patience) {
        Some(dc) => {
            let attempt = u32::try_from(roll.attempts.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            let reason = format!("{} stays silent: the same password to {dc}", last.dc);
            Decision::write(
                Record::CommitIntent {
                    attempt,
                    dc: dc.clone(),
                },
                reason,
            )
        }
        None => wait(observed, format!("waiting for {}: {why}", last.dc)),
    }
}
