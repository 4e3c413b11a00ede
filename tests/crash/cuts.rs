//! Cuts between controller, agents and domain controllers: waited out, or gone round.

use std::thread::sleep;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::network::Cut;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::gauntlet::{is, next_roll, reason_has};
use crate::good::{LIFE, QUICK, few_users};
use crate::toll::Toll;

const ARRAY: &str = "cuts";
/// Longer than any question to a node or a DC may take but a keyset's way (45 s).
const LONG: std::time::Duration = seconds(75);

/// In each state in turn the controller loses a node, and then all it speaks with.
pub fn the_controller_is_parted(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let nodes = world.nodes.clone();
    let nodes = nodes.iter().map(String::as_str);
    let node: Vec<&str> = nodes.clone().take(1).collect();
    let everybody: Vec<&str> = ["dc1", "dc2"].into_iter().chain(nodes).collect();
    for (place, whom) in [
        ("after record staging", &node[..]),
        ("after record committed", &everybody),
        ("before record retiring", &everybody),
    ] {
        begin_and_stop(&mut world, place)?;
        let cut = Cut::between(lab, "controller", whom)?;
        world.controller.wishes().set([])?;
        world.controller.go_on()?;
        if whom.len() == 1 {
            // A node is missed before the roll goes on.
            waits_for(&world, whom[0])?;
        } else {
            // Nobody is there at all, for a moment.
            sleep(seconds(3));
        }
        cut.heal()?;
        done(&world)?;
    }
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// The writer vanishes with the write on its way: another DC gets the same password.
pub fn the_writer_is_cut_off(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let kvno = world.domain().kvno(&account())?;
    // Before it is sent, and with its answer under way: `dc1` has it then.
    for place in ["before ldap modify", "after ldap modify"] {
        begin_and_stop(&mut world, place)?;
        let cut = Cut::between(lab, "controller", &["dc1"])?;
        world.controller.wishes().set([])?;
        world.controller.go_on()?;
        until("the roll to wait for dc1", LONG, || {
            is(&world, ARRAY, "converging")?;
            reason_has(&world, ARRAY, "dc1")
        })
        .with_context(|| world.story())?;
        cut.heal()?;
        done(&world)?;
    }
    // Written on both sides of a split, since nobody knows that it was: it is the same password.
    begin_and_stop(&mut world, "after ldap modify")?;
    let parted = Cut::between(lab, "dc1", &["dc2", "controller"])?;
    world.controller.wishes().set([])?;
    world.controller.process()?.kill()?;
    world.controller.start()?;
    until("the roll to wait for dc1", LONG, || {
        is(&world, ARRAY, "converging")?;
        reason_has(&world, ARRAY, "dc1")
    })
    .with_context(|| world.story())?;
    parted.heal()?;
    world.domain().dc(&["replicate"])?;
    done(&world)?;
    world.domain().wait_for_kvno(&account())?;
    let now = world.domain().kvno(&account())?;
    ensure!(now == kvno + 3, "three rolls: kvno {kvno} to {now}");
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    toll.killed += 1;
    Ok(toll)
}

/// The domain controllers do not hear of each other: the old key stays until they do. Then somebody
/// sets a password on the far side.
pub fn the_domain_controllers_are_parted(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = set_up(lab, free)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    begin_and_stop(&mut world, "after record staging")?;
    let cut = Cut::between(lab, "dc1", &["dc2"])?;
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    waits_for(&world, "dc2")?;
    // Longer than a ticket lives: the old key is needed for what dc2 goes on issuing.
    sleep(seconds(u64::from(LIFE) + 4));
    is(&world, ARRAY, "converging")?;
    cut.heal()?;
    world.domain().dc(&["replicate"])?;
    done(&world)?;

    begin_and_stop(&mut world, "after record staging")?;
    let cut = Cut::between(lab, "dc1", &["dc2"])?;
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    waits_for(&world, "dc2")?;
    toll.stop(users, &world)?;
    split_brain(&world, cut, &mut toll)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    next_roll(&world, ARRAY)?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// Both sides have a password that the other has not, under the same kvno. What `dc1` issues goes
/// on being accepted; what `dc2` issues nobody can accept, and the later write wins in the end.
fn split_brain(world: &World<'_>, cut: Cut, toll: &mut Toll) -> Result<()> {
    let mut load = few_users(world, ARRAY);
    load.dcs = vec!["dc1".to_owned()];
    let users = Logins::start(world.lab, "split", &load)?;
    let foreign = ["set-password", &account(), "Somebody-Elses-Passw0rd", "dc2"];
    world.domain().dc(&foreign)?;
    let view = world.wait_for_state(ARRAY, "halted")?;
    let kvno = world
        .domain()
        .attribute("dc2", &account(), "msDS-KeyVersionNumber")?;
    let told = view.to_string();
    ensure!(
        told.contains("dc2") && kvno.iter().all(|kvno| told.contains(kvno)),
        "it does not name dc2 and kvno {kvno:?}: {told}"
    );
    sleep(seconds(3));
    toll.stop(users, world)?;
    cut.heal()?;
    world.domain().dc(&["replicate"])?;
    let order = [
        "roll", "resolve", ARRAY, "give-up", "--yes", "--reason", "a test",
    ];
    world.cli.run(&order)?;
    world.wait_for_state(ARRAY, "given-up")?;
    let emergency = [
        "roll",
        ARRAY,
        "--emergency",
        "--yes",
        "--wait",
        "--reason",
        "a test",
    ];
    world.cli.run(&emergency).with_context(|| world.story())?;
    Ok(())
}

fn set_up<'a>(lab: &'a Lab, free: &'a FreeNodes) -> Result<World<'a>> {
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    Ok(world)
}

fn account() -> String {
    format!("svc-{ARRAY}$")
}

fn begin_and_stop(world: &mut World<'_>, place: &str) -> Result<()> {
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world
        .controller
        .wait_stopped(place, SOON)
        .with_context(|| world.story())
}

fn waits_for(world: &World<'_>, whom: &str) -> Result<()> {
    let waiting = format!("waiting for {whom}");
    until("the roll to say so", LONG, || {
        reason_has(world, ARRAY, &waiting)
    })
    .with_context(|| world.story())
}

fn done(world: &World<'_>) -> Result<()> {
    until("the roll to be done", LONG, || is(world, ARRAY, "done")).with_context(|| world.story())
}
