//! Service principal names: `class/host`, `class/host:port`, `class/host/name` (MS-KILE 3.1.5.11,
//! "Name Formats for Unique SPNs" of the Windows documentation).
//!
//! Nothing here looks anything up: owners and mappings are arguments.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

mod alias;
mod alike;
mod doubt;
mod duplicates;
mod host;
mod table;
#[cfg(test)]
mod tests;
mod typed;

pub use alias::Aliases;
pub use alike::Likeness;
pub use doubt::doubts;
pub use duplicates::{Duplicate, Holder, alias_clashes, duplicates, rivals};
pub use host::{HostFault, HostGrade, HostRecords, Zone, host_faults};
pub use table::{Names, table};
pub use typed::{left_to_first, take_away};

/// The longest SPN that is taken, in bytes: a keytab's components are shorter.
const LONGEST: usize = 260;

/// A well-formed SPN, in the spelling that was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spn {
    class: String,
    host: String,
    port: Option<String>,
    name: Option<String>,
}

/// A part of an SPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The text as a whole.
    Whole,
    /// `HTTP` of `HTTP/web.corp.example`.
    Class,
    /// `web.corp.example`.
    Host,
    /// `8443` of `HTTP/web.corp.example:8443`, or an instance's name.
    Port,
    /// What follows a second `/`.
    Name,
}

/// Why a text is no SPN: which part, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an SPN: {part} {why}; wanted is CLASS/HOST, such as HTTP/web.corp.example"
)]
pub struct BadSpn {
    /// What was given, at most its first 80 characters; what a terminal would hide is escaped.
    pub text: String,
    /// Which part.
    pub part: Part,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "it",
            Self::Class => "the service class",
            Self::Host => "the host",
            Self::Port => "the port",
            Self::Name => "the service name",
        })
    }
}

impl Spn {
    /// `HTTP`.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// `web.corp.example`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `8443`, or an instance's name; none if there is none.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        self.port.as_deref()
    }

    /// The host, where that is an address and no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The same for another class.
    #[must_use]
    pub fn of_class(&self, class: &str) -> Self {
        Self {
            class: class.to_owned(),
            ..self.clone()
        }
    }

    /// The same for another host; as it is, whatever it is.
    #[must_use]
    pub fn of_host(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.clone()
        }
    }

    /// Whether both name the same for a KDC: AD compares without case (MS-ADTS 3.1.1.2.2.4.12).
    #[must_use]
    pub fn is_same(&self, other: &str) -> bool {
        self.to_string().eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for Spn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.class, self.host)?;
        if let Some(port) = &self.port {
            write!(f, ":{port}")?;
        }
        if let Some(name) = &self.name {
            write!(f, "/{name}")?;
        }
        Ok(())
    }
}

impl FromStr for Spn {
    type Err = BadSpn;

    fn from_str(text: &str) -> Result<Self, BadSpn> {
        let bad = |part, why: String| BadSpn {
            text: text.chars().take(80).collect(),
            part,
            why,
        };
        if text.len() > LONGEST {
            return Err(bad(Part::Whole, format!("is longer than {LONGEST} bytes")));
        }
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic()) {
            let code = u32::from(odd);
            let why = format!(
                "holds U+{code:04X}, which is {}: it may look like another name",
                alike::kind_of(odd)
            );
            return Err(bad(Part::Whole, why));
        }
        let mut parts = text.split('/');
        let class = parts.next().unwrap_or_default();
        let Some(host) = parts.next() else {
            return Err(bad(Part::Host, "is missing: there is no '/'".to_owned()));
        };
        let name = parts.next();
        if parts.next().is_some() {
            return Err(bad(
                Part::Name,
                "is not the last: there is a third '/'".to_owned(),
            ));
        }
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        };
        let check =
            |part, text: &str, allowed: &str| word(text, allowed).map_err(|why| bad(part, why));
        check(Part::Class, class, "-_.")?;
        check(Part::Host, host, "-_.")?;
        if host.starts_with(['.', '-']) || host.contains("..") {
            return Err(bad(Part::Host, "is no host name".to_owned()));
        }
        if let Some(port) = port {
            check(Part::Port, port, "-_$#")?;
            let digits = port.chars().all(|c| c.is_ascii_digit());
            if digits && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(bad(Part::Port, "is not between 1 and 65535".to_owned()));
            }
        }
        if let Some(name) = name {
            check(Part::Name, name, "-_.:$")?;
        }
        let owned = |text: &str| text.to_owned();
        Ok(Self {
            class: owned(class),
            host: owned(host.trim_end_matches('.')),
            port: port.map(owned),
            name: name.map(owned),
        })
    }
}

/// Whether a part consists of letters, digits and these.
fn word(text: &str, allowed: &str) -> Result<(), String> {
    if text.trim_matches('.').is_empty() {
        return Err("is empty".to_owned());
    }
    let odd = text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !allowed.contains(*c));
    odd.map_or(Ok(()), |odd| Err(format!("may not hold {odd:?}")))
}
