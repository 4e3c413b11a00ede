//! R30: strangers flood every port that they can reach while an array of a hundred agents is
//! rolled on a real Active Directory.
//!
//! A program of its own, with a lab of its own: it keeps the machine busy.

mod roll;

use std::process::ExitCode;

use keyroll_tests::lab::Lab;
use keyroll_tests::{say, told};
use libtest_mimic::{Arguments, Failed, Trial};

/// One domain controller: replication is by far the longest part of a roll with two, and would
/// hide what a flood costs.
const DCS: usize = 1;
const NODES: usize = 1;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !Lab::is_here() && !arguments.list {
        return Lab::enter(DCS, NODES).unwrap_or_else(|error| {
            say(&told(&error));
            ExitCode::FAILURE
        });
    }
    let trial = Trial::test(
        "r30_a_flood_costs_a_roll_of_a_hundred_agents_no_call_and_no_login",
        || {
            r30_a_flood_costs_a_roll_of_a_hundred_agents_no_call_and_no_login()
                .map_err(|error| Failed::from(told(&error)))
        },
    );
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn r30_a_flood_costs_a_roll_of_a_hundred_agents_no_call_and_no_login() -> anyhow::Result<()> {
    let course = roll::course(&Lab::here()?, 2)?;
    say(&course);
    course.nothing_is_lost()?;
    course.memory_is_bounded()
}
