//! An array with nodes of Linux and of Windows.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// Where the Windows agent dies in a roll each: with the new file made and not in its place, and
/// with the file in its place and nobody told.
const DEATHS: [&str; 2] = ["before effect rename", "after effect replace-keytab"];

/// The node of Windows that dies.
const MORTAL: usize = 2;
/// The node of Windows that comes later.
const LATE: usize = 3;

/// Two nodes of Linux and one of Windows, on whose keytab users log in like on the others; one more
/// of Windows comes between two rolls, and the first one dies in the middle of two more.
pub fn an_array_of_linux_and_windows(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 4, &["mixed"])?;
    for index in [MORTAL, LATE] {
        world.agents[index].on_windows()?;
    }
    world.create("mixed", QUICK)?;
    for index in 0..LATE {
        world.serve_at("mixed", index)?;
    }
    world.domain().wait_for_spn(&world.spn("mixed"))?;
    world.verify("mixed")?;
    let mut load = world.load("mixed", LIFE);
    let late = load.direct.split_off(LATE);
    let users = Logins::start(lab, "mixed", &load)?;
    world.roll(&["mixed"])?;
    let held = HeldTicket::fetch(lab, &load.host, 60)?;
    world.serve_at("mixed", LATE)?;
    held.log_in(&world.nodes[LATE])
        .context("at the new node, with a ticket from before it came")?;
    load.direct = late;
    let late_users = Logins::start(lab, "mixed-late", &load)?;
    for place in DEATHS {
        world.agents[MORTAL]
            .wishes()
            .set([format!("kill {place}")])?;
        world.begin_roll("mixed")?;
        let agent = &mut world.agents[MORTAL];
        until("the agent of Windows to die", SOON, || {
            let ended = agent.process()?.ended()?;
            ended.map(|_| ()).context("it lives")
        })
        .with_context(|| world.story())?;
        let agent = &mut world.agents[MORTAL];
        ensure!(agent.wishes().reached()? == [place], "it died elsewhere");
        agent.wishes().set([])?;
        agent.start()?;
        world.wait_for_state("mixed", "done")?;
        world.verify("mixed")?;
    }
    for users in [users, late_users] {
        users.stop()?.none_failed()?;
    }
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
    let linux = shown(0)?;
    for index in [MORTAL, LATE] {
        let windows = shown(index)?;
        ensure!(linux == windows, "not the same: {linux}\n{windows}");
    }
    Ok(())
}
