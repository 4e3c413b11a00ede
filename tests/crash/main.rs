//! Crashes, cuts and worse, everywhere, with a real Active Directory and users who log in.
//!
//! Each trial has a lab of its own, since it harms the domain controllers and the network: this
//! program runs itself inside one for each. At the end it says how many processes it killed.

mod gauntlet;
mod good;
mod random;
mod scenarios;

use std::env;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::told;
use keyroll_tests::web::FreeNodes;
use libtest_mimic::{Arguments, Failed, Trial};

/// How a trial is known inside its lab.
const TRIAL: &str = "KEYROLL_TRIAL";
/// What a trial says of itself when it has ended well.
const KILLED: &str = "killed processes: ";

/// What is tried, and how; it gives the number of processes that were killed.
type Try = (&'static str, fn(&Lab, &FreeNodes) -> Result<usize>);

/// The longest ones first: they decide how long all of it takes.
const TRIALS: &[Try] = &[
    (
        "a_good_roll_dies_everywhere",
        good::a_good_roll_dies_everywhere,
    ),
    (
        "anybody_dies_at_any_instant",
        random::anybody_dies_at_any_instant,
    ),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(TRIAL) {
        return inside(&name);
    }
    let mut arguments = Arguments::from_args();
    // Drains and timeouts are waited for, not worked for.
    arguments.test_threads.get_or_insert(3);
    let killed = Arc::new(AtomicUsize::new(0));
    let mut trials = vec![Trial::test("every_place_has_a_scenario", || {
        scenarios::every_place_has_one().map_err(|error| Failed::from(told(&error)))
    })];
    for &(name, _) in TRIALS {
        let killed = Arc::clone(&killed);
        let trial = Trial::test(name, move || {
            killed.fetch_add(in_a_lab(name)?, Ordering::Relaxed);
            Ok(())
        });
        // A release build has no places to end at.
        trials.push(trial.with_ignored_flag(cfg!(not(debug_assertions))));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    say(&format!("{KILLED}{}", killed.load(Ordering::Relaxed)));
    conclusion.exit_code()
}

/// Runs one trial in a lab of its own; the number of processes that it killed.
fn in_a_lab(name: &str) -> Result<usize, Failed> {
    let failed = |why: String| Failed::from(why);
    let this = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let done = Command::new(tests_folder().join("lab/run"))
        .args(["--dcs", "2", "--nodes", "4"])
        .arg(this)
        .env(TRIAL, name)
        .output()
        .map_err(|error| failed(format!("tests/lab/run: {error}")))?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let killed = said.lines().find_map(|line| line.strip_prefix(KILLED));
    match killed.and_then(|number| number.parse().ok()) {
        Some(killed) if done.status.success() => Ok(killed),
        _ => {
            let complaint = String::from_utf8_lossy(&done.stderr);
            Err(failed(format!("{}\n{complaint}{said}", done.status)))
        }
    }
}

/// The trial itself, within its lab.
fn inside(name: &str) -> ExitCode {
    let tried = Lab::here().and_then(|lab| {
        let (_, trial) = TRIALS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| anyhow::anyhow!("there is no trial {name}"))?;
        trial(&lab, &FreeNodes::of(&lab))
    });
    match tried {
        Ok(killed) => {
            say(&format!("{KILLED}{killed}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&told(&error));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the test program's own voice")]
fn say(what: &str) {
    println!("{what}");
}
