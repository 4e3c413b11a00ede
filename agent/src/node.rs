//! The node: its arrays' files and what it has accepted, behind one lock for each array.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::fence::{Epoch, Judgement, Stale, Version};
use keyroll::kerberos::message::accept;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keyset::{HeldEntry, Keyset, fingerprint};
use keyroll::keytab::{Entry, TargetKind};
use keyroll::name::ArrayName;
use tokio::sync::Mutex;

use crate::config::{Array, Config};
use crate::gate::Gates;
use crate::hook::HookError;
use crate::keytab_file::{KeytabError, Order, Target, prepare};
use crate::state::{ArrayState, StateError};
use crate::trouble::chain;

/// How far a ticket's times may be off, as MIT and Heimdal allow by default.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Why a keyset is not held.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The node does not belong to the array.
    #[error("this node does not belong to array {0}; add [[array]] name = \"{0}\" to its settings")]
    UnknownArray(ArrayName),
    /// It comes too late.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A file refused.
    #[error(transparent)]
    Keytab(#[from] KeytabError),
    /// What was accepted could not be written down.
    #[error(transparent)]
    State(#[from] StateError),
    /// The files hold it, and the services were not told.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The work was cut off.
    #[error("the work was cut off: {0}")]
    Lost(String),
}

/// One file as it was found.
#[derive(Debug)]
pub struct FoundTarget {
    /// The file.
    pub target: Target,
    /// Its entries of the array.
    pub entries: Vec<HeldEntry>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
    /// It lacks something that was written there, or holds something that was not.
    pub drifted: bool,
    /// Entries of others.
    pub foreign: u32,
}

/// What a node holds for one array.
#[derive(Debug)]
pub struct Found {
    /// The epoch of the keyset held.
    pub epoch: Epoch,
    /// Its version; 0 for none.
    pub version: Version,
    /// Each file.
    pub targets: Vec<FoundTarget>,
}

/// One file's verdict on an AP-REQ.
#[derive(Debug)]
pub struct FileProof {
    /// The file.
    pub path: PathBuf,
    /// Who was let in with which key, or why not.
    pub verdict: Result<keyroll::kerberos::message::Accepted, String>,
}

/// The node.
#[derive(Debug)]
pub struct Node {
    folder: PathBuf,
    arrays: BTreeMap<ArrayName, (Array, Mutex<ArrayState>)>,
    gates: Arc<Gates>,
}

impl Node {
    /// The node of these settings, with what it accepted in earlier runs.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(config: Config) -> Result<Self, StateError> {
        let folder = config.state.join("arrays");
        std::fs::create_dir_all(&folder)
            .map_err(|error| crate::atomic_file::FileError::system("make", &folder, error))?;
        let mut arrays = BTreeMap::new();
        for array in config.arrays {
            let state = ArrayState::load(&folder, &array.name)?;
            arrays.insert(array.name.clone(), (array, Mutex::new(state)));
        }
        let held = arrays.iter().map(|(name, (_, state))| {
            (
                name.clone(),
                state.try_lock().map_or(Version(0), |state| state.held),
            )
        });
        let gates = Gates::new(held, config.health.stay_ready_without_controller);
        Ok(Self {
            folder,
            gates: Arc::new(gates),
            arrays,
        })
    }

    /// Whether it may serve.
    #[must_use]
    pub const fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    /// The arrays it belongs to.
    pub fn arrays(&self) -> impl Iterator<Item = &ArrayName> {
        self.arrays.keys()
    }

    fn array(&self, name: &ArrayName) -> Result<&(Array, Mutex<ArrayState>), StageError> {
        self.arrays
            .get(name)
            .ok_or_else(|| StageError::UnknownArray(name.clone()))
    }

    /// What the node holds for an array, read from disk now.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`].
    pub async fn look(&self, name: &ArrayName, nonce: &[u8; 32]) -> Result<Found, StageError> {
        let (array, state) = self.array(name)?;
        let state = state.lock().await;
        let targets: Vec<FoundTarget> = array
            .targets
            .iter()
            .map(|target| found(target, &state, nonce))
            .collect();
        self.gates.heard(name, Instant::now());
        self.gates.looked(name, targets.iter().find_map(wrong));
        Ok(Found {
            epoch: state.held_epoch,
            version: state.held,
            targets,
        })
    }

    /// Has the node hold exactly this keyset; returns once it is read back from every file.
    ///
    /// # Errors
    /// [`StageError`]; then it does not count as held, and a repetition does the rest.
    pub async fn stage(&self, keyset: Keyset) -> Result<(), StageError> {
        let name = keyset.array.clone();
        let (array, state) = self.array(&name)?;
        let mut state = state.lock().await;
        self.gates.heard(&name, Instant::now());
        if let Judgement::Refuse(stale) = state.fence.judge(keyset.epoch, keyset.version) {
            return Err(stale.into());
        }
        // The intent first: from here on no older keyset is taken, whatever happens.
        let mut next = state.clone();
        next.begin(keyset.epoch, keyset.version, &keyset.principals);
        next.save(&self.folder, &name)?;
        *state = next.clone();
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let order = Order {
            keyset: &keyset,
            scope: &next.principals,
            timestamp: u32::try_from(seconds).unwrap_or(u32::MAX),
        };
        let prepared = prepare(&array.targets, order)?;
        let changed = !prepared.is_empty();
        prepared.commit()?;
        if changed || next.held != keyset.version {
            for hook in &array.hooks {
                hook.run(&name, keyset.version).await?;
            }
        }
        for target in &array.targets {
            let entries = target.entries()?;
            let marks = entries
                .iter()
                .flatten()
                .filter(|entry| next.principals.contains(&entry.principal));
            let marks = marks.filter_map(|entry| next.mark(entry)).collect();
            next.files.insert(target.path.clone(), marks);
        }
        next.held = keyset.version;
        next.held_epoch = keyset.epoch;
        next.save(&self.folder, &name)?;
        *state = next;
        self.gates.held(&name, keyset.version);
        Ok(())
    }

    /// Has each file that should hold the ticket's key accept an AP-REQ.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`].
    pub async fn prove(
        &self,
        name: &ArrayName,
        request: &[u8],
    ) -> Result<Vec<FileProof>, StageError> {
        let (array, state) = self.array(name)?;
        let _state = state.lock().await;
        let now = Utc::now();
        let services = array
            .targets
            .iter()
            .filter(|target| target.filter.kind != TargetKind::Client);
        Ok(services.map(|target| prove(target, request, now)).collect())
    }

    /// Notes the controller's verdict on the node.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`]; [`StageError::Stale`] from a controller that was superseded.
    pub async fn admit(
        &self,
        name: &ArrayName,
        epoch: Epoch,
        verdict: Result<(), String>,
        required: Version,
    ) -> Result<(), StageError> {
        let (_, state) = self.array(name)?;
        let seen = state.lock().await.fence.epoch;
        if epoch < seen {
            return Err(Stale::Epoch {
                offered: epoch,
                seen,
            }
            .into());
        }
        self.gates.heard(name, Instant::now());
        self.gates.admit(name, verdict, required);
        Ok(())
    }

    /// Removes every key of an array. The fence stays: what came before stays refused.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn wipe(&self, name: &ArrayName, epoch: Epoch) -> Result<(), StageError> {
        let (array, state) = self.array(name)?;
        let mut state = state.lock().await;
        if epoch < state.fence.epoch {
            return Err(Stale::Epoch {
                offered: epoch,
                seen: state.fence.epoch,
            }
            .into());
        }
        for target in &array.targets {
            target.wipe(&state.principals)?;
        }
        let mut next = state.clone();
        next.fence.epoch = epoch;
        next.held = Version(0);
        next.files.clear();
        next.save(&self.folder, name)?;
        *state = next;
        self.gates.forget(name);
        Ok(())
    }
}

fn wrong(target: &FoundTarget) -> Option<String> {
    let path = target.target.path.display();
    match &target.trouble {
        Some(trouble) => Some(format!("{path}: {trouble}")),
        None if target.drifted => Some(format!("{path}: somebody else has changed it")),
        None => None,
    }
}

fn found(target: &Target, state: &ArrayState, nonce: &[u8; 32]) -> FoundTarget {
    let (entries, trouble) = match target.entries() {
        Ok(entries) => (entries, None),
        Err(KeytabError::File(error)) if error.is_missing() => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(chain(&error))),
    };
    let ours = |entry: &&Entry| state.principals.contains(&entry.principal);
    let mine: Vec<&Entry> = entries.iter().flatten().filter(ours).collect();
    let foreign = u32::try_from(entries.len() - mine.len()).unwrap_or(u32::MAX);
    let marks = mine.iter().filter_map(|entry| state.mark(entry)).collect();
    let drifted = state
        .files
        .get(&target.path)
        .is_some_and(|written| *written != marks);
    let held = |entry: &&Entry| {
        let key = entry.known_key()?;
        Some(HeldEntry {
            fingerprint: fingerprint(nonce, &entry.principal, entry.kvno, &key),
            principal: entry.principal.clone(),
            kvno: entry.kvno,
            enctype: key.enctype(),
        })
    };
    FoundTarget {
        entries: mine.iter().filter_map(held).collect(),
        target: target.clone(),
        trouble,
        drifted,
        foreign,
    }
}

fn prove(target: &Target, request: &[u8], now: DateTime<Utc>) -> FileProof {
    let verdict = target
        .entries()
        .map_err(|error| chain(&error))
        .and_then(|entries| {
            let keys: Vec<(Principal, Kvno, Key)> = entries
                .into_iter()
                .flatten()
                .filter_map(|entry| Some((entry.principal.clone(), entry.kvno, entry.known_key()?)))
                .collect();
            let lookup = |principal: &Principal, kvno: Kvno, enctype: Enctype| {
                let fits = |(of, version, key): &&(Principal, Kvno, Key)| {
                    of == principal && *version == kvno && key.enctype() == enctype
                };
                keys.iter().find(fits).map(|(_, _, key)| key)
            };
            accept(request, &lookup, now, SKEW).map_err(|error| error.to_string())
        });
    FileProof {
        path: target.path.clone(),
        verdict,
    }
}
