//! What clients make of an SPN's host in DNS: they ask for tickets for the name that it leads to.

use std::net::IpAddr;

use super::Spn;
use crate::name::NodeName;
use crate::shell::word;

/// What DNS says of a host name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRecords {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The name that it is an alias (CNAME) of: clients ask for tickets for that one instead.
    pub alias_of: Option<String>,
    /// The names that its addresses lead back to (PTR).
    pub back: Vec<String>,
    /// Why not all of these are known, if they are not.
    pub back_unseen: Option<String>,
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

/// Where records are made: for the commands that make them.
#[derive(Debug, Clone, Copy)]
pub struct Zone<'a> {
    /// A name server of the domain: one of its domain controllers.
    pub server: &'a str,
    /// Where the names lead that have no address yet, if that is known.
    pub address: Option<IpAddr>,
    /// The array's nodes, whose own names their addresses are to lead back to.
    pub nodes: &'a [NodeName],
}

impl Zone<'_> {
    /// The server, the zone and a host's name in it; none for a host of another domain's.
    fn place<'a>(&'a self, host: &'a str) -> Option<String> {
        let (_, domain) = self.server.split_once('.')?;
        let cut = host.len().checked_sub(domain.len() + 1)?;
        let (name, rest) = host.split_at_checked(cut)?;
        let is_in_it = rest.strip_prefix('.')?.eq_ignore_ascii_case(domain);
        is_in_it.then(|| format!("{} {domain} {name}", self.server))
    }

    /// The command that gives a host an address.
    fn add(&self, host: &str, address: Option<IpAddr>) -> String {
        let Some(place) = self.place(host) else {
            return format!("make an A record for {host}");
        };
        let kind = match address {
            Some(IpAddr::V6(_)) => "AAAA",
            Some(IpAddr::V4(_)) | None => "A",
        };
        let (address, whose) = match address {
            Some(address) => (address.to_string(), ""),
            None => (
                "ADDRESS".to_owned(),
                "ADDRESS of the balancer, or of a node; ",
            ),
        };
        format!(
            "samba-tool dns add {place} {kind} {address} ({whose}or dnscmd {} /RecordAdd with the \
             rest)",
            self.server
        )
    }

    /// The commands that give it all of these.
    fn add_all(&self, host: &str, addresses: &[IpAddr]) -> String {
        let each = addresses
            .iter()
            .map(|address| self.add(host, Some(*address)));
        each.collect::<Vec<_>>().join(", then ")
    }

    /// The commands that have an address lead back to a host, and to `other` no more. Nobody tells
    /// here how far a reverse zone reaches; with Active Directory it is mostly a /24.
    fn lead_back(&self, host: &str, address: IpAddr, other: &str) -> String {
        let IpAddr::V4(v4) = address else {
            return format!("make the PTR record of {address} {host} (or {NO_REVERSE})");
        };
        let [a, b, c, d] = v4.octets();
        let (server, zone) = (self.server, format!("{c}.{b}.{a}.in-addr.arpa"));
        let (other, host) = (word(other), word(host));
        format!(
            "samba-tool dns delete {server} {zone} {d} PTR {other} (or dnscmd {server} \
             /RecordDelete with the rest; {zone}, or the reverse zone that there is), then \
             samba-tool dns add {server} {zone} {d} PTR {host} (or {NO_REVERSE})"
        )
    }

    /// Whether this is a node's own name, in full or by its first label.
    fn is_node(&self, name: &str) -> bool {
        let label = name.split('.').next().unwrap_or(name);
        let mut nodes = self.nodes.iter().map(NodeName::as_str);
        nodes.any(|node| node.eq_ignore_ascii_case(name) || node.eq_ignore_ascii_case(label))
    }

    /// The command that has a host be no alias any more.
    fn delete_alias(&self, host: &str, target: &str) -> Option<String> {
        let place = self.place(host)?;
        Some(format!(
            "samba-tool dns delete {place} CNAME {target} (or dnscmd {} /RecordDelete with the \
             rest)",
            self.server
        ))
    }
}

/// For clients of MIT's and Heimdal's; others ask for the name that they were given.
const NO_REVERSE: &str = "rdns = false in section libdefaults of /etc/krb5.conf at the clients";

/// What is to be said of the records of an SPN's host. `own` are all of the account's SPNs: a name
/// that they have too leads nobody astray.
#[must_use]
pub fn host_faults(
    array: &str,
    spn: &Spn,
    own: &[String],
    found: &HostRecords,
    zone: &Zone<'_>,
) -> Vec<HostFault> {
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
        return vec![nowhere(host, zone)];
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
            next: match zone.delete_alias(host, target) {
                Some(delete) => {
                    format!("{delete}, then {}", zone.add_all(host, &found.addresses))
                }
                None => format!(
                    "keyroll spn add {array} {} (or make {host} an A record)",
                    word(&other.to_string())
                ),
            },
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
            // Where it is a machine's own, or each address has one, it is right as it is.
            next: match found.addresses.as_slice() {
                [address] if !zone.is_node(other) && found.back.len() == 1 => {
                    zone.lead_back(host, *address, other)
                }
                _ => NO_REVERSE.to_owned(),
            },
        });
    }
    faults.extend(found.back_unseen.as_ref().map(|why| HostFault {
        grade: HostGrade::Notice,
        what: "has names in reverse that nobody told",
        leads_to: format!("{why}: a client that is not told either keeps to the name it has"),
        next: String::new(),
    }));
    faults
}

fn nowhere(host: &str, zone: &Zone<'_>) -> HostFault {
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
        next: zone.add(host, zone.address),
    }
}
