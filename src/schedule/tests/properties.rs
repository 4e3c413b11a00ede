//! What holds for every schedule, at every time.

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use proptest::prelude::*;

use super::{time, web};
use crate::schedule::{Due, History, Missed, Schedule, ScheduleFile, Window};

/// Whether the wall clock of the schedule's zone says that a roll may start, found without any of
/// the code under test but the parsers.
fn may_start(file: &ScheduleFile, at: DateTime<Utc>) -> bool {
    let zone: chrono_tz::Tz = file.time_zone.as_deref().unwrap_or("UTC").parse().unwrap();
    let local = at.with_timezone(&zone);
    let day = local.format("%Y-%m-%d").to_string();
    let frozen = file.freeze.iter().any(|freeze| {
        let (first, last) = freeze.split_once("..").unwrap();
        first <= day.as_str() && day.as_str() <= last
    });
    let minute = local.hour() * 60 + local.minute();
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let today = local.weekday().num_days_from_monday() as usize;
    let open = |window: &String| {
        let (days, hours) = window.split_once(' ').unwrap();
        let (from, to) = hours.split_once('-').unwrap();
        let minutes =
            |text: &str| text[..2].parse::<u32>().unwrap() * 60 + text[3..].parse::<u32>().unwrap();
        let (from, to) = (minutes(from), minutes(to));
        let on = |day: usize| days.contains(names[day % 7]);
        if from < to {
            on(today) && (from..to).contains(&minute)
        } else {
            (on(today) && minute >= from) || (on(today + 6) && minute < to)
        }
    };
    !frozen && (file.windows.is_empty() || file.windows.iter().any(open))
}

fn windows() -> impl Strategy<Value = String> {
    let days = proptest::sample::select(vec![
        "mon",
        "sat,sun",
        "tue,fri",
        "sun",
        "mon,tue,wed,thu,fri,sat,sun",
    ]);
    (days, 0_u32..24, 0_u32..4, 0_u32..24, 0_u32..4)
        .prop_map(|(days, h1, q1, h2, q2)| {
            format!("{days} {h1:02}:{:02}-{h2:02}:{:02}", q1 * 15, q2 * 15)
        })
        .prop_filter("empty", |window| window.parse::<Window>().is_ok())
}

fn files() -> impl Strategy<Value = ScheduleFile> {
    let rule = proptest::sample::select(vec![
        "1h",
        "1d",
        "30d",
        "90d",
        "* * * * *",
        "30 2 * * *",
        "0 0 L * *",
        "15 3 * * SUN#2",
    ]);
    let zones = proptest::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    ]);
    let freezes = (0_i64..700, 0_i64..20).prop_map(|(day, length)| {
        let first = time("2026-01-01T00:00").date_naive() + TimeDelta::days(day);
        format!("{first}..{}", first + TimeDelta::days(length))
    });
    let jitter = proptest::sample::select(vec![None, Some("90m"), Some("2d")]);
    let missed = proptest::sample::select(vec![None, Some(Missed::Skip)]);
    let (windows, freezes) = (
        prop::collection::vec(windows(), 0..3),
        prop::collection::vec(freezes, 0..4),
    );
    (rule, zones, windows, freezes, jitter, missed).prop_map(
        |(rule, zone, windows, freeze, jitter, missed)| {
            let (every, cron) = if rule.contains(' ') {
                (None, Some(rule))
            } else {
                (Some(rule), None)
            };
            ScheduleFile {
                every: every.map(str::to_owned),
                cron: cron.map(str::to_owned),
                windows,
                time_zone: Some(zone.to_owned()),
                jitter: jitter.map(str::to_owned),
                freeze,
                max_age: None,
                missed,
                paused: false,
            }
        },
    )
}

proptest! {
    #[test]
    fn every_start_is_allowed_and_stays_until_it_has_come(
        file in files(),
        last in 0_i64..60 * 86_400,
        attempt in prop::option::of(0_i64..600 * 86_400),
        steps in prop::collection::vec(0_i64..30 * 86_400, 1..12),
    ) {
        let schedule = Schedule::try_from(file.clone()).unwrap();
        let epoch = time("2026-01-01T00:00");
        let past = History {
            schedule_set: epoch,
            last_success: Some(epoch + TimeDelta::seconds(last)),
            last_attempt: attempt.map(|attempt| epoch + TimeDelta::seconds(attempt)),
        };
        // What the history tells has happened.
        let mut now = past.last_success.max(past.last_attempt).unwrap_or(epoch);
        let mut promised: Option<DateTime<Utc>> = None;
        for step in steps {
            now += TimeDelta::seconds(step);
            let due = schedule.next_due(&web(), &past, now);
            let start = match due {
                Due::At(start, _) => {
                    prop_assert!(start > now);
                    start
                }
                Due::Now(_) => now,
                Due::Never(_) => continue,
            };
            prop_assert!(may_start(&file, start), "{} at {now}", due);
            if let Some(promised) = promised.filter(|promised| *promised > now) {
                prop_assert_eq!(start, promised, "now it is {}", now);
            }
            promised = Some(start);
        }
    }

    #[test]
    fn coming_rolls_are_allowed_and_in_order(file in files(), last in 0_i64..60 * 86_400) {
        let schedule = Schedule::try_from(file.clone()).unwrap();
        let now = time("2026-01-01T00:00") + TimeDelta::seconds(last);
        let past = History { schedule_set: now, last_success: Some(now), last_attempt: None };
        let coming = schedule.upcoming(&web(), &past, now, 12);
        prop_assert!(coming.is_sorted() && coming.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(coming.iter().all(|start| may_start(&file, *start)), "{coming:?}");
    }
}
