//! Drives one roll: asks the core for the next step, and writes, acts or waits.
//!
//! The driver decides nothing. A record is durable before it is applied; if it cannot be made
//! durable the process must stop, because nobody can say any more what has been promised.

mod act;
mod back_up;
mod open;
mod tickets;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use keyroll::kerberos::Principal;
use keyroll::name::NodeName;
use keyroll::roll::plan::evidence::warnings;
use keyroll::roll::{
    Action, Circumstances, Decision, End, Observed, Record, Refusal, Resolution, Roll, State, Step,
    plan,
};
use keyroll_proto::operator::RollView;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;

pub(crate) use act::wrong_with;
pub(crate) use tickets::ap_request;
pub use view::{ended_view, story};

use self::act::Stage;
use self::open::{Open, Secrets};
use self::tickets::Tickets;
use crate::Ports;
use crate::keys::UnlockError;
use crate::store::{ArrayRecord, JournalEntry, NodeRecord, NodeState, Read as _, StoreError};

/// Why a driver cannot go on. Each of these must stop the process or the roll, never be skipped.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// A record could not be made durable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be opened.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The journal does not hold together.
    #[error(transparent)]
    Illegal(#[from] keyroll::roll::Illegal),
    /// The array has no name to get a ticket for.
    #[error("array {0} has no SPN, so no ticket can prove its keys")]
    NoService(keyroll::name::ArrayName),
}

/// What operators wish of a roll that is under way.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Abort, with the reason given.
    pub abort: Option<String>,
    /// How to go on after a halt, and who says so.
    pub resolve: Option<(Resolution, String)>,
    /// Domain controllers that do not matter, and who says so.
    pub waive: BTreeMap<keyroll::name::DcName, String>,
}

/// The line between a driver and everybody else.
#[derive(Clone)]
pub struct Line {
    /// What operators wish.
    pub wishes: Arc<std::sync::Mutex<Wishes>>,
    /// Ends a wait early: a wish, a node that came back.
    pub wake: Arc<Notify>,
    /// How the roll stands.
    pub view: watch::Sender<RollView>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            wishes: Arc::default(),
            wake: Arc::default(),
            view: watch::Sender::new(RollView::default()),
        }
    }
}

/// One roll being driven.
pub struct Driver {
    ports: Ports,
    array: ArrayRecord,
    service: Principal,
    roll: Roll,
    observed: Observed,
    tickets: Mutex<Tickets>,
    secrets: Secrets,
    open: Option<Open>,
    record_at: Instant,
    state_at: Instant,
    unsent: Option<u32>,
    /// Nodes that could not be told to shut their gates, since when.
    untold: BTreeMap<NodeName, Instant>,
    /// Nodes that were told so, or were to be, since when.
    shut: BTreeMap<NodeName, Instant>,
    backed_up: bool,
    entries: Vec<JournalEntry>,
    line: Line,
}

/// What a look at everything has shown, before anything is done.
#[derive(Debug, Default)]
pub struct Rehearsed {
    /// Every reason against the roll.
    pub refusals: Vec<Refusal>,
    /// What it costs all the same.
    pub warnings: Vec<String>,
}

/// How long after a node was left behind a look of reconciliation that began before may still tell
/// it that it may serve: one look, one push and one word, at their deadlines.
const LAST_PASS: Duration = Duration::from_secs(60);

/// How long secrets may stay open while nothing is done with them.
const IDLE: Duration = Duration::from_secs(1);

impl Driver {
    /// A driver for a roll that is in the journal already.
    ///
    /// # Errors
    /// [`DriveError::NoService`].
    pub fn new(
        ports: Ports,
        array: ArrayRecord,
        roll: Roll,
        line: Line,
    ) -> Result<Self, DriveError> {
        let entries = ports.store.records(&array.name, roll.frame().roll)?;
        let no_service = || DriveError::NoService(array.name.clone());
        let service = array.witness().ok_or_else(no_service)?;
        let now = Instant::now();
        Ok(Self {
            service,
            ports,
            array,
            roll,
            observed: Observed::default(),
            tickets: Mutex::default(),
            secrets: Secrets::default(),
            open: None,
            record_at: now,
            state_at: now,
            unsent: None,
            untold: BTreeMap::new(),
            shut: BTreeMap::new(),
            backed_up: false,
            entries,
            line,
        })
    }

    /// Drives the roll to its end.
    ///
    /// # Errors
    /// [`DriveError`]: the caller stops the process, and a later one replays the journal.
    pub async fn run(mut self) -> Result<End, DriveError> {
        loop {
            self.stand_by_if_stale().await?;
            self.back_up().await;
            self.heed()?;
            let decision = self.decide();
            self.tell(&decision.reason);
            match decision.step {
                Step::Write(record) => self.write(record, &decision.reason)?,
                Step::Do(actions) => self.act(actions).await?,
                Step::Wait(time) => self.wait(time).await,
                Step::End(end) => return Ok(end),
            }
        }
    }

    /// Where nodes have heard of more than the journal, nothing is done, not even waited for, until
    /// somebody recovers the array and drives the roll anew ([`crate::rolls::Rolls::stop`]).
    async fn stand_by_if_stale(&mut self) -> Result<(), DriveError> {
        let row = self.ports.store.array(&self.array.name)?;
        let Some(why) = row.and_then(|row| row.stale) else {
            return Ok(());
        };
        self.forget();
        self.tell(&format!("held, since its journal is old: {why}"));
        std::future::pending().await
    }

    /// What the roll would do: everything is looked at, nothing is written.
    ///
    /// # Errors
    /// [`DriveError::Unlock`].
    pub async fn rehearse(mut self) -> Result<Rehearsed, DriveError> {
        let refusals = loop {
            match self.decide().step {
                Step::Write(Record::Refused { reasons }) => break reasons,
                Step::Do(actions) if actions.contains(&Action::Generate) => break Vec::new(),
                Step::Do(actions) => self.act(actions).await?,
                Step::Wait(time) => self.wait(time).await,
                Step::Write(_) | Step::End(_) => break Vec::new(),
            }
        };
        let warnings = warnings(self.roll.frame(), &self.observed);
        Ok(Rehearsed { refusals, warnings })
    }

    fn decide(&self) -> Decision {
        let abort = self
            .line
            .wishes
            .lock()
            .ok()
            .and_then(|wishes| wishes.abort.clone());
        let (strangers, set_aside) = self.membership();
        let circumstances = Circumstances {
            strangers,
            set_aside,
            shut_in: self.shut_in(),
            still_sent: self.still_sent(),
            since_record: self.record_at.elapsed(),
            since_state: self.state_at.elapsed(),
            abort,
            unsent: self.unsent,
            next_version: self.array.keyset_version.next(),
        };
        plan(&self.roll, &self.observed, &circumstances)
    }

    /// Nodes that serve the array and are not in the roll, and nodes that must not serve:
    /// quarantined by an operator, or removed from the roll's members.
    fn membership(&self) -> (BTreeSet<NodeName>, BTreeSet<NodeName>) {
        let name = &self.array.name;
        let Ok(nodes) = self.ports.store.members(name) else {
            return Default::default();
        };
        let serves = |node: &NodeRecord| {
            node.state == NodeState::Joined && !node.quarantined.contains_key(name)
        };
        let (serving, others): (Vec<NodeRecord>, Vec<NodeRecord>) =
            nodes.into_iter().partition(serves);
        let serving: BTreeSet<NodeName> = serving.into_iter().map(|node| node.name).collect();
        let members = &self.roll.frame().members;
        let joined = others
            .into_iter()
            .filter(|node| node.state == NodeState::Joined);
        let mut aside = members - &serving;
        aside.extend(joined.map(|node| node.name));
        (&serving - members, aside)
    }

    /// When those that cannot be told will have shut their gates by themselves, for want of a
    /// verdict: counted from the first time that they could not be told one, and from the last
    /// word that somebody else may have had for them by then, so never too early.
    fn shut_in(&self) -> BTreeMap<NodeName, Duration> {
        let left = |(node, since): (&NodeName, &Instant)| {
            let row = self.ports.store.node(node).ok().flatten()?;
            let most = Duration::from_secs(row.stays_ready_seconds?);
            let left = most
                .saturating_add(LAST_PASS)
                .saturating_sub(since.elapsed());
            (!left.is_zero()).then(|| (node.clone(), left))
        };
        self.untold.iter().filter_map(left).collect()
    }

    /// To whom a balancer may send users still, and for how long: it asks a node now and then only.
    fn still_sent(&self) -> BTreeMap<NodeName, Duration> {
        let left = |(node, since): (&NodeName, &Instant)| {
            let left = self.ports.balancer.saturating_sub(since.elapsed());
            (!left.is_zero()).then(|| (node.clone(), left))
        };
        self.shut.iter().filter_map(left).collect()
    }

    /// Writes down what an operator has decided.
    fn heed(&mut self) -> Result<(), DriveError> {
        let (resolve, waive) = match self.line.wishes.lock() {
            Ok(mut wishes) => (wishes.resolve.take(), std::mem::take(&mut wishes.waive)),
            Err(_) => Default::default(),
        };
        for (dc, actor) in waive {
            if !self.roll.may_waive() {
                break;
            }
            self.write(
                Record::Waived { dc, actor },
                "an operator waived a domain controller",
            )?;
        }
        if let Some((choice, actor)) = resolve.filter(|(choice, _)| self.roll.may_resolve(choice)) {
            self.write(
                Record::Resolved { choice, actor },
                "an operator has decided",
            )?;
        }
        Ok(())
    }

    /// Makes a record durable, then true.
    fn write(&mut self, record: Record, reason: &str) -> Result<(), DriveError> {
        let before = self.roll.state();
        let mut roll = self.roll.clone();
        roll.apply(record.clone())?;
        let entry = self.ports.entry(record, reason);
        let array = self.ports.record(&self.array.name, &roll, &entry)?;
        let record = &entry.record;
        tracing::info!(
            array = %array.name,
            roll = %roll.frame().roll,
            record = record.name(),
            state = roll.state().name(),
            reason,
        );
        if let (Record::Halted { trouble }, State::Halted) = (record, roll.state()) {
            let (roll, why) = (roll.frame().roll, trouble.sentence());
            tracing::error!(array = %array.name, %roll, why, "halted: an operator must decide");
        }
        self.unsent = match record {
            Record::CommitIntent { attempt, .. } => Some(*attempt),
            _ => None,
        };
        if let Record::Rejoined { node } | Record::Enlisted { node } = record {
            self.shut.remove(node);
        }
        self.entries.push(entry);
        (self.roll, self.array) = (roll, array);
        self.observed = Observed::default();
        self.record_at = Instant::now();
        if self.roll.state() != before {
            self.state_at = self.record_at;
        }
        // The keyset of this state may be another one, the kvno and the salt too.
        self.open = None;
        Ok(())
    }

    async fn act(&mut self, actions: Vec<Action>) -> Result<(), DriveError> {
        if self.open.is_none() {
            // The account may have been renamed, or been given an SPN, since the last record.
            if let Some(array) = self.ports.store.array(&self.array.name)? {
                self.array = array;
            }
            let open = self.secrets.open(&self.ports, &self.array, &self.roll)?;
            self.open = Some(open);
        }
        let sends = |action: &Action| matches!(action, Action::Commit { .. });
        let sent = actions.iter().any(sends);
        if sent {
            self.unsent = None;
        }
        let Some(open) = &self.open else {
            return Ok(());
        };
        let account = self.array.account_ref();
        let stage = Stage {
            ports: &self.ports,
            roll: &self.roll,
            account: &account,
            service: &self.service,
            base: open.base.as_deref(),
            new: open.new.as_deref(),
            keyset: &open.keyset,
            tickets: &self.tickets,
        };
        let seen = join_all(actions.into_iter().map(|action| stage.act(action))).await;
        for one in seen {
            one.note(&mut self.observed);
        }
        let now = Instant::now();
        for (node, told) in &self.observed.told {
            self.shut.entry(node.clone()).or_insert(now);
            match told {
                Ok(()) => drop(self.untold.remove(node)),
                Err(_) => drop(self.untold.entry(node.clone()).or_insert(now)),
            }
        }
        if sent {
            // A write without an answer may be applied for some time yet, counted from now.
            self.record_at = Instant::now();
        }
        Ok(())
    }

    /// Leaves no secret in the clear.
    fn forget(&mut self) {
        self.open = None;
        self.secrets.wipe();
    }

    async fn wait(&mut self, time: Duration) {
        if time > IDLE {
            self.forget();
        }
        let woken = tokio::time::timeout(time, self.line.wake.notified()).await;
        let waits = self.observed.waits;
        self.observed.look_again();
        if woken.is_ok() {
            // It was not in vain: many nodes coming and going must not use up anybody's patience.
            self.observed.waits = waits;
            tracing::debug!(array = %self.array.name, "woken");
        }
    }

    fn tell(&self, reason: &str) {
        let view = match self.roll.state() {
            State::Ended(_) => view::ended_view(&self.roll, &self.entries),
            _ => view::running_view(&self.roll, &self.observed, reason, &self.entries),
        };
        self.line.view.send_if_modified(|old| {
            let changed = *old != view;
            *old = view;
            changed
        });
    }
}

#[cfg(test)]
mod tests;
