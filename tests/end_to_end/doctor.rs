//! The doctor: each fault is planted for real, must be named by its own check and by no other, and
//! must be gone once the command is run that the doctor prints.
//!
//! The tables are also the last section of `docs/doctor.md`: `KEYROLL_WRITE_DOCS=1` writes it.

mod account;
mod balancer;
mod called;
mod client;
mod dc;
mod deadlines;
mod descriptor;
mod in_its_place;
mod node;
pub mod typed;
mod watching;
mod web;

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use keyroll::doctor::{CLIENT_CHECKS, checks};
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use self::typed::How;

pub use account::accounts_and_keys;
pub use balancer::behind_a_balancer;
pub use dc::domain_controllers;
pub use deadlines::ends;
pub use node::nodes;
pub use watching::watched;

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

impl Fault {
    /// Whether a finding is of the fault, or follows from it.
    fn accounts_for(&self, finding: &Value) -> bool {
        let check = finding["check"].as_str().unwrap_or_default();
        check == self.check || self.follows.contains(&check)
    }
}

/// What ends a fault. Each has words of what is printed.
enum Mend {
    /// All that is printed, typed as it stands there.
    Printed(&'static str),
    /// The same, where part of it is done by what the lab has in its place.
    InItsPlace(&'static str),
    /// Something that no command can do, as the doctor says.
    ByHand(&'static str, fn(&mut World<'_>) -> Result<()>),
    /// For how long nothing ends it: the last of an array's faults.
    Lasts(&'static str, &'static str),
}

impl Mend {
    const fn words(&self) -> &'static str {
        let (Self::Printed(words)
        | Self::InItsPlace(words)
        | Self::ByHand(words, _)
        | Self::Lasts(words, _)) = self;
        words
    }
}

/// Plants each fault in turn in an array that has nothing to begin with.
fn plant(world: &mut World<'_>, array: &str, faults: &[Fault]) -> Result<()> {
    let before = counted(world, array)?;
    well(world, array).context("to begin with")?;
    let after = counted(world, array)?;
    ensure!(
        before == after,
        "the doctor was counted: {before:?}, then {after:?}"
    );
    plant_into(world, array, faults)
}

/// What somebody who guesses at the account's password, or who writes to it, leaves on each domain
/// controller. A login leaves its time, which is none of these.
fn counted(world: &World<'_>, array: &str) -> Result<Vec<Vec<String>>> {
    let domain = world.domain();
    let accounts = [format!("svc-{array}$"), format!("svc-{array}")];
    let has = |account: &&String| domain.attribute("dc1", account, "cn").is_ok();
    let account = accounts.iter().find(has).context("no account")?;
    let mut left = Vec::new();
    for dc in ["dc1", "dc2"] {
        for attribute in [
            "badPwdCount",
            "badPasswordTime",
            "pwdLastSet",
            "userAccountControl",
        ] {
            left.push(domain.attribute(dc, account, attribute)?);
        }
    }
    Ok(left)
}

/// Plants each fault in turn in an array that need not be well, or be there, before.
fn plant_into(world: &mut World<'_>, array: &str, faults: &[Fault]) -> Result<()> {
    for fault in faults {
        let case = || fault.wrong;
        (fault.bring)(world).with_context(case)?;
        let finding = named(world, array, fault).with_context(case)?;
        let printed = finding["mend"].as_str().unwrap_or_default();
        // The doctor changes nothing, and binds as nobody.
        ensure!(!printed.contains("--bind-as"), "it prints {printed:?}");
        match fault.mend {
            Mend::Printed(_) => {
                let how = mended(world, array, fault, printed).with_context(case)?;
                ensure!(how == How::AsPrinted, "not as printed: {printed:?}");
            }
            Mend::InItsPlace(_) => {
                let how = mended(world, array, fault, printed).with_context(case)?;
                ensure!(how == How::InItsPlace, "as printed: {printed:?}");
            }
            Mend::ByHand(_, mend) => mend(world).with_context(case)?,
            Mend::Lasts(..) => return Ok(()),
        }
        well(world, array).with_context(|| format!("after {} was mended", fault.wrong))?;
    }
    Ok(())
}

pub fn examined(world: &World<'_>, array: &str) -> Result<(i32, Vec<Value>)> {
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
        let others: Vec<_> = bad.iter().filter(|one| !fault.accounts_for(one)).collect();
        ensure!(others.is_empty(), "false alarms: {others:#?}");
        // What mends it may hang on how the other nodes answer in that very look.
        let (words, printed) = (fault.mend.words(), found["mend"].as_str());
        let says = printed.is_some_and(|printed| printed.contains(words));
        ensure!(says, "it prints {printed:?}, not {words}");
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

/// Does what is printed; where that is to look at the other findings, what these print.
fn mended(world: &mut World<'_>, array: &str, fault: &Fault, printed: &str) -> Result<How> {
    if !typed::only_looks(printed) {
        return typed::run(world, printed);
    }
    let mut how = How::AsPrinted;
    let findings = examined(world, array)?.1.into_iter();
    for finding in findings.filter(|one| fault.accounts_for(one)) {
        let other = finding["mend"].as_str().unwrap_or_default();
        if !other.is_empty() && !typed::only_looks(other) {
            how = typed::run(world, other)?;
        }
    }
    Ok(how)
}

/// What is wrong with an account, in LDIF without its first lines.
fn modify(world: &World<'_>, dn: &str, change: &str) -> Result<()> {
    let ldif = format!("dn: {dn}\nchangetype: modify\n{change}\n");
    world.domain().modify(&ldif)
}

const HEADING: &str = "## Faults, planted for real\n";

/// The tables as the last section of the page.
pub fn the_docs_have_every_fault(_: &Lab, _: &FreeNodes) -> Result<()> {
    typed::is_read_as_printed()?;
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
        balancer::faults(),
        node::faults(),
        deadlines::of_authority(),
        deadlines::of_node(),
        dc::faults(),
    ];
    let all: Vec<&Fault> = groups.iter().flatten().collect();
    every_check_names_one(&all)?;
    let count = |is: fn(&Mend) -> bool| all.iter().filter(|one| is(&one.mend)).count();
    let (planted, printed, in_its_place) = (
        all.len(),
        count(|mend| matches!(mend, Mend::Printed(_))),
        count(|mend| matches!(mend, Mend::InItsPlace(_))),
    );
    let by_hand = planted - printed - in_its_place;
    let mut text = format!(
        "\nMade from `tests/end_to_end/doctor/`, which breaks each of these things on a real \
         domain, and\nmust pass: each fault is named by its own check, nothing else is complained \
         of but what follows from\nit, and nothing at all before it is planted and once it is \
         mended. What is printed is taken out of\nthe doctor's JSON and typed by a program: verbs \
         of keyroll and commands of the directory with an\nadministrator's rights, the rest on \
         the machine that is named. \"In its place\" means that the lab\nhas no systemd and no \
         chrony, and other places for the settings of Samba and Apache: there one table\n\
         (`in_its_place.rs`) says what is done instead. \"By hand\" are faults that no command \
         can mend.\n\n\
         | faults planted | named by their own check | false alarms | mended by the very command \
         that is printed | by what the lab has in its place | by hand, as it says |\n\
         | --- | --- | --- | --- | --- | --- |\n\
         | {planted} | {planted} | 0 | {printed} | {in_its_place} | {by_hand} |\n\n\
         | fault | named by | grade | mended by |\n| --- | --- | --- | --- |\n",
    );
    for fault in all {
        let mended = match fault.mend {
            Mend::Printed(words) => format!("`{words} …`, as printed"),
            Mend::InItsPlace(words) => format!("`{words} …`, in its place"),
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
