//! What the node's files hold, and what they let in: looking, never writing.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::fence::{Epoch, Fence, Version};
use keyroll::kerberos::message::{AcceptError, Accepted, accept};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{HeldEntry, fingerprint};
use keyroll::keytab::{Entry, TargetFilter};

use super::surroundings::Surroundings;
use crate::keytab_file::{KeytabError, Target};
use crate::logon_session::kept::{KeptKey, held};
use crate::logon_session::{LogonSessions, NAME};
use crate::state::ArrayState;
use crate::trouble::chain;

/// How far a ticket's times may be off, as MIT and Heimdal allow by default.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// One file as it was found.
#[derive(Debug)]
pub struct FoundTarget {
    /// Where, or what it is called.
    pub path: PathBuf,
    /// What of a keyset it takes.
    pub filter: TargetFilter,
    /// Its entries of the array.
    pub entries: Vec<HeldEntry>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
    /// It lacks something that was written there, holds something that was not, or has got
    /// another owner or mode.
    pub drifted: bool,
    /// Entries of others.
    pub foreign: u32,
    /// When it was last written to, seconds since 1970; 0 if that is not known.
    pub written_unix: i64,
    /// What is around it.
    pub around: Surroundings,
}

/// What a node holds for one array.
#[derive(Debug)]
pub struct Found {
    /// The epoch of the keyset held.
    pub epoch: Epoch,
    /// Its version; 0 for none.
    pub version: Version,
    /// What is refused when it comes from before that.
    pub fence: Fence,
    /// Each file.
    pub targets: Vec<FoundTarget>,
    /// Why a hook has not succeeded since the files were last written, if one has not.
    pub hook_trouble: Option<String>,
}

/// One file's verdict on an AP-REQ.
#[derive(Debug)]
pub struct FileProof {
    /// The file.
    pub path: PathBuf,
    /// Who was let in with which key, or why not.
    pub verdict: Result<Accepted, String>,
}

impl FoundTarget {
    /// Reads the file now; its keys leave it as fingerprints under `nonce`. `known` are all files
    /// of the node's arrays.
    #[must_use]
    pub fn read(target: &Target, known: &[PathBuf], state: &ArrayState, nonce: &[u8; 32]) -> Self {
        let (entries, trouble) = match target.entries() {
            Ok(entries) => (entries, None),
            Err(KeytabError::File(error)) if error.is_missing() => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        let ours = |entry: &&Entry| state.owns(target, entry);
        let mine: Vec<&Entry> = entries.iter().flatten().filter(ours).collect();
        let foreign = u32::try_from(entries.len() - mine.len()).unwrap_or(u32::MAX);
        let drifted = match state.files.get(&target.path) {
            Some(written) => {
                let marks = mine.iter().filter_map(|entry| state.mark(entry)).collect();
                *written != marks || target.is_open_to_others()
            }
            None => false,
        };
        let held = |entry: &&Entry| {
            let key = entry.known_key()?;
            Some(HeldEntry {
                fingerprint: fingerprint(nonce, &entry.principal, entry.kvno, &key),
                principal: entry.principal.clone(),
                kvno: entry.kvno,
                enctype: key.enctype(),
            })
        };
        Self {
            entries: mine.iter().filter_map(held).collect(),
            path: target.path.clone(),
            filter: target.filter.clone(),
            trouble,
            drifted,
            foreign,
            written_unix: written_unix(&target.path),
            around: Surroundings::of(&target.path, known),
        }
    }

    /// A target without a file: `keys` are those of the passwords that are kept for it.
    #[must_use]
    pub fn kept(
        name: &str,
        filter: TargetFilter,
        state: &ArrayState,
        keys: &[KeptKey],
        trouble: Option<String>,
        nonce: &[u8; 32],
    ) -> Self {
        let path = PathBuf::from(name);
        let marks = ArrayState::marks(&held(keys, &state.salt));
        let written = state.files.get(&path);
        Self {
            drifted: written.is_some_and(|written| *written != marks),
            entries: held(keys, nonce),
            path,
            filter,
            trouble,
            foreign: 0,
            written_unix: 0,
            around: Surroundings::default(),
        }
    }

    /// Why services here cannot rely on the file, if they cannot.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let path = self.path.display();
        match &self.trouble {
            Some(trouble) => Some(trouble.clone()),
            None if self.drifted => Some(format!("{path} is not as keyroll wrote it")),
            None => None,
        }
    }
}

impl FileProof {
    /// Has the file accept an AP-REQ at `now`, as a service would. None if the file lacks the
    /// ticket's key because it is told to: by its principals, or by its enctypes.
    #[must_use]
    pub fn of(target: &Target, request: &[u8], now: DateTime<Utc>) -> Option<Self> {
        let (entries, trouble) = match target.entries() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        let keys: Vec<_> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.principal.clone(), entry.kvno, entry.known_key()?)))
            .collect();
        let verdict = match judge(&keys, request, now) {
            Err(AcceptError::UnknownKey {
                principal, enctype, ..
            }) if !target.filter.covers(&principal) || !target.filter.takes(enctype) => {
                return None;
            }
            verdict => verdict.map_err(|error| trouble.unwrap_or_else(|| error.to_string())),
        };
        Some(Self {
            path: target.path.clone(),
            verdict,
        })
    }
}

impl FileProof {
    /// Has the keys of what is kept for logon sessions accept an AP-REQ, as the local security
    /// authority would with what it was given: that one cannot be asked.
    #[must_use]
    pub fn of_kept(sessions: &LogonSessions, request: &[u8], now: DateTime<Utc>) -> Self {
        let verdict = match sessions.keys() {
            Ok(keys) => judge(&keys, request, now).map_err(|error| error.to_string()),
            Err(error) => Err(chain(&error)),
        };
        Self {
            path: NAME.into(),
            verdict,
        }
    }
}

fn written_unix(path: &Path) -> i64 {
    let written = std::fs::symlink_metadata(path).and_then(|found| found.modified());
    written.map_or(0, |written| DateTime::<Utc>::from(written).timestamp())
}

fn judge(
    keys: &[(Principal, Kvno, Key)],
    request: &[u8],
    now: DateTime<Utc>,
) -> Result<Accepted, AcceptError> {
    let lookup = |principal: &Principal, kvno: Kvno, enctype: Enctype| {
        let fits = |(of, version, key): &&(Principal, Kvno, Key)| {
            of == principal && *version == kvno && key.enctype() == enctype
        };
        keys.iter().find(fits).map(|(_, _, key)| key)
    };
    accept(request, &lookup, now, SKEW)
}
