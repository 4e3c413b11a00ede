//! Who somebody is, as a certificate says it.

use std::fmt;
use std::str::FromStr;

use keyroll::name::{NodeName, OperatorName};
use x509_parser::extensions::GeneralName;

use super::issue::issued_unix;

/// The holder of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// `keyroll://node/NAME`: the agent of a node.
    Node(NodeName),
    /// `keyroll://controller`.
    Controller,
    /// `keyroll://operator/NAME`.
    Operator(OperatorName),
}

/// A certificate that names nobody keyroll knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the certificate names nobody: {0}")]
pub struct BadIdentity(&'static str);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "keyroll://node/{name}"),
            Self::Controller => f.write_str("keyroll://controller"),
            Self::Operator(name) => write!(f, "keyroll://operator/{name}"),
        }
    }
}

impl FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(uri: &str) -> Result<Self, BadIdentity> {
        let identity = if let Some(name) = uri.strip_prefix("keyroll://node/") {
            name.parse().ok().map(Self::Node)
        } else if let Some(name) = uri.strip_prefix("keyroll://operator/") {
            name.parse().ok().map(Self::Operator)
        } else {
            (uri == "keyroll://controller").then_some(Self::Controller)
        };
        // One spelling for each holder: names are in small letters, as the authority writes them.
        identity
            .filter(|identity| identity.to_string() == uri)
            .ok_or(BadIdentity("its URI is none of keyroll's"))
    }
}

/// A peer, as its certificate shows it. Who made this checked the chain first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub identity: Identity,
    /// The certificate's serial number, hexadecimal.
    pub serial: String,
    /// When the certificate was issued, seconds since 1970.
    pub issued_unix: i64,
    /// When the certificate ends, seconds since 1970.
    pub ends_unix: i64,
}

impl Peer {
    /// Reads a certificate (DER) that a trusted authority signed.
    ///
    /// # Errors
    /// [`BadIdentity`] if it does not name exactly one holder.
    pub fn of(certificate: &[u8]) -> Result<Self, BadIdentity> {
        let unreadable = BadIdentity("it cannot be read");
        let (_, certificate) =
            x509_parser::parse_x509_certificate(certificate).map_err(|_| unreadable.clone())?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| unreadable)?;
        let names = names.ok_or(BadIdentity("it has no alternative names"))?;
        let mut uris = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                _ => None,
            });
        let (Some(uri), None) = (uris.next(), uris.next()) else {
            return Err(BadIdentity("it has not exactly one URI"));
        };
        Ok(Self {
            identity: uri.parse()?,
            serial: hex::encode(certificate.tbs_certificate.raw_serial()),
            issued_unix: issued_unix(certificate.validity().not_before.timestamp()),
            ends_unix: certificate.validity().not_after.timestamp(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_round_trip_and_nothing_else_is_taken() {
        for uri in [
            "keyroll://node/n1.corp.example",
            "keyroll://controller",
            "keyroll://operator/a@b",
        ] {
            assert_eq!(uri.parse::<Identity>().unwrap().to_string(), uri);
        }
        for uri in [
            "",
            "keyroll://",
            "keyroll://controller/",
            "keyroll://controllers",
            "keyroll://node/",
            "keyroll://node/N1",
            "keyroll://node/a/b",
            "keyroll://node/../controller",
            "keyroll://operator/a b",
            "KEYROLL://controller",
            "spiffe://controller",
        ] {
            assert!(
                uri.parse::<Identity>().is_err(),
                "{uri:?} was taken for an identity"
            );
        }
    }
}
