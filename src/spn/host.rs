//! What clients make of an SPN's host in DNS: they ask for tickets for the name that it leads to.

use std::net::IpAddr;

use super::Spn;

/// What DNS says of a host name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRecords {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The name that it is an alias (CNAME) of: clients ask for tickets for that one instead.
    pub alias_of: Option<String>,
    /// The names that its addresses lead back to (PTR).
    pub back: Vec<String>,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostGrade {
    /// Nobody gets there by that name.
    Broken,
    /// Some clients ask for another name's ticket.
    Warning,
    /// Worth knowing.
    Notice,
}

/// Something about a host's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFault {
    /// How much it matters.
    pub grade: HostGrade,
    /// What was seen, as the rest of a sentence about the host.
    pub what: &'static str,
    /// What that leads to.
    pub leads_to: String,
    /// What mends it; empty if nothing needs to be mended.
    pub next: String,
}

/// What is to be said of the host of an array's SPN. `own` are all of the account's: a name that
/// they have too leads nobody astray.
#[must_use]
pub fn host_faults(array: &str, spn: &Spn, own: &[String], found: &HostRecords) -> Vec<HostFault> {
    let host = spn.host();
    if spn.address().is_some() {
        return vec![HostFault {
            grade: HostGrade::Notice,
            what: "is an address, and not in DNS",
            leads_to: "clients ask for no ticket for one unless they are told to".to_owned(),
            next: String::new(),
        }];
    }
    if found.addresses.is_empty() {
        return vec![nowhere(host)];
    }
    let is_own = |name: &str| {
        let other = spn.of_host(name);
        own.iter().any(|spn| other.is_same(spn))
    };
    let mut faults = Vec::new();
    if let Some(target) = found.alias_of.as_ref().filter(|target| !is_own(target)) {
        let other = spn.of_host(target);
        faults.push(HostFault {
            grade: HostGrade::Warning,
            what: "is a CNAME",
            leads_to: format!("clients ask for {other} instead"),
            next: format!("make {host} an A record, or: keyroll spn add {array} {other}"),
        });
    }
    let names = || found.back.iter();
    let other = names().find(|name| !is_own(name));
    if let Some(other) = other.filter(|_| !names().any(|name| name.eq_ignore_ascii_case(host))) {
        faults.push(HostFault {
            grade: HostGrade::Warning,
            what: "has another name in reverse",
            leads_to: format!(
                "its address leads back to {other}: clients that ask DNS (MIT krb5 with rdns = \
                 true) ask for {}",
                spn.of_host(other)
            ),
            next: format!("make the PTR record {host}, or set rdns = false at the clients"),
        });
    }
    faults
}

fn nowhere(host: &str) -> HostFault {
    // A short name is completed by each client's own search list.
    if !host.contains('.') {
        return HostFault {
            grade: HostGrade::Notice,
            what: "is completed by clients' search lists",
            leads_to: String::new(),
            next: String::new(),
        };
    }
    HostFault {
        grade: HostGrade::Broken,
        what: "has no address in DNS",
        leads_to: "nobody gets there who has it not in a file of hosts".to_owned(),
        next: format!("make an A record for {host}"),
    }
}
