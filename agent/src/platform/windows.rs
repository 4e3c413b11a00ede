//! Windows: access control lists, share modes, jobs, the service control manager.

mod disk;
mod files;
mod lock;
mod process;

use std::path::PathBuf;

pub use self::disk::{create, rename, sync_folder, write_at};
pub use self::files::{
    Access, is_open_to_others, make_private_folder, may_write_in, open, open_to_write, reserve,
    set_access, stamp,
};
pub use self::lock::open_locked;
pub use self::process::{Family, asked_to_stop, protect, ready, stopping, watchdog};

/// Where everything of keyroll is: `C:\ProgramData\keyroll`.
fn home() -> PathBuf {
    let drive = std::env::var_os("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into());
    PathBuf::from(drive).join("keyroll")
}

/// Where the settings are unless `--config` says otherwise.
#[must_use]
pub fn settings() -> PathBuf {
    home().join("keyroll-agent.toml")
}

/// Where the agent keeps its own files unless the settings say otherwise.
#[must_use]
pub fn state() -> PathBuf {
    home().join("agent")
}

/// What starts the agent for good.
pub const START: &str = "keyroll-agent service start";

/// The command that shows whether a port can be reached.
#[must_use]
pub fn dial(host: &str, port: &str) -> String {
    format!("Test-NetConnection {host} -Port {port}")
}

/// The keytab of an array whose settings name none.
#[must_use]
pub fn keytab(array: &str) -> PathBuf {
    home().join(array).join("krb5.keytab")
}
