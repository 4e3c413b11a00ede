//! How many rolls this controller begins in an hour.
//!
//! One array is not rolled twice within the life of a ticket. This bounds what a script that went
//! wrong does to all of them together: each roll is a write to the directory and a hundred tickets.
//! It is a bound on the whole controller, and so large that a schedule for a hundred arrays in one
//! window passes through it. An emergency is never held up, and takes no place: a leak may concern
//! every array at once, and whom that helps with a stolen certificate is for two persons to say.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keyroll::roll::Cause;
use tokio::time::Instant;

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(3600);

/// When rolls began, by this process's own clock: a start of it begins anew.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    begun: Mutex<VecDeque<Instant>>,
}

impl Pace {
    /// At most so many within an hour.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            begun: Mutex::default(),
        }
    }

    /// How many are let through.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Counts a roll that begins `now`, unless it is an emergency.
    ///
    /// # Errors
    /// How long until the next one may begin.
    pub(super) fn begin(&self, cause: Cause, now: Instant) -> Result<(), Duration> {
        if cause == Cause::Emergency {
            return Ok(());
        }
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |then: &Instant| now.saturating_duration_since(*then);
        while begun.front().is_some_and(|oldest| age(oldest) >= WINDOW) {
            begun.pop_front();
        }
        if begun.len() < self.most {
            begun.push_back(now);
            return Ok(());
        }
        Err(begun
            .front()
            .map_or(WINDOW, |oldest| WINDOW.saturating_sub(age(oldest))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r23_an_hour_has_no_more_rolls_than_the_settings_say_but_in_an_emergency() {
        let (pace, start) = (Pace::new(100), Instant::now());
        let begin = |cause, second| pace.begin(cause, start + Duration::from_secs(second));
        // A fleet in one window.
        for number in 0..100 {
            assert_eq!(begin(Cause::Schedule, number), Ok(()), "{number}");
        }
        for cause in [Cause::Schedule, Cause::Operator] {
            assert_eq!(begin(cause, 1000), Err(Duration::from_secs(2600)));
            assert_eq!(begin(cause, 3599), Err(Duration::from_secs(1)));
        }
        // It is not held up, and takes no place.
        for _ in 0..500 {
            assert_eq!(begin(Cause::Emergency, 3599), Ok(()));
        }
        // A place is free for each that is an hour ago, and no more.
        assert_eq!(begin(Cause::Operator, 3600), Ok(()));
        assert_eq!(begin(Cause::Operator, 3600), Err(Duration::from_secs(1)));
        let mut passed = 0;
        for second in 3600..36_000 {
            passed += usize::from(begin(Cause::Schedule, second).is_ok());
        }
        assert!((800..=900).contains(&passed), "{passed} in nine hours");
    }
}
