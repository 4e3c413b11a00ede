//! The targets of what logs on as the array's account with a password that Windows keeps: services,
//! and application pools of IIS.
//!
//! Such a password cannot stand beside the old one. So the new one is there, sealed and found
//! right, before the directory has it, and is given once the directory does. What is to be given is
//! written down first, so that a start after a crash gives it.

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
use crate::node::FoundTarget;
use crate::platform;
use crate::state::ArrayState;
use crate::trouble::chain;

/// A kind of such a target.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its kind, as a controller knows it.
    pub target: TargetKind,
    /// What stands where other targets have their file's path.
    pub name: &'static str,
    /// What follows an array's name in that of the file.
    pub suffix: &'static str,
    /// One of those that log on, in words.
    pub one: &'static str,
}

/// Where Windows keeps what they log on with.
pub trait Keeper: std::fmt::Debug + Send + Sync {
    /// Whose.
    fn kind(&self) -> Kind;

    /// The account that one of them logs on as, as it is written there: `CORP\svc-web`,
    /// `svc-web@corp.example`, `LocalSystem`.
    ///
    /// # Errors
    /// The system's, if there is none of this name, or it may not be changed.
    fn account(&self, name: &str) -> io::Result<String>;

    /// What tells an account from all others of its name (its SID), by the name that one logs on
    /// by; none where that cannot be found out.
    fn identity(&self, account: &str) -> Option<String> {
        platform::identity_of(account)
    }

    /// What shows of the password that is kept for it, and changes with it; none where nothing
    /// does. It tells nothing of the password.
    ///
    /// # Errors
    /// The system's.
    fn mark(&self, name: &str) -> io::Result<Option<String>>;

    /// Tries everything of [`Keeper::give`] that changes nothing.
    ///
    /// # Errors
    /// What would stop it.
    fn rehearse(&self, name: &str, account: &str) -> io::Result<()>;

    /// Has one that logs on as `account` do so with this password from its next start on.
    ///
    /// # Errors
    /// The system's. It may have it all the same; a repetition changes nothing then.
    fn give(
        &self,
        array: &ArrayName,
        name: &str,
        account: &str,
        password: &Password,
    ) -> io::Result<()>;
}

/// The target of one array.
#[derive(Debug)]
pub struct Logons {
    names: Vec<String>,
    keeper: Arc<dyn Keeper>,
    array: ArrayName,
    file: PathBuf,
    given: Mutex<Given>,
}

/// What is known of what they have of us.
#[derive(Debug, Default)]
struct Given {
    /// They have what is kept.
    as_kept: bool,
    /// Why they lack it.
    trouble: Option<String>,
}

impl Logons {
    /// The target for those of these names, which keeps its password in `folder`; they get what was
    /// kept there, since a crash may have come between. If none is named, it is forgotten.
    #[must_use]
    pub fn begin(
        names: Vec<String>,
        keeper: Arc<dyn Keeper>,
        folder: &Path,
        array: &ArrayName,
    ) -> Self {
        let suffix = keeper.kind().suffix;
        let this = Self {
            names,
            keeper,
            array: array.clone(),
            file: folder.join(format!("{array}{suffix}")),
            given: Mutex::default(),
        };
        let given = match Kept::load(&this.file) {
            _ if this.names.is_empty() => this.wipe(),
            Ok(Some(mut kept)) => this.give(&mut kept),
            outcome => outcome.map(drop),
        };
        if let Err(error) = given {
            let (target, error) = (this.keeper.kind().name, chain(&error));
            tracing::warn!(%array, target, error, "logons lack the array's password");
            this.given().trouble = Some(error);
        }
        this
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.keeper.kind().name
    }

    /// Whether this is one of those that get the password.
    #[must_use]
    pub fn serves(&self, name: &str) -> bool {
        self.names.iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Whether `kept` has another password than they were given, so that they change.
    #[must_use]
    pub fn is_news(&self, kept: &Kept) -> bool {
        let before = Kept::load(&self.file).unwrap_or_default();
        !before.is_some_and(|before| before.has_passwords_of(kept))
    }

    /// Keeps the password that the directory has, and gives it to them; without one, it looks alone
    /// whether it could. If another is `coming`, that is tried as far as nothing changes.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn hold(
        &self,
        account: &Principal,
        kept: Option<Kept>,
        coming: bool,
    ) -> Result<(), SessionError> {
        // Nothing has happened yet while one is coming: whatever is wrong stops it here.
        if coming || kept.is_none() {
            self.try_all(account, coming)?;
        }
        let Some(mut kept) = kept else { return Ok(()) };
        match Kept::legible(&self.file)? {
            Some(before) if before.same_as(&kept) => kept.marks = before.marks,
            _ => {
                // A start gives what is kept, so it is written first.
                kept.save(&self.file)?;
                self.given().as_kept = false;
            }
        }
        let outcome = self.give(&mut kept);
        self.given().trouble = outcome.as_ref().err().map(|error| chain(error));
        outcome
    }

    /// Whether each logs on as the account, and could be given another password if one is `coming`.
    fn try_all(&self, account: &Principal, coming: bool) -> Result<(), SessionError> {
        self.names.iter().try_for_each(|name| {
            let account = self.demand_account(name, account)?;
            let tried = if coming {
                self.keeper.rehearse(name, &account)
            } else {
                Ok(())
            };
            tried.map_err(|source| self.refused(name, source))
        })
    }

    /// Forgets the password. They go on with it: none can be left without one.
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
            let mut wrong = self.names.iter().filter_map(|one| self.wrong(one, kept));
            wrong.next().map(|error| chain(&error))
        };
        let (keys, trouble) = match &kept {
            Ok(Some(kept)) => (kept.keys(), wrong(kept)),
            Ok(None) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(chain(error))),
        };
        let trouble = trouble.or_else(|| self.given().trouble.clone());
        let filter = TargetFilter {
            kind: self.keeper.kind().target,
            principals: None,
            enctypes: None,
        };
        FoundTarget::kept(self.name(), filter, state, &keys, trouble, nonce)
    }

    /// The keys of what is kept, under each of the array's names.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn keys(&self) -> Result<Vec<KeptKey>, SessionError> {
        let kept = Kept::load(&self.file)?;
        Ok(kept.map(|kept| kept.keys()).unwrap_or_default())
    }

    /// Gives what is kept to all that do not show that they have it. Where nothing can show, it is
    /// given once in a run.
    fn give(&self, kept: &mut Kept) -> Result<(), SessionError> {
        let _here = Effect::GiveCredential.here();
        let had = std::mem::take(&mut self.given().as_kept);
        if kept.generations.is_empty() {
            return Ok(());
        }
        // One that cannot be given it keeps none of the others waiting: the old one is dead.
        let mut outcome = Ok(());
        for name in &self.names {
            outcome = outcome.and(self.give_one(name, kept, had));
        }
        self.given().as_kept = outcome.is_ok();
        outcome
    }

    /// Gives what is kept to one of them, unless it shows that it has it, or it `had`.
    fn give_one(&self, name: &str, kept: &mut Kept, had: bool) -> Result<(), SessionError> {
        let account = self.demand_account(name, &kept.account)?;
        let has = match self.mark(name)? {
            Some(mark) => kept.marks.get(name) == Some(&mark),
            None => had,
        };
        let Some(current) = kept.generations.first().filter(|_| !has) else {
            return Ok(());
        };
        let password = &current.origin.password;
        let given = self.keeper.give(&self.array, name, &account, password);
        given.map_err(|source| self.refused(name, source))?;
        if let Some(mark) = self.mark(name)? {
            kept.marks.insert(name.to_owned(), mark);
            kept.save(&self.file)?;
        }
        Ok(())
    }

    /// What is wrong with one of them, as far as it shows.
    fn wrong(&self, name: &str, kept: &Kept) -> Option<SessionError> {
        if let Err(error) = self.log_on_name(name, &kept.account) {
            return Some(error);
        }
        let (given, now) = (kept.marks.get(name)?, self.mark(name));
        match now {
            Ok(now) if now.as_ref() == Some(given) => None,
            Ok(_) => Some(SessionError::Changed {
                one: self.keeper.kind().one,
                name: name.to_owned(),
            }),
            Err(error) => Some(error),
        }
    }

    fn mark(&self, name: &str) -> Result<Option<String>, SessionError> {
        let mark = self.keeper.mark(name);
        mark.map_err(|source| self.refused(name, source))
    }

    /// The name by which one of them logs on, if it is the account's.
    fn log_on_name(&self, name: &str, account: &Principal) -> Result<String, SessionError> {
        let found = self.keeper.account(name);
        let found = found.map_err(|source| self.refused(name, source))?;
        if is_of(&found, account) {
            return Ok(found);
        }
        Err(self.other_account(name, found, account))
    }

    /// The same, and that it is no namesake: another domain's account, or the machine's own. Asked
    /// of the system, which may ask the domain, so not at each look.
    fn demand_account(&self, name: &str, account: &Principal) -> Result<String, SessionError> {
        let found = self.log_on_name(name, account)?;
        let identity = |name: &str| self.keeper.identity(name);
        match identity(&found).zip(identity(&account.to_string())) {
            Some((one, wanted)) if one != wanted => Err(self.other_account(name, found, account)),
            _ => Ok(found),
        }
    }

    fn other_account(&self, name: &str, found: String, account: &Principal) -> SessionError {
        SessionError::OtherAccount {
            one: self.keeper.kind().one,
            name: name.to_owned(),
            found,
            account: account.clone(),
        }
    }

    fn refused(&self, name: &str, source: io::Error) -> SessionError {
        SessionError::NotGiven {
            one: self.keeper.kind().one,
            name: name.to_owned(),
            source,
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether whoever logs on by this name does so as the account: `DOMAIN\name`, whatever the
/// domain is called (its short name need not be a part of the long one), or `name@realm`.
fn is_of(found: &str, account: &Principal) -> bool {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    match (found.split_once('\\'), found.split_once('@')) {
        (Some((domain, name)), _) => {
            let is_local = [".", "NT AUTHORITY", "NT SERVICE", "BUILTIN", "IIS APPPOOL"]
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

    /// Two domains, one in which everybody is looked up, and one that answers for nobody.
    #[derive(Debug)]
    struct Namesakes;

    impl Keeper for Namesakes {
        fn kind(&self) -> Kind {
            Kind {
                target: TargetKind::ServiceLogon,
                name: "service-logon",
                suffix: ".passwords",
                one: "service",
            }
        }

        fn account(&self, name: &str) -> io::Result<String> {
            Ok(format!(r"{name}\svc-web"))
        }

        fn identity(&self, account: &str) -> Option<String> {
            match account.split_once('\\') {
                Some(("SILENT", _)) => None,
                Some((domain, _)) => Some(format!("S-1-5-21-{}", domain.len())),
                None => Some("S-1-5-21-4".to_owned()),
            }
        }

        fn mark(&self, _: &str) -> io::Result<Option<String>> {
            Ok(None)
        }

        fn rehearse(&self, _: &str, _: &str) -> io::Result<()> {
            Ok(())
        }

        fn give(&self, _: &ArrayName, _: &str, _: &str, _: &Password) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn another_domains_account_of_the_same_name_is_another_account() {
        let folder = tempfile::tempdir().unwrap();
        let account: Principal = "svc-web@CORP.EXAMPLE".parse().unwrap();
        for (domain, is) in [("CORP", true), ("WEB01", false), ("SILENT", true)] {
            let (names, array) = (vec![domain.to_owned()], "web".parse().unwrap());
            let logons = Logons::begin(names, Arc::new(Namesakes), folder.path(), &array);
            let said = logons.hold(&account, None, true);
            assert_eq!(said.is_ok(), is, "{domain}: {said:?}");
        }
    }

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
            (r"IIS AppPool\svc-web", false),
            ("LocalSystem", false),
            ("svc-web", false),
            ("", false),
        ] {
            assert_eq!(is_of(name, &account), is, "{name}");
        }
    }
}
