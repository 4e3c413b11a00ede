//! The doctor: each fault is planted for real, must be named by its own check and by no other, and
//! must be gone once the command is run that the doctor prints.
//!
//! The tables are also the last section of `docs/doctor.md`: `KEYROLL_WRITE_DOCS=1` writes it.

mod account;
mod client;
mod dc;
mod deadlines;
mod descriptor;
mod node;
mod web;

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll::doctor::{CLIENT_CHECKS, checks};
use keyroll_tests::lab::{Lab, output, tests_folder};
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

pub use account::accounts_and_keys;
pub use dc::domain_controllers;
pub use deadlines::ends;
pub use node::nodes;

/// A fault, and what is to be said of it.
struct Fault {
    /// What is wrong, for the table in the docs.
    wrong: &'static str,
    /// The check that names it.
    check: &'static str,
    /// How bad it says that is.
    grade: &'static str,
    /// In the object or the evidence.
    says: &'static str,
    /// Checks that may complain of what follows from it.
    follows: &'static [&'static str],
    /// Plants it.
    bring: fn(&mut World<'_>) -> Result<()>,
    /// Ends it.
    mend: Mend,
}

impl Fault {
    const fn broken(
        wrong: &'static str,
        check: &'static str,
        says: &'static str,
        follows: &'static [&'static str],
        bring: fn(&mut World<'_>) -> Result<()>,
        mend: Mend,
    ) -> Self {
        Self {
            wrong,
            check,
            grade: "broken",
            says,
            follows,
            bring,
            mend,
        }
    }

    const fn warning(
        wrong: &'static str,
        check: &'static str,
        says: &'static str,
        follows: &'static [&'static str],
        bring: fn(&mut World<'_>) -> Result<()>,
        mend: Mend,
    ) -> Self {
        Self {
            grade: "warning",
            ..Self::broken(wrong, check, says, follows, bring, mend)
        }
    }
}

/// What ends a fault.
enum Mend {
    /// The printed command, with these words in it.
    Printed(&'static str),
    /// Something outside of keyroll that the doctor describes: with these words.
    ByHand(&'static str, fn(&mut World<'_>) -> Result<()>),
    /// With these words, and for how long nothing ends it: the last of an array's faults.
    Lasts(&'static str, &'static str),
}

/// Plants each fault in turn in an array that has nothing to begin with.
fn plant(world: &mut World<'_>, array: &str, faults: &[Fault]) -> Result<()> {
    well(world, array).context("to begin with")?;
    plant_into(world, array, faults)
}

/// Plants each fault in turn in an array that need not be well, or be there, before.
fn plant_into(world: &mut World<'_>, array: &str, faults: &[Fault]) -> Result<()> {
    for fault in faults {
        let case = || fault.wrong;
        (fault.bring)(world).with_context(case)?;
        let finding = named(world, array, fault).with_context(case)?;
        let printed = finding["mend"].as_str().unwrap_or_default();
        let (Mend::Printed(words) | Mend::ByHand(words, _) | Mend::Lasts(words, _)) = fault.mend;
        ensure!(
            printed.contains(words),
            "it prints {printed:?}: {}",
            fault.wrong
        );
        // The doctor changes nothing, and binds as nobody.
        ensure!(!printed.contains("--bind-as"), "it prints {printed:?}");
        match fault.mend {
            Mend::Printed(_) => run_printed(world, printed).with_context(case)?,
            Mend::ByHand(_, mend) => mend(world).with_context(case)?,
            Mend::Lasts(..) => return Ok(()),
        }
        well(world, array).with_context(|| format!("after {} was mended", fault.wrong))?;
    }
    Ok(())
}

fn examined(world: &World<'_>, array: &str) -> Result<(i32, Vec<Value>)> {
    let mut line = vec!["doctor", array];
    // The machine of the test is a client too, where somebody has logged in on it.
    if world.cli.has("KRB5CCNAME") {
        line.push("--from-client");
    }
    let said = world.cli.ask(&line)?;
    let reply: Value =
        serde_json::from_str(&said.stdout).with_context(|| format!("no reply: {said:?}"))?;
    let findings = reply["findings"].as_array().cloned().unwrap_or_default();
    Ok((said.exit, findings))
}

/// The finding by which a fault is named, once there is no other that does not follow from it.
fn named(world: &World<'_>, array: &str, fault: &Fault) -> Result<Value> {
    let exit = if fault.grade == "broken" { 1 } else { 3 };
    until(fault.wrong, SOON, || {
        let (code, findings) = examined(world, array)?;
        let bad: Vec<&Value> = findings.iter().filter(|one| one["grade"] != "ok").collect();
        let of = |one: &&Value| {
            let text = format!("{} {}", one["object"], one["evidence"]);
            one["check"] == fault.check && one["grade"] == fault.grade && text.contains(fault.says)
        };
        let found = bad.iter().copied().find(of);
        let found = found.with_context(|| format!("{} is not named: {bad:#?}", fault.check))?;
        let expected = |one: &&&Value| {
            let check = one["check"].as_str().unwrap_or_default();
            check == fault.check || fault.follows.contains(&check)
        };
        let others: Vec<_> = bad.iter().filter(|one| !expected(one)).collect();
        ensure!(others.is_empty(), "false alarms: {others:#?}");
        ensure!(
            code == exit || !fault.follows.is_empty(),
            "exit code {code}"
        );
        Ok(found.clone())
    })
    .with_context(|| world.story())
}

/// That nothing at all is complained of.
fn well(world: &World<'_>, array: &str) -> Result<()> {
    until("the doctor to find nothing", SOON, || {
        let (code, findings) = examined(world, array)?;
        let bad: Vec<&Value> = findings.iter().filter(|one| one["grade"] != "ok").collect();
        ensure!(bad.is_empty() && code == 0, "exit code {code}: {bad:#?}");
        ensure!(findings.len() > 20, "it looked at little: {findings:?}");
        Ok(())
    })
    .with_context(|| world.story())
}

/// Types what is printed, as an operator would: one command after the other, of two that are the
/// same the first.
fn run_printed(world: &World<'_>, printed: &str) -> Result<()> {
    for (index, command) in printed.split(", then ").enumerate() {
        let command = command.split(" (or ").next().unwrap_or_default().trim();
        if let Some(words) = command.strip_prefix("keyroll ") {
            let mut words: Vec<&str> = words.split(' ').collect();
            if words[0] == "roll" {
                words.extend(["--yes", "--wait"]);
            }
            let said = world.cli.ask(&words)?;
            ensure!(
                words[0] == "doctor" || said.exit == 0,
                "{command}: {said:?}"
            );
        } else if command.starts_with("samba-tool ") {
            let line = format!("samba-tool() {{ lab-dc samba-tool dc1 \"$@\"; }}\n{command}");
            output(Command::new("bash").args(["-euc", &line])).context(command.to_owned())?;
        } else {
            // What follows may be advice: it is mended by then.
            ensure!(index > 0, "nobody can type {command:?}");
        }
    }
    Ok(())
}

/// What is wrong with an account, in LDIF without its first lines.
fn modify(world: &World<'_>, dn: &str, change: &str) -> Result<()> {
    let ldif = format!("dn: {dn}\nchangetype: modify\n{change}\n");
    world.domain().modify(&ldif)
}

const HEADING: &str = "## Faults, planted for real\n";

/// The tables as the last section of the page.
pub fn the_docs_have_every_fault(_: &Lab, _: &FreeNodes) -> Result<()> {
    let path = tests_folder().join("../docs/doctor.md");
    let there = std::fs::read_to_string(&path)?;
    let (checks, old) = there
        .split_once(HEADING)
        .context("the page has no such heading")?;
    let faults = section()?;
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{checks}{HEADING}{faults}"))?;
        return Ok(());
    }
    let stale = "docs/doctor.md is out of date; KEYROLL_WRITE_DOCS=1 writes it anew";
    ensure!(old == faults, "{stale}");
    Ok(())
}

/// That no check stands there which nothing on a real domain has ever set off.
fn every_check_names_one(faults: &[&Fault]) -> Result<()> {
    let checks = checks().map(|check| check.id);
    let checks = checks.chain(CLIENT_CHECKS.iter().map(|check| check.id));
    let unseen = |check: &&str| !faults.iter().any(|fault| fault.check == *check);
    let unseen = checks.filter(unseen).filter(|check| *check != OF_IIS);
    let unseen: Vec<&str> = unseen.collect();
    ensure!(unseen.is_empty(), "no fault is planted for {unseen:?}");
    Ok(())
}

/// There is no IIS here; what it judges by is read under wine, from files as IIS writes them.
const OF_IIS: &str = "node-iis";

fn section() -> Result<String> {
    let groups = [
        account::faults(),
        account::unknown(),
        client::faults(),
        web::faults(),
        node::faults(),
        deadlines::of_authority(),
        deadlines::of_node(),
        dc::faults(),
    ];
    let all: Vec<&Fault> = groups.iter().flatten().collect();
    let printed = all
        .iter()
        .filter(|one| matches!(one.mend, Mend::Printed(_)));
    every_check_names_one(&all)?;
    let (all_of_them, printed) = (all.len(), printed.count());
    let by_hand = all_of_them - printed;
    let mut text = format!(
        "\nMade from `tests/end_to_end/doctor/`, which breaks each of these things on a real \
         domain, and\nmust pass: each fault is named by its own check, nothing else is complained \
         of but what follows from\nit, and nothing at all before it is planted and once it is \
         mended.\n\n\
         | faults planted | named by their own check | false alarms | mended by the very command \
         that is printed | by hand, as it says |\n| --- | --- | --- | --- | --- |\n\
         | {all_of_them} | {all_of_them} | 0 | {printed} | {by_hand} |\n\n\
         | fault | named by | grade | mended by |\n| --- | --- | --- | --- |\n",
    );
    for fault in all {
        let mended = match fault.mend {
            Mend::Printed(words) => format!("`{words} …`, as printed"),
            Mend::ByHand(words, _) => format!("`{words}`: by hand"),
            Mend::Lasts(words, until) => format!("`{words}`: {until}"),
        };
        let Fault {
            wrong,
            check,
            grade,
            ..
        } = fault;
        writeln!(text, "| {wrong} | `{check}` | {grade} | {mended} |")?;
    }
    Ok(text)
}
