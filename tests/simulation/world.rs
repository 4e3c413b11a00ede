//! The world that the controller works in: everything but the controller itself, which may die and
//! start again while the world goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::keytab::TargetKind;
use keyroll::name::{ArrayName, NodeName};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::disk::Disk;
use crate::domain::{Domain, Write};
use crate::machine::Machine;
use crate::mistake::Mistake;
use crate::network::Message;
use crate::promise::{Intents, Tickets};
use crate::script::Happening;
use crate::weather::Weather;

/// Something that will happen.
#[derive(Debug, Clone)]
pub enum Event {
    /// One domain controller's changes reach another.
    Replicate { from: usize, to: usize },
    /// A write that nobody waits for any more arrives.
    Write { dc: usize, write: Box<Write> },
    /// A message that nobody waits for any more arrives.
    Message { node: NodeName, message: Message },
    /// As the script has it.
    Script(Happening),
}

/// The world; the fakes of the controller's ports are views of it.
pub struct World {
    inner: Mutex<Inner>,
    /// The controller's process ends now, one way or another.
    pub ended: Notify,
    /// An event was added.
    pub queued: Notify,
    /// A node can be reached again.
    pub came_back: Notify,
}

/// What is in it.
pub struct Inner {
    pub dice: Dice,
    pub weather: Weather,
    pub mistake: Option<Mistake>,
    pub domain: Domain,
    pub machines: BTreeMap<NodeName, Machine>,
    pub tickets: Tickets,
    pub intents: Intents,
    pub disk: Disk,
    /// How far the controller's clock is ahead of the true time.
    pub ahead: TimeDelta,
    /// How long the controller stays dead, once it is killed.
    pub killed: Option<Duration>,
    /// What the run is lost for.
    pub failure: Option<String>,
    /// How long a change takes to reach another domain controller.
    pub lag: std::ops::Range<u64>,
    pub log: Vec<String>,
    pub stages: u32,
    events: BTreeMap<(Duration, u64), Event>,
    queued: u64,
    /// When this runtime's clock began, on the world's.
    began: (Duration, Option<Instant>),
    /// The kvno that a roll which waits for old tickets has replaced: a domain controller that goes
    /// back to it must be noticed.
    pub regress: Option<u32>,
    /// Whether the journal is to be compared with the directory.
    pub compare: bool,
    /// What a mistaken controller's monotonic clock has been pushed by.
    pub pushed: Duration,
    folder: tempfile::TempDir,
}

impl World {
    pub fn new(inner: Inner) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(inner),
            ended: Notify::new(),
            queued: Notify::new(),
            came_back: Notify::new(),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controller's process is killed, and starts again after a while.
    pub fn kill(&self, why: &str) {
        let mut inner = self.lock();
        if inner.killed.is_none() {
            let pause = inner.dice.millis(200..20_000);
            inner.killed = Some(pause);
            inner.strike(&format!("the controller is killed: {why}"));
            self.ended.notify_one();
        }
    }

    /// Looks whether the promise is kept, and ends the run if it is not.
    pub fn check(&self) {
        let mut inner = self.lock();
        inner.check();
        if inner.failure.is_some() {
            self.ended.notify_one();
        }
    }

    pub fn fail(&self, why: String) {
        let mut inner = self.lock();
        inner.fail(why);
        self.ended.notify_one();
    }

    /// Something happens after a while.
    pub fn later(&self, after: Duration, event: Event) {
        self.lock().later(after, event);
        self.queued.notify_one();
    }
}

impl Inner {
    pub fn new(
        seed: u64,
        weather: Weather,
        mistake: Option<Mistake>,
        domain: Domain,
        ticket_life: Duration,
    ) -> Self {
        // Where there is one, a disk in memory: no sync waits for anything.
        let memory = std::path::Path::new("/dev/shm");
        let made = tempfile::Builder::new()
            .prefix("keyroll-")
            .tempdir_in(memory);
        let folder = made.or_else(|_| tempfile::tempdir()).unwrap();
        Self {
            dice: Dice::new(seed, 1),
            weather,
            mistake,
            domain,
            machines: BTreeMap::new(),
            tickets: Tickets::new(ticket_life),
            intents: Intents::default(),
            disk: Disk::default(),
            ahead: TimeDelta::zero(),
            killed: None,
            failure: None,
            lag: 100..15_000,
            log: Vec::new(),
            stages: 0,
            events: BTreeMap::new(),
            queued: 0,
            regress: None,
            compare: true,
            began: (Duration::ZERO, None),
            pushed: Duration::ZERO,
            folder,
        }
    }

    /// A new node, with files of these kinds.
    pub fn add_machine(&mut self, name: &NodeName, array: &ArrayName, kinds: Vec<TargetKind>) {
        // Every other one shuts its gate by itself.
        let stays_ready = self.dice.thousandth(500);
        let stays_ready = stays_ready.then(|| Duration::from_secs(self.dice.number(300..900)));
        let machine = Machine::new(
            name.clone(),
            self.folder.path(),
            array.clone(),
            self.domain.service.clone(),
            kinds,
            self.domain.enctypes[0],
            stays_ready,
        );
        self.machines.insert(name.clone(), machine);
    }

    /// A runtime's clock begins now; called inside it.
    pub fn wake_up(&mut self) {
        self.began.1 = Some(Instant::now());
    }

    /// The runtime ends; its time has passed. Called inside it.
    pub fn sleep(&mut self) {
        self.began = (self.now(), None);
        self.pushed = Duration::ZERO;
    }

    /// How many seconds a mistaken controller takes one for.
    pub fn haste(&self) -> u32 {
        let hasty = self.mistake == Some(Mistake::WaitsByAFastClock);
        if hasty { 10 } else { 1 }
    }

    /// Time passes in which there is no controller.
    pub fn pause(&mut self, time: Duration) {
        self.began.0 += time;
    }

    /// How old the world is.
    pub fn now(&self) -> Duration {
        let (before, instant) = self.began;
        let since = instant.map_or(Duration::ZERO, |instant| instant.elapsed());
        before + since.saturating_sub(self.pushed) / self.haste()
    }

    /// The true time of day.
    pub fn true_time(&self) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        start + TimeDelta::from_std(self.now()).unwrap()
    }

    /// What the controller's clock shows.
    pub fn controllers_time(&self) -> DateTime<Utc> {
        self.true_time() + self.ahead
    }

    /// How far all others' clocks are ahead of the controller's.
    pub fn clock_offset(&self) -> TimeDelta {
        -self.ahead
    }

    pub fn later(&mut self, after: Duration, event: Event) {
        self.queued += 1;
        self.events.insert((self.now() + after, self.queued), event);
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.events.keys().next().map(|(due, _)| *due)
    }

    /// The next event that is due by now.
    pub fn take_due(&mut self) -> Option<Event> {
        let first = self.events.first_entry()?;
        let due = first.key().0;
        if due > self.now() {
            return None;
        }
        self.events.pop_first().map(|(_, event)| event)
    }

    /// Everything that has not happened yet and would do harm, does not happen.
    pub fn forget_script(&mut self) {
        self.events
            .retain(|_, event| !matches!(event, Event::Script(_)));
    }

    /// A line of what happened.
    pub fn note(&mut self, what: impl fmt::Display) {
        let now = self.now();
        let line = format!("[{:>9.3}]   {what}", now.as_secs_f64());
        self.log.push(line);
    }

    /// A line of what went wrong.
    pub fn strike(&mut self, what: &str) {
        let now = self.now();
        let line = format!("[{:>9.3}] ! {what}", now.as_secs_f64());
        self.log.push(line);
    }

    pub fn check(&mut self) {
        let now = self.now();
        self.tickets.issue(&mut self.domain, now);
        self.machines
            .values_mut()
            .for_each(|machine| machine.age(now));
        if self.tickets.has_given_up() {
            self.machines.values_mut().for_each(Machine::give_up_users);
        }
        if let Some(refused) = self.tickets.refused(self.machines.values()) {
            self.fail(refused);
        }
    }

    pub fn fail(&mut self, why: String) {
        if self.failure.is_none() {
            self.strike(&format!("BROKEN: {why}"));
            self.failure = Some(why);
        }
    }

    /// A domain controller's account has changed: the others will hear of it, and clients have
    /// tickets under what it was until now.
    pub fn changed(&mut self, dc: usize) {
        self.compare = true;
        for to in (0..self.domain.dcs.len()).filter(|to| *to != dc) {
            let lag = self.dice.millis(self.lag.clone());
            self.later(lag, Event::Replicate { from: dc, to });
        }
    }

    /// One domain controller's changes reach another, if they reach each other.
    pub fn replicate(&mut self, from: usize, to: usize) {
        let dcs = &self.domain.dcs;
        if dcs[from].apart || dcs[to].apart {
            let event = Event::Replicate { from, to };
            return self.later(Duration::from_secs(10), event);
        }
        self.check();
        if self.domain.replicate(from, to) {
            self.note(format!("dc{} hears of it from dc{}", to + 1, from + 1));
            self.changed(to);
        }
        self.check();
    }
}
