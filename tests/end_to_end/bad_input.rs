//! Everything that can be wrong before a roll: one paragraph each (what, which object, why, next
//! command), a documented exit code, and nothing changed.
//!
//! The tables here are also `docs/errors.md`: `KEYROLL_WRITE_DOCS=1 cargo test` writes it anew.

mod account;
mod directory;
mod node;
mod order;

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::cli::{Cli, Said};
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::web::FreeNodes;

pub use account::accounts_that_cannot_be_rolled;
pub use directory::directories_that_cannot_be_used;
pub use node::nodes_that_cannot_take_keys;
pub use order::orders_that_make_no_sense;

/// One thing that is wrong, and what is said about it.
pub struct Case {
    /// What is wrong, for the table in the docs.
    pub wrong: &'static str,
    /// The command that finds it.
    pub command: &'static str,
    /// Its exit code.
    pub exit: i32,
    /// The stable word; empty for the daemons, which have none.
    pub code: &'static str,
    /// The object and the reason, in the message: each must be in it.
    pub says: &'static [&'static str],
    /// In the next command.
    pub next: &'static str,
}

/// What was said.
#[derive(Debug)]
pub struct Told {
    pub exit: i32,
    pub code: String,
    pub text: String,
    pub next: String,
}

impl Case {
    /// That this was said, in one paragraph.
    pub fn check(&self, told: &Told) -> Result<()> {
        let Self {
            wrong,
            exit,
            code,
            says,
            next,
            ..
        } = self;
        let judge = || -> Result<()> {
            ensure!(told.exit == *exit, "the exit code is not {exit}");
            ensure!(told.code == *code, "the code is not {code:?}");
            for part in *says {
                ensure!(told.text.contains(part), "it does not say {part:?}");
            }
            ensure!(told.next.contains(next), "the next command is not {next:?}");
            ensure!(
                !next.is_empty() || told.next.is_empty(),
                "the table lacks the next command"
            );
            let paragraph = told.text.trim();
            ensure!(
                !paragraph.is_empty() && !paragraph.contains("\n\n"),
                "not one paragraph"
            );
            ensure!(paragraph.chars().count() <= 700, "nobody reads so much");
            Ok(())
        };
        judge().with_context(|| format!("{wrong}: {told:?}"))
    }
}

/// A refusal of the command line's own or the controller's.
pub fn complained(said: &Said) -> Result<Told> {
    let complaint = said.complaint()?;
    let (exit, code) = (complaint.exit, complaint.code);
    Ok(Told {
        exit,
        code,
        text: complaint.message,
        next: complaint.next,
    })
}

/// The reason of this code among those that a dry run of a roll gives.
pub fn refusal(cli: &Cli, array: &str, code: &str) -> Result<Told> {
    let said = cli.ask(&["roll", array, "--dry-run"])?;
    if said.stdout.trim().is_empty() {
        return complained(&said);
    }
    let reply: serde_json::Value = serde_json::from_str(&said.stdout)?;
    let all = reply["rolls"][0]["refusals"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = all.iter().find(|reason| reason["code"] == code);
    let found = found.with_context(|| format!("no {code} in {all:?}"))?;
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    Ok(Told {
        exit: said.exit,
        code: text("code"),
        text: format!("{}: {}", text("object"), text("why")),
        next: text("next"),
    })
}

/// What a daemon's program said on standard error and how it ended.
pub fn ended(command: &mut Command) -> Result<Told> {
    let done = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    let next = text
        .split_once("Next: ")
        .map(|(_, next)| next.trim().to_owned());
    let exit = done.status.code().context("it was ended by a signal")?;
    Ok(Told {
        exit,
        code: String::new(),
        text,
        next: next.unwrap_or_default(),
    })
}

/// The tables as a page. It must be what is in the docs.
pub fn the_docs_have_every_error(_: &Lab, _: &FreeNodes) -> Result<()> {
    let path = tests_folder().join("../docs/errors.md");
    let page = page()?;
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page)?;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        there == page,
        "docs/errors.md is out of date; KEYROLL_WRITE_DOCS=1 writes it anew"
    );
    Ok(())
}

fn page() -> Result<String> {
    let mut page = "# What can be wrong, and what keyroll says\n\n\
        Made from the tables of `tests/end_to_end/bad_input`, which cause each of these on a real\n\
        domain and check what is said, the exit code, and that nothing was changed. A roll names\n\
        all reasons against it at once; `keyroll roll ARRAY --dry-run` does too, and changes\n\
        nothing. Exit codes: [the command line](cli.md#exit-codes), `keyroll-agent --help`,\n\
        `keyroll-controller --help`.\n"
        .to_owned();
    for (title, cases) in [
        ("The account", account::cases()),
        ("The directory and the controller", directory::cases()),
        ("Nodes", node::cases()),
        ("Orders", order::cases()),
    ] {
        writeln!(page, "\n## {title}\n")?;
        writeln!(
            page,
            "| what is wrong | seen by | exit | code | says | next |"
        )?;
        writeln!(page, "| --- | --- | --- | --- | --- | --- |")?;
        for case in cases {
            let code = if case.code.is_empty() {
                String::new()
            } else {
                format!("`{}`", case.code)
            };
            let next = if case.next.is_empty() {
                String::new()
            } else {
                format!("`{}`", case.next)
            };
            let says = case.says.join(" … ");
            let Case {
                wrong,
                command,
                exit,
                ..
            } = case;
            writeln!(
                page,
                "| {wrong} | `{command}` | {exit} | {code} | {says} | {next} |"
            )?;
        }
    }
    Ok(page)
}
