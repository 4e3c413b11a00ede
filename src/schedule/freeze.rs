//! Days on which no roll starts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::calendar::{Twice, instant};

/// A range of days, both included, on the schedule's calendar: `2026-12-20..2027-01-03`, or one
/// day: `2026-12-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    first: NaiveDate,
    last: NaiveDate,
}

impl Freeze {
    /// From the first day's midnight to the midnight after the last day.
    pub(super) fn bounds(self, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let after = self.last.checked_add_days(Days::new(1))?;
        let start = instant(zone, self.first.and_time(NaiveTime::MIN), Twice::First)?;
        let end = instant(zone, after.and_time(NaiveTime::MIN), Twice::Second)?;
        Some((start, end))
    }
}

impl FromStr for Freeze {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "a freeze is written like 2026-12-20..2027-01-03, or as one day";
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        // chrono itself also reads years of five digits and signs.
        let day = |text: &str| {
            let plain = text.len() == 10 && text.is_ascii() && text.as_bytes()[4] == b'-';
            plain
                .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
                .flatten()
                .ok_or(FORM)
        };
        let freeze = Self {
            first: day(first)?,
            last: day(last)?,
        };
        if freeze.first <= freeze.last {
            Ok(freeze)
        } else {
            Err("it ends before it begins")
        }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}..{}", self.first, self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freezes_round_trip() {
        for text in ["2026-12-20..2027-01-03", "2024-02-29"] {
            assert_eq!(text.parse::<Freeze>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "..",
            "2026-12-20..",
            "2023-02-29",
            "2026-01-02..2026-01-01",
            "+2026-1-1",
            "20261-01-0",
        ] {
            assert!(
                text.parse::<Freeze>().is_err(),
                "{text:?} was taken for a freeze"
            );
        }
    }
}
