//! Whether the domain controllers tell the same of the account.
//!
//! Each attribute carries a stamp: how often it was written, when and where. Two domain controllers
//! with different stamps have not heard of each other's last write.

use std::collections::BTreeMap;

use super::facts::{DcFacts, Facts, UnseenKind};
use super::finding::{Check, Finding};
use super::hidden::let_read;
use crate::drift::{Attribute, History, Stamp};
use crate::name::{ArrayName, DcName};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "dc-ldap",
        looks_at: "whether every domain controller shows the account over LDAP",
        means: "nothing can be compared there; a roll waits for it",
        mends: "start it, open its port, or waive it for a roll",
        look: answers,
    },
    Check {
        id: "replication-account",
        looks_at: "the stamps of the account's password, names, SPNs, enctypes, state and rights \
                   on every domain controller",
        means: "a write has not come through: clients get tickets under another key, for other \
                SPNs or of other enctypes, depending on which KDC they ask",
        mends: "replication",
        look: stamps,
    },
];

/// How long a change may be on its way between domain controllers of one site, in seconds: they
/// tell each other after 15 s, and the farthest is three hops away.
const ON_ITS_WAY: i64 = 180;
/// How long between sites, in seconds: a link replicates every 180 minutes unless somebody has said
/// otherwise (MS-ADTS 6.1.1.2.2.3.1, replInterval), and two links in a row are usual.
const BETWEEN_SITES: i64 = 7 * 3600;

/// The command that shows what a domain controller has heard of the others.
pub(super) fn show(dc: &DcName) -> String {
    format!("samba-tool drs showrepl {dc} (or repadmin /showrepl {dc})")
}

/// What has a domain controller answer again.
pub(super) fn start(dc: &DcName, array: &ArrayName) -> String {
    format!(
        "systemctl start samba-ad-dc (on {dc}; Windows: its machine; if it runs, look for a \
         firewall), then keyroll doctor {array}"
    )
}

fn answers(facts: &Facts) -> Vec<Finding> {
    let dcs = match &facts.dcs {
        Ok(dcs) => dcs,
        Err(unseen) => {
            return vec![Finding::unknown(
                &facts.array.name,
                unseen,
                &facts.array.name,
            )];
        }
    };
    dcs.iter().map(|dc| answer(facts, dc)).collect()
}

fn answer(facts: &Facts, dc: &DcFacts) -> Finding {
    let name = &dc.name;
    match &dc.account {
        Ok(_) => Finding::ok(name, "shows the account"),
        Err(unseen) if unseen.kind == UnseenKind::Silent => Finding::broken(name, &unseen.why)
            .because("it is down, or a firewall is in between")
            .mend(start(name, &facts.array.name)),
        Err(unseen) if unseen.kind == UnseenKind::Missing => Finding::broken(name, &unseen.why)
            .because(
                "it was made or deleted on another one, and that has not come through; or it is \
                 gone everywhere",
            )
            .mend(show(name)),
        Err(unseen) => Finding::unknown(name, unseen, &facts.array.name),
    }
}

fn stamps(facts: &Facts) -> Vec<Finding> {
    let shown = facts.dcs().iter();
    let shown = shown.filter_map(|dc| Some((dc, dc.history.as_ref().ok()?)));
    let shown: Vec<(&DcFacts, &History)> = shown.collect();
    let mut newest: BTreeMap<Attribute, (Stamp, &DcFacts)> = BTreeMap::new();
    for (dc, history) in &shown {
        for (attribute, stamp) in &history.stamps {
            let place = newest.entry(*attribute).or_insert((*stamp, dc));
            // The order in which replication itself settles a conflict (MS-ADTS 3.1.1.1.9).
            if rank(stamp) > rank(&place.0) {
                *place = (*stamp, dc);
            }
        }
    }
    let hidden = facts.dcs().iter();
    let array = &facts.array.name;
    let hidden = hidden.filter_map(|dc| {
        let unseen = dc.history.as_ref().err()?;
        let finding = Finding::unknown(&dc.name, unseen, array);
        Some(match (unseen.kind, &dc.account) {
            (UnseenKind::Refused, Ok(state)) => finding.mend(let_read(facts, state)),
            _ => finding,
        })
    });
    let judged = shown
        .iter()
        .map(|(dc, history)| behind(facts, dc, history, &newest));
    judged.chain(hidden).collect()
}

/// The part of a distinguished name that is the domain's: from the first component `DC=` on.
fn domain_of(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    lower.find(",dc=").map_or(name, |at| &name[at + 1..])
}

const fn rank(stamp: &Stamp) -> (u32, i64, [u8; 16]) {
    (stamp.version, stamp.at_unix, stamp.invocation.0)
}

fn behind(
    facts: &Facts,
    dc: &DcFacts,
    history: &History,
    newest: &BTreeMap<Attribute, (Stamp, &DcFacts)>,
) -> Finding {
    let lacks = newest.iter().filter(|(attribute, (stamp, _))| {
        history.stamps.get(attribute).map(rank) != Some(rank(stamp))
    });
    let lacks: Vec<_> = lacks.collect();
    let Some((_, (_, source))) = lacks.first() else {
        let count = history.stamps.len();
        return Finding::ok(&dc.name, format!("{count} stamps like everywhere"));
    };
    let names: Vec<&str> = lacks
        .iter()
        .map(|(attribute, _)| attribute.name())
        .collect();
    let oldest = lacks.iter().map(|(_, (stamp, _))| stamp.at_unix).min();
    let age = facts.now_unix - oldest.unwrap_or(facts.now_unix);
    let source = &source.name;
    let evidence = format!(
        "lacks the last write of {}, {age} s old, that {source} has",
        names.join(", ")
    );
    let (grade, why, next): (fn(_, String) -> _, _, _) = match age {
        age if age <= ON_ITS_WAY => (
            Finding::warning,
            "a change needs some seconds within a site",
            "; if it is still so in three minutes",
        ),
        age if age <= BETWEEN_SITES => (
            Finding::warning,
            "within a site it does not replicate; between sites a change waits for the link's \
             schedule, hours by default",
            "",
        ),
        _ => (
            Finding::broken,
            "that is longer than links between sites wait by default",
            "",
        ),
    };
    let account = facts.account();
    let domain = account.map_or("NAMING-CONTEXT", |account| {
        domain_of(&account.distinguished_name)
    });
    let dc = &dc.name;
    grade(dc, evidence)
        .because(format!(
            "{why}; clients that ask this KDC are served by what was before"
        ))
        .mend(format!(
            "samba-tool drs replicate {dc} {source} {domain} (or repadmin /replicate {dc} {source} \
             {domain}{next}), then keyroll doctor {}",
            facts.array.name
        ))
}
