//! An error as a person meets it: what failed, why, and what to do next, in one paragraph.

use std::error::Error;
use std::fmt;

use crate::exit::Exit;

/// A failure that ends a command.
#[derive(Debug)]
pub struct Trouble {
    /// The exit code.
    pub exit: Exit,
    what: String,
    next: Option<String>,
}

impl Trouble {
    /// A failure in words.
    #[must_use]
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        let (what, next) = (what.into(), None);
        Self { exit, what, next }
    }

    /// A failure with the whole chain of its causes.
    #[must_use]
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// The same with the next thing to do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.next {
            Some(next) => write!(f, ". Next: {next}"),
            None => Ok(()),
        }
    }
}

/// An error and its causes, each once, from the outermost in.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
