//! What was measured, against what was wanted.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use keyroll_tests::lab::output;

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What came of it, with its unit.
    pub measured: String,
    /// What it is compared with, measured in the same run.
    pub beside: String,
    /// What was wanted, and whether that is what came.
    pub wanted: Option<(String, bool)>,
}

impl Row {
    /// A duration beside another one, at most `most` times as long.
    pub fn ratio(what: &str, ours: Duration, theirs: (&str, Duration), most: f64) -> Self {
        let ratio = ours.as_secs_f64() / theirs.1.as_secs_f64();
        Self {
            what: what.to_owned(),
            measured: format!("{}, {ratio:.2} times", span(ours)),
            beside: format!("{}: {}", theirs.0, span(theirs.1)),
            wanted: Some((format!("at most {most} times"), ratio <= most)),
        }
    }

    /// A number that stands for itself.
    pub fn plain(what: &str, measured: String) -> Self {
        Self {
            what: what.to_owned(),
            measured,
            beside: String::new(),
            wanted: None,
        }
    }
}

/// A duration as people read it.
pub fn span(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.0} µs")
    } else {
        format!("{:.2} ms", micros / 1e3)
    }
}

/// The one in the middle.
pub fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

/// How long `work` takes.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

/// The medians of two pieces of work done in turns, so that what disturbs one disturbs the other.
pub fn in_turns(
    times: usize,
    mut one: impl FnMut(usize) -> Result<Duration>,
    mut other: impl FnMut(usize) -> Result<Duration>,
) -> Result<(Duration, Duration)> {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for turn in 0..times {
        ones.push(one(turn)?);
        others.push(other(turn)?);
    }
    Ok((median(ones), median(others)))
}

/// The whole page.
///
/// # Errors
/// The machine does not say what it is.
pub fn page(rows: &[Row], notes: &str) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("?", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism()?;
    let date = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut page = format!(
        "# Benchmarks\n\nWritten by `make bench`. Every number is a median; what stands beside it \
         was measured in the same run, in turns with it, since machines are noisy.\n\n\
         {}, {cores} cores of {model}, Linux {}.\n\n\
         | What | Measured | Beside | Wanted | Met |\n|---|---|---|---|---|\n",
        date.trim(),
        kernel.trim(),
    );
    for row in rows {
        let (wanted, met) = match &row.wanted {
            Some((wanted, true)) => (wanted.as_str(), "yes"),
            Some((wanted, false)) => (wanted.as_str(), "**no**"),
            None => ("", ""),
        };
        let Row {
            what,
            measured,
            beside,
            ..
        } = row;
        writeln!(
            page,
            "| {what} | {measured} | {beside} | {wanted} | {met} |"
        )?;
    }
    page.push_str(notes);
    Ok(page)
}
