//! Programs that take it for another time than it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::lab::output;

/// What a program finds in its environment to take it for another time, `shift` from now (`+600s`,
/// `-19h`): libfaketime, which leaves alone how long things take.
#[derive(Debug)]
pub struct Shifted {
    preload: String,
    shift: String,
}

impl Shifted {
    /// By so much.
    ///
    /// # Errors
    /// There is no faketime.
    pub fn by(shift: &str) -> Result<Self> {
        let (preload, shift) = (library()?, shift.to_owned());
        Ok(Self { preload, shift })
    }

    /// The variables.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 3] {
        [(PRELOAD, &self.preload), ("FAKETIME", &self.shift), ALIKE]
    }
}

/// A clock that can be set while programs run by it.
#[derive(Debug)]
pub struct Clock {
    preload: String,
    file: PathBuf,
    path: String,
}

impl Clock {
    /// One that is right so far, kept in `folder`.
    ///
    /// # Errors
    /// There is no faketime, or the folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = folder.join("clock");
        let clock = Self {
            preload: library()?,
            path: file.display().to_string(),
            file,
        };
        clock.set("+0s")?;
        Ok(clock)
    }

    /// Sets it `shift` off the time, at once.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub fn set(&self, shift: &str) -> Result<()> {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{shift}\n"))?;
        Ok(fs::rename(new, &self.file)?)
    }

    /// The variables for programs that go by it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            (PRELOAD, &self.preload),
            ("FAKETIME_TIMESTAMP_FILE", &self.path),
            // It would be read every ten seconds.
            ("FAKETIME_NO_CACHE", "1"),
            ALIKE,
        ]
    }
}

fn library() -> Result<String> {
    let mut faketime = Command::new("faketime");
    let library = output(faketime.args(["-f", "+0s", "printenv", PRELOAD]))?;
    Ok(library.trim().to_owned())
}

const PRELOAD: &str = "LD_PRELOAD";
/// How long things take is left alone.
const ALIKE: (&str, &str) = ("FAKETIME_DONT_FAKE_MONOTONIC", "1");
