//! Where an agent is dialled.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `host:port` that can be dialled: a host name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress(String);

/// A text that cannot be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address to dial: {why}; write HOST:PORT, such as node1.corp.example:7443")]
pub struct BadAddress {
    text: String,
    why: &'static str,
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodeAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = |why| BadAddress {
            text: text.chars().take(80).collect(),
            why,
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| bad("it has no port"))?;
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(bad("its port is no number from 1 to 65535"));
        }
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let address = match bracketed {
            Some(inner) => Some(
                inner
                    .parse::<IpAddr>()
                    .map_err(|_| bad("no IPv6 address"))?,
            ),
            None => host.parse::<IpAddr>().ok(),
        };
        if address.is_some_and(|address| address.is_unspecified()) {
            return Err(bad("nobody can be dialled there"));
        }
        let is_name = host.parse::<keyroll::name::NodeName>().is_ok();
        if address.is_none() && !is_name {
            return Err(bad("its host is neither a name nor an address"));
        }
        if bracketed.is_none() && address.is_some_and(|address| address.is_ipv6()) {
            return Err(bad("an IPv6 address stands in brackets"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_dialled_is_taken() {
        for text in [
            "n1:7443",
            "n1.corp.example:1",
            "10.0.0.1:7443",
            "[2001:db8::1]:7443",
        ] {
            assert_eq!(text.parse::<NodeAddress>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "n1",
            ":7443",
            "n1:",
            "n1:0",
            "n1:70000",
            "n1:x",
            "0.0.0.0:7443",
            "[::]:7443",
            "2001:db8::1:7443",
            "a b:1",
            "a/b:1",
            "[n1]:1",
            "u@n1:1",
        ] {
            assert!(
                text.parse::<NodeAddress>().is_err(),
                "{text:?} was taken for an address"
            );
        }
    }
}
