//! A schedule's file, made from options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use keyroll::schedule::{Missed, ScheduleFile};

use crate::exit::Exit;
use crate::files;
use crate::trouble::Trouble;

/// When an array rolls by itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Schedule")]
#[command(group = clap::ArgGroup::new("when").required(true))]
pub struct ScheduleOptions {
    /// Roll when the key is this old, such as 30d
    #[arg(long, value_name = "TIME", group = "when")]
    every: Option<String>,
    /// Roll at these times: minute, hour, day, month, weekday
    #[arg(long, value_name = "CRON", group = "when")]
    cron: Option<String>,
    /// Start rolls only within this window, such as 'sat,sun 01:00-05:00'; may be repeated
    #[arg(long = "window", value_name = "WINDOW")]
    windows: Vec<String>,
    /// The time zone of cron, windows and freezes, such as Europe/Berlin; without it, UTC
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Start up to this much later, so that many arrays do not roll at once
    #[arg(long, value_name = "TIME")]
    jitter: Option<String>,
    /// Do not roll on these days, such as 2026-12-20..2027-01-03; may be repeated
    #[arg(long = "freeze", value_name = "FROM..TO")]
    freezes: Vec<String>,
    /// Raise an alarm when the key gets older than this
    #[arg(long, value_name = "TIME")]
    max_age: Option<String>,
    /// What to do about a roll that was due while the controller was away
    #[arg(long, value_enum, value_name = "WHAT")]
    missed: Option<MissedOption>,
    /// Take the schedule from a file, as `schedule show --output toml` prints it
    #[arg(long, value_name = "FILE", group = "when", conflicts_with_all = [
        "windows", "time_zone", "jitter", "freezes", "max_age", "missed",
    ])]
    file: Option<PathBuf>,
}

/// What to do about a missed roll.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MissedOption {
    /// Roll as soon as the window allows
    Run,
    /// Wait for the next time
    Skip,
}

impl ScheduleOptions {
    /// The schedule as TOML, which the controller checks.
    ///
    /// # Errors
    /// A file that cannot be read or is no text.
    pub fn to_toml(&self) -> Result<String, Trouble> {
        if let Some(path) = &self.file {
            return String::from_utf8(files::read(path)?).map_err(|_| {
                let what = format!("{} is not UTF-8 text", path.display());
                Trouble::new(Exit::BadInput, "bad-file", what)
            });
        }
        let file = ScheduleFile {
            every: self.every.clone(),
            cron: self.cron.clone(),
            windows: self.windows.clone(),
            time_zone: self.time_zone.clone(),
            jitter: self.jitter.clone(),
            freeze: self.freezes.clone(),
            max_age: self.max_age.clone(),
            missed: self.missed.map(|missed| match missed {
                MissedOption::Run => Missed::Run,
                MissedOption::Skip => Missed::Skip,
            }),
            paused: false,
        };
        toml::to_string(&file).map_err(|error| {
            Trouble::new(
                Exit::Internal,
                "toml",
                format!("the schedule as TOML: {error}"),
            )
        })
    }
}
