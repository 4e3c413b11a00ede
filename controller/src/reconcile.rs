//! Level-triggered: compare what is with what shall be, and mend, for as long as the process runs.
//!
//! A roll is a story with an order; this is not. A keytab that was lost, damaged or restored, a
//! node that was away, an SPN that waits for its first node: each is put right whenever it is
//! seen, however it came about.

mod account;
pub(crate) mod candidates;
mod databases;
mod forget;
mod heal;
mod names;
mod nodes;
mod overview;
mod passwords;
mod register;
mod stand_by;
#[cfg(test)]
mod tests;
mod unknown_key;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join, join_all};
use keyroll::drift::{Change, Judgement};
use keyroll::name::ArrayName;
use keyroll_proto::operator::Alarm;
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;

use self::databases::Databases;
use self::nodes::node_alarm;
use self::overview::alarm;
pub use self::overview::{NodeStatus, Overview};
use crate::Ports;
use crate::audit::sinks::Sinks;
use crate::desired::Desired;
use crate::driver::DriveError;
use crate::founding::{self, Unsettled};
use crate::rolls::Rolls;
use crate::store::{ArrayRecord, NodeState, Read as _};

/// The loop.
pub struct Reconciler {
    ports: Ports,
    overview: Arc<Overview>,
    wake: Arc<Notify>,
    pause: Duration,
    /// The arrays whose nodes were all asked what they have heard, since this process began.
    asked: Mutex<BTreeSet<ArrayName>>,
    /// Where healing rolls are begun; none: nothing is healed.
    rolls: Option<Arc<Rolls>>,
    /// Where the audit goes, without whose word nothing is registered; none: nowhere else.
    sinks: Option<Arc<Sinks>>,
    /// The SPNs of which it stands in the audit that they are being registered.
    registering: Mutex<BTreeSet<(ArrayName, String)>>,
    /// When each array's tickets were last looked at.
    looked: Mutex<BTreeMap<ArrayName, Instant>>,
    /// When each array's journals were last searched for secrets that are due.
    swept: Mutex<BTreeMap<ArrayName, Instant>>,
    /// Since when each array's leaving SPNs have been watched, and which.
    named: Mutex<BTreeMap<ArrayName, (Instant, BTreeSet<String>)>>,
    databases: tokio::sync::Mutex<Databases>,
}

/// What others do to an array, looked at once in a pass, by whoever first needs to know.
struct Watch<'a> {
    reconciler: &'a Reconciler,
    desired: &'a Desired,
    seen: OnceCell<Watched>,
}

/// What was seen of the account and of the domain controllers.
#[derive(Default)]
struct Watched {
    lasting: Vec<Change>,
    foreign: bool,
    altered: bool,
}

impl Watch<'_> {
    async fn seen(&self) -> Result<&Watched, DriveError> {
        let look = || self.reconciler.watch_others(self.desired);
        self.seen.get_or_try_init(look).await
    }

    /// Whether tickets come under a key that nobody here knows. Where that cannot be found out
    /// the caller goes on as if not.
    async fn is_foreign(&self) -> bool {
        self.seen().await.is_ok_and(|seen| seen.foreign)
    }
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
            rolls: None,
            sinks: None,
            registering: Mutex::default(),
            looked: Mutex::default(),
            swept: Mutex::default(),
            named: Mutex::default(),
            databases: tokio::sync::Mutex::default(),
        }
    }

    /// The same, where healing rolls may be begun for arrays whose policy says so.
    #[must_use]
    pub fn healing_with(mut self, rolls: Arc<Rolls>) -> Self {
        self.rolls = Some(rolls);
        self
    }

    /// The same, where these must hear of an SPN before it is registered.
    #[must_use]
    pub fn heard_by(mut self, sinks: Arc<Sinks>) -> Self {
        self.sinks = Some(sinks);
        self
    }

    /// Runs for ever.
    pub async fn run(self) {
        loop {
            match self.ports.store.arrays() {
                Ok(arrays) if arrays.is_empty() => {}
                Ok(arrays) => {
                    let all = join_all(arrays.iter().map(|array| self.attend(array)));
                    join(all, self.look_at_databases()).await;
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
            self.overview
                .set(&array.name, Vec::new(), vec![alarm], Vec::new());
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
        let desired = Desired::of(&self.ports, array)?;
        self.forget(&desired)?;
        // What was read before may be out of date by now.
        let array = &desired.array;
        let mut members = self.ports.store.members(&array.name)?;
        members.retain(|node| node.state == NodeState::Joined);
        let unknown = if desired.keyset.generations.is_empty() {
            Some(self.fresh_request(array).await)
        } else {
            None
        };
        let watch = Watch {
            reconciler: self,
            desired: &desired,
            seen: OnceCell::new(),
        };
        let mends = members
            .iter()
            .map(|node| self.mend(&watch, node, unknown.as_ref()));
        let (mended, watched) = join(join_all(mends), watch.seen()).await;
        if mended.iter().any(|status| status.state == "held") {
            self.stands_by(&array.name).await?;
            return Ok(());
        }
        let watched = watched?;
        let nodes = members.into_iter().map(|node| node.name);
        let nodes: Vec<_> = nodes.zip(mended).collect();
        let troubled = nodes.iter();
        let mut alarms: Vec<Alarm> = troubled
            .filter_map(|(node, status)| node_alarm(array, node, status))
            .collect();
        let held = nodes.iter().any(|(_, status)| status.state == "in-service");
        if held && !array.spns_pending.is_empty() {
            alarms.extend(self.register(array).await?);
        }
        let changes = watched.lasting.clone();
        self.overview.set(&array.name, nodes, alarms, changes);
        if watched.altered {
            // The nodes are given it at once, not at the next look.
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Looks at the account and, while no roll is open, at every domain controller's tickets.
    async fn watch_others(&self, desired: &Desired) -> Result<Watched, DriveError> {
        let dcs = match self.ports.directory.domain_controllers().await {
            Ok(dcs) => dcs,
            Err(error) => {
                let lasting = vec![without_dcs(&desired.array, error.to_string())];
                return Ok(Watched {
                    lasting,
                    ..Watched::default()
                });
            }
        };
        let Some(writer) = dcs.first() else {
            return Ok(Watched::default());
        };
        let account = self.look_at_account(desired, &dcs).await?;
        let passwords = if let Some(roll) = &desired.roll {
            // The roll's driver sees to that, and its time is not time without tickets.
            self.since_last_look(&desired.array.name);
            self.look_at_halted(&desired.array, roll, writer).await
        } else {
            let state = account.state.as_ref();
            self.look_at_passwords(desired, state, &dcs).await?
        };
        Ok(Watched {
            lasting: [account.lasting, passwords.lasting].concat(),
            foreign: passwords.foreign,
            altered: account.altered || passwords.altered,
        })
    }

    /// How long ago the array's tickets were last looked at; nothing at the first look.
    fn since_last_look(&self, array: &ArrayName) -> Duration {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let before = looked.insert(array.clone(), now);
        before.map_or(Duration::ZERO, |before| now - before)
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
        self.overview
            .set(&array.name, Vec::new(), alarms, Vec::new());
        Ok(())
    }
}

fn without_dcs(array: &ArrayRecord, what: String) -> Change {
    Change {
        code: "no-domain-controllers",
        object: array.name.to_string(),
        what,
        attribute: None,
        origin: None,
        consequence: String::new(),
        judgement: Judgement::StopsRolls,
        next: "keyroll status".to_owned(),
    }
}
