//! The rules that one roll goes by.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::NodeName;

/// The rules of a roll, recorded at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Which nodes must hold the new key before the directory gets it.
    pub gate: Gate,
    /// How long a node may take to be staged or proven before `on_deadline` applies.
    pub stage_deadline: Duration,
    /// What happens to a roll whose gate stays shut.
    pub on_deadline: OnDeadline,
    /// L: the longest life of a ticket, `max(MaxServiceAge, MaxTicketAge)`.
    pub ticket_life: Duration,
    /// Whether an operator named it: it counts then, even where tickets were seen that live longer.
    #[serde(default)]
    pub ticket_life_given: bool,
    /// S: the largest clock skew, between us and a DC or a node.
    pub clock_skew: Duration,
    /// M: added to every drain, for what nobody thought of.
    pub margin: Duration,
    /// After this long a write whose connection died cannot be applied any more: AD ends
    /// requests after 120 s.
    pub quiesce: Duration,
    /// How long a silent writer is waited for before another DC gets the *same* password.
    pub fail_over: Duration,
    /// How the password is written.
    pub method: Method,
    /// When the old key leaves the nodes.
    pub old_key: OldKey,
    /// What is done about an account that delegates with the tickets that clients show it.
    #[serde(default, skip_serializing_if = "DelegationGap::is_default")]
    pub delegation_gap: DelegationGap,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            gate: Gate::All,
            stage_deadline: Duration::from_secs(120),
            on_deadline: OnDeadline::Abort,
            ticket_life: Duration::from_secs(10 * 3600),
            ticket_life_given: false,
            clock_skew: Duration::from_secs(300),
            margin: Duration::from_secs(20 * 60),
            quiesce: Duration::from_secs(150),
            fail_over: Duration::from_secs(300),
            method: Method::Change,
            old_key: OldKey::UntilDrained,
            delegation_gap: DelegationGap::Refuse,
        }
    }
}

impl Policy {
    /// How long the old key stays after the last domain controller has the new one: L + 2 S + M.
    ///
    /// One S for a ticket whose issuer's clock is ahead of ours, one for an acceptor whose clock
    /// is behind (RFC 4120, section 3.2.3, lets it accept a ticket for S after its end).
    #[must_use]
    pub fn drain(&self) -> Duration {
        self.drain_of(self.ticket_life)
    }

    /// The same where a domain controller has issued a ticket that lives for `seen`.
    #[must_use]
    pub fn drain_seen(&self, seen: Duration) -> Duration {
        if self.ticket_life_given {
            self.drain()
        } else {
            self.drain_of(self.ticket_life.max(seen))
        }
    }

    fn drain_of(&self, ticket_life: Duration) -> Duration {
        ticket_life
            .saturating_add(self.clock_skew.saturating_mul(2))
            .saturating_add(self.margin)
    }
}

/// Which nodes must hold the new key before the directory gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Gate {
    /// Every member.
    All,
    /// Every member but these.
    AllBut(BTreeSet<NodeName>),
    /// This many members, whichever.
    AtLeast(usize),
    /// These members.
    MustHave(BTreeSet<NodeName>),
}

/// A text that is no gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a gate: write `all`, `all-but NODE,NODE`, `at-least NUMBER` or \
     `must-have NODE,NODE`"
)]
pub struct BadGate(String);

impl Gate {
    /// Whether `node` must be waited for, as far as the gate names nodes.
    #[must_use]
    pub fn requires(&self, node: &NodeName) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(exempt) => !exempt.contains(node),
            Self::MustHave(named) => named.contains(node),
            Self::AtLeast(_) => false,
        }
    }

    /// Whether the directory may be written once `ready` of `members` are ready.
    ///
    /// An array without a single ready node is never opened: somebody must hold the new key. Nor is
    /// one that lacks a node which it must have, be it misspelt or removed since.
    #[must_use]
    pub fn opens(&self, members: &BTreeSet<NodeName>, ready: &BTreeSet<NodeName>) -> bool {
        let required = members.iter().filter(|node| self.requires(node));
        let enough = match self {
            Self::AtLeast(number) => ready.len() >= *number,
            Self::MustHave(named) => named.is_subset(ready),
            Self::All | Self::AllBut(_) => true,
        };
        !ready.is_empty() && enough && required.into_iter().all(|node| ready.contains(node))
    }
}

impl FromStr for Gate {
    type Err = BadGate;

    fn from_str(text: &str) -> Result<Self, BadGate> {
        let bad = || BadGate(text.chars().take(80).collect());
        let nodes = |list: &str| {
            list.split(',')
                .map(|node| node.trim().parse::<NodeName>())
                .collect::<Result<BTreeSet<_>, _>>()
                .map_err(|_| bad())
        };
        match text.trim().split_once(' ') {
            None if text.trim() == "all" => Ok(Self::All),
            Some(("all-but", list)) => Ok(Self::AllBut(nodes(list)?)),
            Some(("must-have", list)) => Ok(Self::MustHave(nodes(list)?)),
            Some(("at-least", number)) => match number.trim().parse() {
                Ok(number) if number > 0 => Ok(Self::AtLeast(number)),
                _ => Err(bad()),
            },
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |nodes: &BTreeSet<NodeName>| {
            nodes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",")
        };
        match self {
            Self::All => f.write_str("all"),
            Self::AllBut(nodes) => write!(f, "all-but {}", list(nodes)),
            Self::AtLeast(number) => write!(f, "at-least {number}"),
            Self::MustHave(nodes) => write!(f, "must-have {}", list(nodes)),
        }
    }
}

impl TryFrom<String> for Gate {
    type Error = BadGate;

    fn try_from(text: String) -> Result<Self, BadGate> {
        text.parse()
    }
}

impl From<Gate> for String {
    fn from(gate: Gate) -> Self {
        gate.to_string()
    }
}

/// What happens to a roll whose gate stays shut until the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeadline {
    /// It aborts: nothing has changed in the directory.
    Abort,
    /// The missing nodes are quarantined, if at least one node is ready.
    Quarantine,
}

/// How the password is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `delete` the old and `add` the new password in one modify: a compare-and-swap that needs
    /// no right, obeys the minimum age and the history (MS-ADTS 3.1.1.3.1.5).
    Change,
    /// `replace` the password together with a compare-and-swap of a fence attribute: needs the
    /// right Reset Password, ignores age and history.
    FencedReset,
}

/// When the old key leaves the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OldKey {
    /// When the last ticket under it is dead.
    UntilDrained,
    /// When every domain controller issues with the new one: cached old tickets fail.
    UntilConverged,
    /// When the first domain controller has the new one: tickets of lagging ones fail too.
    UntilCommitted,
}

/// Whether a roll may make an account unable to delegate for a while: a KDC that has no key of
/// before the roll cannot open the tickets from then, which are the evidence for S4U2Proxy
/// (MS-SFU 3.2.5.2). No keytab helps there, only that clients fetch new tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DelegationGap {
    /// No: the roll is refused.
    #[default]
    Refuse,
    /// While a window of the array's schedule is open.
    InWindow,
    /// Yes.
    Accept,
}

impl DelegationGap {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_rule_unless_told_is_left_out_where_rules_are_written() {
        let said = |gap: DelegationGap| (gap.is_default(), gap);
        assert!(said(DelegationGap::Refuse).0);
        assert!(!said(DelegationGap::InWindow).0 && !said(DelegationGap::Accept).0);
    }

    fn nodes(names: &str) -> BTreeSet<NodeName> {
        names
            .split_whitespace()
            .map(|name| name.parse().unwrap())
            .collect()
    }

    #[test]
    fn a_gate_opens_for_the_nodes_it_asks_for() {
        let members = nodes("a b c");
        for (gate, ready, opens) in [
            ("all", "a b c", true),
            ("all", "a b", false),
            ("all-but c", "a b", true),
            ("all-but c", "a", false),
            ("at-least 2", "a c", true),
            ("at-least 2", "c", false),
            ("must-have a", "a", true),
            ("must-have a", "b c", false),
            ("must-have a,elsewhere", "a b c", false),
            ("all-but a,b,c", "", false),
        ] {
            let gate: Gate = gate.parse().unwrap();
            assert_eq!(
                gate.opens(&members, &nodes(ready)),
                opens,
                "{gate} with {ready:?}"
            );
            assert_eq!(gate.to_string().parse::<Gate>().unwrap(), gate);
        }
        for bad in [
            "",
            "some",
            "at-least 0",
            "at-least x",
            "all-but",
            "must-have a,,b",
        ] {
            assert!(bad.parse::<Gate>().is_err(), "{bad:?} was taken for a gate");
        }
    }

    #[test]
    fn the_default_drain_is_ten_and_a_half_hours() {
        assert_eq!(
            Policy::default().drain(),
            Duration::from_secs(10 * 3600 + 30 * 60)
        );
    }

    #[test]
    fn longer_tickets_lengthen_a_drain_unless_their_life_was_named() {
        let (day, named) = (Duration::from_secs(86_400), Duration::from_secs(6));
        let mut policy = Policy::default();
        assert_eq!(
            policy.drain_seen(day) - policy.drain(),
            day - policy.ticket_life
        );
        assert_eq!(policy.drain_seen(named), policy.drain());
        (policy.ticket_life, policy.ticket_life_given) = (named, true);
        assert_eq!(policy.drain_seen(day), policy.drain());
    }
}
