//! Services that log on as the array's account: their stored password is changed with the
//! account's.
//!
//! The service control manager checks nothing when a password is changed, and uses it when the
//! service next starts; a service that runs goes on as it is. A service that starts between the
//! directory's change and this one fails to log on, and is started again.

use std::io;
use std::sync::Arc;

use keyroll::keytab::TargetKind;
use keyroll::name::ArrayName;
use keyroll::secret::Password;

use crate::logon_session::request::LogonId;
use crate::logons::{Keeper, Kind};

/// What stands where other targets have their file's path.
pub const NAME: &str = "service-logon";
/// What follows an array's name in that of the file.
pub const SUFFIX: &str = ".service-passwords";

/// The services of this machine.
pub trait Services: std::fmt::Debug + Send + Sync {
    /// The account that a service logs on as, as the service control manager writes it:
    /// `CORP\svc-web`, `svc-web@corp.example`, `LocalSystem`.
    ///
    /// # Errors
    /// The system's, if there is no such service, or we may not change it.
    fn account(&self, service: &str) -> io::Result<String>;

    /// Has a service that logs on as `account` do so with this password from its next start on.
    ///
    /// # Errors
    /// The system's.
    fn set_password(&self, service: &str, account: &str, password: &Password) -> io::Result<()>;

    /// The logon session in which a service runs now; none if it does not run.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no such service; the system's.
    fn session(&self, service: &str) -> io::Result<Option<LogonId>>;
}

/// Whether a service can have this name, as the service control manager takes it
/// (`CreateServiceW`).
#[must_use]
pub fn is_service_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !name.contains(['/', '\\', '\0'])
}

/// The service control manager, as it keeps what services log on with.
#[derive(Debug)]
pub struct ServiceKeeper(pub Arc<dyn Services>);

impl Keeper for ServiceKeeper {
    fn kind(&self) -> Kind {
        Kind {
            target: TargetKind::ServiceLogon,
            name: NAME,
            suffix: SUFFIX,
            one: "service",
        }
    }

    fn account(&self, name: &str) -> io::Result<String> {
        self.0.account(name)
    }

    /// Nothing shows of it.
    fn mark(&self, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    /// That it may be changed was found when its account was asked for.
    fn rehearse(&self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn give(
        &self,
        _: &ArrayName,
        name: &str,
        account: &str,
        password: &Password,
    ) -> io::Result<()> {
        self.0.set_password(name, account, password)
    }
}
