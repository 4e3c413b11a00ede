//! The names under which clients ask for the account.

use super::facts::{Facts, Rival, Unseen};
use super::finding::{Check, Finding};
use super::hidden::unread;
use crate::account::hidden::SPNS;
use crate::shell::word;
use crate::spn::{Likeness, take_away};

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
        looks_at: "whether another account of the forest (of the domain, where no global catalog \
                   answers), or of a forest in the controller's settings, has one of its SPNs too, \
                   or one that looks like it",
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
        let add = format!("keyroll spn add {} {}", array.name, word(spn));
        if array.prepared.contains(spn) {
            return Finding::warning(spn, "is held by the nodes and not registered")
                .because("it was to be added, and the change was refused or never made")
                .mend(format!(
                    "{add} (or keyroll spn remove {} {}, if it is not wanted)",
                    array.name,
                    word(spn)
                ));
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
    let wanted = facts.wanted(state);
    let reasons = state.refusals(&wanted).into_iter();
    let reasons = reasons.filter(|reason| reason.code == "spn-duplicate");
    let doubled = reasons.map(|reason| {
        let spn = word(&reason.object);
        let mend = format!("keyroll spn move {} {spn}", facts.array.name);
        Finding::broken(reason.object, reason.why)
            .because(
                "the old service account, or a node's computer account, was never rid of it; \
                 event 11 of the KDC names both",
            )
            .mend(mend)
    });
    let mut found: Vec<Finding> = doubled.collect();
    let account = &state.salt_source.sam_account_name;
    let (rivals, forests, unseen) = match &facts.names {
        Ok(names) => (&names.rivals[..], &names.forests[..], &names.unseen[..]),
        Err(unseen) => {
            found.push(Finding::unknown(account, unseen, &facts.array.name));
            (&[][..], &[][..], &[][..])
        }
    };
    found.extend(rivals.iter().filter_map(passes));
    if found.is_empty() {
        let own = if state.other_owners.forest {
            "its forest"
        } else {
            "its domain"
        };
        let places = std::iter::once(own).chain(forests.iter().map(String::as_str));
        let places = places.collect::<Vec<_>>().join(" and ");
        let evidence = format!("nobody else in {places} has any of its SPNs, or one like it");
        found.push(Finding::ok(account, evidence));
    }
    let unsearched = |(forest, unseen): &(String, Unseen)| {
        Finding::unknown(forest, unseen, &facts.array.name)
            .because("an account of that forest may have one of its SPNs, too")
    };
    found.extend(unseen.iter().map(unsearched));
    found
}

/// What there is to say of somebody who passes for the account, and is no second owner in its own
/// forest.
fn passes(rival: &Rival) -> Option<Finding> {
    let Rival {
        spn,
        distinguished_name,
        forest,
        ..
    } = rival;
    let place = forest
        .as_ref()
        .map(|forest| format!(" in the forest {forest}"));
    let place = place.unwrap_or_default();
    let (evidence, cause) = match (rival.likeness, forest) {
        (Likeness::Exact | Likeness::Case, Some(forest)) => (
            format!("{distinguished_name}{place} has it too"),
            format!(
                "clients of {forest}, and whomever a trust leads there, get tickets under that \
                 account's key"
            ),
        ),
        (Likeness::Hidden | Likeness::LooksAlike, _) => (
            format!(
                "{distinguished_name}{place} has {}, another name that looks like it",
                rival.theirs.escape_default()
            ),
            "a name that is made to be taken for it (CVE-2026-25177): whoever is led there gets \
             tickets under that account's key; the domain controllers' audit tells who made it"
                .to_owned(),
        ),
        (Likeness::Exact | Likeness::Case, None) | (Likeness::HostAlias, _) => return None,
    };
    let ends = take_away(&rival.theirs, &rival.account, &rival.guid);
    let mend = match forest {
        None => ends,
        Some(forest) => format!("in {forest}: {ends}"),
    };
    Some(Finding::broken(spn, evidence).because(cause).mend(mend))
}
