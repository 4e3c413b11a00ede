//! What the driver needs of the world. Adapters implement these and decide nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use keyroll::account::AccountState;
use keyroll::delegation::trial::{Facts, Tried};
use keyroll::delegation::{Holding, Inventory, Party};
use keyroll::directory_change::DirectoryChange;
use keyroll::drift::{DcMark, History};
use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal, Realm};
use keyroll::keyset::{HeldEntry, Keyset};
use keyroll::keytab::TargetFilter;
use keyroll::name::{ArrayName, DcName, NodeName};
use keyroll::roll::policy::Method;
use keyroll::roll::{Answer, WhichKey};
use keyroll::secret::Password;
use keyroll::spn::Aliases;

use crate::directory::acl::{LeastRights, RightsRequest};

/// Why something could not be read or done; by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// Nobody answered: the outcome is unknown, looking again later may settle it.
    #[error("{object} did not answer: {why}")]
    Unreachable {
        /// Whom we asked.
        object: String,
        /// What happened instead, in words.
        why: String,
    },
    /// It answered, and the answer is no.
    #[error("{object} refused: {why}")]
    Refused {
        /// Whom we asked.
        object: String,
        /// The reason given, with its codes.
        why: String,
        /// What to type next; empty if there is nothing better than the reason.
        next: String,
    },
    /// There is no such object.
    #[error("{object} does not exist")]
    Missing {
        /// Which.
        object: String,
    },
}

/// An account, named so that a rename does not lead a write astray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRef {
    /// `objectGUID`.
    pub guid: [u8; 16],
    /// Its name as principal, `WEB$@CORP.EXAMPLE`.
    pub principal: Principal,
}

/// The values of some attributes of one object, by the names that were asked for.
pub type Values = BTreeMap<String, Vec<Vec<u8>>>;

/// Which SPNs are looked for in the whole forest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpnSearch {
    /// Every one.
    All,
    /// These, in any case, and every one of these service classes: what looks like one of them is
    /// found among its class.
    Some {
        /// SPNs.
        exact: Vec<String>,
        /// Service classes.
        classes: Vec<String>,
    },
}

/// An object that has an SPN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpnHolder {
    /// The SPN as it is there.
    pub spn: String,
    /// `sAMAccountName`.
    pub account: String,
    /// `distinguishedName`.
    pub distinguished_name: String,
    /// `objectGUID`.
    pub guid: [u8; 16],
}

/// What a search for SPNs has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpnsFound {
    /// Every holder of what was looked for, ordered by SPN.
    pub holders: Vec<SpnHolder>,
    /// Whether the whole forest was searched; else the domain alone, for want of a global catalog.
    pub forest: bool,
}

/// What DNS says of a host name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRecords {
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// The name that it is an alias (CNAME) of: clients ask for tickets for that one instead.
    pub alias_of: Option<String>,
    /// The names that its addresses lead back to (PTR).
    pub back: Vec<String>,
}

/// One write of a new password.
#[derive(Debug)]
pub struct PasswordWrite<'a> {
    /// The account.
    pub account: &'a AccountRef,
    /// The password in force, where it is known: a change needs it.
    pub old: Option<&'a Password>,
    /// The new one.
    pub new: &'a Password,
    /// Change or fenced reset.
    pub method: Method,
    /// For a fenced reset: the fence attribute's value before (none: absent) and after.
    pub fence: (Option<&'a str>, &'a str),
}

/// A new account to be made.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// `sAMAccountName`.
    pub sam_account_name: &'a str,
    /// User or computer.
    pub kind: AccountKind,
    /// The container's distinguished name; none: the domain's default for the kind.
    pub container: Option<&'a str>,
    /// Its password.
    pub password: &'a Password,
    /// Its enctypes.
    pub enctypes: &'a [Enctype],
    /// The fence attribute's first value.
    pub fence: &'a str,
}

/// The directory, over LDAP. Every call names the domain controller it goes to.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The realm of the domain.
    fn realm(&self) -> &Realm;

    /// Every domain controller, by SRV records or as configured; the PDC emulator first.
    async fn domain_controllers(&self) -> Result<Vec<DcName>, PortError>;

    /// Finds an account by sAMAccountName.
    async fn find(&self, dc: &DcName, sam_account_name: &str) -> Result<AccountRef, PortError>;

    /// Reads everything about an account, the caller's rights on it and duplicates of its SPNs.
    async fn read(&self, dc: &DcName, account: &AccountRef) -> Result<AccountState, PortError>;

    /// Writes a password: one modify, sent once, never repeated by itself.
    async fn write_password(&self, dc: &DcName, write: &PasswordWrite<'_>) -> Answer;

    /// Makes an account, sent once. Without SPNs: those come once a node holds the key.
    async fn create(&self, dc: &DcName, account: &NewAccount<'_>) -> Answer;

    /// Whether the caller may make an account of this kind in the container (none: where such
    /// accounts go by themselves), looked up only.
    ///
    /// # Errors
    /// [`PortError::Missing`] for no such container, [`PortError::Refused`] for no right.
    async fn may_create(
        &self,
        dc: &DcName,
        _kind: AccountKind,
        _container: Option<&str>,
    ) -> Result<(), PortError> {
        Err(PortError::Missing {
            object: format!("a container to look at on {dc}"),
        })
    }

    /// Who has these SPNs already: each SPN with its owner, as `name (distinguished name)`.
    async fn spn_owners(
        &self,
        dc: &DcName,
        _spns: &[String],
    ) -> Result<Vec<(String, String)>, PortError> {
        Err(PortError::Missing {
            object: format!("a directory to look SPNs up on {dc}"),
        })
    }

    /// Sets `msDS-SupportedEncryptionTypes`.
    async fn set_enctypes(
        &self,
        dc: &DcName,
        account: &AccountRef,
        enctypes: &[Enctype],
    ) -> Result<(), PortError>;

    /// Adds one SPN after looking for a duplicate; present already is success.
    async fn add_spn(&self, dc: &DcName, account: &AccountRef, spn: &str) -> Result<(), PortError>;

    /// Who has which SPNs.
    async fn spn_holders(&self, dc: &DcName, _search: &SpnSearch) -> Result<SpnsFound, PortError> {
        Err(PortError::Missing {
            object: format!("a directory to look SPNs up on {dc}"),
        })
    }

    /// Which service classes another one answers for (`sPNMappings`).
    async fn spn_aliases(&self, dc: &DcName) -> Result<Aliases, PortError> {
        Err(PortError::Missing {
            object: format!("the configuration on {dc}"),
        })
    }

    /// What DNS says of a host name.
    async fn host(&self, name: &str) -> Result<HostRecords, PortError> {
        Err(PortError::Missing {
            object: format!("host {name}"),
        })
    }

    /// Every value of some attributes of one object, named by its `objectGUID`.
    async fn values(
        &self,
        dc: &DcName,
        _guid: &[u8; 16],
        _attributes: &[&str],
    ) -> Result<Values, PortError> {
        Err(PortError::Missing {
            object: format!("an object to look at on {dc}"),
        })
    }

    /// Makes a change with the controller's own rights: one modify, sent once. Only where its
    /// settings let it ([`crate::config::AuthorityConfig`]).
    async fn make_change(&self, change: &DirectoryChange) -> Answer {
        let text = format!("{} takes no changes; nothing was sent", change.dc);
        Answer::Unanswered { text }
    }

    /// What the account's own object says of delegation.
    async fn holding(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<(Party, Holding), PortError> {
        Err(nothing_of_delegation(dc, account))
    }

    /// Everything that bears on delegation by the account, and to it under these SPNs.
    async fn delegation(
        &self,
        dc: &DcName,
        account: &AccountRef,
        _spns: &[String],
    ) -> Result<Inventory, PortError> {
        Err(nothing_of_delegation(dc, account))
    }

    /// The accounts of the domain whose own descriptors let the account act for users.
    async fn resources(
        &self,
        _dc: &DcName,
        _account: &AccountRef,
    ) -> Result<Vec<String>, PortError> {
        Ok(Vec::new())
    }

    /// Any account of the domain by its sAMAccountName.
    async fn party(&self, _dc: &DcName, _name: &str) -> Result<Option<Party>, PortError> {
        Ok(None)
    }

    /// What bears on delegation by the account for one user to one service.
    async fn facts(
        &self,
        dc: &DcName,
        account: &AccountRef,
        _user: &str,
        _spn: &str,
    ) -> Result<Facts, PortError> {
        Err(nothing_of_delegation(dc, account))
    }

    /// When and where each of the account's attributes was last written.
    async fn history(&self, dc: &DcName, account: &AccountRef) -> Result<History, PortError>;

    /// The state of a domain controller's database, by which one that was set back is known.
    async fn mark(&self, dc: &DcName) -> Result<DcMark, PortError>;

    /// What an administrator must be told to grant the least rights.
    async fn rights(
        &self,
        _dc: &DcName,
        request: &RightsRequest<'_>,
    ) -> Result<LeastRights, PortError> {
        Err(PortError::Missing {
            object: format!("a directory to look up {} in", request.account),
        })
    }
}

fn nothing_of_delegation(dc: &DcName, account: &AccountRef) -> PortError {
    PortError::Missing {
        object: format!("what {dc} knows of delegation by {}", account.principal),
    }
}

/// Delegation that is tried with an account's own key.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The account.
    pub own: &'a Principal,
    /// Its keys in force.
    pub keys: &'a [Key],
    /// For whom it acts; `None`: for the controller's own account, with a ticket that this one
    /// has fetched for `service`.
    pub user: Option<&'a Principal>,
    /// An SPN of the account.
    pub service: &'a Principal,
    /// Where it acts.
    pub to: &'a Principal,
}

/// The keys by which a ticket is recognized.
#[derive(Debug, Default)]
pub struct KnownKeys<'a> {
    /// Each key with whose it is. Several of one kind are tried in turn.
    pub keys: Vec<(WhichKey, &'a Key)>,
    /// The new password, to derive its keys anew where the KDC names another salt than predicted,
    /// with the enctypes and the account: a KDC tells salts of accounts, not of services.
    pub new_password: Option<(&'a Password, &'a [Enctype], &'a Principal)>,
}

/// A ticket seen, and whose key opened it.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Whose key.
    pub key: WhichKey,
    /// The kvno in the ticket.
    pub kvno: Kvno,
    /// Its enctype number.
    pub enctype: i32,
    /// Where the key was derived with a salt of the KDC's own naming: that salt.
    pub salt: Option<Salt>,
    /// How far the KDC's clock is from ours.
    pub clock_offset: Duration,
    /// How long the longer-lived of the ticket and the ticket-granting one lives.
    pub ticket_life: Duration,
    /// The ticket itself, for a proof by a node: opaque to the driver.
    pub ticket: std::sync::Arc<keyroll::kerberos::message::Credential>,
}

/// The KDCs, asked as a client asks.
#[async_trait]
pub trait Kdc: Send + Sync {
    /// Gets a fresh service ticket for `service` from this very domain controller, with the
    /// controller's own credentials, and sees which known key opens it. Raises no bad-password
    /// count, whatever the outcome.
    async fn sight(
        &self,
        dc: &DcName,
        service: &Principal,
        known: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError>;

    /// Tries delegation, step by step. No ticket or key of it outlives the call.
    async fn delegate(&self, dc: &DcName, trial: &Trial<'_>) -> Result<Tried, PortError> {
        Err(PortError::Missing {
            object: format!("a KDC on {dc} to try {} at", trial.own),
        })
    }

    /// Logs in as the account with each of these keys, one enctype at a time, and compares the
    /// KDC's salt. Only for keys that a ticket has already shown to be in force: a wrong key
    /// would count as a bad password.
    async fn log_in(
        &self,
        dc: &DcName,
        account: &Principal,
        keys: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, PortError>;
}

/// What a node says it holds.
#[derive(Debug, Clone)]
pub struct NodeInventory {
    /// The version that it last wrote.
    pub version: keyroll::fence::Version,
    /// The highest epoch that it has heard, and the highest version whose writing it began.
    pub fence: keyroll::fence::Fence,
    /// Each keytab file.
    pub targets: Vec<NodeTarget>,
    /// Changes with each start of the agent.
    pub boot: Vec<u8>,
    /// Whether the node's health endpoint says ready, and why not.
    pub ready: Result<(), String>,
    /// How far the node's clock is from ours, and whether it is ahead.
    pub clock_offset: Duration,
    /// When the node's certificate ends, seconds since 1970.
    pub certificate_ends_unix: i64,
    /// The agent's version.
    pub agent_version: String,
    /// How long the node stays ready without a controller's word; none: for ever.
    pub stays_ready: Option<Duration>,
}

/// One keytab file of a node.
#[derive(Debug, Clone)]
pub struct NodeTarget {
    /// Its path on the node.
    pub path: String,
    /// Its kind, and what of a keyset it takes.
    pub filter: TargetFilter,
    /// Its entries of this array.
    pub entries: Vec<HeldEntry>,
    /// Why it cannot be read or written; none if it can.
    pub trouble: Option<String>,
    /// It differs from what the agent last wrote.
    pub drifted: bool,
    /// Entries of others.
    pub foreign_entries: u32,
    /// When it was last written to, seconds since 1970 by the node's clock; 0 if unknown.
    pub written_unix: i64,
}

/// A node's verdict on one AP-REQ, by keytab file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProof {
    /// The file.
    pub path: String,
    /// The kvno that opened it, or why it was refused, in an acceptor's words.
    pub verdict: Result<Kvno, String>,
}

/// The time of day: for the times of tickets, for schedules, for what people read.
///
/// Whoever sets the clock moves it by hours, so nothing is waited for by it: how long something
/// takes is measured by the monotonic clock (`tokio::time::Instant`) alone.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The agents, over warm mTLS connections.
#[async_trait]
pub trait Agents: Send + Sync {
    /// What the node holds, fingerprints under `nonce`.
    async fn look(
        &self,
        node: &NodeName,
        array: &ArrayName,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError>;

    /// Has the node hold this keyset, and tells what it then read back.
    async fn stage(
        &self,
        node: &NodeName,
        keyset: &Keyset,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError>;

    /// Has the node accept an AP-REQ with its keytabs on disk.
    async fn prove(
        &self,
        node: &NodeName,
        array: &ArrayName,
        ap_request: Vec<u8>,
    ) -> Result<Vec<NodeProof>, PortError>;

    /// Opens or shuts the node's gate.
    async fn admit(
        &self,
        node: &NodeName,
        array: &ArrayName,
        required: keyroll::fence::Version,
        verdict: Result<(), String>,
    ) -> Result<(), PortError>;

    /// Has the node forget the array.
    async fn wipe(&self, node: &NodeName, array: &ArrayName) -> Result<(), PortError>;
}
