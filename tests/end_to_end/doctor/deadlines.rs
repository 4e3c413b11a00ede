//! Certificates that end soon, since they were made long ago.

use anyhow::{Context as _, Result};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::Mend::{ByHand, Printed};
use super::{Fault, plant, plant_into};
use crate::set_up::QUICK;

/// The controller was made nine and a half years ago, and a node joins nineteen hours ago.
pub fn ends(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new_off_by("-3470d", lab, free, 2, &["late"])?;
    world.create("late", QUICK)?;
    world.join("late", 0)?;
    world.domain().wait_for_spn("HTTP/late.corp.example")?;
    let node = world.nodes[0].clone();
    world.domain().address("late", &node)?;
    plant_into(&mut world, "late", &of_authority())?;
    plant(&mut world, "late", &of_node())
}

/// The fault that is there from the start, for the docs.
pub fn of_authority() -> Vec<Fault> {
    vec![Fault::warning(
        "the certificate of the controller's authority ends within a year",
        "deadline-authority",
        "days left",
        &[],
        |_| Ok(()),
        Printed("keyroll authority prepare --ca-file ca.crt"),
    )]
}

/// The others, for the docs.
pub fn of_node() -> Vec<Fault> {
    vec![Fault::warning(
        "a node cannot keep the certificates that it is given, and its own ends in hours",
        "deadline-certificate",
        "4 h left",
        &[],
        |world| {
            world.controller.kill()?;
            world.controller.start_off_by("-19h")?;
            let name = world.agents[1].full_name();
            let reply = world.cli.run(&["node", "add", "late", &name])?;
            let line = reply["join_line"].as_str().context("no join line")?;
            world.agents[1].join(line)?;
            world.controller.kill()?;
            // Where it has its certificate, nothing can be written any more.
            let agent = &mut world.agents[1];
            let file = agent.folder().join("state/node.crt");
            let (file, mount) = (file.display().to_string(), READ_ONLY);
            agent.wrap(&["unshare", "-m", "sh", "-euc", mount, &file]);
            agent.start()?;
            world.controller.start()
        },
        ByHand("grep renew", |world| {
            let agent = &mut world.agents[1];
            agent.kill()?;
            agent.wrap(&[]);
            agent.start()
        }),
    )]
}

/// Nobody can replace a file on which something is mounted.
const READ_ONLY: &str = "mount --bind \"$0\" \"$0\"; exec \"$@\"";
