//! What keyroll promises, shown on a real domain with real tickets.
//!
//! The modules here are hands on the parts: the lab of `tests/lab`, the programs under test, the
//! web servers, the users. They look and act; the tests judge.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod dc;
pub mod domain;
pub mod lab;
pub mod logins;
pub mod mortal;
pub mod network;
pub mod process;
pub mod sbom;
pub mod search;
pub mod ticket;
pub mod wait;
pub mod web;
pub mod wine;
pub mod world;

use std::process::ExitCode;

/// An error with everything that led to it, and no backtrace: the place in the harness says less
/// than the last words of the programs under test.
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\nbecause: ")
}

/// What a trial in its lab has come to, on standard output for whoever started it.
pub fn report(shown: anyhow::Result<impl std::fmt::Display>) -> ExitCode {
    match shown {
        Ok(figures) => {
            say(&figures);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&told(&error));
            ExitCode::FAILURE
        }
    }
}

/// Says something to whoever runs the tests.
#[expect(clippy::print_stdout, reason = "the test programs' own voice")]
pub fn say(what: &dyn std::fmt::Display) {
    println!("{what}");
}
