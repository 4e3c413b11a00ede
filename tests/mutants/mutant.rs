//! The mutants, as cargo-mutants lists them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cargo;

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

/// One small mistake.
#[derive(Debug)]
pub struct Mutant {
    /// What the switch asks for: its place in the list.
    pub number: u32,
    /// As cargo-mutants names it, with file, line and column.
    pub name: String,
    pub file: String,
    pub genre: Genre,
    /// What is replaced in the file, in bytes.
    pub range: Range<usize>,
    pub replacement: String,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    file: String,
    span: Span,
    replacement: String,
    genre: Genre,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
    end: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

/// The text of each file that has mutants.
pub type Sources = BTreeMap<String, String>;

/// All mutants that `chosen`, options of cargo-mutants, leave.
pub fn list(root: &Path, chosen: &[String]) -> Result<(Vec<Mutant>, Sources)> {
    let mut command = cargo::plain(root);
    command.args(["mutants", "--list", "--json", "--package", "keyroll"]);
    let output = command.args(chosen).output().context("cargo mutants")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo mutants --list: {problem}");
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout)?;
    let mut sources = Sources::new();
    for one in &listed {
        if !sources.contains_key(&one.file) {
            let text = std::fs::read_to_string(root.join(&one.file))?;
            sources.insert(one.file.clone(), text);
        }
    }
    let mutants = (0..).zip(listed).map(|(number, one)| {
        let text = &sources[&one.file];
        let range = offset(text, &one.span.start)?..offset(text, &one.span.end)?;
        Ok(Mutant {
            number,
            name: one.name,
            file: one.file,
            genre: one.genre,
            range,
            replacement: one.replacement,
        })
    });
    let mutants = mutants.collect::<Result<_>>()?;
    Ok((mutants, sources))
}

/// Lines and columns start with one; columns count characters.
fn offset(text: &str, position: &Position) -> Result<usize> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(position.line - 1).map(str::len).sum();
    let line = lines.next().context("a line behind the end of its file")?;
    let behind: usize = line
        .chars()
        .take(position.column - 1)
        .map(char::len_utf8)
        .sum();
    Ok(before + behind)
}

impl Mutant {
    /// The text of a part of the file with this mistake in it.
    pub fn made_in(&self, text: &str, part: &Range<usize>) -> String {
        let head = &text[part.start..self.range.start];
        let tail = &text[self.range.end..part.end];
        format!("{head}{} {tail}", self.replacement)
    }
}
