//! Why something that is asked for is not planned.

use super::super::party::{left_to_one, left_to_somebody, shown};
use super::super::{ACTORS, Party};
use crate::descriptor::Sid;
use crate::shell::quoted;

/// Why something that is asked for is not planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Whoever registers the SPN later would get what is meant for it.
    #[error("no account has {0}: whoever registers it would get what is meant for it")]
    NoOwner(String),
    /// Nobody gets tickets for it.
    #[error("{} have {spn}: nobody gets tickets for it", shown(.owners))]
    Owners {
        /// The service.
        spn: String,
        /// Everybody who has it.
        owners: Vec<Party>,
    },
    /// Delegation to one service of an account is delegation to all.
    #[error(
        "{0} is a service of the domain controller {1}: whoever may act at one service of an \
         account may act at all of them, here at the directory itself"
    )]
    OfDomainController(String, String),
    /// The same, of the service that issues tickets.
    #[error(
        "{0} is a service of the KDC itself: whoever may act at one service of an account may act \
         at all of them, here at the one that issues tickets"
    )]
    OfKdc(String),
    /// The same, of an administrator's services.
    #[error(
        "{0} is a service of {1}, which is protected ({2}): whoever may act at one service of an \
         account may act at all of them, here at whatever an administrator's account runs"
    )]
    OfProtected(String, String, String),
    /// No list reaches there, and nobody here may write there.
    #[error(
        "{1}, the account of {0}, is not in this domain: no list reaches there, and its descriptor \
         is its own administrators' to write"
    )]
    Elsewhere(String, String),
    /// The domain controller does not go by descriptors.
    #[error("it would change nothing: {0}")]
    TooOld(String),
    /// The account's SID is hidden.
    #[error("{0} shows no SID, by which others could let it in")]
    NoSid(String),
    /// Anybody who makes an account could act for anybody.
    #[error("{0} is a crowd: anybody who makes an account with an SPN could come as any user")]
    Crowd(String),
    /// What is there cannot be read, so nothing can be kept of it.
    #[error(
        "{ACTORS} holds {0} bytes that are no security descriptor; whoever wrote them must take \
         them away first"
    )]
    BadDescriptor(usize),
    /// Without a list everybody may act already, and an entry would shut out the others.
    #[error("{ACTORS} has no list of entries, which lets everybody act; take it away first")]
    Everybody,
    /// An entry before says no, or there is no room for another one.
    #[error("an entry of {ACTORS} denies {0}, or there is no room left; take that away first")]
    Denied(Sid),
    /// What was taken away is not given again.
    #[error(
        "it would let {0} act for each user who logs in, at every service: that is taken away and \
         never given"
    )]
    Unconstrained(String),
    /// It cannot be both.
    #[error("{0} is wanted and not wanted at once")]
    Both(String),
}

impl Refused {
    /// Its kind, in a word that never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoOwner(_) => "target-missing",
            Self::Owners { .. } => "target-duplicate",
            Self::OfDomainController(..) => "target-is-dc",
            Self::OfKdc(_) => "target-is-kdc",
            Self::OfProtected(..) => "target-protected",
            Self::Elsewhere(..) => "other-domain",
            Self::TooOld(_) => "too-old",
            Self::NoSid(_) => "sid-hidden",
            Self::Crowd(_) => "crowd-may-act",
            Self::BadDescriptor(_) => "descriptor-unreadable",
            Self::Everybody => "anybody-may-act",
            Self::Denied(_) => "actor-denied",
            Self::Unconstrained(_) => "unconstrained",
            Self::Both(_) => "both-ways",
        }
    }

    /// What to type next.
    #[must_use]
    pub fn next(&self, array: &str, own: &str) -> String {
        match self {
            Self::NoOwner(spn) => left_to_somebody(spn),
            Self::Owners { spn, owners } => left_to_one(spn, owners),
            Self::OfDomainController(..) | Self::OfKdc(_) => {
                "name an account of the service's own, not a domain controller's".to_owned()
            }
            Self::OfProtected(_, account, _) => format!(
                "give the service an account of its own; or, if {account} is no administrator's \
                 any more, clear its adminCount and groups"
            ),
            Self::Elsewhere(_, account) => {
                let noun = match account.ends_with('$') {
                    true => "Set-ADComputer",
                    false => "Set-ADUser",
                };
                format!(
                    "there: {noun} {} -PrincipalsAllowedToDelegateToAccount (Get-ADObject \
                     -LDAPFilter '(sAMAccountName={own})')",
                    quoted(account)
                )
            }
            Self::TooOld(_) => {
                "a list of the other's account, as keyroll delegation apply OTHER --to SPN makes it"
                    .to_owned()
            }
            Self::Unconstrained(_) => format!("keyroll delegation apply {array} --to SPN"),
            Self::Crowd(_) => "name the one account that is to come".to_owned(),
            Self::NoSid(_)
            | Self::BadDescriptor(_)
            | Self::Everybody
            | Self::Denied(_)
            | Self::Both(_) => format!("keyroll delegation show {array}"),
        }
    }
}
