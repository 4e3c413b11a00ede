//! Application pools of IIS that run as the array's account: their stored password is changed with
//! the account's.
//!
//! IIS keeps it in `applicationHost.config`, encrypted by a provider of its own, so it is IIS's own
//! interface that puts it there ([`power_shell`]); what the file says is read by us. Whoever runs
//! goes on as it is; a pool that is recycled uses the new password.

pub mod power_shell;

use std::io;
use std::sync::Arc;

use keyroll::keytab::TargetKind;
use keyroll::name::ArrayName;
use keyroll::secret::Password;

use crate::iis::{Pool, Stored};
use crate::logons::{Keeper, Kind};

/// What stands where other targets have their file's path.
pub const NAME: &str = "iis-pool";
/// What follows an array's name in that of the file.
pub const SUFFIX: &str = ".pool-passwords";

/// The application pools of this machine.
pub trait Pools: std::fmt::Debug + Send + Sync {
    /// What the configuration says of one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none of this name; the system's.
    fn look(&self, pool: &str) -> io::Result<Pool>;

    /// Does everything of [`Pools::give`] that changes nothing.
    ///
    /// # Errors
    /// What would stop it.
    fn rehearse(&self, pool: &str, account: &str) -> io::Result<()>;

    /// Has a pool that runs as `account` do so with this password from its next recycling on.
    ///
    /// # Errors
    /// The system's, or what the interface says. The pool may have it all the same; a repetition
    /// does the rest.
    fn give(
        &self,
        pool: &str,
        account: &str,
        password: &Password,
        recycle: bool,
    ) -> io::Result<Recycle>;
}

/// What became of a pool's recycling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recycle {
    /// It had the password already, and IIS has recycled it since.
    None,
    /// IIS does it by itself when a pool's settings change.
    ByItself,
    /// It was asked for.
    Asked,
    /// It does not run; its start uses the password.
    Stopped,
    /// It is left to an administrator.
    Left,
}

impl Recycle {
    /// What is said of it.
    #[must_use]
    pub fn told(self, pool: &str) -> String {
        match self {
            Self::None => "not needed, it had the password already".to_owned(),
            Self::ByItself => "IIS does it by itself".to_owned(),
            Self::Asked => "IIS was asked to".to_owned(),
            Self::Stopped => "not needed, the pool does not run".to_owned(),
            Self::Left => format!(
                "not done, as the settings say; until then its process has the old keys; next: \
                 C:\\Windows\\System32\\inetsrv\\appcmd.exe recycle apppool \"{pool}\""
            ),
        }
    }
}

/// Whether an application pool can have this name.
#[must_use]
pub fn is_pool_name(name: &str) -> bool {
    // WAS takes 256 characters (its event 5050).
    let length = name.chars().count();
    (1..=256).contains(&length) && !name.contains(char::is_control)
}

/// IIS, as it keeps what application pools run with.
#[derive(Debug)]
pub struct PoolKeeper {
    /// The pools.
    pub pools: Arc<dyn Pools>,
    /// Whether they are recycled.
    pub recycle: bool,
}

impl Keeper for PoolKeeper {
    fn kind(&self) -> Kind {
        Kind {
            target: TargetKind::IisPool,
            name: NAME,
            suffix: SUFFIX,
            one: "application pool",
        }
    }

    fn account(&self, name: &str) -> io::Result<String> {
        Ok(self.pools.look(name)?.runs_as().to_owned())
    }

    fn mark(&self, name: &str) -> io::Result<Option<String>> {
        let mark = match self.pools.look(name)?.password {
            Stored::Encrypted(fingerprint) => fingerprint,
            Stored::Clear => "in clear".to_owned(),
            Stored::Nothing => String::new(),
        };
        Ok(Some(mark))
    }

    fn rehearse(&self, name: &str, account: &str) -> io::Result<()> {
        self.pools.rehearse(name, account)
    }

    fn give(
        &self,
        array: &ArrayName,
        name: &str,
        account: &str,
        password: &Password,
    ) -> io::Result<()> {
        let recycle = self.pools.give(name, account, password, self.recycle)?;
        let (pool, recycle) = (name, recycle.told(name));
        tracing::info!(%array, pool, recycle, "application pool has the array's password");
        Ok(())
    }
}
