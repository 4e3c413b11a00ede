//! Who may do what with a file.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use keyroll_windows::access::{Descriptor, own_sid, sid_of};
use keyroll_windows::files;
use serde::{Deserialize, Serialize};

use super::lock::once_free;
use super::rights::{
    Carried, PLANT, carried, complaint, fits, is_anybody, is_reader, own_name, private_folder_list,
    private_list,
};
use crate::platform::AccessWords;

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is not followed.
pub(super) const NO_LINK: u32 = 0x0020_0000;
/// `FILE_FLAG_BACKUP_SEMANTICS`: a folder may be opened.
pub(super) const FOLDER: u32 = 0x0200_0000;
/// `READ_CONTROL`.
pub(super) const READ_LIST: u32 = 0x0002_0000;
/// `WRITE_DAC` and `WRITE_OWNER`.
pub(super) const WRITE_LIST: u32 = 0x000c_0000;
/// `FILE_ADD_FILE`.
const ADD_FILE: u32 = 0x0002;

/// How long a file is waited for that another program has open for itself.
const OTHERS: Duration = Duration::from_secs(2);

/// Who may read a file, besides SYSTEM, Administrators and the agent's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Their SIDs. Not given: who may read the file that is replaced, or else nobody.
    pub readers: Option<Vec<String>>,
}

impl Access {
    /// Nobody but SYSTEM, Administrators and the agent's account.
    pub const PRIVATE: Self = Self {
        readers: Some(Vec::new()),
    };

    /// What the settings say.
    ///
    /// # Errors
    /// Every complaint, without the name of the target.
    pub fn of(words: AccessWords) -> Result<Self, Vec<String>> {
        let mut complaints = Vec::new();
        if words.owner.is_some() || words.group.is_some() || words.mode.is_some() {
            let why = "owner, group and mode are of Unix; name the accounts that may read it in \
                       readers";
            complaints.push(why.to_owned());
        }
        let mut readers = Vec::new();
        for name in &words.readers {
            match sid_of(name) {
                Ok(sid) if is_anybody(&sid) => complaints.push(format!(
                    "target.readers: {name:?} is too many; name the account of the service"
                )),
                Ok(sid) => readers.push(sid),
                Err(error) => complaints.push(format!(
                    "target.readers: there is no account {name:?}: {error}"
                )),
            }
        }
        if complaints.is_empty() {
            let readers = (!readers.is_empty()).then_some(readers);
            Ok(Self { readers })
        } else {
            Err(complaints)
        }
    }

    /// This, and what it leaves open as `other` has it.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let readers = self.readers.clone().or_else(|| other.readers.clone());
        Self { readers }
    }
}

/// Who may read the file at `path` now.
///
/// # Errors
/// The system's.
pub fn access_of(path: &Path) -> io::Result<Access> {
    let own = own_sid()?;
    let entries = list_of(path)?.entries()?.unwrap_or_default();
    let readers = entries
        .iter()
        .filter(|entry| is_reader(entry, &own))
        .map(|entry| entry.sid.clone());
    Ok(Access {
        readers: Some(readers.collect()),
    })
}

pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(NO_LINK);
    options
}

/// Opens as `options` say; waits for a program that lets nobody else in, as backups and scanners
/// do, and for the last reader of a file that was deleted: Windows says that access is denied then.
fn open_once_free(path: &Path, options: &OpenOptions) -> io::Result<File> {
    once_free(Instant::now() + OTHERS, || options.open(path))
}

/// Opens a file to be read; no link is followed, and nobody is kept from replacing it.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<File> {
    open_once_free(path, options().read(true))
}

/// The same at once or not at all: for a thread that has more to do than to wait.
///
/// # Errors
/// The system's.
pub fn open_now(path: &Path) -> io::Result<File> {
    options().read(true).open(path)
}

/// Opens whatever is at `path`, a link or a folder too, to be looked at and not read: nobody who
/// has it open stands in the way of that.
///
/// # Errors
/// The system's.
pub fn look_at(path: &Path) -> io::Result<File> {
    let mut options = options();
    options.access_mode(0).custom_flags(NO_LINK | FOLDER);
    open_once_free(path, &options)
}

/// Opens a file that is there to be written over; no link is followed.
///
/// # Errors
/// The system's.
pub fn open_to_write(path: &Path) -> io::Result<File> {
    let file = open_once_free(path, options().write(true))?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// Gives `file` the list that it shall have as `path`, where `old` is now, if anything is.
///
/// # Errors
/// The system's.
pub fn set_access(
    file: &File,
    path: &Path,
    old: Option<&Metadata>,
    access: &Access,
) -> io::Result<()> {
    let list = match (&access.readers, old) {
        (Some(readers), _) => {
            let may_read = |sid: &String| format!("(A;;FR;;;{sid})");
            private_list(&readers.iter().map(may_read).collect::<String>())?
        }
        (None, Some(_)) => {
            let Carried { list, cut } =
                carried(&list_of(path)?, &own_sid()?, own_name()?.as_deref())?;
            if !cut.is_empty() {
                let (path, cut) = (path.display(), cut.join(", "));
                tracing::warn!(%path, cut, "the keytab's list let in too many, and is cut down");
            }
            list
        }
        // As it was made.
        (None, None) => return Ok(()),
    };
    match list.give(file) {
        // It was opened to be locked, not to be given a list.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => list.give_anew(file),
        outcome => outcome,
    }
}

pub(super) fn list_of(path: &Path) -> io::Result<Descriptor> {
    let mut options = options();
    let options = options.access_mode(READ_LIST);
    let options = options.custom_flags(NO_LINK | FOLDER);
    Descriptor::of(&open_once_free(path, options)?)
}

/// Why others than SYSTEM, Administrators and the agent's account may replace what is in the
/// folder, if they may: by removing a file whose own list does not let them, or the folder with
/// it, or by making one where there is none yet. Its own list is looked at, which has what comes
/// from above.
#[must_use]
pub fn open_folder(path: &Path) -> Option<String> {
    let list = list_of(path).ok()?;
    let why = complaint(&list, &own_sid().ok()?, PLANT, path.parent().is_none()).ok()?;
    let (why, folder) = (why?, path.display());
    Some(format!(
        "{folder} {why}, so another file may be put in its place"
    ))
}

/// Whether others may open the file than `access` says, or than may open a keytab.
#[must_use]
pub fn is_open_to_others(path: &Path, access: &Access) -> bool {
    let Ok(list) = list_of(path) else {
        return false;
    };
    let Ok(Some(entries)) = list.entries() else {
        return true;
    };
    let own = own_sid().unwrap_or_default();
    !fits(&entries, access, &own)
}

/// Nothing: what is written and synced before it replaces anything has its room; NTFS has no
/// promise for a file that stays as long as it is.
///
/// # Errors
/// None.
pub fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Makes a folder, and those above it, for SYSTEM, Administrators and the agent's account.
///
/// # Errors
/// The system's.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_private_folder(above)?;
    }
    match files::make_folder(folder, &private_folder_list()?) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Whether files can be made in `folder`; nothing is.
///
/// # Errors
/// Why not.
pub fn may_write_in(folder: &Path) -> io::Result<()> {
    OpenOptions::new()
        .access_mode(ADD_FILE)
        .custom_flags(FOLDER)
        .open(folder)
        .map(drop)
}

/// What a file of several names is, and what to do.
pub const SEVERAL_NAMES: &str = "one of several names of a file (hard links), and whoever reads \
    another one would keep the old keys; remove the others: fsutil hardlink list FILE shows them";

/// How many names a file has.
///
/// # Errors
/// The system's.
pub fn names(file: &File) -> io::Result<u64> {
    files::names(file)
}

/// Tells a file from the one that took its place: when it was made, in steps of 100 ns.
#[must_use]
pub fn stamp(found: &Metadata) -> u64 {
    found.creation_time()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_accounts_may_be_named_and_nothing_of_unix() {
        let named = |readers: &[&str]| {
            Access::of(AccessWords {
                readers: readers.iter().map(ToString::to_string).collect(),
                ..AccessWords::default()
            })
        };
        assert_eq!(named(&[]), Ok(Access::default()));
        let readers = Some(vec!["S-1-5-20".to_owned()]);
        assert_eq!(named(&["S-1-5-20"]), Ok(Access { readers }));
        let of_domain = "S-1-5-21-1-2-3-515";
        for anybody in [
            "Everyone",
            "S-1-1-0",
            "S-1-5-11",
            "S-1-5-011",
            "S-1-5-6",
            "S-1-5-80-0",
            "S-1-5-1000",
            "S-1-18-1",
            "S-1-18-2",
            r"BUILTIN\Users",
            of_domain,
        ] {
            let why = named(&[anybody]).unwrap_err().concat();
            assert!(why.contains("too many"), "{why}");
        }
        // All application pools: too many to come with an old list, and a group that one may mean.
        let pools = Some(vec!["S-1-5-32-568".to_owned()]);
        assert_eq!(named(&["S-1-5-32-568"]), Ok(Access { readers: pools }));
        // What would be one more entry of a list is no name.
        let why = named(&["S-1-5-18)(A;;FR;;;WD"]).unwrap_err().concat();
        assert!(why.contains("no account"), "{why}");
        let why = named(&[r"NOWHERE\nobody-at-all"]).unwrap_err().concat();
        assert!(why.contains("no account"), "{why}");
        let mode = Some("0640".to_owned());
        let words = AccessWords {
            mode,
            ..AccessWords::default()
        };
        assert!(Access::of(words).unwrap_err().concat().contains("readers"));
    }
}
