//! The targets of an array that take the password itself, and who on this machine it is given to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use keyroll::keyset::{Keyset, Role};
use keyroll::letter::PasswordUse;
use keyroll::name::ArrayName;

use crate::config::{Array, Pools as NamedPools};
use crate::iis_pool::{self, PoolKeeper, Pools};
use crate::logon_session::kept::{Kept, held};
use crate::logon_session::{self, Authority, LogonSessions, Session, SessionError};
use crate::logons::{Keeper, Logons};
use crate::node::{FileProof, FoundTarget};
use crate::service_logon::{self, ServiceKeeper, Services};
use crate::state::{ArrayState, Mark};

/// Who takes passwords on this machine.
#[derive(Debug, Clone)]
pub struct Takers {
    /// Who keeps the credentials of logon sessions.
    pub authority: Arc<dyn Authority>,
    /// Who keeps what services log on with.
    pub services: Arc<dyn Services>,
    /// Who keeps what application pools of IIS run with.
    pub pools: Arc<dyn Pools>,
}

/// The targets of one array that take the password itself; most nodes have none.
#[derive(Debug)]
pub struct PasswordTargets {
    sessions: Option<LogonSessions>,
    services: Option<Logons>,
    pools: Option<Logons>,
}

/// Who is to have the password, as the settings name them.
#[derive(Default)]
struct Named {
    sessions: Option<Vec<Session>>,
    services: Option<Vec<String>>,
    pools: Option<NamedPools>,
}

impl PasswordTargets {
    /// Those of `array`, which keep their passwords in `folder`. What is kept there for one that is
    /// not named any more is taken away, and forgotten.
    #[must_use]
    pub fn begin(array: &Array, takers: &Takers, folder: &Path) -> Self {
        let named = Named {
            sessions: array.sessions.clone(),
            services: array.services.clone(),
            pools: array.pools.clone(),
        };
        Self::of(&array.name, named, takers, folder)
    }

    /// Takes away, and forgets, what is kept in `folder` of arrays that are not among `named`.
    pub fn abandon(named: &[Array], takers: &Takers, folder: &Path) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let of = |entry: std::fs::DirEntry| -> Option<ArrayName> {
            let name = entry.file_name().into_string().ok()?;
            let suffixes = [
                service_logon::SUFFIX,
                iis_pool::SUFFIX,
                logon_session::SUFFIX,
            ];
            suffixes
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix)?.parse().ok())
        };
        let kept: BTreeSet<ArrayName> = entries.filter_map(of).collect();
        let is_named = |name: &ArrayName| named.iter().any(|array| array.name == *name);
        for name in kept.iter().filter(|name| !is_named(name)) {
            Self::of(name, Named::default(), takers, folder);
        }
    }

    fn of(array: &ArrayName, named: Named, takers: &Takers, folder: &Path) -> Self {
        let has_sessions = named.sessions.is_some();
        let sessions = named.sessions.unwrap_or_default();
        let sessions = LogonSessions::begin(sessions, takers, folder, array);
        let logons = |names: Option<Vec<String>>, keeper: Arc<dyn Keeper>| {
            let is_named = names.is_some();
            let target = Logons::begin(names.unwrap_or_default(), keeper, folder, array);
            is_named.then_some(target)
        };
        let services = Arc::new(ServiceKeeper(Arc::clone(&takers.services)));
        let recycle = named.pools.as_ref().is_none_or(|pools| pools.recycle);
        let pools = Arc::new(PoolKeeper {
            pools: Arc::clone(&takers.pools),
            recycle,
        });
        Self {
            sessions: has_sessions.then_some(sessions),
            services: logons(named.services, services),
            pools: logons(named.pools.map(|pools| pools.names), pools),
        }
    }

    /// Those that log on with it, and what for they have it.
    fn logons(&self) -> impl Iterator<Item = (&Logons, PasswordUse)> {
        let services = self.services.iter();
        let services = services.map(|one| (one, PasswordUse::ServiceLogon));
        let pools = self.pools.iter().map(|one| (one, PasswordUse::IisPool));
        services.chain(pools)
    }

    /// Whether a target keeps the password of this application pool.
    #[must_use]
    pub fn keeps_pool(&self, pool: &str) -> bool {
        self.pools.as_ref().is_some_and(|pools| pools.serves(pool))
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
        let sessions = self.sessions.iter().map(|_| PasswordUse::LogonSession);
        let logons = self.logons().map(|(_, purpose)| purpose);
        sessions.chain(logons).collect()
    }

    /// Whether what logs on gets another password with this keyset: it is used at its next start.
    #[must_use]
    pub fn switches_logons(&self, keyset: &Keyset) -> bool {
        self.logons().any(|(logons, purpose)| {
            let kept = Kept::of(keyset, purpose);
            let current = kept.ok().and_then(|kept| current_alone(kept, keyset));
            current.is_some_and(|kept| logons.is_news(&kept))
        })
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
        let coming = keyset.generations.iter();
        let coming = { coming }.any(|one| one.role == Role::Pending);
        let hold = |(logons, purpose): (&Logons, _)| match kept(purpose) {
            Ok(kept) => {
                let account = kept.account.clone();
                logons.hold(&account, current_alone(kept, keyset), coming)
            }
            Err(error) => unless_unsent(error, || logons.wipe()),
        };
        // One that cannot be given it keeps none of the others waiting.
        self.logons().map(hold).fold(sessions, Result::and)
    }

    /// Takes away what can be, and forgets all of it.
    ///
    /// # Errors
    /// [`SessionError`] of the first that does not, after all were tried.
    pub fn wipe(&self) -> Result<(), SessionError> {
        let sessions = self.sessions.as_ref().map_or(Ok(()), LogonSessions::wipe);
        let wiped = self.logons().map(|(logons, _)| logons.wipe());
        wiped.fold(sessions, Result::and)
    }

    /// What the node holds in each; it leaves as fingerprints under `nonce`.
    #[must_use]
    pub fn look(&self, state: &ArrayState, nonce: &[u8; 32]) -> Vec<FoundTarget> {
        let sessions = self.sessions.iter().map(|one| one.look(state, nonce));
        let logons = self.logons().map(|(one, _)| one.look(state, nonce));
        sessions.chain(logons).collect()
    }

    /// What each holds, as marks under `salt`.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn marks(&self, salt: &[u8; 32]) -> Result<Vec<(PathBuf, BTreeSet<Mark>)>, SessionError> {
        let sessions = self.sessions.iter();
        let sessions = sessions.map(|one| (logon_session::NAME, one.keys()));
        let logons = self.logons().map(|(one, _)| (one.name(), one.keys()));
        let all = sessions.chain(logons);
        all.map(|(name, keys)| Ok((name.into(), ArrayState::marks(&held(&keys?, salt)))))
            .collect()
    }

    /// Has what acceptors were given judge an AP-REQ; what logs on accepts with keys of
    /// its own session, which nobody can ask for.
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
