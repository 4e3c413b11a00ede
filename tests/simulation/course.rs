//! The course of a run: first everything may go wrong, then nothing does, and the array must come
//! to rest, roll once more, and be right.

use std::time::Duration;

use chrono::TimeDelta;
use keyroll::roll::{Cause, End, OldKey, Resolution, State};

use crate::machine::Refusing;
use crate::operator::Desk;
use crate::weather::Weather;
use crate::world::{Event, Inner};

/// How often the course looks how things stand.
const TICK: Duration = Duration::from_secs(5);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Things go wrong until then.
    Trouble(Duration),
    /// Nothing goes wrong any more; the open roll ends by then.
    Calm(Duration),
    /// Another roll is to be made.
    Again,
    /// It is under way and ends by then.
    Rolling(Duration),
    /// It is done; from then on everything is right.
    Rest(Duration),
}

/// The course of one run; it outlives the controller's lives.
pub struct Course {
    phase: Phase,
    reconcile: Duration,
    drain: Duration,
    halts: u32,
    tries: u32,
    hurry: bool,
}

impl Course {
    pub fn new(trouble: Duration, reconcile: Duration, drain: Duration) -> Self {
        Self {
            phase: Phase::Trouble(trouble),
            reconcile,
            drain,
            halts: 0,
            tries: 0,
            hurry: false,
        }
    }

    pub fn reconcile_pause(&self) -> Duration {
        self.reconcile
    }

    /// How long a roll may take in which nothing goes wrong any more: what went wrong before may
    /// have to be waited out, and a drain may begin anew.
    fn patience(&self) -> Duration {
        self.drain * 3 + Duration::from_secs(3600)
    }

    /// Runs until everything is right, or the run is lost.
    pub async fn run(&mut self, desk: &Desk) {
        loop {
            tokio::time::sleep(TICK).await;
            desk.weigh_emergency();
            let now = desk.world.lock().now();
            match self.phase {
                Phase::Trouble(until) if now >= until => {
                    desk.world.lock().heal();
                    desk.world.came_back.notify_one();
                    desk.world.queued.notify_one();
                    desk.take_all_back();
                    desk.rolls.wake_all();
                    self.phase = Phase::Calm(now + self.patience());
                }
                Phase::Trouble(_) => {}
                Phase::Calm(until) => {
                    if self.has_ended(desk, now, until).await {
                        // What replication brings, it brings now.
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        self.phase = Phase::Again;
                    }
                }
                Phase::Again => self.begin(desk, now).await,
                Phase::Rolling(until) => {
                    if self.has_ended(desk, now, until).await {
                        self.judge(desk, now);
                    }
                }
                Phase::Rest(until) if now >= until => {
                    if let Err(why) = desk.at_rest() {
                        desk.world.fail(why);
                    }
                    return;
                }
                Phase::Rest(_) => {}
            }
            if desk.world.lock().failure.is_some() {
                return;
            }
        }
    }

    /// Whether no roll is open; a halted one is resolved.
    async fn has_ended(&mut self, desk: &Desk, now: Duration, until: Duration) -> bool {
        if now < until && desk.is_driven() {
            return false;
        }
        let Some(open) = desk.open_roll() else {
            return true;
        };
        if open.roll.state() == State::Halted {
            tokio::time::sleep(Duration::from_secs(20)).await;
            self.halts += 1;
            let choice = if self.halts.is_multiple_of(2) {
                Resolution::GiveUp
            } else {
                Resolution::Continue
            };
            desk.world.lock().note(format!("an operator: {choice:?}"));
            desk.resolve(&choice);
        } else if now >= until {
            let view = desk.rolls.line(&Desk::name());
            let reason = view.map(|line| line.view.borrow().reason.clone());
            desk.world.fail(format!(
                "roll {} is {} without an end: {}",
                open.number,
                open.roll.state().name(),
                reason.unwrap_or_default()
            ));
        }
        false
    }

    async fn begin(&mut self, desk: &Desk, now: Duration) {
        self.tries += 1;
        if self.tries > 6 {
            desk.world
                .fail("six rolls in calm weather, and none is done".to_owned());
            return;
        }
        if self.tries > 1 {
            // What stands in the way of a roll may be the tickets of before.
            tokio::time::sleep(self.drain / 4).await;
        }
        let cause = if self.hurry {
            Cause::Emergency
        } else {
            Cause::Operator
        };
        match desk.roll(cause, OldKey::UntilDrained).await {
            Ok(()) => self.phase = Phase::Rolling(now + self.patience()),
            Err(_) => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    }

    fn judge(&mut self, desk: &Desk, now: Duration) {
        let past = desk.ports.store.history(&Desk::name(), 1).unwrap();
        let Some(past) = past.first() else {
            return;
        };
        self.phase = match past.roll.state() {
            State::Ended(End::Done) => Phase::Rest(now + Duration::from_secs(120)),
            _ => Phase::Again,
        };
        // A password that somebody else set: only an emergency rolls over it.
        let foreign = |code: &str| matches!(code, "key-foreign" | "kvno-differs");
        let refusals = past.roll.refusals().iter();
        self.hurry = refusals.map(|one| one.code.as_str()).any(foreign);
    }
}

impl Inner {
    /// Nothing goes wrong any more, and what is broken works again.
    fn heal(&mut self) {
        self.strike("from here on nothing goes wrong");
        self.weather = Weather::default();
        self.forget_script();
        self.disk.mend();
        self.ahead = TimeDelta::zero();
        let names: Vec<_> = self.machines.keys().cloned().collect();
        for name in names {
            self.start(&name);
            if let Some(machine) = self.machines.get_mut(&name) {
                machine.cut = false;
                machine.refusing = Refusing::Nothing;
                machine.watch();
            }
        }
        let dcs = self.domain.dcs.len();
        for from in 0..dcs {
            (self.domain.dcs[from].cut, self.domain.dcs[from].apart) = (false, false);
            for to in (0..dcs).filter(|to| *to != from) {
                let soon = self.dice.millis(1_000..30_000);
                self.later(soon, Event::Replicate { from, to });
            }
        }
    }
}

impl Desk {
    /// Whether a roll goes on by what its driver tells: reading its journal again and again is a
    /// tenth of what a seed costs.
    fn is_driven(&self) -> bool {
        self.rolls.line(&Self::name()).is_some_and(|line| {
            let view = line.view.borrow();
            !view.ended && !view.state.is_empty() && view.state != State::Halted.name()
        })
    }

    /// Every node serves with the one key that every domain controller issues tickets with.
    fn at_rest(&self) -> Result<(), String> {
        let array = self.array();
        let current = array.current.as_ref().ok_or("no generation is in force")?;
        let alarms = self.overview.alarms(&array.name, self.ports.clock.now());
        // A notice tells of what is over.
        if let Some(alarm) = alarms.iter().find(|alarm| alarm.grade != "notice") {
            return Err(format!(
                "an alarm at rest: {}: {}",
                alarm.object, alarm.what
            ));
        }
        let mut inner = self.world.lock();
        let inner = &mut *inner;
        for dc in 0..inner.domain.dcs.len() {
            let key = inner.tickets.key_of(&mut inner.domain, dc);
            if key.0 != current.kvno.0 {
                return Err(format!("at rest dc{} issues with kvno {}", dc + 1, key.0));
            }
            for machine in inner.machines.values() {
                if !machine.serving {
                    let why = machine.readiness().err().unwrap_or_default();
                    return Err(format!("at rest {} does not serve: {why}", machine.name));
                }
                let one = std::collections::BTreeSet::from([key.clone()]);
                if machine.held.iter().any(|held| *held != one) {
                    return Err(format!("at rest {} holds another keyset", machine.name));
                }
            }
        }
        if inner.domain.bad_logins > 0 {
            return Err(format!(
                "{} failed logins were counted",
                inner.domain.bad_logins
            ));
        }
        Ok(())
    }
}
