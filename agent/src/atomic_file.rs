//! Replacing a file such that every reader, and every crash, finds the old one or the new one.
//!
//! A temporary file in the same folder, made for nobody else's eyes, gets its access before the
//! first secret byte; then the bytes, a sync, a read-back, the rename and a sync of the folder.
//! Everything that can fail for lack of room fails before the rename.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use keyroll::keytab::framing::MAX_FILE;
use keyroll::secret::SecretBytes;
use zeroize::Zeroizing;

pub use crate::platform::Access;
use crate::{effect, platform};

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

    /// Whether the file system may not be written to, here.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let read_only = io::ErrorKind::ReadOnlyFilesystem;
        matches!(self, Self::System { source, .. } if source.kind() == read_only)
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
pub fn prepare(path: &Path, bytes: &SecretBytes, access: &Access) -> Result<Prepared, FileError> {
    let old = existing(path)?;
    clear_folder_of(path)?;
    let temporary = temporary_beside(path)?;
    let mut file = effect::create(&temporary)
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
    platform::set_access(&file, path, old.as_ref(), access).map_err(failed("set the access of"))?;
    let content = bytes.expose();
    let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
    platform::reserve(&file, size).map_err(failed("reserve room for"))?;
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
            // A leftover is found later too: see `remove_leftovers`.
            let _ = wipe(&self.temporary);
        }
    }
}

/// [`prepare`] and [`Prepared::commit`] in one.
///
/// # Errors
/// [`FileError`]; the file is the old one or the new one.
pub fn replace(path: &Path, bytes: &SecretBytes, access: &Access) -> Result<(), FileError> {
    prepare(path, bytes, access)?.commit()
}

/// Reads a file whole, up to [`MAX_FILE`] bytes and one more, so that the reader of its content
/// can tell that it is too large.
///
/// # Errors
/// [`FileError::System`].
pub fn read(path: &Path) -> Result<SecretBytes, FileError> {
    read_by(path, platform::open)
}

/// The same, which waits for nobody who has the file for himself.
///
/// # Errors
/// [`FileError::System`].
pub fn read_now(path: &Path) -> Result<SecretBytes, FileError> {
    read_by(path, platform::open_now)
}

fn read_by(
    path: &Path,
    open: impl Fn(&Path) -> io::Result<File>,
) -> Result<SecretBytes, FileError> {
    let failed = |error| FileError::system("read", path, error);
    let file = open(path).map_err(failed)?;
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
    effect::sync_folder(folder).map_err(|error| FileError::system("sync the folder", folder, error))
}

/// The file that will be replaced, if there is one.
///
/// # Errors
/// [`FileError`], if it is not a file of this one name.
pub fn existing(path: &Path) -> Result<Option<fs::Metadata>, FileError> {
    let unfit = |what| FileError::Unfit {
        path: path.to_owned(),
        what,
    };
    let found = platform::look_at(path).and_then(|file| {
        let names = platform::names(&file)?;
        Ok((file.metadata()?, names))
    });
    match found {
        Ok((found, names)) if found.is_file() && names > 1 => Err(unfit(platform::SEVERAL_NAMES)),
        Ok((found, _)) if found.is_file() => Ok(Some(found)),
        Ok((found, _)) if found.is_symlink() => {
            Err(unfit("a symbolic link; name the file that it points to"))
        }
        Ok(_) => Err(unfit("not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::system("look at", path, error)),
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

/// Wipes what an interrupted replacement of `path` left behind: it holds keys.
///
/// # Errors
/// [`FileError`].
pub fn remove_leftovers(path: &Path) -> Result<(), FileError> {
    match clear_folder_of(path) {
        Err(error) if error.is_missing() => Ok(()),
        outcome => outcome,
    }
}

/// [`remove_leftovers`], of a folder that must be there.
fn clear_folder_of(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path)?;
    let failed = |error| FileError::system("list", folder, error);
    let prefix = temporary_prefix(path);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let leftover = entry.path();
            let Err(error) = wipe(&leftover) else {
                continue;
            };
            // Whoever may write here must not stop every roll by one that cannot be written to,
            // as while it is executed, or by a folder, which holds no keys of ours.
            if effect::remove(&leftover).is_ok() {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                return Err(FileError::system("remove", &leftover, error));
            }
        }
    }
    Ok(())
}

/// Overwrites and removes a file. What is no file, or one of several names, is only unlinked:
/// whoever may write in the folder must not have us wipe another file by a link.
///
/// # Errors
/// The system's.
pub fn wipe(path: &Path) -> io::Result<()> {
    let is_plain =
        |file: &File| Ok::<_, io::Error>(file.metadata()?.is_file() && platform::names(file)? == 1);
    if is_plain(&platform::look_at(path)?)? {
        let file = platform::open_to_write(path)?;
        // It may be another one by now.
        if is_plain(&file)? {
            let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            effect::patch(&file, &vec![0; size.min(MAX_FILE)], 0)?;
            effect::sync_content(&file)?;
        }
    }
    effect::remove(path)
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
