//! Committing: one write at a time, always the same password, and a look before each next step.

use std::time::Duration;

use super::nodes::changed_since;
use super::prove::{halted, is_before, is_foreign, looks, silent as silent_dcs};
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
    if roll.waived.contains(&last.dc) {
        return silent(roll, observed, circumstances, last, "it was waived");
    }
    let Some(view) = observed.dcs.get(&last.dc) else {
        // Right before a write the account too, both of one moment.
        let unsent = circumstances.unsent == Some(number);
        let account = unsent.then_some(Action::LookAtAccount);
        let look = Action::LookAtDc(last.dc.clone());
        return Decision::new(
            Step::Do(account.into_iter().chain([look]).collect()),
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
    match issued.key {
        WhichKey::New => committed(roll, circumstances, &last.dc, issued),
        WhichKey::Foreign if !roll.giving_up && !is_before(roll, issued) => {
            halted(roll, &last.dc, issued)
        }
        WhichKey::Base | WhichKey::Foreign => still_old(roll, observed, circumstances, last),
    }
}

pub(super) fn committed(
    roll: &Roll,
    circumstances: &Circumstances,
    dc: &DcName,
    issued: &Issued,
) -> Decision {
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
        Outcome::Open if !roll.giving_up => send_or_repeat(roll, observed, circumstances, last),
        Outcome::Applied if !roll.giving_up => without_effect(observed, &last.dc),
        // The refusal of a repeated write is no proof about an earlier one without an answer.
        _ => close(roll, observed, circumstances),
    }
}

/// Success was said, and nothing is to be seen of it yet.
fn without_effect(observed: &Observed, dc: &DcName) -> Decision {
    if observed.waits < LOOKS_AFTER_SUCCESS {
        return wait(observed, format!("{dc} said success; looking again"));
    }
    let reason = format!("{dc} said success and did nothing");
    let trouble = Trouble::WithoutEffect { dc: dc.clone() };
    Decision::write(Record::Halted { trouble }, reason)
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
    if circumstances.unsent == Some(number)
        && let Some(decision) = send(roll, observed, circumstances, number, &dc)
    {
        return decision;
    }
    if wants_out(roll, circumstances) {
        return close(roll, observed, circumstances);
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
    // Its KDC answers and its directory does not: after a long time another one gets its turn.
    let patient = circumstances.since_state < roll.plan.policy.fail_over;
    let (dc, reason) = match next_dc(roll, &dc).filter(|_| !patient) {
        Some(other) => {
            let reason = format!("{dc} takes no password: the same one to {other}");
            (other.clone(), reason)
        }
        None => {
            let reason = format!("{dc} has the old key still: the same password once more");
            (dc, reason)
        }
    };
    Decision::write(
        Record::CommitIntent {
            attempt: number.saturating_add(1),
            dc,
        },
        reason,
    )
}

/// The write, if the account is as it was when the nodes were given their keys. Days may have
/// passed since: a write that is repeated after a restart, or that waited for its DC. `None`: the
/// directory does not say, and another DC is to get its turn.
fn send(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    number: u32,
    dc: &DcName,
) -> Option<Decision> {
    match &observed.account {
        Some(Ok(account)) if changed_since(roll, account).is_none() => {
            let (attempt, dc) = (number, dc.clone());
            let reason = format!("writing the new password to {dc}");
            let write = Action::Commit { attempt, dc };
            Some(Decision::new(Step::Do(vec![write]), reason))
        }
        Some(Ok(_)) => Some(close(roll, observed, circumstances)),
        Some(Err(why)) if circumstances.since_record < roll.plan.policy.fail_over => {
            Some(wait(observed, format!("waiting for {dc}: {why}")))
        }
        Some(Err(_)) => None,
        None => Some(Decision::new(
            Step::Do(vec![Action::LookAtAccount]),
            format!("a last look at the account on {dc}"),
        )),
    }
}

/// Whether no further write is wished for: not where one is known to have been applied, since
/// there is no way back from that.
fn wants_out(roll: &Roll, circumstances: &Circumstances) -> bool {
    let applied = |attempt: &Attempt| attempt.outcome == Outcome::Applied;
    let abort = circumstances.abort.is_some() && !roll.issued;
    roll.giving_up || (abort && !roll.attempts.iter().any(applied))
}

/// No write follows: those without an answer are waited out, then every DC is asked what has become
/// of them, since it may be another one than was written to that has the password still.
fn close(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Decision {
    if let Some(decision) = wait_out(roll, observed, circumstances) {
        return decision;
    }
    // What was seen before the last of them was closed may be older than the moment at which it
    // was applied: the record that closed it has emptied that.
    let mut looks: Vec<Action> = looks(roll.required_dcs(), observed).collect();
    if !looks.is_empty() {
        // Where nobody has wished for that, the account may tell why nothing is to be written.
        let wished = wants_out(roll, circumstances) || roll.verdict.is_some() || roll.issued;
        let unread = observed.account.is_none() && !wished;
        looks.extend(unread.then_some(Action::LookAtAccount));
        return Decision::new(
            Step::Do(looks),
            "looking whether any DC has the new password",
        );
    }
    if let Some((dc, issued)) = issuing(roll, observed, |issued| issued.key == WhichKey::New) {
        return committed(roll, circumstances, dc, issued);
    }
    if let Some(dc) = silent_dcs(roll, observed).first() {
        return wait(observed, format!("{dc} does not say whether it has it"));
    }
    let overwritten = issuing(roll, observed, |issued| is_foreign(roll, issued));
    // Success was said, or seen. If it was not by one that is gone for good, an operator must find
    // out where it went.
    let applied = |attempt: &&Attempt| attempt.outcome == Outcome::Applied || roll.issued;
    if let Some(attempt) = roll.attempts.iter().find(applied) {
        let gone = |attempt: &&Attempt| roll.waived.contains(&attempt.dc) && !roll.giving_up;
        let last = roll.attempts.last().filter(gone);
        let again = last
            .filter(|_| overwritten.is_none())
            .and_then(|_| again(roll));
        return again.unwrap_or_else(|| without_effect(observed, &attempt.dc));
    }
    // A write without an answer was in force, perhaps, until somebody else wrote over it: nobody
    // can say that no ticket is under the new key.
    let settled = |attempt: &Attempt| attempt.outcome == Outcome::Settled;
    if let Some((dc, issued)) = overwritten.filter(|_| roll.attempts.iter().any(settled)) {
        return halted(roll, dc, issued);
    }
    let account = observed.account.as_ref();
    let account = account.and_then(|account| account.as_ref().ok());
    let changed = account.and_then(|account| changed_since(roll, account));
    let why = roll.verdict.clone().or(changed);
    let why = why.unwrap_or_else(|| "no write was answered".to_owned());
    Decision::write(
        Record::Abandoned { why },
        "nothing was written and nothing can be",
    )
}

/// The first domain controller that was seen to issue like that, of those that count.
fn issuing<'a>(
    roll: &'a Roll,
    observed: &'a Observed,
    is_it: impl Fn(&Issued) -> bool,
) -> Option<(&'a DcName, &'a Issued)> {
    roll.required_dcs()
        .find_map(|dc| match observed.dcs.get(dc)? {
            DcView::Issues(issued) if is_it(issued) => Some((dc, issued)),
            DcView::Issues(_) | DcView::Trouble(_) => None,
        })
}

/// What is left to look at before the new key may leave the nodes. A controller that was put back
/// to a moment before its write knows nothing of that, and may not even know that it was put back;
/// where it does, every domain controller must say that it does not have the new password, once no
/// write can be applied any more.
pub(super) fn written_after_all(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Option<Decision> {
    if roll.forgetful && circumstances.since_record < roll.plan.policy.quiesce {
        let reason = "a write that was forgotten may still be applied; waiting it out";
        return Some(wait(observed, reason));
    }
    let looks: Vec<Action> = looks(roll.required_dcs(), observed).collect();
    if !looks.is_empty() {
        let reason = "looking whether any DC has the new password, before its key leaves the nodes";
        return Some(Decision::new(Step::Do(looks), reason));
    }
    if let Some((dc, issued)) = issuing(roll, observed, |issued| issued.key == WhichKey::New) {
        return Some(committed(roll, circumstances, dc, issued));
    }
    let silent = silent_dcs(roll, observed);
    let silent = silent.first().filter(|_| roll.forgetful)?;
    let reason = format!("{silent} does not say whether it has the new password");
    Some(wait(observed, reason))
}

/// Whoever had the new key is gone for good before the others heard of it, or has come back from a
/// backup: they get the same one.
pub(super) fn again(roll: &Roll) -> Option<Decision> {
    let dc = roll.required_dcs().next()?.clone();
    let attempt = u32::try_from(roll.attempts.len()).unwrap_or(u32::MAX);
    let attempt = attempt.saturating_add(1);
    let reason = format!("no domain controller has the new key any more: the same one to {dc}");
    Some(Decision::write(
        Record::CommitIntent { attempt, dc },
        reason,
    ))
}

/// While a write without an answer may still be applied.
fn wait_out(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Option<Decision> {
    let open = |attempt: &Attempt| attempt.outcome == Outcome::Open;
    if !roll.attempts.iter().any(open) {
        return None;
    }
    Some(if circumstances.since_record < roll.plan.policy.quiesce {
        wait(
            observed,
            "a write without an answer may still be applied; waiting it out",
        )
    } else {
        Decision::write(Record::Settled, "no write can be applied any more")
    })
}

/// The DC does not answer: wait, and after a long time give another one the *same* password.
fn silent(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    last: &Attempt,
    why: &str,
) -> Decision {
    let waived = roll.waived.contains(&last.dc);
    let closed = matches!(last.outcome, Outcome::Refused | Outcome::Settled);
    let no_more = closed || wants_out(roll, circumstances);
    if no_more && waived {
        return close(roll, observed, circumstances);
    }
    if let Some(decision) = wait_out(roll, observed, circumstances).filter(|_| no_more) {
        return decision;
    }
    let patient = !waived && circumstances.since_record < roll.plan.policy.fail_over;
    match next_dc(roll, &last.dc) {
        Some(dc) if !(no_more || patient) => {
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
        _ => wait(observed, format!("waiting for {}: {why}", last.dc)),
    }
}

/// The one after `dc`, so that in the end each of them has been tried.
fn next_dc<'a>(roll: &'a Roll, dc: &DcName) -> Option<&'a DcName> {
    let after = roll.required_dcs().find(|other| *other > dc);
    after
        .or_else(|| roll.required_dcs().next())
        .filter(|other| *other != dc)
}
