//! The node: its arrays' files and what it has accepted, behind one lock for each array.
//!
//! Files are read and written on threads beside the runtime's one: a slow disk, or a lock that
//! another program holds, must not stop the health endpoints and the watchdog.

mod found;
mod member;
mod surroundings;
mod telling;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use keyroll::fence::{Epoch, Judgement, Stale, Version};
use keyroll::keyset::Keyset;
use keyroll::keytab::TargetKind;
use keyroll::letter::PasswordUse;
use keyroll::name::ArrayName;

pub use self::found::{FileProof, Found, FoundTarget};
use self::member::Member;
pub use self::surroundings::Surroundings;
use self::writing::Writing;
use crate::config::Config;
use crate::gate::Gates;
use crate::hook::HookError;
use crate::keytab_file::{self, KeytabError};
use crate::letter_box::LetterBox;
use crate::logon_session::SessionError;
use crate::password_targets::{PasswordTargets, Takers};
use crate::platform;
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
    /// Logon sessions did not get the password.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What was accepted could not be written down.
    #[error(transparent)]
    State(#[from] StateError),
    /// The files hold it, and the services were not told.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Another keyset, a later request for this one, or a removal came in between.
    #[error("version {0} is overtaken: the node was asked for something else meanwhile")]
    Superseded(Version),
    /// The work was cut off.
    #[error("the work was cut off: {0}")]
    Lost(String),
}

/// The node.
#[derive(Debug)]
pub struct Node {
    folder: PathBuf,
    arrays: BTreeMap<ArrayName, Member>,
    letters: LetterBox,
    gates: Arc<Gates>,
}

impl Node {
    /// The node of these settings, with what it accepted in earlier runs.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(config: Config) -> Result<Self, StateError> {
        Self::beside(config, &platform::takers())
    }

    /// The same, on a machine where `takers` get passwords.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn beside(config: Config, takers: &Takers) -> Result<Self, StateError> {
        let folder = config.state.join("arrays");
        private_folder(&config.state)?;
        private_folder(&folder)?;
        PasswordTargets::abandon(&config.arrays, takers, &folder);
        let (mut arrays, mut held, mut removed) = (BTreeMap::new(), Vec::new(), Vec::new());
        for array in config.arrays {
            let mut state = ArrayState::load(&folder, &array.name)?;
            state.part_with(&array.targets);
            for (path, marks) in &state.left {
                let (array, path, keys) = (&array.name, path.display(), marks.len());
                tracing::warn!(%array, %path, keys, "no target any more: they go once retired");
            }
            held.push((array.name.clone(), state.held));
            if state.removed {
                removed.push(array.name.clone());
            }
            for target in &array.targets {
                // What stops it here stops the next keyset too, and is told then.
                if let Err(error) = target.remove_leftovers() {
                    tracing::warn!(error = chain(&error), "keys of a crash may be left over");
                }
            }
            let passwords = PasswordTargets::begin(&array, takers, &folder);
            arrays.insert(array.name.clone(), Member::new(array, passwords, state));
        }
        let gates = Gates::new(held, config.health.stay_ready_without_controller);
        removed.iter().for_each(|name| gates.forget(name));
        Ok(Self {
            folder,
            letters: LetterBox::in_folder(&config.state),
            gates: Arc::new(gates),
            arrays,
        })
    }

    /// Whether it may serve.
    #[must_use]
    pub const fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    /// Where passwords for it come in.
    #[must_use]
    pub const fn letters(&self) -> &LetterBox {
        &self.letters
    }

    /// The arrays it belongs to.
    pub fn arrays(&self) -> impl Iterator<Item = &ArrayName> {
        self.arrays.keys()
    }

    /// For what uses targets of the array take the password.
    #[must_use]
    pub fn password_uses(&self, name: &ArrayName) -> BTreeSet<PasswordUse> {
        let member = self.arrays.get(name);
        member.map_or_else(BTreeSet::new, |member| member.passwords.uses())
    }

    /// Whether a target of the array keeps the password of this application pool.
    #[must_use]
    pub fn keeps_pool(&self, name: &ArrayName, pool: &str) -> bool {
        let member = self.arrays.get(name);
        member.is_some_and(|member| member.passwords.keeps_pool(pool))
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
        let passwords = Arc::clone(&member.passwords);
        let arrays = self.arrays.values();
        let files = arrays.flat_map(|member| member.array.targets.iter());
        let files: Vec<PathBuf> = files.map(|target| target.path.clone()).collect();
        // While they run nobody can say.
        let failed = known.hooks_due && member.hooks.try_lock().is_ok();
        let hook_trouble = failed.then(|| member.hook_trouble());
        let found = aside(move || {
            let targets = array.targets.iter();
            let targets = targets.map(|target| FoundTarget::read(target, &files, &known, &nonce));
            let targets = targets.chain(passwords.look(&known, &nonce));
            Found {
                epoch: known.held_epoch,
                version: known.held,
                fence: known.fence,
                targets: targets.collect(),
                hook_trouble,
            }
        })
        .await?;
        let wrong = found.targets.iter().find_map(FoundTarget::wrong);
        self.gates.looked(name, wrong);
        Ok(found)
    }

    /// Whether a session is to have a credential whose number changes while the machine runs.
    #[must_use]
    pub fn moves(&self) -> bool {
        let mut members = self.arrays.values();
        members.any(|member| member.passwords.moves())
    }

    /// Gives services that were started since what their sessions are to have.
    pub async fn follow(&self) {
        for member in self
            .arrays
            .values()
            .filter(|member| member.passwords.moves())
        {
            let _state = member.state.lock().await;
            let passwords = Arc::clone(&member.passwords);
            // Only the end of the runtime cuts it off.
            aside(move || passwords.follow()).await.ok();
        }
    }

    /// Has the node hold exactly this keyset; returns once it is read back from every file.
    ///
    /// # Errors
    /// [`StageError`]; then it does not count as held, and a repetition does the rest.
    pub async fn stage(&self, keyset: Keyset) -> Result<(), StageError> {
        self.stage_with(keyset, BTreeSet::new()).await
    }

    /// The same, with the passwords in the keyset for those uses for which they were `sent`.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn stage_with(
        &self,
        keyset: Keyset,
        sent: BTreeSet<PasswordUse>,
    ) -> Result<(), StageError> {
        let name = keyset.array.clone();
        let member = self.member(&name)?;
        let mut state = member.state.lock().await;
        if let Judgement::Refuse(stale) = state.fence.judge(keyset.epoch, keyset.version) {
            return Err(stale.into());
        }
        let (epoch, version) = (keyset.epoch, keyset.version);
        let (array, known, folder) = (
            Arc::clone(&member.array),
            state.clone(),
            self.folder.clone(),
        );
        let passwords = Arc::clone(&member.passwords);
        let work = move || {
            Writing {
                folder: &folder,
                array: &array,
                passwords: &passwords,
                keyset: &keyset,
                sent: &sent,
            }
            .write(known)
        };
        let (next, outcome) = aside(work).await?;
        *state = next;
        member.note_numbers(&state);
        outcome?;
        if !state.hooks_due {
            return self.hold(member, &mut state, epoch, version).await;
        }
        // Hooks take their time: verdicts, looks and newer keysets do not wait for them.
        let arrived = member.arrive();
        drop(state);
        self.tell_services(member, arrived, epoch, version).await
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
        let passwords = Arc::clone(&member.passwords);
        aside(move || {
            let targets = array.targets.iter();
            let files = targets
                .filter(|target| target.filter.kind != TargetKind::Client)
                .filter_map(|target| FileProof::of(target, &request, now));
            files.chain(passwords.prove(&request, now)).collect()
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
        let member = self.member(name)?;
        // Not behind a file that takes its time: what shuts a gate shuts it now.
        if let Judgement::Refuse(stale) = member.last().judge(epoch, required) {
            return Err(stale.into());
        }
        self.gates.heard(name, Instant::now());
        self.gates.admit(name, verdict, required);
        let mut state = member.state.lock().await;
        let mut next = state.clone();
        next.fence.epoch = epoch.max(next.fence.epoch);
        next.removed = self.gates.is_removed(name);
        let reached = next.fence.epoch;
        // The verdict counts even where the disk is full.
        if let Err(error) = self.keep(member, &mut state, next).await {
            tracing::warn!(array = %name, error = chain(&error), "the epoch is not kept");
            state.fence.epoch = reached;
            member.note_numbers(&state);
        }
        Ok(())
    }

    /// Returns once nothing changes the node any more: what is begun, hooks and all, is done.
    pub async fn rest(&self) {
        let mut at_rest = Vec::new();
        for member in self.arrays.values() {
            at_rest.push((member.hooks.lock().await, member.state.lock().await));
        }
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
        next.removed = true;
        next.changes += 1;
        self.keep(member, &mut state, next.clone()).await?;
        let (array, mut before) = (Arc::clone(&member.array), state.clone());
        let passwords = Arc::clone(&member.passwords);
        aside(move || {
            let wiped = keytab_file::wipe(&array.targets, &before.ours(), &before.principals);
            let wiped = wiped.and(before.retire(|_| false));
            let forgotten = passwords.wipe();
            wiped
                .map_err(StageError::from)
                .and(forgotten.map_err(StageError::from))
        })
        .await??;
        // Nothing of the array is left, so whatever comes under its names is somebody else's.
        next.principals.clear();
        next.files.clear();
        next.left.clear();
        next.shared.clear();
        next.access.clear();
        next.hooks_due = false;
        self.keep(member, &mut state, next).await
    }

    /// Makes `next` the state, on disk first.
    async fn keep(
        &self,
        member: &Member,
        state: &mut ArrayState,
        next: ArrayState,
    ) -> Result<(), StageError> {
        let (folder, name) = (self.folder.clone(), member.array.name.clone());
        let before = state.clone();
        *state = aside(move || save(&folder, &name, &before, next)).await??;
        member.note_numbers(state);
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
