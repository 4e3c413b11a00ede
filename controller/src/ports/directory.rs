//! What is asked of the directory, over LDAP and DNS.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use keyroll::account::AccountState;
use keyroll::account::rights::LeastRights;
use keyroll::delegation::plan::Service;
use keyroll::delegation::trial::Facts;
use keyroll::delegation::{Holding, Inventory, Party};
use keyroll::descriptor::Sid;
use keyroll::directory_change::DirectoryChange;
use keyroll::doctor::{LdapFacts, Surplus};
use keyroll::drift::{DcMark, History};
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::{Enctype, Realm};
use keyroll::name::DcName;
use keyroll::roll::Answer;
use keyroll::roll::policy::Method;
use keyroll::secret::Password;
use keyroll::spn::{Aliases, HostRecords, take_away};

use super::{AccountRef, PortError};
use crate::directory::acl::RightsRequest;

/// The values of some attributes of one object, by the names that were asked for.
pub type Values = BTreeMap<String, Vec<Vec<u8>>>;

/// Which SPNs are looked for in the whole forest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpnSearch {
    /// Every one.
    All,
    /// These, in any case, and every one of these service classes or for these hosts: what looks
    /// like one of them is found among its class, or by its host.
    Some {
        /// SPNs.
        exact: Vec<String>,
        /// Service classes.
        classes: Vec<String>,
        /// Beginnings of what follows the class.
        hosts: Vec<String>,
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
    /// The other forest that it is in; none: the array's own.
    pub forest: Option<String>,
}

impl SpnHolder {
    /// `svc-web$ (CN=svc-web,…)`, and the forest, where it is another.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = format!("{} ({})", self.account, self.distinguished_name);
        match &self.forest {
            None => name,
            Some(forest) => format!("{name} in the forest {forest}"),
        }
    }

    /// What takes the SPN from it, where it is no array's.
    #[must_use]
    pub fn taken_away(&self) -> String {
        let command = take_away(&self.spn, &self.account, &self.guid);
        match &self.forest {
            None => command,
            Some(forest) => format!("in {forest}: {command}"),
        }
    }
}

/// Another forest that could not be looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForestUnseen {
    /// Its domain, as configured.
    pub forest: String,
    /// Why.
    pub why: String,
    /// What to type next.
    pub next: String,
}

/// What a search for SPNs has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpnsFound {
    /// Every holder of what was looked for, ordered by SPN.
    pub holders: Vec<SpnHolder>,
    /// Whether the whole forest was searched; else the domain alone, for want of a global catalog.
    pub forest: bool,
    /// The other forests that were searched.
    pub others: Vec<String>,
    /// Those that could not be.
    pub unseen: Vec<ForestUnseen>,
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

    /// What the caller may do where it has nothing to do: with the domain, and with the account's
    /// container.
    async fn surplus(&self, dc: &DcName, _account: &AccountRef) -> Result<Vec<Surplus>, PortError> {
        Err(PortError::Missing {
            object: format!("a domain to look for rights in on {dc}"),
        })
    }

    /// What it takes over LDAP that it should not; none if nobody has tried. Shows a ticket of the
    /// caller's, never a password.
    async fn takes(&self, _dc: &DcName) -> Result<Option<LdapFacts>, PortError> {
        Ok(None)
    }

    /// Any account of the domain by its sAMAccountName.
    async fn party(&self, _dc: &DcName, _name: &str) -> Result<Option<Party>, PortError> {
        Ok(None)
    }

    /// Whose a SID is, in the domain or in as much of the forest as is seen.
    async fn owner_of(&self, _dc: &DcName, _sid: &Sid) -> Result<Option<Party>, PortError> {
        Ok(None)
    }

    /// Every SID by which a descriptor may let an account of the domain in; none if its groups are
    /// not shown.
    async fn caller(
        &self,
        _dc: &DcName,
        _party: &Party,
    ) -> Result<Option<BTreeSet<Sid>>, PortError> {
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

    /// Who has an SPN, and what the owner's object says of delegation.
    async fn service(&self, dc: &DcName, spn: &str) -> Result<Service, PortError> {
        Err(PortError::Missing {
            object: format!("a directory to look {spn} up in on {dc}"),
        })
    }

    /// Whose make a domain controller is, where it tells (`vendorName`, RFC 3045).
    async fn vendor(&self, _dc: &DcName) -> Result<Option<String>, PortError> {
        Ok(None)
    }

    /// The functional level of a domain controller (MS-ADTS 3.1.1.3.2.25).
    async fn functional_level(&self, dc: &DcName) -> Result<u32, PortError> {
        Err(PortError::Missing {
            object: format!("the functional level of {dc}"),
        })
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
