//! Linux: owners, modes, POSIX ACLs, OFD locks, process groups, systemd.

mod account;
mod disk;
mod files;
mod lock;
mod obeyed;
mod process;
mod systemd;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyroll::secret::{Password, SecretBytes};
use keyroll_proto::agent::{Iis, LoopBackCheck};
use tokio::process::ChildStdin;

use crate::iis::Pool;
use crate::iis_pool::{Pools, Recycle};
use crate::logon_session::Authority;
use crate::logon_session::request::{LogonId, Request};
use crate::password_targets::Takers;
use crate::service_logon::Services;

pub use self::disk::{create, rename, sync_folder, write_at};
pub use self::files::{
    Access, SEVERAL_NAMES, access_of, is_open_to_others, look_at, make_private_folder,
    may_write_in, names, open, open_folder, open_now, open_to_write, reserve, set_access, stamp,
};
pub use self::lock::open_locked;
pub use self::obeyed::{demand_kept_ours, demand_kept_to_join, demand_ours};
pub use self::process::{Family, asked_to_stop, awake, protect};
pub use self::systemd::{ready, stopping, watchdog};

/// Where the settings are unless `--config` says otherwise.
#[must_use]
pub fn settings() -> PathBuf {
    PathBuf::from("/etc/keyroll/keyroll-agent.toml")
}

/// Where the agent keeps its own files unless the settings say otherwise.
#[must_use]
pub fn state() -> PathBuf {
    PathBuf::from("/var/lib/keyroll-agent")
}

/// A secret as it lies on the disk: as it is, the file is for its owner alone.
///
/// # Errors
/// None.
pub fn seal(secret: SecretBytes) -> io::Result<SecretBytes> {
    Ok(secret)
}

/// The secret that lies on the disk as `sealed`.
///
/// # Errors
/// None.
pub fn unseal(sealed: SecretBytes) -> io::Result<SecretBytes> {
    Ok(sealed)
}

/// Whether there is anybody who takes passwords.
pub const TAKES_PASSWORDS: bool = false;

/// What the system makes of a login from itself under `host`: it does not ask.
#[must_use]
pub const fn loop_back_check(_: &str) -> LoopBackCheck {
    LoopBackCheck::None
}

/// The end of a pipe, written without the runtime.
///
/// # Errors
/// The system's.
pub fn plain(stdin: ChildStdin) -> io::Result<File> {
    stdin.into_owned_fd().map(File::from)
}

/// What tells an account from others of its name: nothing here logs on as one.
#[must_use]
pub const fn identity_of(_: &str) -> Option<String> {
    None
}

/// How IIS authenticates: there is none.
#[must_use]
pub const fn iis_now() -> Option<Iis> {
    None
}

/// Nobody: the settings let no target ask for it.
#[must_use]
pub fn takers() -> Takers {
    Takers {
        authority: Arc::new(Nobody),
        services: Arc::new(Nobody),
        pools: Arc::new(Nobody),
    }
}

#[derive(Debug)]
struct Nobody;

impl Authority for Nobody {
    fn ask(&self, _: Request) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Pools for Nobody {
    fn look(&self, _: &str) -> io::Result<Pool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rehearse(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn give(&self, _: &str, _: &str, _: &Password, _: bool) -> io::Result<Recycle> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Services for Nobody {
    fn account(&self, _: &str) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_password(&self, _: &str, _: &str, _: &Password) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn session(&self, _: &str) -> io::Result<Option<LogonId>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// What starts the agent for good.
pub const START: &str = "systemctl start keyroll-agent";

/// The command that shows whether a port can be reached.
#[must_use]
pub fn dial(host: &str, port: &str) -> String {
    format!("nc -vz {host} {port}")
}

/// The keytab of an array whose settings name none.
#[must_use]
pub fn keytab(array: &str) -> PathBuf {
    Path::new("/etc/keyroll").join(array).join("krb5.keytab")
}
