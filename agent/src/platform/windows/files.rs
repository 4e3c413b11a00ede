//! Who may do what with a file.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use keyroll_windows::access::{Descriptor, Entry, Verdict, own_sid, sid_of};
use keyroll_windows::files;
use serde::{Deserialize, Serialize};

use super::lock::once_free;
use crate::atomic_file::FileError;
use crate::platform::AccessWords;

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is not followed.
pub(super) const NO_LINK: u32 = 0x0020_0000;
/// `FILE_FLAG_BACKUP_SEMANTICS`: a folder may be opened.
const FOLDER: u32 = 0x0200_0000;
/// `READ_CONTROL`.
const READ_LIST: u32 = 0x0002_0000;
/// `WRITE_DAC`.
const WRITE_LIST: u32 = 0x0004_0000;
/// `FILE_ADD_FILE`.
const ADD_FILE: u32 = 0x0002;

/// How long a file is waited for that another program has open for itself.
const OTHERS: Duration = Duration::from_secs(2);

const SYSTEM: &str = "S-1-5-18";
const ADMINISTRATORS: &str = "S-1-5-32-544";

/// Whoever comes along: Everyone, ANONYMOUS LOGON, Authenticated Users, INTERACTIVE, NETWORK,
/// BUILTIN\Users, BUILTIN\Guests. A keytab must be open to none of them.
const ANYBODY: [&str; 7] = [
    "S-1-1-0",
    "S-1-5-7",
    "S-1-5-11",
    "S-1-5-4",
    "S-1-5-2",
    "S-1-5-32-545",
    "S-1-5-32-546",
];

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
                Ok(sid) if ANYBODY.contains(&sid.as_str()) => complaints.push(format!(
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
        .filter(|entry| entry.verdict == Verdict::Allowed && !lets_anybody_in(entry))
        .map(|entry| entry.sid.clone())
        .filter(|sid| ![SYSTEM, ADMINISTRATORS, &own].contains(&sid.as_str()));
    Ok(Access {
        readers: Some(readers.collect()),
    })
}

/// A list for SYSTEM, Administrators and this process's account, and `more` entries as text;
/// nothing comes from the folder above.
pub(super) fn private_list(more: &str) -> io::Result<Descriptor> {
    let own = own_sid()?;
    Descriptor::parse(&format!(
        "D:P(A;;FA;;;{SYSTEM})(A;;FA;;;{ADMINISTRATORS})(A;;FA;;;{own}){more}"
    ))
}

/// The same for a folder: what is made in it has the same list.
fn private_folder_list() -> io::Result<Descriptor> {
    let own = own_sid()?;
    Descriptor::parse(&format!(
        "D:P(A;OICI;FA;;;{SYSTEM})(A;OICI;FA;;;{ADMINISTRATORS})(A;OICI;FA;;;{own})"
    ))
}

fn options() -> OpenOptions {
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
        (None, Some(_)) => carried(list_of(path)?)?,
        // As it was made.
        (None, None) => return Ok(()),
    };
    list.give(file)
}

/// The list of the file that is replaced, without those who come along.
fn carried(old: Descriptor) -> io::Result<Descriptor> {
    match old.entries()? {
        None => private_list(""),
        Some(entries) if entries.iter().any(lets_anybody_in) => {
            let kept = entries.iter().filter(|entry| !lets_anybody_in(entry));
            Descriptor::parse(&format!("D:P{}", kept.map(written).collect::<String>()))
        }
        Some(_) => Ok(old),
    }
}

fn written(entry: &Entry) -> String {
    let kind = match entry.verdict {
        Verdict::Allowed => "A",
        Verdict::Denied => "D",
        // Conditions only ever give less to fewer: without them nobody gets more.
        Verdict::Other => return String::new(),
    };
    format!("({kind};;{:#x};;;{})", entry.mask, entry.sid)
}

fn lets_anybody_in(entry: &Entry) -> bool {
    entry.verdict == Verdict::Allowed && ANYBODY.contains(&entry.sid.as_str())
}

fn list_of(path: &Path) -> io::Result<Descriptor> {
    let mut options = options();
    let options = options.access_mode(READ_LIST);
    let options = options.custom_flags(NO_LINK | FOLDER);
    Descriptor::of(&open_once_free(path, options)?)
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

/// Whether `entries` let in those that `access` says, and nobody else.
fn fits(entries: &[Entry], access: &Access, own: &str) -> bool {
    let let_in = entries
        .iter()
        .filter(|entry| entry.verdict == Verdict::Allowed)
        .map(|entry| entry.sid.as_str());
    let Some(readers) = &access.readers else {
        return !entries.iter().any(lets_anybody_in);
    };
    let is_reader = |sid: &str| readers.iter().any(|reader| reader == sid);
    let expected = |sid: &str| [SYSTEM, ADMINISTRATORS, own].contains(&sid) || is_reader(sid);
    let_in.clone().all(expected)
        && readers
            .iter()
            .all(|reader| let_in.clone().any(|sid| sid == reader))
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

/// Makes the folder of everything that is keyroll's, or takes it over: anybody may make folders
/// where it lies.
///
/// # Errors
/// [`FileError`], if somebody else made it before: nobody knows what he put into it.
pub fn take_home(home: &Path) -> Result<(), FileError> {
    make_private_folder(home).map_err(|error| FileError::system("make", home, error))?;
    let folder = options()
        .access_mode(READ_LIST | WRITE_LIST)
        .custom_flags(NO_LINK | FOLDER)
        .open(home)
        .map_err(|error| FileError::system("open", home, error))?;
    let unfit = |what| FileError::Unfit {
        path: home.to_owned(),
        what,
    };
    let failed = |error| FileError::system("take over", home, error);
    if !folder.metadata().map_err(failed)?.is_dir() {
        return Err(unfit("not a folder"));
    }
    let owner = Descriptor::of(&folder)
        .and_then(|list| list.owner())
        .map_err(failed)?;
    let own = own_sid().map_err(failed)?;
    if ![SYSTEM, ADMINISTRATORS, &own].contains(&owner.as_str()) {
        return Err(unfit("another user's folder; look into it, and remove it"));
    }
    private_folder_list()
        .and_then(|list| list.give(&folder))
        .map_err(failed)
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

/// How many names a file has: one, as far as the standard library can tell.
#[must_use]
pub const fn names(_: &Metadata) -> u64 {
    1
}

/// Tells a file from the one that took its place: when it was made, in steps of 100 ns.
#[must_use]
pub fn stamp(found: &Metadata) -> u64 {
    found.creation_time()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "S-1-5-80-1-2-3-4-5";
    const OWN: &str = "S-1-5-80-9-9-9-9-9";

    fn entries(text: &str) -> Vec<Entry> {
        Descriptor::parse(text).unwrap().entries().unwrap().unwrap()
    }

    fn readers(sids: &[&str]) -> Access {
        let readers = sids.iter().map(ToString::to_string).collect();
        Access {
            readers: Some(readers),
        }
    }

    #[test]
    fn a_list_is_carried_over_without_those_who_come_along() {
        let old =
            format!("D:P(D;;FW;;;{OWN})(A;;FA;;;SY)(A;;FR;;;{SERVICE})(A;;FR;;;BU)(A;;FR;;;WD)");
        let new = carried(Descriptor::parse(&old).unwrap()).unwrap();
        let kept = format!("D:P(D;;FW;;;{OWN})(A;;FA;;;SY)(A;;FR;;;{SERVICE})");
        assert_eq!(new.entries().unwrap().unwrap(), entries(&kept));
        let fine = Descriptor::parse(&kept).unwrap();
        assert_eq!(carried(fine.clone()).unwrap(), fine);
    }

    #[test]
    fn those_who_may_read_are_those_who_were_named() {
        let list = format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{OWN})");
        let with_service = format!("{list}(A;;FR;;;{SERVICE})");
        for (list, access, fitting) in [
            (&list, Access::PRIVATE, true),
            (&with_service, Access::PRIVATE, false),
            (&with_service, readers(&[SERVICE]), true),
            (&list, readers(&[SERVICE]), false),
            (&with_service, Access::default(), true),
            (&format!("{list}(A;;FR;;;AU)"), Access::default(), false),
            (&format!("{list}(D;;FR;;;AU)"), Access::default(), true),
        ] {
            assert_eq!(
                fits(&entries(list), &access, OWN),
                fitting,
                "{list} {access:?}"
            );
        }
    }

    #[test]
    fn a_home_that_was_there_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        assert!(is_open_to_others(&home, &Access::PRIVATE));
        for _ in 0..2 {
            take_home(&home).unwrap();
            assert!(!is_open_to_others(&home, &Access::PRIVATE));
        }
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(take_home(&file).is_err());
        take_home(&folder.path().join("new").join("home")).unwrap();
    }

    #[test]
    fn only_single_accounts_may_be_named_and_nothing_of_unix() {
        let named = |readers: &[&str]| {
            Access::of(AccessWords {
                readers: readers.iter().map(ToString::to_string).collect(),
                ..AccessWords::default()
            })
        };
        assert_eq!(named(&[]), Ok(Access::default()));
        assert_eq!(named(&["S-1-5-20"]), Ok(readers(&["S-1-5-20"])));
        for anybody in ["Everyone", "S-1-1-0", "S-1-5-11", r"BUILTIN\Users"] {
            let why = named(&[anybody]).unwrap_err().concat();
            assert!(why.contains("too many"), "{why}");
        }
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
