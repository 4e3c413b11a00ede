//! Replacing a file such that every reader, and every crash, finds the old one or the new one.
//!
//! A temporary file in the same folder, created with mode 0600, gets its owner, ACL, label and
//! mode before the first secret byte; then the bytes, an fsync, a read-back, the rename and an
//! fsync of the folder. Everything that can fail for lack of room fails before the rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keyroll::keytab::framing::MAX_FILE;
use keyroll::secret::SecretBytes;
use rustix::fs::{FallocateFlags, Gid, Mode, OFlags, Uid, XattrFlags};
use zeroize::Zeroizing;

use crate::effect;

const ACL: &str = "system.posix_acl_access";
const LABEL: &str = "security.selinux";

/// How files are opened: a link is not followed, and a pipe in the file's place blocks nobody.
pub const SAFE_OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);

/// The permission bits that a file with keys may have: its owner's and one group's.
pub const FITTING: u32 = 0o660;

/// Who may read a file. What is not given is taken from the file that is replaced, or else is
/// the agent's own user and group and mode 0600.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Access {
    /// The owner's number.
    pub owner: Option<u32>,
    /// The group's number.
    pub group: Option<u32>,
    /// The permission bits.
    pub mode: Option<u32>,
}

impl Access {
    /// Nobody but the agent.
    pub const PRIVATE: Self = Self {
        owner: None,
        group: None,
        mode: Some(0o600),
    };
}

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The path is not what it must be.
    #[error("{} is {what}", path.display())]
    Unfit {
        /// Which path.
        path: PathBuf,
        /// What it is, and what it should be.
        what: &'static str,
    },
    /// The disk gave back something else than was written.
    #[error("{}: what was read back differs from what was written", path.display())]
    Differs {
        /// Which file.
        path: PathBuf,
    },
}

impl FileError {
    /// The system's answer to `action` on `path`.
    pub fn system(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        Self::System {
            action,
            path,
            source,
        }
    }

    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        let missing = io::ErrorKind::NotFound;
        matches!(self, Self::System { source, .. } if source.kind() == missing)
    }
}

/// A new content, whole on disk beside the file that it will replace. Dropped without
/// [`Prepared::commit`], it is removed.
#[derive(Debug)]
pub struct Prepared {
    temporary: PathBuf,
    path: PathBuf,
    committed: bool,
}

/// Everything of a replacement but the rename.
///
/// # Errors
/// [`FileError`]; the old file is untouched.
pub fn prepare(path: &Path, bytes: &SecretBytes, access: Access) -> Result<Prepared, FileError> {
    let old = existing(path)?;
    remove_leftovers(path)?;
    let temporary = temporary_beside(path)?;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(SAFE_OPEN.bits().cast_signed());
    let mut file = effect::create(&mut options, &temporary)
        .map_err(|error| FileError::system("create", &temporary, error))?;
    let prepared = Prepared {
        temporary,
        path: path.to_owned(),
        committed: false,
    };
    let failed = |action| {
        let temporary = prepared.temporary.clone();
        move |error: io::Error| FileError::system(action, &temporary, error)
    };
    set_access(&file, path, old.as_ref(), access).map_err(failed("set the access of"))?;
    let content = bytes.expose();
    reserve(&file, content.len()).map_err(failed("reserve room for"))?;
    effect::write(&file, content).map_err(failed("write"))?;
    effect::sync(&file).map_err(failed("sync"))?;
    file.rewind().map_err(failed("rewind"))?;
    if !read_open(&file)
        .map_err(failed("read back"))?
        .same_as(bytes)
    {
        return Err(FileError::Differs {
            path: path.to_owned(),
        });
    }
    Ok(prepared)
}

impl Prepared {
    /// Puts the new file in the old one's place, durably.
    ///
    /// # Errors
    /// [`FileError`]; the old file is then still in its place, or the new one is.
    pub fn commit(mut self) -> Result<(), FileError> {
        effect::rename(&self.temporary, &self.path)
            .map_err(|error| FileError::system("replace", &self.path, error))?;
        self.committed = true;
        sync_folder(&self.path)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.committed {
            // A leftover is found and removed by the next replacement too.
            let _ = effect::remove(&self.temporary);
        }
    }
}

/// [`prepare`] and [`Prepared::commit`] in one.
///
/// # Errors
/// [`FileError`]; the file is the old one or the new one.
pub fn replace(path: &Path, bytes: &SecretBytes, access: Access) -> Result<(), FileError> {
    prepare(path, bytes, access)?.commit()
}

/// Reads a file whole, up to [`MAX_FILE`] bytes and one more, so that the reader of its content
/// can tell that it is too large.
///
/// # Errors
/// [`FileError::System`].
pub fn read(path: &Path) -> Result<SecretBytes, FileError> {
    let failed = |error| FileError::system("read", path, error);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(SAFE_OPEN.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        let what = "not a regular file";
        return Err(FileError::Unfit {
            path: path.to_owned(),
            what,
        });
    }
    read_open(&file).map_err(failed)
}

/// [`read`] of a file that is open already, from where it stands.
///
/// # Errors
/// The system's.
pub fn read_open(file: &File) -> io::Result<SecretBytes> {
    let most = u64::try_from(MAX_FILE + 1).unwrap_or(u64::MAX);
    let size = file.metadata()?.len().min(most);
    // Room for all of it at once: a vector that grows leaves copies behind.
    let room = usize::try_from(size).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
}

/// Makes the entry of `path` in its folder durable.
///
/// # Errors
/// [`FileError::System`].
pub fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path)?;
    File::open(folder)
        .and_then(|folder| effect::sync(&folder))
        .map_err(|error| FileError::system("sync the folder", folder, error))
}

/// The file that will be replaced, if there is one.
fn existing(path: &Path) -> Result<Option<fs::Metadata>, FileError> {
    let unfit = |what| FileError::Unfit {
        path: path.to_owned(),
        what,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_symlink() => {
            Err(unfit("a symbolic link; name the file that it points to"))
        }
        Ok(_) => Err(unfit("not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::system("look at", path, error)),
    }
}

/// Owner, ACL, label and mode, in the order in which none of them undoes another: a change of
/// owner clears mode bits, and the mode's group bits are the ACL's mask.
fn set_access(
    file: &File,
    path: &Path,
    old: Option<&fs::Metadata>,
    access: Access,
) -> io::Result<()> {
    let own = file.metadata()?;
    let owner = access
        .owner
        .or(old.map(fs::Metadata::uid))
        .unwrap_or(own.uid());
    let group = access
        .group
        .or(old.map(fs::Metadata::gid))
        .unwrap_or(own.gid());
    if (owner, group) != (own.uid(), own.gid()) {
        let (owner, group) = (Uid::from_raw(owner), Gid::from_raw(group));
        rustix::fs::fchown(file, Some(owner), Some(group))?;
    }
    match old.map(|_| attribute(path, ACL)).transpose()?.flatten() {
        Some(acl) => rustix::fs::fsetxattr(file, ACL, &acl, XattrFlags::empty())?,
        // A default ACL of the folder must not open a file of keys to anybody.
        None => unless_absent(rustix::fs::fremovexattr(file, ACL))?,
    }
    let label = old.map(|_| attribute(path, LABEL)).transpose()?.flatten();
    if let Some(label) = label.filter(|label| !has_label(file, label)) {
        rustix::fs::fsetxattr(file, LABEL, &label, XattrFlags::empty())?;
    }
    let mode = access.mode.or(old.map(fs::Metadata::mode)).unwrap_or(0o600) & FITTING;
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    Ok(())
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

/// Makes sure that there is room, where the file system can promise it.
fn reserve(file: &File, size: usize) -> io::Result<()> {
    use rustix::io::Errno;
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if size == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, size) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn folder_of(path: &Path) -> Result<&Path, FileError> {
    let unfit = || FileError::Unfit {
        path: path.to_owned(),
        what: "not a path of a file in a folder",
    };
    match path.parent().ok_or_else(unfit)? {
        // A bare name, as a person writes it on the command line.
        here if here.as_os_str().is_empty() => Ok(Path::new(".")),
        folder => Ok(folder),
    }
}

/// What the names of temporary files for `path` begin with.
fn temporary_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.keyroll-")
}

fn temporary_beside(path: &Path) -> Result<PathBuf, FileError> {
    let random: u64 = rand::random();
    Ok(folder_of(path)?.join(format!("{}{random:016x}", temporary_prefix(path))))
}

/// Removes what an interrupted replacement of `path` left behind: it holds keys.
fn remove_leftovers(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path)?;
    let failed = |error| FileError::system("list", folder, error);
    let prefix = temporary_prefix(path);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let leftover = entry.path();
            effect::remove(&leftover)
                .map_err(|error| FileError::system("remove", &leftover, error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_a_file_of_this_folder() {
        let folder = |path| folder_of(Path::new(path)).unwrap().to_owned();
        assert_eq!(folder("node1.csr"), Path::new("."));
        assert_eq!(folder("/etc/krb5.keytab"), Path::new("/etc"));
        assert!(folder_of(Path::new("/")).is_err());
    }
}
