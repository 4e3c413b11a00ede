//! `docs/model.md`: prose from `page.md`, tables from what was explored.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;

use crate::mistakes;
use crate::outcome;
use crate::settings::{LARGE, SMALL, Settings};

const PROSE: &str = include_str!("page.md");

/// Read and written by one world at a time.
static PAGE: Mutex<()> = Mutex::new(());

/// Compares the page with what was explored, or writes it if `KEYROLL_WRITE_DOCS` is set. The rows
/// of large worlds stay as they are.
pub fn is_of_today() -> Result<(), Failed> {
    // Explored here already, so that the page is not held up for others.
    page("");
    compared(page, "model")
}

/// The same of the row of a large world. One that the page has not yet goes to its end, until the
/// page is written anew.
pub fn row_is_of_today(settings: &Settings) -> Result<(), Failed> {
    let new = row(settings, numbers(settings));
    let today = |before: &str| match told_row(before, settings) {
        Some(old) => before.replace(&format!("{old}\n"), &new),
        None => format!("{before}{new}"),
    };
    compared(today, "model-full")
}

fn compared(today: impl Fn(&str) -> String, target: &str) -> Result<(), Failed> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/model.md");
    let _turn = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let today = today(&before);
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, today)?;
        return Ok(());
    }
    if before == today {
        return Ok(());
    }
    Err(format!("docs/model.md is old: KEYROLL_WRITE_DOCS=1 make {target} writes it anew").into())
}

fn page(before: &str) -> String {
    let small = SMALL
        .iter()
        .map(|settings| row(settings, numbers(settings)));
    let all = LARGE
        .iter()
        .map(|settings| row(settings, told(before, settings)));
    let mistakes = mistakes::ALL.iter().map(|planted| {
        let outcome = outcome::of(planted.settings, Some(planted.mistake));
        let found = outcome.get().and_then(|outcome| outcome.wrong.as_ref());
        let (promise, steps, way) = found.map_or(("nothing", 0, ""), |found| {
            (found.promise, found.steps, found.way.as_str())
        });
        let (rule, world) = (planted.rule, planted.settings.name);
        let mistake = planted.mistake;
        format!("| {rule} | `{mistake:?}` | {world} | {promise} | {steps} | {way} |\n")
    });
    PROSE
        .replace("{small}\n", &small.collect::<String>())
        .replace("{large}\n", &all.collect::<String>())
        .replace("{mistakes}\n", &mistakes.collect::<String>())
}

fn row(settings: &Settings, numbers: String) -> String {
    let mut who = format!("{} DCs, {} node", settings.dcs, settings.nodes);
    if settings.nodes > 1 {
        who.push('s');
    }
    if settings.spare > 0 {
        let _ = write!(who, " and {}", settings.spare);
    }
    let name = settings.name;
    format!("| {name} | {who} | {} | {numbers} |\n", settings.words)
}

fn numbers(settings: &Settings) -> String {
    let outcome = outcome::of(settings, None);
    outcome.get().map_or_else(String::new, |outcome| {
        let (states, steps) = (grouped(outcome.states), grouped(outcome.steps));
        format!("{states} | {steps} | {}", outcome.depth)
    })
}

/// The numbers that the page had for this world.
fn told(before: &str, settings: &Settings) -> String {
    let row = told_row(before, settings);
    let cells: Vec<&str> = row.unwrap_or_default().split(" | ").collect();
    match cells[..] {
        [.., states, steps, depth] => {
            let depth = depth.trim_end_matches(" |");
            format!("{states} | {steps} | {depth}")
        }
        _ => "– | – | –".to_owned(),
    }
}

fn told_row<'a>(before: &'a str, settings: &Settings) -> Option<&'a str> {
    let begin = format!("| {} | ", settings.name);
    before.lines().find(|line| line.starts_with(&begin))
}

/// 1234567 as `1 234 567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
