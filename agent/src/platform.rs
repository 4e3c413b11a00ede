//! What differs from one operating system to the other, behind one interface.
//!
//! Each system has a folder of the same names; nothing else in the agent asks which one it is on.
//! - files: [`Access`], [`create`], [`open`], [`open_now`], [`open_to_write`], [`open_locked`],
//!   [`write_at`], [`rename`], [`sync_folder`], [`reserve`], [`set_access`], [`access_of`],
//!   [`is_open_to_others`], [`open_folder`],
//!   [`make_private_folder`], [`may_write_in`], [`look_at`], [`names`], [`SEVERAL_NAMES`],
//!   [`stamp`];
//! - whose they are: [`demand_ours`], [`demand_kept_ours`], [`demand_kept_to_join`];
//! - secrets at rest: [`seal`], [`unseal`]; where some are given away: [`takers`],
//!   [`TAKES_PASSWORDS`];
//! - logins that come from the machine itself: [`loop_back_check`]; how its web server of the
//!   system's own authenticates: [`iis_now`];
//! - processes: [`Family`], [`protect`], [`asked_to_stop`], [`awake`];
//! - whoever starts the agent: [`ready`], [`stopping`], [`watchdog`];
//! - where things are unless the settings say otherwise: [`settings`], [`state`], [`keytab`];
//! - what a person types next: [`START`], [`dial`].

use std::path::Path;

use crate::atomic_file::FileError;

#[cfg(any(windows, test))]
mod events;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::*;
#[cfg(windows)]
pub use self::windows::*;

/// Who may read a target, in the words of the settings.
#[derive(Debug, Default, Clone)]
pub struct AccessWords {
    /// Unix: the owner, by name or number.
    pub owner: Option<String>,
    /// Unix: the group, by name or number.
    pub group: Option<String>,
    /// Unix: the permission bits, octal.
    pub mode: Option<String>,
    /// Windows: accounts that may read it, besides SYSTEM and Administrators.
    pub readers: Vec<String>,
}

/// What a lock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Others may read too.
    Read,
    /// Nobody else may write, and nobody who takes the lock may read.
    Write,
}

fn not_a_file(path: &Path) -> FileError {
    FileError::Unfit {
        path: path.to_owned(),
        what: "not a regular file",
    }
}
