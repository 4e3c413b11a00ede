//! Faults of nodes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::{Agent, Target};
use keyroll_tests::clock::Shifted;
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use super::Mend::{ByHand, InItsPlace, Lasts, Printed};
use super::{Fault, client, plant, web};
use crate::set_up::QUICK;

/// The controller looks once an hour by itself here: what it would put right within seconds must
/// stay for long enough to be seen. Whoever changes anything has it look.
pub fn nodes(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["ward"])?;
    world.create("ward", QUICK)?;
    world.serve("ward")?;
    world.domain().address("ward", &world.nodes[0])?;
    world.controller.kill()?;
    world.controller.reconfigure(|text| {
        text.replace("reconcile-seconds = 1\n", "reconcile-seconds = 3600\n")
    })?;
    world.controller.start()?;
    // The look at its start must be over, or it mends the first fault.
    until("the controller's first look", SOON, || {
        let listed = world.cli.run(&["node", "list", "ward"])?;
        let nodes = listed["nodes"].as_array().context("no nodes")?;
        let seen = |node: &Value| node["last_seen_unix"].as_i64().is_some_and(|at| at > 0);
        ensure!(nodes.len() == 2 && nodes.iter().all(seen), "{listed}");
        Ok(())
    })?;
    web::no_fault_of_kerberos(&world)?;
    client::log_in(&mut world)?;
    plant(&mut world, "ward", &client::faults())?;
    plant(&mut world, "ward", &web::faults())?;
    plant(&mut world, "ward", &faults())
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault::broken(
            "one node's keytab has a wrong key under the right kvno",
            "key-keytabs",
            "it holds a wrong key",
            &[
                "node-keytab-file",
                "key-accepted",
                "node-ready",
                "service-login",
            ],
            wrong_key,
            Printed("keyroll verify ward"),
        ),
        Fault::broken(
            "one node's keytab is gone",
            "key-keytabs",
            "it lacks",
            &[
                "node-keytab-file",
                "key-accepted",
                "node-ready",
                "service-login",
            ],
            |world| Ok(fs::remove_file(world.agents[1].keytab("ward"))?),
            Printed("keyroll verify ward"),
        ),
        Fault::broken(
            "one node's keytab is no keytab any more",
            "node-keytab-file",
            "keytab",
            &[
                "key-keytabs",
                "key-accepted",
                "node-ready",
                "service-login",
                "client-login",
            ],
            |world| Ok(fs::write(world.agents[0].keytab("ward"), b"not a keytab")?),
            Printed("keyroll verify ward"),
        ),
        Fault::warning(
            "others can read one node's keytab",
            "node-keytab-file",
            "owner, mode",
            &["node-ready"],
            |world| {
                let open = fs::Permissions::from_mode(0o644);
                Ok(fs::set_permissions(world.agents[0].keytab("ward"), open)?)
            },
            Printed("keyroll verify ward"),
        ),
        Fault::warning(
            "a copy of a keytab lies beside it",
            "node-leftovers",
            "ward.keytab.bak is a keytab",
            &[],
            |world| {
                let keytab = world.agents[0].keytab("ward");
                fs::copy(keytab, backup_of(keytab))?;
                Ok(())
            },
            Printed("rm '"),
        ),
        Fault::warning(
            "anybody may write to the folder of a keytab",
            "node-leftovers",
            "has mode 0777",
            &[],
            |world| folder_mode(world, 0o777),
            Printed("chmod g-w,o-w '"),
        ),
        Fault::warning(
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
        Fault::broken(
            "a node is down",
            "node-contact",
            "node",
            &[],
            |world| world.agents[1].kill(),
            InItsPlace("systemctl start keyroll-agent (on node"),
        ),
        Fault::broken(
            "a node's clock is ten minutes off",
            "clock-node",
            "differs from the controller's clock by",
            &["key-accepted", "node-ready"],
            |world| {
                let agent = &mut world.agents[1];
                agent.kill()?;
                agent.start_with(&Shifted::by("+600s")?.environment())
            },
            InItsPlace("chronyc makestep (on node"),
        ),
        Fault::broken(
            "the controller's clock is ten minutes off",
            "clock-controller",
            "others differ from it",
            // It shows its own tickets at a time that is not.
            &["key-accepted", "service-login"],
            |world| {
                world.controller.kill()?;
                world.controller.start_off_by("+600s")
            },
            InItsPlace("chronyc makestep (on the controller"),
        ),
        Fault::broken(
            "the same password was set again, and the KDC gives its key another number",
            "key-kvno",
            "directory 7, tickets 7",
            &[
                "key-accepted",
                "service-login",
                "client-ticket",
                "client-login",
            ],
            |world| world.domain().renumber("svc-ward$", 7),
            Printed("keyroll verify ward"),
        ),
        Fault::broken(
            "one node's settings leave out the enctype that tickets have",
            "key-enctype",
            "it leaves that out",
            &["service-login"],
            |world| only(world, "enctypes = [\"aes128-cts-hmac-sha1-96\"]\n"),
            InItsPlace("enctypes = [\"aes"),
        ),
        Fault::broken(
            "one node's keytab is another account's",
            "key-accepted",
            "agent/keytabs/ward",
            &[
                "key-keytabs",
                "node-keytab-file",
                "node-ready",
                "service-login",
            ],
            |world| {
                let others = world.domain().keytab("svc-before");
                Ok(fs::write(
                    world.agents[1].keytab("ward"),
                    fs::read(others)?,
                )?)
            },
            Printed("keyroll verify ward"),
        ),
        Fault::warning(
            "a hook fails after a keytab was put right",
            "node-hooks",
            "ended with",
            &["node-ready"],
            |world| {
                hook(world, "exit 3")?;
                fs::remove_file(world.agents[1].keytab("ward"))?;
                look_again(world)
            },
            ByHand("put right what the hook says", |world| {
                hook(world, "exit 0")?;
                look_again(world)
            }),
        ),
        Fault::warning(
            "a node's hosts file has the array's name at a loop-back address",
            "node-loop-back",
            "ward.corp.example leads to the node itself (127.0.1.1)",
            &[],
            |world| {
                let etc = world.lab.folder("ward")?.join("etc");
                // A folder of its own, in which a program may put another file in a file's place.
                // Not all of it may be read by whoever runs the tests.
                Command::new("cp")
                    .arg("-a")
                    .arg("/etc")
                    .arg(&etc)
                    .output()?;
                let hosts = etc.join("hosts");
                let there = fs::read_to_string(&hosts)?;
                fs::write(&hosts, format!("127.0.1.1 ward.corp.example\n{there}"))?;
                let mount = format!("mount --bind {} /etc; exec \"$@\"", etc.display());
                let agent = &mut world.agents[1];
                agent.kill()?;
                agent.wrap(&["unshare", "-m", "sh", "-euc", &mount, "sh"]);
                agent.start()
            },
            Printed("sed -i -E '/^\\s*127\\.0\\.1\\.1\\s/"),
        ),
        Fault::broken(
            "another program writes a keytab in turns with keyroll",
            "changes-by-others",
            "times within the hour: another program",
            &[
                "key-keytabs",
                "key-accepted",
                "node-keytab-file",
                "node-ready",
                "service-login",
            ],
            |world| {
                for _ in 0..2 {
                    fs::remove_file(world.agents[1].keytab("ward"))?;
                    look_again(world)?;
                    let keytab = world.agents[1].keytab("ward");
                    until("the keytab to be back", SOON, || Ok(fs::metadata(keytab)?))?;
                }
                Ok(())
            },
            Lasts("inotifywait -m", "told for an hour"),
        ),
    ]
}

/// What the second node's keytab takes of the keys from now on.
fn only(world: &mut World<'_>, settings: &'static str) -> Result<()> {
    let agent = &mut world.agents[1];
    agent.kill()?;
    agent.set_targets(vec![target(agent, settings)])?;
    agent.start()?;
    look_again(world)
}

fn target(agent: &Agent, only: &'static str) -> Target {
    Target {
        array: "ward".to_owned(),
        path: agent.keytab("ward").to_owned(),
        kind: "owned",
        only,
    }
}

/// What the second node's hook does from now on.
fn hook(world: &mut World<'_>, what: &str) -> Result<()> {
    let agent = &mut world.agents[1];
    let script = agent.folder().join("hook");
    fs::write(&script, format!("#!/bin/sh\n{what}\n"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let command = script.display().to_string();
    agent.kill()?;
    // As it is since the settings were put right.
    agent.set_targets(vec![target(agent, "")])?;
    agent.set_hook(&[&command])?;
    agent.start()
}

fn backup_of(keytab: &Path) -> PathBuf {
    keytab.with_extension("keytab.bak")
}

fn folder_mode(world: &World<'_>, mode: u32) -> Result<()> {
    let folder = world.agents[1].keytab("ward").parent();
    let folder = folder.context("a keytab without a folder")?;
    Ok(fs::set_permissions(
        folder,
        fs::Permissions::from_mode(mode),
    )?)
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
