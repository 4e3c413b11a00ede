//! Whose a file is, before it is first written or removed; and how the array's keys leave it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keyroll::kerberos::Principal;
use keyroll::keyset::Unlisted;
use keyroll::keytab::edit::{shared, without};
use keyroll::keytab::{Entry, Framing, SharedEdit, TargetKind, held};

use super::{KeytabError, Target};
use crate::atomic_file::{self, FileError};
use crate::effect::Effect;
use crate::shared_file::{LOCK_DEADLINE, LockedFile, Purpose};

/// How many strangers are named.
const NAMED: usize = 3;

/// Removes the array's keys from all `targets`: the files, or in shared ones the entries of
/// `scope`. A file that is none of `ours` goes only if it is seen to hold nothing else.
///
/// # Errors
/// [`KeytabError`]; of [`KeytabError::OfOthers`] and [`KeytabError::NotOurs`], before any file
/// is touched.
pub fn wipe(
    targets: &[Target],
    ours: &BTreeSet<PathBuf>,
    scope: &[Principal],
) -> Result<(), KeytabError> {
    for target in targets {
        target.demand_ours(ours, scope)?;
    }
    targets.iter().try_for_each(|target| target.wipe(scope))
}

impl Target {
    /// That nobody else keeps anything in a file that is to be ours alone, before we first write
    /// or remove it as such: the settings name a file of somebody else's, or one that was shared.
    pub(super) fn demand_ours(
        &self,
        ours: &BTreeSet<PathBuf>,
        scope: &[Principal],
    ) -> Result<(), KeytabError> {
        if self.filter.kind == TargetKind::Shared || ours.contains(&self.path) {
            return Ok(());
        }
        let bytes = match self.read() {
            Err(error) if error.is_missing() => return Ok(()),
            outcome => outcome?,
        };
        if bytes.expose().is_empty() {
            return Ok(());
        }
        // Other programs read what we do not: an older format, the entries before a torn one.
        let framing = Framing::parse(bytes.expose()).map_err(|source| KeytabError::NotOurs {
            path: self.path.clone(),
            source,
        })?;
        let stranger = |body| match Entry::parse(body) {
            Some(entry) if scope.contains(&entry.principal) => None,
            Some(entry) => Some(entry.principal.to_string()),
            None => Some("somebody (unreadable)".to_owned()),
        };
        let records = framing.entries();
        let mut others: BTreeSet<String> = records.filter_map(|one| stranger(one.body)).collect();
        // MIT's readers stop at a zero length word, Java's go on behind it.
        if framing.tail.iter().any(|byte| *byte != 0) {
            others.insert("somebody (behind its end)".to_owned());
        }
        if others.is_empty() {
            return Ok(());
        }
        Err(KeytabError::OfOthers {
            path: self.path.clone(),
            others: others
                .into_iter()
                .take(NAMED)
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    fn wipe(&self, scope: &[Principal]) -> Result<(), KeytabError> {
        let _here = Effect::WipeKeytab.here();
        if self.filter.kind != TargetKind::Shared {
            return Ok(remove(&self.path)?);
        }
        let locked = match LockedFile::open(&self.path, Purpose::Write, LOCK_DEADLINE) {
            Err(error) if error.is_missing() => return Ok(()),
            outcome => outcome?,
        };
        let scope = self.covered(scope);
        let edit = SharedEdit {
            wanted: &[],
            scope: &scope,
            unlisted: Unlisted::Remove,
            timestamp: 0,
        };
        let bytes = locked.read()?;
        let patches = shared(bytes.expose(), &edit).map_err(|error| self.content(error))?;
        for patch in &patches {
            locked.perform(patch)?;
        }
        Ok(())
    }
}

/// Takes entries out of a file that is nobody's target, or others' entries by now; what is left in
/// it, of whoever.
///
/// # Errors
/// [`KeytabError`]; a repetition does the rest.
pub fn take_out(path: &Path, gone: impl FnMut(&Entry) -> bool) -> Result<Vec<Entry>, KeytabError> {
    let _here = Effect::WipeKeytab.here();
    let locked = match LockedFile::open(path, Purpose::Write, LOCK_DEADLINE) {
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        outcome => outcome?,
    };
    let content = |source| KeytabError::Content {
        path: path.to_owned(),
        source,
    };
    let bytes = locked.read()?;
    for patch in &without(bytes.expose(), gone).map_err(content)? {
        locked.perform(patch)?;
    }
    let bytes = locked.read()?;
    let entries = held::entries(bytes.expose()).map_err(|damaged| content(damaged.into()))?;
    Ok(entries.into_iter().flatten().collect())
}

/// Overwrites and removes a file of ours alone, and what a crash has left beside it.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    atomic_file::remove_leftovers(path)?;
    if atomic_file::existing(path)?.is_none() {
        return Ok(());
    }
    atomic_file::wipe(path).map_err(|error| FileError::system("remove", path, error))?;
    atomic_file::sync_folder(path)
}
