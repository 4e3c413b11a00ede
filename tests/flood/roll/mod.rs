//! The same roll, in turns without strangers and among them.

mod fleet;
mod frames;
mod strangers;
pub mod users;

use std::fmt;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{LIFE, QUICK, World};
use serde_json::Value;

use fleet::Fleet;
use strangers::{Came, Strangers};
use users::{Logins, Users};

/// As many as a large array has.
const AGENTS: u16 = 100;
const ARRAY: &str = "flood";
/// What memory may grow by, KiB.
pub const MEMORY_MOST: u64 = 64 * 1024;
/// The controller as it is installed, and a line in its log for each connection that it loses.
const LOG: (&str, &str) = ("RUST_LOG", "info,keyroll_controller::agents=debug");
/// What it writes there then.
const LOST: &str = "not connected";

/// What the rolls came to.
#[derive(Debug)]
pub struct Course {
    /// How long each roll without strangers took, but for its drain, which is a wait.
    pub calm: Vec<Duration>,
    /// How long each of those among them.
    pub flooded: Vec<Duration>,
    /// The most memory that the controller had before there was a stranger, KiB.
    pub memory_before: u64,
    /// How much more it had since.
    pub memory_more: u64,
    /// How much more the agent had that grew most.
    pub agent_more: u64,
    /// Who logged in at the nodes meanwhile.
    pub logins: Logins,
    /// Connections to agents that broke, and calls with them.
    pub lost: usize,
    /// What the strangers did.
    pub came: Came,
}

/// Rolls the array in turns, `times` each way.
///
/// # Errors
/// A roll is not done, or the harness fails.
pub fn course(lab: &Lab, times: usize) -> Result<Course> {
    let free = FreeNodes::of(lab);
    let mut world = World::new(lab, &free, 0, &[])?;
    world.create(ARRAY, QUICK)?;
    world.controller.process()?.terminate()?;
    // The tests' own is one second, which would ask a hundred agents all the time.
    world
        .controller
        .reconfigure(|text| text.replace("reconcile-seconds = 1\n", ""))?;
    let mut fleet = Fleet::enlist(lab, world.controller.folder(), ARRAY, AGENTS)?;
    fleet.start()?;
    world.controller.start_with(&[LOG])?;
    world.controller.wait_ready()?;
    fleet.wait_ready().with_context(|| world.story())?;
    world.domain().wait_for_spn(&world.spn(ARRAY))?;
    rolls(&mut world, &fleet, times).with_context(|| world.story())
}

fn rolls(world: &mut World<'_>, fleet: &Fleet, times: usize) -> Result<Course> {
    let controller = world.controller.process()?.id();
    let users = Users::begin(world.lab, &world.spn(ARRAY), LIFE, fleet)?;
    // The first one makes connections, and what memory they take.
    one_roll(world)?;
    let memory_before = peak(controller)?;
    let agents_before = fleet.peaks()?;
    let lost_before = lost(world)?;
    let (mut calm, mut flooded, mut came) = (Vec::new(), Vec::new(), Came::default());
    for _ in 0..times {
        calm.push(one_roll(world)?);
        let strangers = Strangers::come(&world.controller.config(), fleet)?;
        flooded.push(one_roll(world)?);
        came += strangers.go()?;
    }
    let lost = lost(world)? - lost_before;
    let agents = fleet.peaks()?;
    let grown = agents.iter().zip(agents_before);
    let logins = users.end()?;
    Ok(Course {
        calm,
        flooded,
        memory_before,
        memory_more: peak(controller)?.saturating_sub(memory_before),
        agent_more: grown
            .map(|(now, before)| now.saturating_sub(before))
            .max()
            .unwrap_or(0),
        logins,
        lost,
        came,
    })
}

/// A roll to its end, which must be good; what it took without its drain.
fn one_roll(world: &World<'_>) -> Result<Duration> {
    let views = world.roll(&[ARRAY])?;
    let view = views.first().context("no roll")?;
    ensure!(
        view["state"] == "done",
        "the roll is {}: {}",
        view["state"],
        view["reason"]
    );
    let times = view["times"].as_array().context("no times")?;
    let worked = times.iter().filter(|time| time["state"] != "draining");
    let millis = worked.map(|time| match &time["millis"] {
        Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_u64().unwrap_or(0),
    });
    Ok(Duration::from_millis(millis.sum()))
}

fn lost(world: &World<'_>) -> Result<usize> {
    let log = fs::read_to_string(world.controller.log())?;
    Ok(log.lines().filter(|line| line.contains(LOST)).count())
}

/// The most memory that a process has had, KiB.
fn peak(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.and_then(|line| line.split_whitespace().next());
    Ok(words.context("no peak of memory")?.parse()?)
}

impl Course {
    /// The quickest among strangers, beside the quickest without.
    #[must_use]
    pub fn best(&self) -> (Duration, Duration) {
        let best = |spans: &[Duration]| spans.iter().min().copied().unwrap_or_default();
        (best(&self.flooded), best(&self.calm))
    }

    /// No login, no connection, and no stranger who was not there.
    ///
    /// # Errors
    /// What was lost.
    pub fn nothing_is_lost(&self) -> Result<()> {
        let Logins {
            fresh,
            cached,
            looks,
            failures,
        } = &self.logins;
        ensure!(failures.is_empty(), "{}", failures.join("\n"));
        let least = 10 * u64::from(AGENTS);
        ensure!(
            *fresh > least && *cached > least && *looks > least,
            "few logins: {}",
            self.logins
        );
        ensure!(self.lost == 0, "{} connections to agents broke", self.lost);
        self.came.was_a_flood()
    }

    /// Neither the controller nor any agent has grown by more than it may.
    ///
    /// # Errors
    /// What grew.
    pub fn memory_is_bounded(&self) -> Result<()> {
        for (who, more) in [
            ("the controller", self.memory_more),
            ("an agent", self.agent_more),
        ] {
            ensure!(
                more <= MEMORY_MOST,
                "{who} has grown by {more} KiB under the flood"
            );
        }
        Ok(())
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calm,
            flooded,
            memory_before,
            memory_more,
            agent_more,
            logins,
            lost,
            came,
        } = self;
        let (best_flooded, best_calm) = self.best();
        let ratio = best_flooded.as_secs_f64() / best_calm.as_secs_f64();
        write!(
            f,
            "rolls of {AGENTS} agents, without their drains: calm {calm:?}, flooded {flooded:?}, \
             the best of them {ratio:.2} times; \
             controller {memory_before} KiB, +{memory_more}; agent +{agent_more} KiB; {logins}; \
             {lost} connections lost; {came}"
        )
    }
}
