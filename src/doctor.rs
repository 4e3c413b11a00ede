//! What is wrong with an array, why, and what mends it: judged from facts that somebody gathered.
//!
//! Each check is a pure function from [`Facts`] to findings. A fact that could not be seen is an
//! [`Unseen`] with the reason, and makes the checks that need it say "unknown" and nothing worse.
//!
//! | module | what is judged |
//! | --- | --- |
//! | `account` | the account: its state, its password, its enctypes, its salt |
//! | `keys` | the same key everywhere: directory, KDCs, keytabs |
//! | `replication` | whether the domain controllers tell the same |
//! | `spn` | the names under which clients ask |
//! | `rights` | what the controller may do, and what it should not be able to |
//! | `clock` | every clock against the controller's |
//! | `nodes` | contact, readiness, keytab files |
//! | `service` | what it asks of a browser, and a real login at each place |
//! | `changes` | what others have changed |
//! | `deadlines` | what will go wrong by itself if nobody acts |
//! | `client` | what a user's machine sees: its own facts, gathered there |

mod account;
mod changes;
mod client;
mod clock;
mod deadlines;
mod delegable;
mod delegation;
mod dns;
mod facts;
mod finding;
mod hidden;
mod iis;
mod keys;
mod ldap;
mod nodes;
mod replication;
mod rights;
mod service;
mod spn;

pub use client::{CLIENT_CHECKS, ClientFacts, ClientTicket, examine_client};
pub use facts::{
    ArrayFacts, DcFacts, Facts, HostFacts, IisFacts, IisPool, IisSite, KeytabFacts, LdapFacts,
    LoginFacts, LoopBackCheck, May, NameFacts, NodeAround, NodeFacts, NodeLook, OpenRoll, OwnName,
    ProofFacts, Rival, ScheduleFacts, Seen, ServiceFacts, Surplus, TicketFacts, TicketKey, Unseen,
    UnseenKind, Way, WebFacts,
};
pub use finding::{Check, Examined, Finding, Grade};

/// Every check, area by area, in the order in which they are printed and documented.
pub const AREAS: [(&str, &[Check]); 14] = [
    ("The account", account::CHECKS),
    ("Keys", keys::CHECKS),
    ("Replication", replication::CHECKS),
    ("Names", spn::CHECKS),
    ("Names in DNS", dns::CHECKS),
    ("Delegation", delegation::CHECKS),
    ("Rights", rights::CHECKS),
    ("LDAP", ldap::CHECKS),
    ("Clocks", clock::CHECKS),
    ("Nodes", nodes::CHECKS),
    ("IIS", iis::CHECKS),
    ("The service", service::CHECKS),
    ("Changes by others", changes::CHECKS),
    ("Deadlines", deadlines::CHECKS),
];

/// Every check.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    AREAS.into_iter().flat_map(|(_, checks)| checks)
}

/// Runs every check. What has nothing to be looked at finds nothing.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Examined> {
    let areas = AREAS.into_iter();
    areas
        .flat_map(|(_, checks)| Examined::all(checks, facts))
        .collect()
}

#[cfg(test)]
mod tests;
