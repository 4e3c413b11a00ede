//! Ended by SIGKILL at every boundary, and started again: the roll goes on, and nobody notices.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::process::was_killed;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// The records of a roll that goes well, in order (`keyroll::roll::Record::name`).
const GOOD: &[&str] = &[
    "planned",
    "generated",
    "staging",
    "commit-intent",
    "attempt-applied",
    "committed",
    "converged",
    "draining",
    "drained",
    "retiring",
    "done",
];

/// Two rolls: one dies before each of its records, the other after each of them.
pub fn the_controller_dies_at_every_record(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["mortal"])?;
    world.create("mortal", QUICK)?;
    world.serve("mortal")?;
    let users = world.users("mortal", LIFE)?;
    for when in ["before", "after"] {
        for record in GOOD {
            dies_at(&mut world, "mortal", &format!("{when}:{record}"))?;
        }
        world.controller.start()?;
        goes_on_to_the_end(&world, "mortal")?;
    }
    an_abort_survives(&mut world)?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("mortal")
}

/// Aborted while staging, killed before and after it is written down: nothing has changed.
fn an_abort_survives(world: &mut World<'_>) -> Result<()> {
    let kvno = world.domain().kvno("svc-mortal$")?;
    // A node that does not answer keeps the roll staging for as long as the test needs.
    let late = world.agents.len() - 1;
    dies_at(world, "mortal", "after:generated")?;
    world.agents[late].kill()?;
    for place in ["before:aborting", "after:aborting"] {
        let _ = world
            .controller
            .process()
            .and_then(|process| process.kill());
        world
            .controller
            .start_with(&[("KEYROLL_FAILPOINT", place)])?;
        let ended = until("the abort to be written down", SOON, || {
            if let Some(status) = world.controller.process()?.ended()? {
                return Ok(status);
            }
            // Refused while the controller comes up, or dies in answering.
            drop(
                world
                    .cli
                    .ask(&["roll", "abort", "mortal", "--yes", "--reason", "a test"]),
            );
            bail!("the controller still runs")
        })?;
        ensure!(
            was_killed(ended),
            "at {place} it ended with {ended}\n{}",
            world.story()
        );
    }
    world.agents[late].start()?;
    for place in ["before:aborted", "after:aborted"] {
        world
            .controller
            .start_with(&[("KEYROLL_FAILPOINT", place)])?;
        let ended = world
            .controller
            .wait_ended(SOON)
            .with_context(|| world.story())?;
        ensure!(
            was_killed(ended),
            "at {place} it ended with {ended}\n{}",
            world.story()
        );
    }
    world.controller.start()?;
    world.wait_for_state("mortal", "aborted")?;
    let now = world.domain().kvno("svc-mortal$")?;
    ensure!(
        now == kvno,
        "an aborted roll changed the directory: kvno {kvno} to {now}"
    );
    Ok(())
}

/// Each state in turn, and then at any moment: agents die and come back.
pub fn agents_die_in_every_state(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["agents"])?;
    world.create("agents", QUICK)?;
    world.serve("agents")?;
    let users = world.users("agents", LIFE)?;
    for (turn, record) in GOOD.iter().enumerate() {
        // The controller stands still at the boundary, so the agent surely dies in this state.
        dies_at(&mut world, "agents", &format!("after:{record}"))?;
        let index = turn % world.agents.len();
        world.agents[index].kill()?;
        world.agents[index].start()?;
    }
    world.controller.start()?;
    goes_on_to_the_end(&world, "agents")?;

    world.begin_roll("agents")?;
    for turn in 0.. {
        let index = turn % world.agents.len();
        world.agents[index].kill()?;
        world.agents[index].start()?;
        // Not in step with anything that the roll does.
        sleep(Duration::from_millis(70 + 37 * (turn as u64 % 11)));
        let view = world.status("agents")?;
        if view["ended"] == true {
            ensure!(view["state"] == "done", "{view}");
            break;
        }
        ensure!(turn < 400, "the roll never ends: {view}\n{}", world.story());
    }
    users.stop()?.none_failed().with_context(|| world.story())?;
    for agent in &world.agents {
        agent.wait_ready("agents", SOON)?;
    }
    world.verify("agents")
}

/// Starts the controller anew with a failpoint, begins a roll if none is under way, and waits
/// until it has died there.
fn dies_at(world: &mut World<'_>, array: &str, place: &str) -> Result<()> {
    // It does not run if it died at the place before.
    let _ = world
        .controller
        .process()
        .and_then(|process| process.kill());
    world
        .controller
        .start_with(&[("KEYROLL_FAILPOINT", place)])?;
    let status = until(&format!("the controller to die {place}"), SOON, || {
        if let Some(status) = world.controller.process()?.ended()? {
            return Ok(status);
        }
        // Once it answers; it may die in answering, which the next look sees.
        if let Ok(view) = world.status(array).or_else(|error| none_yet(&error))
            && view["ended"] != false
        {
            drop(world.begin_roll(array));
        }
        bail!("it still runs")
    });
    let status = status.with_context(|| world.story())?;
    ensure!(
        was_killed(status),
        "at {place} it ended with {status}\n{}",
        world.story()
    );
    Ok(())
}

/// An array without any roll so far.
fn none_yet(error: &anyhow::Error) -> Result<serde_json::Value> {
    ensure!(
        error.to_string().contains("no roll yet"),
        "the controller does not answer"
    );
    Ok(serde_json::json!({ "ended": true }))
}

fn goes_on_to_the_end(world: &World<'_>, array: &str) -> Result<()> {
    let view = until("the roll to end", seconds(60), || {
        let view = world.status(array)?;
        ensure!(
            view["ended"] == true,
            "{}: {}",
            view["state"],
            view["reason"]
        );
        Ok(view)
    });
    let view = view.with_context(|| world.story())?;
    ensure!(
        view["state"] == "done",
        "it ended as {}: {}",
        view["state"],
        view["reason"]
    );
    Ok(())
}
