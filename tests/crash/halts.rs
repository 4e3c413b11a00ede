//! Domain controllers that go away, go back, or get a password from somebody else, while the
//! controller dies.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::dc::Dc;
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::network::Cut;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::gauntlet::{dies_while, is, next_roll};
use crate::good::{QUICK, few_users};
use crate::toll::Toll;

const ARRAY: &str = "halts";

/// One DC is switched off, one is restored from a backup, one gets a foreign password.
pub fn domain_controllers_that_fail_a_roll(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    let dc2 = Dc::of(lab, "dc2");
    toll.killed += waived(&mut world, &dc2)?;
    toll.killed += regressed(&mut world, &dc2)?;
    world.roll(&[ARRAY]).context("the next roll")?;
    // Nobody can know the keys of what comes now, so fresh logins must fail until it is mended.
    toll.stop(users, &world)?;
    toll.killed += halted(&mut world)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    next_roll(&world, ARRAY)?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// Switched off after the commit, and an operator says that it does not matter.
fn waived(world: &mut World<'_>, dc: &Dc<'_>) -> Result<usize> {
    stopped(world, "after record committed")?;
    dc.kill()?;
    let host = world.lab.full_name(dc.name);
    let deaths = dies_while(world, &["record waived"], |world| {
        let order = ["roll", "resolve", ARRAY, "waive-dc", "--dc", &host, "--yes"];
        drop(
            world
                .cli
                .ask(&[&order[..], &["--reason", "a test"]].concat()),
        );
        is(world, ARRAY, "done")
    })?;
    // It comes back as it was, and what it issues before it has caught up is under the old key.
    let away = Cut::between(world.lab, dc.name, &["client"])?;
    dc.start()?;
    world.domain().wait_for_kvno(&format!("svc-{ARRAY}$"))?;
    away.heal()?;
    Ok(deaths)
}

/// Restored from a backup while old tickets die, and kept from catching up: the drain begins anew,
/// and ends when it has caught up.
fn regressed(world: &mut World<'_>, dc: &Dc<'_>) -> Result<usize> {
    dc.keep()?;
    stopped(world, "after record draining")?;
    let cut = Cut::between(world.lab, "dc1", &["dc2"])?;
    dc.restore()?;
    let deaths = dies_while(world, &["record regressed"], |world| {
        is(world, ARRAY, "converging")?;
        let why = world.status(ARRAY)?["reason"].to_string();
        ensure!(why.contains(dc.name), "it does not name the DC: {why}");
        Ok(())
    })?;
    cut.heal()?;
    world.domain().dc(&["replicate", "dc1", "dc2"])?;
    world.wait_for_state(ARRAY, "done")?;
    Ok(deaths)
}

/// Somebody sets the password while old tickets die: the roll stops and says so; an operator gives
/// it up, and an emergency roll makes an end of the foreign password.
fn halted(world: &mut World<'_>) -> Result<usize> {
    stopped(world, "after record draining")?;
    let account = format!("svc-{ARRAY}$");
    let foreign = ["set-password", &account, "Somebody-Elses-Passw0rd"];
    world.domain().dc(&foreign)?;
    world.domain().wait_for_kvno(&account)?;
    let kvno = world.domain().kvno(&account)?;
    let halted = dies_while(world, &["record halted"], |world| {
        is(world, ARRAY, "halted")
    })?;
    let view = world.status(ARRAY)?;
    let trouble = view.to_string();
    ensure!(
        trouble.contains("dc") && trouble.contains(&kvno.to_string()),
        "it does not name DC and kvno: {trouble}"
    );
    let given_up = dies_while(world, &["record resolved"], |world| {
        let order = [
            "roll", "resolve", ARRAY, "give-up", "--yes", "--reason", "a test",
        ];
        drop(world.cli.ask(&order));
        is(world, ARRAY, "given-up")
    })?;
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
    Ok(halted + given_up)
}

/// A roll whose controller stands still at a place.
fn stopped(world: &mut World<'_>, place: &str) -> Result<()> {
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)
}

/// The account is restored on one DC so that its word counts more than any other: it keeps the new
/// key, and gives it another kvno.
pub fn the_kvno_moves_on(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = World::new(lab, free, 2, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    stopped(&mut world, "after record draining")?;
    let account = format!("svc-{ARRAY}$");
    let kvno = world.domain().kvno(&account)? + 1000;
    world.domain().renumber(&account, kvno)?;
    toll.killed += dies_while(&mut world, &["record renumbered"], |world| {
        is(world, ARRAY, "done")
    })?;
    world.roll(&[ARRAY]).context("the next roll")?;
    let now = world.domain().kvno(&account)?;
    ensure!(now == kvno + 1, "from kvno {kvno} to {now}");
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}
