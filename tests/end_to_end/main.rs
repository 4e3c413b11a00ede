//! What keyroll promises, on a real Active Directory with real logins.
//!
//! Run outside, it enters a lab of its own and runs there. Each test has a controller, nodes and
//! an array of its own, so that several run at a time and none can spoil another.

mod set_up;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use keyroll_tests::lab::Lab;
use keyroll_tests::web::FreeNodes;
use libtest_mimic::{Arguments, Failed, Trial};

/// Two domain controllers: a roll must be right while they differ.
const DCS: usize = 2;
const NODES: usize = 16;

/// A promise and how it is shown.
type Promise = (&'static str, fn(&Lab, &FreeNodes) -> Result<()>);

/// The longest ones first: they decide how long all of it takes.
const PROMISES: &[Promise] = &[("an_array_from_nothing", set_up::an_array_from_nothing)];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if !Lab::is_here() && !arguments.list {
        return Lab::enter(DCS, NODES).unwrap_or_else(|error| complain(&error));
    }
    // Drains are waited for, not worked for: more at a time than there are processors.
    arguments.test_threads.get_or_insert(5);
    let lab = Lab::here().ok().map(|lab| (FreeNodes::of(&lab), lab));
    let lab = Arc::new(lab);
    let trial = |&(name, show): &Promise| {
        let lab = Arc::clone(&lab);
        Trial::test(name, move || {
            let (free, lab) = lab.as_ref().as_ref().ok_or("not in a lab")?;
            show(lab, free).map_err(|error| Failed::from(format!("{error:?}")))
        })
    };
    libtest_mimic::run(&arguments, PROMISES.iter().map(trial).collect()).exit_code()
}

#[expect(clippy::print_stderr, reason = "the test program's own voice")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("end_to_end: {error:?}");
    ExitCode::FAILURE
}
