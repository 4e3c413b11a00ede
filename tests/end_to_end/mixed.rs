//! An array with nodes of Linux and of Windows.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// Where the Windows agent dies in a roll each: with the new file made and not in its place, and
/// with the file in its place and nobody told.
const DEATHS: [&str; 2] = ["before effect rename", "after effect replace-keytab"];

/// Two nodes of Linux and one of Windows, on whose keytab users log in like on the others; the
/// Windows agent dies in the middle of two rolls.
pub fn an_array_of_linux_and_windows(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["mixed"])?;
    world.agents[2].on_windows()?;
    world.create("mixed", QUICK)?;
    world.serve("mixed")?;
    world.verify("mixed")?;
    let users = world.users("mixed", LIFE)?;
    world.roll(&["mixed"])?;
    for place in DEATHS {
        world.agents[2].wishes().set([format!("kill {place}")])?;
        world.begin_roll("mixed")?;
        let agent = &mut world.agents[2];
        until("the agent of Windows to die", SOON, || {
            let ended = agent.process()?.ended()?;
            ended.map(|_| ()).context("it lives")
        })
        .with_context(|| world.story())?;
        let agent = &mut world.agents[2];
        ensure!(agent.wishes().reached()? == [place], "it died elsewhere");
        agent.wishes().set([])?;
        agent.start()?;
        world.wait_for_state("mixed", "done")?;
        world.verify("mixed")?;
    }
    users.stop()?.none_failed()?;
    // Written by the one, read by the other's tools: the same entries as beside it.
    let shown = |index: usize| -> Result<String> {
        let keytab = world.agents[index].keytab("mixed");
        let shown = output(
            std::process::Command::new("klist")
                .args(["-k", "-e"])
                .arg(keytab),
        )?;
        let entries = shown.lines().skip(1).map(str::to_owned);
        Ok(entries.collect::<Vec<_>>().join("\n"))
    };
    let (linux, windows) = (shown(0)?, shown(2)?);
    ensure!(linux == windows, "not the same: {linux}\n{windows}");
    Ok(())
}
