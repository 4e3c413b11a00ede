//! The mutants, one after the other, before the tests that reach them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::outcome::{Outcome, Outcomes};

/// A unit test.
struct Test {
    name: String,
    takes: Duration,
}

/// The tests, the cheapest first, and which mutants each of them reaches.
pub struct Trial<'a> {
    program: &'a Path,
    tests: Vec<Test>,
    reached: BTreeMap<u32, Vec<usize>>,
}

/// What the tests that are run first may take together; the next ones five times as long.
const CHEAP: Duration = Duration::from_millis(100);
/// Seconds of computing in addition to twice what the tests take.
const PATIENCE: u64 = 10;
/// Seconds of computing for a test with no mutant on.
const LONGEST: u64 = 600;
/// What ends a process that has computed for too long.
const OUT_OF_TIME: [i32; 2] = [9, 24];

impl<'a> Trial<'a> {
    /// Runs each test alone, with no mutant on, and records which it reaches.
    pub fn record(program: &'a Path, target: &Path) -> Result<Self> {
        let output = Command::new(program)
            .args(["--list", "--format", "terse"])
            .output()?;
        let listed = String::from_utf8(output.stdout)?;
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        let names: Vec<&str> = names.collect();
        ensure!(!names.is_empty(), "there are no tests");
        let all = each(&names, |index, name| {
            let file = target.join(format!("reached.{index}"));
            let _ = fs::remove_file(&file);
            let start = Instant::now();
            let mut command = limited(program, LONGEST);
            command.args(["--exact", name, "--test-threads", "1"]);
            let output = command.env("MUTANTS_REACHED", &file).output()?;
            let takes = start.elapsed();
            ensure!(output.status.success(), "{name} fails with no mutant on");
            let text = fs::read_to_string(&file).unwrap_or_default();
            let _ = fs::remove_file(&file);
            let numbers: BTreeSet<u32> =
                text.lines().filter_map(|line| line.parse().ok()).collect();
            Ok((
                Test {
                    name: (*name).to_owned(),
                    takes,
                },
                numbers,
            ))
        });
        let mut all = all.into_iter().collect::<Result<Vec<_>>>()?;
        all.sort_by_key(|(test, _)| test.takes);
        let mut reached: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, (_, numbers)) in all.iter().enumerate() {
            for number in numbers {
                reached.entry(*number).or_default().push(index);
            }
        }
        let tests = all.into_iter().map(|(test, _)| test).collect();
        Ok(Self {
            program,
            tests,
            reached,
        })
    }

    pub fn is_reached(&self, number: u32) -> bool {
        self.reached.contains_key(&number)
    }

    /// Tries each of these mutants, as many at a time as the machine has processors, and tells what
    /// became of each.
    pub fn try_all(&self, numbers: &[u32], tell: impl Fn(u32, Outcome) + Sync) -> Result<Outcomes> {
        let outcomes = each(numbers, |index, number| {
            if index % 500 == 499 {
                println!("{} of {} begun", index + 1, numbers.len());
            }
            let outcome = self.try_one(*number)?;
            tell(*number, outcome);
            Ok((*number, outcome))
        });
        outcomes.into_iter().collect()
    }

    fn try_one(&self, number: u32) -> Result<Outcome> {
        let mut tests = self
            .reached
            .get(&number)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut budget = CHEAP;
        while !tests.is_empty() {
            let mut spent = Duration::ZERO;
            let is_cheap = |index: &&usize| {
                spent += self.tests[**index].takes;
                spent <= budget
            };
            let cheap = tests.iter().take_while(is_cheap).count();
            let (now, later) = tests.split_at(cheap);
            if !now.is_empty() {
                let outcome = self.run(number, now)?;
                if outcome != Outcome::Missed {
                    return Ok(outcome);
                }
            }
            tests = later;
            budget *= 5;
        }
        Ok(Outcome::Missed)
    }

    fn run(&self, number: u32, tests: &[usize]) -> Result<Outcome> {
        let takes: Duration = tests.iter().map(|index| self.tests[*index].takes).sum();
        let mut command = limited(self.program, PATIENCE + 2 * takes.as_secs());
        command.args(["--exact", "--test-threads", "1"]);
        command.args(tests.iter().map(|index| &self.tests[*index].name));
        command
            .env("MUTANT", number.to_string())
            .env("RUST_BACKTRACE", "0")
            // What one mutant fails at is not for another, nor for the repository.
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let failed = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.ends_with("FAILED"));
        if failed {
            let _ = child.kill();
            child.wait()?;
            return Ok(Outcome::Caught);
        }
        let status = child.wait()?;
        Ok(match status.signal() {
            Some(signal) if OUT_OF_TIME.contains(&signal) => Outcome::Timeout,
            None if status.success() => Outcome::Missed,
            _ => Outcome::Caught,
        })
    }
}

/// The program, with so many seconds of computing, so that a busy machine is nobody's fault, and 4
/// GiB. Not every shell takes both limits in one command.
fn limited(program: &Path, seconds: u64) -> Command {
    let limits = format!("ulimit -t {seconds} && ulimit -v 4194304 && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limits]).arg(program);
    command
}

/// `work` for each of `items`, in as many threads as there are processors.
fn each<I: Sync, O: Send>(items: &[I], work: impl Fn(usize, &I) -> O + Sync) -> Vec<O> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(index, item);
                    done.lock().unwrap().push(result);
                }
            });
        }
    });
    done.into_inner().unwrap()
}
