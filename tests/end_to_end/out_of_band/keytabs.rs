//! Files: opened to others, added to, overwritten, removed; with keys of others in them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::Target;
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use super::{says, told, verified};
use crate::set_up::{LIFE, QUICK};

/// Whose entry somebody adds.
const HOST: &str = "host/backup.corp.example@CORP.EXAMPLE";

/// Put right within a look. What takes no key away costs no login; a file that is gone costs those
/// that come before the next look, and the node says meanwhile that it is not ready.
pub fn files_that_others_write(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["edited"])?;
    let shared = Target {
        array: "edited".to_owned(),
        path: world.agents[1].folder().join("keytabs/shared"),
        kind: "shared",
        only: "",
    };
    world.agents[1].set_targets(vec![shared])?;
    world.create("edited", QUICK)?;
    world.serve("edited")?;
    let users = world.users("edited", LIFE)?;
    opened_to_others(&world)?;
    added_to(&world)?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    gone(&world, |path| fs::remove_file(path))?;
    gone(&world, |path| fs::write(path, b"\x05\x02"))?;
    gone(&world, |path| fs::write(path, b"not a keytab"))?;
    let alarm = told(&world, "keytab-fought-over")?;
    says(&alarm, "critical", &[&world.nodes[0], "inotifywait"])?;
    verified(&world, "edited", "keytab-fought-over", "broken")?;
    world.roll(&["edited"])?;
    ensure!(
        held(world.agents[1].keytab("edited"))?.contains(HOST),
        "an entry of others is gone"
    );
    Ok(())
}

fn opened_to_others(world: &World<'_>) -> Result<()> {
    let keytab = world.agents[0].keytab("edited");
    fs::set_permissions(keytab, fs::Permissions::from_mode(0o646))?;
    until("the mode to be put right", SOON, || {
        let mode = fs::metadata(keytab)?.permissions().mode() & 0o777;
        ensure!(mode == 0o640, "{mode:o}");
        Ok(())
    })
    .with_context(|| world.story())
}

/// An entry of others goes from a file of keyroll's own, with a word, and stays in a shared one.
fn added_to(world: &World<'_>) -> Result<()> {
    let [own, shared] = [0, 1].map(|index| world.agents[index].keytab("edited"));
    add_entry(shared)?;
    add_entry(own)?;
    until("its name to be told", SOON, || {
        let alarm = told(world, "keytab-edited")?;
        let node = &world.nodes[0];
        says(&alarm, "notice", &[node, HOST, "kind = \\\"shared\\\""])
    })
    .with_context(|| world.story())?;
    until("the entry to be gone", SOON, || {
        let held = held(own)?;
        ensure!(!held.contains(HOST), "{held}");
        Ok(())
    })
    .with_context(|| world.story())?;
    ensure!(held(shared)?.contains(HOST), "an entry of others is gone");
    Ok(())
}

/// The first node's file is made useless by `how`, and is as it was within a few seconds.
fn gone(world: &World<'_>, how: impl Fn(&Path) -> std::io::Result<()>) -> Result<()> {
    let agent = &world.agents[0];
    let keytab = agent.keytab("edited");
    let before = held(keytab)?;
    how(keytab)?;
    until("the keytab to be written again", seconds(60), || {
        let now = held(keytab)?;
        ensure!(now == before, "{now}");
        Ok(())
    })
    .with_context(|| world.story())?;
    agent.wait_ready("edited", SOON)?;
    let ticket = HeldTicket::fetch(world.lab, "edited.corp.example", 60)?;
    ticket.log_in(&agent.node).with_context(|| world.story())
}

fn held(keytab: &Path) -> Result<String> {
    output(Command::new("klist").arg("-k").arg(keytab))
}

/// As an administrator would, with MIT's tool, which appends to the file.
fn add_entry(keytab: &Path) -> Result<()> {
    let mut ktutil = Command::new("ktutil");
    ktutil.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = ktutil.spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    let keytab = keytab.display();
    let words = format!(
        "addent -password -p {HOST} -k 1 -e aes256-cts-hmac-sha1-96 -s any\nsecret\n\
         wkt {keytab}\nq\n"
    );
    std::io::Write::write_all(&mut input, words.as_bytes())?;
    drop(input);
    let status = child.wait()?;
    ensure!(status.success(), "ktutil ended with {status}");
    Ok(())
}
