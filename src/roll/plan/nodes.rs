//! Pushing keysets: before the commit with proofs and a gate, after it until all have it.

use std::collections::BTreeSet;

use super::commit::committed;
use super::preflight::PATIENCE;
use super::{Action, Circumstances, Decision, Step, aborting, listed, wait};
use crate::account::AccountState;
use crate::keyset::Role;
use crate::name::NodeName;
use crate::roll::observed::{DcView, NodeView, Observed, WhichKey};
use crate::roll::policy::{Gate, OnDeadline};
use crate::roll::record::{Record, Trouble};
use crate::roll::story::human;
use crate::roll::{Cause, Roll};

/// Staging: every node gets both keys and accepts a ticket under each, then the gate decides.
pub(super) fn plan_staging(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Decision {
    if let Some(why) = roll.verdict.as_ref().filter(|_| !roll.attempts.is_empty()) {
        return aborting(roll, observed, circumstances, why.clone());
    }
    if let Some(decision) = rejoin(roll, observed, circumstances) {
        return decision;
    }
    let mut actions = shuts(roll, observed, circumstances);
    actions.extend(pushes(roll, observed, circumstances));
    if !actions.is_empty() {
        return Decision::new(Step::Do(actions), "giving the nodes both keys");
    }
    let ready: BTreeSet<NodeName> = proven(roll, observed);
    let missing: Vec<&NodeName> = roll
        .serving()
        .filter(|node| !ready.contains(*node))
        .collect();
    if missing.is_empty() {
        // Over the serving members: whom the policy let go of, the gate does not ask for.
        let serving = roll.serving().cloned().collect();
        return if roll.plan.policy.gate.opens(&serving, &ready) {
            still_serving(roll, observed, circumstances)
                .unwrap_or_else(|| commit_after_last_look(roll, observed, circumstances))
        } else {
            let why = "too few nodes are left for the gate";
            aborting(roll, observed, circumstances, why)
        };
    }
    if let Some(decision) = give_up_on(roll, observed, circumstances, &missing, &ready) {
        return decision;
    }
    wait(
        observed,
        format!("waiting for {}", why_missing(observed, &missing)),
    )
}

/// Who is left behind must not serve: it would refuse the first ticket under the new key.
fn shuts(roll: &Roll, observed: &Observed, circumstances: &Circumstances) -> Vec<Action> {
    let aside = circumstances.set_aside.iter();
    let others: BTreeSet<&NodeName> = roll.quarantined.keys().chain(aside).collect();
    let untold = others
        .into_iter()
        .filter(|node| !observed.told.contains_key(*node));
    untold.cloned().map(Action::Shut).collect()
}

/// One that cannot be told gets until the deadline, or until it shuts its gate by itself where it
/// does that: a roll that waits there costs nothing, an emergency every minute. Of the others it is
/// taken that they are down. That a gate is shut the balancer hears with its next question: until
/// then it sends users there all the same.
fn still_serving(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Option<Decision> {
    let untold = |(node, told): (_, &Result<(), String>)| Some((node, told.clone().err()?));
    let untold: Vec<(&NodeName, String)> = observed.told.iter().filter_map(untold).collect();
    let early = !late(roll, circumstances) || observed.waits < PATIENCE;
    if let Some((node, why)) = untold.first().filter(|_| early) {
        let reason = format!("{node} may serve still, and cannot be told not to: {why}");
        return Some(wait(observed, reason));
    }
    if roll.plan.cause == Cause::Emergency {
        return None;
    }
    let shuts = |(node, _): &(_, _)| Some((*node, circumstances.shut_in.get(*node)?));
    if let Some((node, left)) = untold.iter().find_map(shuts) {
        let left = human(*left);
        let reason = format!("{node} may serve still, and shuts its gate by itself in {left}");
        return Some(wait(observed, reason));
    }
    let sent = circumstances.still_sent.iter();
    let (node, left) = sent.max_by_key(|(_, left)| **left)?;
    let left = human(*left);
    let reason = format!("the balancer may send users to {node} for {left}, though it is shut");
    Some(wait(observed, reason))
}

/// The writer must still issue with the old key at the last moment: a foreign change in between
/// would otherwise be overwritten, and its tickets would die. With the new one it was written to by
/// this very roll, in a time that its journal has lost. The account must still give the next
/// password the salt that was predicted: a new name, and the nodes hold keys that open nothing.
fn commit_after_last_look(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Decision {
    let writer = &roll.plan.writer;
    let (Some(view), Some(account)) = (observed.dcs.get(writer), &observed.account) else {
        // Both of one moment.
        return Decision::new(
            Step::Do(vec![
                Action::LookAtAccount,
                Action::LookAtDc(writer.clone()),
            ]),
            "every node holds both keys; a last look at the account and the writer",
        );
    };
    let (issued, account) = match (view, account) {
        (DcView::Issues(issued), Ok(account)) => (issued, account),
        (DcView::Trouble(why), _) | (_, Err(why)) if late(roll, circumstances) => {
            let why = format!("{writer} does not answer: {why}");
            return aborting(roll, observed, circumstances, why);
        }
        (DcView::Trouble(why), _) | (_, Err(why)) => {
            return wait(observed, format!("waiting for {writer}: {why}"));
        }
    };
    if issued.key == WhichKey::New {
        return committed(roll, circumstances, writer, issued);
    }
    let as_before = match roll.plan.base {
        Some(base) => issued.key == WhichKey::Base && issued.kvno == base.kvno,
        None => roll
            .generated
            .as_ref()
            .is_some_and(|new| issued.kvno == new.kvno_before),
    };
    if !as_before {
        let why = format!(
            "{writer} issues with another key (kvno {}) than at the start",
            issued.kvno
        );
        return aborting(roll, observed, circumstances, why);
    }
    if let Some(why) = changed_since(roll, account) {
        return aborting(roll, observed, circumstances, why);
    }
    let intent = Record::CommitIntent {
        attempt: 1,
        dc: writer.clone(),
    };
    Decision::write(intent, "every node holds both keys and has proven them")
}

/// What somebody has done to the account since the roll began that speaks against writing.
pub(super) fn changed_since(roll: &Roll, account: &AccountState) -> Option<String> {
    let next = account.salt_source.next_salt();
    let generated = roll.generated.as_ref()?;
    if next != generated.salt {
        return Some(format!(
            "{} was given another name since the roll began: its next salt is {next}, and the \
             nodes hold keys made with {}",
            account.salt_source.sam_account_name, generated.salt
        ));
    }
    let reason = roll.plan.account_refusals(account).into_iter().next()?;
    Some(format!("{}: {}", reason.object, reason.why))
}

/// Who is missing leaves the roll by quarantine, or ends it, as the policy says.
fn give_up_on(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    missing: &[&NodeName],
    ready: &BTreeSet<NodeName>,
) -> Option<Decision> {
    let policy = &roll.plan.policy;
    let late = late(roll, circumstances);
    // A node that the gate can do without gets one chance; all the others get until the deadline.
    let dispensable = |node: &NodeName| {
        policy.gate.opens(&roll.plan.members, ready)
            && !policy.gate.requires(node)
            && (late || observed.failed_before.contains(node))
    };
    if let Some(node) = missing.iter().find(|node| dispensable(node)) {
        return Some(quarantine(observed, node, "the gate does not ask for it"));
    }
    if !late {
        return None;
    }
    let indispensable =
        |node: &&NodeName| matches!(policy.gate, Gate::MustHave(_)) && policy.gate.requires(node);
    match policy.on_deadline {
        OnDeadline::Quarantine if !ready.is_empty() && !missing.iter().any(indispensable) => {
            Some(quarantine(observed, missing[0], "it was not ready in time"))
        }
        OnDeadline::Quarantine | OnDeadline::Abort => {
            let why = format!("not ready in time: {}", why_missing(observed, missing));
            Some(aborting(roll, observed, circumstances, why))
        }
    }
}

pub(super) fn late(roll: &Roll, circumstances: &Circumstances) -> bool {
    circumstances.since_state >= roll.plan.policy.stage_deadline
}

/// Retiring and aborting: one keyset for all; who does not take it in time is quarantined, since
/// what is left on it is one key too many, not one too few. Where nobody takes it, it is the way
/// to them that is broken: to shut every gate would end the service.
pub(super) fn plan_last_push(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
    end: Record,
) -> Decision {
    let wanted = roll.recipe().version;
    let (mut actions, mut missing, mut taken) = (Vec::new(), Vec::new(), 0);
    for node in roll.serving() {
        match observed.nodes.get(node) {
            None => actions.push(Action::Stage(node.clone())),
            Some(view) if view.holds == Some(wanted) => taken += 1,
            Some(_) => missing.push(node),
        }
    }
    if !actions.is_empty() {
        return Decision::new(Step::Do(actions), "giving the nodes one key alone");
    }
    match missing.first() {
        None => Decision::write(end, "every serving node holds one key alone"),
        Some(node) if late(roll, circumstances) && taken > 0 => {
            quarantine(observed, node, "it did not take the last keyset in time")
        }
        Some(_) => wait(
            observed,
            format!("waiting for {}", why_missing(observed, &missing)),
        ),
    }
}

/// What is left to do for the serving nodes to hold and prove the keyset of this state, and for
/// quarantined ones to come back. Idempotent, so all of it side by side.
///
/// Whom an operator has set aside or removed gets nothing from a roll: a removed node must not be
/// given one more key, and reconciliation sees to the others.
pub(super) fn pushes(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Vec<Action> {
    let wanted = roll.recipe();
    let roles: Vec<Role> = wanted.generations.iter().map(|(role, ..)| *role).collect();
    let next = |node: &NodeName| match observed.nodes.get(node) {
        None => Some(Action::Stage(node.clone())),
        Some(view) if view.trouble.is_some() || view.refuses.is_some() => None,
        Some(view) if view.holds != Some(wanted.version) => Some(Action::Stage(node.clone())),
        Some(view) if roles.iter().any(|role| !view.accepts.contains(role)) => {
            Some(Action::Prove(node.clone(), roles.clone()))
        }
        Some(_) => None,
    };
    let members = roll.plan.members.iter();
    members
        .filter(|node| !circumstances.set_aside.contains(*node))
        .filter_map(next)
        .collect()
}

/// The same where most nodes will hold it already: ask first, since a look carries no keys.
pub(super) fn looks_then_pushes(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Vec<Action> {
    let ask = |action| match action {
        Action::Stage(node) if !observed.nodes.contains_key(&node) => Action::LookAtNode(node),
        other => other,
    };
    let pushes = pushes(roll, observed, circumstances);
    pushes.into_iter().map(ask).collect()
}

/// The serving nodes that hold the keyset of this state and accepted a ticket under each key.
pub(super) fn proven(roll: &Roll, observed: &Observed) -> BTreeSet<NodeName> {
    roll.serving()
        .filter(|node| {
            observed
                .nodes
                .get(*node)
                .is_some_and(|view| is_proven(roll, view))
        })
        .cloned()
        .collect()
}

fn is_proven(roll: &Roll, view: &NodeView) -> bool {
    let wanted = roll.recipe();
    view.holds == Some(wanted.version)
        && view.refuses.is_none()
        && wanted
            .generations
            .iter()
            .all(|(role, ..)| view.accepts.contains(role))
}

/// A quarantined node that is proven serves again.
pub(super) fn rejoin(
    roll: &Roll,
    observed: &Observed,
    circumstances: &Circumstances,
) -> Option<Decision> {
    let back = |node: &&NodeName| {
        observed
            .nodes
            .get(*node)
            .is_some_and(|view| is_proven(roll, view))
    };
    let mut left_behind = roll
        .quarantined
        .keys()
        .filter(|node| !circumstances.set_aside.contains(*node));
    let node = left_behind.find(back)?.clone();
    let reason = format!("{node} has caught up");
    Some(Decision::write(Record::Rejoined { node }, reason))
}

/// A node that holds the keys and refuses a ticket is a contradiction that an operator must see.
pub(super) fn refusing(roll: &Roll, observed: &Observed) -> Option<Decision> {
    roll.serving().find_map(|node| {
        let view = observed.nodes.get(node)?;
        let why = view.refuses.clone().filter(|_| view.trouble.is_none())?;
        let reason = format!("{node} refuses a ticket it should accept");
        let trouble = Trouble::NodeRefuses {
            node: node.clone(),
            why,
        };
        Some(Decision::write(Record::Halted { trouble }, reason))
    })
}

pub(super) fn quarantine(observed: &Observed, node: &NodeName, because: &str) -> Decision {
    let why = format!("{because}: {}", why_missing(observed, &[node]));
    let reason = format!("going on without {node}");
    Decision::write(
        Record::Quarantined {
            node: node.clone(),
            why,
        },
        reason,
    )
}

pub(super) fn why_missing(observed: &Observed, missing: &[&NodeName]) -> String {
    listed(missing.iter().map(|node| {
        let view = observed.nodes.get(*node);
        let why = view.and_then(|view| view.trouble.as_ref().or(view.refuses.as_ref()));
        why.map_or_else(
            || format!("{node} (no answer yet)"),
            |why| format!("{node} ({why})"),
        )
    }))
}
