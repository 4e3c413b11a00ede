//! What will go wrong by itself if nobody acts.

use super::facts::Facts;
use super::finding::{Check, Finding};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "deadline-roll",
        looks_at: "the schedule: the next roll, a pause, a freeze, the age of the key",
        means: "the password grows older than it should",
        mends: "a roll, or a schedule",
        look: schedule,
    },
    Check {
        id: "deadline-certificate",
        looks_at: "when every node's certificate ends; it is renewed at half of its life",
        means: "renewal fails; without a certificate the node gets no keys any more",
        mends: "contact between controller and node, then it renews by itself",
        look: certificates,
    },
    Check {
        id: "deadline-authority",
        looks_at: "when the certificate of the controller's own authority ends, which signs those \
                   of nodes and operators",
        means: "without it no node and no operator trusts another: no keys reach a node",
        mends: "another authority, in three steps, while the old one works; after its end a new \
                controller, to which the nodes are joined again",
        look: authority,
    },
];

fn schedule(facts: &Facts) -> Vec<Finding> {
    let (array, plan) = (&facts.array, &facts.array.schedule);
    let (name, roll) = (&array.name, format!("keyroll roll {}", array.name));
    vec![if !plan.alarm.is_empty() {
        Finding::warning(name, &plan.alarm)
            .because("rolls were refused, frozen or paused for longer than the policy allows")
            .mend(roll)
    } else if !plan.set {
        Finding::ok(name, "no schedule: it is rolled by hand")
    } else if plan.paused {
        Finding::warning(name, format!("next roll {}", plan.next))
            .because("it rolls no more by itself until somebody takes that back")
            .mend(format!("keyroll schedule resume {name}"))
    } else {
        Finding::ok(name, format!("next roll {}", plan.next))
    }]
}

/// What it signs may live as long: earlier than that nothing is lost yet.
const YEAR: i64 = 365 * 24 * 60 * 60;

fn authority(facts: &Facts) -> Vec<Finding> {
    let (object, left) = (
        "the controller's authority",
        facts.array.authority_ends_unix - facts.now_unix,
    );
    let evidence = format!("{} days left", left.max(0) / 86_400);
    vec![match left {
        left if left <= 0 => Finding::broken(object, "it has ended")
            .because("no connection to a node is trusted any more; their keys stay as they are")
            .mend(
                "keyroll-controller init (a new one), then keyroll array adopt and keyroll node \
                 add there",
            ),
        left if left < YEAR => Finding::warning(object, evidence)
            .because("from then on no node gets keys, and no operator gets in from elsewhere")
            .mend(
                "keyroll authority prepare --ca-file ca.crt, then keyroll authority activate, then \
                 keyroll authority retire",
            ),
        _ => Finding::ok(object, evidence),
    }]
}

fn certificates(facts: &Facts) -> Vec<Finding> {
    let life = i64::try_from(facts.array.certificate_life.as_secs()).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for node in &facts.nodes {
        let Ok(look) = &node.look else { continue };
        let (name, ends) = (&node.name, look.certificate_ends_unix);
        // What a node says may be any number.
        let left = ends.saturating_sub(facts.now_unix);
        let evidence = format!("{} h left", left.max(0) / 3600);
        // Renewed at half of its life: at a quarter several tries have failed.
        found.push(match left {
            left if left <= 0 => Finding::broken(name, "it has ended")
                .because("renewal failed for half of its life")
                .mend(format!("keyroll node show {} {name}", facts.array.name)),
            left if left < life / 4 => Finding::warning(name, evidence)
                .because("it should have been renewed at half of its life")
                .mend("journalctl -u keyroll-controller | grep renew"),
            _ => Finding::ok(name, evidence),
        });
    }
    found
}
