//! The places where a test ends or stops the controller: before and after each record, each
//! action of a roll, each row that is saved, each question to the directory, a KDC or an agent,
//! each write to the directory, each file that gets its name, and whatever an audit sink is told.
//!
//! None of them is listed by hand: [`places`] asks the records, the actions, the store's tables and
//! the ports themselves, so that a new one is a new place. Debug builds only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use keyroll::account::AccountState;
use keyroll::account::rights::LeastRights;
use keyroll::delegation::plan::Service;
use keyroll::delegation::trial::{Facts, Tried};
use keyroll::delegation::{Holding, Inventory, Party};
use keyroll::descriptor::Sid;
use keyroll::directory_change::DirectoryChange;
use keyroll::doctor::{LdapFacts, NodeAround, Surplus};
use keyroll::drift::{DcMark, History};
use keyroll::fence::Version;
use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::{Enctype, Key, Principal, Realm};
use keyroll::keyset::Keyset;
use keyroll::name::{ArrayName, DcName, NodeName};
use keyroll::roll::{Action, Answer, Record};
use keyroll::spn::{Aliases, HostRecords};
use keyroll_failpoint::at;
use strum::VariantNames as _;

use crate::Ports;
use crate::agents::renewal::QUESTIONS;
use crate::audit::sinks::TAKE;
use crate::directory::acl::RightsRequest;
use crate::directory::connection::WRITES;
use crate::ports::{
    AccountRef, Agents, Directory, Kdc, KnownKeys, NewAccount, NodeInventory, NodeProof,
    NotLoggedIn, PasswordWrite, PortError, Sighting, SpnSearch, SpnsFound, Trial, Values,
};
use crate::publish::Made;
use crate::store::Change;

/// Every place of the controller, as `KIND NAME`; each is reached before and after.
#[must_use]
pub fn places() -> Vec<String> {
    let of = |kind: &'static str, names: &[&str]| {
        let place = |name: &&str| format!("{kind} {name}");
        names.iter().map(place).collect::<Vec<_>>()
    };
    [
        of("record", Record::VARIANTS),
        of("action", Action::VARIANTS),
        of("save", &Change::TABLES),
        of("port", DIRECTORY),
        of("port", KDC),
        of("port", AGENTS),
        of("renewal", &QUESTIONS),
        of("ldap", &WRITES),
        of("publish", Made::VARIANTS),
        of("sink", &[TAKE]),
    ]
    .concat()
}

/// The same ports, each call of which is a place.
#[must_use]
pub fn watched(ports: Ports) -> Ports {
    if !cfg!(debug_assertions) {
        return ports;
    }
    Ports {
        directory: Arc::new(Watched(ports.directory)),
        kdc: Arc::new(Watched(ports.kdc)),
        agents: Arc::new(Watched(ports.agents)),
        ..ports
    }
}

/// A port, each call of which is a place.
struct Watched<P: ?Sized>(Arc<P>);

/// Implements a port by handing each call on. A call that is missing here does not compile or, if
/// the port has a body for it, is refused by clippy.
macro_rules! watched {
    (
        $names:ident of $port:ident { $($as_it_is:item)* }
        $(fn $call:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+
    ) => {
        const $names: &[&str] = &[$(stringify!($call)),+];

        #[deny(clippy::missing_trait_methods, reason = "a call that is missing here is lost")]
        #[async_trait]
        impl $port for Watched<dyn $port> {
            $($as_it_is)*
            $(async fn $call(&self, $($argument: $kind),*) -> $answer {
                let _here = at("port", stringify!($call));
                self.0.$call($($argument),*).await
            })+
        }
    };
}

watched! {
    DIRECTORY of Directory {
        fn realm(&self) -> &Realm {
            self.0.realm()
        }

        // Nothing is done for what these tell: a word in an alarm is all that can be lost.
        async fn history(&self, dc: &DcName, account: &AccountRef) -> Result<History, PortError> {
            self.0.history(dc, account).await
        }

        async fn spn_aliases(&self, dc: &DcName) -> Result<Aliases, PortError> {
            self.0.spn_aliases(dc).await
        }

        async fn host(&self, name: &str) -> Result<HostRecords, PortError> {
            self.0.host(name).await
        }

        async fn surplus(
            &self,
            dc: &DcName,
            account: &AccountRef,
        ) -> Result<Vec<Surplus>, PortError> {
            self.0.surplus(dc, account).await
        }

        async fn mark(&self, dc: &DcName) -> Result<DcMark, PortError> {
            self.0.mark(dc).await
        }

        // Looks alone: whoever dies in one has done nothing, as in `read`.
        async fn holding(
            &self,
            dc: &DcName,
            account: &AccountRef,
        ) -> Result<(Party, Holding), PortError> {
            self.0.holding(dc, account).await
        }

        async fn delegation(
            &self,
            dc: &DcName,
            account: &AccountRef,
            spns: &[String],
        ) -> Result<Inventory, PortError> {
            self.0.delegation(dc, account, spns).await
        }

        async fn resources(
            &self,
            dc: &DcName,
            account: &AccountRef,
        ) -> Result<Vec<String>, PortError> {
            self.0.resources(dc, account).await
        }

        async fn takes(&self, dc: &DcName) -> Result<Option<LdapFacts>, PortError> {
            self.0.takes(dc).await
        }

        async fn party(&self, dc: &DcName, name: &str) -> Result<Option<Party>, PortError> {
            self.0.party(dc, name).await
        }

        async fn owner_of(&self, dc: &DcName, sid: &Sid) -> Result<Option<Party>, PortError> {
            self.0.owner_of(dc, sid).await
        }

        async fn caller(
            &self,
            dc: &DcName,
            party: &Party,
        ) -> Result<Option<BTreeSet<Sid>>, PortError> {
            self.0.caller(dc, party).await
        }

        async fn facts(
            &self,
            dc: &DcName,
            account: &AccountRef,
            user: &str,
            spn: &str,
        ) -> Result<Facts, PortError> {
            self.0.facts(dc, account, user, spn).await
        }

        async fn service(&self, dc: &DcName, spn: &str) -> Result<Service, PortError> {
            self.0.service(dc, spn).await
        }

        async fn functional_level(&self, dc: &DcName) -> Result<u32, PortError> {
            self.0.functional_level(dc).await
        }

        async fn vendor(&self, dc: &DcName) -> Result<Option<String>, PortError> {
            self.0.vendor(dc).await
        }
    }
    fn domain_controllers() -> Result<Vec<DcName>, PortError>;
    fn find(dc: &DcName, name: &str) -> Result<AccountRef, PortError>;
    fn read(dc: &DcName, account: &AccountRef) -> Result<AccountState, PortError>;
    fn write_password(dc: &DcName, write: &PasswordWrite<'_>) -> Answer;
    fn create(dc: &DcName, account: &NewAccount<'_>) -> Answer;
    fn may_create(
        dc: &DcName,
        kind: AccountKind,
        container: Option<&str>
    ) -> Result<(), PortError>;
    fn spn_owners(dc: &DcName, spns: &[String]) -> Result<Vec<(String, String)>, PortError>;
    fn set_enctypes(dc: &DcName, account: &AccountRef, to: &[Enctype]) -> Result<(), PortError>;
    fn add_spn(dc: &DcName, account: &AccountRef, spn: &str) -> Result<(), PortError>;
    fn spn_holders(dc: &DcName, search: &SpnSearch) -> Result<SpnsFound, PortError>;
    fn values(
        dc: &DcName,
        guid: &[u8; 16],
        attributes: &[&str]
    ) -> Result<Values, PortError>;
    fn make_change(change: &DirectoryChange) -> Answer;
    fn rights(
        dc: &DcName,
        request: &RightsRequest<'_>
    ) -> Result<LeastRights, PortError>;
}

watched! {
    KDC of Kdc {
        // Nothing follows from it: its tickets die with the call.
        async fn delegate(&self, dc: &DcName, trial: &Trial<'_>) -> Result<Tried, PortError> {
            self.0.delegate(dc, trial).await
        }
    }
    fn sight(
        dc: &DcName,
        service: &Principal,
        known: &KnownKeys<'_>
    ) -> Result<Sighting, PortError>;
    fn log_in(
        dc: &DcName,
        account: &Principal,
        keys: &[Key]
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn>;
}

watched! {
    AGENTS of Agents {
        // Nothing is done for what they tell but a line of the doctor's.
        async fn around(
            &self,
            node: &NodeName,
            array: &ArrayName,
            hosts: &[String],
        ) -> Result<NodeAround, PortError> {
            self.0.around(node, array, hosts).await
        }
    }
    fn look(
        node: &NodeName,
        array: &ArrayName,
        nonce: [u8; 32]
    ) -> Result<NodeInventory, PortError>;
    fn stage(
        node: &NodeName,
        keyset: &Keyset,
        nonce: [u8; 32]
    ) -> Result<NodeInventory, PortError>;
    fn prove(
        node: &NodeName,
        array: &ArrayName,
        ap_request: Vec<u8>
    ) -> Result<Vec<NodeProof>, PortError>;
    fn admit(
        node: &NodeName,
        array: &ArrayName,
        required: Version,
        verdict: Result<(), String>
    ) -> Result<(), PortError>;
    fn wipe(node: &NodeName, array: &ArrayName) -> Result<(), PortError>;
}
