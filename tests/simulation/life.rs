//! One life of the controller's process: from its start on what the disk has, to its end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use keyroll::kerberos::Realm;
use keyroll::roll::{OldKey, State};
use keyroll::secret::Password;
use keyroll_controller::Ports;
use keyroll_controller::keys;
use keyroll_controller::ports::Clock;
use keyroll_controller::reconcile::{Overview, Reconciler};
use keyroll_controller::rolls::Rolls;
use keyroll_controller::scheduler::Scheduler;
use keyroll_controller::seal::Seal;
use keyroll_controller::store::Store;
use tokio::sync::{Notify, watch};

use crate::course::Course;
use crate::directory::Site;
use crate::machine::BALANCER;
use crate::mistake::Mistake;
use crate::network::Network;
use crate::operator::Desk;
use crate::script::Happening;
use crate::world::{Event, World};

/// The controller's clock on the wall.
struct Wall(Arc<World>);

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        self.0.lock().controllers_time()
    }
}

/// Whether a run goes on with another life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Another,
    TheEnd,
}

/// The realm of everything.
pub fn realm() -> Realm {
    "CORP.EXAMPLE".parse().unwrap()
}

/// Lets the controller live until it is killed, stops by itself, or the course is run.
pub fn live(world: &Arc<World>, seal: &Arc<Seal>, course: &mut Course) -> After {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let after = runtime.block_on(async {
        world.lock().wake_up();
        let disk = world.lock().disk.clone();
        let opened = Store::on(disk.medium(), &realm(), Arc::clone(seal));
        let (store, epoch) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                world.fail(format!("the store does not open: {error}"));
                return After::TheEnd;
            }
        };
        let desk = desk(world, seal, Arc::new(store), epoch);
        let after = spend(world, &desk, course).await;
        // Outside of the runtime its clock is another one.
        world.lock().sleep();
        after
    });
    let kept = {
        let mut inner = world.lock();
        let unsynced = inner.disk.unsynced() as u64;
        let kept = inner.dice.number(0..unsynced + 1);
        let pause = inner.killed.take().unwrap_or(Duration::from_secs(1));
        inner.pause(pause);
        usize::try_from(kept).unwrap_or_default()
    };
    // First the power, then the tasks: what is dropped must not write any more.
    world.lock().disk.cut_power(kept);
    drop(runtime);
    after
}

/// What the controller reckons with.
fn balancer(world: &World) -> Duration {
    let forgotten = world.lock().mistake == Some(Mistake::ForgetsTheBalancer);
    if forgotten { Duration::ZERO } else { BALANCER }
}

fn desk(
    world: &Arc<World>,
    seal: &Arc<Seal>,
    store: Arc<Store>,
    epoch: keyroll::fence::Epoch,
) -> (Desk, watch::Receiver<Option<String>>) {
    world
        .lock()
        .note(format!("the controller starts, epoch {epoch}"));
    let site = Arc::new(Site {
        world: Arc::clone(world),
        realm: realm(),
        store: Arc::clone(&store),
    });
    let network = Network {
        world: Arc::clone(world),
        epoch,
    };
    let ports = Ports {
        directory: site.clone(),
        kdc: site,
        agents: Arc::new(network),
        clock: Arc::new(Wall(Arc::clone(world))),
        seal: Arc::clone(seal),
        backups: keyroll_controller::backups::Backups::new(Arc::clone(&store), None),
        store,
        epoch: epoch.into(),
        escrow_seconds: 600,
        balancer: balancer(world),
    };
    let (fatal, failed) = watch::channel(None);
    let wake = Arc::new(Notify::new());
    let desk = Desk {
        world: Arc::clone(world),
        rolls: Arc::new(Rolls::new(ports.clone(), Arc::clone(&wake), fatal)),
        ports,
        overview: Arc::new(Overview::default()),
        wake,
        schedule_wake: Arc::new(Notify::new()),
    };
    (desk, failed)
}

async fn spend(
    world: &Arc<World>,
    (desk, failed): &(Desk, watch::Receiver<Option<String>>),
    course: &mut Course,
) -> After {
    desk.compare();
    if let Err(error) = desk.rolls.take_up() {
        world.fail(format!("a roll cannot be taken up: {error}"));
    }
    let (overview, wake) = (Arc::clone(&desk.overview), Arc::clone(&desk.wake));
    let pause = course.reconcile_pause();
    let reconciler = Reconciler::new(desk.ports.clone(), overview, wake, pause);
    tokio::spawn(reconciler.run());
    let scheduler = Scheduler::new(
        Arc::clone(&desk.ports.store),
        Arc::clone(&desk.rolls),
        Arc::clone(&desk.schedule_wake),
    );
    tokio::spawn(scheduler.run());
    tokio::spawn(follow(desk.clone()));
    tokio::spawn(pump(desk.clone()));
    let mut failed = failed.clone();
    let stopped = failed.wait_for(Option::is_some);
    tokio::select! {
        biased;
        () = world.ended.notified() => {}
        why = stopped => {
            let why = why.ok().and_then(|why| why.clone()).unwrap_or_default();
            if why.contains("illegal journal") {
                world.fail(why);
            } else {
                world.lock().strike(&format!("the controller stops: {why}"));
            }
        }
        why = desk.ports.store.broken() => {
            world.lock().strike(&format!("the controller stops: {why}"));
        }
        () = course.run(desk) => return After::TheEnd,
    }
    match world.lock().failure {
        Some(_) => After::TheEnd,
        None => After::Another,
    }
}

/// A node that can be reached again ends waits early, as the agents' connections do.
async fn follow(desk: Desk) {
    loop {
        desk.world.came_back.notified().await;
        let pause = desk.world.lock().dice.millis(50..15_000);
        tokio::time::sleep(pause).await;
        desk.rolls.wake_all();
        desk.wake.notify_one();
    }
}

/// Has everything happen in its time.
async fn pump(desk: Desk) {
    let world = Arc::clone(&desk.world);
    loop {
        let due = world.lock().take_due();
        if let Some(event) = due {
            desk.handle(event).await;
            world.check();
            continue;
        }
        let wait = {
            let inner = world.lock();
            let due = inner.next_due();
            due.map(|due| due.saturating_sub(inner.now()) * inner.haste())
        };
        let wait = wait.unwrap_or(Duration::from_secs(60));
        drop(tokio::time::timeout(wait, world.queued.notified()).await);
    }
}

impl Desk {
    async fn handle(&self, event: Event) {
        match event {
            Event::Replicate { from, to } => self.world.lock().replicate(from, to),
            Event::Write { dc, write } => {
                let mut inner = self.world.lock();
                inner.strike("a write comes late");
                drop(inner.write(dc, &write));
            }
            Event::Message { node, message } => {
                self.world.lock().deliver_late(&node, &message);
            }
            Event::Script(Happening::Operator(verb)) => {
                let what = Happening::Operator(verb.clone());
                self.world.lock().strike(&what.to_string());
                let desk = self.clone();
                tokio::spawn(async move { desk.ask(&verb).await });
            }
            Event::Script(what) => {
                self.world.lock().regress = self.regress();
                self.world.happen(&what).await;
            }
        }
        if self.world.lock().compare {
            self.compare();
        }
    }

    /// The kvno that a roll has replaced, as long as it waits for tickets under it.
    fn regress(&self) -> Option<u32> {
        let roll = self.open_roll()?.roll;
        let waits = match roll.state() {
            State::Converging => true,
            State::Draining => !roll.drain_left().is_zero(),
            _ => false,
        };
        let patient = roll.frame().policy.old_key == OldKey::UntilDrained;
        let base = roll.frame().base?;
        (waits && patient).then_some(base.kvno.0)
    }

    /// Every password in force can be opened from the journal, unless somebody else set it.
    fn compare(&self) {
        self.world.lock().compare = false;
        let known = self.passwords();
        let mut inner = self.world.lock();
        for dc in 0..inner.domain.dcs.len() {
            let (kvno, password) = inner.domain.in_force(dc);
            let known = known.iter().any(|one| one.expose() == password);
            if !known && !inner.domain.foreign.contains(password) && !inner.domain.dcs[dc].restored
            {
                let password = password.to_owned();
                let number = inner.tickets.number(&password);
                inner.fail(format!(
                    "dc{} has password {number}, kvno {kvno}, and no journal knows it",
                    dc + 1
                ));
                self.world.ended.notify_one();
            }
        }
    }

    /// Every password that the store knows.
    fn passwords(&self) -> Vec<Password> {
        let (array, seal) = (self.array(), &self.ports.seal);
        let generations = array.current.iter();
        let previous = array.previous.iter().map(|previous| &previous.generation);
        let generations = generations.chain(previous);
        let mut sealed: Vec<_> = generations
            .map(|one| (one.number, one.secret.clone()))
            .collect();
        for past in self.ports.store.history(&array.name, 4).unwrap() {
            let new = past.roll.generated();
            sealed.extend(new.map(|new| (past.roll.frame().generation, new.sealed.clone())));
        }
        // Those of long ago are destroyed.
        sealed.retain(|(_, sealed)| !sealed.0.is_empty());
        let salt = self.world.lock().domain.salt();
        let open = |(number, sealed)| {
            let opened = keys::unlock(seal, &array.name, number, &sealed, Some(&salt), &[]);
            opened.expect("what was sealed here opens here").password
        };
        sealed.into_iter().filter_map(open).collect()
    }
}
