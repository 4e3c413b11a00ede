//! What an error means, in words: Kerberos, LDAP, Active Directory, Windows events.
//!
//! One table for all of them. Somebody looks a number up, a name, or pastes a whole line of a log;
//! numbers mean different things in different families, so all that fit are told, the likeliest
//! first. Nothing is asked of anybody: it works where nothing else does.

/// A table of codes: number, name, and three sentences.
macro_rules! table {
    ($family:ident:
        $($number:literal $name:literal $means:literal; $cause:literal; $next:literal)*
    ) => {
        /// The codes of this family.
        pub(super) const CODES: &[super::Code] = &[$(super::Code {
            family: super::Family::$family,
            number: $number,
            name: $name,
            means: $means,
            cause: $cause,
            next: $next,
        }),*];
    };
}

mod bind;
mod events;
mod kerberos;
mod ldap;
mod line;
mod phrases;
mod win32;

pub use line::explain;

use std::fmt;

/// Where a code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// RFC 4120 section 7.5.9, RFC 4556, RFC 6113.
    Kerberos,
    /// RFC 4511 section 4.1.9.
    Ldap,
    /// `data 52e` in the text of a refused LDAP bind (MS-ERREF 2.2 by Active Directory).
    Bind,
    /// The eight digits with which a text of Active Directory begins, and other Win32, NT and
    /// SSPI codes (MS-ERREF).
    Windows,
    /// The number of an entry in a Windows log.
    Event,
}

/// One error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Where it comes from.
    pub family: Family,
    /// Its number there.
    pub number: u32,
    /// Its name there.
    pub name: &'static str,
    /// What it says.
    pub means: &'static str,
    /// Where it usually comes from, with a balancer in front of the service.
    pub cause: &'static str,
    /// What to type or do next.
    pub next: &'static str,
}

impl Family {
    /// The family's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kerberos => "Kerberos",
            Self::Ldap => "LDAP",
            Self::Bind => "LDAP bind to Active Directory",
            Self::Windows => "Windows",
            Self::Event => "Windows event",
        }
    }
}

impl Code {
    /// The number as the family writes it: `41 (0x29)`, `data 52e`, `0x0000052d`, `4771`.
    #[must_use]
    pub fn spelled(&self) -> String {
        match self.family {
            Family::Kerberos => format!("{} ({:#x})", self.number, self.number),
            Family::Ldap | Family::Event => self.number.to_string(),
            Family::Bind => format!("data {:x}", self.number),
            Family::Windows => format!("{:#010x}", self.number),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.family.name(),
            self.spelled(),
            self.name
        )
    }
}

/// Every code that is known here.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    [
        kerberos::CODES,
        bind::CODES,
        win32::CODES,
        ldap::CODES,
        events::CODES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
