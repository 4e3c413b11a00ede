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
                or its account is disabled",
        mends: "the SPN or the list; `keyroll delegation show` tells more",
        look: works,
    },
    Check {
        id: "delegation-risk",
        looks_at: "unconstrained delegation, protocol transition here and of those who delegate \
                   here, targets of the KDC, of domain controllers and of administrators, and \
                   crowds that may act for users here",
        means: "whoever takes over one node, or one who may delegate here, or anybody at all, \
                becomes any user; a warning, since it costs no logins, where `keyroll delegation \
                show` says critical, by what can come of it",
        mends: "constrained delegation; `keyroll delegation show` tells the risk of each",
        look: risks,
    },
];

/// What does not work at all, by the codes of [`delegation::findings`].
const FAILS: [&str; 4] = [
    "target-missing",
    "target-disabled",
    "target-duplicate",
    "descriptor-unreadable",
];

/// What was looked for in vain; a descriptor that lets one account in is no fault.
const FINE: &str =
    "not unconstrained, no protocol transition, no administrator's service, no crowd";

/// Why `keyroll delegation show` calls something critical that is a warning here.
const CRITICAL: &str = "critical in keyroll delegation show, which grades by what can come of it; \
                        here what costs logins comes first, and this costs none";

/// By which somebody may name users who never came, by the same codes.
const NAMES_ANY_USER: [&str; 2] = ["protocol-transition", "delegated-to"];

/// What was not seen, by the same codes: nothing is found in order then.
const HIDDEN: [&str; 3] = [
    delegation::NOT_ALL_SEEN,
    "target-hidden",
    "actor-conditional",
];

fn works(facts: &Facts) -> Vec<Finding> {
    if let Err(unseen) = &facts.delegation {
        return vec![Finding::unknown(
            &facts.array.account,
            unseen,
            &facts.array.name,
        )];
    }
    told(facts, "nothing stands in its way", |one| {
        FAILS.contains(&one.code)
    })
}

fn risks(facts: &Facts) -> Vec<Finding> {
    told(facts, FINE, |one| {
        let names = NAMES_ANY_USER.contains(&one.code) && one.grade == Grade::Warning;
        one.grade == Grade::Critical || names
    })
}

fn told(facts: &Facts, fine: &str, is_told: impl Fn(&delegation::Finding) -> bool) -> Vec<Finding> {
    let Ok(found) = &facts.delegation else {
        return Vec::new();
    };
    let array = &facts.array.name;
    let told = found.iter().filter(|one| is_told(one));
    let told = told.map(|one| {
        let risk = match one.grade {
            Grade::Critical => format!("{}; {CRITICAL}", one.risk),
            Grade::Warning | Grade::Notice => one.risk.clone(),
        };
        Finding::warning(&one.object, &one.what)
            .because(risk)
            .mend(&one.safer)
    });
    let hidden = found.iter().filter(|one| HIDDEN.contains(&one.code));
    let hidden = hidden.map(|one| {
        let next = match one.safer.is_empty() {
            true => format!("keyroll delegation show {array}"),
            false => one.safer.clone(),
        };
        Finding::undecided(&one.object, &one.what, &one.risk).mend(next)
    });
    let told: Vec<Finding> = told.chain(hidden).collect();
    match told.is_empty() {
        true => vec![Finding::ok(&facts.array.account, fine)],
        false => told,
    }
}
