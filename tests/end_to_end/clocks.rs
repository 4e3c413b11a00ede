//! Clocks that are set, by hours and backwards too, while a roll drains.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::clock::Clock;
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

const ARRAY: &str = "timed";
/// How long tickets are taken to live.
const DRAIN: u32 = 15;
/// For how long a clock stays wrong: most of the drain.
const WRONG: Duration = seconds(11);

/// The old key is neither taken away early nor kept for ever: what is waited for is counted by a
/// clock that nobody sets.
pub fn set_while_a_roll_drains(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    world.take_tickets_to_live(ARRAY, DRAIN)?;
    let controllers = Clock::new(world.controller.folder())?;
    world.controller.kill()?;
    world.controller.start_with(&controllers.environment())?;
    world.controller.wait_ready()?;
    let agents = Clock::new(world.agents[1].folder())?;
    world.agents[1].kill()?;
    world.agents[1].start_with(&agents.environment())?;
    world.agents[1].wait_ready(ARRAY, SOON)?;
    let users = world.users(ARRAY, LIFE)?;
    for (clock, shift) in [
        (&controllers, "+5h"),
        (&controllers, "-5h"),
        (&agents, "+5h"),
        (&agents, "-5h"),
    ] {
        roll_meanwhile(&world, clock, shift).with_context(|| format!("a clock set by {shift}"))?;
    }
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify(ARRAY)
}

fn roll_meanwhile(world: &World<'_>, clock: &Clock, shift: &str) -> Result<()> {
    world.begin_roll(ARRAY)?;
    world.wait_for_state(ARRAY, "draining")?;
    let began = Instant::now();
    clock.set(shift)?;
    until("most of the drain to pass", seconds(60), || {
        let view = world.status(ARRAY)?;
        // An end too early is an end of the test, not another look.
        if view["state"] != "draining" {
            return Ok(Err(format!("{} {}", view["state"], view["reason"])));
        }
        ensure!(began.elapsed() >= WRONG, "it drains");
        Ok(Ok(()))
    })?
    .map_err(anyhow::Error::msg)
    .with_context(|| world.story())?;
    clock.set("+0s")?;
    world.wait_for_state(ARRAY, "done")?;
    let took = began.elapsed();
    ensure!(took >= seconds(u64::from(DRAIN)), "it drained for {took:?}");
    Ok(())
}
