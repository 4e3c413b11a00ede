//! Crashes, cuts and worse, everywhere, with a real Active Directory and users who log in.
//!
//! Each trial has a lab of its own, since it harms the domain controllers and the network: this
//! program runs itself inside one for each. At the end it says what each came to.

mod anywhere;
mod behind;
mod cuts;
mod day;
mod disks;
mod gauntlet;
mod good;
mod halts;
mod otherwise;
mod random;
mod scenarios;
mod stopped;
mod toll;

use std::env;
use std::fmt::Write as _;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::{report, say, told};
use libtest_mimic::{Arguments, Failed, Trial};

use toll::Toll;

/// How a trial is known inside its lab.
const TRIAL: &str = "KEYROLL_TRIAL";
/// Trials that run side by side on two cores: drains and timeouts are waited for, not worked for.
const SIDE_BY_SIDE: usize = 5;

/// What is tried, and how.
type Try = (&'static str, fn(&Lab, &FreeNodes) -> Result<Toll>);

/// All places at which something can die; in each `make test`, the longest ones first.
const PLACES: &[Try] = &[
    (
        "domain_controllers_that_fail_a_roll",
        halts::domain_controllers_that_fail_a_roll,
    ),
    (
        "rolls_that_end_otherwise_survive",
        otherwise::rolls_that_end_otherwise_survive,
    ),
    ("the_write_dies_everywhere", good::the_write_dies_everywhere),
    (
        "a_good_roll_dies_everywhere",
        good::a_good_roll_dies_everywhere,
    ),
    (
        "nodes_that_a_roll_goes_on_without",
        behind::nodes_that_a_roll_goes_on_without,
    ),
    ("stopped_anywhere", anywhere::stopped_anywhere),
    ("cut_anywhere", anywhere::cut_anywhere),
    ("an_operators_day_survives", day::an_operators_day_survives),
    ("the_kvno_moves_on", halts::the_kvno_moves_on),
    (
        "anybody_dies_at_any_instant",
        random::anybody_dies_at_any_instant,
    ),
];

/// What takes longer than timeouts do; in `make crash` alone.
const FAULTS: &[Try] = &[
    ("stopped_everywhere_1", anywhere::stopped_everywhere::<0, 4>),
    ("stopped_everywhere_2", anywhere::stopped_everywhere::<1, 4>),
    ("stopped_everywhere_3", anywhere::stopped_everywhere::<2, 4>),
    ("stopped_everywhere_4", anywhere::stopped_everywhere::<3, 4>),
    ("cut_everywhere_1", anywhere::cut_everywhere::<0, 3>),
    ("cut_everywhere_2", anywhere::cut_everywhere::<1, 3>),
    ("cut_everywhere_3", anywhere::cut_everywhere::<2, 3>),
    (
        "disks_are_full_or_read_only",
        disks::disks_are_full_or_read_only,
    ),
    (
        "a_node_that_shuts_its_own_gate",
        behind::a_node_that_shuts_its_own_gate,
    ),
    ("the_controller_is_parted", cuts::the_controller_is_parted),
    ("the_writer_is_cut_off", cuts::the_writer_is_cut_off),
    (
        "the_domain_controllers_are_parted",
        cuts::the_domain_controllers_are_parted,
    ),
    ("an_agent_stands_still", stopped::an_agent_stands_still),
    (
        "the_controller_stands_still",
        stopped::the_controller_stands_still,
    ),
    (
        "a_domain_controller_stands_still",
        stopped::a_domain_controller_stands_still,
    ),
    (
        "a_domain_controller_dies_in_the_modify",
        stopped::a_domain_controller_dies_in_the_modify,
    ),
];

/// What each trial came to: its name, seconds and toll.
type Tolls = Arc<Mutex<Vec<(&'static str, u64, Toll)>>>;

fn main() -> ExitCode {
    if let Ok(name) = env::var(TRIAL) {
        return inside(&name);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    let tolls = Tolls::default();
    let mut trials = vec![Trial::test("every_place_has_a_scenario", || {
        scenarios::every_place_has_one().map_err(|error| Failed::from(told(&error)))
    })];
    // A release build has no places to end at.
    let released = cfg!(not(debug_assertions));
    let places = PLACES.iter().map(|(name, _)| (*name, released));
    for (name, ignored) in places.chain(FAULTS.iter().map(|(name, _)| (*name, true))) {
        let tolls = Arc::clone(&tolls);
        let trial = Trial::test(name, move || {
            let began = Instant::now();
            let toll = in_a_lab(name).map_err(|error| Failed::from(told(&error)))?;
            let mut tolls = tolls.lock().unwrap_or_else(PoisonError::into_inner);
            tolls.push((name, began.elapsed().as_secs(), toll));
            Ok(())
        });
        trials.push(trial.with_ignored_flag(ignored));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let tolls = tolls.lock().unwrap_or_else(PoisonError::into_inner);
    if !tolls.is_empty() {
        say(&table(&tolls));
    }
    conclusion.exit_code()
}

fn table(tolls: &[(&str, u64, Toll)]) -> String {
    let mut text = String::new();
    let mut sum = Toll::default();
    for &(name, seconds, toll) in tolls {
        // A string takes whatever it is given.
        writeln!(text, "{seconds:4} s  {toll}: {name}").ok();
        sum += toll;
    }
    text + &format!("in all  {sum}")
}

/// Runs one trial in a lab of its own.
fn in_a_lab(name: &str) -> Result<Toll> {
    let done = Command::new(tests_folder().join("lab/run"))
        .args(["--dcs", "2", "--nodes", "4"])
        .arg(env::current_exe()?)
        .env(TRIAL, name)
        .output()
        .context("tests/lab/run")?;
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}\n{complaint}{said}", done.status);
    said.lines().last().context("it says nothing")?.parse()
}

/// The trial itself, within its lab.
fn inside(name: &str) -> ExitCode {
    let tried = Lab::here().and_then(|lab| {
        let (_, trial) = [PLACES, FAULTS]
            .into_iter()
            .flatten()
            .find(|(known, _)| *known == name)
            .with_context(|| format!("there is no trial {name}"))?;
        trial(&lab, &FreeNodes::of(&lab))
    });
    report(tried)
}
