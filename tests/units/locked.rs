//! A roll by programs whose memory is all locked, as it is where the unit lifts the limit.
//!
//! How: a test machine may be one on which nobody can lift a limit. So `strace` tells the programs
//! that there is none, and root's CAP_IPC_LOCK makes that true for what they lock then.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{LIFE, QUICK, SOON, World};

/// Writes "no limit" over every answer to getrlimit, before the program sees it.
const LIFTED: &[&str] = &[
    "strace",
    "-f",
    "--seccomp-bpf",
    "-o/dev/null",
    "-etrace=prlimit64",
    "-einject=prlimit64:poke_exit=@arg4=ffffffffffffffffffffffffffffffff",
];

/// The two programs' figures.
///
/// # Errors
/// A login failed, or memory is not locked.
pub fn r11_a_roll_with_all_memory_locked(lab: &Lab) -> Result<String> {
    let free = FreeNodes::of(lab);
    let mut world = World::new(lab, &free, 2, &["locked"])?;
    world.controller.kill()?;
    world.controller.wrap(LIFTED);
    world.controller.start()?;
    for agent in &mut world.agents {
        agent.wrap(LIFTED);
        agent.set_hook(&["/usr/bin/true"])?;
    }
    world.create("locked", QUICK)?;
    world.serve("locked")?;
    let users = world.users("locked", LIFE)?;
    world.roll(&["locked"])?;
    let controller = locked(world.controller.process()?.id())?;
    let agent = locked(world.agents[0].process()?.id())?;
    let summary = users.stop()?;
    summary.none_failed()?;
    world.agents[0].wait_ready("locked", SOON)?;
    world.verify("locked")?;
    Ok(format!(
        "a roll with {controller} KiB (controller) and {agent} KiB (agent) locked, 0 of {} logins \
         failed",
        summary.tried
    ))
}

/// How much memory a traced program has locked, in KiB: at least all that it uses.
fn locked(tracer: u32) -> Result<u64> {
    let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"))?;
    let child = children.split_whitespace().next().context("no child")?;
    let status = fs::read_to_string(format!("/proc/{child}/status"))?;
    let of = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        Ok(number.with_context(|| format!("no {name}"))?.parse()?)
    };
    let (locked, used) = (of("VmLck")?, of("VmRSS")?);
    ensure!(locked >= used, "{locked} KiB of {used} are locked");
    Ok(locked)
}
