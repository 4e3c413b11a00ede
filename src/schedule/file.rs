//! A schedule as it is written, and what makes it valid.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use super::{Freeze, Missed, Rule, Schedule, Window, span};

/// A schedule as it is written in TOML; either `every` or `cron`, all else may be left out.
///
/// ```toml
/// every = "30d"                          # or: cron = "0 2 1 * *"
/// windows = ["sat,sun 01:00-05:00"]
/// time-zone = "Europe/Berlin"
/// jitter = "2h"
/// freeze = ["2026-12-20..2027-01-03"]
/// max-age = "45d"
/// missed = "run"                         # or: "skip"
/// paused = false
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScheduleFile {
    /// How long after a roll the next falls due: `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// Five fields: minute, hour, day of the month, month, day of the week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The hours in which a roll may start; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// A zone's name in the IANA database; none: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How far rolls are spread at most; none: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<String>,
    /// The days on which no roll starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// The age of a key at which an alarm is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
    /// What becomes of a missed roll; none: it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Whether nothing is to fall due for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// Why a schedule is not valid: the key, what was written there, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {text:?}: {reason}")]
pub struct BadSchedule {
    /// The key of the file.
    pub key: &'static str,
    /// What was written, at most its first 80 characters.
    pub text: String,
    /// What is wrong.
    pub reason: String,
}

impl BadSchedule {
    fn new(key: &'static str, text: &str, reason: impl Into<String>) -> Self {
        Self {
            key,
            text: text.chars().take(80).collect(),
            reason: reason.into(),
        }
    }
}

/// Lists longer than this are a mistake, and every question walks them.
const ENTRIES_MAX: usize = 100;
/// More often than this no roll can follow another: even a quick one takes minutes.
const EVERY_MIN: TimeDelta = TimeDelta::minutes(1);
const JITTER_MAX: TimeDelta = TimeDelta::days(7);

impl TryFrom<ScheduleFile> for Schedule {
    type Error = BadSchedule;

    fn try_from(file: ScheduleFile) -> Result<Self, BadSchedule> {
        let zone = parse_zone(file.time_zone.as_deref().unwrap_or("UTC"))?;
        let jitter = file.jitter.as_deref().unwrap_or("0s");
        let jitter_span = parse_span("jitter", jitter)?;
        if jitter_span > JITTER_MAX {
            return Err(BadSchedule::new(
                "jitter",
                jitter,
                "seven days are the most",
            ));
        }
        let max_age = file
            .max_age
            .as_deref()
            .map(|text| parse_span("max-age", text))
            .transpose()?;
        if max_age == Some(TimeDelta::zero()) {
            let reason = "an alarm at any age tells nothing";
            return Err(BadSchedule::new("max-age", "0s", reason));
        }
        let rule = parse_rule(file.every.as_deref(), file.cron.as_deref(), zone)?;
        if let (Rule::Every(every), Some(limit)) = (&rule, max_age)
            && limit < *every
        {
            let reason = "it is less than `every`: the alarm would sound before each roll";
            return Err(BadSchedule::new("max-age", &span::show(limit), reason));
        }
        Ok(Self {
            rule,
            zone,
            windows: parse_list("windows", &file.windows)?,
            freezes: parse_list("freeze", &file.freeze)?,
            jitter: jitter_span,
            missed: file.missed.unwrap_or_default(),
            max_age,
            paused: file.paused,
        })
    }
}

fn parse_rule(every: Option<&str>, cron: Option<&str>, zone: Tz) -> Result<Rule, BadSchedule> {
    match (every, cron) {
        (Some(text), None) => {
            let every = parse_span("every", text)?;
            if every < EVERY_MIN {
                return Err(BadSchedule::new("every", text, "a minute is the least"));
            }
            Ok(Rule::Every(every))
        }
        (None, Some(text)) => {
            let bad = |reason: String| BadSchedule::new("cron", text, reason);
            let parser = CronParser::builder()
                .seconds(Seconds::Disallowed)
                .year(Year::Disallowed)
                .build();
            let cron = parser.parse(text).map_err(|error| bad(error.to_string()))?;
            // A date that no year has, such as 30 February, is found out by looking for it.
            let epoch = DateTime::<Utc>::UNIX_EPOCH.with_timezone(&zone);
            let first = cron.find_next_occurrence(&epoch, true);
            first.map_err(|_| bad("no day of the calendar fits it".to_owned()))?;
            Ok(Rule::Cron(Box::new(cron)))
        }
        (Some(text), Some(_)) => Err(BadSchedule::new(
            "every",
            text,
            "there is cron too; only one of them can be",
        )),
        (None, None) => Err(BadSchedule::new("every", "", "it is missing, and cron too")),
    }
}

fn parse_span(key: &'static str, text: &str) -> Result<TimeDelta, BadSchedule> {
    span::parse(text).map_err(|reason| BadSchedule::new(key, text, reason))
}

fn parse_zone(text: &str) -> Result<Tz, BadSchedule> {
    let reason = "it is no zone of the IANA database, such as Europe/Berlin";
    text.parse()
        .map_err(|_| BadSchedule::new("time-zone", text, reason))
}

fn parse_list<T>(key: &'static str, texts: &[String]) -> Result<Vec<T>, BadSchedule>
where
    T: std::str::FromStr<Err = &'static str>,
{
    if let Some(text) = texts.get(ENTRIES_MAX) {
        return Err(BadSchedule::new(
            key,
            text,
            "a hundred entries are the most",
        ));
    }
    let parse = |text: &String| {
        text.parse()
            .map_err(|reason| BadSchedule::new(key, text, reason))
    };
    texts.iter().map(parse).collect()
}

impl From<Schedule> for ScheduleFile {
    fn from(schedule: Schedule) -> Self {
        let (every, cron) = match &schedule.rule {
            Rule::Every(every) => (Some(span::show(*every)), None),
            Rule::Cron(cron) => (None, Some(cron.as_str().to_owned())),
        };
        let jitter = (schedule.jitter > TimeDelta::zero()).then(|| span::show(schedule.jitter));
        Self {
            every,
            cron,
            windows: schedule.windows.iter().map(Window::to_string).collect(),
            time_zone: Some(schedule.zone.name().to_owned()),
            jitter,
            freeze: schedule.freezes.iter().map(Freeze::to_string).collect(),
            max_age: schedule.max_age.map(span::show),
            missed: Some(schedule.missed),
            paused: schedule.paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn schedules_round_trip_and_bad_ones_say_why() {
        let text = "every = '30d'\nwindows = ['sat,sun 01:00-05:00']\ntime-zone = 'Europe/Berlin'\n\
                    jitter = '2h'\nfreeze = ['2026-12-20..2027-01-03']\nmax-age = '45d'\n\
                    missed = 'skip'\npaused = true\n";
        let parsed = schedule(text);
        assert_eq!(toml::to_string(&parsed).unwrap().replace('"', "'"), text);
        let cron = schedule("cron = '0 2 1-7 * MON'");
        let written = toml::to_string(&cron).unwrap();
        assert_eq!(schedule(&written), cron);
        for least in ["every = '60s'", "every = '30d'\nmax-age = '30d'"] {
            assert!(toml::from_str::<Schedule>(least).is_ok(), "{least}");
        }
        // What is not there is not written.
        let bare = "cron = \"0 2 1-7 * 1\"\ntime-zone = \"UTC\"\nmissed = \"run\"\n";
        assert_eq!(written, bare);
        for (text, reason) in [
            ("", "it is missing, and cron too"),
            (
                "every = '30d'\ncron = '* * * * *'",
                "only one of them can be",
            ),
            ("every = '5s'", "a minute is the least"),
            ("every = 'monthly'", "a time is written like 30d"),
            ("cron = '0 0 30 2 *'", "no day of the calendar fits it"),
            ("cron = '0 0 2 1 * *'", "cron = "),
            ("cron = 'x'", "cron = "),
            (
                "every = '1d'\ntime-zone = 'Mars/Olympus'",
                "no zone of the IANA database",
            ),
            (
                "every = '1d'\nwindows = ['01:00']",
                "a window is written like",
            ),
            (
                "every = '1d'\nfreeze = ['2026-02-30']",
                "a freeze is written like",
            ),
            ("every = '1d'\njitter = '8d'", "seven days are the most"),
            (
                "every = '30d'\nmax-age = '5d'",
                "max-age = \"5d\": it is less than `every`: the alarm would sound before each roll",
            ),
            (
                "every = '1d'\nmax-age = '0s'",
                "an alarm at any age tells nothing",
            ),
            ("every = '1d'\nmissed = 'later'", "unknown variant"),
            ("every = '1d'\nwindow = '01:00-02:00'", "unknown field"),
        ] {
            let error = toml::from_str::<Schedule>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
