//! Examples on the calendar.

mod edges;
mod properties;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::name::ArrayName;

fn schedule(toml: &str) -> Schedule {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{toml}: {error}"))
}

fn time(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn web() -> ArrayName {
    "web".parse().unwrap()
}

fn history(set: &str, last: Option<&str>, attempt: Option<&str>) -> History {
    History {
        schedule_set: time(set),
        last_success: last.map(time),
        last_attempt: attempt.map(time),
    }
}

/// `last` is the last success; the answer is written as `Due` shows it, without the seconds.
#[track_caller]
fn check(toml: &str, last: &str, now: &str, due: &str) {
    let due_now = schedule(toml).next_due(&web(), &history(last, Some(last), None), time(now));
    assert_eq!(due_now.to_string().replace(":00 UTC", ""), due, "{toml}");
}

#[test]
fn every_counts_from_the_last_success() {
    let monthly = "every = '30d'";
    check(
        monthly,
        "2026-01-01T10:00",
        "2026-01-02T00:00",
        "at 2026-01-31 10:00: as scheduled",
    );
    check(
        monthly,
        "2026-01-01T10:00",
        "2026-01-31T10:00",
        "now: as scheduled",
    );
    check(
        monthly,
        "2026-01-01T10:00",
        "2026-01-31T10:59",
        "now: as scheduled",
    );
    check(
        monthly,
        "2026-01-01T10:00",
        "2026-02-03T10:00",
        "now: a roll was missed",
    );
    // A clock that was put back by hours changes nothing.
    check(
        monthly,
        "2026-01-01T10:00",
        "2025-12-31T20:00",
        "at 2026-01-31 10:00: as scheduled",
    );
    let skipping = "every = '30d'\nmissed = 'skip'";
    check(
        skipping,
        "2026-01-01T10:00",
        "2026-02-03T10:00",
        "at 2026-03-02 10:00: as scheduled",
    );
    check(
        skipping,
        "2026-01-01T10:00",
        "2026-03-02T10:30",
        "now: as scheduled",
    );
}

#[test]
fn cron_knows_month_ends_and_leap_years() {
    let last_days = "cron = '30 2 L * *'";
    check(
        last_days,
        "2024-02-01T00:00",
        "2024-02-01T00:00",
        "at 2024-02-29 02:30: as scheduled",
    );
    check(
        last_days,
        "2026-02-01T00:00",
        "2026-02-01T00:00",
        "at 2026-02-28 02:30: as scheduled",
    );
    let thirty_first = "cron = '0 0 31 * *'";
    check(
        thirty_first,
        "2026-02-01T00:00",
        "2026-02-02T00:00",
        "at 2026-03-31 00:00: as scheduled",
    );
    let leap_day = "cron = '0 0 29 2 *'";
    check(
        leap_day,
        "2024-03-01T00:00",
        "2024-03-01T00:00",
        "at 2028-02-29 00:00: as scheduled",
    );
    // A success at the very time of an occurrence is that occurrence's.
    check(
        "cron = '0 2 1 * *'",
        "2026-01-01T02:00",
        "2026-01-01T02:00",
        "at 2026-02-01 02:00: as scheduled",
    );
}

#[test]
fn cron_on_nights_with_a_missing_or_repeated_hour() {
    let berlin = "cron = '30 2 * * *'\ntime-zone = 'Europe/Berlin'";
    // 02:30 does not exist on 29 March 2026; the hour is over at 03:00, which is 01:00 UTC.
    check(
        berlin,
        "2026-03-28T12:00",
        "2026-03-28T12:00",
        "at 2026-03-29 01:00: as scheduled",
    );
    check(
        berlin,
        "2026-03-29T01:00",
        "2026-03-29T01:00",
        "at 2026-03-30 00:30: as scheduled",
    );
    // 02:30 comes twice on 25 October 2026, at 00:30 and 01:30 UTC; one roll is enough.
    check(
        berlin,
        "2026-10-24T12:00",
        "2026-10-24T12:00",
        "at 2026-10-25 00:30: as scheduled",
    );
    check(
        berlin,
        "2026-10-25T00:30",
        "2026-10-25T00:30",
        "at 2026-10-26 01:30: as scheduled",
    );
}

#[test]
fn a_roll_waits_for_its_window() {
    let weekend = "every = '30d'\nwindows = ['sat,sun 01:00-05:00']\ntime-zone = 'Europe/Berlin'";
    // Thirty days after is Wednesday, 11 February.
    check(
        weekend,
        "2026-01-12T10:00",
        "2026-02-01T00:00",
        "at 2026-02-14 00:00: as scheduled",
    );
    check(
        weekend,
        "2026-01-12T10:00",
        "2026-02-14T03:59",
        "now: as scheduled",
    );
    check(
        weekend,
        "2026-01-12T10:00",
        "2026-02-14T04:00",
        "at 2026-02-15 00:00: a roll was missed",
    );
    check(
        weekend,
        "2026-01-12T10:00",
        "2026-02-15T02:00",
        "now: a roll was missed",
    );
    // Within a window the rule's own time counts.
    check(
        weekend,
        "2026-01-15T02:00",
        "2026-02-01T00:00",
        "at 2026-02-14 02:00: as scheduled",
    );
    let night = "every = '1d'\nwindows = ['fri 22:00-04:00']";
    check(
        night,
        "2026-01-01T10:00",
        "2026-01-02T12:00",
        "at 2026-01-02 22:00: as scheduled",
    );
    check(
        night,
        "2026-01-01T10:00",
        "2026-01-03T03:59",
        "now: as scheduled",
    );
    check(
        night,
        "2026-01-01T10:00",
        "2026-01-03T04:00",
        "at 2026-01-09 22:00: a roll was missed",
    );
}

#[test]
fn no_roll_starts_in_a_freeze() {
    let frozen = "every = '30d'\nfreeze = ['2025-12-20..2026-01-03', '2026-01-04']";
    check(
        frozen,
        "2025-11-25T10:00",
        "2025-12-24T10:00",
        "at 2026-01-05 00:00: as scheduled",
    );
    check(
        frozen,
        "2025-11-25T10:00",
        "2025-12-26T10:00",
        "at 2026-01-05 00:00: as scheduled",
    );
    // A freeze that cuts a window leaves the rest of it.
    let night = "every = '1d'\nwindows = ['22:00-04:00']\nfreeze = ['2026-01-03']";
    check(
        night,
        "2026-01-01T10:00",
        "2026-01-02T22:30",
        "now: as scheduled",
    );
    check(
        night,
        "2026-01-02T10:00",
        "2026-01-03T22:30",
        "at 2026-01-04 00:00: as scheduled",
    );
    let always = "every = '1d'\nfreeze = ['2000-01-01..9998-12-31']";
    check(
        always,
        "2026-01-01T10:00",
        "2026-01-02T10:00",
        "never: for five years no window is open outside the freezes",
    );
    check(
        "every = '1d'\npaused = true",
        "2026-01-01T10:00",
        "2026-06-01T10:00",
        "never: the schedule is paused",
    );
}

#[test]
fn a_failed_attempt_is_repeated_an_hour_later() {
    let daily = schedule("every = '1d'\nwindows = ['01:00-05:00']");
    let failed = |attempt| history("2026-01-01T00:00", Some("2026-01-01T00:00"), Some(attempt));
    let due = |attempt, now| {
        daily
            .next_due(&web(), &failed(attempt), time(now))
            .to_string()
    };
    assert_eq!(
        due("2026-01-02T01:00", "2026-01-02T01:01"),
        "at 2026-01-02 02:00:00 UTC: the last attempt failed"
    );
    assert_eq!(
        due("2026-01-02T01:00", "2026-01-02T02:00"),
        "now: the last attempt failed"
    );
    assert_eq!(
        due("2026-01-02T04:30", "2026-01-02T04:31"),
        "at 2026-01-03 01:00:00 UTC: the last attempt failed"
    );
    // An attempt at or before the last success is the one that succeeded.
    assert_eq!(
        due("2026-01-01T00:00", "2026-01-01T00:01"),
        "at 2026-01-02 01:00:00 UTC: as scheduled"
    );
    assert_eq!(
        due("2025-12-31T23:00", "2026-01-01T00:01"),
        "at 2026-01-02 01:00:00 UTC: as scheduled"
    );
}

#[test]
fn a_clock_that_was_wrong_for_a_while_stalls_no_schedule() {
    let monthly = schedule("every = '30d'");
    let due = |toml: &Schedule, last, attempt| {
        let past = history("2026-01-01T00:00", last, attempt);
        toml.next_due(&web(), &past, time("2026-06-01T00:00"))
            .to_string()
    };
    // A success, or an attempt, of a year that has not come.
    assert!(due(&monthly, Some("2031-01-01T00:00"), None).starts_with("now"));
    assert_eq!(
        due(&monthly, Some("2026-05-31T00:00"), Some("2031-01-01T00:00")),
        "at 2026-06-30 00:00:00 UTC: as scheduled"
    );
    // Set back by an hour right after a roll: no second one.
    assert_eq!(
        due(&monthly, Some("2026-06-01T01:00"), Some("2026-06-01T00:59")),
        "at 2026-07-01 01:00:00 UTC: as scheduled"
    );
    // A schedule that was set with such a clock.
    let past = history("2031-01-01T00:00", Some("2026-05-01T02:00"), None);
    let cron = schedule("cron = '0 2 1 * *'");
    let due = cron.next_due(&web(), &past, time("2026-05-02T00:00"));
    assert_eq!(due.to_string(), "at 2026-06-01 02:00:00 UTC: as scheduled");
}

#[test]
fn a_new_schedule_does_not_miss_what_was_before_it() {
    let new = history("2026-05-20T12:00", Some("2023-01-01T00:00"), None);
    let cron = schedule("cron = '0 2 1 * *'");
    assert_eq!(
        cron.next_due(&web(), &new, time("2026-05-20T12:00"))
            .to_string(),
        "at 2026-06-01 02:00:00 UTC: as scheduled"
    );
    let never = history("2026-05-20T12:00", None, None);
    let every = schedule("every = '30d'\njitter = '1h'");
    let Due::At(start, Why::Scheduled) = every.next_due(&web(), &never, time("2026-05-20T12:00"))
    else {
        panic!("an array without a roll is not due");
    };
    assert_eq!(
        every.next_due(&web(), &never, start),
        Due::Now(Why::Scheduled)
    );
}

#[test]
fn jitter_spreads_arrays_and_stays_in_the_window() {
    let spread = schedule("every = '1d'\nwindows = ['01:00-03:00']\njitter = '12h'");
    let past = history("2026-01-01T00:00", Some("2026-01-01T12:00"), None);
    let starts = (0..200).map(|n| {
        let array: ArrayName = format!("array{n}").parse().unwrap();
        spread.upcoming(&array, &past, time("2026-01-01T12:00"), 1)[0]
    });
    let mut starts: Vec<_> = starts.collect();
    starts.sort_unstable();
    assert!(starts[0] >= time("2026-01-03T01:00") && starts[199] < time("2026-01-03T03:00"));
    assert!(
        starts[150] - starts[50] > TimeDelta::minutes(40),
        "{starts:?}"
    );
}

#[test]
fn the_coming_rolls_are_listed_in_order() {
    let quarterly = schedule("cron = '0 2 1 */3 *'\nfreeze = ['2026-07-01..2026-07-10']");
    let past = history("2026-01-15T00:00", Some("2026-01-15T00:00"), None);
    let coming = quarterly.upcoming(&web(), &past, time("2026-01-15T00:00"), 4);
    let expected = [
        "2026-04-01T02:00",
        "2026-07-11T00:00",
        "2026-10-01T02:00",
        "2027-01-01T02:00",
    ];
    assert_eq!(coming, expected.map(time));
    assert!(!quarterly.is_paused());
    let paused = quarterly.with_paused(true);
    assert!(
        paused.is_paused()
            && paused
                .upcoming(&web(), &past, time("2026-01-15T00:00"), 4)
                .is_empty()
    );
}

#[test]
fn an_old_key_raises_an_alarm() {
    let limited = schedule("every = '30d'\nmax-age = '45d'\npaused = true");
    let past = history("2026-01-01T00:00", Some("2026-01-01T00:00"), None);
    assert_eq!(
        limited.age_alarm(&web(), &past, time("2026-02-15T00:00")),
        None
    );
    let alarm = limited
        .age_alarm(&web(), &past, time("2026-02-15T00:01"))
        .unwrap();
    assert_eq!(alarm.to_string(), "the key is 45d1m old, 45d are allowed");
    // Without a limit, a roll that is a day late is worth an alarm too, unless paused.
    let plain = schedule("every = '30d'");
    assert_eq!(
        plain.age_alarm(&web(), &past, time("2026-02-01T01:00")),
        None
    );
    let alarm = plain
        .age_alarm(&web(), &past, time("2026-02-01T01:01"))
        .unwrap();
    assert_eq!(
        alarm,
        AgeAlarm::Overdue {
            since: time("2026-01-31T01:00")
        }
    );
    assert_eq!(
        plain
            .with_paused(true)
            .age_alarm(&web(), &past, time("2027-01-01T00:00")),
        None
    );
}
