//! The audit's copy elsewhere cannot be written: nothing is changed, and no user notices.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// The one sink is away while users log in: each verb that changes something is refused, the
/// account's key stays, and the roll is made once the sink is back, with no entry missing there.
pub fn r21_while_the_sink_is_away_nothing_is_rolled_and_all_log_in(
    lab: &Lab,
    free: &FreeNodes,
) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["heard"])?;
    let folder = world.controller.folder().join("sink");
    let (copy, away) = (folder.join("audit.jsonl"), folder.with_extension("away"));
    fs::create_dir(&folder)?;
    world.controller.kill()?;
    world
        .controller
        .reconfigure(|text| format!("{text}[audit]\nfile = {copy:?}\n"))?;
    world.controller.start()?;
    world.create("heard", QUICK)?;
    world.serve("heard")?;
    let users = world.users("heard", LIFE)?;
    let kvno = world.domain().kvno("svc-heard$")?;

    fs::rename(&folder, &away)?;
    let node = world.agents[0].full_name();
    for verb in [
        &["roll", "heard", "--yes"][..],
        &["node", "quarantine", "heard", &node],
        &["node", "remove", "heard", &node, "--yes"],
    ] {
        let no = world.cli.ask(verb)?.complaint()?;
        ensure!(no.exit == 75 && no.code == "audit-unheard", "{no:?}");
    }
    // Whoever only reads is answered, and told what is the matter.
    let said = world.cli.ask(&["status"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("audit-sink"),
        "{said:?}"
    );
    ensure!(
        world.domain().kvno("svc-heard$")? == kvno,
        "it was rolled though nobody had heard of it"
    );

    fs::rename(&away, &folder)?;
    world.roll(&["heard"])?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("heard")?;
    until("the copy to be as long as the chain", SOON, || {
        let last = world.cli.run(&["audit", "verify"])?["last"].as_u64();
        let kept = fs::read_to_string(&copy)?.lines().count() as u64;
        ensure!(last == Some(kept), "{kept} of {last:?} entries");
        Ok(())
    })
}
