//! Delegation: who may act for a service's users at which other service, what that risks, and the
//! change from what is to what is wanted.
//!
//! | way | where it stands | whose word it is |
//! | --- | --- | --- |
//! | unconstrained | `userAccountControl`, [`Control::UNCONSTRAINED`] | domain administrators |
//! | constrained | `msDS-AllowedToDelegateTo` of the front service | domain administrators |
//! | with protocol transition | and [`Control::PROTOCOL_TRANSITION`] | domain administrators |
//! | resource based | a descriptor on the back service | whoever may write to that one |
//!
//! (MS-SFU 3.2.1, MS-ADTS 2.2.16.) A user whose account has [`Control::NOT_DELEGATED`], or who is
//! in the group Protected Users, is acted for by nobody.

mod change;
mod finding;
mod party;
pub mod plan;
#[cfg(test)]
mod tests;
pub mod trial;

pub use finding::{Finding, Grade, NOT_ALL_SEEN, findings};
pub use party::{Party, Tier, caller, left_to_one, left_to_somebody, shown};

use crate::descriptor::{Descriptor, Sid};

/// `msDS-AllowedToDelegateTo`: the SPNs to which an account may delegate.
pub const TARGETS: &str = "msDS-AllowedToDelegateTo";
/// `msDS-AllowedToActOnBehalfOfOtherIdentity`: who may delegate to an account.
pub const ACTORS: &str = "msDS-AllowedToActOnBehalfOfOtherIdentity";
/// `userAccountControl`.
pub const CONTROL: &str = "userAccountControl";

/// `userAccountControl` (MS-ADTS 2.2.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Control(pub u32);

impl Control {
    /// The account is disabled.
    pub const DISABLED: u32 = 0x2;
    /// It is a domain controller's.
    pub const DOMAIN_CONTROLLER: u32 = 0x2000;
    /// TRUSTED_FOR_DELEGATION: users hand it their ticket-granting tickets.
    pub const UNCONSTRAINED: u32 = 0x8_0000;
    /// NOT_DELEGATED, "Account is sensitive and cannot be delegated".
    pub const NOT_DELEGATED: u32 = 0x10_0000;
    /// TRUSTED_TO_AUTH_FOR_DELEGATION: its S4U2Self tickets are evidence.
    pub const PROTOCOL_TRANSITION: u32 = 0x100_0000;

    /// Those that keyroll changes.
    pub const OF_DELEGATION: u32 =
        Self::UNCONSTRAINED | Self::NOT_DELEGATED | Self::PROTOCOL_TRANSITION;

    /// Whether it has this bit.
    #[must_use]
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// The same with this bit, or without.
    #[must_use]
    pub const fn with(self, bit: u32, set: bool) -> Self {
        Self(if set { self.0 | bit } else { self.0 & !bit })
    }

    /// Of the directory's text.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        Some(Self(text.parse::<i32>().ok()?.cast_unsigned()))
    }

    /// What a flag of delegation is called (MS-ADTS 2.2.16).
    #[must_use]
    pub const fn name(bit: u32) -> Option<&'static str> {
        match bit {
            Self::UNCONSTRAINED => Some("TRUSTED_FOR_DELEGATION"),
            Self::NOT_DELEGATED => Some("NOT_DELEGATED"),
            Self::PROTOCOL_TRANSITION => Some("TRUSTED_TO_AUTH_FOR_DELEGATION"),
            _ => None,
        }
    }

    /// As the directory writes it: 32 bits with a sign.
    #[must_use]
    pub fn text(self) -> String {
        self.0.cast_signed().to_string()
    }
}

/// What an account's own object says of delegation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// Its flags.
    pub control: Control,
    /// The SPNs of [`TARGETS`], spelled as they are there.
    pub targets: Vec<String>,
    /// The bytes of [`ACTORS`], if there are any.
    pub descriptor: Option<Vec<u8>>,
}

/// An SPN that the account may delegate to, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The SPN, as the list spells it.
    pub spn: String,
    /// Nobody, one account, or more by mistake.
    pub owners: Vec<Party>,
}

/// An account that may delegate to the array by its own list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// The account.
    pub party: Party,
    /// The array's SPNs in its list.
    pub spns: Vec<String>,
}

/// Somebody whom the account's own descriptor lets act for users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The SID in the descriptor.
    pub sid: Sid,
    /// Whose it is, if an object that was searched has it.
    pub party: Option<Party>,
}

/// Everything that bears on delegation by and to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The array's account.
    pub own: Party,
    /// What its object says.
    pub holding: Holding,
    /// To whom it may delegate by its own list.
    pub targets: Vec<Target>,
    /// Who lets it act by a descriptor of their own.
    pub resources: Vec<Party>,
    /// Who may delegate to it by a list of their own.
    pub fronts: Vec<Front>,
    /// Whom it lets act by its own descriptor.
    pub actors: Vec<Actor>,
    /// The domain's unconstrained accounts but for domain controllers and this one.
    pub unconstrained: Vec<Party>,
    /// Whether the whole forest was looked through for lists and SPNs, or the domain only. For
    /// descriptors it is always the domain: a global catalog has none of them.
    pub whole_forest: bool,
    /// Accounts of the domain hide their flags from the controller, and then their descriptors, too
    /// (both are of the property set User-Account-Restrictions, MS-ADTS 3.1.1.2.3.3): what names
    /// them was not seen.
    pub partial: bool,
}

impl Inventory {
    /// The ways in which the account may act for users, in words; empty: in none.
    #[must_use]
    pub fn ways(&self) -> Vec<&'static str> {
        let control = self.holding.control;
        let transition = control.has(Control::PROTOCOL_TRANSITION);
        let listed = !self.holding.targets.is_empty();
        let table = [
            (control.has(Control::UNCONSTRAINED), "unconstrained"),
            (listed && !transition, "constrained"),
            (
                listed && transition,
                "constrained, with protocol transition",
            ),
            (!self.resources.is_empty(), "resource based"),
        ];
        let held = table.into_iter().filter(|(holds, _)| *holds);
        held.map(|(_, way)| way).collect()
    }
}

impl Holding {
    /// The descriptor taken apart; `None` if there is none, or its bytes are none.
    #[must_use]
    pub fn actors(&self) -> Option<Descriptor> {
        Descriptor::from_bytes(self.descriptor.as_deref()?).ok()
    }

    /// Whether the list names this SPN, in any case of letters.
    #[must_use]
    pub fn names(&self, spn: &str) -> bool {
        self.targets.iter().any(|one| one.eq_ignore_ascii_case(spn))
    }
}
