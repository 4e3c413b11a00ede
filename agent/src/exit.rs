//! What the exit code says, in the numbers of sysexits(3) where one fits.

use std::process::ExitCode;

/// How a run ended, by what the caller should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done; for `check`: nothing is wrong.
    Done = 0,
    /// `check` or `show` found something that needs attention.
    Found = 1,
    /// The command line was wrong; nothing was done.
    Usage = 2,
    /// Something given or kept is not what it should be: a keytab, an invitation, a state file.
    Damaged = 65,
    /// The controller was not reached.
    Unreachable = 69,
    /// A fault in keyroll.
    Internal = 70,
    /// The system refused: a port, a folder, a lock.
    System = 71,
    /// A file could not be written.
    CannotWrite = 73,
    /// A file could not be read.
    InputOutput = 74,
    /// The controller refused.
    Refused = 77,
    /// The settings are wrong, or the node has not joined.
    Settings = 78,
}

/// Every exit code with its meaning, as `--help` prints it.
pub const EXITS: &str = "\
Exit codes:
   0  done; check: nothing is wrong
   1  check or show found something that needs attention
   2  the command line was wrong
  65  a keytab, an invitation or a state file is damaged
  69  the controller was not reached
  70  a fault in keyroll
  71  the system refused: a port, a folder, a lock
  73  a file could not be written
  74  a file could not be read
  77  the controller refused
  78  the settings are wrong, or the node has not joined";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
