//! A controller that is lost, or comes back from an earlier day; a node that does, too.

mod backups;
mod gates;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

pub use self::backups::a_controller_with_backups_of_its_own;
use self::gates::Gates;
use crate::set_up::{LIFE, QUICK};

/// A backup of before two rolls: found out by whoever restores it, recovered by one command.
pub fn a_backup_of_before_the_last_rolls(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["older"])?;
    world.create("older", QUICK)?;
    world.serve("older")?;
    let users = world.users("older", LIFE)?;
    let gates = Gates::watch(&world, "older");
    let backup = back_up(&world, "older")?;
    world.roll(&["older"])?;
    world.roll(&["older"])?;
    let kvno = world.domain().kvno("svc-older$")?;
    lose(&mut world)?;
    bad_backups_leave_nothing(&world, &backup)?;
    restore(&mut world, &backup)?;
    nothing_is_done(&world, "older", "restored from its backup of")?;
    let verdict = recover(&world, "older")?;
    ensure!(verdict == "unknown", "{verdict}\n{}", world.story());
    all_in_service(&world, "older")?;
    // The key in force is not known here, and still there: nothing was reset yet.
    ensure!(world.domain().kvno("svc-older$")? == kvno, "it was reset");
    world.roll(&["older"]).context("the first roll after it")?;
    world.roll(&["older"]).context("and one that is a change")?;
    ensure!(
        world.domain().kvno("svc-older$")? == kvno + 2,
        "kvno {kvno}"
    );
    gates.never_shut()?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("older")
}

/// A backup from between the password's making and its writing: the password is in it.
pub fn a_backup_of_the_middle_of_a_roll(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["middle"])?;
    let held_up = hold_up(&mut world)?;
    world.create("middle", QUICK)?;
    world.serve("middle")?;
    let users = world.users("middle", LIFE)?;
    let backup = while_staging(&mut world, "middle", &held_up, |world| {
        back_up(world, "middle")
    })?;
    world.wait_for_state("middle", "done")?;
    let kvno = world.domain().kvno("svc-middle$")?;
    let gates = Gates::watch(&world, "middle");
    lose(&mut world)?;
    restore(&mut world, &backup)?;
    nothing_is_done(&world, "middle", "restored from its backup of")?;
    let verdict = recover(&world, "middle")?;
    ensure!(verdict == "roll", "{verdict}\n{}", world.story());
    world.wait_for_state("middle", "done")?;
    all_in_service(&world, "middle")?;
    ensure!(
        world.domain().kvno("svc-middle$")? == kvno,
        "it was written again"
    );
    let told = world.cli.run(&["roll", "explain", "middle"])?.to_string();
    ensure!(told.contains("had been retired already"), "{told}");
    world.roll(&["middle"])?;
    gates.never_shut()?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("middle")
}

/// The machine itself is put back, by a snapshot of its disk: nothing says so but the nodes. The
/// roll was draining when it was lost, so old tickets are alive.
pub fn a_snapshot_of_the_controller(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["snapped"])?;
    let held_up = hold_up(&mut world)?;
    world.create("snapped", QUICK)?;
    world.serve("snapped")?;
    let users = world.users("snapped", LIFE)?;
    world.take_tickets_to_live("snapped", 12)?;
    let snapshot = snapshot_while_staging(&mut world, "snapped", &held_up)?;
    world.wait_for_state("snapped", "draining")?;
    let kvno = world.domain().kvno("svc-snapped$")?;
    let gates = Gates::watch(&world, "snapped");
    world.controller.kill()?;
    fs::copy(&snapshot, store(&world))?;
    world.controller.start()?;
    nothing_is_done(&world, "snapped", "was given keyset")?;
    let verdict = recover(&world, "snapped")?;
    ensure!(verdict == "roll", "{verdict}\n{}", world.story());
    world.wait_for_state("snapped", "done")?;
    ensure!(
        world.domain().kvno("svc-snapped$")? == kvno,
        "written again"
    );
    world.roll(&["snapped"])?;
    gates.never_shut()?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("snapped")
}

/// Neither state nor backup: a new controller, with a new authority and a new sealing key, takes
/// the nodes over while they serve.
pub fn a_controller_without_a_backup(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["orphan"])?;
    world.create("orphan", QUICK)?;
    world.serve("orphan")?;
    world.roll(&["orphan"])?;
    let users = world.users("orphan", LIFE)?;
    let gates = Gates::watch(&world, "orphan");
    let kvno = world.domain().kvno("svc-orphan$")?;
    lose(&mut world)?;
    fs::remove_file(world.controller.folder().join("seal.key"))?;
    output(&mut world.controller.command("init")?)?;
    world.controller.start()?;
    let what = ["array", "adopt", "orphan", "--account", "svc-orphan$"];
    world.cli.run(&[&what[..], QUICK].concat())?;
    let before = keytabs(&world, "orphan")?;
    for agent in &world.agents {
        let reply = world
            .cli
            .run(&["node", "add", "orphan", &agent.full_name()])?;
        let line = reply["join_line"].as_str().context("no join line")?;
        // It runs on: a restart would close its gate.
        agent.join(line)?;
    }
    nothing_is_done(&world, "orphan", "was given keyset")?;
    let verdict = recover(&world, "orphan")?;
    ensure!(verdict == "recorded", "{verdict}\n{}", world.story());
    all_in_service(&world, "orphan")?;
    ensure!(
        keytabs(&world, "orphan")? == before,
        "a keytab was touched before the first roll"
    );
    world.roll(&["orphan"]).context("the first roll")?;
    ensure!(world.domain().kvno("svc-orphan$")? == kvno + 1, "{kvno}");
    world.roll(&["orphan"]).context("the second roll")?;
    gates.never_shut()?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("orphan")
}

/// A node's disk is put back to before a roll: it is repaired before it may serve.
pub fn a_snapshot_of_a_node(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["node-back"])?;
    world.create("node-back", QUICK)?;
    world.serve("node-back")?;
    let folder = world.agents[0].folder().to_owned();
    let snapshot = lab.folder("snapshots")?.join(&world.nodes[0]);
    copy_tree(&folder, &snapshot)?;
    world.roll(&["node-back"])?;
    // Nobody goes to a node that is switched off; the others serve.
    let mut load = world.load("node-back", LIFE);
    load.direct = vec![world.nodes[1].clone()];
    let users = keyroll_tests::logins::Logins::start(lab, "node-back", &load)?;
    world.agents[0].kill()?;
    fs::remove_dir_all(&folder)?;
    copy_tree(&snapshot, &folder)?;
    let old = fs::read(world.agents[0].keytab("node-back"))?;
    let gates = Gates::watch_node(&world, "node-back", 0, {
        let keytab = world.agents[0].keytab("node-back").to_owned();
        move || fs::read(&keytab).is_ok_and(|now| now != old)
    });
    world.agents[0].start()?;
    world.agents[0].wait_ready("node-back", SOON)?;
    gates.opened_only_then()?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("node-back")
}

/// A backup by the operators' verb, checked by the controller's.
fn back_up(world: &World<'_>, name: &str) -> Result<PathBuf> {
    let path = world.lab.folder("backups")?.join(name);
    let file = path.to_str().context("not UTF-8")?;
    let said = world.cli.run(&["backup", file])?;
    let length = fs::metadata(&path)?.len();
    ensure!(said["bytes"] == length, "{said}, and it has {length}");
    let mut command = world.controller.command("restore")?;
    let shown = output(command.args([file, "--dry-run", "--output", "json"]))?;
    let shown: Value = serde_json::from_str(&shown)?;
    ensure!(shown["arrays"][0]["array"] == name, "{shown}");
    Ok(path)
}

/// Has the last node's hook wait for as long as a file is there.
pub fn hold_up(world: &mut World<'_>) -> Result<PathBuf> {
    let agent = world.agents.last_mut().context("no node")?;
    let file = agent.folder().join("hold-up");
    let wait = format!("while [ -e {} ]; do sleep 0.1; done", file.display());
    agent.set_hook(&["/bin/sh", "-c", &wait])?;
    Ok(file)
}

/// Does `what` while a roll has its password and not all nodes have its keys.
pub fn while_staging<T>(
    world: &mut World<'_>,
    array: &str,
    held_up: &Path,
    what: impl FnOnce(&mut World<'_>) -> Result<T>,
) -> Result<T> {
    fs::write(held_up, b"")?;
    world.begin_roll(array)?;
    world.wait_for_state(array, "staging")?;
    let done = what(world)?;
    fs::remove_file(held_up)?;
    Ok(done)
}

fn snapshot_while_staging(world: &mut World<'_>, array: &str, held_up: &Path) -> Result<PathBuf> {
    while_staging(world, array, held_up, |world| {
        let snapshot = world.lab.folder("backups")?.join(format!("{array}.redb"));
        world.controller.kill()?;
        fs::copy(store(world), &snapshot)?;
        world.controller.start()?;
        Ok(snapshot)
    })
}

fn store(world: &World<'_>) -> PathBuf {
    world.controller.folder().join("state/state.redb")
}

/// The controller dies, and its state with it.
fn lose(world: &mut World<'_>) -> Result<()> {
    world.controller.kill()?;
    Ok(fs::remove_dir_all(world.controller.folder().join("state"))?)
}

fn restore(world: &mut World<'_>, backup: &Path) -> Result<()> {
    let said = output(world.controller.command("restore")?.arg(backup))?;
    ensure!(said.contains("keyroll recover"), "{said}");
    // A second time there is a store in the way.
    let again = world.controller.command("restore")?.arg(backup).output()?;
    let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
    ensure!(
        again.status.code() == Some(65) && complaint.contains("not overwritten"),
        "{complaint}"
    );
    world.controller.start()
}

/// What is no backup, or not a whole one, or another controller's, makes no state.
fn bad_backups_leave_nothing(world: &World<'_>, backup: &Path) -> Result<()> {
    let whole = fs::read(backup)?;
    let bad = backup.with_extension("bad");
    let mut edited = whole.clone();
    let middle = edited.len() / 2;
    edited[middle] ^= 1;
    let cases: [(&[u8], &str); 4] = [
        (&whole[..whole.len() / 2], "too early"),
        (&edited, "damaged"),
        (b"not one", "no backup of keyroll"),
        (b"", "no backup of keyroll"),
    ];
    for (bytes, words) in cases {
        fs::write(&bad, bytes)?;
        refused(world, &bad, words)?;
    }
    refused(world, Path::new("/there/is/none"), "No such file")?;
    let key = world.controller.folder().join("seal.key");
    let right = fs::read(&key)?;
    fs::write(&key, [7; 32])?;
    refused(world, backup, "sealing key does not fit")?;
    Ok(fs::write(&key, right)?)
}

fn refused(world: &World<'_>, backup: &Path, words: &str) -> Result<()> {
    let done = world.controller.command("restore")?.arg(backup).output()?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.code() == Some(65) && complaint.contains(words),
        "{words}: {}, {complaint}",
        done.status
    );
    let state = world.controller.folder().join("state/state.redb");
    ensure!(!state.exists(), "{words}: it left a store");
    Ok(())
}

/// The controller has seen that it is behind, says so, and touches nothing.
fn nothing_is_done(world: &World<'_>, array: &str, evidence: &str) -> Result<()> {
    let alarm = until("the alarm", SOON, || {
        let status = world.cli.ask(&["status"])?.status()?;
        let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
        let about = |alarm: &&Value| alarm["object"] == array && alarm["grade"] == "critical";
        let alarm = alarms.iter().find(about);
        alarm
            .cloned()
            .with_context(|| format!("no alarm in {status}"))
    });
    let alarm = alarm.with_context(|| world.story())?;
    let what = alarm["what"].as_str().unwrap_or_default();
    ensure!(what.contains(evidence), "{alarm}");
    ensure!(
        alarm["next"] == format!("keyroll recover {array} --dry-run"),
        "{alarm}"
    );
    let before = keytabs(world, array)?;
    let refused = world.cli.ask(&["roll", array, "--yes"])?.complaint()?;
    ensure!(refused.code == "stale" && refused.exit == 76, "{refused:?}");
    let looked = world.cli.run(&["recover", array, "--dry-run"])?;
    let why = looked["recoveries"][0]["stale"].as_str();
    ensure!(
        why.is_some_and(|why| what.contains(why)),
        "{looked}\n{what}"
    );
    for agent in &world.agents {
        let (status, why) = agent.health(&format!("/ready/{array}"))?;
        ensure!(status == 200, "{}: {status} {why}", agent.node);
    }
    ensure!(keytabs(world, array)? == before, "a keytab was touched");
    Ok(())
}

/// The verdict.
fn recover(world: &World<'_>, array: &str) -> Result<String> {
    let done = world
        .cli
        .run(&["recover", array, "--yes"])
        .with_context(|| world.story())?;
    let verdict = done["recoveries"][0]["verdict"].as_str();
    let again = world.cli.run(&["recover", "--all", "--yes"])?;
    ensure!(again["recoveries"] == serde_json::json!([]), "{again}");
    Ok(verdict.unwrap_or_default().to_owned())
}

fn all_in_service(world: &World<'_>, array: &str) -> Result<()> {
    until("every node to be in service", SOON, || {
        let nodes = world.cli.run(&["node", "list", array])?;
        let nodes = nodes["nodes"].as_array().cloned().unwrap_or_default();
        let other = nodes.iter().find(|node| node["state"] != "in-service");
        ensure!(other.is_none() && !nodes.is_empty(), "{other:?}");
        Ok(())
    })
    .with_context(|| world.story())
}

fn keytabs(world: &World<'_>, array: &str) -> Result<Vec<Vec<u8>>> {
    let keytabs = world.agents.iter().map(|agent| agent.keytab(array));
    keytabs.map(|path| Ok(fs::read(path)?)).collect()
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let mut command = std::process::Command::new("cp");
    output(command.arg("-a").arg("-T").args([from, to])).map(drop)
}
