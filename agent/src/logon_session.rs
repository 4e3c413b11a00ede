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
mod session;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyroll::kerberos::{Kvno, Principal};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::letter::{BadLetter, PasswordUse};
use keyroll::name::ArrayName;

use self::kept::{Kept, KeptGeneration, KeptKey};
use self::request::{Credential, LogonId, Request, TooLong, Verb};
pub use self::session::Session;
use crate::atomic_file::FileError;
use crate::effect::Effect;
use crate::node::FoundTarget;
use crate::password_targets::Takers;
use crate::state::ArrayState;
use crate::trouble::chain;

/// What stands where other targets have their file's path.
pub const NAME: &str = "logon-session";
/// What follows an array's name in that of the file.
pub const SUFFIX: &str = ".passwords";

/// Who keeps the credentials of logon sessions.
pub trait Authority: std::fmt::Debug + Send + Sync {
    /// Does what the request says.
    ///
    /// # Errors
    /// The system's.
    fn ask(&self, request: Request) -> io::Result<()>;
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
    #[error("{} is damaged ({why}); the controller's next keyset replaces it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why it cannot be opened, and nothing of what is in it.
        why: String,
    },
    /// A name or password that Windows does not take.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The answer of whoever keeps what a service or an application pool logs on with.
    #[error("{one} {name} did not get the password of its account")]
    NotGiven {
        /// What it is, in words.
        one: &'static str,
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// One that is none of the account's.
    #[error(
        "{one} {name} logs on as {found}, not as {account}; next: take it out of the target, or \
         have it log on so"
    )]
    OtherAccount {
        /// What it is, in words.
        one: &'static str,
        /// Which.
        name: String,
        /// As what it logs on.
        found: String,
        /// As what it should.
        account: Principal,
    },
    /// One whose password somebody else has changed.
    #[error("{one} {name} has another password than the agent gave it; it gets the array's again")]
    Changed {
        /// What it is, in words.
        one: &'static str,
        /// Which.
        name: String,
    },
    /// A session whose number is not known.
    #[error("logon session {session} cannot be told; next, on the node: sc.exe queryex NAME")]
    Unknown {
        /// Which session.
        session: Session,
        /// Why.
        source: io::Error,
    },
    /// The authority's answer.
    #[error("logon session {session} did not {done} the credential of {account}")]
    Refused {
        /// Which session.
        session: Session,
        /// What it should have done.
        done: &'static str,
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
    takers: Takers,
    array: ArrayName,
    file: PathBuf,
    given: Mutex<Given>,
}

/// What is known of what the authority has of us.
#[derive(Debug, Default)]
struct Given {
    /// The sessions that have what is kept, and nothing else of the account.
    to: BTreeSet<LogonId>,
    /// Why one lacks what it should have.
    trouble: Option<String>,
}

impl LogonSessions {
    /// The target for these sessions, which keeps its passwords in `folder`; they get what was kept
    /// there, and those that were named before lose it: all of them, if none is named.
    #[must_use]
    pub fn begin(
        sessions: Vec<Session>,
        takers: &Takers,
        folder: &Path,
        array: &ArrayName,
    ) -> Self {
        let this = Self {
            sessions,
            takers: takers.clone(),
            array: array.clone(),
            file: folder.join(format!("{array}{SUFFIX}")),
            given: Mutex::default(),
        };
        this.note(this.take_up());
        this
    }

    /// Goes on with what is kept.
    fn take_up(&self) -> Result<(), SessionError> {
        if self.sessions.is_empty() {
            return self.wipe();
        }
        let Some(mut kept) = Kept::load(&self.file)? else {
            return Ok(());
        };
        if kept.sessions != self.sessions && !kept.generations.is_empty() {
            let account = kept.account.clone();
            kept.leaving = kept.leave_behind(&account, &self.sessions);
            kept.sessions.clone_from(&self.sessions);
            kept.save(&self.file)?;
        }
        self.settle(kept, None)
    }

    /// Keeps these passwords, and gives them to the sessions in the place of others of the array.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn hold(&self, mut kept: Kept) -> Result<(), SessionError> {
        let mut before = Kept::legible(&self.file)?;
        kept.sessions.clone_from(&self.sessions);
        if let Some(before) = &mut before {
            kept.leaving = before.leave_behind(&kept.account, &kept.sessions);
        }
        let is_news = !before.as_ref().is_some_and(|before| before.same_as(&kept));
        if is_news || !kept.leaving.is_empty() {
            // What is kept is given again after a crash, and what is leaving taken away, so both
            // are written first.
            kept.save(&self.file)?;
        }
        let stays = before.and_then(|before| kept.stays_of(&before));
        let outcome = self.settle(kept, stays.as_deref());
        self.given().trouble = outcome.as_ref().err().map(|error| chain(error));
        outcome
    }

    /// Brings the sessions to what is written: what they are to have, then what is leaving.
    /// `stays` is what of it those have that have been given something; none if it is not known, or
    /// something else has to go.
    fn settle(&self, mut kept: Kept, stays: Option<&[Kvno]>) -> Result<(), SessionError> {
        if kept.generations.is_empty() {
            // A wipe that was cut off.
            return self.wipe();
        }
        self.give(&kept, stays)?;
        if !kept.leaving.is_empty() {
            self.take_away(&kept)?;
            kept.leaving.clear();
            kept.save(&self.file)?;
        }
        Ok(())
    }

    /// Whether a session is named whose number changes while the machine runs.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.sessions.iter().any(Session::moves)
    }

    /// Gives what is kept to services that were started since: each start has a session of its own.
    pub fn follow(&self) {
        let has = |id: LogonId| self.given().to.contains(&id);
        let is_served = |session: &Session| self.id(session).is_ok_and(|id| id.is_none_or(has));
        if self
            .sessions
            .iter()
            .filter(|one| one.moves())
            .all(is_served)
        {
            return;
        }
        self.note(Kept::load(&self.file).and_then(|kept| match kept {
            Some(kept) => {
                let stays = kept.stays_of(&kept);
                self.settle(kept, stays.as_deref())
            }
            None => Ok(()),
        }));
    }

    /// Tells why the sessions lack something, once.
    fn note(&self, outcome: Result<(), SessionError>) {
        let trouble = outcome.err().map(|error| chain(&error));
        let before = std::mem::replace(&mut self.given().trouble, trouble.clone());
        if let Some(error) = trouble.filter(|trouble| before.as_ref() != Some(trouble)) {
            let array = &self.array;
            tracing::warn!(%array, error, "logon sessions lack the array's credential");
        }
    }

    /// Takes everything away that the sessions were given, and forgets it.
    ///
    /// # Errors
    /// [`SessionError`]; a repetition does the rest.
    pub fn wipe(&self) -> Result<(), SessionError> {
        // What nobody can open was not given since this boot, or is known to nobody any more.
        if let Some(mut kept) = Kept::legible(&self.file)? {
            self.given().to.clear();
            if !kept.generations.is_empty() {
                // A start gives what is kept, and nothing of this from here on.
                kept.leave();
                kept.save(&self.file)?;
            }
            self.take_away(&kept)?;
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

    /// Gives every session `kept` and nothing else of the account. What stays is there all the
    /// while: a new password is put beside it, and where one has to go, the first takes the place
    /// of all.
    fn give(&self, kept: &Kept, stays: Option<&[Kvno]>) -> Result<(), SessionError> {
        let _here = Effect::GiveCredential.here();
        let had = std::mem::take(&mut self.given().to);
        // One that cannot be given it keeps none of the others waiting.
        let mut outcome = Ok(());
        for session in &self.sessions {
            let given = self.id(session).and_then(|id| match id {
                // It gets it once it runs.
                None => Ok(()),
                Some(id) if self.given().to.contains(&id) => Ok(()),
                Some(id) => {
                    self.give_to((session, id), kept, stays.filter(|_| had.contains(&id)))?;
                    self.given().to.insert(id);
                    Ok(())
                }
            });
            outcome = outcome.and(given);
        }
        outcome
    }

    /// Gives one session `kept`, where `stays` are all that it has, if that is known.
    fn give_to(
        &self,
        to: (&Session, LogonId),
        kept: &Kept,
        stays: Option<&[Kvno]>,
    ) -> Result<(), SessionError> {
        for (place, generation) in kept.generations.iter().enumerate() {
            if stays.is_some_and(|stays| stays.contains(&generation.kvno)) {
                continue;
            }
            let ask = |verb| self.ask(verb, to, &kept.account, generation);
            if place == 0 && stays.is_none() {
                // Where there was none before, there may be nothing to replace.
                ask(Verb::Replace).or_else(|_| ask(Verb::Add))?;
            } else {
                ask(Verb::Add)?;
            }
        }
        Ok(())
    }

    /// Takes away what is leaving, as far as it is still there: a boot takes all of it, and the end
    /// of a service what its session had.
    fn take_away(&self, kept: &Kept) -> Result<(), SessionError> {
        let _here = Effect::TakeCredential.here();
        for leaving in &kept.leaving {
            for session in &leaving.sessions {
                let id = match self.id(session) {
                    Ok(Some(id)) => id,
                    Ok(None) => continue,
                    Err(SessionError::Unknown { source, .. }) if is_gone(&source) => continue,
                    Err(error) => return Err(error),
                };
                // Another name for a session that has it by right.
                if leaving.account == kept.account && self.given().to.contains(&id) {
                    continue;
                }
                for generation in &leaving.generations {
                    match self.ask(Verb::Remove, (session, id), &leaving.account, generation) {
                        // It went with the other of its name.
                        Err(SessionError::Refused { source, .. }) if is_gone(&source) => {}
                        outcome => outcome?,
                    }
                }
            }
        }
        Ok(())
    }

    fn id(&self, session: &Session) -> Result<Option<LogonId>, SessionError> {
        let id = session.id(self.takers.services.as_ref());
        id.map_err(|source| SessionError::Unknown {
            session: session.clone(),
            source,
        })
    }

    fn ask(
        &self,
        verb: Verb,
        (session, id): (&Session, LogonId),
        account: &Principal,
        generation: &KeptGeneration,
    ) -> Result<(), SessionError> {
        let credential = Credential {
            account: &account.name(),
            domain: account.realm().as_str(),
            password: &generation.origin.password,
        };
        let request = Request::new(verb, id, credential)?;
        let asked = self.takers.authority.ask(request);
        asked.map_err(|source| SessionError::Refused {
            session: session.clone(),
            done: if verb == Verb::Remove { "lose" } else { "get" },
            account: account.clone(),
            source,
        })
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what was asked for is not there.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// What of a keyset the target takes: everything.
fn filter() -> TargetFilter {
    TargetFilter {
        kind: TargetKind::LogonSession,
        principals: None,
        enctypes: None,
    }
}
