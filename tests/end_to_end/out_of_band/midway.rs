//! In the middle of a roll: before the write, while it drains, and under its nose.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use super::{dated, none_failed_since, says, told, untold};
use crate::lost::{hold_up, while_staging};
use crate::set_up::{LIFE, QUICK};

const DN: &str = "CN=svc-midway,OU=Arrays,DC=corp,DC=example";

/// A new name before the write would make keys on the nodes worthless, so the roll aborts; after it
/// the roll follows. A password that somebody sets while it drains halts it.
pub fn in_the_middle_of_a_roll(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["midway"])?;
    let held_up = hold_up(&mut world)?;
    world.create("midway", QUICK)?;
    world.serve("midway")?;
    let users = world.users("midway", LIFE)?;
    let kvno = world.domain().kvno("svc-midway$")?;

    while_staging(&mut world, "midway", &held_up, |world| {
        rename(world, "svc-midway2$")?;
        told(world, "account-renamed").map(drop)
    })?;
    let view = world.wait_for_state("midway", "aborted")?;
    ensure!(view.to_string().contains("next salt"), "{view}");
    let now = world.domain().kvno("svc-midway2$")?;
    ensure!(now == kvno, "it was written: {kvno}, {now}");

    world.begin_roll("midway")?;
    world.wait_for_state("midway", "draining")?;
    rename(&world, "svc-midway3$")?;
    let spn = "HTTP/midway-too.corp.example";
    let add = format!("add: servicePrincipalName\nservicePrincipalName: {spn}");
    modify(&world, &add)?;
    told(&world, "spn-added")?;
    world.domain().wait_for_spn(spn)?;
    let ticket = HeldTicket::fetch(lab, "midway-too.corp.example", 60)?;
    until("every node to let the new name in", SOON, || {
        let mut nodes = world.nodes.iter();
        nodes.try_for_each(|node| ticket.log_in(node))
    })
    .with_context(|| world.story())?;
    world.wait_for_state("midway", "done")?;
    world.verify("midway")?;
    let (_, failed) = users.so_far()?;
    ensure!(failed == 0, "{}\n{}", users.stop()?.failures, world.story());
    set_while_it_drains(&world)?;
    // Tickets under the password that nobody knew have ended.
    std::thread::sleep(seconds(u64::from(LIFE) + 2));
    let (_, failed) = users.so_far()?;
    world.roll(&["midway"])?;
    none_failed_since(users, failed, &world)
}

fn set_while_it_drains(world: &World<'_>) -> Result<()> {
    world.take_tickets_to_live("midway", 25)?;
    world.begin_roll("midway")?;
    world.wait_for_state("midway", "draining")?;
    let password = "Somebody-Elses-Passw0rd";
    world
        .domain()
        .dc(&["set-password", "svc-midway3$", password])?;
    world.wait_for_state("midway", "halted")?;
    let alarm = told(world, "key-foreign")?;
    says(&alarm, "critical", &["while it was rolled", "give-up"])?;
    dated(&alarm, "dc1.corp.example")?;
    told(world, "roll-halted")?;
    world.take_tickets_to_live("midway", LIFE)?;
    let why = ["--reason", "a test"];
    let give_up = ["roll", "resolve", "midway", "give-up"];
    world.cli.run(&[&give_up[..], &why, &["--yes"]].concat())?;
    let heal = ["roll", "midway", "--emergency", "--yes", "--wait"];
    world
        .cli
        .run(&[&heal[..], &why].concat())
        .with_context(|| world.story())?;
    untold(world, "key-foreign")?;
    until("tickets from before to be dead", SOON, || {
        world.cli.run(&["roll", "midway", "--dry-run"])
    })?;
    world.verify("midway")
}

fn rename(world: &World<'_>, name: &str) -> Result<()> {
    modify(
        world,
        &format!("replace: sAMAccountName\nsAMAccountName: {name}"),
    )
}

fn modify(world: &World<'_>, change: &str) -> Result<()> {
    let ldif = format!("dn: {DN}\nchangetype: modify\n{change}\n");
    world.domain().modify(&ldif)
}
