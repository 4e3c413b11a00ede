//! The names under which clients ask for the account.

use super::facts::Facts;
use super::finding::{Check, Finding};
use super::hidden::unread;
use crate::account::hidden::SPNS;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "spn-registered",
        looks_at: "whether the account has every SPN of the array",
        means: "clients get no ticket for that name (KDC_ERR_S_PRINCIPAL_UNKNOWN) and fall back to \
                NTLM without a word",
        mends: "register it",
        look: registered,
    },
    Check {
        id: "spn-unique",
        looks_at: "whether another account of the forest, or of the domain where no global catalog \
                   answers, has one of its SPNs too",
        means: "the KDC gives no ticket for it, or one under the other account's key \
                (KRB_AP_ERR_MODIFIED)",
        mends: "take it from the other account",
        look: unique,
    },
];

fn registered(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    if let Some(unread) = unread(facts, state, &[SPNS]) {
        return vec![unread];
    }
    let account = &state.salt_source.sam_account_name;
    let array = &facts.array;
    let one = |spn: &String| {
        if array.pending.contains(spn) {
            return Finding::warning(spn, "waits until a node holds the key")
                .because("registered before that, it would send clients to nodes without a key")
                .mend(format!("keyroll node list {}", array.name));
        }
        if state.has_spn(spn) {
            return Finding::ok(spn, format!("registered on {account}"));
        }
        let add = format!("keyroll spn add {} {spn}", array.name);
        if array.prepared.contains(spn) {
            return Finding::warning(spn, "is held by the nodes and not registered")
                .because("it was to be added, and the change was refused or never made")
                .mend(format!("{add}, or spn remove"));
        }
        if let Some(left) = array.leaving.get(spn) {
            let left = left.div_ceil(60_000);
            return Finding::ok(spn, format!("was removed: keytabs lose it in {left} min"));
        }
        Finding::broken(spn, format!("{account} does not have it any more"))
            .because(
                "KDC_ERR_S_PRINCIPAL_UNKNOWN, then NTLM: somebody removed it, or a whole-list \
                 write by another tool lost it; the keytabs keep its entries",
            )
            .mend(add)
    };
    array.spns.iter().map(one).collect()
}

fn unique(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    // Others were looked for by the account's own SPNs.
    if let Some(unread) = unread(facts, state, &[SPNS]) {
        return vec![unread];
    }
    let others = &state.other_owners;
    if others.found.is_empty() {
        let account = &state.salt_source.sam_account_name;
        let place = if others.forest { "forest" } else { "domain" };
        let evidence = format!("nobody else in its {place} has any of its SPNs");
        return vec![Finding::ok(account, evidence)];
    }
    let wanted = facts.wanted(state);
    let reasons = state.refusals(&wanted).into_iter();
    let reasons = reasons.filter(|reason| reason.code == "spn-duplicate");
    reasons
        .map(|reason| {
            let mend = format!("keyroll spn move {} {}", facts.array.name, reason.object);
            Finding::broken(reason.object, reason.why)
                .because(
                    "the old service account, or a node's computer account, was never rid of it; \
                     event 11 of the KDC names both",
                )
                .mend(mend)
        })
        .collect()
}
