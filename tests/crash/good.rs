//! Rolls that go well, while everything dies.

use anyhow::{Context as _, Result};
use keyroll_tests::agent::Target;
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Load;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::web::FreeNodes;
pub use keyroll_tests::world::{LIFE, QUICK};
use keyroll_tests::world::{SOON, World};

use crate::gauntlet::{self, Gauntlet};
use crate::scenarios::{GOOD, GOOD_AGENT, WRITE};
use crate::toll::Toll;

/// Two users of each kind a second: enough where most of the time is waited.
pub fn few_users(world: &World<'_>, array: &str) -> Load {
    Load {
        fresh: 2,
        cached: 2,
        ..world.load(array, LIFE)
    }
}

/// Every node has a keytab of each kind and a hook; the web server of each takes another kind.
pub fn give_all_kinds(world: &mut World<'_>, array: &str) -> Result<()> {
    for (index, agent) in world.agents.iter_mut().enumerate() {
        let folder = agent.folder().join("keytabs");
        let mut targets: Vec<Target> = ["owned", "shared", "client"]
            .into_iter()
            .map(|kind| Target {
                array: array.to_owned(),
                path: folder.join(kind),
                kind,
                only: "",
            })
            .collect();
        targets.swap(0, index % 2);
        agent.set_targets(targets)?;
        agent.set_hook(&["/bin/true"])?;
    }
    Ok(())
}

/// An array that is served, with all that a good roll can do: every kind of keytab, hooks, backups.
pub fn with_everything<'a>(
    lab: &'a Lab,
    free: &'a FreeNodes,
    nodes: usize,
    array: &str,
) -> Result<World<'a>> {
    let mut world = World::new(lab, free, nodes, &[array])?;
    give_all_kinds(&mut world, array)?;
    let backups = lab.folder("backups")?;
    world.controller.kill()?;
    world.controller.reconfigure(|text| {
        let folder = backups.display();
        format!("{text}[backup]\nfolder = \"{folder}\"\nrequired = true\n")
    })?;
    world.controller.start()?;
    world.create(array, QUICK)?;
    world.serve(array)?;
    Ok(world)
}

/// The controller and each agent, before and after everything that they do in a good roll.
pub fn a_good_roll_dies_everywhere(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = with_everything(lab, free, 3, "mortal")?;
    let users = world.users("mortal", LIFE)?;
    let mut controller = Gauntlet::of(GOOD.iter().copied());
    let of_agent = |_| Gauntlet::of(GOOD_AGENT.iter().copied());
    let mut agents: Vec<Gauntlet> = world.agents.iter().map(of_agent).collect();
    gauntlet::run(&mut world, "mortal", &mut controller, &mut agents)?;
    let of_agents: usize = agents.iter().map(Gauntlet::deaths).sum();
    toll.killed += controller.deaths() + of_agents;
    toll.stop(users, &world)?;
    world.verify("mortal")?;
    Ok(toll)
}

/// What is done in more than one state, and first in another one than this: between two proofs of
/// domain controllers, and between the last keysets of two nodes.
const AGAIN: &[(&str, &[&str])] = &[
    ("after record committed", &["port sight", "port prove"]),
    ("after record retiring", &["port stage"]),
];

/// The controller, before and after everything about the write.
pub fn the_write_dies_everywhere(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = World::new(lab, free, 2, &["written"])?;
    world.create("written", QUICK)?;
    world.serve("written")?;
    let users = world.users("written", LIFE)?;
    let mut controller = Gauntlet::of(WRITE.iter().copied());
    gauntlet::run(&mut world, "written", &mut controller, &mut [])?;
    toll.killed += controller.deaths();
    for (state, places) in AGAIN {
        world.controller.wishes().set([format!("stop {state}")])?;
        world.begin_roll("written")?;
        world.controller.wait_stopped(state, SOON)?;
        toll.killed += gauntlet::dies_while(&mut world, places, |world| {
            gauntlet::is(world, "written", "done")
        })
        .context(*state)?;
    }
    toll.stop(users, &world)?;
    world.verify("written")?;
    Ok(toll)
}
