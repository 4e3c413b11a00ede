//! A length of time as one writes it: `30d`, `1d12h`, `90m`.

use chrono::TimeDelta;

/// The units, with their seconds, longest first.
const UNITS: [(char, i64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];

/// The longest span that is accepted: ten years.
pub(super) const SPAN_MAX: TimeDelta = TimeDelta::days(3_650);

/// Reads a span such as `1d12h`: numbers, each with a unit, each unit shorter than the one before.
///
/// # Errors
/// Says what is allowed: any other text, or more than ten years.
pub fn parse(text: &str) -> Result<TimeDelta, &'static str> {
    const FORM: &str = "a time is written like 30d, 12h, 90m or 1d12h (w, d, h, m, s)";
    let mut units = UNITS.into_iter();
    let mut seconds = 0_i64;
    let mut rest = text;
    if rest.is_empty() {
        return Err(FORM);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let (count, tail) = rest.split_at(digits);
        let count: u32 = count.parse().map_err(|_| FORM)?;
        let mut characters = tail.chars();
        let unit = characters.next().ok_or(FORM)?;
        let (_, length) = units.find(|(letter, _)| *letter == unit).ok_or(FORM)?;
        // At most five numbers of 32 bits, times a week: far below 64 bits.
        seconds += i64::from(count) * length;
        rest = characters.as_str();
    }
    let span = TimeDelta::try_seconds(seconds).filter(|span| *span <= SPAN_MAX);
    span.ok_or("ten years are the longest time")
}

/// Writes a span of whole seconds in the form that [`parse`] reads; `0s` for none.
pub(super) fn show(span: TimeDelta) -> String {
    let mut left = span.num_seconds();
    let mut text = String::new();
    // Weeks are not written: thirty days are easier to read than four weeks and two days.
    for (letter, length) in UNITS.into_iter().skip(1) {
        if left >= length {
            text.push_str(&format!("{}{letter}", left / length));
            left %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_round_trip() {
        for (text, seconds, shown) in [
            ("30d", 2_592_000, "30d"),
            ("2w", 1_209_600, "14d"),
            ("1d12h", 129_600, "1d12h"),
            ("90m", 5_400, "1h30m"),
            ("0s", 0, "0s"),
            ("3650d", 315_360_000, "3650d"),
        ] {
            assert_eq!(parse(text), Ok(TimeDelta::seconds(seconds)));
            assert_eq!(show(TimeDelta::seconds(seconds)), shown);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "d",
            "30",
            "30 d",
            "-1d",
            "1h1d",
            "1d1d",
            "1.5h",
            "3651d",
            "99999999999d",
            "4294967295w",
            "1é",
        ] {
            assert!(parse(text).is_err(), "{text:?} was taken for a time");
        }
    }
}
