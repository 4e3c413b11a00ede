//! Every clock against the controller's: Kerberos allows five minutes.

use chrono::TimeDelta;

use super::facts::Facts;
use super::finding::{Check, Finding};
use crate::name::DcName;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "clock-dc",
        looks_at: "the clock of every KDC, as its tickets tell it",
        means: "beyond five minutes nobody logs in (KRB_AP_ERR_SKEW); below that, tickets live \
                shorter or longer than a drain reckons with",
        mends: "the time service of that domain controller",
        look: |facts| clocks(facts, &dcs(facts)),
    },
    Check {
        id: "clock-node",
        looks_at: "the clock of every node, as its agent tells it",
        means: "the node refuses good tickets as not yet valid or expired: behind a balancer \
                every n-th login fails",
        mends: "the time service of that node",
        look: |facts| clocks(facts, &nodes(facts)),
    },
    Check {
        id: "clock-controller",
        looks_at: "whether all others differ from the controller to the same side",
        means: "it is the controller's clock that is wrong: rolls are refused, tickets for proofs \
                are made for another time",
        mends: "the time service of the controller",
        look: controller,
    },
];

/// What a roll takes for too much.
const TOO_MUCH: TimeDelta = TimeDelta::seconds(60);
/// What acceptors and KDCs take for too much (RFC 4120 section 3.2.3; AD's default).
const FATAL: TimeDelta = TimeDelta::seconds(300);

/// Whose clock, and how far it is ahead of the controller's.
type Offset = (String, TimeDelta);

fn dcs(facts: &Facts) -> Vec<Offset> {
    let dcs = facts.dcs().iter();
    dcs.filter_map(|dc| {
        let ticket = dc.ticket.as_ref()?.as_ref().ok()?;
        Some((dc.name.to_string(), ticket.clock_offset))
    })
    .collect()
}

fn nodes(facts: &Facts) -> Vec<Offset> {
    let nodes = facts.nodes.iter();
    nodes
        .filter_map(|node| Some((node.name.to_string(), node.look.as_ref().ok()?.clock_offset)))
        .collect()
}

/// Whether the controller's own clock is the likely culprit: all others that are known differ from
/// it to the same side.
fn is_ours(facts: &Facts) -> bool {
    let all: Vec<Offset> = dcs(facts).into_iter().chain(nodes(facts)).collect();
    let ahead = all.iter().all(|(_, offset)| *offset > TOO_MUCH);
    let behind = all.iter().all(|(_, offset)| *offset < -TOO_MUCH);
    all.len() > 1 && (ahead || behind)
}

fn clocks(facts: &Facts, offsets: &[Offset]) -> Vec<Finding> {
    if is_ours(facts) {
        return Vec::new();
    }
    let below = "rolls are refused, since tickets would look premature or dead; at five minutes \
                 logins fail";
    let each = offsets.iter().map(|(object, offset)| {
        let away = seconds(*offset);
        let evidence = format!("differs from the controller's clock by {away}");
        judge(object, *offset, evidence, below)
    });
    each.collect()
}

/// What is to be said of a client's machine whose KDC `dc` is ahead of it by `offset`.
pub(super) fn of_client(dc: &DcName, offset: TimeDelta) -> Finding {
    let evidence = format!("differs from the clock of {dc} by {}", seconds(-offset));
    let below = "its tickets begin late or end early by as much; at five minutes it gets none";
    judge("this machine", offset, evidence, below)
}

/// `below` says what comes of it below the five minutes.
fn judge(object: &str, offset: TimeDelta, evidence: String, below: &'static str) -> Finding {
    let (grade, cause): (fn(_, String) -> _, _) = match offset.abs() {
        offset if offset > FATAL => (
            Finding::broken,
            "KRB_AP_ERR_SKEW: more than the five minutes that Kerberos allows; a virtual machine \
             that was paused or restored, or a time service that is not running",
        ),
        offset if offset > TOO_MUCH => (Finding::warning, below),
        _ => return Finding::ok(object, evidence),
    };
    grade(object, evidence).because(cause).mend(step(object))
}

fn controller(facts: &Facts) -> Vec<Finding> {
    let count = dcs(facts).len() + nodes(facts).len();
    if count < 2 {
        return Vec::new();
    }
    let object = "this controller";
    if !is_ours(facts) {
        return vec![Finding::ok(
            object,
            format!("{count} others were compared with"),
        )];
    }
    let farthest = dcs(facts).into_iter().chain(nodes(facts));
    let farthest = farthest
        .map(|(_, offset)| offset)
        .max_by_key(TimeDelta::abs)
        .unwrap_or_default();
    let evidence = format!(
        "all {count} others differ from it, by up to {}",
        seconds(farthest)
    );
    vec![
        Finding::broken(object, evidence)
            .because("it is more likely wrong than all others; rolls are refused for as long")
            .mend(step("the controller")),
    ]
}

/// What puts a machine's clock right.
fn step(object: &str) -> String {
    format!(
        "chronyc makestep (on {object}; Windows: w32tm /resync), then chronyc tracking (on \
             {object})"
    )
}

fn seconds(offset: TimeDelta) -> String {
    match offset.num_seconds() {
        0 => format!("{:+} ms", offset.num_milliseconds()),
        seconds => format!("{seconds:+} s"),
    }
}
