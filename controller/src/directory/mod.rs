//! What touches the directory: LDAP and Kerberos, spoken to one named domain controller at a time,
//! as the controller or as an operator.
//!
//! Nothing is decided here. Each call says what was seen, or one of three things about a write:
//! applied, refused, unanswered. Nothing is written twice by itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
use keyroll::spn::{Aliases, HostRecords};

use crate::ports::{
    AccountRef, Directory, NewAccount, PasswordWrite, PortError, SpnSearch, SpnsFound, Values,
};

mod account;
pub mod acl;
pub mod ber;
mod change;
pub mod config;
pub(crate) mod connection;
pub mod credential;
mod delegation;
mod dial;
mod discovery;
pub mod dns;
pub mod entry;
mod exchange;
mod forest;
mod hidden;
mod kdc;
pub mod line;
mod login;
mod metadata;
pub mod operator;
mod refusals;
pub mod relay;
pub mod result;
mod rights;
mod s4u;
mod said_no;
mod sasl;
mod spn;
pub mod text;
mod tickets;
pub mod tls;
mod trade;
mod write;

pub use kdc::Kdcs;

use account::Root;
use acl::RightsRequest;
use config::{DirectorySettings, Transport};
use connection::{Connection, Connections};
use forest::Forest;
use text::Dn;

/// How long a domain controller that is no global catalog, or whose port for it is closed to us, is
/// not asked again whether it is one.
const WITHOUT_CATALOG: Duration = Duration::from_secs(600);

/// Active Directory over LDAP, with one warm connection to each domain controller.
#[derive(Debug)]
pub struct ActiveDirectory {
    settings: DirectorySettings,
    connections: Connections,
    forests: Vec<Forest>,
    without_catalog: Mutex<HashMap<DcName, Instant>>,
}

impl ActiveDirectory {
    /// Opens nothing yet, but reads the CA files and the credential once, so that a mistake in the
    /// configuration shows at the start and not in the middle of the night.
    ///
    /// # Errors
    /// [`PortError::Refused`] if a CA file or the credential cannot be used.
    pub fn new(settings: DirectorySettings) -> Result<Self, PortError> {
        let own = [&settings, &settings.of_prober()];
        for one in own.into_iter().chain(&settings.forests) {
            usable(one)?;
        }
        let forests = settings.forests.iter().cloned();
        Ok(Self {
            connections: Connections::new(settings.clone()),
            forests: forests.map(Forest::new).collect(),
            settings,
            without_catalog: Mutex::default(),
        })
    }

    /// The widest place that this domain controller can search: the forest, else its domain.
    async fn widest(&self, dc: &DcName, root: &Root) -> Result<(Connection, Dn), PortError> {
        let without = || {
            self.without_catalog
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let known = without()
            .get(dc)
            .is_some_and(|since| since.elapsed() < WITHOUT_CATALOG);
        if root.is_catalog && !known {
            match self.connections.catalog(dc).await {
                Ok(catalog) => return Ok((catalog, Dn::of_directory(""))),
                Err(error) => {
                    without().insert(dc.clone(), Instant::now());
                    tracing::warn!(%dc, %error, "no global catalog: its domain only is looked at");
                }
            }
        }
        Ok((self.connections.to(dc).await?, root.domain.clone()))
    }
}

/// The CA files and the credential can be read.
fn usable(settings: &DirectorySettings) -> Result<(), PortError> {
    if settings.transport == Transport::Ldaps {
        tls::client(&settings.ca).map_err(|error| PortError::Refused {
            object: format!("the configuration of the directory {}", settings.domain),
            why: error.to_string(),
            next: "check directory.ca".to_owned(),
        })?;
    }
    let credential = settings.credential.read(&settings.principal);
    credential.map_err(|error| PortError::Refused {
        object: format!("the bind as {}", settings.principal),
        why: error.to_string(),
        next: settings.check_bind.to_owned(),
    })?;
    Ok(())
}

#[async_trait]
impl Directory for ActiveDirectory {
    fn realm(&self) -> &Realm {
        &self.settings.realm
    }

    async fn domain_controllers(&self) -> Result<Vec<DcName>, PortError> {
        discovery::domain_controllers(&self.settings).await
    }

    async fn find(&self, dc: &DcName, sam_account_name: &str) -> Result<AccountRef, PortError> {
        self.find_account(dc, sam_account_name).await
    }

    async fn read(&self, dc: &DcName, account: &AccountRef) -> Result<AccountState, PortError> {
        self.read_account(dc, account).await
    }

    async fn write_password(&self, dc: &DcName, write: &PasswordWrite<'_>) -> Answer {
        self.send_password(dc, write).await
    }

    async fn create(&self, dc: &DcName, account: &NewAccount<'_>) -> Answer {
        self.send_account(dc, account).await
    }

    async fn may_create(
        &self,
        dc: &DcName,
        kind: AccountKind,
        container: Option<&str>,
    ) -> Result<(), PortError> {
        self.look_at_container(dc, kind, container).await
    }

    async fn spn_owners(
        &self,
        dc: &DcName,
        spns: &[String],
    ) -> Result<Vec<(String, String)>, PortError> {
        self.look_for_owners(dc, spns).await
    }

    async fn set_enctypes(
        &self,
        dc: &DcName,
        account: &AccountRef,
        enctypes: &[Enctype],
    ) -> Result<(), PortError> {
        self.put_enctypes(dc, account, enctypes).await
    }

    async fn add_spn(&self, dc: &DcName, account: &AccountRef, spn: &str) -> Result<(), PortError> {
        self.put_spn(dc, account, spn).await
    }

    async fn spn_holders(&self, dc: &DcName, search: &SpnSearch) -> Result<SpnsFound, PortError> {
        self.search_spns(dc, search).await
    }

    async fn spn_aliases(&self, dc: &DcName) -> Result<Aliases, PortError> {
        self.read_aliases(dc).await
    }

    async fn host(&self, name: &str) -> Result<HostRecords, PortError> {
        dns::host(name, self.settings.connect_timeout).await
    }

    async fn values(
        &self,
        dc: &DcName,
        guid: &[u8; 16],
        attributes: &[&str],
    ) -> Result<Values, PortError> {
        self.read_values(dc, guid, attributes).await
    }

    async fn make_change(&self, change: &DirectoryChange) -> Answer {
        self.send_change(change).await
    }

    async fn holding(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<(Party, Holding), PortError> {
        self.read_holding(dc, account).await
    }

    async fn delegation(
        &self,
        dc: &DcName,
        account: &AccountRef,
        spns: &[String],
    ) -> Result<Inventory, PortError> {
        self.read_delegation(dc, account, spns).await
    }

    async fn resources(&self, dc: &DcName, account: &AccountRef) -> Result<Vec<String>, PortError> {
        self.read_resources(dc, account).await
    }

    async fn surplus(&self, dc: &DcName, account: &AccountRef) -> Result<Vec<Surplus>, PortError> {
        self.read_surplus(dc, account).await
    }

    async fn takes(&self, dc: &DcName) -> Result<Option<LdapFacts>, PortError> {
        self.connections.takes(dc).await
    }

    async fn party(&self, dc: &DcName, name: &str) -> Result<Option<Party>, PortError> {
        let found = self.find_party(dc, name).await?;
        Ok(found.map(|(party, _)| party))
    }

    async fn owner_of(&self, dc: &DcName, sid: &Sid) -> Result<Option<Party>, PortError> {
        self.find_sid(dc, sid).await
    }

    async fn caller(&self, dc: &DcName, party: &Party) -> Result<Option<BTreeSet<Sid>>, PortError> {
        self.read_caller(dc, party).await
    }

    async fn facts(
        &self,
        dc: &DcName,
        account: &AccountRef,
        user: &str,
        spn: &str,
    ) -> Result<Facts, PortError> {
        self.read_facts(dc, account, user, spn).await
    }

    async fn service(&self, dc: &DcName, spn: &str) -> Result<Service, PortError> {
        self.read_service(dc, spn).await
    }

    async fn functional_level(&self, dc: &DcName) -> Result<u32, PortError> {
        self.read_functional_level(dc).await
    }

    async fn history(&self, dc: &DcName, account: &AccountRef) -> Result<History, PortError> {
        self.read_history(dc, account).await
    }

    async fn vendor(&self, dc: &DcName) -> Result<Option<String>, PortError> {
        let (_, root) = self.connections.live(dc).await?;
        Ok(root.text("vendorName").map(str::to_owned))
    }

    async fn mark(&self, dc: &DcName) -> Result<DcMark, PortError> {
        self.read_mark(dc).await
    }

    async fn rights(
        &self,
        dc: &DcName,
        request: &RightsRequest<'_>,
    ) -> Result<LeastRights, PortError> {
        self.read_rights(dc, request).await
    }
}
