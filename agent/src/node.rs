//! The node: its arrays' files and what it has accepted, behind one lock for each array.
//!
//! Files are read and written on threads beside the runtime's one: a slow disk, or a lock that
//! another program holds, must not stop the health endpoints and the watchdog.

mod found;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::Utc;
use keyroll::fence::{Epoch, Judgement, Stale, Version};
use keyroll::keyset::{Keyset, Unlisted};
use keyroll::keytab::TargetKind;
use keyroll::name::ArrayName;
use tokio::sync::Mutex;

pub use self::found::{FileProof, Found, FoundTarget};
use crate::config::{Array, Config};
use crate::gate::Gates;
use crate::hook::HookError;
use crate::keytab_file::{KeytabError, Order, prepare};
use crate::state::{ArrayState, StateError, private_folder};
use crate::trouble::chain;

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

/// The node.
#[derive(Debug)]
pub struct Node {
    folder: PathBuf,
    arrays: BTreeMap<ArrayName, Member>,
    gates: Arc<Gates>,
}

/// What the node is for one array.
#[derive(Debug)]
struct Member {
    array: Arc<Array>,
    state: Mutex<ArrayState>,
}

impl Node {
    /// The node of these settings, with what it accepted in earlier runs.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(config: Config) -> Result<Self, StateError> {
        let folder = config.state.join("arrays");
        private_folder(&config.state)?;
        private_folder(&folder)?;
        let (mut arrays, mut held) = (BTreeMap::new(), Vec::new());
        for array in config.arrays {
            let state = ArrayState::load(&folder, &array.name)?;
            held.push((array.name.clone(), state.held));
            let member = Member {
                array: Arc::new(array),
                state: Mutex::new(state),
            };
            arrays.insert(member.array.name.clone(), member);
        }
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

    fn member(&self, name: &ArrayName) -> Result<&Member, StageError> {
        self.arrays
            .get(name)
            .ok_or_else(|| StageError::UnknownArray(name.clone()))
    }

    /// What the node holds for an array, read from disk now; the gate closes if keys are lost.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`].
    pub async fn inspect(&self, name: &ArrayName, nonce: &[u8; 32]) -> Result<Found, StageError> {
        let member = self.member(name)?;
        let state = member.state.lock().await;
        let (array, known, nonce) = (Arc::clone(&member.array), state.clone(), *nonce);
        let found = aside(move || {
            let targets = array.targets.iter();
            let targets = targets.map(|target| FoundTarget::read(target, &known, &nonce));
            Found {
                epoch: known.held_epoch,
                version: known.held,
                fence: known.fence,
                targets: targets.collect(),
            }
        })
        .await?;
        let wrong = found.targets.iter().find_map(FoundTarget::wrong);
        self.gates.looked(name, wrong);
        Ok(found)
    }

    /// Has the node hold exactly this keyset; returns once it is read back from every file.
    ///
    /// # Errors
    /// [`StageError`]; then it does not count as held, and a repetition does the rest.
    pub async fn stage(&self, keyset: Keyset) -> Result<(), StageError> {
        let name = keyset.array.clone();
        let member = self.member(&name)?;
        let mut state = member.state.lock().await;
        if let Judgement::Refuse(stale) = state.fence.judge(keyset.epoch, keyset.version) {
            return Err(stale.into());
        }
        let version = keyset.version;
        let (array, known, folder) = (
            Arc::clone(&member.array),
            state.clone(),
            self.folder.clone(),
        );
        let (next, outcome) = aside(move || write(&folder, &array, &keyset, known)).await?;
        *state = next;
        outcome?;
        if state.hooks_due {
            for hook in &member.array.hooks {
                hook.run(&name, version).await?;
            }
        }
        let mut next = state.clone();
        next.hold();
        self.keep(&name, &mut state, next).await?;
        self.gates.held(&name, version);
        Ok(())
    }

    /// Has each file that should hold the ticket's key accept an AP-REQ; none if no file should.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`].
    pub async fn prove(
        &self,
        name: &ArrayName,
        request: Vec<u8>,
    ) -> Result<Vec<FileProof>, StageError> {
        let member = self.member(name)?;
        let _state = member.state.lock().await;
        let (array, now) = (Arc::clone(&member.array), Utc::now());
        aside(move || {
            let targets = array.targets.iter();
            targets
                .filter(|target| target.filter.kind != TargetKind::Client)
                .filter_map(|target| FileProof::of(target, &request, now))
                .collect()
        })
        .await
    }

    /// Notes the controller's verdict on the node.
    ///
    /// # Errors
    /// [`StageError::UnknownArray`]; [`StageError::Stale`] from a controller that was superseded,
    /// or that does not know of the keyset that this node was given last: one that came back from
    /// a backup must not shut a gate because of what it has forgotten.
    pub async fn admit(
        &self,
        name: &ArrayName,
        epoch: Epoch,
        verdict: Result<(), String>,
        required: Version,
    ) -> Result<(), StageError> {
        let mut state = self.member(name)?.state.lock().await;
        if let Judgement::Refuse(stale) = state.fence.judge(epoch, required) {
            return Err(stale.into());
        }
        self.gates.heard(name, Instant::now());
        self.gates.admit(name, verdict, required);
        let mut next = state.clone();
        next.fence.epoch = epoch;
        // The verdict counts even where the disk is full.
        if let Err(error) = self.keep(name, &mut state, next).await {
            tracing::warn!(array = %name, error = chain(&error), "the epoch is not kept");
            state.fence.epoch = epoch;
        }
        Ok(())
    }

    /// Removes every key of an array. The fence stays: what came before stays refused.
    ///
    /// # Errors
    /// [`StageError`]; the node is not ready then, and a repetition does the rest.
    pub async fn wipe(&self, name: &ArrayName, epoch: Epoch) -> Result<(), StageError> {
        let member = self.member(name)?;
        let mut state = member.state.lock().await;
        not_superseded(&state, epoch)?;
        self.gates.forget(name);
        let mut next = state.clone();
        next.fence.epoch = epoch;
        next.held = Version(0);
        self.keep(name, &mut state, next.clone()).await?;
        let (array, scope) = (Arc::clone(&member.array), state.principals.clone());
        aside(move || {
            let mut targets = array.targets.iter();
            targets.try_for_each(|target| target.wipe(&scope))
        })
        .await??;
        // Nothing of the array is left, so whatever comes under its names is somebody else's.
        next.principals.clear();
        next.files.clear();
        next.hooks_due = false;
        self.keep(name, &mut state, next).await
    }

    /// Makes `next` the state, on disk first.
    async fn keep(
        &self,
        name: &ArrayName,
        state: &mut ArrayState,
        next: ArrayState,
    ) -> Result<(), StageError> {
        let (folder, name) = (self.folder.clone(), name.clone());
        let before = state.clone();
        *state = aside(move || save(&folder, &name, &before, next)).await??;
        Ok(())
    }
}

fn not_superseded(state: &ArrayState, offered: Epoch) -> Result<(), Stale> {
    let seen = state.fence.epoch;
    if offered < seen {
        return Err(Stale::Epoch { offered, seen });
    }
    Ok(())
}

/// Runs work that may block on a thread of its own.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StageError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StageError::Lost(error.to_string()))
}

fn save(
    folder: &Path,
    name: &ArrayName,
    before: &ArrayState,
    next: ArrayState,
) -> Result<ArrayState, StateError> {
    if next != *before {
        next.save(folder, name)?;
    }
    Ok(next)
}

/// Brings the files to a keyset; returns what is true from now on, whether it worked or not.
fn write(
    folder: &Path,
    array: &Array,
    keyset: &Keyset,
    state: ArrayState,
) -> (ArrayState, Result<(), StageError>) {
    let mut next = state.clone();
    next.begin(keyset.epoch, keyset.version, &keyset.principals);
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let scope = next.principals.clone();
    let written = state.files.keys().cloned().collect();
    let order = Order {
        keyset,
        scope: &scope,
        written: &written,
        timestamp: u32::try_from(seconds).unwrap_or(u32::MAX),
    };
    let prepared = match prepare(&array.targets, order) {
        Ok(prepared) => prepared,
        Err(error) => return (state, Err(error.into())),
    };
    next.hooks_due |= !prepared.is_empty();
    // The intent first: from here on no older keyset is taken, whatever happens.
    let begun = match save(folder, &array.name, &state, next) {
        Ok(begun) => begun,
        Err(error) => return (state, Err(error.into())),
    };
    let settled = prepared
        .commit()
        .map_err(StageError::from)
        .and_then(|()| settle(folder, array, keyset, begun.clone()));
    match settled {
        Ok(settled) => (settled, Ok(())),
        Err(error) => (begun, Err(error)),
    }
}

/// Notes what each file holds now.
fn settle(
    folder: &Path,
    array: &Array,
    keyset: &Keyset,
    begun: ArrayState,
) -> Result<ArrayState, StageError> {
    let mut next = begun.clone();
    if keyset.unlisted == Unlisted::Remove {
        // No key of an earlier name is left, so such names are not the array's any more.
        next.principals.clone_from(&keyset.principals);
    }
    next.files.clear();
    for target in &array.targets {
        let entries = target.entries()?;
        let marks = entries
            .iter()
            .flatten()
            .filter(|entry| next.owns(target, entry))
            .filter_map(|entry| next.mark(entry))
            .collect();
        next.files.insert(target.path.clone(), marks);
    }
    // Without hooks there is nothing left that could fail: one write to the disk less.
    if array.hooks.is_empty() || !next.hooks_due {
        next.hold();
    }
    Ok(save(folder, &array.name, &begun, next)?)
}
