//! A domain controller that is stopped in its tracks, killed, or put back to yesterday.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::clock::Shifted;
use crate::lab::{Lab, output};

/// One of the lab's domain controllers.
#[derive(Debug)]
pub struct Dc<'a> {
    lab: &'a Lab,
    /// `dc1` or `dc2`.
    pub name: &'static str,
}

impl<'a> Dc<'a> {
    /// The domain controller of this name.
    #[must_use]
    pub const fn of(lab: &'a Lab, name: &'static str) -> Self {
        Self { lab, name }
    }

    fn verb(&self, verb: &str) -> Result<()> {
        output(Command::new("lab-dc").args([verb, self.name])).map(drop)
    }

    /// Starts it, and waits until LDAPS and the KDC answer.
    ///
    /// # Errors
    /// They do not.
    pub fn start(&self) -> Result<()> {
        self.verb("start")
    }

    /// Starts it with a clock that is off by `shift` (`+120s`).
    ///
    /// # Errors
    /// As [`Dc::start`].
    pub fn start_off_by(&self, shift: &str) -> Result<()> {
        let shifted = Shifted::by(shift)?;
        let start = || {
            let mut start = Command::new("lab-dc");
            start.args(["start", self.name]);
            output(start.envs(shifted.environment())).map(drop)
        };
        // Beside libfaketime, on a busy machine, Samba comes up now and then and never answers.
        start().or_else(|_| {
            self.kill()?;
            start()
        })
    }

    /// Ends it as a power failure would.
    ///
    /// # Errors
    /// It does not end.
    pub fn kill(&self) -> Result<()> {
        self.verb("kill")
    }

    /// Stops all its processes where they are; what is sent to it waits.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let file = self.lab.dir.join(self.name).join("samba.pid");
        let leader = fs::read_to_string(&file)?.trim().parse().ok();
        let group = leader
            .and_then(Pid::from_raw)
            .context("no process number")?;
        Ok(kill_process_group(group, signal)?)
    }

    /// That a request on LDAPS waits to be read by it.
    ///
    /// # Errors
    /// None does.
    pub fn has_unread(&self) -> Result<()> {
        let mut ss = self.lab.on(self.name, "ss");
        let shown = output(ss.args(["-Htn", "state", "established", "sport = :636"]))?;
        let waiting = |line: &str| line.split_whitespace().next() != Some("0");
        ensure!(shown.lines().any(waiting), "nothing waits to be read");
        Ok(())
    }

    /// Keeps its database as it is now. It is away for a moment.
    ///
    /// # Errors
    /// It does not stop or start.
    pub fn keep(&self) -> Result<()> {
        self.verb("stop")?;
        self.copy("private", "kept")?;
        self.start()
    }

    /// Has it come back with the database that was kept, as from a backup.
    ///
    /// # Errors
    /// It does not stop or start.
    pub fn restore(&self) -> Result<()> {
        self.kill()?;
        fs::remove_dir_all(self.folder("private"))?;
        self.copy("kept", "private")?;
        self.start()
    }

    fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.folder(from), self.folder(to));
        output(Command::new("cp").arg("-a").args([from, to])).map(drop)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.lab.dir.join(self.name).join(name)
    }
}
