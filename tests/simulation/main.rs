//! The simulation: the controller's real driver, reconciliation, scheduler and store, and the real
//! agents, in one process and in virtual time; what lies between them goes wrong as a seed has it.
//!
//! `SEEDS=n` runs so many seeds, `SEED=n` the first of them: alone, unless SEEDS is given too. A
//! seed that fails prints what struck, in order, and the story of its rolls, and does so again
//! whenever it is run.

mod course;
mod dice;
mod directory;
mod disk;
mod domain;
mod life;
mod machine;
mod mistake;
mod network;
mod operator;
mod promise;
mod run;
mod script;
mod weather;
mod world;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mistake::Mistake;
use run::{Outcome, run};

/// How many seeds a plain run takes.
const SEEDS: u64 = 1000;

/// After how many seeds a long run says how far it is.
const TOLD: u64 = 1000;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text:?} is no number")),
    )
}

fn report(outcome: &Outcome) -> String {
    let strikes: Vec<&str> = outcome
        .log
        .iter()
        .map(String::as_str)
        // One seed alone is told with everything that happened.
        .filter(|line| setting("SEED").is_some() || line.contains(" ! "))
        .collect();
    format!(
        "SEED={}: {}\n\nagain: make simulate SEED={0}\n\nwhat struck:\n{}\n\n{}",
        outcome.seed,
        outcome.failure.as_deref().unwrap_or("nothing is wrong"),
        strikes.join("\n"),
        outcome.stories
    )
}

/// Runs seeds on every core, two at a time, since each hands its work on disks to a thread and
/// waits for it; gives the failures, the lowest seed first.
fn sweep(
    first: u64,
    seeds: u64,
    enough: usize,
    lost: impl Fn(u64) -> Option<Outcome> + Sync,
) -> Vec<Outcome> {
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..2 * cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failures.lock().unwrap().len() >= enough {
                        return;
                    }
                    if (seed - first) % TOLD == TOLD - 1 {
                        let _ =
                            writeln!(std::io::stderr(), "{} of {seeds} seeds", seed - first + 1);
                    }
                    // Not in one line: the lock would be held while the seed runs.
                    let failure = lost(seed);
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|outcome| outcome.seed);
    failures
}

#[test]
fn every_seed_keeps_the_promise() {
    let (first, seeds) = match (setting("SEED"), setting("SEEDS")) {
        (None, seeds) => (1, seeds.unwrap_or(SEEDS)),
        (Some(first), seeds) => (first, seeds.unwrap_or(1)),
    };
    let lost = |seed| Some(run(seed, None)).filter(|outcome| outcome.failure.is_some());
    let failures = sweep(first, seeds, 3, lost);
    let reports: Vec<String> = failures.iter().map(report).collect();
    assert!(failures.is_empty(), "\n{}", reports.join("\n\n"));
}

#[test]
fn a_seed_runs_the_same_way_each_time() {
    for seed in 1..=12 {
        let (one, other) = (run(seed, None), run(seed, None));
        assert_eq!(one.log.join("\n"), other.log.join("\n"), "seed {seed}");
        assert_eq!(one.stories, other.stories, "seed {seed}");
    }
}

/// A mistake that no seed finds would go unnoticed in the product as well.
#[track_caller]
fn is_found(mistake: Mistake, by: &str) {
    let lost = |seed| {
        let outcome = run(seed, Some(mistake));
        let found = outcome.failure.as_ref().is_some_and(|why| why.contains(by));
        found.then_some(outcome)
    };
    assert!(
        !sweep(1, 300, 1, lost).is_empty(),
        "{mistake:?} is not found"
    );
}

#[test]
fn an_answer_before_the_write_is_found() {
    is_found(Mistake::AnswersBeforeItWrites, "refuses a live ticket");
}

#[test]
fn an_agent_that_takes_old_keysets_is_found() {
    is_found(Mistake::TakesOldKeysets, "refuses a live ticket");
}

#[test]
fn a_gate_that_is_open_from_the_start_is_found() {
    is_found(Mistake::OpensAtItsStart, "refuses a live ticket");
}

#[test]
fn a_node_that_does_not_say_when_it_shuts_its_gate_is_found() {
    is_found(Mistake::TellsNoLimit, "refuses a live ticket");
}

#[test]
fn a_balancer_that_is_not_waited_for_is_found() {
    is_found(Mistake::ForgetsTheBalancer, "refuses a live ticket");
}

/// What a machine may do wrong, and no login pays for: nothing is concluded from one record or one
/// clock alone. Both were found here before the domain controllers were asked.
#[track_caller]
fn is_borne(mistake: Mistake) {
    let lost = |seed| {
        let outcome = run(seed, Some(mistake));
        let why = outcome.failure.as_ref();
        let refused = why.is_some_and(|why| why.contains("refuses a live ticket"));
        refused.then_some(outcome)
    };
    let failures = sweep(1, 120, 1, lost);
    let reports: Vec<String> = failures.iter().map(report).collect();
    assert!(failures.is_empty(), "{mistake:?}\n{}", reports.join("\n\n"));
}

#[test]
fn a_store_that_forgets_its_last_record_has_no_ticket_refused() {
    is_borne(Mistake::ForgetsTheLastRecord);
}

#[test]
fn a_store_that_forgets_many_records_is_found() {
    is_found(Mistake::ForgetsManyRecords, "no journal knows it");
}

#[test]
fn a_drain_by_a_clock_that_runs_too_fast_is_found() {
    is_found(Mistake::WaitsByAFastClock, "refuses a live ticket");
}

#[test]
fn a_drain_by_the_clock_on_the_wall_has_no_ticket_refused() {
    is_borne(Mistake::WaitsByTheWallClock);
}

#[test]
fn one_proof_for_all_domain_controllers_is_found() {
    // Each domain controller is logged in to as well.
    is_found(Mistake::AsksOneDcForAll, "failed logins were counted");
}

#[test]
fn silence_taken_for_a_refusal_is_found() {
    is_found(Mistake::TakesSilenceForNo, "refuses a live ticket");
}

#[test]
fn r22_a_write_without_an_intent_of_its_own_is_found() {
    is_found(Mistake::SendsAgain, "without an intent of its own");
}

#[test]
fn a_blind_write_is_found() {
    is_found(Mistake::WritesBlindly, "refuses a live ticket");
}
