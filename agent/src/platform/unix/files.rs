//! Who may do what with a file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FallocateFlags, Gid, Mode, OFlags, Uid, XattrFlags};
use serde::{Deserialize, Serialize};

use super::account;
use crate::platform::AccessWords;

const ACL: &str = "system.posix_acl_access";
const LABEL: &str = "security.selinux";

/// How files are opened: a link is not followed, and a pipe in the file's place blocks nobody.
pub(super) const SAFE_OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);

/// The permission bits that a file with keys may have: its owner's and one group's.
const FITTING: u32 = 0o660;

/// Who may read a file. What is not given is taken from the file that is replaced, or else is
/// the agent's own user and group and mode 0600.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The owner's number.
    pub owner: Option<u32>,
    /// The group's number.
    pub group: Option<u32>,
    /// The permission bits.
    pub mode: Option<u32>,
    /// The access control list, as the kernel gives it; of files that were, never of the settings.
    pub list: Option<Vec<u8>>,
}

impl Access {
    /// Nobody but the agent.
    pub const PRIVATE: Self = Self {
        owner: None,
        group: None,
        mode: Some(0o600),
        list: None,
    };

    /// What the settings say.
    ///
    /// # Errors
    /// Every complaint, without the name of the target.
    pub fn of(words: AccessWords) -> Result<Self, Vec<String>> {
        let mut complaints = Vec::new();
        let mut number =
            |found: Result<u32, String>| found.map_err(|complaint| complaints.push(complaint)).ok();
        let access = Self {
            owner: words.owner.and_then(|name| number(account::user(&name))),
            group: words.group.and_then(|name| number(account::group(&name))),
            mode: words.mode.and_then(|text| number(mode(&text))),
            list: None,
        };
        if !words.readers.is_empty() {
            complaints.push("readers are of Windows; write group and mode".to_owned());
        }
        if complaints.is_empty() {
            Ok(access)
        } else {
            Err(complaints)
        }
    }

    /// This, and what it leaves open as `other` has it.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            owner: self.owner.or(other.owner),
            group: self.group.or(other.group),
            mode: self.mode.or(other.mode),
            list: self.list.clone().or_else(|| other.list.clone()),
        }
    }
}

/// Who may read the file at `path` now.
///
/// # Errors
/// The system's.
pub fn access_of(path: &Path) -> io::Result<Access> {
    let found = fs::symlink_metadata(path)?;
    Ok(Access {
        owner: Some(found.uid()),
        group: Some(found.gid()),
        mode: Some(found.mode() & FITTING),
        list: attribute(path, ACL)?,
    })
}

/// Permission bits that leave a keytab to its owner and one group.
fn mode(text: &str) -> Result<u32, String> {
    // A sign would be taken too.
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    match u32::from_str_radix(text, 8) {
        Ok(mode) if digits && mode & !FITTING == 0 && mode & 0o400 != 0 => Ok(mode),
        _ => Err(format!(
            "target.mode: {text:?} is not allowed; write 0400, 0600, 0440, 0640 or 0660"
        )),
    }
}

/// Opens a file to be read; no link is followed.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(SAFE_OPEN.bits().cast_signed())
        .open(path)
}

/// The same: nobody who has it open is waited for.
///
/// # Errors
/// The system's.
pub fn open_now(path: &Path) -> io::Result<File> {
    open(path)
}

/// Opens whatever is at `path`, a link too, to be looked at and not read: who may not read it may.
///
/// # Errors
/// The system's.
pub fn look_at(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::PATH.union(OFlags::NOFOLLOW).bits().cast_signed())
        .open(path)
}

/// Opens a file that is there to be written over; no link is followed.
///
/// # Errors
/// The system's.
pub fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .custom_flags(SAFE_OPEN.bits().cast_signed())
        .open(path)
}

/// Gives `file` the access that it shall have as `path`, where `old` is now, if anything is.
///
/// Owner, ACL, label and mode, in the order in which none of them undoes another: a change of
/// owner clears mode bits, and the mode's group bits are the ACL's mask.
///
/// # Errors
/// The system's.
pub fn set_access(
    file: &File,
    path: &Path,
    old: Option<&Metadata>,
    access: &Access,
) -> io::Result<()> {
    let own = file.metadata()?;
    let owner = access.owner.or(old.map(Metadata::uid)).unwrap_or(own.uid());
    let group = access.group.or(old.map(Metadata::gid)).unwrap_or(own.gid());
    if (owner, group) != (own.uid(), own.gid()) {
        let (owner, group) = (Uid::from_raw(owner), Gid::from_raw(group));
        rustix::fs::fchown(file, Some(owner), Some(group))?;
    }
    let list = match old {
        Some(_) => attribute(path, ACL)?,
        None => access.list.clone(),
    };
    match list {
        Some(acl) => rustix::fs::fsetxattr(file, ACL, &acl, XattrFlags::empty())?,
        // A default ACL of the folder must not open a file of keys to anybody.
        None => unless_absent(rustix::fs::fremovexattr(file, ACL))?,
    }
    let label = old.map(|_| attribute(path, LABEL)).transpose()?.flatten();
    if let Some(label) = label.filter(|label| !has_label(file, label)) {
        rustix::fs::fsetxattr(file, LABEL, &label, XattrFlags::empty())?;
    }
    let mode = access.mode.or(old.map(Metadata::mode)).unwrap_or(0o600) & FITTING;
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    Ok(())
}

/// Whether the file has another owner or mode than `access` says, or than a keytab may have.
#[must_use]
pub fn is_open_to_others(path: &Path, access: &Access) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else {
        return false;
    };
    let (mode, Access { owner, group, .. }) = (found.mode() & 0o7777, access);
    mode & !FITTING != 0
        || access.mode.is_some_and(|wanted| wanted != mode)
        || owner.is_some_and(|wanted| wanted != found.uid())
        || group.is_some_and(|wanted| wanted != found.gid())
}

/// Why others than its owner may replace what is in the folder, if they may: anybody, or a group
/// other than root's. Where nobody may remove what is another's (the sticky bit), they may not.
#[must_use]
pub fn open_folder(path: &Path) -> Option<String> {
    const STICKY: u32 = 0o1000;
    let found = fs::metadata(path).ok()?;
    let mode = found.mode() & 0o7777;
    let by_group = mode & 0o020 != 0 && found.gid() != 0;
    if mode & STICKY != 0 || !(by_group || mode & 0o002 != 0) {
        return None;
    }
    let whom = if mode & 0o002 != 0 {
        "anybody"
    } else {
        "its group"
    };
    let folder = path.display();
    Some(format!(
        "{folder} has mode {mode:04o}: {whom} may put another file in its place"
    ))
}

/// An extended attribute of the file at `path`; none where there is none or no support for it.
fn attribute(path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; 64 * 1024];
    match rustix::fs::lgetxattr(path, name, &mut value) {
        Ok(size) => {
            value.truncate(size);
            Ok(Some(value))
        }
        Err(error) => unless_absent(Err(error)).map(|()| None),
    }
}

/// Whether the new file has this label already; giving it again may need a right of its own.
fn has_label(file: &File, label: &[u8]) -> bool {
    let mut value = vec![0; label.len() + 1];
    rustix::fs::fgetxattr(file, LABEL, &mut value).is_ok_and(|size| value[..size] == *label)
}

fn unless_absent(outcome: rustix::io::Result<()>) -> io::Result<()> {
    use rustix::io::Errno;
    match outcome {
        Err(Errno::NODATA | Errno::OPNOTSUPP) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that there is room up to `end`, where the file system can promise it; readers see
/// no change.
///
/// # Errors
/// The system's, if there is none.
pub fn reserve(file: &File, end: u64) -> io::Result<()> {
    use rustix::io::Errno;
    if end == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, end) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a folder, and those above it, for nobody else's eyes.
///
/// # Errors
/// The system's.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Whether files can be made in `folder`; nothing is.
///
/// # Errors
/// Why not.
pub fn may_write_in(folder: &Path) -> io::Result<()> {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(io::Error::from)
}

/// What a file of several names is, and what to do.
pub const SEVERAL_NAMES: &str = "one of several names of a file (hard links), and whoever reads \
    another one would keep the old keys; remove the others: find FOLDER -samefile FILE shows them";

/// How many names a file has.
///
/// # Errors
/// The system's.
pub fn names(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.nlink())
}

/// Tells a file from the one that took its place.
#[must_use]
pub fn stamp(found: &Metadata) -> u64 {
    found.ino()
}
