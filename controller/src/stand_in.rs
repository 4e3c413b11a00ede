//! A controller without a world, for tests: one domain controller that never answers, and nodes
//! that write down what is asked of them.

pub(crate) mod domain;
mod kdc;
mod nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use keyroll::account::AccountState;
use keyroll::drift::{DcMark, History};
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal, Realm};
use keyroll::name::{ArrayName, DcName};
use keyroll::roll::policy::Policy;
use keyroll::roll::{Answer, Base, Cause, OldKey, Plan, Record, Resolution, Roll, Sealed, Trouble};
use keyroll::secret::Password;
use tokio::sync::{Notify, Semaphore, watch};

use self::nodes::Nodes;
pub(crate) use self::nodes::empty as inventory;
use crate::Ports;
use crate::agents::{AgentPool, Deadlines};
use crate::audit::sinks::{AuditConfig, Sinks};
use crate::backups::{BackupConfig, Backups};
use crate::ca::tests::{World, world};
use crate::keys::seal_password;
use crate::operators::Grave;
use crate::ports::{
    AccountRef, Directory, Kdc, KnownKeys, NewAccount, NotLoggedIn, PasswordWrite, PortError,
    Sighting, SystemClock,
};
use crate::rolls::Rolls;
use crate::store::{ArrayRecord, GenerationRecord, NodeRecord, NodeState, Read as _, StoreError};
use crate::verbs::Controller;

pub(crate) struct StandIn {
    _world: World,
    pub(crate) controller: Arc<Controller>,
    nodes: Arc<Nodes>,
}

impl StandIn {
    pub(crate) fn new() -> Self {
        Self::nowhere(None)
    }

    /// One that makes backups.
    pub(crate) fn backed_up(config: BackupConfig) -> Self {
        Self::nowhere(Some(config))
    }

    /// One whose audit goes there; whoever waits for that does not wait long.
    pub(crate) fn with_sinks(config: &AuditConfig) -> Self {
        let dead = Arc::new(Dead {
            realm: "CORP.EXAMPLE".parse().unwrap(),
        });
        Self::within(dead.clone(), dead, None, config, [].into())
    }

    /// One where nobody may do these alone.
    pub(crate) fn of_two_persons(two_persons: BTreeSet<Grave>) -> Self {
        Self::of_two_persons_heard_by(two_persons, &AuditConfig::default())
    }

    /// The same, whose audit goes there.
    pub(crate) fn of_two_persons_heard_by(
        two_persons: BTreeSet<Grave>,
        config: &AuditConfig,
    ) -> Self {
        let dead = Arc::new(Dead {
            realm: "CORP.EXAMPLE".parse().unwrap(),
        });
        Self::within(dead.clone(), dead, None, config, two_persons)
    }

    fn nowhere(backups: Option<BackupConfig>) -> Self {
        let dead = Arc::new(Dead {
            realm: "CORP.EXAMPLE".parse().unwrap(),
        });
        Self::around(dead.clone(), dead, backups)
    }

    /// In this domain, with these backups.
    pub(crate) fn around(
        directory: Arc<dyn Directory>,
        kdc: Arc<dyn Kdc>,
        backups: Option<BackupConfig>,
    ) -> Self {
        Self::within(directory, kdc, backups, &AuditConfig::default(), [].into())
    }

    fn within(
        directory: Arc<dyn Directory>,
        kdc: Arc<dyn Kdc>,
        backups: Option<BackupConfig>,
        audit: &AuditConfig,
        two_persons: BTreeSet<Grave>,
    ) -> Self {
        let world = world();
        let (store, seal) = (world.scratch.store.clone(), world.scratch.seal.clone());
        let mut sinks = Sinks::new(store.clone(), audit).unwrap();
        Arc::get_mut(&mut sinks).unwrap().patience = std::time::Duration::from_millis(300);
        let nodes = Arc::new(Nodes::default());
        let ports = Ports {
            directory,
            kdc,
            agents: nodes.clone(),
            clock: Arc::new(SystemClock),
            seal,
            store: store.clone(),
            backups: Backups::new(store.clone(), backups),
            epoch: Epoch(1).into(),
            escrow_seconds: 3600,
            balancer: std::time::Duration::from_millis(50),
        };
        let own = world.own.clone();
        let wake = Arc::new(Notify::new());
        let rolls = Rolls::new(ports.clone(), wake.clone(), watch::Sender::new(None));
        let controller = Controller {
            ports,
            pool: Arc::new(AgentPool::new(store, own, Epoch(1), Deadlines::default())),
            authority: world.authority.clone(),
            rolls: Arc::new(rolls.heard_by(sinks.clone())),
            overview: Arc::default(),
            wake,
            schedule_wake: Arc::new(Notify::new()),
            standing: watch::Sender::new(()),
            sinks,
            defaults: crate::config::PolicyConfig::default(),
            own_names: vec!["localhost".to_owned(), "Controller.corp.example".to_owned()],
            enroll_address: "controller:8086".to_owned(),
            operator_address: "controller:8087".to_owned(),
            agent_port: 8088,
            trustee: "keyroll".to_owned(),
            prober: "keyroll".to_owned(),
            fence_attribute: "adminDescription".to_owned(),
            controller_writes: vec!["servicePrincipalName".to_owned()],
            two_persons,
            audit_walks: Arc::new(Semaphore::new(1)),
            leaving: Mutex::default(),
            started: (Instant::now(), 0),
        };
        Self {
            _world: world,
            controller: Arc::new(controller),
            nodes,
        }
    }

    pub(crate) fn keep(&self, array: &ArrayRecord) {
        let store = &self.controller.ports.store;
        let kept: Result<(), StoreError> = store.write(|change| change.put_array(array));
        kept.unwrap();
    }

    /// A node of these arrays.
    pub(crate) fn node(&self, name: &str, state: NodeState, arrays: &[&str]) {
        let mut node = NodeRecord::invited(name.parse().unwrap(), format!("{name}:8088"));
        node.state = state;
        node.arrays = arrays.iter().map(|array| array.parse().unwrap()).collect();
        let store = &self.controller.ports.store;
        let kept: Result<(), StoreError> = store.write(|change| change.put_node(&node));
        kept.unwrap();
    }

    /// What an operator is told of the array.
    pub(crate) fn alarms(&self, array: &ArrayName) -> Vec<keyroll_proto::operator::Alarm> {
        let now = self.controller.ports.clock.now();
        self.controller.overview.alarms(array, now)
    }
}

/// A directory that nobody reaches.
struct Dead {
    realm: Realm,
}

fn silence(object: impl ToString) -> PortError {
    PortError::Unreachable {
        object: object.to_string(),
        why: "no answer".to_owned(),
    }
}

fn unanswered() -> Answer {
    Answer::Unanswered {
        text: "no answer".to_owned(),
    }
}

#[async_trait]
impl Directory for Dead {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    async fn domain_controllers(&self) -> Result<Vec<DcName>, PortError> {
        Ok(vec!["dc1".parse().unwrap()])
    }

    async fn history(&self, dc: &DcName, _: &AccountRef) -> Result<History, PortError> {
        Err(silence(dc))
    }

    async fn mark(&self, dc: &DcName) -> Result<DcMark, PortError> {
        Err(silence(dc))
    }

    async fn find(&self, dc: &DcName, _: &str) -> Result<AccountRef, PortError> {
        Err(silence(dc))
    }

    async fn read(&self, dc: &DcName, _: &AccountRef) -> Result<AccountState, PortError> {
        Err(silence(dc))
    }

    async fn write_password(&self, _: &DcName, _: &PasswordWrite<'_>) -> Answer {
        unanswered()
    }

    async fn create(&self, _: &DcName, _: &NewAccount<'_>) -> Answer {
        unanswered()
    }

    async fn set_enctypes(
        &self,
        dc: &DcName,
        _: &AccountRef,
        _: &[Enctype],
    ) -> Result<(), PortError> {
        Err(silence(dc))
    }

    async fn add_spn(&self, dc: &DcName, _: &AccountRef, _: &str) -> Result<(), PortError> {
        Err(silence(dc))
    }
}

/// An array in service: kvno 4, keyset 7, nodes as given.
pub(crate) fn in_service(site: &StandIn, nodes: &[&str]) -> ArrayRecord {
    let mut array = crate::store::tests::array("web");
    let (first, sealed) = (keyroll::roll::GenerationNumber(1), sealed(site, 1));
    array.keyset_version = Version(7);
    array.current = Some(GenerationRecord {
        number: first,
        kvno: Kvno(4),
        salt: Some(salt()),
        secret: sealed,
        password_known: true,
    });
    site.keep(&array);
    for node in nodes {
        site.node(node, NodeState::Joined, &["web"]);
    }
    array
}

fn salt() -> Salt {
    Salt::new("CORP.EXAMPLEhostweb.corp.example".to_owned())
}

fn sealed(site: &StandIn, generation: u64) -> Sealed {
    let password = Password::new(format!("password of generation {generation}"));
    let generation = keyroll::roll::GenerationNumber(generation);
    let array = "web".parse().unwrap();
    seal_password(&site.controller.ports.seal, &array, generation, &password)
}

/// Begins a roll in the journal, without a driver: kvno 4 to 5, or an unknown one to 5.
pub(crate) fn begin(site: &StandIn, known: bool) -> Roll {
    begin_for(site, known, Cause::Operator, OldKey::UntilDrained)
}

/// The same, for this reason, with the old key going then.
pub(crate) fn begin_for(site: &StandIn, known: bool, cause: Cause, old_key: OldKey) -> Roll {
    let ports = &site.controller.ports;
    let array = ports.store.array(&"web".parse().unwrap()).unwrap().unwrap();
    let members = ports.store.members(&array.name).unwrap();
    let base = array.current.as_ref().filter(|_| known).map(|base| Base {
        generation: base.number,
        kvno: base.kvno,
        password_known: true,
    });
    let plan = Plan {
        array: array.name.clone(),
        roll: array.next_roll,
        cause,
        actor: "test".to_owned(),
        policy: Policy {
            old_key,
            ..array.policy.clone()
        },
        base,
        generation: array.next_generation,
        version: array.keyset_version,
        members: members.into_iter().map(|node| node.name).collect(),
        dcs: ["dc1".parse().unwrap()].into(),
        writer: "dc1".parse().unwrap(),
        enctypes: array.enctypes.clone(),
        password_length: 64,
        leftovers: crate::desired::leftovers(ports, &array, base).unwrap(),
        cool_down: std::time::Duration::ZERO,
        unknown_keys_stay: array.unknown_keys_stay,
    };
    let record = Record::Planned {
        plan: Box::new(plan.clone()),
    };
    let roll = Roll::planned(plan);
    let entry = ports.entry(record, "test");
    ports.record(&array.name, &roll, &entry).unwrap();
    roll
}

/// Writes these records into the roll's journal.
pub(crate) fn go_on(site: &StandIn, roll: &mut Roll, records: impl IntoIterator<Item = Record>) {
    let array = roll.frame().array.clone();
    for record in records {
        roll.apply(record.clone()).unwrap();
        let ports = &site.controller.ports;
        let entry = ports.entry(record, "test");
        ports.record(&array, roll, &entry).unwrap();
    }
}

/// The record that keeps the password of the roll's generation.
pub(crate) fn generated(site: &StandIn, roll: &Roll) -> Record {
    Record::Generated {
        sealed: sealed(site, roll.frame().generation.0),
        fence_before: None,
        fence: "f".to_owned(),
        kvno_before: Kvno(4),
        kvno: Kvno(5),
        salt: salt(),
        longest_ticket: std::time::Duration::ZERO,
    }
}

/// From a new password to a commit that one domain controller was seen to have done.
pub(crate) fn commit(site: &StandIn, roll: &mut Roll) {
    let version = roll.frame().version;
    let records = [
        generated(site, roll),
        Record::Staging {
            version: version.next(),
        },
        Record::CommitIntent {
            attempt: 1,
            dc: "dc1".parse().unwrap(),
        },
        Record::Committed {
            kvno: Kvno(5),
            salt: salt(),
            version: version.next().next(),
        },
    ];
    go_on(site, roll, records);
}

/// From there to a drain of ten and a half hours.
pub(crate) fn draining() -> [Record; 2] {
    let left = Policy::default().drain();
    let dcs = ["dc1".parse().unwrap()].into();
    [Record::Converged { dcs }, Record::Draining { left }]
}

/// It halts, and an operator gives it up.
pub(crate) fn give_up(site: &StandIn, roll: &mut Roll) {
    let trouble = Trouble::NodeRefuses {
        node: "n1".parse().unwrap(),
        why: "clock skew".to_owned(),
    };
    let (choice, actor) = (Resolution::GiveUp, "test".to_owned());
    let records = [
        Record::Halted { trouble },
        Record::Resolved { choice, actor },
    ];
    go_on(site, roll, records);
}
