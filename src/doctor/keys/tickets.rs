//! Fresh tickets: whose key they are under, and its number.

use super::keytab_enctypes;
use crate::account::hidden::KVNO;
use crate::doctor::facts::{DcFacts, Facts, TicketFacts, TicketKey, UnseenKind};
use crate::doctor::finding::Finding;
use crate::doctor::hidden::unread;
use crate::doctor::replication::{show, start};
use crate::kerberos::{Enctype, Kvno};

/// The tickets that were seen, each with its domain controller.
pub(super) fn seen(facts: &Facts) -> impl Iterator<Item = (&DcFacts, &TicketFacts)> {
    let dcs = facts.dcs().iter();
    dcs.filter_map(|dc| Some((dc, dc.ticket.as_ref()?.as_ref().ok()?)))
}

pub(super) fn of_ours(facts: &Facts) -> Vec<Finding> {
    let name = &facts.array.name;
    let dcs = match &facts.dcs {
        Ok(dcs) => dcs,
        Err(unseen) => return vec![Finding::unknown(name, unseen, name)],
    };
    if dcs.iter().all(|dc| dc.ticket.is_none()) {
        let evidence = "it has no registered SPN to get a ticket for";
        return vec![
            Finding::warning(name, evidence)
                .because("an SPN is registered once a node holds the key")
                .mend(format!("keyroll node list {name}")),
        ];
    }
    dcs.iter().filter_map(|dc| of_dc(facts, dc)).collect()
}

fn of_dc(facts: &Facts, dc: &DcFacts) -> Option<Finding> {
    match dc.ticket.as_ref()? {
        Err(unseen) if unseen.kind == UnseenKind::Silent => Some(
            Finding::broken(&dc.name, &unseen.why)
                .because("clients that ask this KDC wait, and then ask another one")
                .mend(start(&dc.name, &facts.array.name)),
        ),
        Err(unseen) => Some(
            Finding::broken(&dc.name, &unseen.why)
                .because(
                    "clients that ask this KDC get no ticket: the account is locked, disabled or \
                     expired, the SPN is not there or is there twice, or nothing replicates to it",
                )
                .mend(match unseen.next.is_empty() {
                    true => format!("keyroll verify {}", facts.array.name),
                    false => unseen.next.clone(),
                }),
        ),
        Ok(ticket) => of_key(facts, dc, ticket),
    }
}

fn of_key(facts: &Facts, dc: &DcFacts, ticket: &TicketFacts) -> Option<Finding> {
    let issued = format!("kvno {}, {}", ticket.kvno, Enctype::name_of(ticket.enctype));
    let emergency = format!("keyroll roll {} --emergency", facts.array.name);
    let earlier = |also: &str| format!("its tickets ({issued}) are under an earlier key, {also}");
    let behind = "it was set back (a snapshot, a restore) or has not heard of the last roll";
    Some(match ticket.key {
        TicketKey::Ours => Finding::ok(&dc.name, issued),
        TicketKey::Held => Finding::warning(&dc.name, earlier("which the nodes hold too"))
            .because(format!(
                "{behind}: logins go on, and a roll waits until every domain controller issues \
                 alike"
            ))
            .mend(show(&dc.name)),
        TicketKey::Earlier => Finding::broken(&dc.name, earlier("which the nodes do not hold"))
            .because(format!(
                "{behind}. The controller's next look has the nodes hold that key too, unless \
                 they hold another one under its kvno: then two domain controllers have set \
                 passwords apart from each other"
            ))
            .mend(show(&dc.name)),
        TicketKey::Burned => {
            let evidence = earlier("which an emergency roll has replaced");
            Finding::broken(&dc.name, evidence)
                .because(format!(
                    "{behind}. Somebody else may have that key, so the nodes are not given it and \
                     refuse these tickets"
                ))
                .mend(format!("{} (or {emergency})", show(&dc.name)))
        }
        // Nobody has told the controller any key: all are foreign.
        TicketKey::Foreign if facts.array.kvno.is_none() => Finding::ok(&dc.name, issued),
        // Another key by its kind: told where enctypes are.
        TicketKey::Foreign if is_of_other_enctype(facts, ticket) => return None,
        TicketKey::Foreign => {
            let evidence = format!("its tickets ({issued}) open with no key of the array");
            Finding::broken(&dc.name, evidence)
                .because(
                    "somebody else set the password, or this DC has another one than the others: \
                     every node answers KRB_AP_ERR_MODIFIED to new tickets, cached ones go on",
                )
                .mend(emergency)
        }
    })
}

/// Whether no keytab that could be looked at has a key of the ticket's enctype.
fn is_of_other_enctype(facts: &Facts, ticket: &TicketFacts) -> bool {
    let held = keytab_enctypes(facts);
    let known = Enctype::from_number(ticket.enctype);
    known.is_none_or(|enctype| !held.contains(&enctype)) && !held.is_empty()
}

pub(super) fn kvnos(facts: &Facts) -> Vec<Finding> {
    let Some(journal) = facts.array.kvno else {
        return Vec::new();
    };
    let dcs = facts.dcs().iter();
    dcs.filter_map(|dc| kvno(facts, dc, journal)).collect()
}

fn kvno(facts: &Facts, dc: &DcFacts, journal: Kvno) -> Option<Finding> {
    let account = dc.account.as_ref().ok();
    let hidden = account.and_then(|account| unread(facts, account, &[KVNO]));
    let directory = account.filter(|_| hidden.is_none());
    let directory = directory.map(|account| account.kvno);
    let ticket = dc.ticket.as_ref().and_then(|ticket| ticket.as_ref().ok());
    let issued = ticket.map(|ticket| ticket.kvno);
    let held = |kvno: &Kvno| *kvno == journal || facts.array.other_kvnos.contains(kvno);
    let said =
        |kvno: Option<Kvno>| kvno.map_or_else(|| "unseen".to_owned(), |kvno| kvno.to_string());
    let evidence = format!(
        "directory {}, tickets {}, nodes {journal}",
        said(directory),
        said(issued)
    );
    let mut strange = [directory, issued].into_iter().flatten();
    let Some(kvno) = strange.find(|kvno| !held(kvno)) else {
        if let Some(hidden) = hidden {
            let evidence = format!("{evidence}; {}", hidden.evidence);
            let unseen = Finding::undecided(&dc.name, evidence, hidden.cause);
            return Some(unseen.mend(hidden.mend));
        }
        let seen = directory.or(issued).is_some();
        return seen.then(|| Finding::ok(&dc.name, evidence));
    };
    let where_from = match kvno > journal {
        true => "the password was set once more than keyroll knows of",
        false => "this DC has not caught up, or was set back",
    };
    let cause = format!(
        "{where_from}: acceptors that look for kvno {kvno} find no key (KRB_AP_ERR_BADKEYVER, \
         \"keytab is likely out of date\")"
    );
    let next = next_for(facts, dc, kvno, journal, ticket.map(|ticket| ticket.key));
    let finding = Finding::broken(&dc.name, evidence);
    Some(finding.because(cause).mend(next))
}

/// What mends a kvno that no node holds. A roll alone is refused for each of these reasons.
fn next_for(
    facts: &Facts,
    dc: &DcFacts,
    kvno: Kvno,
    journal: Kvno,
    key: Option<TicketKey>,
) -> String {
    let array = &facts.array.name;
    match (&facts.array.roll, key) {
        (Some(_), _) => format!("keyroll roll status {array}"),
        (None, _) if kvno < journal => show(&dc.name),
        (None, Some(TicketKey::Foreign)) => format!("keyroll roll {array} --emergency"),
        // The same password set again: the nodes get its keys under that number by themselves.
        (None, _) => format!("keyroll verify {array}, then keyroll doctor {array}"),
    }
}
