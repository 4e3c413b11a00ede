//! Windows: access control lists, share modes, jobs, the service control manager.

mod disk;
mod event_log;
mod files;
pub mod iis;
mod lock;
mod loop_back;
mod obeyed;
mod process;
mod rights;
pub mod service;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use keyroll::secret::{Password, SecretBytes};
use keyroll_windows::access::sid_of;
use tokio::process::ChildStdin;

use crate::iis_pool::power_shell::{PowerShell, TIME_LIMIT};
use crate::logon_session::Authority;
use crate::logon_session::request::{LogonId, Request};
use crate::password_targets::Takers;
use crate::service_logon::Services;

pub use self::disk::{create, rename, sync_folder, write_at};
pub use self::files::{
    Access, SEVERAL_NAMES, access_of, is_open_to_others, look_at, make_private_folder,
    may_write_in, names, open, open_folder, open_now, open_to_write, reserve, set_access, stamp,
};
pub use self::iis::iis_now;
pub use self::lock::open_locked;
pub use self::loop_back::loop_back_check;
pub use self::obeyed::{demand_kept_ours, demand_kept_to_join, demand_ours};
pub use self::process::{Family, awake, protect, watchdog};
pub use self::service::{ready, stopping};

/// Sealed for this, nothing opens it for anything else.
const PURPOSE: &[u8] = b"keyroll-agent: the node's key";

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

/// A secret as it lies on the disk: sealed by DPAPI with the machine's key, since an administrator
/// joins and the service reads. Who may read the file at all, its list says.
///
/// # Errors
/// The system's.
pub fn seal(secret: SecretBytes) -> io::Result<SecretBytes> {
    keyroll_windows::protect::seal(secret.expose(), PURPOSE).map(SecretBytes::new)
}

/// The secret that lies on the disk as `sealed`.
///
/// # Errors
/// The system's, if another machine has sealed it, or it was changed.
pub fn unseal(sealed: SecretBytes) -> io::Result<SecretBytes> {
    let mut secret = keyroll_windows::protect::open(sealed.expose(), PURPOSE)?;
    Ok(SecretBytes::new(std::mem::take(&mut *secret)))
}

/// The end of a pipe, written without the runtime.
///
/// # Errors
/// The system's.
pub fn plain(stdin: ChildStdin) -> io::Result<File> {
    stdin.into_owned_handle().map(File::from)
}

/// What tells an account from all others of its name, by any form that Windows knows of it: its
/// SID. None while nobody answers for it.
#[must_use]
pub fn identity_of(account: &str) -> Option<String> {
    sid_of(account).ok()
}

/// Ends when this process is asked to, by the console or by the service control manager.
pub async fn asked_to_stop() {
    tokio::select! {
        () = process::asked_to_stop() => {}
        () = service::asked_to_stop() => {}
    }
}

/// Whether there is anybody who takes passwords.
pub const TAKES_PASSWORDS: bool = true;

/// The local security authority of this machine, its service control manager, and its IIS.
#[must_use]
pub fn takers() -> Takers {
    Takers {
        authority: Arc::new(LocalAuthority),
        services: Arc::new(LocalServices),
        pools: Arc::new(PowerShell {
            // The system's own folder, and that of the version that every Windows has.
            program: process::system_root()
                .join("System32")
                .join("WindowsPowerShell")
                .join("v1.0")
                .join("powershell.exe"),
            config: iis::config(),
            time_limit: TIME_LIMIT,
        }),
    }
}

#[derive(Debug)]
struct LocalAuthority;

impl Authority for LocalAuthority {
    fn ask(&self, mut request: Request) -> io::Result<()> {
        keyroll_windows::authority::ask_kerberos(&mut request.bytes, &Request::pointers())
    }
}

#[derive(Debug)]
struct LocalServices;

impl Services for LocalServices {
    fn account(&self, service: &str) -> io::Result<String> {
        keyroll_windows::services::account(service)
    }

    fn set_password(&self, service: &str, account: &str, password: &Password) -> io::Result<()> {
        keyroll_windows::services::set_password(service, account, password.expose())
    }

    fn session(&self, service: &str) -> io::Result<Option<LogonId>> {
        Ok(keyroll_windows::services::session(service)?.map(LogonId))
    }
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
