//! What a trial comes to: how many faults there were, and how many logins meanwhile.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use keyroll_tests::logins::Logins;
use keyroll_tests::world::World;

/// Deaths, and logins none of which failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Toll {
    /// Processes that were killed.
    pub killed: usize,
    /// Places at which one stood still or was cut off.
    pub faults: usize,
    /// Logins that were tried; all of them succeeded.
    pub logins: u64,
}

impl Toll {
    /// Ends what users do: none of their logins may have failed.
    pub fn stop(&mut self, users: Logins, world: &World<'_>) -> Result<()> {
        let summary = users.stop()?;
        summary.none_failed().with_context(|| world.story())?;
        self.logins += summary.tried;
        Ok(())
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            killed,
            faults,
            logins,
        } = self;
        write!(
            f,
            "{killed} processes killed, {faults} stopped or cut off, 0 of {logins} logins failed"
        )
    }
}

/// Reads what [`fmt::Display`] writes.
impl FromStr for Toll {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let read = || {
            let (killed, rest) = line.split_once(" processes killed, ")?;
            let (faults, rest) = rest.split_once(" stopped or cut off, 0 of ")?;
            let logins = rest.strip_suffix(" logins failed")?;
            Some(Self {
                killed: killed.parse().ok()?,
                faults: faults.parse().ok()?,
                logins: logins.parse().ok()?,
            })
        };
        read().with_context(|| format!("not a toll: {line}"))
    }
}

impl std::ops::AddAssign for Toll {
    fn add_assign(&mut self, other: Self) {
        self.killed += other.killed;
        self.faults += other.faults;
        self.logins += other.logins;
    }
}
