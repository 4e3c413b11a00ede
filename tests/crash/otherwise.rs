//! Rolls that are refused, aborted, short of a node or given one more, while the controller dies.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::gauntlet::{dies_while, is, reason_has};
use crate::good::{QUICK, few_users};
use crate::toll::Toll;

const ARRAY: &str = "otherwise";
/// The array that the late node knows already.
const OTHER: &str = "other";
/// The node that is away, and the one that comes later; users log in at the others.
const AWAY: usize = 2;
const LATE: usize = 3;

/// Every record that a good roll has not, but those of halts.
pub fn rolls_that_end_otherwise_survive(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = World::new(lab, free, 4, &[ARRAY, OTHER])?;
    world.create(OTHER, QUICK)?;
    world.join(OTHER, LATE)?;
    world.create(ARRAY, &[QUICK, &["--method", "reset"]].concat())?;
    for index in 0..LATE {
        world.join(ARRAY, index)?;
        let agent = &world.agents[index];
        world.web.serve(&agent.node, agent.keytab(ARRAY))?;
    }
    world.domain().wait_for_spn(&world.spn(ARRAY))?;
    let mut load = few_users(&world, ARRAY);
    load.direct.truncate(AWAY);
    let users = Logins::start(lab, ARRAY, &load)?;
    let deaths = [
        refused(&mut world)?,
        aborted(&mut world)?,
        without_one_and_with_one_more(&mut world)?,
        refused_by_the_directory(&mut world)?,
        put_back(&mut world)?,
    ];
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    toll.killed = deaths.iter().sum();
    Ok(toll)
}

/// A node does not answer: nothing is begun.
fn refused(world: &mut World<'_>) -> Result<usize> {
    world.agents[AWAY].kill()?;
    let deaths = dies_while(world, &["record refused"], |world| {
        let view = begun(world)?;
        ensure!(view["state"] == "refused", "it is {}", view["state"]);
        let code = &view["refusals"][0]["code"];
        ensure!(code == "node-unreachable", "{view}");
        Ok(())
    })?;
    world.agents[AWAY].start()?;
    world.agents[AWAY].wait_ready(ARRAY, SOON)?;
    Ok(deaths)
}

/// An operator aborts while a node is waited for: nothing has changed in the directory.
fn aborted(world: &mut World<'_>) -> Result<usize> {
    let kvno = world.domain().kvno(&account())?;
    let held = staging_without_one(world)?;
    let begun = dies_while(world, &["record aborting"], |world| {
        let abort = ["roll", "abort", ARRAY, "--yes", "--reason", "a test"];
        drop(world.cli.ask(&abort));
        is(world, ARRAY, "aborting")
    })?;
    let again = world.cli.run(&["roll", "abort", ARRAY, "--yes"])?;
    ensure!(again.to_string().contains("already"), "{again}");
    world.agents[AWAY].start()?;
    let ended = dies_while(world, &["record aborted"], |world| {
        is(world, ARRAY, "aborted")
    })?;
    unchanged(world, kvno)?;
    Ok(held + begun + ended)
}

/// One node is set aside while it is waited for, another one joins; the first one comes back.
fn without_one_and_with_one_more(world: &mut World<'_>) -> Result<usize> {
    let held = staging_without_one(world)?;
    let late = world.agents[LATE].full_name();
    let enlisted = dies_while(world, &["record enlisted"], |world| {
        // It is a node of another array, so that this is all that is needed.
        drop(world.cli.ask(&["node", "add", ARRAY, &late]));
        is(world, ARRAY, "staging")
    })?;
    let away = world.agents[AWAY].full_name();
    let aside = dies_while(world, &["record quarantined", "action shut"], |world| {
        let order = ["node", "quarantine", ARRAY, &away, "--reason", "a test"];
        drop(world.cli.ask(&order));
        // Who cannot be told to shut its gate might be serving: it is not left behind before it is.
        reason_has(world, ARRAY, "cannot be told not to")
    })?;
    world.agents[AWAY].start()?;
    world.wait_for_state(ARRAY, "draining")?;
    let back = dies_while(world, &["record rejoined"], |world| {
        drop(world.cli.ask(&["node", "resume", ARRAY, &away]));
        is(world, ARRAY, "done")
    })?;
    for agent in &world.agents {
        agent.wait_ready(ARRAY, SOON)?;
    }
    Ok(held + enlisted + aside + back)
}

/// Somebody has touched the fence: the directory refuses each write, and the roll ends as if it had
/// never been. The first refusal is lost, so it has to be waited out.
fn refused_by_the_directory(world: &mut World<'_>) -> Result<usize> {
    let kvno = world.domain().kvno(&account())?;
    let place = "before action commit";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    let sam = account();
    let dn = world.domain().attribute("dc1", &sam, "distinguishedName")?;
    let dn = dn.first().context("no distinguishedName")?;
    world.domain().modify(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: adminDescription\nadminDescription: a stranger\n"
    ))?;
    let places = [
        "record attempt-refused",
        "record settled",
        "record abandoned",
        "record aborting",
        "record aborted",
    ];
    let deaths = dies_while(world, &places, |world| is(world, ARRAY, "aborted"))?;
    let view = world.status(ARRAY)?;
    let why = view["verdict"].to_string() + &view["reason"].to_string();
    ensure!(why.contains("refused"), "it does not say why: {view}");
    unchanged(world, kvno)?;
    Ok(deaths)
}

/// The controller's disk is put back to before the commit: it is found out, and an operator has it
/// recovered.
fn put_back(world: &mut World<'_>) -> Result<usize> {
    let place = "after record staging";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    let store = world.controller.folder().join("state/state.redb");
    let snapshot = world.controller.folder().join("snapshot");
    fs::copy(&store, &snapshot)?;
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    world.wait_for_state(ARRAY, "draining")?;
    world.controller.kill()?;
    fs::copy(&snapshot, &store)?;
    world.controller.start()?;
    dies_while(world, &["record recovered"], |world| {
        drop(world.cli.ask(&["recover", ARRAY, "--yes"]));
        is(world, ARRAY, "done")
    })
}

/// A roll that has given the other nodes both keys and waits for one that has just died.
fn staging_without_one(world: &mut World<'_>) -> Result<usize> {
    let place = "after record generated";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    world.agents[AWAY].kill()?;
    dies_while(world, &["record staging"], |world| {
        is(world, ARRAY, "staging")
    })
}

/// The last roll's view; begins one if the last one ended otherwise than refused.
fn begun(world: &World<'_>) -> Result<Value> {
    let view = world.status(ARRAY).or_else(|error| {
        ensure!(error.to_string().contains("no roll yet"), "{error}");
        Ok(serde_json::json!({ "ended": true }))
    })?;
    if view["ended"] == true && view["state"] != "refused" {
        world.begin_roll(ARRAY)?;
    }
    Ok(view)
}

fn account() -> String {
    format!("svc-{ARRAY}$")
}

fn unchanged(world: &World<'_>, kvno: u32) -> Result<()> {
    let now = world.domain().kvno(&account())?;
    ensure!(
        now == kvno,
        "the directory was changed: kvno {kvno} to {now}"
    );
    Ok(())
}
