//! The system calls of one write, as strace sees them, and strace's hand on them.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::{Command, Output};

/// How this program is told that it is to write, and what.
pub const SCENARIO: &str = "KEYROLL_TEST_SCENARIO";
/// And where.
pub const FOLDER: &str = "KEYROLL_TEST_FOLDER";

/// One system call of a write: its name, and how many of that name the process has made up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its number among those of that name, from 1 on.
    pub number: usize,
    /// The line that strace prints.
    pub line: String,
}

/// Whether strace may trace here.
pub fn is_there() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    match tried {
        Err(error) => Err(format!("no strace ({error}); apt-get install strace")),
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

/// Every system call of a scenario's write that is of one of the classes of `strace -e trace=`.
pub fn calls(scenario: &str, folder: &Path, classes: &str) -> Vec<Call> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let classes = format!("trace={classes}");
    let done = write(
        scenario,
        folder,
        &["-y", "-e", &classes, "-o", &log.path().to_string_lossy()],
    );
    assert!(done.status.success(), "{scenario}: {done:?}");
    let text = std::fs::read_to_string(log.path()).unwrap();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    let mut within = false;
    for line in text.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        let number = numbers.entry(name).or_default();
        *number += 1;
        if line.contains(END) {
            return calls;
        }
        if within {
            calls.push(Call {
                name: name.to_owned(),
                number: *number,
                line: line.to_owned(),
            });
        }
        within |= line.contains(BEGIN);
    }
    panic!("{scenario}: no end in the trace:\n{text}");
}

/// Has this program write under strace with `options`.
pub fn write(scenario: &str, folder: &Path, options: &[&str]) -> Output {
    Command::new("strace")
        .args(["-qq", "-a1"])
        .args(options)
        .arg(env::current_exe().unwrap())
        .env(SCENARIO, scenario)
        .env(FOLDER, folder)
        // A panic in the way would look for its symbols for seconds.
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

const BEGIN: &str = "/the-write-begins";
const END: &str = "/the-write-is-over";

/// Does something, such that its begin and end are seen in a trace.
pub fn between_marks<T>(act: impl FnOnce() -> T) -> T {
    let mark = |path: &str| {
        // There is no such file: the question is all that matters.
        rustix::fs::access(path, rustix::fs::Access::EXISTS).ok();
    };
    mark(BEGIN);
    let done = act();
    mark(END);
    done
}
