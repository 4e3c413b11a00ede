//! The targets of an array that take the password itself, and who on this machine it is given to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use keyroll::keyset::{Keyset, Role};
use keyroll::letter::PasswordUse;
use keyroll::name::ArrayName;

use crate::config::Array;
use crate::logon_session::kept::{Kept, held};
use crate::logon_session::{self, Authority, LogonSessions, Session, SessionError};
use crate::node::{FileProof, FoundTarget};
use crate::service_logon::{self, ServiceLogons, Services};
use crate::state::{ArrayState, Mark};

/// Who takes passwords on this machine.
#[derive(Debug, Clone)]
pub struct Takers {
    /// Who keeps the credentials of logon sessions.
    pub authority: Arc<dyn Authority>,
    /// Who keeps what services log on with.
    pub services: Arc<dyn Services>,
}

/// The targets of one array that take the password itself; most nodes have none.
#[derive(Debug)]
pub struct PasswordTargets {
    sessions: Option<LogonSessions>,
    services: Option<ServiceLogons>,
}

impl PasswordTargets {
    /// Those of `array`, which keep their passwords in `folder`. What is kept there for one that is
    /// not named any more is taken away, and forgotten.
    #[must_use]
    pub fn begin(array: &Array, takers: &Takers, folder: &Path) -> Self {
        Self::of(
            &array.name,
            array.sessions.clone(),
            array.services.clone(),
            takers,
            folder,
        )
    }

    /// Takes away, and forgets, what is kept in `folder` of arrays that are not among `named`.
    pub fn abandon(named: &[Array], takers: &Takers, folder: &Path) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let of = |entry: std::fs::DirEntry| -> Option<ArrayName> {
            let name = entry.file_name().into_string().ok()?;
            let suffixes = [service_logon::SUFFIX, logon_session::SUFFIX];
            suffixes
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix)?.parse().ok())
        };
        let kept: BTreeSet<ArrayName> = entries.filter_map(of).collect();
        let is_named = |name: &ArrayName| named.iter().any(|array| array.name == *name);
        for name in kept.iter().filter(|name| !is_named(name)) {
            Self::of(name, None, None, takers, folder);
        }
    }

    fn of(
        array: &ArrayName,
        sessions: Option<Vec<Session>>,
        services: Option<Vec<String>>,
        takers: &Takers,
        folder: &Path,
    ) -> Self {
        let (has_sessions, has_services) = (sessions.is_some(), services.is_some());
        let sessions = sessions.unwrap_or_default();
        let sessions = LogonSessions::begin(sessions, takers, folder, array);
        let names = services.unwrap_or_default();
        let services = ServiceLogons::begin(names, Arc::clone(&takers.services), folder, array);
        Self {
            sessions: has_sessions.then_some(sessions),
            services: has_services.then_some(services),
        }
    }

    /// Whether a session is named whose number changes while the machine runs.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.sessions.as_ref().is_some_and(LogonSessions::moves)
    }

    /// Gives what is kept to services that were started since.
    pub fn follow(&self) {
        if let Some(sessions) = &self.sessions {
            sessions.follow();
        }
    }

    /// What they want it for.
    #[must_use]
    pub fn uses(&self) -> BTreeSet<PasswordUse> {
        let sessions = self.sessions.as_ref().map(|_| PasswordUse::LogonSession);
        let services = self.services.as_ref().map(|_| PasswordUse::ServiceLogon);
        sessions.into_iter().chain(services).collect()
    }

    /// Whether services that log on get another password with this keyset: they use it when they
    /// next start.
    #[must_use]
    pub fn switches_services(&self, keyset: &Keyset) -> bool {
        let services = self.services.as_ref();
        let kept = Kept::of(keyset, PasswordUse::ServiceLogon);
        let current = kept.ok().and_then(|kept| current_alone(kept, keyset));
        services.is_some_and(|services| current.is_some_and(|kept| services.is_news(&kept)))
    }

    /// Has them hold the passwords of the keyset as far as it was `sent` for their use. One that is
    /// not sent any more is not kept: whoever has allowed it has thought better of it.
    ///
    /// # Errors
    /// [`SessionError`] of the first that does not, after all were tried.
    pub fn hold(&self, keyset: &Keyset, sent: &BTreeSet<PasswordUse>) -> Result<(), SessionError> {
        let kept = |purpose| match Kept::of(keyset, purpose) {
            Ok(_) if !sent.contains(&purpose) => {
                Err(SessionError::NoPassword(keyset.array.clone(), purpose))
            }
            outcome => outcome,
        };
        let sessions = self.sessions.as_ref().map_or(Ok(()), |sessions| {
            match kept(PasswordUse::LogonSession) {
                Ok(kept) => sessions.hold(kept),
                Err(error) => unless_unsent(error, || sessions.wipe()),
            }
        });
        let services = self.services.as_ref().map_or(Ok(()), |services| {
            match kept(PasswordUse::ServiceLogon) {
                Ok(kept) => {
                    let account = kept.account.clone();
                    services.hold(&account, current_alone(kept, keyset).as_ref())
                }
                Err(error) => unless_unsent(error, || services.wipe()),
            }
        });
        sessions.and(services)
    }

    /// Takes away what can be, and forgets all of it.
    ///
    /// # Errors
    /// [`SessionError`] of the first that does not, after all were tried.
    pub fn wipe(&self) -> Result<(), SessionError> {
        let sessions = self.sessions.as_ref().map_or(Ok(()), LogonSessions::wipe);
        let services = self.services.as_ref().map_or(Ok(()), ServiceLogons::wipe);
        sessions.and(services)
    }

    /// What the node holds in each; it leaves as fingerprints under `nonce`.
    #[must_use]
    pub fn look(&self, state: &ArrayState, nonce: &[u8; 32]) -> Vec<FoundTarget> {
        let sessions = self.sessions.iter().map(|one| one.look(state, nonce));
        let services = self.services.iter().map(|one| one.look(state, nonce));
        sessions.chain(services).collect()
    }

    /// What each holds, as marks under `salt`.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn marks(&self, salt: &[u8; 32]) -> Result<Vec<(PathBuf, BTreeSet<Mark>)>, SessionError> {
        let sessions = self.sessions.iter();
        let sessions = sessions.map(|one| (logon_session::NAME, one.keys()));
        let services = self.services.iter();
        let services = services.map(|one| (service_logon::NAME, one.keys()));
        let all = sessions.chain(services);
        all.map(|(name, keys)| Ok((name.into(), ArrayState::marks(&held(&keys?, salt)))))
            .collect()
    }

    /// Has what acceptors were given judge an AP-REQ; services that log on accept with keys of
    /// their own session, which nobody can ask for.
    #[must_use]
    pub fn prove(&self, request: &[u8], now: DateTime<Utc>) -> Vec<FileProof> {
        let sessions = self.sessions.iter();
        sessions
            .map(|one| FileProof::of_kept(one, request, now))
            .collect()
    }
}

/// What the directory has of it, if it has any.
fn current_alone(mut kept: Kept, keyset: &Keyset) -> Option<Kept> {
    let current = keyset
        .generations
        .iter()
        .find(|one| one.role == Role::Current)?;
    kept.retain(current.kvno);
    Some(kept)
}

fn unless_unsent(
    error: SessionError,
    wipe: impl FnOnce() -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    if matches!(error, SessionError::NoPassword(..)) {
        wipe()?;
    }
    Err(error)
}
