//! Delegation by the account and to it: what cannot work, and what gives everybody away.
//!
//! Much more is worth knowing of it; `keyroll delegation show` tells all.

use super::facts::Facts;
use super::finding::{Check, Finding};
use crate::delegation::{self, Grade};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "delegation-works",
        looks_at: "msDS-AllowedToDelegateTo, its targets' accounts, and the descriptor of who may \
                   act for users here",
        means: "delegation fails behind the login: a target's SPN is nobody's or two accounts', \
                its account is disabled, or the array's own is sensitive",
        mends: "the SPN or the list; `keyroll delegation show` tells more",
        look: works,
    },
    Check {
        id: "delegation-risk",
        looks_at: "unconstrained delegation, targets on domain controllers, and crowds that may \
                   act for users here",
        means: "whoever takes over one node, or anybody at all, becomes any user",
        mends: "constrained delegation; `keyroll delegation show` tells the risk of each",
        look: risks,
    },
];

/// What does not work at all, by the codes of [`delegation::findings`].
const FAILS: [&str; 6] = [
    "target-missing",
    "target-disabled",
    "target-duplicate",
    "sensitive-front",
    "descriptor-unreadable",
    "actor-unknown",
];

fn works(facts: &Facts) -> Vec<Finding> {
    if let Err(unseen) = &facts.delegation {
        return vec![Finding::unknown(&facts.array.account, unseen)];
    }
    told(facts, "nothing stands in its way", |one| {
        FAILS.contains(&one.code)
    })
}

fn risks(facts: &Facts) -> Vec<Finding> {
    told(facts, "nobody is any user by it", |one| {
        one.grade == Grade::Critical
    })
}

fn told(facts: &Facts, fine: &str, is_told: impl Fn(&delegation::Finding) -> bool) -> Vec<Finding> {
    let Ok(found) = &facts.delegation else {
        return Vec::new();
    };
    let told = found.iter().filter(|one| is_told(one));
    let told: Vec<Finding> = told
        .map(|one| {
            Finding::warning(&one.object, &one.what)
                .because(&one.risk)
                .mend(&one.safer)
        })
        .collect();
    match told.is_empty() {
        true => vec![Finding::ok(&facts.array.account, fine)],
        false => told,
    }
}
