//! One thing that somebody else has changed, and what follows from it.

use super::stamp::{Attribute, History, Origin};

/// Something about an account, a domain controller or a file that nobody here has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of change, in a word that never changes.
    pub code: &'static str,
    /// What was changed.
    pub object: String,
    /// What is different, before and after.
    pub what: String,
    /// The attribute whose stamp tells where and when.
    pub attribute: Option<Attribute>,
    /// Where and when, once that was read.
    pub origin: Option<Origin>,
    /// What follows from it for logins and rolls.
    pub consequence: String,
    /// How much it matters.
    pub judgement: Judgement,
    /// What to type next; empty if nothing.
    pub next: String,
}

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// Logins or tickets fail until somebody acts.
    Critical,
    /// Logins go on; the next roll will be refused.
    StopsRolls,
    /// Logins go on; a roll should be made soon.
    NeedsRoll,
    /// It is put right already.
    Repaired,
    /// Nothing depends on it.
    Harmless,
}

impl Judgement {
    /// As an alarm's grade.
    #[must_use]
    pub const fn grade(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::StopsRolls | Self::NeedsRoll => "warning",
            Self::Repaired | Self::Harmless => "notice",
        }
    }
}

impl Change {
    /// Looks up where and when it happened.
    #[must_use]
    pub fn dated(mut self, history: &History) -> Self {
        self.origin = self.attribute.and_then(|one| history.origin(one));
        self
    }

    /// All of it but the object and the next command, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = self.what.clone();
        if let Some(origin) = &self.origin {
            text += &format!(", {origin}");
        }
        if !self.consequence.is_empty() {
            text += &format!(": {}", self.consequence);
        }
        text
    }
}
