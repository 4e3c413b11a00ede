//! What became of each mutant: lists, and a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::mutant::Mutant;
use crate::tree;

/// What became of a mutant. The order is that of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A test failed.
    Caught,
    /// A test went on and on.
    Timeout,
    /// All tests passed.
    Missed,
    /// It does not compile.
    Unviable,
    /// It cannot be switched; only a build of its own could try it.
    Left,
}

const ALL: [(Outcome, &str); 5] = [
    (Outcome::Caught, "caught"),
    (Outcome::Timeout, "timeout"),
    (Outcome::Missed, "missed"),
    (Outcome::Unviable, "unviable"),
    (Outcome::Left, "left"),
];

pub type Outcomes = BTreeMap<u32, Outcome>;

/// The names of those with this outcome.
pub fn named(mutants: &[Mutant], outcomes: &Outcomes, wanted: Outcome) -> Vec<String> {
    let of = |one: &&Mutant| outcomes.get(&one.number) == Some(&wanted);
    mutants
        .iter()
        .filter(of)
        .map(|one| one.name.clone())
        .collect()
}

/// Writes a list for each outcome.
pub fn write(folder: &Path, mutants: &[Mutant], outcomes: &Outcomes) -> Result<()> {
    for (outcome, name) in ALL {
        let mut names = named(mutants, outcomes, outcome);
        names.push(String::new());
        tree::write(
            &folder.join(format!("{name}.txt")),
            names.join("\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// A row for each module of the core, as the documentation has it.
pub fn table(mutants: &[Mutant], outcomes: &Outcomes) -> String {
    let mut rows: BTreeMap<&str, BTreeMap<Outcome, usize>> = BTreeMap::new();
    let mut total = BTreeMap::new();
    for mutant in mutants {
        let path = mutant.file.strip_prefix("src/").unwrap_or(&mutant.file);
        let module = path.split(['/', '.']).next().unwrap_or(path);
        let Some(outcome) = outcomes.get(&mutant.number) else {
            continue;
        };
        *rows.entry(module).or_default().entry(*outcome).or_insert(0) += 1;
        *total.entry(*outcome).or_insert(0) += 1;
    }
    let mut text = "| part | mutants |".to_owned();
    for (_, name) in ALL {
        let _ = write!(text, " {name} |");
    }
    text += " noticed |\n| --- |";
    text += &" ---: |".repeat(ALL.len() + 2);
    text.push('\n');
    for (name, row) in &rows {
        text += &line(&format!("`{name}`"), row);
    }
    text + &line("all", &total)
}

fn line(name: &str, row: &BTreeMap<Outcome, usize>) -> String {
    let count = |outcome| row.get(&outcome).copied().unwrap_or(0);
    let mut text = format!("| {name} | {} |", row.values().sum::<usize>());
    for (outcome, _) in ALL {
        let _ = write!(text, " {} |", count(outcome));
    }
    let noticed = count(Outcome::Caught) + count(Outcome::Timeout);
    let viable = (noticed + count(Outcome::Missed)).max(1);
    let tenths = noticed * 1000 / viable;
    text + &format!(" {}.{} % |\n", tenths / 10, tenths % 10)
}
