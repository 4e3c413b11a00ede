//! Files that a command reads and writes: secrets into wiped buffers, private files as 0600.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use keyroll_controller::publish;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// No password or keytab is larger; a larger file is a wrong file.
const LONGEST_SECRET: usize = 1 << 20;

/// Refuses a private key that others can read.
///
/// # Errors
/// Names the command that mends it.
pub fn demand_private(key: &Path) -> Result<(), Trouble> {
    let metadata = fs::metadata(key).map_err(|error| Trouble::unreadable(key, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let key = key.display();
    let what = format!("the private key {key} is open to others (mode {mode:04o}): not used");
    Err(Trouble::new(Exit::Settings, "key-not-private", what).next(format!("chmod 600 {key}")))
}

/// Reads a secret whole, from standard input if the path is `-`.
///
/// # Errors
/// A file that cannot be read, is empty, or is too large to be what it should be.
pub fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    // The full size at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET + 1));
    let limit = LONGEST_SECRET as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| Trouble::unreadable(path, &error))?;
    let bad = |what: &str| {
        Trouble::new(
            Exit::BadInput,
            "bad-file",
            format!("{} {what}", path.display()),
        )
    };
    match bytes.len() {
        0 => Err(bad("is empty")),
        1..=LONGEST_SECRET => Ok(bytes),
        _ => Err(bad("is larger than 1 MiB")),
    }
}

/// Reads a password: one line, UTF-8, without its line end.
///
/// # Errors
/// As [`secret`], and text of several lines or not UTF-8.
pub fn password(path: &Path) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let mut bytes = secret(path)?;
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    let one_line = std::str::from_utf8(&bytes)
        .is_ok_and(|text| !text.is_empty() && !text.contains(['\n', '\r', '\0']));
    if one_line {
        return Ok(bytes);
    }
    let what = format!("{} is not one line of UTF-8 text", path.display());
    Err(Trouble::new(Exit::BadInput, "bad-file", what))
}

/// Reads a file that is no secret.
///
/// # Errors
/// A file that cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|error| Trouble::unreadable(path, &error))
}

/// Gives a file that root made to the owner of its folder: `sudo keyroll operator add` writes into
/// the folder of an operator, who could not read the key otherwise.
fn hand_over(file: &fs::File, path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let owner = fs::metadata(folder.unwrap_or(Path::new(".")))?;
    if file.metadata()?.uid() == 0 && owner.uid() != 0 {
        fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// Writes a new file that only its owner, who is the owner of the folder, can read; a file already
/// there is never replaced.
///
/// # Errors
/// A file that exists or cannot be written; what was begun is removed again.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(|error| Trouble::unwritable(path, &error))?;
    hand_over(&file, path)
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            // What is left of it may hold half a secret.
            let _ = fs::remove_file(path);
            Trouble::unwritable(path, &error)
        })
}

/// A file that only its owner can read, and that has its name only once it is whole and on disk.
pub struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    file: fs::File,
    finished: bool,
}

impl NewFile {
    /// Begins a file at `path`, beside it for now.
    ///
    /// # Errors
    /// A file that exists or cannot be written.
    pub fn begin(path: &Path) -> Result<Self, Trouble> {
        let unwritable = |error: io::Error| Trouble::unwritable(path, &error);
        if path.try_exists().map_err(unwritable)? {
            return Err(unwritable(io::ErrorKind::AlreadyExists.into()));
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.part", std::process::id()));
        let beside = PathBuf::from(beside);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .map_err(unwritable)?;
        let new = Self {
            path: path.to_owned(),
            beside,
            file,
            finished: false,
        };
        hand_over(&new.file, path).map_err(unwritable)?;
        Ok(new)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.file
            .write_all(bytes)
            .map_err(|error| Trouble::unwritable(&self.path, &error))
    }

    /// Gives it its name, durably.
    ///
    /// # Errors
    /// It cannot be made durable, or somebody else made a file of that name meanwhile.
    pub fn finish(mut self) -> Result<(), Trouble> {
        self.file
            .sync_all()
            .and_then(|()| publish::give_name(&self.beside, &self.path))
            .map_err(|error| Trouble::unwritable(&self.path, &error))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // What was cut off is of no use to anybody.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Writes a file that anyone may read, such as a certificate.
///
/// # Errors
/// A file that cannot be written.
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    fs::File::create(path)
        .and_then(|mut file| hand_over(&file, path).and_then(|()| file.write_all(bytes)))
        .map_err(|error| Trouble::unwritable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn a_password_is_one_line_without_its_end() {
        assert_eq!(*password(file(b"s3cret\r\n").path()).unwrap(), b"s3cret");
        for bad in [&b""[..], b"\n", b"a\nb\n", b"\xff\n"] {
            let trouble = password(file(bad).path()).unwrap_err();
            assert_eq!(trouble.exit, Exit::BadInput.number(), "{bad:?}");
        }
    }

    #[test]
    fn a_private_file_is_private_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.key");
        write_private(&path, b"key").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let trouble = write_private(&path, b"other").unwrap_err();
        assert_eq!(trouble.exit, Exit::CannotWrite.number());
        assert_eq!(fs::read(&path).unwrap(), b"key");
    }

    #[test]
    fn a_new_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        let left = || fs::read_dir(folder.path()).unwrap().count();
        let mut cut_off = NewFile::begin(&path).unwrap();
        cut_off.write(b"half").unwrap();
        assert!(!path.exists());
        drop(cut_off);
        assert_eq!(left(), 0);
        let mut file = NewFile::begin(&path).unwrap();
        file.write(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), left()), (b"whole".to_vec(), 1));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let trouble = NewFile::begin(&path).err().unwrap();
        assert_eq!(trouble.exit, Exit::CannotWrite.number());
    }

    #[test]
    fn an_open_key_is_refused_with_the_command() {
        let key = file(b"key");
        fs::set_permissions(key.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let trouble = demand_private(key.path()).unwrap_err();
        assert_eq!(trouble.next, format!("chmod 600 {}", key.path().display()));
        fs::set_permissions(key.path(), fs::Permissions::from_mode(0o600)).unwrap();
        demand_private(key.path()).unwrap();
    }
}
