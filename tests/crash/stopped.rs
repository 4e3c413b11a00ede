//! Programs that are stopped for longer than every timeout, and go on.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::dc::Dc;
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::gauntlet::is;
use crate::good::{QUICK, few_users};
use crate::toll::Toll;

const ARRAY: &str = "stopped";
/// The longest timeout is that of a keyset on its way to a node and back: 45 s.
const LONG: Duration = seconds(55);

/// An agent, with a keyset in its hand: the roll is aborted in time and says why; the agent finds
/// that what it goes on with comes too late.
pub fn an_agent_stands_still(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free, &["--stage-deadline", "15s"])?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let kvno = world.domain().kvno(&account())?;
    let place = "before call Stage";
    let agent = &mut world.agents[0];
    agent.wishes().set([format!("stop {place}")])?;
    world.cli.run(&["roll", ARRAY, "--yes"])?;
    agent.wait_stopped(place, SOON)?;
    sleep(LONG);
    agent.wishes().set([])?;
    until("the roll to be aborted", LONG, || {
        is(&world, ARRAY, "aborted")
    })
    .with_context(|| world.story())?;
    let view = world.status(ARRAY)?.to_string();
    ensure!(
        view.contains(&world.nodes[0]),
        "it does not name the node: {view}"
    );
    let now = world.domain().kvno(&account())?;
    ensure!(now == kvno, "an aborted roll changed the directory");
    world.agents[0].go_on()?;
    world.agents[0].wait_ready(ARRAY, SOON)?;
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// The controller, with a write on its way and while old tickets die.
pub fn the_controller_stands_still(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free, &[])?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let kvno = world.domain().kvno(&account())?;
    let place = "after ldap modify";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    sleep(LONG);
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    until("the roll to be done", LONG, || is(&world, ARRAY, "done"))
        .with_context(|| world.story())?;
    let now = world.domain().kvno(&account())?;
    ensure!(now == kvno + 1, "one roll: kvno {kvno} to {now}");
    let place = "after record draining";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    sleep(LONG);
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    until("the roll to be done", LONG, || is(&world, ARRAY, "done"))
        .with_context(|| world.story())?;
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// A domain controller, with the write in its hand: another one gets the same password, and when
/// the first goes on, it writes what it was given long ago.
pub fn a_domain_controller_stands_still(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free, &[])?;
    let mut load = few_users(&world, ARRAY);
    // A KDC that takes a question and never answers it keeps any client waiting.
    load.dcs = vec!["dc2".to_owned()];
    let users = Logins::start(lab, ARRAY, &load)?;
    let dc1 = Dc::of(lab, "dc1");
    let place = "before ldap modify";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    dc1.freeze()?;
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    until("dc1 to have the write in its hand", SOON, || {
        dc1.has_unread()
    })?;
    until("the other DC to have the password", LONG, || {
        is(&world, ARRAY, "converging")
    })
    .with_context(|| world.story())?;
    sleep(seconds(20));
    until("the roll to wait for dc1", LONG, || {
        is(&world, ARRAY, "converging")?;
        let why = world.status(ARRAY)?["reason"].to_string();
        ensure!(why.contains("dc1"), "it does not name the DC: {why}");
        Ok(())
    })?;
    dc1.thaw()?;
    until("the roll to be done", LONG, || is(&world, ARRAY, "done"))
        .with_context(|| world.story())?;
    world.domain().wait_for_kvno(&account())?;
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// It dies with the write in its hand, unread, and at other moments near that; then it is started
/// again. Nobody knows whether it has written, and it does not matter.
pub fn a_domain_controller_dies_in_the_modify(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free, &[])?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let dc1 = Dc::of(lab, "dc1");
    let place = "before ldap modify";
    let moments = [None, Some(2), Some(8), Some(20)];
    for moment in moments {
        world.controller.wishes().set([format!("stop {place}")])?;
        world.begin_roll(ARRAY)?;
        world.controller.wait_stopped(place, SOON)?;
        dc1.freeze()?;
        world.controller.wishes().set([])?;
        world.controller.go_on()?;
        until("dc1 to have the write in its hand", SOON, || {
            dc1.has_unread()
        })?;
        if let Some(millis) = moment {
            dc1.thaw()?;
            sleep(Duration::from_millis(millis));
        }
        dc1.kill()?;
        dc1.start()?;
        until("the roll to be done", LONG, || is(&world, ARRAY, "done"))
            .with_context(|| format!("killed after {moment:?} ms\n{}", world.story()))?;
        world.domain().wait_for_kvno(&account())?;
    }
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    toll.killed += moments.len();
    Ok(toll)
}

fn set_up<'a>(lab: &'a Lab, free: &'a FreeNodes, policy: &[&str]) -> Result<World<'a>> {
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    world.create(ARRAY, &[QUICK, policy].concat())?;
    world.serve(ARRAY)?;
    Ok(world)
}

fn account() -> String {
    format!("svc-{ARRAY}$")
}
