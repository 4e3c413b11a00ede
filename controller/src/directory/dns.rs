//! What DNS says of a host that clients ask tickets for.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolveError, TokioResolver};
use keyroll::spn::HostRecords;

use super::discovery::resolver;
use crate::ports::PortError;

/// How long a client's machine is waited for its name servers.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses, alias, and the names that the addresses lead back to. No such name is no error: it
/// has no addresses.
///
/// # Errors
/// [`PortError::Unreachable`] if no name server answers.
pub async fn host(name: &str, patience: Duration) -> Result<HostRecords, PortError> {
    let unreachable = |error: ResolveError| PortError::Unreachable {
        object: format!("DNS for {name}"),
        why: error.to_string(),
    };
    let resolver = resolver(patience).map_err(unreachable)?;
    let found = match resolver.lookup_ip(format!("{name}.")).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
            return Ok(HostRecords::default());
        }
        Err(error) => return Err(unreachable(error)),
    };
    let addresses: BTreeSet<IpAddr> = found.iter().collect();
    let records = found.as_lookup().record_iter();
    // Of a chain the last one is asked for.
    let aliases = records.filter_map(|record| match record.data() {
        RData::CNAME(target) => Some(target.0.to_utf8().trim_end_matches('.').to_owned()),
        _ => None,
    });
    let alias_of = aliases.last();
    let mut back = BTreeSet::new();
    for address in &addresses {
        back.extend(names_of(&resolver, *address).await.map_err(unreachable)?);
    }
    Ok(HostRecords {
        addresses: addresses.into_iter().collect(),
        alias_of,
        back: back.into_iter().collect(),
    })
}

async fn names_of(resolver: &TokioResolver, address: IpAddr) -> Result<Vec<String>, ResolveError> {
    let found = match resolver.reverse_lookup(address).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = found.iter().map(|name| name.0.to_utf8());
    Ok(names
        .map(|name| name.trim_end_matches('.').to_lowercase())
        .collect())
}
