//! A ticket with its session key: what a client needs to show the ticket to a service.

use chrono::{DateTime, Utc};

use super::Ticket;
use crate::kerberos::{Key, Principal};

/// A ticket, its session key, and what the KDC told the client about it.
#[derive(Debug)]
pub struct Credential {
    /// The ticket, which only the service can open.
    pub ticket: Ticket,
    /// The key that client and service share through it.
    pub session_key: Key,
    /// Whose ticket it is.
    pub client: Principal,
    /// From when until when it is honoured.
    pub times: TicketTimes,
    /// What the KDC says of it.
    pub flags: TicketFlags,
}

/// The times of a ticket (RFC 4120 section 5.3), in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketTimes {
    /// When the client proved who it is.
    pub authenticated: DateTime<Utc>,
    /// From when on it is honoured.
    pub start: DateTime<Utc>,
    /// Until when it is honoured, but for the acceptor's clock skew.
    pub end: DateTime<Utc>,
}

/// The flags of a ticket (RFC 4120 section 2), bit 0 of the RFC in the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TicketFlags(pub u32);

impl TicketFlags {
    /// May be handed on to another host.
    pub const FORWARDABLE: Self = Self(1 << 30);
    /// Is not valid yet and must be validated first.
    pub const INVALID: Self = Self(1 << 24);
    /// Came from an AS exchange, not for another ticket.
    pub const INITIAL: Self = Self(1 << 22);
    /// The client proved its key before the ticket was issued.
    pub const PRE_AUTHENTICATED: Self = Self(1 << 21);

    /// Whether all flags of `others` are set.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl Credential {
    /// Whom the ticket is for.
    #[must_use]
    pub const fn service(&self) -> &Principal {
        self.ticket.service()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4120 section 5.3, TicketFlags: forwardable (1), invalid (7), initial (9),
    /// pre-authent (10).
    #[test]
    fn flags_count_from_the_highest_bit() {
        let bit = |place: u32| TicketFlags(0x8000_0000 >> place);
        assert_eq!(TicketFlags::FORWARDABLE, bit(1));
        assert_eq!(TicketFlags::INVALID, bit(7));
        assert_eq!(TicketFlags::INITIAL, bit(9));
        assert_eq!(TicketFlags::PRE_AUTHENTICATED, bit(10));
    }

    #[test]
    fn flags_are_contained_all_or_not_at_all() {
        let both = TicketFlags::INITIAL.with(TicketFlags::INVALID);
        assert_eq!(both.with(TicketFlags::INITIAL), both);
        assert!(both.contains(both) && both.contains(TicketFlags::INITIAL));
        assert!(both.contains(TicketFlags::default()));
        assert!(!TicketFlags::INITIAL.contains(both));
        assert!(!both.contains(TicketFlags::FORWARDABLE));
    }
}
