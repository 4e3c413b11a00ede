//! The hosts of the SPNs, as clients find them.

use super::facts::{Facts, Seen};
use super::finding::{Check, Finding};
use crate::name::ArrayName;
use crate::spn::{HostFault, HostGrade, HostRecords, Spn, Zone, host_faults};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "dns-name",
    looks_at: "the host of every SPN in DNS: its addresses, whether it is an alias (CNAME), and \
               the names that its addresses lead back to",
    means: "nobody gets there; or clients that follow DNS ask for another name's ticket, which is \
            another account's or nobody's",
    mends: "an A record of its own, and a PTR record that leads back to it; or an SPN for that \
            other name",
    look: |facts| {
        let zone = zone(facts);
        facts
            .hosts
            .iter()
            .flat_map(|host| {
                let array = &facts.array;
                judge(&host.spn, &array.spns, &host.records, &array.name, &zone)
            })
            .collect()
    },
}];

/// The domain's zone. The address of an array's only node is the array's; of several, a balancer's
/// may be, which nobody tells here.
fn zone(facts: &Facts) -> Zone<'_> {
    Zone {
        server: facts.dcs().first().map_or("", |dc| dc.name.as_str()),
        address: match (facts.members.as_slice(), facts.nodes.as_slice()) {
            ([only], [node]) if *only == node.name => node.address,
            _ => None,
        },
        nodes: &facts.members,
    }
}

/// What is to be said of the host of `spn`, one of `own`, by what DNS says of it.
pub(super) fn judge(
    spn: &Spn,
    own: &[String],
    records: &Seen<HostRecords>,
    array: &ArrayName,
    zone: &Zone<'_>,
) -> Vec<Finding> {
    let name = spn.host();
    let records = match records {
        Ok(records) => records,
        Err(unseen) => {
            return vec![
                Finding::undecided(
                    name,
                    &unseen.why,
                    "no name server told it: whoever asks the same one gets nowhere",
                )
                .mend(format!("resolvectl query {name} (or nslookup {name})")),
            ];
        }
    };
    let faults = host_faults(array.as_str(), spn, own, records, zone);
    if faults.is_empty() {
        let addresses = records.addresses.iter().map(ToString::to_string);
        let addresses = addresses.collect::<Vec<_>>().join(", ");
        return vec![Finding::ok(name, addresses)];
    }
    let judge = |fault: HostFault| {
        let grade = match fault.grade {
            HostGrade::Broken => Finding::broken,
            HostGrade::Warning => Finding::warning,
            HostGrade::Notice => Finding::ok,
        };
        grade(name, fault.what)
            .because(fault.leads_to)
            .mend(match fault.next.as_str() {
                "" => String::new(),
                next => format!("{next}, then keyroll doctor {array}"),
            })
    };
    faults.into_iter().map(judge).collect()
}
