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

fn certificates(facts: &Facts) -> Vec<Finding> {
    let life = i64::try_from(facts.array.certificate_life.as_secs()).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for node in &facts.nodes {
        let Ok(look) = &node.look else { continue };
        let (name, ends) = (&node.name, look.certificate_ends_unix);
        let left = ends - facts.now_unix;
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
