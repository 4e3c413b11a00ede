//! What became of a change, from what was reported of it and what the object shows.

use serde::{Deserialize, Serialize};

use super::Standing;

/// What whoever sent a change has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// Nothing was reported so far.
    Nothing,
    /// The domain controller said yes.
    Applied,
    /// It said no.
    Refused,
    /// No answer came: it may have been made, or may be made yet.
    Unknown,
    /// It was never sent, and will not be.
    NotSent,
}

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody has it in hand to make it.
    HandedOut,
    /// The object shows it.
    Applied,
    /// The domain controller said no, and the object does not show it.
    Refused,
    /// It may have been made, or may be made yet.
    Unknown,
    /// It was not made, or was undone at once.
    NotMade,
    /// A part of it is there: somebody else has changed the same values.
    Differs,
}

impl Reported {
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Nothing, ""),
        (Self::Applied, "applied"),
        (Self::Refused, "refused"),
        (Self::Unknown, "unknown"),
        (Self::NotSent, "not-sent"),
    ];

    /// The report of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.into_iter().find(|(_, known)| *known == word)?;
        Some(found.0)
    }
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::HandedOut => "handed-out",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotMade => "not-made",
            Self::Differs => "differs",
        }
    }

    /// What a change has come to: what the object shows counts, and only where it cannot be looked
    /// at (`seen` is `None`) what was heard. `in_flight`: a request without an answer may still be
    /// carried out.
    #[must_use]
    pub const fn of(reported: Reported, seen: Option<Standing>, in_flight: bool) -> Self {
        match (seen, reported) {
            (Some(Standing::Made), _) | (None, Reported::Applied) => Self::Applied,
            (Some(Standing::Partly), _) => Self::Differs,
            (Some(Standing::NotMade) | None, Reported::Refused) => Self::Refused,
            (Some(Standing::NotMade) | None, Reported::Nothing) => Self::HandedOut,
            (Some(Standing::NotMade), Reported::Unknown) if !in_flight => Self::NotMade,
            (Some(Standing::NotMade) | None, Reported::Unknown) => Self::Unknown,
            (Some(Standing::NotMade), Reported::Applied)
            | (Some(Standing::NotMade) | None, Reported::NotSent) => Self::NotMade,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs read the one, the store holds the other.
    #[test]
    fn a_state_has_one_word_wherever_it_is_written() {
        for state in [
            State::HandedOut,
            State::Applied,
            State::Refused,
            State::Unknown,
            State::NotMade,
            State::Differs,
        ] {
            let stored = toml::Value::try_from(state).unwrap();
            assert_eq!(stored.as_str(), Some(state.word()));
        }
    }
}
