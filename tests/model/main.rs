//! The roll, explored exhaustively: the real `plan`, `apply` and `judge` in small worlds.
//!
//! One trial for each world, in which every promise must hold, and one for each planted mistake,
//! which must be found. `--nocapture` prints the shortest way to each.

mod agents;
mod controller;
mod digest;
mod directory;
mod event;
mod explore;
mod frame;
mod ledger;
mod meddling;
mod mistakes;
mod model;
mod outcome;
mod page;
mod promises;
mod question;
mod settings;
mod story;
mod surroundings;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::mistakes::Planted;
use crate::settings::{LARGE, SMALL, Settings};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let aloud = arguments.nocapture;
    let small = |settings: &'static Settings| Trial::test(settings.name, || holds(settings));
    let large = |settings: &'static Settings| {
        let held = || holds(settings).and_then(|()| page::row_is_of_today(settings));
        Trial::test(settings.name, held).with_ignored_flag(true)
    };
    let is_found = |planted: &'static Planted| {
        let name = format!("mistake::{:?}", planted.mistake);
        Trial::test(name, move || is_found(planted, aloud))
    };
    let mut trials: Vec<Trial> = SMALL.iter().map(small).collect();
    trials.extend(mistakes::ALL.iter().map(is_found));
    trials.push(Trial::test("the_page_is_of_today", page::is_of_today));
    trials.extend(LARGE.iter().map(large));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn holds(settings: &Settings) -> Result<(), Failed> {
    let outcome = outcome::of(settings, None);
    match outcome.get().and_then(|outcome| outcome.wrong.as_ref()) {
        None => Ok(()),
        Some(found) => Err(format!("{}\n{}", found.promise, found.story).into()),
    }
}

#[expect(clippy::print_stdout, reason = "asked for by --nocapture")]
fn is_found(planted: &Planted, aloud: bool) -> Result<(), Failed> {
    let outcome = outcome::of(planted.settings, Some(planted.mistake));
    let Some(found) = outcome.get().and_then(|outcome| outcome.wrong.as_ref()) else {
        return Err(format!("without the rule that {}, nothing breaks", planted.rule).into());
    };
    if aloud {
        println!(
            "Without the rule that {}: {}\n{}",
            planted.rule, found.promise, found.story
        );
    }
    Ok(())
}
