//! Both programs as their units start them, under all that the units forbid: each on a machine of
//! its own with a live systemd, with a real Active Directory and users who log in.
//!
//! Needs root, since a machine has users; ignored, and the reason said, where no machine can be
//! started. Run outside, it runs itself inside a lab, one for each trial.

mod locked;
mod machine;
mod roll;
mod sandbox;

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::{report, say, told};
use libtest_mimic::{Arguments, Failed, Trial};

/// How a trial is known inside its lab.
const TRIAL: &str = "KEYROLL_TRIAL";

/// What is shown, and how.
type Try = (&'static str, fn(&Lab) -> Result<String>);

const TRIALS: [Try; 2] = [
    (
        "r44_a_roll_under_the_units_restrictions",
        roll::r44_a_roll_under_the_units_restrictions,
    ),
    (
        "r11_a_roll_with_all_memory_locked",
        locked::r11_a_roll_with_all_memory_locked,
    ),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(TRIAL) {
        return inside(&name);
    }
    let arguments = Arguments::from_args();
    let obstacle = obstacle();
    if let Some(why) = &obstacle {
        say(&format!("units: skipped: {why}"));
    }
    let trial = |(name, _): Try| {
        let run = move || in_a_lab(name).map_err(|error| Failed::from(told(&error)));
        Trial::test(name, run).with_ignored_flag(obstacle.is_some())
    };
    let trials = TRIALS.into_iter().map(trial).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Their systemds have ended with their labs, in no time to clear up.
    let boot = tests_folder().join("units/boot");
    match Command::new(boot).arg("clear").status() {
        Ok(_) => conclusion.exit_code(),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why no machine can be started here, if none can.
fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("a machine with users of its own takes root".to_owned());
    }
    let works = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !works("systemd-nspawn", &["--version"]) {
        return Some("no systemd-nspawn; apt-get install systemd-container".to_owned());
    }
    if !works(
        "unshare",
        &["--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
    ) {
        return Some("root may not mount here: a container, perhaps".to_owned());
    }
    None
}

fn in_a_lab(name: &str) -> Result<()> {
    let done = Command::new(tests_folder().join("lab/run"))
        .args(["--root", "--dcs", "1", "--nodes", "2"])
        .arg(env::current_exe()?)
        .env(TRIAL, name)
        .output()
        .context("tests/lab/run")?;
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}\n{complaint}{said}", done.status);
    say(&said.trim_end());
    Ok(())
}

fn inside(name: &str) -> ExitCode {
    let shown = Lab::here().and_then(|lab| {
        let found = TRIALS.into_iter().find(|(known, _)| *known == name);
        let (_, show) = found.with_context(|| format!("there is no trial {name}"))?;
        show(&lab)
    });
    report(shown)
}
