//! From the wall clock of a zone to instants, on nights with a missing or a repeated hour too.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// Which of two instants is meant where the clock shows a time twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    First,
    Second,
}

/// The instant at which the clock shows `local`; if it never does, because the clock was put
/// forward over it, the instant at which it was.
///
/// `None` at the ends of the calendar.
pub(super) fn instant(zone: Tz, local: NaiveDateTime, twice: Twice) -> Option<DateTime<Utc>> {
    // No zone has ever skipped more than a day (Samoa, 30 December 2011), and all changes since
    // 1972 fall on whole minutes.
    const MISSING_MINUTES_MAX: i64 = 24 * 60;
    (0..=MISSING_MINUTES_MAX).find_map(|minutes| {
        let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
        let found = match (zone.from_local_datetime(&local), twice) {
            (MappedLocalTime::Single(only), _) => only,
            (MappedLocalTime::Ambiguous(first, _), Twice::First) => first,
            (MappedLocalTime::Ambiguous(_, second), Twice::Second) => second,
            (MappedLocalTime::None, _) => return None,
        };
        Some(found.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: Tz, local: &str, first: &str, second: &str) {
        let local: NaiveDateTime = local.parse().unwrap();
        let shown = |twice| {
            instant(zone, local, twice)
                .unwrap()
                .format("%m-%dT%H:%M")
                .to_string()
        };
        assert_eq!(
            (shown(Twice::First).as_str(), shown(Twice::Second).as_str()),
            (first, second)
        );
    }

    #[test]
    fn every_local_time_is_an_instant() {
        let berlin = chrono_tz::Europe::Berlin;
        check(berlin, "2026-01-15T02:30:00", "01-15T01:30", "01-15T01:30");
        // 02:00 to 03:00 is missing on 29 March and repeated on 25 October.
        check(berlin, "2026-03-29T02:30:00", "03-29T01:00", "03-29T01:00");
        check(berlin, "2026-10-25T02:30:00", "10-25T00:30", "10-25T01:30");
        check(
            chrono_tz::Pacific::Apia,
            "2011-12-30T12:00:00",
            "12-30T10:00",
            "12-30T10:00",
        );
        // Midnight itself is missing in Cairo on 24 April.
        check(
            chrono_tz::Africa::Cairo,
            "2026-04-24T00:00:00",
            "04-23T22:00",
            "04-23T22:00",
        );
    }
}
