//! The password that the controller binds with, read anew for each bind, so that a new one counts
//! from the next connection on.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use keyroll::secret::Password;
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

/// Where the password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// A file of its own.
    File(PathBuf),
    /// A systemd credential of this name (systemd.exec, `LoadCredential=`).
    Credential(String),
}

/// The password cannot be had. Never holds any of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bind password ({source_name}) cannot be used: {why}")]
pub struct NoPassword {
    /// The file or the credential.
    pub source_name: String,
    /// Why, and what to do.
    pub why: String,
}

/// AD allows 256 characters; a longer file is another file.
const LONGEST: u64 = 1024;

impl PasswordSource {
    /// Reads the password.
    ///
    /// # Errors
    /// [`NoPassword`] if it is missing, empty, too long, no text, or a file that others than its
    /// owner may read.
    pub fn read(&self) -> Result<Password, NoPassword> {
        let bad = |why: String| NoPassword {
            source_name: self.to_string(),
            why,
        };
        let path = self.path().map_err(bad)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|error| bad(error.to_string()))?;
        let state = rustix::fs::fstat(&file).map_err(|error| bad(error.to_string()))?;
        // systemd makes credentials 0400 itself, or 0440 with a group of its own.
        if matches!(self, Self::File(_)) && state.st_mode & 0o077 != 0 {
            return Err(bad(format!(
                "others may read it; chmod 600 {}",
                path.display()
            )));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
        std::fs::File::from(file)
            .take(LONGEST + 1)
            .read_to_end(&mut text)
            .map_err(|error| bad(error.to_string()))?;
        if text.len() as u64 > LONGEST {
            return Err(bad(format!("it is longer than {LONGEST} bytes")));
        }
        let text = std::str::from_utf8(&text).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        // An empty password would be an anonymous bind, which succeeds (RFC 4513 section 5.1.2).
        if text.is_empty() || text.contains('\0') {
            return Err(bad("it is empty or holds a NUL".to_owned()));
        }
        Ok(Password::new(text.to_owned()))
    }

    fn path(&self) -> Result<PathBuf, String> {
        match self {
            Self::File(path) => Ok(path.clone()),
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    format!("no credentials were given; add LoadCredential={name}:PATH to the unit")
                })?;
                Ok(PathBuf::from(folder).join(name))
            }
        }
    }
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Credential(name) => write!(f, "systemd credential {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], mode: u32) -> Result<Password, NoPassword> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        PasswordSource::File(path).read()
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_it() {
        for bytes in [&b"pass word"[..], b"pass word\n", b"pass word\r\n"] {
            assert_eq!(check(bytes, 0o600).unwrap().expose(), "pass word");
        }
    }

    #[test]
    fn what_is_no_safe_password_is_refused_without_showing_it() {
        let long = vec![b'x'; 2000];
        let cases: [(&[u8], u32); 6] = [
            (b"canary", 0o640),
            (b"canary", 0o604),
            (b"", 0o600),
            (b"\n", 0o600),
            (b"canary\xff", 0o600),
            (&long, 0o600),
        ];
        for (bytes, mode) in cases {
            let error = check(bytes, mode).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
