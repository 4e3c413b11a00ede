//! The keytab files of an array on this node: what they hold, and how they come to hold a keyset.
//!
//! All files of an array are one set. [`prepare`] does everything that can be refused, for all of
//! them, and touches nothing that a reader sees; [`Prepared::commit`] then puts each in place.

mod ours;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use keyroll::kerberos::Principal;
use keyroll::keyset::{Keyset, Unlisted};
use keyroll::keytab::edit::{is_whole_file_of, shared, whole_file};
use keyroll::keytab::{
    Damaged, EditError, Entry, Patch, SharedEdit, TargetFilter, TargetKind, Wanted, wanted,
};
use keyroll::secret::SecretBytes;
use zeroize::Zeroizing;

pub(crate) use self::ours::remove;
pub use self::ours::{take_out, wipe};
use crate::atomic_file::{self, Access, FileError};
use crate::effect::Effect;
use crate::platform;
use crate::shared_file::{LOCK_DEADLINE, LockedFile, Purpose};

/// How long a reader waits for a writer of a shared file.
const READ_DEADLINE: Duration = Duration::from_secs(2);

/// One keytab file, as the settings have it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub path: PathBuf,
    /// What of a keyset it takes.
    pub filter: TargetFilter,
    /// Who may read it.
    pub access: Access,
}

/// Why a file does not hold what it should, or cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum KeytabError {
    /// The system's answer.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content.
    #[error("{}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: EditError,
    },
    /// A file that is to be keyroll's alone holds keys of others, and was never keyroll's alone.
    #[error(
        "{} holds entries of {others}, which are not the array's and would be lost: give the \
         target kind = \"shared\" or another path, or remove the file", path.display()
    )]
    OfOthers {
        /// Which file.
        path: PathBuf,
        /// The first of their principals.
        others: String,
    },
    /// A file that is to be keyroll's alone is none that keyroll has written, nor one that it
    /// could read.
    #[error(
        "{} was not written by keyroll, and what is in it would be lost: give the target another \
         path, or remove the file", path.display()
    )]
    NotOurs {
        /// Which file.
        path: PathBuf,
        /// Why nobody can tell what it holds.
        source: Damaged,
    },
    /// A file that others share cannot be written to from where the agent runs.
    #[error(
        "{}: the agent's service lets it write elsewhere only; if ReadWritePaths= of its unit \
         names the file and somebody has replaced it since: systemctl restart keyroll-agent; \
         else name its folder there", path.display()
    )]
    Bound {
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: FileError,
    },
    /// After the write the file does not hold what was written.
    #[error("{}: what was read back is not what was written", path.display())]
    NotHeld {
        /// Which file.
        path: PathBuf,
    },
}

/// What a set of files is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The keys.
    pub keyset: &'a Keyset,
    /// All principals whose entries are the array's: the keyset's, and those it had before.
    pub scope: &'a [Principal],
    /// The files that were written for the array before, and who could read them.
    pub written: &'a BTreeMap<PathBuf, Access>,
    /// Those of them that nobody else had a part in.
    pub ours: &'a BTreeSet<PathBuf>,
    /// What new entries carry, seconds since 1970.
    pub timestamp: u32,
}

/// One file's change, ready to be made visible.
#[derive(Debug)]
enum Change {
    Replace(atomic_file::Prepared),
    Patch(LockedFile, Vec<Patch>),
}

/// The changes of a whole set.
#[derive(Debug)]
#[must_use]
pub struct Prepared<'a> {
    order: Order<'a>,
    changes: Vec<(&'a Target, Change)>,
}

/// Prepares all `targets`; those that are right already take no part.
///
/// # Errors
/// [`KeytabError`] of the first file that would refuse; no file is changed.
pub fn prepare<'a>(targets: &'a [Target], order: Order<'a>) -> Result<Prepared<'a>, KeytabError> {
    let mut changes = Vec::new();
    for target in targets {
        let wanted = wanted(order.keyset, &target.filter);
        let change = match target.filter.kind {
            TargetKind::Owned | TargetKind::Client => replacement(target, &wanted, order)?,
            TargetKind::Shared => patches(target, &wanted, order)?,
            TargetKind::LogonSession | TargetKind::ServiceLogon | TargetKind::IisPool => None,
        };
        changes.extend(change.map(|change| (target, change)));
    }
    Ok(Prepared { order, changes })
}

fn replacement(
    target: &Target,
    wanted: &[Wanted<'_>],
    order: Order<'_>,
) -> Result<Option<Change>, KeytabError> {
    target.demand_ours(order.ours, order.scope)?;
    // Even where nothing has to change now.
    atomic_file::remove_leftovers(&target.path)?;
    if target.is_kept(order) {
        return keeping(target, wanted, order);
    }
    if order.keyset.unlisted == Unlisted::Keep && wanted.is_empty() {
        // Initiators go on with what they have until the directory has the new password.
        return Ok(None);
    }
    match atomic_file::read(&target.path) {
        // A damaged file of ours alone is replaced: nobody else's entry can be lost in it.
        Ok(bytes)
            if is_whole_file_of(bytes.expose(), wanted) == Ok(true)
                && !target.is_open_to_others() =>
        {
            return Ok(None);
        }
        Ok(_) => {}
        Err(error) if error.is_missing() => {}
        Err(error) => return Err(error.into()),
    }
    let bytes = whole_file(wanted, order.timestamp).map_err(|error| target.content(error))?;
    let prepared = atomic_file::prepare(&target.path, &bytes, &target.access_in(order))?;
    Ok(Some(Change::Replace(prepared)))
}

/// A file of ours alone whose other entries stay: live tickets may need keys that nobody told the
/// controller. The edit of a shared file, done on a copy.
fn keeping(
    target: &Target,
    wanted: &[Wanted<'_>],
    order: Order<'_>,
) -> Result<Option<Change>, KeytabError> {
    let bytes = match atomic_file::read(&target.path) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => {
            whole_file(&[], order.timestamp).map_err(|error| target.content(error))?
        }
        Err(error) => return Err(error.into()),
    };
    let patches = target.plan(&bytes, wanted, order)?;
    if patches.is_empty() && !target.is_open_to_others() {
        return Ok(None);
    }
    let mut copy = Zeroizing::new(bytes.expose().to_vec());
    patches.iter().for_each(|patch| patch.apply(&mut copy));
    let copy = SecretBytes::new(std::mem::take(&mut *copy));
    let prepared = atomic_file::prepare(&target.path, &copy, &target.access_in(order))?;
    Ok(Some(Change::Replace(prepared)))
}

fn patches(
    target: &Target,
    wanted: &[Wanted<'_>],
    order: Order<'_>,
) -> Result<Option<Change>, KeytabError> {
    let locked = match LockedFile::open(&target.path, Purpose::Write, LOCK_DEADLINE) {
        Err(source) if source.is_read_only() => {
            let path = target.path.clone();
            return Err(KeytabError::Bound { path, source });
        }
        Err(error) if error.is_missing() => {
            LockedFile::create(&target.path, &target.access_in(order))?;
            LockedFile::open(&target.path, Purpose::Write, LOCK_DEADLINE)?
        }
        outcome => outcome?,
    };
    let bytes = locked.read()?;
    if bytes.expose().is_empty() {
        // Whoever made it may have died before it had its access: we, perhaps.
        locked.set_access(&target.access_in(order))?;
    }
    let patches = target.plan(&bytes, wanted, order)?;
    locked.reserve(&patches)?;
    Ok((!patches.is_empty()).then_some(Change::Patch(locked, patches)))
}

impl Prepared<'_> {
    /// Whether any file has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Makes every change visible, and reads every changed file back.
    ///
    /// # Errors
    /// [`KeytabError`]; files before the one named are changed, and a repetition does the rest.
    pub fn commit(self) -> Result<(), KeytabError> {
        let order = self.order;
        for (target, change) in self.changes {
            let wanted = wanted(order.keyset, &target.filter);
            let held = match change {
                Change::Replace(prepared) => {
                    let _here = Effect::ReplaceKeytab.here();
                    prepared.commit()?;
                    let bytes = atomic_file::read(&target.path)?;
                    if target.is_kept(order) {
                        target.plan(&bytes, &wanted, order)?.is_empty()
                    } else {
                        is_whole_file_of(bytes.expose(), &wanted).unwrap_or(false)
                    }
                }
                Change::Patch(locked, patches) => {
                    let _here = Effect::PatchKeytab.here();
                    for patch in &patches {
                        locked.perform(patch)?;
                    }
                    target.plan(&locked.read()?, &wanted, order)?.is_empty()
                }
            };
            if !held {
                return Err(KeytabError::NotHeld {
                    path: target.path.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Target {
    /// The file's bytes, read such that no edit of ours or of another MIT program is half done.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self) -> Result<SecretBytes, FileError> {
        match self.filter.kind {
            TargetKind::Owned
            | TargetKind::Client
            | TargetKind::LogonSession
            | TargetKind::ServiceLogon
            | TargetKind::IisPool => atomic_file::read(&self.path),
            TargetKind::Shared => {
                LockedFile::open(&self.path, Purpose::Read, READ_DEADLINE)?.read()
            }
        }
    }

    /// The file's entries in their order, `None` for one that cannot be read.
    ///
    /// # Errors
    /// [`KeytabError`].
    pub fn entries(&self) -> Result<Vec<Option<Entry>>, KeytabError> {
        let bytes = self.read()?;
        let damaged = |damaged: Damaged| self.content(damaged.into());
        keyroll::keytab::held::entries(bytes.expose()).map_err(damaged)
    }

    /// Wipes what a crash has left of a replacement of a file of ours alone.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove_leftovers(&self) -> Result<(), FileError> {
        match self.filter.kind {
            TargetKind::Owned | TargetKind::Client => atomic_file::remove_leftovers(&self.path),
            TargetKind::Shared
            | TargetKind::LogonSession
            | TargetKind::ServiceLogon
            | TargetKind::IisPool => Ok(()),
        }
    }

    /// Whether others may read a file of ours alone than the settings say, or than may read a
    /// keytab. Who may read a shared one is the business of whoever made it.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        if self.filter.kind == TargetKind::Shared {
            return false;
        }
        platform::is_open_to_others(&self.path, &self.access)
    }

    /// Who may read the file now.
    ///
    /// # Errors
    /// [`KeytabError::File`].
    pub fn access_now(&self) -> Result<Access, KeytabError> {
        let seen = platform::access_of(&self.path);
        Ok(seen.map_err(|error| FileError::system("look at", &self.path, error))?)
    }

    /// Who shall read the file. What the settings leave open is as it was before: in the file that
    /// is there, or else in the one that was lost.
    fn access_in(&self, order: Order<'_>) -> Access {
        match order.written.get(&self.path) {
            Some(before) if self.is_lost() => self.access.or(before),
            _ => self.access.clone(),
        }
    }

    /// Whether the file is not there, or one for others to share was made and never written to.
    fn is_lost(&self) -> bool {
        let size = std::fs::metadata(&self.path).map(|found| found.len());
        size.is_err()
            || (self.filter.kind == TargetKind::Shared && size.is_ok_and(|size| size == 0))
    }

    /// Whether entries that `order` does not list stay in this file of ours.
    fn is_kept(&self, order: Order<'_>) -> bool {
        self.filter.kind == TargetKind::Owned && order.keyset.unlisted == Unlisted::Keep
    }

    fn plan(
        &self,
        bytes: &SecretBytes,
        wanted: &[Wanted<'_>],
        order: Order<'_>,
    ) -> Result<Vec<Patch>, KeytabError> {
        let scope = self.covered(order.scope);
        let (unlisted, timestamp) = (order.keyset.unlisted, order.timestamp);
        let edit = SharedEdit {
            wanted,
            scope: &scope,
            unlisted,
            timestamp,
        };
        shared(bytes.expose(), &edit).map_err(|error| self.content(error))
    }

    /// Those principals of the array whose entries in this file are ours to judge.
    fn covered(&self, scope: &[Principal]) -> Vec<Principal> {
        let covered = |principal: &&Principal| self.filter.covers(principal);
        scope.iter().filter(covered).cloned().collect()
    }

    fn content(&self, source: EditError) -> KeytabError {
        KeytabError::Content {
            path: self.path.clone(),
            source,
        }
    }
}
