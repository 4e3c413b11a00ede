//! Faults of nodes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use super::Mend::{ByHand, Lasts, Printed};
use super::{Fault, plant};
use crate::set_up::QUICK;

/// The controller looks once an hour by itself here: what it would put right within seconds must
/// stay for long enough to be seen. Whoever changes anything has it look.
pub fn nodes(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["ward"])?;
    world.create("ward", QUICK)?;
    world.serve("ward")?;
    world.controller.kill()?;
    world.controller.reconfigure(|text| {
        text.replace("reconcile-seconds = 1\n", "reconcile-seconds = 3600\n")
    })?;
    world.controller.start()?;
    plant(&mut world, "ward", &faults())
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    let broken = |wrong, check, says, follows, bring, mend| Fault {
        wrong,
        check,
        grade: "broken",
        says,
        follows,
        bring,
        mend,
    };
    let warning = |wrong, check, says, follows, bring, mend| Fault {
        grade: "warning",
        ..broken(wrong, check, says, follows, bring, mend)
    };
    vec![
        broken(
            "one node's keytab has a wrong key under the right kvno",
            "key-keytabs",
            "it holds a wrong key",
            &["node-keytab-file", "key-accepted", "node-ready"],
            wrong_key,
            ByHand("keyroll node show ward", look_again),
        ),
        broken(
            "one node's keytab is gone",
            "key-keytabs",
            "it lacks",
            &["node-keytab-file", "key-accepted", "node-ready"],
            |world| Ok(fs::remove_file(world.agents[1].keytab("ward"))?),
            ByHand("keyroll node show ward", look_again),
        ),
        broken(
            "one node's keytab is no keytab any more",
            "node-keytab-file",
            "keytab",
            &["key-keytabs", "key-accepted", "node-ready"],
            |world| Ok(fs::write(world.agents[0].keytab("ward"), b"not a keytab")?),
            ByHand("keyroll-agent check (on the node)", look_again),
        ),
        warning(
            "others can read one node's keytab",
            "node-keytab-file",
            "owner, mode",
            &["node-ready"],
            |world| {
                let open = fs::Permissions::from_mode(0o644);
                Ok(fs::set_permissions(world.agents[0].keytab("ward"), open)?)
            },
            ByHand("keyroll node show ward", look_again),
        ),
        warning(
            "a node is quarantined",
            "node-ready",
            "quarantined",
            &[],
            |world| {
                let node = world.agents[1].full_name();
                let quarantine = ["node", "quarantine", "ward", &node, "--reason", "a test"];
                world.cli.run(&quarantine).map(drop)
            },
            Printed("keyroll node resume ward"),
        ),
        broken(
            "a node is down",
            "node-contact",
            "node",
            &[],
            |world| world.agents[1].kill(),
            ByHand("systemctl status keyroll-agent", |world| {
                world.agents[1].start()
            }),
        ),
        broken(
            "a node's clock is ten minutes off",
            "clock-node",
            "differs from the controller's clock by",
            &["key-accepted", "node-ready"],
            |world| {
                let agent = &mut world.agents[1];
                agent.kill()?;
                let faketime = ["faketime", "-f", "+600s"];
                agent.wrap(&[&["env", "FAKETIME_DONT_FAKE_MONOTONIC=1"], &faketime[..]].concat());
                agent.start()
            },
            ByHand("chronyc tracking, then chronyc makestep", |world| {
                let agent = &mut world.agents[1];
                agent.kill()?;
                agent.wrap(&[]);
                agent.start()
            }),
        ),
        broken(
            "another program writes a keytab in turns with keyroll",
            "changes-by-others",
            "put right 3 times within the hour",
            &[
                "key-keytabs",
                "key-accepted",
                "node-keytab-file",
                "node-ready",
            ],
            |world| {
                fs::remove_file(world.agents[1].keytab("ward"))?;
                look_again(world)
            },
            Lasts("inotifywait -m"),
        ),
    ]
}

/// The last byte of the last entry's key: after it there are only the kvno's four.
fn wrong_key(world: &mut World<'_>) -> Result<()> {
    let keytab = world.agents[1].keytab("ward");
    let mut bytes = fs::read(keytab)?;
    let at = bytes.len().checked_sub(5).context("the keytab is empty")?;
    bytes[at] ^= 1;
    Ok(fs::write(keytab, bytes)?)
}

/// Any change of an array has the controller look at its nodes at once.
fn look_again(world: &mut World<'_>) -> Result<()> {
    let schedule = ["schedule", "set", "ward", "--every", "30d"];
    world.cli.run(&schedule).map(drop)
}
