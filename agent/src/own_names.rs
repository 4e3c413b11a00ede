//! Names of an array that lead this node to itself: by its hosts file, or since the balancer's
//! address is on an interface of its own, as direct server return wants it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use keyroll_proto::agent::{LoopBackCheck, OwnName};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::platform;

/// An array has a handful of names; no controller has a node resolve more.
const MOST: usize = 32;
/// How long the node's resolver may take; a name that takes longer is nobody's own.
const PATIENCE: Duration = Duration::from_secs(2);

/// Those of the hosts that the node's own resolver leads to the node itself, each with the first
/// such address.
pub async fn among(mut hosts: Vec<String>) -> Vec<OwnName> {
    hosts.truncate(MOST);
    let deadline = Instant::now() + PATIENCE;
    let looks = hosts
        .into_iter()
        .map(|host| spawn_blocking(move || own(host)));
    let looks: Vec<_> = looks.collect();
    let mut found = Vec::new();
    for look in looks {
        if let Ok(Ok(Some(name))) = timeout_at(deadline, look).await {
            found.push(name);
        }
    }
    found
}

fn own(host: String) -> Option<OwnName> {
    let mut addresses = (host.as_str(), 0).to_socket_addrs().ok()?;
    let address = addresses.find(|found| is_own(found.ip()))?.ip();
    let check: LoopBackCheck = platform::loop_back_check(&host);
    Some(OwnName {
        host,
        address: address.to_string(),
        check: check.into(),
    })
}

/// Whether the node itself has the address: then it is also the one that the node would come from.
/// Nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let any = match address {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let from = || {
        let socket = UdpSocket::bind((any, 0))?;
        // Any port will do.
        socket.connect((address, 9))?;
        socket.local_addr()
    };
    address.is_loopback() || from().is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_leads_here_is_told_apart_from_what_leads_elsewhere() {
        let asked = ["127.0.0.1", "192.0.2.1", "no name", "::1"].map(str::to_owned);
        let found = among(asked.to_vec()).await;
        let hosts: Vec<&str> = found.iter().map(|one| one.host.as_str()).collect();
        assert_eq!(hosts, ["127.0.0.1", "::1"]);
        assert!(among(vec!["127.0.0.1".to_owned(); 100]).await.len() <= MOST);
    }
}
