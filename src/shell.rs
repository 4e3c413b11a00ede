//! Commands that people are given to type.

/// A text that a POSIX shell takes as one word, whatever is in it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
