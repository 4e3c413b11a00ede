//! Programs under test that a test ends at places of its choice, and starts again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::process::{Process, was_killed};

/// A program that can be ended and started again.
pub trait Mortal {
    /// What it is called, for messages.
    fn name(&self) -> String;

    /// Starts it, and does not wait: it may end at any moment.
    ///
    /// # Errors
    /// It cannot be started.
    fn launch(&mut self) -> Result<()>;

    /// Its process.
    ///
    /// # Errors
    /// It does not run, and did not.
    fn process(&mut self) -> Result<&mut Process>;

    /// Where it shall end or stop.
    fn wishes(&self) -> &Wishes;

    /// Whether it has ended at a place of [`Mortal::wishes`]; then its last place.
    ///
    /// # Errors
    /// It ended in another way, with its last words.
    fn has_died(&mut self) -> Result<Option<String>> {
        let name = self.name();
        let process = self.process()?;
        let Some(status) = process.ended()? else {
            return Ok(None);
        };
        ensure!(
            was_killed(status),
            "{name} ended with {status}\n{}",
            process.last_words()
        );
        let reached = self.wishes().reached()?;
        let last = reached.last().cloned();
        last.map(Some)
            .with_context(|| format!("{name} was killed by somebody else"))
    }
}

/// The file in which a program finds where it shall end or stop.
#[derive(Debug)]
pub struct Wishes(PathBuf);

impl Wishes {
    /// The wishes of the program that has this folder; none so far.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self(folder.join("wishes"))
    }

    /// What the program's environment must have.
    #[must_use]
    pub fn variable(&self) -> (&'static str, &Path) {
        (keyroll_failpoint::VARIABLE, &self.0)
    }

    /// Wishes this from now on: lines like `kill before record planned`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set(&self, wishes: impl IntoIterator<Item = String>) -> Result<()> {
        let text: String = wishes.into_iter().map(|wish| wish + "\n").collect();
        // The program reads it at any moment: it must never find half of it.
        let new = self.0.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &self.0)?;
        Ok(())
    }

    /// The places at which the program has ended or stopped so far, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reached(&self) -> Result<Vec<String>> {
        match fs::read_to_string(self.0.with_extension("reached")) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
