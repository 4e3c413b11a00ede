//! `keyroll doctor --watch`, left to itself while things break and are put right.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::process::Process;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use rustix::process::Signal;
use serde_json::Value;

use super::well;
use crate::set_up::QUICK;

/// One that people read, and one for a program; both are stopped by a signal.
pub fn watched(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["vigil"])?;
    world.create("vigil", QUICK)?;
    world.serve("vigil")?;
    world.domain().address("vigil", &world.nodes[0])?;
    well(&world, "vigil")?;

    let clean = " 0 broken, 0 warnings, 0 unknown, ";
    let mut people = begin(&world, "table", " unknown, ", clean)?;
    let mut program = begin(&world, "json", "\n", "{\"grade\":\"ok\",")?;
    let node = world.nodes[1].clone();
    let name = world.agents[1].full_name();

    // Both bear a controller that is away, and tell what is different when it is back.
    world.controller.kill()?;
    people.wait_for("; looking again")?;
    world.web.stop(&node)?;
    world.controller.start()?;
    world.agents[1].wait_ready("vigil", SOON)?;
    people.wait_for(&format!("broken service-answers {name}: "))?;
    people.wait_for("  mend: ")?;
    program.wait_for("{\"grade\":\"broken\",")?;

    world.web.serve(&node, world.agents[1].keytab("vigil"))?;
    people.wait_for(&format!("ok service-answers {name}: "))?;
    people.wait_for("(was broken)")?;
    program.wait_for("{\"grade\":\"ok\",")?;

    // As shells number it; and as every program ends that is asked to.
    ensure!(people.stop(Signal::INT)? == Ended::With(130));
    ensure!(program.stop(Signal::TERM)? == Ended::By(Signal::TERM.as_raw()));
    every_line_is_a_reply(&program)
}

/// One whose first look, which ends with `end`, is a `clean` one: no other is printed as a whole.
fn begin<'w>(world: &World<'w>, form: &str, end: &str, clean: &str) -> Result<Watch> {
    let mut tries = 0;
    until("a first look without a finding", SOON, || {
        tries += 1;
        let log = format!("{form}{tries}");
        let mut watch = Watch::start(world, &log, &["--output", form])?;
        watch.wait_for(end)?;
        let text = fs::read_to_string(&watch.log)?;
        ensure!(text.contains(clean), "{text}");
        Ok(watch)
    })
}

/// No look is printed that is as the one before it.
fn every_line_is_a_reply(program: &Watch) -> Result<()> {
    let text = fs::read_to_string(&program.log)?;
    let replies = text.lines().filter(|line| line.starts_with('{'));
    let mut before = String::new();
    for line in replies {
        let reply: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let findings = reply["findings"].as_array().context("no findings")?;
        let grade = |one: &Value| format!("{} {} {}", one["check"], one["object"], one["grade"]);
        let grades: Vec<String> = findings.iter().map(grade).collect();
        let grades = grades.join("\n");
        ensure!(grades != before, "the same twice:\n{text}");
        before = grades;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    With(i32),
    By(i32),
}

/// A doctor that watches, and how far what it says has been read.
struct Watch {
    process: Process,
    log: PathBuf,
    read: usize,
}

impl Watch {
    fn start(world: &World<'_>, name: &str, options: &[&str]) -> Result<Self> {
        let log = world.lab.folder("vigil")?.join(name);
        let verb = ["doctor", "vigil", "--watch"];
        let mut command: Command = world.cli.command_in(&[&verb, options].concat());
        Ok(Self {
            process: Process::start(&mut command, &log)?,
            log,
            read: 0,
        })
    }

    /// Until it says that, after what has been read of it.
    fn wait_for(&mut self, words: &str) -> Result<()> {
        let what = format!("the doctor to say {words:?}");
        self.read = until(&what, seconds(90), || {
            let text = fs::read_to_string(&self.log)?;
            let new = text.get(self.read..).unwrap_or_default();
            let at = new.find(words).with_context(|| new.to_owned())?;
            Ok(self.read + at + words.len())
        })?;
        Ok(())
    }

    fn stop(&mut self, signal: Signal) -> Result<Ended> {
        self.process.signal(signal)?;
        let ended = until("the doctor to end", seconds(20), || {
            self.process.ended()?.context("it goes on")
        })?;
        match (ended.code(), ended.signal()) {
            (Some(code), _) => Ok(Ended::With(code)),
            (None, Some(signal)) => Ok(Ended::By(signal)),
            (None, None) => bail!("it ended as {ended}"),
        }
    }
}
