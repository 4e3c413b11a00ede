//! The hosts of the SPNs, as clients find them.

use super::facts::{Facts, HostFacts};
use super::finding::{Check, Finding};
use crate::spn::{HostFault, HostGrade, host_faults};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "dns-name",
    looks_at: "the host of every SPN in DNS: its addresses, whether it is an alias (CNAME), and \
               the names that its addresses lead back to",
    means: "nobody gets there; or clients that follow DNS ask for another name's ticket, which is \
            another account's or nobody's",
    mends: "an A record of its own, and a PTR record that leads back to it; or an SPN for that \
            other name",
    look: |facts| {
        facts
            .hosts
            .iter()
            .flat_map(|host| of_host(facts, host))
            .collect()
    },
}];

fn of_host(facts: &Facts, host: &HostFacts) -> Vec<Finding> {
    let name = host.spn.host();
    let records = match &host.records {
        Ok(records) => records,
        Err(unseen) => return vec![Finding::unknown(name, unseen)],
    };
    let faults = host_faults(&host.spn, &facts.array.spns, records);
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
            .mend(fault.next.replace("ARRAY", facts.array.name.as_str()))
    };
    faults.into_iter().map(judge).collect()
}
