//! `docs/model.md`: prose from `page.md`, tables from what was explored.

use std::fmt::Write as _;
use std::path::PathBuf;

use libtest_mimic::Failed;

use crate::mistakes;
use crate::outcome;
use crate::settings::{LARGE, SMALL, Settings};

const PROSE: &str = include_str!("page.md");

/// Compares the page with what was explored, or writes it if `KEYROLL_WRITE_DOCS` is set. The large
/// worlds' numbers are those of before unless `large` asks for them.
pub fn is_of_today(large: bool) -> Result<(), Failed> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/model.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let today = page(&before, large);
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, today)?;
        return Ok(());
    }
    if before == today {
        return Ok(());
    }
    let verb = if large { "model-full" } else { "model" };
    Err(format!("docs/model.md is old: KEYROLL_WRITE_DOCS=1 make {verb} writes it anew").into())
}

fn page(before: &str, large: bool) -> String {
    let small = SMALL
        .iter()
        .map(|settings| row(settings, numbers(settings)));
    let all = LARGE.iter().map(|settings| {
        let numbers = if large {
            numbers(settings)
        } else {
            told(before, settings)
        };
        row(settings, numbers)
    });
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
    let begin = format!("| {} | ", settings.name);
    let row = before.lines().find(|line| line.starts_with(&begin));
    let cells: Vec<&str> = row.unwrap_or_default().split(" | ").collect();
    match cells[..] {
        [.., states, steps, depth] => {
            format!("{states} | {steps} | {}", depth.trim_end_matches(" |"))
        }
        _ => "– | – | –".to_owned(),
    }
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
