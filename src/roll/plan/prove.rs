//! Converging and draining: every DC by its tickets, every node by old and new tickets, then time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::nodes::{
    late, looks_then_pushes, proven, pushes, quarantine, refusing, rejoin, why_missing,
};
use super::{Action, Circumstances, Decision, Step, impatient, listed, wait};
use crate::name::{DcName, NodeName};
use crate::roll::Roll;
use crate::roll::observed::{DcView, Issued, Observed, WhichKey};
use crate::roll::policy::OldKey;
use crate::roll::record::{Record, Trouble};

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
    let unseen = unproven
        .iter()
        .filter(|dc| !observed.dcs.contains_key(**dc));
    let looks = unseen.map(|dc| Action::LookAtDc((*dc).clone()));
    let actions: Vec<Action> = urgent.into_iter().chain(looks).collect();
    if !actions.is_empty() {
        return Decision::new(Step::Do(actions), "proving every domain controller");
    }
    if let Some(decision) = newly_converged(roll, observed, &unproven) {
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
    if !unproven.is_empty() {
        return wait(
            observed,
            format!("waiting for {} to issue with the new key", listed(unproven)),
        );
    }
    match missing.first() {
        // Each member held both keys at the commit, so a silent one loses nothing but must be
        // seen again before it is called ready. Where all are silent it is the way to them that
        // is broken, and to shut every gate when it is mended would end the service.
        Some(node) if late(roll, circumstances) && !ready.is_empty() => {
            quarantine(observed, node, "it was not proven after the commit")
        }
        Some(_) => wait(
            observed,
            format!("waiting for {}", why_missing(observed, &missing)),
        ),
        None if impatient(roll) => retire(
            circumstances,
            "every DC has the new key: the old one goes, as asked",
        ),
        None => {
            let left = roll.plan.policy.drain();
            let reason = "every DC issues with the new key, every node accepts old and new";
            Decision::write(Record::Draining { left }, reason)
        }
    }
}

/// The DCs that have been seen with the new key, or one with a wrong one.
fn newly_converged(roll: &Roll, observed: &Observed, unproven: &[&DcName]) -> Option<Decision> {
    let kvno = roll.generated.as_ref().map(|new| new.kvno);
    let issued = |dc: &&DcName| match observed.dcs.get(*dc) {
        Some(DcView::Issues(issued)) => Some(((*dc).clone(), issued)),
        Some(DcView::Trouble(_)) | None => None,
    };
    let seen: Vec<(DcName, &Issued)> = unproven.iter().filter_map(issued).collect();
    if let Some((dc, foreign)) = seen.iter().find(|(_, issued)| is_foreign(roll, issued)) {
        let trouble = Trouble::ForeignKey {
            dc: dc.clone(),
            kvno: foreign.kvno,
        };
        let reason = format!("{dc} issues with a key nobody here made");
        return Some(Decision::write(Record::Halted { trouble }, reason));
    }
    let with_new = |issued: &Issued| issued.key == WhichKey::New && Some(issued.kvno) == kvno;
    let dcs: BTreeSet<DcName> = seen
        .into_iter()
        .filter(|(_, issued)| with_new(issued))
        .map(|(dc, _)| dc)
        .collect();
    let reason = format!("{} issues with the new key", listed(&dcs));
    (!dcs.is_empty()).then(|| Decision::write(Record::Converged { dcs }, reason))
}

/// Not ours, and not the one before ours either where nobody told us that one.
fn is_foreign(roll: &Roll, issued: &Issued) -> bool {
    let before = roll.generated.as_ref().map(|new| new.kvno_before);
    let adopted = roll.plan.base.is_none() && Some(issued.kvno) == before;
    issued.key == WhichKey::Foreign && !adopted
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
        let total = left.saturating_sub(circumstances.since_record).as_secs();
        return Decision::new(
            Step::Wait(rest),
            format!("old tickets live for another {total} s"),
        );
    }
    if let Some(decision) =
        rejoin(roll, observed, circumstances).or_else(|| refusing(roll, observed))
    {
        return decision;
    }
    let mut actions = looks_then_pushes(roll, observed, circumstances);
    let unseen = roll
        .required_dcs()
        .filter(|dc| !observed.dcs.contains_key(*dc));
    actions.extend(unseen.map(|dc| Action::LookAtDc(dc.clone())));
    if !actions.is_empty() {
        return Decision::new(
            Step::Do(actions),
            "looking whether every DC keeps the new key",
        );
    }
    if let Some(decision) = gone_back(roll, observed) {
        return decision;
    }
    let silent: Vec<&DcName> = roll
        .required_dcs()
        .filter(|dc| matches!(observed.dcs.get(*dc), Some(DcView::Trouble(_))))
        .collect();
    if !left.is_zero() {
        let left = left.saturating_sub(circumstances.since_record);
        return Decision::write(
            Record::Drained { left },
            format!("{} s are left", left.as_secs()),
        );
    }
    if !silent.is_empty() {
        return wait(
            observed,
            format!("the old key stays until {} answers", listed(silent)),
        );
    }
    retire(circumstances, "the last ticket under the old key is dead")
}

fn gone_back(roll: &Roll, observed: &Observed) -> Option<Decision> {
    roll.required_dcs()
        .find_map(|dc| match observed.dcs.get(dc) {
            Some(DcView::Issues(issued)) if issued.key == WhichKey::Base => {
                let reason = format!("{dc} issues with the old key again: the drain begins anew");
                Some(Decision::write(
                    Record::Regressed { dc: dc.clone() },
                    reason,
                ))
            }
            Some(DcView::Issues(issued)) if issued.key == WhichKey::Foreign => {
                let trouble = Trouble::ForeignKey {
                    dc: dc.clone(),
                    kvno: issued.kvno,
                };
                let reason = format!("{dc} issues with a key nobody here made");
                Some(Decision::write(Record::Halted { trouble }, reason))
            }
            _ => None,
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
