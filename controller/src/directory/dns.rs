//! What DNS says of a host that clients ask tickets for.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolveError, TokioResolver};
use keyroll::spn::HostRecords;

use super::discovery::resolver;
use crate::ports::PortError;

/// How long a client's machine is waited for its name servers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses, alias, and the names that the addresses lead back to, as the name servers have them.
/// No such name is no error: it has no addresses.
///
/// # Errors
/// [`PortError::Unreachable`] if no name server answers.
pub async fn host(name: &str, patience: Duration) -> Result<HostRecords, PortError> {
    look(name, ResolveHosts::Never, patience).await
}

/// The same as a program of this machine has them: its file of hosts comes first. Where an address
/// leads back to is what DNS says, here too: a file of hosts has a machine's own name for it, and
/// whoever keeps one has seen to that.
///
/// # Errors
/// As [`host`].
pub async fn host_here(name: &str) -> Result<HostRecords, PortError> {
    look(name, ResolveHosts::Always, PATIENCE).await
}

async fn look(
    name: &str,
    hosts: ResolveHosts,
    patience: Duration,
) -> Result<HostRecords, PortError> {
    let unreachable = |error: ResolveError| PortError::Unreachable {
        object: format!("DNS for {name}"),
        why: error.to_string(),
    };
    let forward = resolver(patience, hosts).map_err(unreachable)?;
    let back = resolver(patience, ResolveHosts::Never).map_err(unreachable)?;
    let found = lookup(name, &forward, &back).await;
    found.map_err(unreachable)
}

async fn lookup(
    name: &str,
    forward: &TokioResolver,
    back: &TokioResolver,
) -> Result<HostRecords, ResolveError> {
    let found = match forward.lookup_ip(format!("{name}.")).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
            return Ok(HostRecords::default());
        }
        Err(error) => return Err(error),
    };
    let addresses: BTreeSet<IpAddr> = found.iter().collect();
    let records = found.as_lookup().record_iter();
    // Of a chain the last one is asked for.
    let aliases = records.filter_map(|record| match record.data() {
        RData::CNAME(target) => Some(target.0.to_utf8().trim_end_matches('.').to_owned()),
        _ => None,
    });
    let alias_of = aliases.last();
    let each = addresses.iter().map(|address| names_of(back, *address));
    let (back, back_unseen) = told(join_all(each).await);
    Ok(HostRecords {
        addresses: addresses.into_iter().collect(),
        alias_of,
        back,
        back_unseen,
    })
}

/// The names that were told, and why others were not: an address is one whatever it leads back to.
fn told<E: ToString>(each: Vec<Result<Vec<String>, E>>) -> (Vec<String>, Option<String>) {
    let (mut back, mut unseen) = (BTreeSet::new(), None);
    for names in each {
        match names {
            Ok(names) => back.extend(names),
            Err(error) => unseen = Some(error.to_string()),
        }
    }
    (back.into_iter().collect(), unseen)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hickory_resolver::Hosts;
    use hickory_resolver::config::ResolverConfig;
    use hickory_resolver::name_server::TokioConnectionProvider;

    use super::*;

    #[test]
    fn an_address_that_leads_nowhere_hides_no_other() {
        let names = |some: &[&str]| some.iter().map(|&name| name.to_owned()).collect();
        let each = vec![
            Ok(names(&["web.corp.example"])),
            Err("SERVFAIL"),
            Ok(names(&["lb.corp.example", "web.corp.example"])),
        ];
        let both = names(&["lb.corp.example", "web.corp.example"]);
        assert_eq!(told(each), (both, Some("SERVFAIL".to_owned())));
        assert_eq!(told::<String>(vec![Ok(Vec::new())]), (Vec::new(), None));
    }

    #[tokio::test]
    async fn a_file_of_hosts_tells_of_a_name_and_not_whose_its_address_is() {
        let nobody = || {
            let provider = TokioConnectionProvider::default();
            TokioResolver::builder_with_config(ResolverConfig::new(), provider).build()
        };
        let mut resolver = nobody();
        let mut hosts = Hosts::default();
        let text = b"10.0.0.9 web.corp.example web\n";
        hosts.read_hosts_conf(&text[..]).unwrap();
        resolver.set_hosts(Arc::new(hosts));
        let found = lookup("Web.corp.example", &resolver, &nobody()).await;
        let found = found.unwrap();
        assert_eq!(found.addresses, [IpAddr::from([10, 0, 0, 9])]);
        assert_eq!(found.back, [""; 0]);
    }
}
