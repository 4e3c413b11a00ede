//! The target of services that log on as the array's account: their stored password is changed
//! with the account's.
//!
//! The service control manager checks nothing when a password is changed, and uses it when the
//! service next starts; a service that runs goes on as it is. So the new password is there, sealed
//! and found right, before the directory has it, and is given to the services once the directory
//! does: a service that starts in between fails to log on, and is started again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyroll::kerberos::Principal;
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::name::ArrayName;
use keyroll::secret::Password;

use crate::effect::Effect;
use crate::logon_session::SessionError;
use crate::logon_session::kept::{Kept, KeptKey};
use crate::logon_session::request::LogonId;
use crate::node::FoundTarget;
use crate::state::ArrayState;
use crate::trouble::chain;

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

/// The target of one array.
#[derive(Debug)]
pub struct ServiceLogons {
    names: Vec<String>,
    services: Arc<dyn Services>,
    file: PathBuf,
    given: Mutex<Given>,
}

/// What is known of what the services have of us.
#[derive(Debug, Default)]
struct Given {
    /// They have what is kept.
    as_kept: bool,
    /// Why they lack it.
    trouble: Option<String>,
}

impl ServiceLogons {
    /// The target for the services of these names, which keeps its password in `folder`; they get
    /// what was kept there, since a crash may have come between. If none is named, it is forgotten.
    #[must_use]
    pub fn begin(
        names: Vec<String>,
        services: Arc<dyn Services>,
        folder: &Path,
        array: &ArrayName,
    ) -> Self {
        let this = Self {
            names,
            services,
            file: folder.join(format!("{array}{SUFFIX}")),
            given: Mutex::default(),
        };
        let given = match Kept::load(&this.file) {
            _ if this.names.is_empty() => this.wipe(),
            Ok(Some(kept)) => this.give(&kept),
            outcome => outcome.map(drop),
        };
        if let Err(error) = given {
            let error = chain(&error);
            tracing::warn!(%array, error, "services lack the array's password");
            this.given().trouble = Some(error);
        }
        this
    }

    /// Whether `kept` has another password than the services were given, so that they change.
    #[must_use]
    pub fn is_news(&self, kept: &Kept) -> bool {
        let before = Kept::load(&self.file).unwrap_or_default();
        !before.is_some_and(|before| before.has_passwords_of(kept))
    }

    /// Keeps the password that the directory has, and gives it to the services; without one, it
    /// looks alone whether it could.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn hold(&self, account: &Principal, kept: Option<&Kept>) -> Result<(), SessionError> {
        for service in &self.names {
            self.log_on_name(service, account)?;
        }
        let Some(kept) = kept else { return Ok(()) };
        let before = Kept::load(&self.file).unwrap_or_default();
        let is_kept = before.is_some_and(|before| before.same_as(kept));
        if is_kept && self.given().as_kept {
            return Ok(());
        }
        if !is_kept {
            // A start gives what is kept, so it is written first.
            kept.save(&self.file)?;
        }
        let outcome = self.give(kept);
        self.given().trouble = outcome.as_ref().err().map(|error| chain(error));
        outcome
    }

    /// Forgets the password. The services go on with it: no service can be left without one.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn wipe(&self) -> Result<(), SessionError> {
        *self.given() = Given::default();
        Ok(Kept::destroy(&self.file)?)
    }

    /// What the node holds, derived from what is kept; it leaves as fingerprints under `nonce`.
    #[must_use]
    pub fn look(&self, state: &ArrayState, nonce: &[u8; 32]) -> FoundTarget {
        let kept = Kept::load(&self.file);
        let wrong = |kept: &Kept| {
            let names = self.names.iter();
            let mut wrong = names.filter_map(|one| self.log_on_name(one, &kept.account).err());
            wrong.next().map(|error| chain(&error))
        };
        let (keys, trouble) = match &kept {
            Ok(Some(kept)) => (kept.keys(), wrong(kept)),
            Ok(None) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(chain(error))),
        };
        let trouble = trouble.or_else(|| self.given().trouble.clone());
        let filter = TargetFilter {
            kind: TargetKind::ServiceLogon,
            principals: None,
            enctypes: None,
        };
        FoundTarget::kept(NAME, filter, state, &keys, trouble, nonce)
    }

    /// The keys of what is kept, under each of the array's names.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn keys(&self) -> Result<Vec<KeptKey>, SessionError> {
        let kept = Kept::load(&self.file)?;
        Ok(kept.map(|kept| kept.keys()).unwrap_or_default())
    }

    fn give(&self, kept: &Kept) -> Result<(), SessionError> {
        let _here = Effect::GiveCredential.here();
        self.given().as_kept = false;
        let Some(current) = kept.generations.first() else {
            return Ok(());
        };
        for service in &self.names {
            let account = self.log_on_name(service, &kept.account)?;
            let set = self
                .services
                .set_password(service, &account, &current.origin.password);
            set.map_err(|source| self.refused(service, source))?;
        }
        self.given().as_kept = true;
        Ok(())
    }

    /// The name that the service logs on by, if it is the account's.
    fn log_on_name(&self, service: &str, account: &Principal) -> Result<String, SessionError> {
        let found = self.services.account(service);
        let found = found.map_err(|source| self.refused(service, source))?;
        if is_of(&found, account) {
            return Ok(found);
        }
        Err(SessionError::OtherAccount {
            service: service.to_owned(),
            found,
            account: account.clone(),
        })
    }

    fn refused(&self, service: &str, source: io::Error) -> SessionError {
        SessionError::Service {
            service: service.to_owned(),
            source,
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a service that logs on by this name does so as the account: `DOMAIN\name`, whatever the
/// domain is called (its short name need not be a part of the long one), or `name@realm`.
fn is_of(found: &str, account: &Principal) -> bool {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    match (found.split_once('\\'), found.split_once('@')) {
        (Some((domain, name)), _) => {
            let is_local = [".", "NT AUTHORITY", "NT SERVICE", "BUILTIN"]
                .iter()
                .any(|one| same(one, domain));
            !is_local && same(name, &account.name())
        }
        (None, Some((name, realm))) => {
            same(name, &account.name()) && same(realm, account.realm().as_str())
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_on_name_is_the_accounts_in_the_forms_that_windows_writes() {
        let account: Principal = "svc-web@CORP.EXAMPLE".parse().unwrap();
        for (name, is) in [
            (r"CORP\svc-web", true),
            (r"HQ\SVC-Web", true),
            ("svc-web@corp.example", true),
            ("svc-web@other.example", false),
            (r"CORP\svc-web2", false),
            (r".\svc-web", false),
            (r"NT SERVICE\svc-web", false),
            ("LocalSystem", false),
            ("svc-web", false),
            ("", false),
        ] {
            assert_eq!(is_of(name, &account), is, "{name}");
        }
    }
}
