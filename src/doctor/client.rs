//! What a client's machine sees: looked at by an operator's own, with the operator's own ticket.

use chrono::TimeDelta;

use super::clock;
use super::dns;
use super::facts::{Seen, ServiceFacts, UnseenKind, WebFacts};
use super::finding::{Check, Examined, Finding};
use super::replication::start;
use super::service::{Opens, login_of, schemes};
use crate::kerberos::{Enctype, Kvno};
use crate::name::{ArrayName, DcName};
use crate::spn::{HostRecords, Spn, Zone};

/// Every check of a client's machine.
pub const CLIENT_CHECKS: &[Check<ClientFacts>] = &[
    Check {
        id: "client-name",
        looks_at: "the array's name as the client's machine resolves it",
        means: "this client gets elsewhere, or asks for another name's ticket",
        mends: "the machine's name servers and hosts file; as `dns-name`",
        look: names,
    },
    Check {
        id: "client-clock",
        looks_at: "the machine's clock against that of every KDC",
        means: "beyond five minutes it gets no tickets, or none that are taken (KRB_AP_ERR_SKEW)",
        mends: "the time service of that machine",
        look: clocks,
    },
    Check {
        id: "client-ticket",
        looks_at: "a ticket for the array from every KDC, with the operator's own: its enctype and \
                   kvno against the keytabs",
        means: "no ticket: the client falls back to NTLM without a word, or asks for a password; \
                one under a kvno or of an enctype that keytabs lack: the login fails",
        mends: "by the KDC's answer; without a ticket of one's own: kinit",
        look: tickets,
    },
    Check {
        id: "client-login",
        looks_at: "a login under the array's name, as a browser makes it: Kerberos or NTLM",
        means: "users of this machine do not get in, or get in by NTLM",
        mends: "as `service-login` and `service-offers`",
        look: logins,
    },
];

/// What an operator's machine saw.
#[derive(Debug, Clone)]
pub struct ClientFacts {
    /// The array.
    pub array: ArrayName,
    /// What tickets were asked for.
    pub spn: Spn,
    /// All SPNs of its account.
    pub spns: Vec<String>,
    /// The enctypes in its keytabs.
    pub enctypes: Vec<Enctype>,
    /// The kvnos in its keytabs.
    pub kvnos: Vec<Kvno>,
    /// The name in DNS, as that machine asks it.
    pub records: Seen<HostRecords>,
    /// What each KDC gave for the operator's own ticket; or why there is no such ticket.
    pub tickets: Seen<Vec<(DcName, Seen<ClientTicket>)>>,
    /// The page under the array's name; none if the name is not one of HTTP.
    pub page: Option<ServiceFacts>,
}

/// A service ticket, as a client can see it.
#[derive(Debug, Clone, Copy)]
pub struct ClientTicket {
    /// The kvno in it.
    pub kvno: Kvno,
    /// The enctype's number in it.
    pub enctype: i32,
    /// How far the KDC's clock is ahead of the machine's; below zero, it is behind.
    pub clock_offset: TimeDelta,
}

/// Runs every check of a client's machine.
#[must_use]
pub fn examine_client(facts: &ClientFacts) -> Vec<Examined> {
    Examined::all(CLIENT_CHECKS, facts)
}

fn names(facts: &ClientFacts) -> Vec<Finding> {
    let dcs = facts.tickets.as_deref().unwrap_or_default();
    let zone = Zone {
        server: dcs.first().map_or("", |(dc, _)| dc.as_str()),
        address: None,
        nodes: &[],
    };
    dns::judge(&facts.spn, &facts.spns, &facts.records, &facts.array, &zone)
}

/// The tickets that were given, with who gave them.
fn given(facts: &ClientFacts) -> impl Iterator<Item = (&DcName, ClientTicket)> {
    let tickets = facts.tickets.as_deref().unwrap_or_default().iter();
    tickets.filter_map(|(dc, ticket)| Some((dc, *ticket.as_ref().ok()?)))
}

fn clocks(facts: &ClientFacts) -> Vec<Finding> {
    given(facts)
        .map(|(dc, ticket)| clock::of_client(dc, ticket.clock_offset))
        .collect()
}

fn tickets(facts: &ClientFacts) -> Vec<Finding> {
    match &facts.tickets {
        Ok(tickets) => tickets
            .iter()
            .map(|(dc, ticket)| ticket_of(facts, dc, ticket))
            .collect(),
        Err(unseen) => vec![Finding::unknown(&facts.spn, unseen, &facts.array)],
    }
}

fn ticket_of(facts: &ClientFacts, dc: &DcName, ticket: &Seen<ClientTicket>) -> Finding {
    let object = format!("{} at {dc}", facts.spn);
    let ticket = match ticket {
        Ok(ticket) => ticket,
        Err(unseen) if unseen.kind == UnseenKind::Silent => {
            return Finding::warning(object, &unseen.why)
                .because("a client that is sent to this KDC waits, and then asks another")
                .mend(start(dc, &facts.array));
        }
        Err(unseen) => {
            return Finding::broken(object, &unseen.why)
                .because(
                    "a client without a ticket falls back to NTLM without a word, or asks for a \
                     password",
                )
                .mend(match unseen.next.is_empty() {
                    true => format!("keyroll doctor {}", facts.array),
                    false => unseen.next.clone(),
                });
        }
    };
    let evidence = in_words(ticket);
    let enctype = Enctype::from_number(ticket.enctype);
    let has_enctype = enctype.is_some_and(|enctype| facts.enctypes.contains(&enctype));
    if has_enctype && facts.kvnos.contains(&ticket.kvno) {
        return Finding::ok(object, evidence);
    }
    Finding::broken(object, format!("{evidence}: no keytab has such a key"))
        .because("whoever comes with it is refused: KRB_AP_ERR_MODIFIED, or no key of that kvno")
        .mend(format!(
            "keyroll doctor {} (key-tickets, key-enctype)",
            facts.array
        ))
}

fn in_words(ticket: &ClientTicket) -> String {
    let enctype = match Enctype::from_number(ticket.enctype) {
        Some(enctype) => enctype.to_string(),
        None => format!("enctype {}", ticket.enctype),
    };
    format!("{enctype}, kvno {}", ticket.kvno)
}

fn logins(facts: &ClientFacts) -> Vec<Finding> {
    let Some(page) = &facts.page else {
        return Vec::new();
    };
    let look = format!("curl -sv --negotiate -u : {}", page.url);
    vec![match &page.web {
        Err(unseen) => Finding::broken(&page.url, &unseen.why)
            .because("users of this machine get nothing under the array's name")
            .mend(look),
        Ok(web) => login(facts, page, web, look),
    }]
}

fn login(facts: &ClientFacts, page: &ServiceFacts, web: &WebFacts, look: String) -> Finding {
    let schemes = schemes(&web.challenges);
    let offers = |scheme: &str| schemes.iter().any(|one| one == scheme);
    let offered = match schemes.is_empty() {
        true => "nothing".to_owned(),
        false => schemes.join(", "),
    };
    match &web.login {
        _ if web.status >= 500 => Finding::broken(&page.url, format!("answers {}", web.status))
            .because("users of this machine get an error under the array's name")
            .mend(look),
        _ if web.status != 401 => {
            let evidence = format!("asks for no login ({})", web.status);
            let cause = "only a page that asks for a login shows whether one succeeds";
            Finding::undecided(&page.url, evidence, cause).mend(format!(
                "keyroll doctor {} --from-client --url URL (a page that asks for one)",
                facts.array
            ))
        }
        _ if !offers("negotiate") => Finding::broken(&page.url, format!("offers {offered}"))
            .because(match offers("ntlm") {
                true => "users of this machine get in by NTLM, not by Kerberos",
                false => "it asks users for a password: nobody gets in by a ticket",
            })
            .mend("let the web server offer Negotiate (mod_auth_gssapi, Windows authentication)"),
        // Negotiate holds NTLM too, on Windows: a client without a ticket takes that.
        None => Finding::warning(&page.url, format!("offers {offered}; no ticket to show"))
            .because("a client without a ticket comes by NTLM, or is asked for a password")
            .mend(match &facts.tickets {
                Err(unseen) if !unseen.next.is_empty() => unseen.next.clone(),
                Ok(_) | Err(_) => look,
            }),
        Some(Err(why)) => Finding::broken(&page.url, why)
            .because("it answers without a login and not with one")
            .mend(look),
        Some(Ok(login)) => {
            let mut finding = login_of(&facts.array, page, *login, Opens::Unknown);
            let shown = given(facts).next();
            let shown = shown.map(|(_, ticket)| format!(" ({})", in_words(&ticket)));
            finding.object.clone_from(&page.url);
            finding.evidence += &shown.unwrap_or_default();
            finding
        }
    }
}
