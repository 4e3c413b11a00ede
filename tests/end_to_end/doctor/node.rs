//! Faults of nodes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use super::Mend::{ByHand, Lasts, Printed};
use super::{Fault, client, examined, plant};
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
    no_fault_of_kerberos(&world)?;
    client::log_in(&mut world)?;
    plant(&mut world, "ward", &client::faults())?;
    plant(&mut world, "ward", &faults())
}

/// Authorization says 401 too, to a user whose ticket was taken.
fn no_fault_of_kerberos(world: &World<'_>) -> Result<()> {
    let (anybody, nobody) = ("Require valid-user", "Require user nobody@CORP.EXAMPLE");
    reconfigure(world, |text| text.replace(anybody, nobody))?;
    until("the ticket to be taken and the user not", SOON, || {
        let (_, findings) = examined(world, "ward")?;
        let taken = |one: &&Value| {
            let text = one.to_string();
            one["check"] == "service-login" && text.contains("takes a fresh ticket: Kerberos, 401")
        };
        let found = findings.iter().find(taken);
        ensure!(
            found.is_some_and(|one| one["grade"] == "ok"),
            "{findings:#?}"
        );
        Ok(())
    })?;
    reconfigure(world, |text| text.replace(nobody, anybody))
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
            ByHand("keyroll node show ward", look_again),
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
            ByHand("keyroll node show ward", look_again),
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
            ByHand("keyroll-agent check (on the node)", look_again),
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
            ByHand("keyroll node show ward", look_again),
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
            ByHand("rm ", |world| {
                Ok(fs::remove_file(backup_of(world.agents[0].keytab("ward")))?)
            }),
        ),
        Fault::warning(
            "anybody may write to the folder of a keytab",
            "node-leftovers",
            "has mode 0777",
            &[],
            |world| folder_mode(world, 0o777),
            ByHand("chmod go-w", |world| folder_mode(world, 0o755)),
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
            ByHand("systemctl status keyroll-agent", |world| {
                world.agents[1].start()
            }),
        ),
        Fault::broken(
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
        Fault::warning(
            "a node's hosts file has the array's name at a loop-back address",
            "node-loop-back",
            "ward.corp.example leads to the node itself (127.0.1.1)",
            &[],
            |world| {
                let hosts = world.lab.folder("ward")?.join("hosts");
                let there = fs::read_to_string("/etc/hosts")?;
                fs::write(&hosts, format!("127.0.1.1 ward.corp.example\n{there}"))?;
                let mount = format!("mount --bind {} /etc/hosts; exec \"$@\"", hosts.display());
                let agent = &mut world.agents[1];
                agent.kill()?;
                agent.wrap(&["unshare", "-m", "sh", "-euc", &mount, "sh"]);
                agent.start()
            },
            ByHand("getent hosts ward.corp.example", |world| {
                let agent = &mut world.agents[1];
                agent.kill()?;
                agent.wrap(&[]);
                agent.start()
            }),
        ),
        Fault::broken(
            "a node's web server is down",
            "service-answers",
            "node",
            &[],
            |world| {
                let node = world.nodes[1].clone();
                world.web.stop(&node)
            },
            ByHand("curl -sv http://ward.corp.example/", |world| {
                let keytab = world.agents[1].keytab("ward").to_owned();
                let node = world.nodes[1].clone();
                world.web.serve(&node, &keytab)
            }),
        ),
        Fault::broken(
            "a node's web server reads another keytab than keyroll writes",
            "service-login",
            "refuses a fresh ticket (401)",
            &[],
            |world| {
                world
                    .domain()
                    .account("svc-before", &["HTTP/before.corp.example"])?;
                let keytab = world.domain().keytab("svc-before");
                serve_with(world, &keytab)
            },
            ByHand("klist -ket KEYTAB as the web server's user", |world| {
                let keytab = world.agents[1].keytab("ward").to_owned();
                serve_with(world, &keytab)
            }),
        ),
        Fault::warning(
            "a web server offers NTLM before Negotiate",
            "service-offers",
            "ntlm, negotiate",
            &[],
            |world| reconfigure(world, |text| text + NTLM_FIRST),
            ByHand("Negotiate first", |world| {
                reconfigure(world, |text| text.replace(NTLM_FIRST, ""))
            }),
        ),
        Fault::broken(
            "a web server takes no header as long as a ticket",
            "service-login",
            "cannot read a fresh ticket (400)",
            &[],
            |world| reconfigure(world, |text| text + SHORT_HEADERS),
            ByHand("LimitRequestFieldSize", |world| {
                reconfigure(world, |text| text.replace(SHORT_HEADERS, ""))
            }),
        ),
        Fault::warning(
            "what is behind a web server is down",
            "service-answers",
            "answers 503",
            &[],
            |world| reconfigure(world, |text| text + OUT_OF_SERVICE),
            ByHand("curl -sv http://ward.corp.example/", |world| {
                reconfigure(world, |text| text.replace(OUT_OF_SERVICE, ""))
            }),
        ),
        Fault::broken(
            "another program writes a keytab in turns with keyroll",
            "changes-by-others",
            "put right 3 times within the hour",
            &[
                "key-keytabs",
                "key-accepted",
                "node-keytab-file",
                "node-ready",
                "service-login",
            ],
            |world| {
                fs::remove_file(world.agents[1].keytab("ward"))?;
                look_again(world)
            },
            Lasts("inotifywait -m"),
        ),
    ]
}

/// The second node's web server with another keytab.
fn serve_with(world: &mut World<'_>, keytab: &Path) -> Result<()> {
    let node = world.nodes[1].clone();
    world.web.stop(&node)?;
    world.web.serve(&node, keytab)
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

const SHORT_HEADERS: &str = "LimitRequestFieldSize 300\n";
const OUT_OF_SERVICE: &str =
    "LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\nRedirect 503 /\n";
const NTLM_FIRST: &str = "Header always set WWW-Authenticate \"NTLM, Negotiate\"\n";

/// Has the second node's Apache read its configuration anew.
fn reconfigure(world: &World<'_>, change: impl FnOnce(String) -> String) -> Result<()> {
    let folder = world.lab.dir.join("node").join(&world.nodes[1]).join("web");
    let file = folder.join("httpd.conf");
    fs::write(&file, change(fs::read_to_string(&file)?))?;
    let pid = fs::read_to_string(folder.join("httpd.pid"))?;
    output(Command::new("kill").args(["-HUP", pid.trim()])).map(drop)
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
