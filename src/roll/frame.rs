//! What a roll is about, fixed at its start: accounts, keys, nodes, domain controllers, policy.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::record::Refusal;
use crate::account::{AccountState, Wanted};
use crate::fence::Version;
use crate::kerberos::salt::Salt;
use crate::kerberos::{Enctype, Kvno};
use crate::name::{ArrayName, DcName, NodeName};

/// Counts the rolls of one array, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RollNumber(pub u64);

/// Counts the passwords of one array, from 1. Never reused, unlike a kvno.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct GenerationNumber(pub u64);

impl fmt::Display for RollNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for GenerationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sealed password: only the controller that holds the sealing key can open it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// A new password before any record mentions it: losing it loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The password, sealed.
    pub sealed: Sealed,
    /// For a fenced reset: the value that the write will leave in the fence attribute.
    pub fence: String,
}

/// Why a roll is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The schedule said so.
    Schedule,
    /// An operator said so.
    Operator,
    /// A key or password is known or feared to be in wrong hands.
    Emergency,
}

/// The frame of a roll, fixed at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The array.
    pub array: ArrayName,
    /// Its how-many-eth roll.
    pub roll: RollNumber,
    /// Why.
    pub cause: Cause,
    /// Who asked, for the audit.
    pub actor: String,
    /// The rules it goes by, whatever the configuration says later.
    pub policy: Policy,
    /// The generation in force; none where an account is adopted whose password nobody knows.
    pub base: Option<Base>,
    /// The generation that this roll brings.
    pub generation: GenerationNumber,
    /// The keyset version that the nodes hold now.
    pub version: Version,
    /// The nodes that serve.
    pub members: BTreeSet<NodeName>,
    /// Every domain controller that may issue tickets.
    pub dcs: BTreeSet<DcName>,
    /// The one that is written to.
    pub writer: DcName,
    /// The enctypes of the keys.
    pub enctypes: Vec<Enctype>,
    /// The length of the new password.
    pub password_length: u32,
    /// Generations besides the base under which tickets may be alive still: an earlier roll was
    /// given up. The nodes keep them until this roll is over.
    #[serde(default)]
    pub leftovers: Vec<Leftover>,
    /// How long tickets from before the last password may still live. Not zero: it is too soon for
    /// another one.
    #[serde(default)]
    pub cool_down: Duration,
    /// Keys found in keytabs that nobody here knows stay until this roll has drained: the array
    /// was recovered, and tickets under them may be alive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_keys_stay: bool,
}

/// A generation that is not in force any more, whose tickets may be alive still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Which.
    pub generation: GenerationNumber,
    /// The kvno that its tickets carry.
    pub kvno: Kvno,
    /// The salt that its keys are derived with; none where the keys came from a keytab.
    pub salt: Option<Salt>,
    /// Its password or keys, sealed.
    pub secret: Sealed,
}

impl Plan {
    /// Whether the array's keytabs have keys of the enctype with this number: no other ticket can
    /// be judged by its key.
    #[must_use]
    pub fn has_key_of(&self, enctype: i32) -> bool {
        let mut ours = self.enctypes.iter();
        ours.any(|ours| ours.number() == enctype)
    }

    /// Every reason of the account's own against this roll.
    #[must_use]
    pub fn account_refusals(&self, account: &AccountState) -> Vec<Refusal> {
        account.refusals(&Wanted {
            array: &self.array,
            enctypes: &self.enctypes,
            method: self.policy.method,
            password_known: self.base.is_some_and(|base| base.password_known),
            password_length: self.password_length,
        })
    }
}

/// The generation in force at the start of a roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Which.
    pub generation: GenerationNumber,
    /// Its kvno, as tickets carry it.
    pub kvno: Kvno,
    /// Whether its password is known (a change needs it) or only its keys, from a keytab.
    pub password_known: bool,
}
