//! The rolls that are under way: begun, taken up again after a start, watched and wished at.

mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyroll::doctor::TicketKey;
use keyroll::name::{ArrayName, DcName, NodeName};
use keyroll::roll::policy::{DelegationGap, Method, OldKey, OnDeadline};
use keyroll::roll::{Base, Cause, End, Plan, Record, Roll, RollNumber, State, WhichKey};
use keyroll_proto::operator::RollView;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Ports;
use crate::audit::sinks::{Sinks, Unheard};
use crate::desired::{self, Desired};
use crate::driver::{DriveError, Driver, Line, Rehearsed};
use crate::ports::{KnownKeys, PortError};
use crate::reconcile::candidates::Candidates;
use crate::scheduler::schedule;
use crate::stale;
use crate::store::{ArrayRecord, NodeRecord, NodeState, Read as _, StoreError};
use pace::Pace;

/// How long an emergency roll waits for a node; a healthy one is staged within a second.
const EMERGENCY_DEADLINE: Duration = Duration::from_secs(30);

/// How many rolls begin in an hour unless the settings say otherwise.
pub const ROLLS_PER_HOUR: u16 = 200;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Why.
    pub cause: Cause,
    /// Who.
    pub actor: String,
    /// When old keys go.
    pub old_key: OldKey,
    /// That the account may be unable to delegate with older tickets for a while.
    pub accepts_gap: bool,
}

/// Why no roll began.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// One roll at a time.
    #[error("roll {roll} of {array} is under way")]
    UnderWay {
        /// The array.
        array: ArrayName,
        /// The roll.
        roll: RollNumber,
        /// Whether it does nothing but wait for old tickets to die.
        draining: bool,
    },
    /// What is remembered of the array is old.
    #[error("this controller's memory of {array} is old: {why}")]
    Stale {
        /// The array.
        array: ArrayName,
        /// What shows it.
        why: String,
    },
    /// There is nobody to give a key to.
    #[error("{0} has no node in service")]
    NoNodes(ArrayName),
    /// There is no name to get a ticket for.
    #[error("{0} has no SPN, so no ticket can prove its keys")]
    NoService(ArrayName),
    /// Its account may not exist yet.
    #[error("it is not known yet whether account {0} was made")]
    Founding(String),
    /// The directory did not tell what a roll needs.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The driver could not begin.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Enough for now, of all arrays together.
    #[error(
        "{array} is not rolled now: {most} rolls have begun within an hour, which is the most \
         (`rolls-per-hour`); the next one may in {} s", wait.as_secs() + 1
    )]
    TooMany {
        /// The array.
        array: ArrayName,
        /// How many are let through.
        most: usize,
        /// How long until the next one may begin.
        wait: Duration,
    },
    /// It would not be on record.
    #[error(transparent)]
    Unheard(#[from] Unheard),
}

/// All rolls under way.
pub struct Rolls {
    ports: Ports,
    running: Mutex<BTreeMap<ArrayName, Driven>>,
    /// Wakes reconciliation: what it saw during a roll is old once that has ended.
    reconcile: Arc<Notify>,
    /// Told when the process must stop: a record could not be made durable.
    fatal: watch::Sender<Option<String>>,
    /// What must have heard of everything before a roll begins.
    sinks: Option<Arc<Sinks>>,
    pace: Pace,
}

/// A roll and who drives it.
struct Driven {
    line: Line,
    task: JoinHandle<()>,
}

/// What comes first when a roll is driven.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// To see whether its journal is the latest: another process has written it.
    Look,
    /// That was seen just now.
    Drive,
}

impl Rolls {
    /// None yet. `reconcile` is woken when a roll ends, `fatal` told why when the process must
    /// stop.
    #[must_use]
    pub fn new(ports: Ports, reconcile: Arc<Notify>, fatal: watch::Sender<Option<String>>) -> Self {
        Self {
            ports,
            running: Mutex::default(),
            reconcile,
            fatal,
            sinks: None,
            pace: Pace::new(ROLLS_PER_HOUR.into()),
        }
    }

    /// Beginning no more than so many within an hour, emergencies aside.
    #[must_use]
    pub fn at_most(mut self, rolls_per_hour: u16) -> Self {
        self.pace = Pace::new(rolls_per_hour.into());
        self
    }

    /// Beginning no roll while no sink of the audit takes anything.
    #[must_use]
    pub fn heard_by(mut self, sinks: Arc<Sinks>) -> Self {
        self.sinks = Some(sinks);
        self
    }

    /// Takes up every roll that the journal has open. Each is driven once its nodes have been
    /// asked whether they have heard of more than the journal.
    ///
    /// # Errors
    /// [`NotBegun`]; the caller stops the process, since a journal does not hold together.
    pub fn take_up(self: &Arc<Self>) -> Result<(), NotBegun> {
        for array in self.ports.store.arrays()? {
            self.take_up_one(array)?;
        }
        Ok(())
    }

    /// The same for one array.
    ///
    /// # Errors
    /// As [`Rolls::take_up`].
    pub fn take_up_one(self: &Arc<Self>, array: ArrayRecord) -> Result<(), NotBegun> {
        if let Some(open) = self.ports.store.open_roll(&array.name)? {
            let state = open.roll.state().name();
            tracing::info!(array = %array.name, roll = %open.number, state, "taking up a roll");
            self.launch(array, open.roll, First::Look)?;
        }
        Ok(())
    }

    /// Nobody drives the array's roll any more when this returns; the roll stays open.
    pub async fn stop(&self, array: &ArrayName) {
        let driven = self
            .running
            .lock()
            .ok()
            .and_then(|mut running| running.remove(array));
        if let Some(Driven { task, .. }) = driven {
            task.abort();
            // What it is in the middle of it ends first: a record is whole or not there.
            drop(task.await);
        }
    }

    /// The line to the array's roll, if one is under way.
    #[must_use]
    pub fn line(&self, array: &ArrayName) -> Option<Line> {
        let running = self.running.lock().ok()?;
        running.get(array).map(|driven| driven.line.clone())
    }

    /// Wakes every roll: something changed that a wait may be for.
    pub fn wake_all(&self) {
        if let Ok(running) = self.running.lock() {
            let lines = running.values().map(|driven| &driven.line);
            lines.for_each(|line| line.wake.notify_one());
        }
    }

    /// Begins a roll: the frame becomes durable, then it is driven.
    ///
    /// # Errors
    /// [`NotBegun`].
    pub async fn begin(
        self: &Arc<Self>,
        array: &ArrayRecord,
        wanted: &Wanted,
    ) -> Result<watch::Receiver<RollView>, NotBegun> {
        if let Some(sinks) = &self.sinks {
            sinks.demand().await?;
        }
        let plan = self.frame(array, wanted).await?;
        let too_many = |wait| NotBegun::TooMany {
            array: array.name.clone(),
            most: self.pace.most(),
            wait,
        };
        let now = Instant::now();
        self.pace.begin(wanted.cause, now).map_err(too_many)?;
        let record = Record::Planned {
            plan: Box::new(plan.clone()),
        };
        let roll = Roll::planned(plan);
        let reason = format!("asked for by {}", wanted.actor);
        let entry = self.ports.entry(record, &reason);
        let array = self.ports.record(&array.name, &roll, &entry)?;
        self.launch(array, roll, First::Drive)
    }

    /// Looks at everything a roll would look at; gives what speaks against it and what it costs.
    ///
    /// # Errors
    /// [`NotBegun`].
    pub async fn rehearse(
        &self,
        array: &ArrayRecord,
        wanted: &Wanted,
    ) -> Result<(Plan, Rehearsed), NotBegun> {
        let plan = self.frame(array, wanted).await?;
        let roll = Roll::planned(plan.clone());
        let driver = Driver::new(self.ports.clone(), array.clone(), roll, Line::default())?;
        Ok((plan, driver.rehearse().await?))
    }

    async fn frame(&self, array: &ArrayRecord, wanted: &Wanted) -> Result<Plan, NotBegun> {
        let stale = |why| NotBegun::Stale {
            array: array.name.clone(),
            why,
        };
        if let Some(why) = &array.stale {
            return Err(stale(why.clone()));
        }
        if let Some(open) = self.ports.store.open_roll(&array.name)? {
            return Err(NotBegun::UnderWay {
                array: array.name.clone(),
                roll: open.number,
                draining: open.roll.state() == State::Draining,
            });
        }
        if let Some(why) = stale::look(&self.ports, &array.name).await? {
            return Err(stale(why));
        }
        // Looked at before anything is written: nobody could drive it, and no later process start.
        if array.services().next().is_none() {
            return Err(NotBegun::NoService(array.name.clone()));
        }
        let serves = |node: &NodeRecord| {
            node.state == NodeState::Joined && !node.quarantined.contains_key(&array.name)
        };
        if array.founding.is_some() {
            return Err(NotBegun::Founding(array.account.sam_account_name.clone()));
        }
        let members = self.ports.store.members(&array.name)?;
        let members: BTreeSet<NodeName> = members
            .into_iter()
            .filter(serves)
            .map(|node| node.name)
            .collect();
        if members.is_empty() {
            return Err(NotBegun::NoNodes(array.name.clone()));
        }
        let dcs = self.ports.directory.domain_controllers().await?;
        let no_dc = || PortError::Missing {
            object: "a domain controller".to_owned(),
        };
        let writer = dcs.first().cloned().ok_or_else(no_dc)?;
        let mut base = array.current.as_ref().map(|current| Base {
            generation: current.number,
            kvno: current.kvno,
            password_known: current.password_known,
        });
        let mut policy = array.policy.clone();
        policy.old_key = wanted.old_key;
        let now = self.ports.clock.now();
        let in_window = policy.delegation_gap == DelegationGap::InWindow
            && schedule(array).is_some_and(|schedule| schedule.window_is_open(now));
        if wanted.accepts_gap || in_window {
            policy.delegation_gap = DelegationGap::Accept;
        }
        if wanted.cause == Cause::Emergency {
            // The key is misused meanwhile: who is slow is left behind, not waited for.
            policy.on_deadline = OnDeadline::Quarantine;
            policy.stage_deadline = policy.stage_deadline.min(EMERGENCY_DEADLINE);
        }
        if let Some(method) = array.method {
            policy.method = method;
        } else {
            let state = self
                .ports
                .directory
                .read(&writer, &array.account_ref())
                .await?;
            policy.method = state.method(base.is_some_and(|base| base.password_known));
        }
        if wanted.cause == Cause::Emergency && self.is_foreign(array, &writer).await? {
            // Somebody set a password that nobody here knows. The key we know opens no ticket of
            // today, so the roll is made as if the account were adopted: whatever is in the
            // keytabs stays until every DC has the new key, and the write is a reset.
            base = None;
        }
        if base.is_none() {
            policy.method = Method::FencedReset;
        }
        Ok(Plan {
            array: array.name.clone(),
            roll: array.next_roll,
            cause: wanted.cause,
            actor: wanted.actor.clone(),
            policy,
            base,
            generation: array.next_generation,
            version: array.keyset_version,
            members,
            dcs: dcs.into_iter().collect(),
            writer,
            enctypes: array.enctypes.clone(),
            password_length: array.password_length,
            leftovers: desired::leftovers(&self.ports, array, base)?,
            cool_down: desired::cool_down(&self.ports, array, now.timestamp())?,
            unknown_keys_stay: array.unknown_keys_stay,
        })
    }

    /// Whether the writer issues with a key that this array does not know, or that has leaked.
    /// Under an older one of the array's own it lags behind, or was set back: then nobody has set
    /// a password, and the key in force is the base as ever.
    async fn is_foreign(&self, array: &ArrayRecord, writer: &DcName) -> Result<bool, NotBegun> {
        let Some(service) = array.registered_services().next() else {
            return Ok(false);
        };
        let desired = Desired::of(&self.ports, array)?;
        let Some(base) = &desired.base else {
            return Ok(true);
        };
        let known = KnownKeys {
            keys: base.keys.iter().map(|key| (WhichKey::Base, key)).collect(),
            new_password: None,
            account: Some(&array.account.principal),
        };
        let sighting = self.ports.kdc.sight(writer, &service, &known).await?;
        let whose = Candidates::new(&self.ports, &desired).whose(&sighting)?;
        Ok(matches!(whose, TicketKey::Foreign | TicketKey::Burned))
    }

    fn launch(
        self: &Arc<Self>,
        array: ArrayRecord,
        roll: Roll,
        first: First,
    ) -> Result<watch::Receiver<RollView>, NotBegun> {
        let line = Line::default();
        let view = line.view.subscribe();
        let name = array.name.clone();
        let driver = Driver::new(self.ports.clone(), array, roll, line.clone())?;
        let wishes = Arc::clone(&line.wishes);
        let (rolls, of) = (Arc::clone(self), name.clone());
        // Locked until it is entered, so that a roll that ends at once finds itself there.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tokio::spawn(async move {
            let end = rolls.drive(driver, &of, first).await;
            if let Ok(mut running) = rolls.running.lock() {
                // The next roll may have begun already: its line must stay.
                let own = |driven: &Driven| Arc::ptr_eq(&driven.line.wishes, &wishes);
                if running.get(&of).is_some_and(own) {
                    running.remove(&of);
                }
            }
            rolls.reconcile.notify_one();
            let name = of;
            match end {
                Ok(End::Done) => tracing::info!(array = %name, "roll done"),
                Ok(end) => tracing::warn!(array = %name, ?end, "roll ended"),
                // Nobody can say any more what has been promised: a successor replays.
                Err(error) => rolls
                    .fatal
                    .send_modify(|why| *why = Some(error.to_string())),
            }
        });
        running.insert(name, Driven { line, task });
        Ok(view)
    }

    async fn drive(
        &self,
        driver: Driver,
        array: &ArrayName,
        first: First,
    ) -> Result<End, DriveError> {
        if first == First::Look {
            stale::look(&self.ports, array).await?;
        }
        let end = driver.run().await?;
        // What came to nothing is tried again and again, and must not drive out older ones.
        if matches!(end, End::Done | End::GivenUp) {
            // That it failed is told by an alarm.
            drop(self.ports.backups.make().await);
        }
        Ok(end)
    }
}
