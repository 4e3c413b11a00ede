//! Level-triggered: compare what is with what shall be, and mend, for as long as the process runs.
//!
//! A roll is a story with an order; this is not. A keytab that was lost, damaged or restored, a
//! node that was away, an SPN that waits for its first node: each is put right whenever it is
//! seen, however it came about.

mod stand_by;
mod unknown_key;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use keyroll::name::{ArrayName, NodeName};
use keyroll::roll::WhichKey;
use keyroll_proto::operator::Alarm;
use tokio::sync::Notify;

use crate::Ports;
use crate::desired::Desired;
use crate::driver::{DriveError, wrong_with};
use crate::founding::{self, Unsettled};
use crate::ports::{KnownKeys, NodeInventory};
use crate::random;
use crate::store::{ArrayRecord, NodeRecord, NodeState, Read as _, StoreError};

/// A node as last seen by reconciliation.
#[derive(Debug, Clone)]
pub struct NodeStatus {
    /// When it last answered.
    pub seen: Option<DateTime<Utc>>,
    /// Its last inventory.
    pub inventory: Option<NodeInventory>,
    /// The nonce of that inventory's fingerprints.
    pub nonce: [u8; 32],
    /// `in-service`, `behind`, `unreachable`, `quarantined`, `drifted`, `held`.
    pub state: &'static str,
    /// Why, if it is not in service.
    pub reason: String,
}

/// What is known of every array, from the last look.
#[derive(Default)]
pub struct Overview {
    nodes: Mutex<BTreeMap<(ArrayName, NodeName), NodeStatus>>,
    alarms: Mutex<BTreeMap<ArrayName, Vec<Alarm>>>,
}

impl Overview {
    /// The node as last seen.
    #[must_use]
    pub fn node(&self, array: &ArrayName, node: &NodeName) -> Option<NodeStatus> {
        self.nodes
            .lock()
            .ok()?
            .get(&(array.clone(), node.clone()))
            .cloned()
    }

    /// Everything that an operator should know of an array.
    #[must_use]
    pub fn alarms(&self, array: &ArrayName) -> Vec<Alarm> {
        self.alarms
            .lock()
            .ok()
            .and_then(|all| all.get(array).cloned())
            .unwrap_or_default()
    }

    fn set(&self, array: &ArrayName, nodes: Vec<(NodeName, NodeStatus)>, alarms: Vec<Alarm>) {
        if let Ok(mut all) = self.nodes.lock() {
            all.retain(|(of, _), _| of != array);
            all.extend(
                nodes
                    .into_iter()
                    .map(|(node, status)| ((array.clone(), node), status)),
            );
        }
        if let Ok(mut all) = self.alarms.lock() {
            all.insert(array.clone(), alarms);
        }
    }
}

/// The loop.
pub struct Reconciler {
    ports: Ports,
    overview: Arc<Overview>,
    wake: Arc<Notify>,
    pause: Duration,
    /// The arrays whose nodes were all asked what they have heard, since this process began.
    asked: Mutex<BTreeSet<ArrayName>>,
}

impl Reconciler {
    /// A loop that looks at every array each `pause`, and when woken.
    #[must_use]
    pub fn new(ports: Ports, overview: Arc<Overview>, wake: Arc<Notify>, pause: Duration) -> Self {
        Self {
            ports,
            overview,
            wake,
            pause,
            asked: Mutex::default(),
        }
    }

    /// Runs for ever.
    pub async fn run(self) {
        loop {
            match self.ports.store.arrays() {
                Ok(arrays) => {
                    join_all(arrays.iter().map(|array| self.attend(array))).await;
                }
                Err(error) => tracing::error!(%error, "the store cannot be read"),
            }
            // An event ends the wait early; the pause is for what sends none.
            drop(tokio::time::timeout(self.pause, self.wake.notified()).await);
        }
    }

    async fn attend(&self, array: &ArrayRecord) {
        if let Err(error) = self.pass(array).await {
            tracing::error!(array = %array.name, %error, "an array cannot be looked after");
            let alarm = alarm(
                "critical",
                &array.name,
                error.to_string(),
                "journalctl -u keyroll-controller",
            );
            self.overview.set(&array.name, Vec::new(), vec![alarm]);
        }
    }

    /// One look at one array, with everything that can be mended mended.
    ///
    /// # Errors
    /// [`DriveError`] if the store, the seal or a journal fails.
    pub async fn pass(&self, array: &ArrayRecord) -> Result<(), DriveError> {
        if self.stands_by(&array.name).await? {
            return Ok(());
        }
        if array.founding.is_some() {
            return self.found(array).await;
        }
        self.forget_previous(array)?;
        let desired = Desired::of(&self.ports, array)?;
        // What was read before may be out of date by now.
        let array = &desired.array;
        let mut members = self.ports.store.members(&array.name)?;
        members.retain(|node| node.state == NodeState::Joined);
        let unknown = if desired.keyset.generations.is_empty() {
            Some(self.fresh_request(array).await)
        } else {
            None
        };
        let mends = members
            .iter()
            .map(|node| self.mend(array, &desired, node, unknown.as_ref()));
        let nodes = join_all(mends).await;
        let nodes: Vec<(NodeName, NodeStatus)> = members
            .into_iter()
            .map(|node| node.name)
            .zip(nodes)
            .collect();
        if nodes.iter().any(|(_, status)| status.state == "held") {
            self.stands_by(&array.name).await?;
            return Ok(());
        }
        let mut alarms: Vec<Alarm> = nodes
            .iter()
            .filter_map(|(node, status)| node_alarm(array, node, status))
            .collect();
        let held = nodes.iter().any(|(_, status)| status.state == "in-service");
        if held && !array.spns_pending.is_empty() {
            alarms.extend(self.register(array).await?);
        }
        if desired.roll.is_none() {
            alarms.extend(self.look_at_dcs(array, &desired).await);
        }
        alarms.sort_by_key(|alarm| alarm.grade != "critical");
        self.overview.set(&array.name, nodes, alarms);
        Ok(())
    }

    /// The account's making was not answered: nothing is staged until it is known.
    async fn found(&self, array: &ArrayRecord) -> Result<(), DriveError> {
        let name = &array.account.sam_account_name;
        let alarms = match self.ports.directory.domain_controllers().await {
            Ok(dcs) if !dcs.is_empty() => {
                match founding::settle(&self.ports, &dcs[0], &mut array.clone()).await {
                    Ok(()) => Vec::new(),
                    Err(Unsettled::Store(error)) => return Err(error.into()),
                    Err(error) => vec![alarm(
                        "critical",
                        name,
                        format!("it is not known whether it was made: {error}"),
                        &format!("keyroll array delete {}", array.name),
                    )],
                }
            }
            _ => Vec::new(),
        };
        self.overview.set(&array.name, Vec::new(), alarms);
        Ok(())
    }

    /// An old generation is destroyed once no restored domain controller can bring it back.
    fn forget_previous(&self, array: &ArrayRecord) -> Result<(), StoreError> {
        let now = self.ports.clock.now().timestamp();
        if array
            .previous
            .as_ref()
            .is_none_or(|previous| previous.destroy_at_unix > now)
        {
            return Ok(());
        }
        tracing::info!(array = %array.name, "the generation before is destroyed");
        self.ports.store.write(|change| {
            if let Some(mut array) = change.array(&array.name)? {
                array.previous = None;
                change.put_array(&array)?;
            }
            Ok(())
        })
    }

    async fn mend(
        &self,
        array: &ArrayRecord,
        desired: &Desired,
        node: &NodeRecord,
        unknown: Option<&Result<Vec<u8>, String>>,
    ) -> NodeStatus {
        let ordered = node.quarantined.get(&array.name).cloned();
        let node = &node.name;
        let quarantined = ordered.or_else(|| desired.left_behind().remove(node));
        let nonce = random::bytes();
        let looked = self.ports.agents.look(node, &array.name, nonce).await;
        let status = |inventory, state, reason| NodeStatus {
            seen: Some(self.ports.clock.now()),
            inventory: Some(inventory),
            nonce,
            state,
            reason,
        };
        let mut inventory = match looked {
            Ok(inventory) => inventory,
            Err(error) => {
                let before = self.overview.node(&array.name, node);
                let seen = before.and_then(|before| before.seen);
                let state = if quarantined.is_some() {
                    "quarantined"
                } else {
                    "unreachable"
                };
                let reason = error.to_string();
                return NodeStatus {
                    seen,
                    inventory: None,
                    nonce,
                    state,
                    reason,
                };
            }
        };
        match self.has_forgotten(array, node, &inventory) {
            Ok(None) => {}
            Ok(Some(why)) => return status(inventory, "held", why),
            Err(error) => return status(inventory, "held", error.to_string()),
        }
        let mut wrong = self.wrong(&inventory, desired, &nonce);
        let drifted = inventory.targets.iter().any(|target| target.drifted);
        if wrong.is_some() && !desired.is_staged(node) && !desired.keyset.generations.is_empty() {
            tracing::info!(array = %array.name, node = %node, why = wrong, "mending a node");
            match self.ports.agents.stage(node, &desired.keyset, nonce).await {
                Ok(after) => {
                    wrong = self.wrong(&after, desired, &nonce);
                    inventory = after;
                }
                Err(error) => wrong = Some(error.to_string()),
            }
        }
        let mut required = desired.keyset.version;
        if let Some(request) = unknown {
            // There is nothing to compare with, and no newer keyset to wait for.
            wrong = wrong_with(&inventory, &desired.keyset, &nonce)
                .or(self.refuses(array, node, request).await);
            required = inventory.version;
        }
        let verdict = match (&quarantined, &wrong) {
            (None, None) if desired.is_stranger(node) => {
                Err("it joins the array's roll before it serves".to_owned())
            }
            (Some(why), _) => Err(format!("quarantined: {why}")),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Ok(()),
        };
        // A node whose roll is driven gets its word from the driver, which knows more.
        if !desired.is_driven(node) || verdict.is_ok() {
            let admitted = self
                .ports
                .agents
                .admit(node, &array.name, required, verdict.clone());
            drop(admitted.await);
        }
        match (quarantined, verdict) {
            (Some(why), _) => status(inventory, "quarantined", why),
            (None, Err(why)) if drifted => status(inventory, "drifted", why),
            (None, Err(why)) => status(inventory, "behind", why),
            (None, Ok(())) => status(inventory, "in-service", String::new()),
        }
    }

    fn wrong(
        &self,
        inventory: &NodeInventory,
        desired: &Desired,
        nonce: &[u8; 32],
    ) -> Option<String> {
        let behind = inventory.version != desired.keyset.version;
        let why = || format!("it holds keyset {}", inventory.version);
        wrong_with(inventory, &desired.keyset, nonce).or_else(|| behind.then(why))
    }

    /// A node holds the key now, so clients may be given tickets for it.
    async fn register(&self, array: &ArrayRecord) -> Result<Vec<Alarm>, DriveError> {
        let writer = match self.ports.directory.domain_controllers().await {
            Ok(dcs) if !dcs.is_empty() => dcs[0].clone(),
            _ => return Ok(Vec::new()),
        };
        let mut alarms = Vec::new();
        for spn in &array.spns_pending {
            match self
                .ports
                .directory
                .add_spn(&writer, &array.account_ref(), spn)
                .await
            {
                Ok(()) => {
                    tracing::info!(array = %array.name, spn, dc = %writer, "SPN registered");
                    self.ports.store.write(|change| {
                        if let Some(mut array) = change.array(&array.name)? {
                            array.spns_pending.remove(spn);
                            change.put_array(&array)?;
                        }
                        Ok::<_, StoreError>(())
                    })?;
                }
                Err(error) => {
                    alarms.push(alarm(
                        "critical",
                        spn,
                        error.to_string(),
                        &format!("keyroll verify {}", array.name),
                    ));
                }
            }
        }
        Ok(alarms)
    }

    async fn look_at_dcs(&self, array: &ArrayRecord, desired: &Desired) -> Vec<Alarm> {
        let (Some(service), Some(current), Some(base)) = (
            array.registered_services().next(),
            &array.current,
            &desired.base,
        ) else {
            return Vec::new();
        };
        let dcs = match self.ports.directory.domain_controllers().await {
            Ok(dcs) => dcs,
            Err(error) => {
                return vec![alarm(
                    "warning",
                    &array.name,
                    error.to_string(),
                    "keyroll status",
                )];
            }
        };
        let known = KnownKeys {
            keys: base.keys.iter().map(|key| (WhichKey::Base, key)).collect(),
            new_password: None,
        };
        let looks = dcs
            .iter()
            .map(|dc| self.ports.kdc.sight(dc, &service, &known));
        let next = format!("keyroll verify {}", array.name);
        let judge =
            |(dc, sighting): (&keyroll::name::DcName, Result<_, crate::ports::PortError>)| {
                let sighting: crate::ports::Sighting = match sighting {
                    Ok(sighting) => sighting,
                    Err(error) => return Some(alarm("warning", dc, error.to_string(), &next)),
                };
                let foreign = sighting.key != WhichKey::Base;
                let what = if foreign {
                    format!(
                        "its tickets (kvno {}) open with no key of this array: somebody set the \
                     password",
                        sighting.kvno
                    )
                } else if sighting.kvno != current.kvno {
                    format!(
                        "its tickets carry kvno {}, the nodes hold {}",
                        sighting.kvno, current.kvno
                    )
                } else {
                    return None;
                };
                Some(alarm("critical", dc, what, &next))
            };
        dcs.iter()
            .zip(join_all(looks).await)
            .filter_map(judge)
            .collect()
    }
}

fn node_alarm(array: &ArrayRecord, node: &NodeName, status: &NodeStatus) -> Option<Alarm> {
    let next = format!("keyroll node show {} {node}", array.name);
    match status.state {
        "in-service" => None,
        state => Some(alarm(
            "warning",
            node,
            format!("{state}: {}", status.reason),
            &next,
        )),
    }
}

fn alarm(grade: &str, object: impl ToString, what: impl Into<String>, next: &str) -> Alarm {
    Alarm {
        grade: grade.to_owned(),
        object: object.to_string(),
        what: what.into(),
        next: next.to_owned(),
    }
}
