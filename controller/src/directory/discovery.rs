//! Which domain controllers there are: by the domain's SRV records (MS-ADTS 6.3.2.3), or listed.

use std::time::Duration;

use hickory_resolver::config::{ResolveHosts, ResolverOpts};
use hickory_resolver::{ResolveError, TokioResolver};
use keyroll::name::DcName;

use super::config::DirectorySettings;
use super::config::DomainControllers;
use crate::ports::PortError;

/// Every domain controller, the one to write to first: the PDC emulator, or the first listed.
///
/// Read-only domain controllers register under their sites only and so are not among them.
///
/// # Errors
/// [`PortError::Unreachable`] if no name server answers, [`PortError::Missing`] if there are no
/// such records.
pub(super) async fn domain_controllers(
    settings: &DirectorySettings,
) -> Result<Vec<DcName>, PortError> {
    if let DomainControllers::Listed(names) = &settings.domain_controllers {
        return Ok(names.clone());
    }
    let domain = &settings.domain;
    let resolver = resolver(settings.connect_timeout, ResolveHosts::Never);
    let resolver = resolver.map_err(|error| PortError::Unreachable {
        object: "the name servers of this machine".to_owned(),
        why: error.to_string(),
    })?;
    // A domain always has one; where its record is missing the others still do.
    let mut names = srv(&resolver, &format!("_ldap._tcp.pdc._msdcs.{domain}.")).await?;
    let mut all = srv(&resolver, &format!("_ldap._tcp.dc._msdcs.{domain}.")).await?;
    all.sort();
    names.extend(all);
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.is_empty() {
        let object = format!("SRV record _ldap._tcp.dc._msdcs.{domain}");
        return Err(PortError::Missing { object });
    }
    Ok(names)
}

/// The machine's own name servers, asked anew each time: this is seldom, and their list changes.
/// Its file of hosts is for what the machine itself sees: clients elsewhere do not read it.
pub(super) fn resolver(
    patience: Duration,
    hosts: ResolveHosts,
) -> Result<TokioResolver, ResolveError> {
    let mut options = ResolverOpts::default();
    options.timeout = patience;
    options.attempts = 2;
    options.use_hosts_file = hosts;
    Ok(TokioResolver::builder_tokio()?
        .with_options(options)
        .build())
}

async fn srv(resolver: &TokioResolver, name: &str) -> Result<Vec<DcName>, PortError> {
    let found = match resolver.srv_lookup(name).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
        Err(error) => {
            return Err(PortError::Unreachable {
                object: format!("SRV record {name}"),
                why: error.to_string(),
            });
        }
    };
    let targets = found.iter().map(|record| record.target().to_utf8());
    // A name that is no host name was never given to a domain controller.
    Ok(targets
        .filter_map(|target| target.trim_end_matches('.').parse().ok())
        .collect())
}
