//! A domain controller that comes back from an earlier day.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use super::{none_failed_since, says, told, untold, verified};
use crate::set_up::{LIFE, QUICK};

const DN: &str = "CN=svc-restored,OU=Arrays,DC=corp,DC=example";
const SECOND: &str = "dc2.corp.example";

/// The second one has the account as it was before a roll that is long done: its tickets are under
/// a key that no node holds any more, until the next look, and are good from then on.
pub fn a_restored_domain_controller(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["restored"])?;
    world.create("restored", QUICK)?;
    world.serve("restored")?;
    let old = world.domain().kvno("svc-restored$")?;
    world.domain().wait_for_kvno("svc-restored$")?;
    let users = world.users("restored", LIFE)?;
    let before = world.domain().secrets("dc2", DN)?;
    world.roll(&["restored"])?;
    let after = world.domain().secrets("dc2", DN)?;
    ensure!(before != after, "the roll never reached dc2");
    world.domain().put_back("dc2", DN, &before)?;
    let alarm = told(&world, "dc-behind")?;
    says(&alarm, "warning", &[SECOND, "showrepl"])?;
    let ticket = HeldTicket::fetch_from(lab, "dc2", "restored.corp.example", 60)?;
    until("the nodes to hold the older key again", SOON, || {
        let mut nodes = world.nodes.iter();
        nodes.try_for_each(|node| ticket.log_in(node))
    })
    .with_context(|| world.story())?;
    let (_, failed) = users.so_far()?;
    verified(&world, "restored", "dc-behind", "broken")?;
    let said = world.cli.ask(&["roll", "restored", "--dry-run"])?;
    ensure!(said.exit == 1, "a roll may begin meanwhile: {said:?}");
    // Replication has caught up.
    world.domain().put_back("dc2", DN, &after)?;
    untold(&world, "dc-behind")?;
    until("the older key to go, with its last ticket", SOON, || {
        for agent in &world.agents {
            let keytab = agent.keytab("restored");
            let shown = output(Command::new("klist").arg("-k").arg(keytab))?;
            let line = format!(" {old} ");
            ensure!(!shown.contains(&line), "{}: {shown}", agent.node);
        }
        Ok(())
    })
    .with_context(|| world.story())?;
    world.roll(&["restored"])?;
    world.verify("restored")?;
    none_failed_since(users, failed, &world)
}

/// The second one's machine is put back to a snapshot of before a roll, while the first cannot
/// reach it: its whole database is of then, and counts on from there under its old name.
pub fn a_domain_controller_set_back(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["rewound"])?;
    world.create("rewound", QUICK)?;
    world.serve("rewound")?;
    let users = world.users("rewound", LIFE)?;
    let database = lab.dir.join("dc2/private");
    let snapshot = lab.folder("snapshots")?.join("dc2");
    let dc = |arguments: &[&str]| world.domain().dc(arguments);
    dc(&["stop", "dc2"])?;
    copy(&database, &snapshot)?;
    dc(&["start", "dc2"])?;
    world.roll(&["rewound"])?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    untold(&world, "dc-gives-no-ticket")?;
    dc(&["cut"])?;
    dc(&["stop", "dc2"])?;
    std::fs::remove_dir_all(&database)?;
    copy(&snapshot, &database)?;
    dc(&["start", "dc2"])?;
    let alarm = told(&world, "dc-behind")?;
    says(&alarm, "warning", &[SECOND, "the nodes hold that key too"])?;
    let alarm = told(&world, "dc-rolled-back")?;
    says(&alarm, "critical", &[SECOND, "USN rollback", "demote"])?;
    let ticket = HeldTicket::fetch_from(lab, "dc2", "rewound.corp.example", 60)?;
    until("the nodes to hold the older key again", SOON, || {
        let mut nodes = world.nodes.iter();
        nodes.try_for_each(|node| ticket.log_in(node))
    })
    .with_context(|| world.story())?;
    diagnosed(&world)?;
    // Users of both, while the two issue under different keys and when they do not any more.
    let users = world.users("rewound", LIFE)?;
    dc(&["heal"])?;
    dc(&["replicate"])?;
    untold(&world, "dc-behind")?;
    world.roll(&["rewound"])?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    // What it has lost beside that nobody can tell, so that stays said.
    told(&world, "dc-rolled-back").map(drop)
}

/// The doctor knows the older key: it speaks of replication, and of no emergency.
fn diagnosed(world: &World<'_>) -> Result<()> {
    let said = world.cli.ask(&["doctor", "rewound"])?;
    let reply: Value = serde_json::from_str(&said.stdout)?;
    let findings = reply["findings"].as_array().context("no findings")?;
    let mut tickets = findings.iter().filter(|one| one["check"] == "key-tickets");
    let finding = tickets
        .find(|one| one["object"] == SECOND)
        .context("no finding")?;
    says(
        finding,
        "warning",
        &["which the nodes hold too", "showrepl"],
    )?;
    let emergency = findings
        .iter()
        .any(|one| one.to_string().contains("--emergency"));
    ensure!(!emergency, "{findings:#?}");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut cp = Command::new("cp");
    output(cp.arg("-a").arg("-T").args([from, to])).map(drop)
}
