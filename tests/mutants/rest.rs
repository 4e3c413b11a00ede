//! What cannot be switched, in builds of its own: by cargo-mutants itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::mutant::Mutant;
use crate::outcome::{self, Outcome, Outcomes};

/// Has cargo-mutants try what is left.
pub fn add(root: &Path, folder: &Path, mutants: &[Mutant], outcomes: &mut Outcomes) -> Result<()> {
    let left = outcome::named(mutants, outcomes, Outcome::Left);
    if left.is_empty() {
        return Ok(());
    }
    println!("{} are left to cargo-mutants", left.len());
    let mut command = cargo::plain(root);
    command
        .args(["mutants", "--package", "keyroll", "--output"])
        .arg(folder);
    for name in &left {
        command.arg("--re").arg(format!("^{}$", escaped(name)));
    }
    // It lets the fields of a struct through whatever the name is.
    let files = mutants.iter().filter(|one| left.contains(&one.name));
    let files: BTreeSet<&str> = files.map(|one| one.file.as_str()).collect();
    for file in files {
        command.args(["--file", file]);
    }
    let status = command.status().context("cargo mutants")?;
    // 2: some were missed; 3: some ran on and on.
    ensure!(
        matches!(status.code(), Some(0 | 2 | 3)),
        "cargo mutants: {status}"
    );
    let lists = [
        ("caught", Outcome::Caught),
        ("timeout", Outcome::Timeout),
        ("missed", Outcome::Missed),
        ("unviable", Outcome::Unviable),
    ];
    for (list, outcome) in lists {
        let path = folder.join("mutants.out").join(format!("{list}.txt"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for name in text.lines() {
            let mutant = mutants
                .iter()
                .find(|one| one.name == name && left.contains(&one.name));
            outcomes.extend(mutant.map(|one| (one.number, outcome)));
        }
    }
    Ok(())
}

fn escaped(name: &str) -> String {
    let special = |character: char| r"\.+*?()|[]{}^$#&-~".contains(character);
    let mut text = String::new();
    for character in name.chars() {
        text.extend(special(character).then_some('\\'));
        text.push(character);
    }
    text
}
