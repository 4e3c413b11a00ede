//! What a check is, and what it finds.

use std::fmt;

use super::facts::{Facts, Unseen, UnseenKind};
use crate::name::ArrayName;

/// How bad it is. The worst decides a command's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Unknown,
    /// Logins go on; something stands in the way of the next roll, or will cost logins later.
    Warning,
    /// Logins fail, or will with the next ticket.
    Broken,
}

impl Grade {
    /// Every grade, the best first.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Broken];

    /// The grade as a word: `ok`, `unknown`, `warning` or `broken`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: a node, a domain controller, a file, an SPN.
    pub object: String,
    /// How it is.
    pub grade: Grade,
    /// What was seen.
    pub evidence: String,
    /// What that leads to and where it usually comes from; empty if all is well.
    pub cause: String,
    /// The command that mends it; empty if nothing needs to be mended.
    pub mend: String,
}

/// A check of facts `F`, with what the documentation says of it.
#[derive(Debug)]
pub struct Check<F = Facts> {
    /// Its name, which never changes: programs and documents rely on it.
    pub id: &'static str,
    /// What it looks at.
    pub looks_at: &'static str,
    /// What it means when it is not as it should be.
    pub means: &'static str,
    /// What mends it.
    pub mends: &'static str,
    /// The check itself.
    pub look: fn(&F) -> Vec<Finding>,
}

/// A finding with the check that found it.
#[derive(Debug)]
pub struct Examined {
    /// The check's name.
    pub check: &'static str,
    /// What it found.
    pub finding: Finding,
}

impl Examined {
    /// What each of these checks finds. What has nothing to be looked at finds nothing.
    pub(super) fn all<F>(checks: &'static [Check<F>], facts: &F) -> Vec<Self> {
        let each = checks.iter().flat_map(|check| {
            let found = (check.look)(facts).into_iter();
            found.map(|finding| Self {
                check: check.id,
                finding,
            })
        });
        each.collect()
    }
}

impl Finding {
    fn new(grade: Grade, object: impl ToString, evidence: impl Into<String>) -> Self {
        Self {
            object: object.to_string(),
            grade,
            evidence: evidence.into(),
            cause: String::new(),
            mend: String::new(),
        }
    }

    /// As it should be.
    pub(super) fn ok(object: impl ToString, evidence: impl Into<String>) -> Self {
        Self::new(Grade::Ok, object, evidence)
    }

    /// Worth acting on before it costs logins.
    pub(super) fn warning(object: impl ToString, evidence: impl Into<String>) -> Self {
        Self::new(Grade::Warning, object, evidence)
    }

    /// It costs logins.
    pub(super) fn broken(object: impl ToString, evidence: impl Into<String>) -> Self {
        Self::new(Grade::Broken, object, evidence)
    }

    /// It could not be looked at.
    pub(super) fn unknown(object: impl ToString, unseen: &Unseen, array: &ArrayName) -> Self {
        let cause = match unseen.kind {
            UnseenKind::Silent => "nobody answered, so nothing can be said of it",
            UnseenKind::Refused => "the answer was no, so nothing can be said of it",
            UnseenKind::Missing => "what would tell is not there, so nothing can be said of it",
        };
        let next = match unseen.next.is_empty() {
            true => format!("keyroll status, then keyroll doctor {array}"),
            false => unseen.next.clone(),
        };
        Self::undecided(object, unseen.why.clone(), cause).mend(next)
    }

    /// It was looked at, and tells nothing either way; why not is the cause.
    pub(super) fn undecided(
        object: impl ToString,
        evidence: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self::new(Grade::Unknown, object, evidence).because(cause)
    }

    /// With what it leads to, and where it usually comes from.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// With the command that mends it.
    pub(super) fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = command.into();
        self
    }
}
