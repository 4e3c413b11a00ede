//! Rolls that go well, while everything dies.

use anyhow::{Context as _, Result};
use keyroll_tests::agent::Target;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use crate::gauntlet::{self, Gauntlet};
use crate::scenarios::{GOOD, GOOD_AGENT};

/// Tickets of 6 seconds, so that a drain is over in 8.
pub const QUICK: &[&str] = &[
    "--ticket-life",
    "6s",
    "--clock-skew",
    "1s",
    "--margin",
    "0s",
];
/// What goes with it.
pub const LIFE: u32 = 6;

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
            })
            .collect();
        targets.swap(0, index % 2);
        agent.set_targets(targets)?;
        agent.set_hook(&["/bin/true"])?;
    }
    Ok(())
}

/// The controller and each agent, before and after everything that they do in a good roll.
pub fn a_good_roll_dies_everywhere(lab: &Lab, free: &FreeNodes) -> Result<usize> {
    let mut world = World::new(lab, free, 3, &["mortal"])?;
    give_all_kinds(&mut world, "mortal")?;
    world.create("mortal", QUICK)?;
    world.serve("mortal")?;
    let users = world.users("mortal", LIFE)?;
    let mut controller = Gauntlet::of(GOOD.iter().copied());
    let mut agents: Vec<Gauntlet> = world
        .agents
        .iter()
        .map(|_| Gauntlet::of(GOOD_AGENT.iter().copied()))
        .collect();
    gauntlet::run(&mut world, "mortal", &mut controller, &mut agents)?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("mortal")?;
    let deaths = agents.iter().map(Gauntlet::deaths).sum::<usize>();
    Ok(controller.deaths() + deaths)
}
