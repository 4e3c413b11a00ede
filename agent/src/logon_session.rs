//! The target that wants the password: an extra credential of logon sessions of Windows.
//!
//! The local security authority derives keys of its own from a name and a password, and lets them
//! accept tickets for every service of that session: so `HTTP.SYS`, and whatever else accepts
//! Kerberos by SSPI, opens tickets of the array's account without running as it. What was given
//! cannot be read back, and is gone at the next boot: the passwords are kept, sealed for this
//! machine ([`kept`]), and given again at each start. What the node says it holds is derived from
//! what is kept.

pub mod kept;
pub mod request;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyroll::kerberos::{Kvno, Principal};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::letter::{BadLetter, PasswordUse};
use keyroll::name::ArrayName;

use self::kept::{Kept, KeptGeneration, KeptKey, Leaving};
use self::request::{Credential, LogonId, Request, TooLong, Verb};
use crate::atomic_file::FileError;
use crate::effect::Effect;
use crate::node::FoundTarget;
use crate::state::ArrayState;
use crate::trouble::chain;

/// What stands where other targets have their file's path.
pub const NAME: &str = "logon-session";

/// Who keeps the credentials of logon sessions.
pub trait Authority: std::fmt::Debug + Send + Sync {
    /// Does what the request says.
    ///
    /// # Errors
    /// The system's.
    fn ask(&self, request: Request) -> io::Result<()>;
}

/// A logon session that there is on every Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Session {
    /// LocalSystem.
    System,
    /// NetworkService.
    NetworkService,
    /// LocalService.
    LocalService,
}

impl Session {
    /// Its number (`SYSTEM_LUID` and its like in `winnt.h`).
    #[must_use]
    pub const fn id(self) -> LogonId {
        LogonId(match self {
            Self::System => 0x3e7,
            Self::NetworkService => 0x3e4,
            Self::LocalService => 0x3e5,
        })
    }
}

/// Why the sessions do not have a credential that they should.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Nobody allowed it.
    #[error(
        "target {1} of array {0} needs the password, and the controller sends none; next, on the \
         controller: keyroll node password {0} NODE --allow {1}"
    )]
    NoPassword(ArrayName, PasswordUse),
    /// The controller does not know it.
    #[error(
        "target {purpose} of array {array} needs the password of kvno {kvno}, and the controller \
         has its keys alone; next: remove the target until a roll has replaced that password"
    )]
    KeysAlone {
        /// Of which array.
        array: ArrayName,
        /// Which one.
        kvno: Kvno,
        /// What for.
        purpose: PasswordUse,
    },
    /// It is that of other keys.
    #[error("the password of kvno {kvno} of array {array} is not the one of its keys")]
    OtherKeys {
        /// Of which array.
        array: ArrayName,
        /// Which one.
        kvno: Kvno,
    },
    /// It cannot be opened.
    #[error(
        "{source}; next, on the controller, if this node has joined anew: keyroll node password \
         {array} NODE --allow USE"
    )]
    Letter {
        /// Of which array.
        array: ArrayName,
        /// Why.
        source: BadLetter,
    },
    /// The file in which the passwords are kept.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is in it.
    #[error("{} is damaged; the controller's next keyset replaces it", .0.display())]
    Damaged(PathBuf),
    /// A name or password that Windows does not take.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The service control manager's answer.
    #[error("service {service} did not get the password of its account")]
    Service {
        /// Which service.
        service: String,
        /// Why.
        source: io::Error,
    },
    /// A service that is none of the account's.
    #[error(
        "service {service} logs on as {found}, not as {account}; next: take it out of the target's \
         services, or have it log on so"
    )]
    OtherAccount {
        /// Which service.
        service: String,
        /// As what it logs on.
        found: String,
        /// As what it should.
        account: Principal,
    },
    /// The authority's answer.
    #[error("logon session {session} did not get the credential of {account}")]
    Refused {
        /// Which session.
        session: Session,
        /// The account.
        account: Principal,
        /// Why.
        source: io::Error,
    },
}

/// The target of one array.
#[derive(Debug)]
pub struct LogonSessions {
    sessions: Vec<Session>,
    authority: Arc<dyn Authority>,
    file: PathBuf,
    given: Mutex<Given>,
}

/// What is known of what the authority has of us.
#[derive(Debug, Default)]
struct Given {
    /// It has what is kept, and nothing else.
    as_kept: bool,
    /// Why it lacks what it should have.
    trouble: Option<String>,
}

impl LogonSessions {
    /// The target for these sessions, which keeps its passwords in `folder`; they get what was kept
    /// there.
    #[must_use]
    pub fn begin(
        sessions: Vec<Session>,
        authority: Arc<dyn Authority>,
        folder: &Path,
        array: &ArrayName,
    ) -> Self {
        let this = Self {
            sessions,
            authority,
            file: folder.join(format!("{array}.passwords")),
            given: Mutex::default(),
        };
        let given = Kept::load(&this.file).and_then(|kept| match kept {
            Some(kept) => this.settle(kept, None),
            None => Ok(()),
        });
        if let Err(error) = given {
            let error = chain(&error);
            tracing::warn!(%array, error, "logon sessions lack the array's credential");
            this.given().trouble = Some(error);
        }
        this
    }

    /// Keeps these passwords, and gives them to the sessions in the place of others of the array.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn hold(&self, mut kept: Kept) -> Result<(), SessionError> {
        let mut before = Kept::load(&self.file).unwrap_or_default();
        if let Some(before) = &mut before {
            kept.leaving = before.leave_behind(&kept.account);
        }
        let is_news = !before.as_ref().is_some_and(|before| before.same_as(&kept));
        if is_news || !kept.leaving.is_empty() {
            // What is kept is given again after a crash, and what is leaving taken away, so both
            // are written first.
            kept.save(&self.file)?;
        }
        let known = before.filter(|_| self.given().as_kept);
        let outcome = self.settle(kept, known.as_ref());
        self.given().trouble = outcome.as_ref().err().map(|error| chain(error));
        outcome
    }

    /// Brings the sessions to what is written: what they are to have, then what is leaving.
    fn settle(&self, mut kept: Kept, known: Option<&Kept>) -> Result<(), SessionError> {
        if kept.generations.is_empty() {
            // A wipe that was cut off.
            return self.wipe();
        }
        self.give(&kept, known)?;
        if !kept.leaving.is_empty() {
            kept.leaving
                .iter()
                .try_for_each(|one| self.take_away(one))?;
            kept.leaving.clear();
            kept.save(&self.file)?;
        }
        Ok(())
    }

    /// Takes everything away that the sessions were given, and forgets it.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn wipe(&self) -> Result<(), SessionError> {
        // What cannot be read was not given since this boot, or is known to nobody any more.
        if let Some(mut kept) = Kept::load(&self.file).unwrap_or_default() {
            self.given().as_kept = false;
            if !kept.generations.is_empty() {
                // A start gives what is kept, and nothing of this from here on.
                kept.leave();
                kept.save(&self.file)?;
            }
            kept.leaving
                .iter()
                .try_for_each(|one| self.take_away(one))?;
        }
        *self.given() = Given::default();
        Ok(Kept::destroy(&self.file)?)
    }

    /// What the node holds, derived from what is kept; it leaves as fingerprints under `nonce`.
    #[must_use]
    pub fn look(&self, state: &ArrayState, nonce: &[u8; 32]) -> FoundTarget {
        let (keys, mut trouble) = match self.keys() {
            Ok(keys) => (keys, None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        trouble = trouble.or_else(|| self.given().trouble.clone());
        FoundTarget::kept(NAME, filter(), state, &keys, trouble, nonce)
    }

    /// The keys of everything that is kept, under each of the array's names.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn keys(&self) -> Result<Vec<KeptKey>, SessionError> {
        Ok(Kept::load(&self.file)?
            .map(|kept| kept.keys())
            .unwrap_or_default())
    }

    /// Gives every session `kept` and nothing else of the account; `known` is what it has, if that
    /// is known. What stays is there all the while: a new password is put beside it, and where one
    /// has to go, the first takes the place of all.
    fn give(&self, kept: &Kept, known: Option<&Kept>) -> Result<(), SessionError> {
        let _here = Effect::GiveCredential.here();
        self.given().as_kept = false;
        let known = known.filter(|known| kept.contains(known));
        for session in &self.sessions {
            for (place, generation) in kept.generations.iter().enumerate() {
                if known.is_some_and(|known| known.has(generation)) {
                    continue;
                }
                let ask = |verb| self.ask(verb, *session, &kept.account, generation);
                let outcome = if place == 0 && known.is_none() {
                    // Where there was none before, there may be nothing to replace.
                    ask(Verb::Replace).or_else(|_| ask(Verb::Add))
                } else {
                    ask(Verb::Add)
                };
                outcome?;
            }
        }
        self.given().as_kept = true;
        Ok(())
    }

    fn take_away(&self, leaving: &Leaving) -> Result<(), SessionError> {
        let _here = Effect::TakeCredential.here();
        for session in &self.sessions {
            for generation in &leaving.generations {
                match self.ask(Verb::Remove, *session, &leaving.account, generation) {
                    // It went with the other of its name, or with a boot.
                    Err(SessionError::Refused { source, .. })
                        if source.kind() == io::ErrorKind::NotFound => {}
                    outcome => outcome?,
                }
            }
        }
        Ok(())
    }

    fn ask(
        &self,
        verb: Verb,
        session: Session,
        account: &Principal,
        generation: &KeptGeneration,
    ) -> Result<(), SessionError> {
        let credential = Credential {
            account: &account.name(),
            domain: account.realm().as_str(),
            password: &generation.origin.password,
        };
        let request = Request::new(verb, session.id(), credential)?;
        let asked = self.authority.ask(request);
        asked.map_err(|source| SessionError::Refused {
            session,
            account: account.clone(),
            source,
        })
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a keyset the target takes: everything.
fn filter() -> TargetFilter {
    TargetFilter {
        kind: TargetKind::LogonSession,
        principals: None,
        enctypes: None,
    }
}
