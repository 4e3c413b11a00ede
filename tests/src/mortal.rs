//! Programs under test that a test ends at places of its choice, and starts again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use rustix::process::Signal;

use crate::process::{Process, was_killed};
use crate::wait::until;

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

    /// Waits until it has stopped at a place where it was to stop.
    ///
    /// # Errors
    /// It has not in time.
    fn wait_stopped(&mut self, place: &str, limit: Duration) -> Result<()> {
        let name = self.name();
        until(&format!("{name} to stop {place}"), limit, || {
            let last = self.wishes().reached()?.pop();
            ensure!(
                last.as_deref() == Some(place),
                "its last place was {last:?}"
            );
            Ok(())
        })
    }

    /// Lets it go on after a stop; nothing happens if it was not stopped.
    ///
    /// # Errors
    /// It does not run.
    fn go_on(&mut self) -> Result<()> {
        self.process()?.signal(Signal::CONT)
    }

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

    /// Wishes this from now on, lines like `kill before record planned`, and forgets what was
    /// reached.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set(&self, wishes: impl IntoIterator<Item = String>) -> Result<()> {
        match fs::remove_file(self.0.with_extension("reached")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let text: String = wishes.into_iter().map(|wish| wish + "\n").collect();
        // The program reads it at any moment: it must never find half of it.
        let new = self.0.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &self.0)?;
        Ok(())
    }

    /// The places at which the program has ended or stopped since then, in order.
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
