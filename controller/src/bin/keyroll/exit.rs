//! What the exit code says, in the numbers of sysexits(3) where one fits.
//!
//! The same table is printed in every man page and in `docs/cli.md`.

use std::process::ExitCode;

/// How a command ended, by what the caller should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// Refused, a roll that did not end as done, or a proof that failed.
    EndedBadly = 1,
    /// The command line was wrong.
    Usage = 2,
    /// `verify` or `doctor` found warnings.
    Warning = 3,
    /// The operator said no, or could not be asked.
    Unconfirmed = 4,
    /// What was given was refused.
    BadInput = 65,
    /// No such array, node, roll or operator.
    Unknown = 66,
    /// The controller was not reached.
    Unreachable = 69,
    /// A fault in keyroll.
    Internal = 70,
    /// A file could not be written.
    CannotWrite = 73,
    /// A file could not be read.
    InputOutput = 74,
    /// Try again later.
    TryAgain = 75,
    /// A roll is halted.
    Halted = 76,
    /// The caller's role does not allow it.
    Denied = 77,
    /// The settings are wrong.
    Settings = 78,
    /// Stopped by Ctrl-C, as shells number it.
    Interrupted = 130,
}

/// Every exit code with its meaning, in order.
pub const EXITS: [(Exit, &str); 16] = [
    (
        Exit::Done,
        "It was done; for `verify` and `doctor`: all is well.",
    ),
    (
        Exit::EndedBadly,
        "Refused, by the directory or by a check; a roll aborted or given up; something broken \
         found by `verify`, `doctor` or `audit verify`; a critical alarm shown by `status`.",
    ),
    (Exit::Usage, "The command line was wrong; nothing was sent."),
    (
        Exit::Warning,
        "`verify` or `doctor` found warnings, or could not look at everything; nothing has signed \
         all of a copy that `audit verify --copy` was given.",
    ),
    (
        Exit::Unconfirmed,
        "Not confirmed: the answer was no, or there was no terminal to ask and no `--yes`. \
         Nothing was changed.",
    ),
    (
        Exit::BadInput,
        "What was given is refused: a bad name, file or value, an object that exists already, or \
         one that is not in the state the verb is for (no roll, not halted, not quarantined).",
    ),
    (
        Exit::Unknown,
        "There is no such array, node, roll, operator or error.",
    ),
    (
        Exit::Unreachable,
        "The controller was not reached; nothing was asked of it.",
    ),
    (Exit::Internal, "A fault in keyroll: please report it."),
    (Exit::CannotWrite, "A file could not be written."),
    (Exit::InputOutput, "A file could not be read."),
    (
        Exit::TryAgain,
        "Not now: a roll is under way, or no answer came in time. Try again later.",
    ),
    (
        Exit::Halted,
        "A roll is halted, or something else needs an operator's decision.",
    ),
    (
        Exit::Denied,
        "Not allowed: the role or the certificate does not permit it.",
    ),
    (
        Exit::Settings,
        "The settings are wrong: `cli.toml`, a certificate, or a key others can read.",
    ),
    (
        Exit::Interrupted,
        "Stopped by Ctrl-C while waiting or watching; a roll goes on.",
    ),
];

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
