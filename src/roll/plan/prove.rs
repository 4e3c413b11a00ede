//! Converging and draining: every DC by its tickets, every node by old and new tickets, then time.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use super::commit::again;
use super::nodes::{
    late, looks_then_pushes, proven, pushes, quarantine, refusing, rejoin, why_missing,
};
use super::preflight::PATIENCE;
use super::{Action, Circumstances, Decision, Step, impatient, listed, wait};
use crate::kerberos::Kvno;
use crate::name::{DcName, NodeName};
use crate::roll::observed::{DcView, Issued, NoLogin, Observed, WhichKey};
use crate::roll::policy::OldKey;
use crate::roll::record::{Record, Trouble};
use crate::roll::{Cause, Roll};

/// How often a drain is written down: what a crash may add to it, at most.
const TICK: Duration = Duration::from_secs(30);

pub(super) fn plan_converging(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Decision {
    if let Some(decision) =
        rejoin(roll, observed, circumstances).or_else(|| refusing(roll, observed))
    {
        return decision;
    }
    if roll.plan.policy.old_key == OldKey::UntilCommitted {
        return retire(circumstances, "the old key goes at once, as asked");
    }
    let unproven: Vec<&DcName> = roll
        .required_dcs()
        .filter(|dc| !roll.converged.contains(*dc))
        .collect();
    // A wrong kvno or salt refuses logins at strict acceptors right now: nodes first then.
    let urgent = if roll.mispredicted() {
        pushes(roll, observed, circumstances)
    } else {
        Vec::new()
    };
    // One that is proven may have changed since, and the last may take hours: after each wait all
    // are looked at again.
    let watched = roll
        .required_dcs()
        .filter(|dc| observed.waits > 0 || !roll.converged.contains(*dc));
    let actions: Vec<Action> = urgent.into_iter().chain(looks(watched, observed)).collect();
    if !actions.is_empty() {
        return Decision::new(Step::Do(actions), "proving every domain controller");
    }
    if let Some(decision) = gone_back(roll, observed, circumstances) {
        return decision;
    }
    if let Some(decision) = newly_converged(roll, observed, circumstances, &unproven) {
        return decision;
    }
    if let Some(decision) = lost(roll, observed) {
        return decision;
    }
    let actions = pushes(roll, observed, circumstances);
    if !actions.is_empty() {
        return Decision::new(
            Step::Do(actions),
            "proving every node with an old and a new ticket",
        );
    }
    let ready = proven(roll, observed);
    let missing: Vec<&NodeName> = roll
        .serving()
        .filter(|node| !ready.contains(*node))
        .collect();
    let mut views = unproven.iter().filter_map(|dc| observed.dcs.get(*dc));
    let barred = views.find_map(|view| match view {
        DcView::Issues(issued) if issued.key == WhichKey::New => barred(roll, issued),
        DcView::Issues(_) | DcView::Trouble(_) => None,
    });
    if let Some(why) = barred {
        let reason = format!("a login proves the keys that no ticket is under: {why}");
        return wait(observed, reason);
    }
    if !unproven.is_empty() {
        return wait(
            observed,
            format!(
                "waiting for {} to issue with the new key as kvno {}",
                listed(unproven),
                kvno(roll).0
            ),
        );
    }
    match missing.first() {
        // Each member held both keys at the commit, so a silent one loses nothing but must be
        // seen again before it is called ready. Where all are silent it is the way to them that
        // is broken, and to shut every gate when it is mended would end the service.
        Some(node) if is_left(roll, observed, circumstances) && !ready.is_empty() => {
            quarantine(observed, node, "it was not proven after the commit")
        }
        Some(_) => wait(
            observed,
            format!("waiting for {}", why_missing(observed, &missing)),
        ),
        None if impatient(roll) => plan_haste(roll, observed, circumstances),
        None => {
            let left = roll.drain();
            let reason = "every DC issues with the new key, every node accepts old and new";
            Decision::write(Record::Draining { left }, reason)
        }
    }
}

/// Whether a node that is missing still has had its time: one that fails for a moment after the
/// last DC took hours has not.
fn is_left(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> bool {
    late(roll, circumstances) && observed.waits >= PATIENCE
}

/// The old key is not waited for: there is no drain in which a DC that has gone back would be
/// noticed, so all are looked at once more.
fn plan_haste(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Decision {
    let actions: Vec<Action> = looks(roll.required_dcs(), observed).collect();
    if !actions.is_empty() {
        return Decision::new(Step::Do(actions), "looking at every DC once more");
    }
    let silent = silent(roll, observed);
    if !silent.is_empty() {
        return wait(
            observed,
            format!("the old key stays until {} answers", listed(silent)),
        );
    }
    let reason = "every DC has the new key: the old one goes, as asked";
    retire(circumstances, reason)
}

/// A look at each of these that was not looked at yet.
pub(super) fn looks<'a>(
    dcs: impl Iterator<Item = &'a DcName>,
    observed: &Observed,
) -> impl Iterator<Item = Action> {
    dcs.filter(|dc| !observed.dcs.contains_key(*dc))
        .map(|dc| Action::LookAtDc(dc.clone()))
}

/// The DCs that did not answer.
pub(super) fn silent<'a>(roll: &'a Roll, observed: &Observed) -> Vec<&'a DcName> {
    roll.required_dcs()
        .filter(|dc| matches!(observed.dcs.get(*dc), Some(DcView::Trouble(_))))
        .collect()
}

/// The kvno that the new key goes by.
fn kvno(roll: &Roll) -> Kvno {
    roll.generated
        .as_ref()
        .map_or(Kvno::default(), |new| new.kvno)
}

/// The DCs that have been seen with the new key, or one with a wrong one.
fn newly_converged(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    unproven: &[&DcName],
) -> Option<Decision> {
    let issued = |dc: &&DcName| match observed.dcs.get(*dc) {
        Some(DcView::Issues(issued)) => Some(((*dc).clone(), issued)),
        Some(DcView::Trouble(_)) | None => None,
    };
    let seen: Vec<(DcName, &Issued)> = unproven.iter().filter_map(issued).collect();
    if let Some((dc, foreign)) = seen.iter().find(|(_, issued)| is_foreign(roll, issued)) {
        return Some(halted(roll, dc, foreign));
    }
    if let Some((dc, issued)) = seen.iter().find(|(_, issued)| is_renumbered(roll, issued)) {
        return Some(renumbered(circumstances, dc, issued));
    }
    let with_new = |issued: &Issued| issued.key == WhichKey::New;
    let mut same = seen.iter().filter(|(_, issued)| with_new(issued));
    let dcs: BTreeSet<DcName> = same
        .clone()
        .filter(|(_, issued)| issued.kvno == kvno(roll) && barred(roll, issued).is_none())
        .map(|(dc, _)| dc.clone())
        .collect();
    if dcs.is_empty() {
        // All of the directory has come to another kvno than the highest one seen.
        let (dc, first) = same.next()?;
        let all = same.filter(|(_, issued)| issued.kvno == first.kvno).count() + 1;
        return (all == roll.required_dcs().count()).then(|| renumbered(circumstances, dc, first));
    }
    let reason = format!("{} issues with the new key", listed(&dcs));
    Some(Decision::write(Record::Converged { dcs }, reason))
}

/// Why a DC with the new key is not proven: the account may not log in there, and keys that its
/// tickets are not under may be wrong. In an emergency the ticket does: while one waits for an
/// administrator the old key, which leaked, is good.
fn barred<'a>(roll: &Roll, issued: &'a Issued) -> Option<&'a str> {
    let no_login = issued.no_login.as_ref();
    let no_login = no_login.filter(|_| roll.plan.cause != Cause::Emergency)?;
    match no_login {
        NoLogin::Expired(why) | NoLogin::Barred(why) => Some(why),
    }
}

/// The new key is nowhere any more.
fn lost(roll: &Roll, observed: &Observed) -> Option<Decision> {
    let old = |dc: &DcName| match observed.dcs.get(dc) {
        Some(DcView::Issues(issued)) => issued.key != WhichKey::New && !is_foreign(roll, issued),
        Some(DcView::Trouble(_)) | None => false,
    };
    roll.required_dcs().all(old).then(|| again(roll)).flatten()
}

/// Whether a foreign key is the one before ours, where nobody told us that one: the DC may lag
/// behind others.
pub(super) fn is_before(roll: &Roll, issued: &Issued) -> bool {
    let before = roll.generated.as_ref().map(|new| new.kvno_before);
    roll.plan.base.is_none() && before.is_some_and(|before| issued.kvno <= before)
}

/// Somebody else has set a password: one of their own, or the old one again.
pub(super) fn is_foreign(roll: &Roll, issued: &Issued) -> bool {
    match issued.key {
        WhichKey::New => false,
        WhichKey::Base => roll.plan.base.is_some_and(|base| base.kvno != issued.kvno),
        WhichKey::Foreign => !is_before(roll, issued),
    }
}

/// The new key under a kvno that no node has it under.
fn is_renumbered(roll: &Roll, issued: &Issued) -> bool {
    issued.key == WhichKey::New
        && issued.kvno != kvno(roll)
        && !roll.other_kvnos.contains(&issued.kvno)
}

pub(super) fn halted(roll: &Roll, dc: &DcName, issued: &Issued) -> Decision {
    let (dc, kvno, enctype) = (dc.clone(), issued.kvno, issued.enctype);
    // No key here could open it, whoever set the password.
    if !roll.plan.has_key_of(enctype) {
        let reason = format!("{dc} issues tickets of enctype {enctype}");
        let trouble = Trouble::ForeignEnctype { dc, enctype };
        return Decision::write(Record::Halted { trouble }, reason);
    }
    let reason = format!("{dc} issues with a key nobody here made");
    let trouble = Trouble::ForeignKey { dc, kvno };
    Decision::write(Record::Halted { trouble }, reason)
}

fn renumbered(circumstances: &Circumstances, dc: &DcName, issued: &Issued) -> Decision {
    let record = Record::Renumbered {
        kvno: issued.kvno,
        version: circumstances.next_version,
    };
    let reason = format!("{dc} issues with the new key as kvno {}", issued.kvno);
    Decision::write(record, reason)
}

pub(super) fn plan_draining(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Decision {
    let left = roll.drain_left;
    let tick = left.min(TICK);
    if circumstances.since_record < tick {
        let rest = tick - circumstances.since_record;
        let total = left.saturating_sub(circumstances.since_record);
        return Decision::new(
            Step::Wait(rest),
            format!("the old key goes in {}", crate::roll::story::human(total)),
        );
    }
    if let Some(decision) =
        rejoin(roll, observed, circumstances).or_else(|| refusing(roll, observed))
    {
        return decision;
    }
    let mut actions = looks_then_pushes(roll, observed, circumstances);
    actions.extend(looks(roll.required_dcs(), observed));
    if !actions.is_empty() {
        return Decision::new(
            Step::Do(actions),
            "looking whether every DC keeps the new key",
        );
    }
    if let Some(decision) = gone_back(roll, observed, circumstances) {
        return decision;
    }
    // What a DC that does not answer issues meanwhile nobody knows: that time counts for nothing.
    let silent = silent(roll, observed);
    if !silent.is_empty() {
        let stands = if left.is_zero() {
            "the old key stays"
        } else {
            "the drain stands still"
        };
        return wait(
            observed,
            format!("{stands} until {} answers", listed(silent)),
        );
    }
    if !left.is_zero() {
        // Nor does more than a tick that was not looked at.
        let left = left.saturating_sub(circumstances.since_record.min(TICK));
        return Decision::write(
            Record::Drained { left },
            format!("{} s are left", left.as_secs()),
        );
    }
    retire(circumstances, "the last ticket under the old key is dead")
}

/// What is to be done about a DC that was proven and is not as it was.
fn gone_back(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Option<Decision> {
    let mut proven = roll
        .required_dcs()
        .filter(|dc| roll.converged.contains(*dc));
    proven.find_map(|dc| {
        let Some(DcView::Issues(issued)) = observed.dcs.get(dc) else {
            return None;
        };
        if is_foreign(roll, issued) {
            return Some(halted(roll, dc, issued));
        }
        match (issued.key, issued.kvno.cmp(&kvno(roll))) {
            (WhichKey::New, Ordering::Equal) => None,
            (WhichKey::New, Ordering::Greater) => Some(renumbered(circumstances, dc, issued)),
            (WhichKey::New, Ordering::Less) if is_renumbered(roll, issued) => {
                Some(renumbered(circumstances, dc, issued))
            }
            (WhichKey::New | WhichKey::Base | WhichKey::Foreign, _) => {
                let reason = format!("{dc} issues as before again, and is proven anew");
                let record = Record::Regressed { dc: dc.clone() };
                Some(Decision::write(record, reason))
            }
        }
    })
}

fn retire(circumstances: &Circumstances, reason: &str) -> Decision {
    Decision::write(
        Record::Retiring {
            version: circumstances.next_version,
        },
        reason,
    )
}
