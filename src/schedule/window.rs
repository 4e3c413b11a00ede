//! Hours of the week in which a roll may start.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use super::calendar::{Twice, instant};

/// Hours on some days of the week, on the schedule's clock: `sat,sun 01:00-05:00`,
/// `mon-fri 22:00-04:00`, or without days `01:00-05:00` for every day.
///
/// A window that ends at or before its beginning goes on past midnight and belongs to the day on
/// which it begins. `00:00-24:00` is the whole day. A time between the ends of a window is always
/// inside on the wall clock too: where the clock is put back over one of the ends, the window
/// begins with the second and ends with the first of the two; where that leaves nothing of it, the
/// first of both holds. A window that lies in a missing hour is left out that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// One bit for each day, Monday's is the lowest.
    days: u8,
    from: Minute,
    to: Minute,
}

/// Minutes since midnight, 0 to 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Minute(u16);

const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Mon, "mon"),
    (Weekday::Tue, "tue"),
    (Weekday::Wed, "wed"),
    (Weekday::Thu, "thu"),
    (Weekday::Fri, "fri"),
    (Weekday::Sat, "sat"),
    (Weekday::Sun, "sun"),
];
const EVERY_DAY: u8 = 0x7f;
const MIDNIGHT_AFTER: Minute = Minute(24 * 60);
const FORM: &str = "a window is written like 'sat,sun 01:00-05:00', 'mon-fri 22:00-04:00' or \
                    '01:00-05:00'";

impl Window {
    /// The window that begins on this day, if one does: from its first instant to the instant at
    /// which it is over.
    pub(super) fn on(self, day: NaiveDate, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if self.days & bit(day.weekday()) == 0 {
            return None;
        }
        let past_midnight = self.to <= self.from || self.to == MIDNIGHT_AFTER;
        let last_day = if past_midnight {
            day.checked_add_days(Days::new(1))?
        } else {
            day
        };
        let start = |twice| instant(zone, day.and_time(self.from.time()), twice);
        let end = instant(zone, last_day.and_time(self.to.time()), Twice::First)?;
        let mut starts = [Twice::Second, Twice::First].into_iter().filter_map(start);
        Some((starts.find(|start| *start < end)?, end))
    }
}

impl Minute {
    fn time(self) -> NaiveTime {
        // 24:00 goes around to 00:00.
        let since_midnight = TimeDelta::minutes(i64::from(self.0));
        NaiveTime::MIN.overflowing_add_signed(since_midnight).0
    }
}

const fn bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

impl FromStr for Window {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split_whitespace().rev();
        let hours = words.next().ok_or(FORM)?;
        let days = words.next().map_or(Ok(EVERY_DAY), parse_days)?;
        if words.next().is_some() {
            return Err(FORM);
        }
        let (from, to) = hours.split_once('-').ok_or(FORM)?;
        let (from, to) = (from.parse::<Minute>()?, to.parse::<Minute>()?);
        if from == MIDNIGHT_AFTER {
            return Err("a window begins before 24:00");
        }
        if from == to {
            return Err("it begins and ends at the same time; the whole day is 00:00-24:00");
        }
        Ok(Self { days, from, to })
    }
}

/// Reads `sat,sun` or `mon-fri` or a list of both; a range may go over the week's end.
fn parse_days(text: &str) -> Result<u8, &'static str> {
    let number = |name: &str| {
        let lower = name.to_ascii_lowercase();
        WEEK.iter()
            .position(|(_, short)| *short == lower)
            .ok_or("days are mon, tue … sun")
    };
    let mut days = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (number(first)?, number(last)?);
        days |= 1 << last;
        while day != last {
            days |= 1 << day;
            day = (day + 1) % WEEK.len();
        }
    }
    Ok(days)
}

impl FromStr for Minute {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        let [
            h1 @ b'0'..=b'9',
            h2 @ b'0'..=b'9',
            b':',
            m1 @ b'0'..=b'9',
            m2 @ b'0'..=b'9',
        ] = bytes
        else {
            return Err(FORM);
        };
        let two = |tens: &u8, ones: &u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
        let (hours, minutes) = (two(h1, h2), two(m1, m2));
        let total = Self(hours * 60 + minutes);
        if minutes < 60 && total <= MIDNIGHT_AFTER {
            Ok(total)
        } else {
            Err("times go from 00:00 to 24:00")
        }
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != EVERY_DAY {
            let names = WEEK.iter().filter(|(day, _)| self.days & bit(*day) != 0);
            let names: Vec<&str> = names.map(|(_, name)| *name).collect();
            write!(f, "{} ", names.join(","))?;
        }
        write!(f, "{}-{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_round_trip() {
        for (text, shown) in [
            ("sat,sun 01:00-05:00", "sat,sun 01:00-05:00"),
            ("Mon-Wed,fri  22:00-04:00", "mon,tue,wed,fri 22:00-04:00"),
            ("sat-mon 00:00-24:00", "mon,sat,sun 00:00-24:00"),
            ("mon-sun 01:00-05:00", "01:00-05:00"),
            ("01:00-05:00", "01:00-05:00"),
        ] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "sat",
            "sat,sun",
            "sat 1:00-5:00",
            "sat 01:00",
            "sat 01:00-01:00",
            "24:00-02:00",
            "01:00-24:01",
            "01:60-02:00",
            "01:60-03:00",
            "sat, sun 01:00-05:00",
            "day 01:00-05:00",
            "01:00-05:00 sat",
        ] {
            assert!(
                text.parse::<Window>().is_err(),
                "{text:?} was taken for a window"
            );
        }
    }

    #[track_caller]
    fn check(window: &str, day: &str, bounds: Option<(&str, &str)>) {
        let window: Window = window.parse().unwrap();
        let found = window.on(day.parse().unwrap(), chrono_tz::Europe::Berlin);
        let shown = |time: DateTime<Utc>| time.format("%dT%H:%M").to_string();
        let found = found.map(|(start, end)| (shown(start), shown(end)));
        assert_eq!(
            found,
            bounds.map(|(start, end)| (start.to_owned(), end.to_owned()))
        );
    }

    #[test]
    fn a_window_belongs_to_the_day_on_which_it_begins() {
        check(
            "sat 01:00-05:00",
            "2026-01-10",
            Some(("10T00:00", "10T04:00")),
        );
        check("sat 01:00-05:00", "2026-01-11", None);
        check(
            "sat 22:00-04:00",
            "2026-01-10",
            Some(("10T21:00", "11T03:00")),
        );
        check("00:00-24:00", "2026-01-10", Some(("09T23:00", "10T23:00")));
        check("12:00-00:00", "2026-01-10", Some(("10T11:00", "10T23:00")));
    }

    #[test]
    fn missing_and_repeated_hours_shorten_a_window() {
        // 02:00 to 03:00 is missing: 01:00 UTC is 03:00.
        check("01:00-04:00", "2026-03-29", Some(("29T00:00", "29T02:00")));
        check("02:30-04:00", "2026-03-29", Some(("29T01:00", "29T02:00")));
        check("01:00-02:30", "2026-03-29", Some(("29T00:00", "29T01:00")));
        check("02:00-03:00", "2026-03-29", None);
        check("22:00-02:30", "2026-03-28", Some(("28T21:00", "29T01:00")));
        // 02:00 to 03:00 is repeated, at 00:00 and 01:00 UTC.
        check("01:00-04:00", "2026-10-25", Some(("24T23:00", "25T03:00")));
        check("02:30-04:00", "2026-10-25", Some(("25T01:30", "25T03:00")));
        check("01:00-02:30", "2026-10-25", Some(("24T23:00", "25T00:30")));
        check("02:15-02:45", "2026-10-25", Some(("25T00:15", "25T00:45")));
    }
}
