//! The certificate authority replaced while users log in and rolls go on.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// A roll is under way at each of the three steps, and the old authority is nowhere in the end.
pub fn r07_the_authority_is_replaced_while_rolls_go_on(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["signed"])?;
    world.create("signed", QUICK)?;
    world.serve("signed")?;
    let trusted = |world: &World<'_>| -> Result<Vec<String>> {
        let files = world
            .agents
            .iter()
            .map(|agent| agent.folder().join("state/authorities.crt"));
        let read = files.map(|file| fs::read_to_string(&file).context(file.display().to_string()));
        read.collect()
    };
    let first = trusted(&world)?;
    let users = world.users("signed", LIFE)?;
    for step in ["prepare", "activate", "retire"] {
        until(&format!("every node to be ready to {step}"), SOON, || {
            world.cli.run(&["authority", step, "--dry-run"]).map(drop)
        })
        .with_context(|| world.story())?;
        world.begin_roll("signed")?;
        world.cli.run(&["authority", step, "--yes"])?;
        world.wait_for_state("signed", "done")?;
    }
    until("the old authority to be gone from the nodes", SOON, || {
        for (now, before) in trusted(&world)?.iter().zip(&first) {
            ensure!(now.matches("BEGIN").count() == 1, "two are trusted");
            ensure!(now != before, "the old one is trusted");
        }
        Ok(())
    })
    .with_context(|| world.story())?;
    // Nothing is left of what was shaken hands on before.
    world.controller.kill()?;
    world.controller.start()?;
    world.roll(&["signed"])?;
    users.stop()?.none_failed()?;
    world.verify("signed")
}
