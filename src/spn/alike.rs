//! Names that are not the same and look so: case, invisible characters, other scripts.
//!
//! CVE-2026-25177: a directory that compares names character by character takes an SPN that only
//! looks like another's, and normalizes it later.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

/// How alike two SPNs are, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Byte for byte.
    Exact,
    /// But for case, which AD does not see.
    Case,
    /// But for characters that are invisible, accents, or other forms of the same (NFKD): AD
    /// itself takes them for equal (MS-ADTS 6.5.1).
    Hidden,
    /// They look alike (UTS #39), and one of them is not ASCII: two names of plain letters that
    /// resemble each other, `web1` and `webl`, are two names.
    LooksAlike,
    /// Other names, of which one answers for the other where nobody has that (`sPNMappings`).
    HostAlias,
}

impl Likeness {
    /// How alike these two are as texts, if at all.
    #[must_use]
    pub fn of(one: &str, other: &str) -> Option<Self> {
        if one == other {
            return Some(Self::Exact);
        }
        let (one, other) = (one.to_lowercase(), other.to_lowercase());
        if one == other {
            return Some(Self::Case);
        }
        if one.is_ascii() && other.is_ascii() {
            return None;
        }
        let (one, other) = (plain(&one), plain(&other));
        if one == other {
            return Some(Self::Hidden);
        }
        let alike = looks(&one)
            .iter()
            .zip(looks(&other))
            .any(|(one, other)| *one == other);
        alike.then_some(Self::LooksAlike)
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Case => "case",
            Self::Hidden => "hidden",
            Self::LooksAlike => "look-alike",
            Self::HostAlias => "host-alias",
        }
    }
}

/// Names that are alike in any way have one of these in common; those that have are compared
/// further.
pub(super) fn keys(text: &str) -> [String; 2] {
    looks(&plain(&text.to_lowercase()))
}

/// Without what nobody sees, in the one form of each character, in small letters.
fn plain(text: &str) -> String {
    let seen = text
        .nfkd()
        .filter(|c| !is_invisible(*c) && !is_combining_mark(*c));
    seen.collect::<String>().to_lowercase()
}

/// How it looks in small letters and in capitals: a Cyrillic `Т` is taken for a `T`, and its small
/// letter for none of ours.
fn looks(text: &str) -> [String; 2] {
    [text.to_owned(), text.to_uppercase()].map(|text| skeleton(&text).collect())
}

/// Format characters (category Cf) and what else has no width, as far as names are abused with it.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || c.is_control()
}

/// What kind of character stands where plain ones should, in words.
pub(super) fn kind_of(c: char) -> &'static str {
    if c == ' ' {
        "a blank"
    } else if is_invisible(c) {
        "invisible"
    } else if c.is_whitespace() {
        "a kind of blank"
    } else {
        "no ASCII character"
    }
}
