//! The one answer: when the next roll is due, and why.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::opening::Slot;
use super::{Missed, Schedule, span};
use crate::name::ArrayName;

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// When this schedule was set: cron times before it do not count as missed.
    pub schedule_set: DateTime<Utc>,
    /// When the directory took today's password: the commit of the last roll that succeeded, or
    /// the array's creation. `None` if nobody knows; then `every` lets a roll fall due at once.
    pub last_success: Option<DateTime<Utc>>,
    /// When a roll was last begun, whatever came of it. One that began after the last success has
    /// failed, and is tried again an hour later.
    pub last_attempt: Option<DateTime<Utc>>,
}

/// When the next roll is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Then, not before.
    At(DateTime<Utc>, Why),
    /// Now.
    Now(Why),
    /// Not until something changes.
    Never(Never),
}

/// Why a roll is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The rule says so, and the time is within a window.
    Scheduled,
    /// It did not start in its time: this is the next opportunity.
    Missed,
    /// The last attempt failed.
    Retry,
}

/// Why no roll is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {
    /// The schedule is paused.
    Paused,
    /// For five years no window is open outside the freezes when a roll falls due.
    NoOpening,
}

/// Why somebody should look at an array's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeAlarm {
    /// The key is older than the schedule allows.
    TooOld {
        /// How old.
        age: TimeDelta,
        /// The limit.
        limit: TimeDelta,
    },
    /// A roll that was due did not happen, and a day has passed since its time was over.
    Overdue {
        /// When its time was over.
        since: DateTime<Utc>,
    },
}

/// How long to wait after an attempt that failed.
const RETRY_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long a missed roll may stay missed until it is worth an alarm.
const OVERDUE_AFTER: TimeDelta = TimeDelta::days(1);
/// How far ahead of the clock a time may be that was written down by the same clock earlier.
const CLOCK_SET_BACK: TimeDelta = TimeDelta::days(1);
/// Times outside these years come from a damaged journal or clock, and would run out of calendar.
const YEARS: (DateTime<Utc>, DateTime<Utc>) = (
    DateTime::UNIX_EPOCH,
    DateTime::from_timestamp(100_000_000_000, 0).unwrap(),
);

impl Schedule {
    /// When the next roll of `array` is due.
    ///
    /// As long as `history` stays the same, a time that was once named stays until it has come.
    /// The start is always within a window and outside every freeze. With jitter it lies between
    /// the due time and `jitter` later, at a place that follows from the array's name alone, so
    /// that every controller finds the same.
    #[must_use]
    pub fn next_due(&self, array: &ArrayName, history: &History, now: DateTime<Utc>) -> Due {
        if self.paused {
            return Due::Never(Never::Paused);
        }
        let now = within_years(now);
        match self.start(array, &history.believed(now), now) {
            None => Due::Never(Never::NoOpening),
            Some((start, why)) if start <= now => Due::Now(why),
            Some((start, why)) => Due::At(start, why),
        }
    }

    /// The next `count` starts, if every roll succeeds as soon as it is due.
    #[must_use]
    pub fn upcoming(
        &self,
        array: &ArrayName,
        history: &History,
        now: DateTime<Utc>,
        count: usize,
    ) -> Vec<DateTime<Utc>> {
        let mut history = *history;
        let mut clock = now;
        let next = || {
            clock = match self.next_due(array, &history, clock) {
                Due::At(start, _) => start,
                Due::Now(_) => clock,
                Due::Never(_) => return None,
            };
            history.last_success = Some(clock);
            history.last_attempt = None;
            Some(clock)
        };
        std::iter::from_fn(next).take(count).collect()
    }

    /// The alarm that the age of the key, or a roll that did not happen, is worth.
    ///
    /// The age limit holds while the schedule is paused too.
    #[must_use]
    pub fn age_alarm(
        &self,
        array: &ArrayName,
        history: &History,
        now: DateTime<Utc>,
    ) -> Option<AgeAlarm> {
        let now = within_years(now);
        let history = history.believed(now);
        let age = history.last_success.map(|last| now - last);
        let too_old = age.zip(self.max_age).filter(|(age, limit)| age > limit);
        if let Some((age, limit)) = too_old {
            return Some(AgeAlarm::TooOld { age, limit });
        }
        if self.paused {
            return None;
        }
        let since = self.slot(array, self.first_occurrence(&history)?)?.end;
        (now - since > OVERDUE_AFTER).then_some(AgeAlarm::Overdue { since })
    }

    /// When the next roll can begin, or could have begun already; `None` if there is no opening
    /// within the horizon.
    fn start(
        &self,
        array: &ArrayName,
        history: &History,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Why)> {
        let failed = history
            .last_attempt
            .filter(|attempt| Some(*attempt) > history.last_success);
        let retry = failed.and_then(|attempt| attempt.checked_add_signed(RETRY_AFTER));
        let earliest = retry.map_or(now, |retry| retry.max(now));
        let late = failed.map(|_| Why::Retry);
        let first = self.first_occurrence(history)?;
        let slot = self.slot(array, first)?;
        if earliest < slot.end {
            return Some((slot.start.max(earliest), late.unwrap_or(Why::Scheduled)));
        }
        match self.missed {
            Missed::Run => Some((self.catch_up(array, earliest)?, late.unwrap_or(Why::Missed))),
            Missed::Skip => {
                let slot = self.first_slot_after(array, first, earliest)?;
                Some((slot.start.max(earliest), Why::Scheduled))
            }
        }
    }

    /// The first slot that is not over at `earliest`, given that the slot of `first` is.
    ///
    /// It may belong to an occurrence that has long come and waits for its window. Slots keep the
    /// order of their occurrences, so halving finds it.
    fn first_slot_after(
        &self,
        array: &ArrayName,
        first: DateTime<Utc>,
        earliest: DateTime<Utc>,
    ) -> Option<Slot> {
        let slot_from = |time| self.slot(array, self.occurrence_from(first, time)?);
        let (mut over, mut open) = (first, earliest);
        while open - over > TimeDelta::seconds(1) {
            let middle = over + (open - over) / 2;
            match slot_from(middle) {
                Some(slot) if slot.end <= earliest => over = middle,
                _ => open = middle,
            }
        }
        slot_from(open)
    }
}

impl History {
    /// What can have happened by `now`.
    ///
    /// A clock that was years ahead has written down times to come. To wait for them would stall
    /// the schedule for as long; a roll too many does no harm, and where it is today's clock that
    /// is wrong, the roll's own look at the DCs' clocks refuses it. Less than a day is waited for,
    /// since a clock set back by seconds must not cause a second roll right after the first.
    fn believed(&self, now: DateTime<Utc>) -> Self {
        let past = |time: DateTime<Utc>| {
            let time = within_years(time);
            (time - now < CLOCK_SET_BACK).then_some(time)
        };
        Self {
            schedule_set: past(self.schedule_set).unwrap_or(YEARS.0),
            last_success: self.last_success.and_then(past),
            last_attempt: self.last_attempt.and_then(past),
        }
    }
}

fn within_years(time: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(YEARS.0, YEARS.1)
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheduled => "as scheduled",
            Self::Missed => "a roll was missed",
            Self::Retry => "the last attempt failed",
        })
    }
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "the schedule is paused",
            Self::NoOpening => "for five years no window is open outside the freezes",
        })
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time, why) => write!(f, "at {}: {why}", time.format("%Y-%m-%d %H:%M:%S UTC")),
            Self::Now(why) => write!(f, "now: {why}"),
            Self::Never(never) => write!(f, "never: {never}"),
        }
    }
}

impl fmt::Display for AgeAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { age, limit } => {
                write!(
                    f,
                    "the key is {} old, {} are allowed",
                    span::show(*age),
                    span::show(*limit)
                )
            }
            Self::Overdue { since } => {
                let since = since.format("%Y-%m-%d %H:%M UTC");
                write!(
                    f,
                    "a roll was due and did not happen; its time was over at {since}"
                )
            }
        }
    }
}
