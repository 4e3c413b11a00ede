//! Times and durations, read from the command line and shown to people.

use std::fmt::Write as _;

use chrono::{DateTime, Local, SecondsFormat};
use keyroll::schedule::span;

/// A duration from the command line, such as `30d` or `10h30m`, or `0`, in seconds.
///
/// # Errors
/// Says what is allowed; a number without a unit is refused, except `0`.
pub fn seconds(text: &str) -> Result<u64, &'static str> {
    if text == "0" {
        return Ok(0);
    }
    span::parse(text).map(|span| span.num_seconds().unsigned_abs())
}

/// How long something took, in the two units that matter: `120 ms`, `4.2 s`, `12 min 03 s`,
/// `10 h 31 min`.
#[must_use]
pub fn took(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1_000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A moment, from seconds since 1970, in local time with its offset; `-` for never.
#[must_use]
pub fn moment(unix: i64) -> String {
    moment_millis(unix.saturating_mul(1_000))
}

/// A moment, from milliseconds since 1970.
#[must_use]
pub fn moment_millis(unix: i64) -> String {
    match DateTime::from_timestamp_millis(unix) {
        Some(moment) if unix != 0 => moment
            .with_timezone(&Local)
            .to_rfc3339_opts(SecondsFormat::Secs, false)
            .replacen('T', " ", 1),
        _ => "-".to_owned(),
    }
}

/// The text itself, or `-`, so that no column of a table is empty.
#[must_use]
pub fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

/// A number, or `-` for zero, which stands for "none yet".
#[must_use]
pub fn number(number: impl Into<u64>) -> String {
    match number.into() {
        0 => "-".to_owned(),
        number => number.to_string(),
    }
}

/// Text from elsewhere, fit for a terminal: what could steer the terminal is shown, not sent.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || is_invisible(c) {
            let _ = write!(clean, "{}", c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Characters that reorder or hide others, so that a name looks like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(seconds("10h30m"), Ok(37_800));
        assert_eq!(seconds("0"), Ok(0));
        for bad in ["", "5", "m", "5x", "-5m", "5€"] {
            assert!(seconds(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn what_took_long_is_told_shortly() {
        assert_eq!(took(120), "120 ms");
        assert_eq!(took(4_250), "4.2 s");
        assert_eq!(took(723_000), "12 min 03 s");
        assert_eq!(took(37_860_000), "10 h 31 min");
        assert_eq!(took(200_000_000), "2 d 7 h");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\n");
        assert_eq!(harmless("a\u{202e}b"), "a\\u{202e}b");
    }
}
