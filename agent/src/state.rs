//! What a node has accepted, kept across restarts: numbers and fingerprints, never a key.
//!
//! A file per array, replaced atomically and recorded before the agent answers. The numbers make
//! an old keyset come too late for ever; the fingerprints tell whether a keytab has lost a key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keyroll::fence::{Epoch, Fence, Version};
use keyroll::kerberos::Principal;
use keyroll::keyset::{HeldEntry, fingerprint};
use keyroll::keytab::{Entry, TargetKind};
use keyroll::name::ArrayName;
use keyroll::secret::SecretBytes;
use serde::{Deserialize, Serialize};

use crate::atomic_file::{self, Access, FileError};
use crate::effect::Effect;
use crate::keytab_file::{KeytabError, Target, take_out};
use crate::{iis_pool, logon_session, platform, service_logon};

/// What was accepted for one array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArrayState {
    /// The highest epoch heard, and the highest version whose writing was begun.
    pub fence: Fence,
    /// The epoch of the version held.
    pub held_epoch: Epoch,
    /// The version that is whole on disk, hooks and all; 0 for none.
    pub held: Version,
    /// Every principal under which keys of the array may stand in a shared file.
    pub principals: Vec<Principal>,
    /// The nonce of the fingerprints below, drawn once per array.
    pub salt: [u8; 32],
    /// What each file held when it was last written.
    pub files: BTreeMap<PathBuf, BTreeSet<Mark>>,
    /// Those of them that others wrote to as well, as the settings had it then.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub shared: BTreeSet<PathBuf>,
    /// Who could read each of them then: if it is lost, the same shall read the next.
    #[serde(default)]
    pub access: BTreeMap<PathBuf, Access>,
    /// What it has written where the settings no longer have it: into a file that is no target any
    /// more, or under a principal that the file is told to lack. It goes once no keyset lists it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<PathBuf, BTreeSet<Mark>>,
    /// An operator has taken the node out of the array, and it was not admitted again since.
    #[serde(default)]
    pub removed: bool,
    /// Files have changed, and the hooks have not succeeded since.
    #[serde(default)]
    pub hooks_due: bool,
    /// Counts, in this run, what changes files: hooks that began before say nothing of it.
    #[serde(skip)]
    pub changes: u64,
}

/// What holds passwords of an array and is no file of the settings.
const KEPT: [&str; 3] = [logon_session::NAME, service_logon::NAME, iis_pool::NAME];

/// The fingerprint of one entry under the state's salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark([u8; 32]);

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system's answer.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not one of ours.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
}

impl ArrayState {
    /// The state of an array that the node has never held.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            salt: rand::random(),
            ..Self::default()
        }
    }

    /// Reads the state of `array`; a fresh one if there is none.
    ///
    /// # Errors
    /// [`StateError`]: a state that cannot be read must not be taken for none.
    pub fn load(folder: &Path, array: &ArrayName) -> Result<Self, StateError> {
        let path = path(folder, array);
        match atomic_file::read(&path) {
            Ok(bytes) => serde_json::from_slice(bytes.expose())
                .map_err(|source| StateError::Damaged { path, source }),
            Err(error) if error.is_missing() => Ok(Self::fresh()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes this the state of `array`, durably.
    ///
    /// # Errors
    /// [`StateError::File`].
    pub fn save(&self, folder: &Path, array: &ArrayName) -> Result<(), StateError> {
        let _here = Effect::SaveState.here();
        let path = path(folder, array);
        let bytes = serde_json::to_vec(self).map_err(|source| StateError::Damaged {
            path: path.clone(),
            source,
        })?;
        Ok(atomic_file::replace(
            &path,
            &SecretBytes::new(bytes),
            &Access::PRIVATE,
        )?)
    }

    /// The files that were written for the array, and who could read them.
    #[must_use]
    pub fn written(&self) -> BTreeMap<PathBuf, Access> {
        let access = |path: &PathBuf| self.access.get(path).cloned().unwrap_or_default();
        let files = self.files.keys();
        files.map(|path| (path.clone(), access(path))).collect()
    }

    /// The files that were written as the array's alone: nothing in them is anybody else's.
    #[must_use]
    pub fn ours(&self) -> BTreeSet<PathBuf> {
        let files = self.files.keys();
        let ours = files.filter(|path| !self.shared.contains(*path));
        ours.cloned().collect()
    }

    /// The mark of an entry; none if its enctype is not one of keyroll's.
    #[must_use]
    pub fn mark(&self, entry: &Entry) -> Option<Mark> {
        let key = entry.known_key()?;
        Some(Mark(fingerprint(
            &self.salt,
            &entry.principal,
            entry.kvno,
            &key,
        )))
    }

    /// The marks of entries that were taken under the state's salt.
    #[must_use]
    pub fn marks(entries: &[HeldEntry]) -> BTreeSet<Mark> {
        entries
            .iter()
            .map(|entry| Mark(entry.fingerprint))
            .collect()
    }

    /// Whether an entry of `target` is the array's.
    #[must_use]
    pub fn owns(&self, target: &Target, entry: &Entry) -> bool {
        // In a file of ours alone nothing is anybody else's.
        target.filter.kind != TargetKind::Shared
            || (target.filter.covers(&entry.principal)
                && self.principals.contains(&entry.principal))
    }

    /// Parts what was written where the settings no longer have it from the rest. They change at a
    /// start alone.
    pub fn part_with(&mut self, targets: &[Target]) {
        let files = std::mem::take(&mut self.files);
        for (path, marks) in files {
            let is_kept = KEPT.iter().any(|name| path == Path::new(name));
            if is_kept || targets.iter().any(|target| target.path == path) {
                self.files.insert(path, marks);
            } else {
                self.access.remove(&path);
                self.shared.remove(&path);
                self.left.entry(path).or_default().extend(marks);
            }
        }
        self.left.retain(|_, marks| !marks.is_empty());
        for target in targets {
            let mut marks = self.left.remove(&target.path).unwrap_or_default();
            if target.filter.kind != TargetKind::Shared {
                continue;
            }
            marks.extend(self.files.get(&target.path).into_iter().flatten());
            // One that cannot be read now stops the next keyset, too, and is told then.
            let entries = target.entries().unwrap_or_default();
            let entries = entries.iter().flatten();
            let foreign = entries.filter(|entry| !self.owns(target, entry));
            let foreign: BTreeSet<Mark> = foreign.filter_map(|entry| self.mark(entry)).collect();
            let left: BTreeSet<Mark> = marks.intersection(&foreign).copied().collect();
            if !left.is_empty() {
                self.left.insert(target.path.clone(), left);
            }
        }
    }

    /// Takes out what was left and what `listed` does not say to keep; the first error, after all
    /// was tried.
    ///
    /// # Errors
    /// [`KeytabError`]; what could not be taken out is still known.
    pub fn retire(&mut self, listed: impl Fn(&Entry) -> bool) -> Result<(), KeytabError> {
        let mut outcome = Ok(());
        for (path, marks) in std::mem::take(&mut self.left) {
            let is_left = |held: &Entry| self.mark(held).is_some_and(|mark| marks.contains(&mark));
            let stays = match take_out(&path, |held| is_left(held) && !listed(held)) {
                Ok(entries) => {
                    let stays = entries.iter().filter_map(|entry| self.mark(entry));
                    stays.filter(|mark| marks.contains(mark)).collect()
                }
                Err(error) => {
                    outcome = outcome.and(Err(error));
                    marks
                }
            };
            if !stays.is_empty() {
                self.left.insert(path, stays);
            }
        }
        outcome
    }

    /// Notes that `version`, by a controller of `epoch`, is whole on disk, hooks and all.
    pub const fn hold(&mut self, epoch: Epoch, version: Version) {
        self.held = version;
        self.held_epoch = epoch;
        self.hooks_due = false;
    }

    /// Notes that the writing of `version` begins, by a controller of `epoch`.
    pub fn begin(&mut self, epoch: Epoch, version: Version, principals: &[Principal]) {
        self.fence = Fence { epoch, version };
        for principal in principals {
            if !self.principals.contains(principal) {
                self.principals.push(principal.clone());
            }
        }
    }
}

/// Makes a folder for nobody else's eyes, if it is missing.
///
/// # Errors
/// [`FileError::System`].
pub fn private_folder(folder: &Path) -> Result<(), FileError> {
    platform::make_private_folder(folder).map_err(|error| FileError::system("make", folder, error))
}

fn path(folder: &Path, array: &ArrayName) -> PathBuf {
    folder.join(format!("{array}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_and_a_damaged_one_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let array: ArrayName = "web".parse().unwrap();
        let mut state = ArrayState::load(folder.path(), &array).unwrap();
        state.begin(Epoch(3), Version(9), &["HTTP/web@R".parse().unwrap()]);
        state
            .files
            .insert("/x".into(), BTreeSet::from([Mark([7; 32])]));
        state.save(folder.path(), &array).unwrap();
        assert_eq!(ArrayState::load(folder.path(), &array).unwrap(), state);
        std::fs::write(folder.path().join("web.json"), b"{").unwrap();
        let damaged = ArrayState::load(folder.path(), &array);
        assert!(matches!(damaged, Err(StateError::Damaged { .. })));
    }
}
