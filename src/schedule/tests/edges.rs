//! Moments on the very edge.

use super::*;

#[test]
fn an_occurrence_is_its_own_first() {
    let daily = schedule("every = '1d'");
    let first = time("2026-01-01T02:00");
    let day = TimeDelta::days(1);
    for (at, next) in [
        (first - day, first),
        (first, first),
        (first + TimeDelta::seconds(1), first + day),
        (first + day, first + day),
    ] {
        assert_eq!(daily.occurrence_from(first, at), Some(next), "{at}");
    }
}

#[test]
fn a_freeze_ends_a_window_that_it_falls_into() {
    let night = schedule("every = '1d'\nwindows = ['22:00-04:00']\nfreeze = ['2026-01-03']");
    for (at, open) in [
        ("2026-01-02T21:59", false),
        ("2026-01-02T22:00", true),
        ("2026-01-02T23:59", true),
        ("2026-01-03T00:00", false),
        ("2026-01-03T23:59", false),
        ("2026-01-04T00:00", true),
        ("2026-01-04T03:59", true),
        ("2026-01-04T04:00", false),
    ] {
        assert_eq!(night.window_is_open(time(at)), open, "{at}");
    }
    let slot = night.slot(&web(), time("2026-01-02T22:30")).unwrap();
    assert_eq!(slot.end, time("2026-01-03T00:00"));
}

#[test]
fn a_freeze_of_years_is_waited_for() {
    let frozen = schedule("every = '30d'\nfreeze = ['2026-01-01..2028-12-31']");
    let slot = frozen.slot(&web(), time("2026-02-01T00:00")).unwrap();
    assert_eq!(slot.start, time("2029-01-01T00:00"));
    // One that thaws after five years, of 366 days each, is one that never does.
    for (last, thaws) in [("2031-01-03", true), ("2031-01-04", false)] {
        let frozen = schedule(&format!("every = '30d'\nfreeze = ['2026-01-01..{last}']"));
        let slot = frozen.slot(&web(), time("2026-01-01T00:00"));
        assert_eq!(slot.is_some(), thaws, "{last}");
    }
}

/// Samoa had no 30 December 2011.
#[test]
fn a_freeze_of_a_day_that_never_was_freezes_nothing() {
    let text = "every = '1d'\ntime-zone = 'Pacific/Apia'\nfreeze = ['2011-12-30']";
    let midnight = time("2011-12-30T10:00");
    let slot = schedule(text).slot(&web(), midnight).unwrap();
    assert_eq!(
        (slot.start, slot.end - slot.start),
        (midnight, TimeDelta::hours(1))
    );
}

#[test]
fn a_weekly_window_that_fell_into_a_missing_hour_comes_the_week_after() {
    let sunday = "every = '7d'\nwindows = ['sun 02:00-02:30']\ntime-zone = 'Europe/Berlin'";
    let slot = schedule(sunday)
        .slot(&web(), time("2026-03-22T01:30"))
        .unwrap();
    assert_eq!(
        slot.start,
        time("2026-04-05T00:00"),
        "29 March has no such hour"
    );
}

#[test]
fn the_last_array_of_a_jitter_begins_before_the_window_ends() {
    // Its place is the very end of the way.
    let last: ArrayName = "array-5978".parse().unwrap();
    let narrow = schedule("every = '1d'\nwindows = ['01:00-03:00']\njitter = '12h'");
    let slot = narrow.slot(&last, time("2026-01-02T01:00")).unwrap();
    assert_eq!(slot.end - slot.start, TimeDelta::seconds(1));
}

#[test]
fn a_time_that_a_clock_ahead_has_written_is_believed_for_less_than_a_day() {
    let daily = schedule("every = '1d'");
    let now = "2026-01-10T00:00";
    let due = |last: Option<&str>| {
        let history = history("2026-01-01T00:00", last, None);
        daily.next_due(&web(), &history, time(now))
    };
    assert_ne!(due(Some("2026-01-10T23:59")), due(None));
    assert_eq!(due(Some("2026-01-11T00:00")), due(None));
}

#[test]
fn times_at_the_ends_of_the_calendar_are_no_panic() {
    let ends = [
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        DateTime::UNIX_EPOCH,
    ];
    for text in [
        "every = '3650d'\nwindows = ['sat 22:00-04:00']\ntime-zone = 'Pacific/Apia'",
        "cron = '0 2 * * *'\nmissed = 'skip'\ntime-zone = 'America/St_Johns'\njitter = '7d'",
        "every = '1m'\nmissed = 'skip'\nfreeze = ['0000-01-01..9999-12-31']",
    ] {
        let schedule = schedule(text);
        for set in ends {
            for (last, now) in ends.into_iter().flat_map(|a| ends.map(|b| (a, b))) {
                let history = History {
                    schedule_set: set,
                    last_success: Some(last),
                    last_attempt: Some(now),
                };
                let _ = schedule.next_due(&web(), &history, now);
                let _ = schedule.age_alarm(&web(), &history, now);
                let _ = schedule.upcoming(&web(), &history, now, 3);
            }
        }
    }
}
