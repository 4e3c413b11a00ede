//! What the rows hold.

use std::collections::{BTreeMap, BTreeSet};

use keyroll::drift::{Heal, Healed, Known};
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::{Enctype, Kvno, Principal, Realm};
use keyroll::letter::{LetterKey, PasswordUse};
use keyroll::name::{ArrayName, NodeName, OperatorName};
use keyroll::roll::policy::{Method, Policy};
use keyroll::roll::{GenerationNumber, RollNumber, Sealed};
use serde::{Deserialize, Serialize};

use crate::operators::Role;

/// What concerns the store as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Meta {
    /// Tells this store from any other: 16 random bytes, hexadecimal.
    pub store: String,
    /// The realm whose accounts it keeps.
    pub realm: Realm,
    /// The epoch of the controller that last opened it.
    pub epoch: Epoch,
    /// What was done until then is surely remembered here, seconds since 1970: the newest audit
    /// entry of the process before this one, or the making of the backup that this was restored
    /// from. It stays while an array is stale.
    #[serde(default)]
    pub remembers_until_unix: i64,
}

/// An array and its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArrayRecord {
    /// Its name.
    pub name: ArrayName,
    /// Its account.
    pub account: Account,
    /// The realm of its account.
    pub realm: Realm,
    /// The SPNs registered in the directory, or to be.
    pub spns: Vec<String>,
    /// Those of them that wait until a node holds the key.
    pub spns_pending: BTreeSet<String>,
    /// The enctypes of its keys.
    pub enctypes: Vec<Enctype>,
    /// The rules that its rolls go by.
    pub policy: Policy,
    /// The length of its passwords, in characters.
    pub password_length: u32,
    /// The generation in force; none while an account is adopted whose credential is unknown.
    pub current: Option<GenerationRecord>,
    /// The generation before, kept for a while against a directory restored from a backup.
    pub previous: Option<PreviousGeneration>,
    /// The highest version of a keyset that a node was ever given.
    pub keyset_version: Version,
    /// The number of the next roll.
    pub next_roll: RollNumber,
    /// The number of the next password; numbers are never used twice.
    pub next_generation: GenerationNumber,
    /// When keyroll last changed the password, seconds since 1970.
    pub rolled_at_unix: Option<i64>,
    /// Its schedule, as TOML.
    pub schedule: Option<String>,
    /// When its schedule was set, seconds since 1970.
    pub schedule_set_unix: Option<i64>,
    /// Why its schedule is paused, if it is.
    pub paused: Option<String>,
    /// While the account is being made: the value of the fence attribute by which the account
    /// is recognized as made here, should the answer be lost.
    pub founding: Option<String>,
    /// How passwords are written; none: what needs the least rights, at each roll anew.
    pub method: Option<Method>,
    /// Why this record, or its journal, is taken to be older than the nodes and the directory:
    /// nothing is done for the array until it has been recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// It was recovered, or the roll that adopted it was given up: keys that are found in keytabs
    /// and that nobody here knows stay until the next roll has drained, since tickets under them
    /// may be alive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_keys_stay: bool,
    /// What is remembered of what others do to its account.
    #[serde(default)]
    pub drift: DriftRecord,
    /// Its SPNs that are on their way in or out.
    #[serde(default)]
    pub naming: NamingRecord,
}

/// SPNs of an array that the directory does not have, though its nodes hold keys for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct NamingRecord {
    /// They wait for an operator to register them.
    pub prepared: BTreeSet<String>,
    /// They were taken away, and tickets for them may live for so many milliseconds.
    pub leaving: BTreeMap<String, u64>,
}

/// What is remembered of what others do to an array's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DriftRecord {
    /// The account as it was last seen; none before the first look.
    pub known: Option<Known>,
    /// Passwords that domain controllers were seen to issue under besides the one in force, and
    /// whose keys the nodes hold until the last ticket is dead.
    pub kept: Vec<KeptGeneration>,
    /// That a password which was out of force is in force again, and why; until the next roll.
    pub returned: Option<String>,
    /// Whether a password that nobody here knows is replaced without asking.
    pub heal: Heal,
    /// The healing so far.
    pub healed: Healed,
}

/// A password that nodes hold besides the one in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptGeneration {
    /// The password, with the kvno that its tickets carry.
    pub generation: GenerationRecord,
    /// How many seconds tickets under it may still live, from when it was last seen.
    pub left_seconds: u64,
}

/// A directory account, by what does not change and by what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// `objectGUID`.
    pub guid: [u8; 16],
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// User or computer.
    pub kind: AccountKind,
    /// `distinguishedName`, as last read.
    pub distinguished_name: String,
    /// The account as principal, `WEB$@CORP.EXAMPLE`.
    pub principal: Principal,
}

/// One password or set of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GenerationRecord {
    /// Its number.
    pub number: GenerationNumber,
    /// Its kvno, as tickets carry it.
    pub kvno: Kvno,
    /// The salt that its keys are derived with; none where the keys came from a keytab.
    pub salt: Option<Salt>,
    /// The password or the keys, sealed for this array and generation.
    pub secret: Sealed,
    /// Whether the secret is a password.
    pub password_known: bool,
}

/// A generation that is out of force and will be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PreviousGeneration {
    /// The generation.
    pub generation: GenerationRecord,
    /// When its secret is destroyed, seconds since 1970.
    pub destroy_at_unix: i64,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NodeRecord {
    /// Its name, to which its certificate is bound.
    pub name: NodeName,
    /// Where its agent is dialled, `host:port`; empty until it joins or an operator says.
    pub address: String,
    /// The arrays that it serves.
    pub arrays: BTreeSet<ArrayName>,
    /// The certificates issued to it: serial in hexadecimal, end in seconds since 1970. No other
    /// is accepted, so that a machine that had this name and was removed stays removed.
    pub certificates: BTreeMap<String, i64>,
    /// When the newest certificate ends that the node surely has, seconds since 1970; 0 if it has
    /// confirmed none. Those that end before it were replaced.
    #[serde(default)]
    pub confirmed_ends_unix: i64,
    /// By which authorities it lives, as far as it has confirmed it.
    #[serde(default)]
    pub trust: Trust,
    /// How far it has come.
    pub state: NodeState,
    /// When it joined with the name that it has now, seconds since 1970; 0 if that is not known.
    #[serde(default)]
    pub joined_unix: i64,
    /// The arrays for which it must not serve, and why.
    pub quarantined: BTreeMap<ArrayName, String>,
    /// How long it stays ready without a controller's word, by its own; none: for ever.
    #[serde(default)]
    pub stays_ready_seconds: Option<u64>,
    /// The arrays whose password itself is sent to it, by an operator's leave. To others, keys.
    #[serde(default)]
    pub passwords: BTreeMap<ArrayName, PasswordLeave>,
}

/// An operator's leave to send an array's password to one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PasswordLeave {
    /// What for.
    pub uses: BTreeSet<PasswordUse>,
    /// The key that the node showed when the leave was given: another machine that gets the node's
    /// name, or its certificate, opens nothing.
    pub key: LetterKey,
}

/// Why a node that is being removed is in quarantine: what it says of itself, and `keyroll node
/// list` of it, until it is let go of.
pub const LEAVING: &str = "it is being removed";

impl NodeRecord {
    /// Whether it is being removed from the array: its keys are wiped there, and none come again.
    #[must_use]
    pub fn leaves(&self, array: &ArrayName) -> bool {
        self.quarantined
            .get(array)
            .is_some_and(|why| why == LEAVING)
    }

    /// A node that was invited.
    #[must_use]
    pub fn invited(name: NodeName, address: String) -> Self {
        Self {
            name,
            address,
            arrays: BTreeSet::new(),
            certificates: BTreeMap::new(),
            confirmed_ends_unix: 0,
            trust: Trust::default(),
            state: NodeState::Invited,
            joined_unix: 0,
            quarantined: BTreeMap::new(),
            stays_ready_seconds: None,
            passwords: BTreeMap::new(),
        }
    }

    /// Notes a certificate, and forgets those that ended before `now_unix`, but the one that the
    /// node surely has: what is handed out now may be lost on its way.
    pub fn certify(&mut self, serial: String, ends_unix: i64, now_unix: i64) {
        let kept = self.confirmed_ends_unix;
        self.certificates
            .retain(|_, ends| *ends >= now_unix || *ends == kept);
        self.certificates.insert(serial, ends_unix);
    }

    /// The node has the certificate that ends then: it has shown it, or said that it keeps it.
    pub fn confirm(&mut self, ends_unix: i64) {
        self.confirmed_ends_unix = self.confirmed_ends_unix.max(ends_unix);
    }

    /// Forgets every certificate, for a node that begins anew.
    pub fn forget_certificates(&mut self) {
        self.certificates.clear();
        self.confirmed_ends_unix = 0;
    }

    /// Whether a certificate that has ended is the node's last one: on record, and not replaced by
    /// one that the node has.
    #[must_use]
    pub fn is_last(&self, serial: &str) -> bool {
        let ends = self.certificates.get(serial);
        self.state == NodeState::Joined
            && ends.is_some_and(|ends| *ends >= self.confirmed_ends_unix)
    }

    /// When its newest certificate ends, seconds since 1970.
    #[must_use]
    pub fn certificate_ends_unix(&self) -> Option<i64> {
        self.certificates.values().max().copied()
    }
}

/// Certificate authorities by their numbers: who is trusted, and who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trust {
    /// The oldest that is trusted.
    pub oldest: u64,
    /// The newest that is trusted.
    pub newest: u64,
    /// The one that signs, or has signed.
    pub signer: u64,
}

impl Default for Trust {
    /// The first authority: all that there was before there could be two.
    fn default() -> Self {
        Self {
            oldest: 1,
            newest: 1,
            signer: 1,
        }
    }
}

/// How far a node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// It has a token, or had one.
    Invited,
    /// It has a certificate.
    Joined,
    /// It must not be spoken with any more.
    Removed,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperatorRecord {
    /// The operator's name.
    pub name: OperatorName,
    /// What the operator may do.
    pub role: Role,
    /// On which arrays; empty: on all, and on the controller itself.
    pub arrays: BTreeSet<ArrayName>,
    /// The serial of the one certificate that counts, hexadecimal.
    pub serial: String,
    /// When it ends, seconds since 1970.
    pub expires_unix: i64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The number of the authority that signed it.
    #[serde(default = "first")]
    pub signer: u64,
    /// Who added the operator, and who agreed to it; nobody if that was not kept.
    #[serde(default)]
    pub added_by: BTreeSet<String>,
    /// When that was, seconds since 1970; 0 if that was not kept.
    #[serde(default)]
    pub added_unix: i64,
}

const fn first() -> u64 {
    1
}

impl OperatorRecord {
    /// Whether the certificate is in force at this time, seconds since 1970.
    #[must_use]
    pub const fn is_in_force(&self, now_unix: i64) -> bool {
        !self.revoked && now_unix < self.expires_unix
    }
}

/// An internal certificate authority. All are trusted; the newest of those that may sign does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuthorityRecord {
    /// Its number, from 1.
    pub number: u64,
    /// Whether it may sign: everybody trusts it by now.
    pub signs: bool,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key (PKCS #8, DER), sealed.
    pub key: Sealed,
}
