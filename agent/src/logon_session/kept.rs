//! The passwords that a node keeps for its logon sessions: one file, sealed for this machine.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, HeldEntry, Keyset, Origin, fingerprint};
use keyroll::letter::PasswordUse;
use keyroll::secret::{Password, SecretBytes};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Session, SessionError};
use crate::atomic_file::{self, Access, FileError};
use crate::keytab_file;
use crate::platform;

/// A key that follows from what is kept: under which name, of which generation.
pub type KeptKey = (Principal, Kvno, Key);

/// What is kept of one array.
#[derive(Debug)]
pub struct Kept {
    /// Its account.
    pub account: Principal,
    /// The names under which its keys stand.
    principals: Vec<Principal>,
    /// Its passwords, the current one first; none while all of it is taken away.
    pub generations: Vec<KeptGeneration>,
    /// The sessions that get them; none where others log on with it.
    pub sessions: Vec<Session>,
    /// What showed, of each that logs on with it, after it was given: the mark of its keeper.
    pub marks: BTreeMap<String, String>,
    /// What sessions may still have, and are to have no more.
    pub leaving: Vec<Leaving>,
}

/// Passwords that are to be taken away: of an account that is the array's no more, or from sessions
/// that are not.
#[derive(Debug)]
pub struct Leaving {
    /// The account.
    pub account: Principal,
    /// Its passwords.
    pub generations: Vec<KeptGeneration>,
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// One password, and which keys follow from it.
#[derive(Debug)]
pub struct KeptGeneration {
    /// Its number.
    pub kvno: Kvno,
    enctypes: Vec<Enctype>,
    /// The password.
    pub origin: Origin,
}

/// The file, once it is open.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    account: Principal,
    principals: Vec<Principal>,
    generations: Vec<Generation>,
    sessions: Vec<Session>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, String>,
    leaving: Vec<LeavingPart>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LeavingPart {
    account: Principal,
    generations: Vec<Generation>,
    sessions: Vec<Session>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Generation {
    kvno: Kvno,
    enctypes: Vec<Enctype>,
    salt: Salt,
    password: Zeroizing<String>,
}

/// How long what is written to it would be.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// What is to be kept of a keyset whose letters are open.
    ///
    /// # Errors
    /// [`SessionError::NoPassword`], [`SessionError::KeysAlone`], [`SessionError::OtherKeys`].
    pub fn of(keyset: &Keyset, purpose: PasswordUse) -> Result<Self, SessionError> {
        let array = || keyset.array.clone();
        let account = keyset.principals.first().cloned();
        let (Some(account), true) = (
            account,
            keyset.generations.iter().any(|one| one.origin.is_some()),
        ) else {
            return Err(SessionError::NoPassword(array(), purpose));
        };
        let mut generations: Vec<&GenerationKeys> = keyset.generations.iter().collect();
        generations.sort_by_key(|one| one.role);
        let kept = |one: &&GenerationKeys| {
            let kvno = one.kvno;
            let origin = one.origin.as_ref().ok_or_else(|| SessionError::KeysAlone {
                array: array(),
                kvno,
                purpose,
            })?;
            if !origin.is_of(&one.keys) {
                return Err(SessionError::OtherKeys {
                    array: array(),
                    kvno,
                });
            }
            Ok(KeptGeneration {
                kvno,
                enctypes: one.keys.iter().map(Key::enctype).collect(),
                origin: origin.duplicate(),
            })
        };
        Ok(Self {
            account,
            principals: keyset.principals.clone(),
            generations: generations.iter().map(kept).collect::<Result<_, _>>()?,
            sessions: Vec::new(),
            marks: BTreeMap::new(),
            leaving: Vec::new(),
        })
    }

    /// What the file keeps; none if there is none.
    ///
    /// # Errors
    /// [`SessionError::File`], [`SessionError::Damaged`].
    pub fn load(path: &Path) -> Result<Option<Self>, SessionError> {
        let sealed = match atomic_file::read(path) {
            Err(error) if error.is_missing() => return Ok(None),
            outcome => outcome?,
        };
        let damaged = |why: String| SessionError::Damaged {
            path: path.to_owned(),
            why,
        };
        let bytes = platform::unseal(sealed).map_err(|error| damaged(error.to_string()))?;
        // What the parser says of it may show a part of it.
        let file: File = serde_json::from_slice(bytes.expose())
            .map_err(|_| damaged("it is not what this agent writes".to_owned()))?;
        let leaving = |one: LeavingPart| Leaving {
            account: one.account,
            generations: one.generations.into_iter().map(Into::into).collect(),
            sessions: one.sessions,
        };
        Ok(Some(Self {
            account: file.account,
            principals: file.principals,
            generations: file.generations.into_iter().map(Into::into).collect(),
            sessions: file.sessions,
            marks: file.marks,
            leaving: file.leaving.into_iter().map(leaving).collect(),
        }))
    }

    /// The same; what nobody can open or understand any more, such as a file that another machine
    /// sealed, is none.
    ///
    /// # Errors
    /// [`SessionError::File`], if it cannot be read now.
    pub fn legible(path: &Path) -> Result<Option<Self>, SessionError> {
        match Self::load(path) {
            Err(SessionError::Damaged { .. }) => Ok(None),
            outcome => outcome,
        }
    }

    /// Makes this what the file keeps, durably.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let leaving = |one: &Leaving| LeavingPart {
            account: one.account.clone(),
            generations: one.generations.iter().map(Into::into).collect(),
            sessions: one.sessions.clone(),
        };
        let file = File {
            account: self.account.clone(),
            principals: self.principals.clone(),
            generations: self.generations.iter().map(Into::into).collect(),
            sessions: self.sessions.clone(),
            marks: self.marks.clone(),
            leaving: self.leaving.iter().map(leaving).collect(),
        };
        let failed = |error| FileError::system("seal", path, error);
        // A buffer that grows leaves passwords where it was before: it is measured first.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, &file).map_err(|error| failed(error.into()))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, &file).map_err(|error| failed(error.into()))?;
        let bytes = SecretBytes::new(std::mem::take(&mut *bytes));
        let sealed = platform::seal(bytes).map_err(failed)?;
        atomic_file::replace(path, &sealed, &Access::PRIVATE)
    }

    /// Overwrites and removes the file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn destroy(path: &Path) -> Result<(), FileError> {
        keytab_file::remove(path)
    }

    /// What leaves if `account`, in these sessions, takes its place: what was leaving, and this as
    /// far as it is of another account, or in other sessions. Whatever the sessions have of
    /// `account` itself is replaced, not taken away.
    pub fn leave_behind(&mut self, account: &Principal, sessions: &[Session]) -> Vec<Leaving> {
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.push(Leaving {
            account: self.account.clone(),
            generations: self
                .generations
                .iter()
                .map(KeptGeneration::duplicate)
                .collect(),
            sessions: self.sessions.clone(),
        });
        for one in leaving.iter_mut().filter(|one| one.account == *account) {
            one.sessions.retain(|session| !sessions.contains(session));
        }
        leaving.retain(|one| !one.sessions.is_empty() && !one.generations.is_empty());
        leaving
    }

    /// All of it leaves.
    pub fn leave(&mut self) {
        self.leaving.push(Leaving {
            account: self.account.clone(),
            generations: std::mem::take(&mut self.generations),
            sessions: self.sessions.clone(),
        });
    }

    /// Whether this account has this very password here.
    #[must_use]
    pub fn has(&self, generation: &KeptGeneration) -> bool {
        let same = |one: &KeptGeneration| {
            one.kvno == generation.kvno && one.origin.password.same_as(&generation.origin.password)
        };
        self.generations.iter().any(same)
    }

    /// Forgets all generations but one.
    pub fn retain(&mut self, kvno: Kvno) {
        self.generations.retain(|one| one.kvno == kvno);
    }

    /// Whether these are the passwords of the other, of the same account.
    #[must_use]
    pub fn has_passwords_of(&self, other: &Self) -> bool {
        self.generations.len() == other.generations.len() && self.contains(other)
    }

    /// Whether the file would say the same of both, but for what showed.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let same = |(one, other): (&KeptGeneration, &KeptGeneration)| {
            one.kvno == other.kvno
                && one.enctypes == other.enctypes
                && one.origin.salt == other.origin.salt
                && one.origin.password.same_as(&other.origin.password)
        };
        self.account == other.account
            && self.principals == other.principals
            && self.sessions == other.sessions
            && self.generations.len() == other.generations.len()
            && self.generations.iter().zip(&other.generations).all(same)
    }

    /// What whoever has the passwords of `before`, and no other, has of these already; none if one
    /// of them has to go.
    #[must_use]
    pub fn stays_of(&self, before: &Self) -> Option<Vec<Kvno>> {
        let kvnos = || before.generations.iter().map(|one| one.kvno).collect();
        self.contains(before).then(kvnos)
    }

    /// Whether everything of the other is here too.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.account == other.account && other.generations.iter().all(|one| self.has(one))
    }

    /// The keys that follow from the passwords, under each of the names.
    #[must_use]
    pub fn keys(&self) -> Vec<KeptKey> {
        let mut keys = Vec::new();
        for one in &self.generations {
            let derived = derive_all(&one.enctypes, &one.origin.password, &one.origin.salt);
            for principal in &self.principals {
                let entry = |key: &Key| (principal.clone(), one.kvno, key.duplicate());
                keys.extend(derived.iter().map(entry));
            }
        }
        keys
    }
}

impl KeptGeneration {
    /// A second copy.
    fn duplicate(&self) -> Self {
        Self {
            kvno: self.kvno,
            enctypes: self.enctypes.clone(),
            origin: self.origin.duplicate(),
        }
    }
}

impl From<Generation> for KeptGeneration {
    fn from(mut one: Generation) -> Self {
        Self {
            kvno: one.kvno,
            enctypes: one.enctypes,
            origin: Origin {
                password: Password::new(std::mem::take(&mut *one.password)),
                salt: one.salt,
            },
        }
    }
}

impl From<&KeptGeneration> for Generation {
    fn from(one: &KeptGeneration) -> Self {
        Self {
            kvno: one.kvno,
            enctypes: one.enctypes.clone(),
            salt: one.origin.salt.clone(),
            password: Zeroizing::new(one.origin.password.expose().to_owned()),
        }
    }
}

/// What these keys are as entries, under `nonce`.
#[must_use]
pub fn held(keys: &[KeptKey], nonce: &[u8; 32]) -> Vec<HeldEntry> {
    let entry = |(principal, kvno, key): &KeptKey| HeldEntry {
        principal: principal.clone(),
        kvno: *kvno,
        enctype: key.enctype(),
        fingerprint: fingerprint(nonce, principal, *kvno, key),
    };
    keys.iter().map(entry).collect()
}
