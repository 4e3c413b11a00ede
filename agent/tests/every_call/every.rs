//! The trials.
#![expect(clippy::print_stdout, reason = "the test program's own voice")]

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitCode;

use keyroll_agent::trouble::chain;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::scenario::{Held, SCENARIOS, Scenario, folder, others};
use crate::trace::{self, Call, calls, write};

/// How a disk fails, and what the system calls it.
const FAILURES: [(&str, &str); 4] = [
    ("EIO", "Input/output error"),
    ("ENOSPC", "No space left on device"),
    ("EDQUOT", "Disk quota exceeded"),
    ("EROFS", "Read-only file system"),
];

/// All of them, or the one write that one of them runs this program for.
pub fn run() -> ExitCode {
    if let Some(name) = std::env::var_os(trace::SCENARIO) {
        return as_told(&name.to_string_lossy());
    }
    let obstacle = trace::is_there().err();
    if let Some(why) = &obstacle {
        println!("every_call: skipped: {why}");
    }
    let trial = |name: &str, all: fn(Scenario) -> String, one: Scenario| {
        let trial = Trial::test(format!("{name}::{}", one.name), move || {
            println!("{}", all(one));
            Ok::<_, Failed>(())
        });
        trial.with_ignored_flag(obstacle.is_some())
    };
    let killed = "r14_killed_at_every_system_call_the_file_is_the_old_or_the_new_one";
    let failing = "r15_whatever_call_fails_the_file_is_whole_and_the_error_names_it";
    let trials = SCENARIOS.iter().flat_map(|one| {
        [
            trial(
                killed,
                r14_killed_at_every_system_call_the_file_is_the_old_or_the_new_one,
                *one,
            ),
            trial(
                failing,
                r15_whatever_call_fails_the_file_is_whole_and_the_error_names_it,
                *one,
            ),
        ]
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// One write, and what the agent says of it.
fn as_told(name: &str) -> ExitCode {
    let folder = std::env::var_os(trace::FOLDER).expect("a folder");
    let scenario = Scenario::of(name).expect("a scenario");
    match trace::between_marks(|| scenario.write(Path::new(&folder))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// What a file may hold.
struct Judge {
    scenario: Scenario,
    before: Held,
    after: Held,
}

impl Judge {
    fn of(scenario: Scenario) -> Self {
        let folder = folder();
        let folder = folder.path();
        scenario.set_up(folder).unwrap();
        let before = scenario.held(folder).unwrap();
        scenario.write(folder).unwrap();
        let after = scenario.held(folder).unwrap();
        assert_ne!(before, after, "nothing is written");
        Self {
            scenario,
            before,
            after,
        }
    }

    /// That the file is whole after what `call` met with; that the next start clears up, and a
    /// repetition does what was asked. Whether the file was as before.
    fn judge(&self, folder: &Path, call: &str) -> bool {
        let (one, path) = (self.scenario, folder.display());
        let held = one.held(folder);
        let held = held.unwrap_or_else(|error| panic!("{call}: {path} is torn: {error}"));
        let whole = if one.is_replaced() {
            held == self.before || held == self.after
        } else {
            // In place, one entry after the other: each reader finds what both have.
            let (kept, known) = (&self.before & &self.after, &self.before | &self.after);
            held.is_superset(&kept) && held.is_subset(&known)
        };
        assert!(whole, "{call}: {path} holds {held:?}");
        // One that was just made has no key in it yet.
        let exposed = one.exposed(folder).filter(|_| !held.is_empty());
        assert_eq!(exposed, None, "{call}");
        one.start_again(folder).unwrap();
        assert_eq!(others(folder), [""; 0], "{call}: left after the next start");
        one.write(folder)
            .unwrap_or_else(|error| panic!("{call}: repeated: {}", chain(&error)));
        assert_eq!(one.held(folder).unwrap(), self.after, "{call}: repeated");
        assert_eq!(one.exposed(folder), None, "{call}: repeated");
        held == self.before
    }
}

fn r14_killed_at_every_system_call_the_file_is_the_old_or_the_new_one(one: Scenario) -> String {
    let judge = Judge::of(one);
    let calls = traced(one, "all");
    let mut old = 0;
    for call in &calls {
        let folder = folder();
        one.set_up(folder.path()).unwrap();
        let done = under(one, folder.path(), call, "signal=KILL", "");
        assert_eq!(done.status.signal(), Some(9), "{}: {done:?}", call.line);
        old += usize::from(judge.judge(folder.path(), &call.line));
    }
    // Were it killed too late each time, or too early, nothing would be shown.
    assert!(0 < old && old < calls.len(), "{old} of {}", calls.len());
    format!(
        "{}: killed at {} calls, {old} times the old file",
        one.name,
        calls.len()
    )
}

fn r15_whatever_call_fails_the_file_is_whole_and_the_error_names_it(one: Scenario) -> String {
    let judge = Judge::of(one);
    let (mut tried, mut old, mut refused) = (0, 0, 0);
    let mut calls = traced(one, "%file,%desc");
    // Memory for the allocator; and a folder that was listed is closed without an answer from any
    // disk (Rust's library takes one for a mistake of its own, and panics).
    let of_folder = |call: &Call| call.name == "close" && !call.line.contains("krb5.keytab");
    calls.retain(|call| call.name != "mmap" && !of_folder(call));
    for call in &calls {
        // Once, or from then on; but what tells us of it must go on working.
        let needed = ["write", "close"].contains(&&*call.name);
        let since = if needed { &[""][..] } else { &["", "+"] };
        for since in since {
            for (error, words) in FAILURES {
                let folder = folder();
                one.set_up(folder.path()).unwrap();
                let done = under(one, folder.path(), call, &format!("error={error}"), since);
                let told = String::from_utf8_lossy(&done.stdout);
                let met = format!("{error}{since} for {}", call.line);
                match done.status.code() {
                    // What nobody needs may fail.
                    Some(0) => assert_eq!(one.held(folder.path()).as_ref(), Ok(&judge.after)),
                    Some(1) => {
                        refused += 1;
                        let named = told.contains(&*folder.path().to_string_lossy());
                        assert!(named && told.contains(words), "{met}: {told}");
                        if since.is_empty() {
                            assert_eq!(others(folder.path()), [""; 0], "{met}: left behind");
                        }
                    }
                    _ => panic!("{met}: {done:?}"),
                }
                tried += 1;
                old += usize::from(judge.judge(folder.path(), &met));
            }
        }
    }
    assert!(0 < old && old <= refused, "{old} of {refused} of {tried}");
    format!(
        "{}: {} calls, {tried} failures: {refused} refused, {old} times the old file",
        one.name,
        calls.len()
    )
}

/// The calls of a scenario's write. They are the same each time.
fn traced(one: Scenario, classes: &str) -> Vec<Call> {
    let trace = || {
        let folder = folder();
        one.set_up(folder.path()).unwrap();
        calls(one.name, folder.path(), classes)
    };
    let (calls, again) = (trace(), trace());
    let names = |calls: &[Call]| -> BTreeSet<(String, usize)> {
        calls
            .iter()
            .map(|call| (call.name.clone(), call.number))
            .collect()
    };
    assert_eq!(
        names(&calls),
        names(&again),
        "{}: not to be repeated",
        one.name
    );
    assert!(
        calls.iter().any(|call| call.name.starts_with("f")),
        "{calls:?}"
    );
    calls
}

/// The write, with strace's hand on one of its calls.
fn under(
    one: Scenario,
    folder: &Path,
    call: &Call,
    how: &str,
    since: &str,
) -> std::process::Output {
    let Call { name, number, .. } = call;
    let traced = format!("trace={name}");
    let inject = format!("inject={name}:{how}:when={number}{since}");
    write(
        one.name,
        folder,
        &["-e", &traced, "-e", &inject, "-o", "/dev/null"],
    )
}
