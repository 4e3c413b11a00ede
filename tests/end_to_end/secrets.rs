//! Real passwords and keys, looked for in every place where none may be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use keyroll::keytab::held;
use keyroll_tests::agent::Agent;
use keyroll_tests::lab::Lab;
use keyroll_tests::search::{Needles, files_below, memory, note_processes};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

use crate::set_up::QUICK;

/// So long after a roll, nobody uses its keys any more.
const USED: Duration = Duration::from_secs(2);

/// So long after a roll, a connection that keys went over may live on, and a look takes: on a busy
/// machine most looks come upon one at work.
const WIPED: Duration = Duration::from_secs(30);

/// Everything logs at trace level; an account is adopted with a password that this test knows,
/// rolled, and rolled again; then the password and all three generations' keys are looked for.
pub fn r10_no_secret_is_anywhere_else(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["quiet"])?;
    world.controller.kill()?;
    world.controller.start_with(&[("RUST_LOG", "trace")])?;
    world.controller.wait_ready()?;
    let domain = world.domain();
    domain.account("svc-quiet", &["HTTP/quiet.corp.example"])?;
    domain.delegate(&world.cli, "svc-quiet")?;
    let file = domain.password_file("svc-quiet");
    let password = fs::read_to_string(&file)?;
    let mut needles = Needles::default();
    needles.add_text("the adopted password", &password);
    add_keys(
        &mut needles,
        "the adopted key",
        &fs::read(domain.keytab("svc-quiet"))?,
    )?;

    let mut said = Vec::new();
    let mut ask = |world: &World<'_>, arguments: &[&str]| -> Result<()> {
        let answer = world.cli.ask(&[&["--verbose"], arguments].concat())?;
        ensure!(
            answer.exit == 0,
            "{}: {}{}",
            answer.command,
            answer.stdout,
            answer.stderr
        );
        said.push(answer.stdout + &answer.stderr);
        Ok(())
    };
    let file = file.to_str().context("the lab's folder is not UTF-8")?;
    let adopt = [
        "array",
        "adopt",
        "quiet",
        "--account",
        "svc-quiet",
        "--password-file",
        file,
    ];
    ask(&world, &[&adopt[..], QUICK].concat())?;
    trace(&world.agents[0])?;
    world.join("quiet", 0)?;
    // Sampled all the while: a secret in an argument would be there for a moment only.
    let processes = watched(|| {
        ask(&world, &["roll", "quiet", "--yes", "--wait"])?;
        add_keys(
            &mut needles,
            "the middle key",
            &fs::read(world.agents[0].keytab("quiet"))?,
        )?;
        ask(&world, &["roll", "quiet", "--yes", "--wait"])
    })
    .with_context(|| world.story())?;
    add_keys(
        &mut needles,
        "the key in force",
        &fs::read(world.agents[0].keytab("quiet"))?,
    )?;
    // Before anything else is said over the connections.
    none_in_memory(&needles, &mut world)?;
    for verb in [
        &["verify", "quiet"][..],
        &["roll", "explain", "quiet"],
        &["roll", "history", "quiet"],
        &["array", "show", "quiet"],
        &["node", "show", "quiet", &world.agents[0].full_name()],
        &["status"],
        &["audit", "show"],
    ] {
        ask(&world, verb)?;
    }

    none_in(
        &needles,
        "what the command line said",
        said.join("\n").as_bytes(),
    )?;
    for (place, content) in &processes {
        none_in(&needles, place, content)?;
    }
    none_in_files(&needles, &world)?;
    no_core_dumps(&mut world)
}

fn add_keys(needles: &mut Needles, name: &str, keytab: &[u8]) -> Result<()> {
    let entries = held::entries(keytab)?;
    let keys = entries
        .iter()
        .flatten()
        .filter_map(|entry| entry.known_key());
    let before = keys.map(|key| needles.add(name, key.expose())).count();
    ensure!(before > 0, "{name}: the keytab is empty");
    Ok(())
}

fn trace(agent: &Agent) -> Result<()> {
    let config = fs::read_to_string(agent.config())?;
    fs::write(agent.config(), format!("log = \"trace\"\n{config}"))?;
    Ok(())
}

fn watched(work: impl FnOnce() -> Result<()>) -> Result<BTreeMap<String, Vec<u8>>> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeMap::new();
            while !done.load(Ordering::Relaxed) {
                note_processes(&mut seen);
                thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let Ok(seen) = watcher.join() else {
            bail!("the watcher of processes failed")
        };
        worked.map(|()| seen)
    })
}

fn none_in(needles: &Needles, place: &str, hay: &[u8]) -> Result<()> {
    let found = needles.found_in(hay);
    ensure!(found.is_empty(), "{place} has {found:?}");
    Ok(())
}

/// In no file at all but the keytab, which is its owner's alone; and the state is closed.
fn none_in_files(needles: &Needles, world: &World<'_>) -> Result<()> {
    let agent = &world.agents[0];
    for folder in [world.controller.folder(), agent.folder()] {
        for (path, mode, content) in files_below(folder)? {
            let place = path.display().to_string();
            if path == agent.keytab("quiet") {
                ensure!(
                    !needles.found_in(&content).is_empty(),
                    "the search finds nothing"
                );
                ensure!(mode & 0o077 == 0, "{place} has mode {mode:o}");
                continue;
            }
            none_in(needles, &place, &content)?;
        }
        let state = folder.join("state");
        let mode = fs::metadata(&state)?.permissions().mode() & 0o777;
        ensure!(mode == 0o700, "{} has mode {mode:o}", state.display());
    }
    let seal = fs::metadata(world.controller.folder().join("seal.key"))?
        .permissions()
        .mode();
    ensure!(
        seal & 0o077 == 0,
        "the sealing key has mode {:o}",
        seal & 0o777
    );
    let traces = fs::read_to_string(world.controller.log())?
        .matches("TRACE")
        .count();
    ensure!(
        traces > 20,
        "the controller's log has {traces} lines of trace level"
    );
    // An agent lets only its own crates say more than `info`, whatever the setting.
    let lines = fs::read_to_string(agent.log())?
        .matches("keyroll_agent")
        .count();
    ensure!(lines > 3, "the agent's log has {lines} lines of its own");
    Ok(())
}

fn no_core_dumps(world: &mut World<'_>) -> Result<()> {
    let ids = [
        world.controller.process()?.id(),
        world.agents[0].process()?.id(),
    ];
    for id in ids {
        let limits = fs::read_to_string(format!("/proc/{id}/limits"))?;
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = core.unwrap_or_default().split_whitespace().collect();
        ensure!(
            words.get(4..6) == Some(&["0", "0"]),
            "core dumps of {id}: {words:?}"
        );
    }
    Ok(())
}

/// Both have staged, proven and retired; what they no longer use, they must have wiped: their own
/// copies, and those in the buffers of libraries.
#[expect(clippy::print_stderr, reason = "the test program's own voice")]
fn none_in_memory(needles: &Needles, world: &mut World<'_>) -> Result<()> {
    let ended = Instant::now();
    let processes = [
        ("the agent's memory", world.agents[0].process()?.id()),
        ("the controller's memory", world.controller.process()?.id()),
    ];
    thread::sleep(USED);
    // To search a copy takes seconds, so both are taken first.
    let copies = processes.map(|(place, id)| (place, id, memory(id), ended.elapsed()));
    for (place, id, first, mut taken) in copies {
        let mut copy = Some(first);
        // At work on a keytab they may rightly hold keys, so one clean look of many is enough.
        keyroll_tests::wait::until("memory to be clean", WIPED, || {
            let memory = copy.take().unwrap_or_else(|| {
                taken = ended.elapsed();
                memory(id)
            })?;
            let seen = memory.len();
            ensure!(seen > 100_000, "only {seen} bytes of {place} were seen");
            none_in(needles, place, &memory)
        })?;
        eprintln!("{place}: clean {taken:?} after the roll's end");
    }
    Ok(())
}
