//! When an array rolls by itself.
//!
//! A [`Schedule`] says when a roll falls due (a [`Rule`]), in which hours it may start
//! ([`Window`]s), on which days it must not ([`Freeze`]s), how far many arrays are spread
//! (`jitter`), and what becomes of a roll that was missed. [`Schedule::next_due`] turns that, what
//! happened so far and the time into one answer, with its reason.
//!
//! Only the *start* of a roll is scheduled: draining takes as long as a ticket lives, ten hours by
//! default, and neither a window's end nor a freeze interrupts a roll.
//!
//! Everything is computed on instants; local times are turned into instants once, where a window
//! or a freeze begins and ends. So a night with a repeated or a missing hour has no special case.

mod calendar;
mod due;
mod file;
mod freeze;
mod occurrence;
mod opening;
pub mod span;
mod window;

#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};

pub use due::{AgeAlarm, Due, History, Never, Why};
pub use file::{BadSchedule, ScheduleFile};
pub use freeze::Freeze;
pub use window::Window;

/// When an array rolls by itself: valid, made from a [`ScheduleFile`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ScheduleFile", into = "ScheduleFile")]
pub struct Schedule {
    rule: Rule,
    zone: Tz,
    windows: Vec<Window>,
    freezes: Vec<Freeze>,
    jitter: TimeDelta,
    missed: Missed,
    max_age: Option<TimeDelta>,
    paused: bool,
}

/// When a roll falls due.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// So long after the last successful roll; at once if there was none.
    Every(TimeDelta),
    /// At the times of a cron expression, on the clock of the schedule's zone. A time that a
    /// missing hour skips falls due when the hour is over.
    Cron(Box<Cron>),
}

/// What becomes of a roll that did not start in its time, because the controller was away or the
/// roll failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// It starts as soon as a window is open and no freeze is on: the key's age is what matters.
    #[default]
    Run,
    /// It is left out; the next one falls due as if nothing had been.
    Skip,
}

impl Schedule {
    /// When a roll falls due.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The zone whose clock cron expressions, windows and freezes are read on.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Whether it is paused: nothing is due, though an age limit still raises its alarm.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// The same schedule, paused or not.
    #[must_use]
    pub fn with_paused(self, paused: bool) -> Self {
        Self { paused, ..self }
    }
}
