//! The times at which a roll may begin: inside a window, outside every freeze.

use std::cmp::Reverse;

use chrono::{DateTime, Days, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::Schedule;
use crate::name::ArrayName;

/// How long a roll can begin after its time if no window says so; then it counts as missed.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// How far an opening is looked for.
const HORIZON: TimeDelta = TimeDelta::days(5 * 366);
/// Within so many days, of which two are past, every weekly window has opened, even if it fell into
/// a missing hour once.
const WINDOW_SEARCH_DAYS: usize = 17;

/// A stretch of time: from `start` until just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// The slot without bounds.
const ALWAYS: Slot = Slot {
    start: DateTime::<Utc>::MIN_UTC,
    end: DateTime::<Utc>::MAX_UTC,
};

impl Schedule {
    /// Whether a window is open at `now` and no freeze is on. A schedule without windows names no
    /// hours, so it is false there.
    #[must_use]
    pub fn window_is_open(&self, now: DateTime<Utc>) -> bool {
        // It is the one under way, or one to come: none is over.
        let open = |slot: Slot| slot.start <= now;
        !self.windows.is_empty() && self.opening(now).is_some_and(open)
    }

    /// The time in which the roll that falls due at `occurrence` may begin. Later occurrences have
    /// the same or later slots.
    pub(super) fn slot(&self, array: &ArrayName, occurrence: DateTime<Utc>) -> Option<Slot> {
        let opening = self.opening(occurrence)?;
        let start = self.spread(array, opening.start.max(occurrence), opening.end);
        let end = if self.windows.is_empty() {
            start.checked_add_signed(GRACE)?.min(opening.end)
        } else {
            opening.end
        };
        Some(Slot { start, end })
    }

    /// When a roll that was missed can begin, not before `earliest`: at once in an opening whose
    /// spread is over, else where the spread puts the array in the opening.
    pub(super) fn catch_up(
        &self,
        array: &ArrayName,
        earliest: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let opening = self.opening(earliest)?;
        if opening.start == ALWAYS.start {
            return Some(earliest);
        }
        Some(self.spread(array, opening.start, opening.end).max(earliest))
    }

    /// The place of `array` between `from` and the end of the jitter, before `end`. Each array has
    /// its own part of the way, always the same, so that a later `from` never gives an earlier
    /// place.
    fn spread(&self, array: &ArrayName, from: DateTime<Utc>, end: DateTime<Utc>) -> DateTime<Utc> {
        let room = self
            .jitter
            .num_seconds()
            .min((end - from).num_seconds() - 1)
            .max(0);
        let digest = Sha256::digest(array.as_str());
        let part = i64::from(u16::from_be_bytes([digest[0], digest[1]]));
        from + TimeDelta::seconds(room * part / i64::from(u16::MAX))
    }

    /// The opening that is under way at `time` or the first after it: a window, or all time if
    /// there is none, as far as no freeze cuts it. It may have begun long before `time`.
    fn opening(&self, time: DateTime<Utc>) -> Option<Slot> {
        let freezes = self
            .freezes
            .iter()
            .filter_map(|freeze| freeze.bounds(self.zone));
        let freezes: Vec<_> = freezes.map(|(start, end)| Slot { start, end }).collect();
        let limit = time.checked_add_signed(HORIZON)?;
        let mut from = time;
        while from < limit {
            let window = self.window(from)?;
            let begin = window.start.max(from);
            let frozen = freezes
                .iter()
                .filter(|freeze| freeze.start <= begin && begin < freeze.end);
            match frozen.map(|freeze| freeze.end).max() {
                Some(thawed) => from = thawed,
                None => return Some(cut(window, begin, &freezes)),
            }
        }
        None
    }

    /// The window that is open at `time`, or the next one to open.
    fn window(&self, time: DateTime<Utc>) -> Option<Slot> {
        if self.windows.is_empty() {
            return Some(ALWAYS);
        }
        // A window that is open now began today or, past midnight, yesterday; one day more covers
        // zones that change their date.
        let today = time.with_timezone(&self.zone).date_naive();
        let days = today
            .checked_sub_days(Days::new(2))?
            .iter_days()
            .take(WINDOW_SEARCH_DAYS);
        let windows = days.flat_map(|day| self.windows.iter().map(move |window| (day, window)));
        let bounds = windows.filter_map(|(day, window)| window.on(day, self.zone));
        let open = bounds.filter(|(_, end)| *end > time);
        let (start, end) = open.min_by_key(|(start, end)| (*start, Reverse(*end)))?;
        Some(Slot { start, end })
    }
}

/// What the freezes leave of `window` around `begin`, which none of them holds.
fn cut(window: Slot, begin: DateTime<Utc>, freezes: &[Slot]) -> Slot {
    let before = freezes
        .iter()
        .map(|freeze| freeze.end)
        .filter(|end| *end <= begin)
        .max();
    let after = freezes
        .iter()
        .map(|freeze| freeze.start)
        .filter(|start| *start > begin)
        .min();
    Slot {
        start: before.map_or(window.start, |end| end.max(window.start)),
        end: after.map_or(window.end, |start| start.min(window.end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_in_its_hours_and_in_no_freeze() {
        let windows = "every = '30d'\nwindows = ['sat 01:00-05:00']";
        let frozen = "every = '30d'\nwindows = ['sat 01:00-05:00']\nfreeze = ['2026-03-07']";
        for (toml, now, open) in [
            (windows, "2026-03-07T01:00", true),
            (windows, "2026-03-07T04:59", true),
            (windows, "2026-03-07T05:00", false),
            (windows, "2026-03-06T02:00", false),
            (frozen, "2026-03-07T02:00", false),
            (frozen, "2026-03-14T02:00", true),
            // No hours were named: none is one in which something may fail.
            ("every = '30d'", "2026-03-07T02:00", false),
        ] {
            let schedule: Schedule = toml::from_str(toml).unwrap();
            let now = format!("{now}:00Z").parse().unwrap();
            assert_eq!(schedule.window_is_open(now), open, "{toml} {now}");
        }
    }
}
