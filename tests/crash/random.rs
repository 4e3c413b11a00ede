//! Deaths that are in step with nothing.

use std::env;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::mortal::Mortal;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use crate::gauntlet::ended_well;
use crate::good::{LIFE, QUICK, give_all_kinds};
use crate::toll::Toll;

/// The variable that says how many programs are killed; `make crash DEATHS=1000`.
const VARIABLE: &str = "KEYROLL_CRASH_DEATHS";
/// How many if it does not say.
const DEATHS: usize = 20;
/// The longest time between two deaths; the shortest is none.
const LONGEST_PAUSE: u64 = 1500;

/// The controller and the agents, whoever is drawn, at any instant of roll after roll.
pub fn anybody_dies_at_any_instant(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    // Not to be repeated by its seed, since the instants are not: but other ones each time.
    let mut draw = Draw::of(since.subsec_nanos().into());
    let mut world = World::new(lab, free, 3, &["random"])?;
    give_all_kinds(&mut world, "random")?;
    world.create("random", QUICK)?;
    world.serve("random")?;
    let users = world.users("random", LIFE)?;
    let wanted = env::var(VARIABLE).ok().map(|text| text.parse());
    let mut toll = Toll {
        killed: wanted.unwrap_or(Ok(DEATHS)).context(VARIABLE)?,
        ..Toll::default()
    };
    for _ in 0..toll.killed {
        sleep(Duration::from_millis(draw.below(LONGEST_PAUSE)));
        let count = world.agents.len() as u64;
        match draw.below(2 * count) {
            victim if victim < count => die(&mut world.agents[usize::try_from(victim)?])?,
            _ => die(&mut world.controller)?,
        }
        begin_if_none(&world, "random")?;
    }
    until("the roll to end", seconds(120), || {
        let view = world.status("random")?;
        ensure!(view["ended"] == true, "{}", view["reason"]);
        ended_well(&view)
    })
    .with_context(|| world.story())?;
    world.roll(&["random"]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify("random")?;
    Ok(toll)
}

/// Begins a roll if none is under way and the controller answers.
fn begin_if_none(world: &World<'_>, array: &str) -> Result<()> {
    match world.status(array) {
        Ok(view) if view["ended"] != true => return Ok(()),
        Ok(view) => ended_well(&view).with_context(|| world.story())?,
        Err(_) => {}
    }
    drop(world.begin_roll(array));
    Ok(())
}

fn die(program: &mut dyn Mortal) -> Result<()> {
    program.process()?.kill()?;
    program.launch()
}

/// Numbers that nobody foresees who does not know the seed (SplitMix64).
pub struct Draw(u64);

impl Draw {
    /// The same numbers for the same seed.
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// One that is below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
