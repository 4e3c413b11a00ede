//! The password that the controller binds with, read anew for each bind, so that a new one counts
//! from the next connection on.

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyroll::name::DcName;
use keyroll::secret::{Password, SecretBytes};
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

/// Passwords that a domain controller has called wrong. Each try counts as a bad password, so the
/// same one is not shown to it again for a while: a wrong password in a file must not lock the
/// controller's account out.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<DcName, (SecretBytes, Instant)>>);

/// How long a password that was called wrong is not tried again. The usual window in which bad
/// passwords are added up is half an hour.
const PAUSE: Duration = Duration::from_secs(40 * 60);

impl Refusals {
    /// Whether the password may be shown to `dc`.
    ///
    /// # Errors
    /// In words, if it was called wrong lately.
    pub fn check(&self, dc: &DcName, password: &Password) -> Result<(), String> {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(dc) {
            Some((wrong, since)) if since.elapsed() < PAUSE && wrong.same_as(&bytes(password)) => {
                let left = PAUSE.saturating_sub(since.elapsed()).as_secs() / 60;
                Err(format!(
                    "this password was wrong before; so as not to lock the account out it is not \
                     tried again for {left} min unless it changes"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Notes that `dc` called the password wrong.
    pub fn note(&self, dc: &DcName, password: &Password) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(dc.clone(), (bytes(password), Instant::now()));
    }
}

fn bytes(password: &Password) -> SecretBytes {
    SecretBytes::new(password.expose().as_bytes().to_vec())
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

    #[test]
    fn a_wrong_password_is_shown_to_a_domain_controller_once() {
        let (refusals, dc) = (Refusals::default(), "dc1.corp.example".parse().unwrap());
        let password = |text: &str| Password::new(text.to_owned());
        refusals.check(&dc, &password("canary")).unwrap();
        refusals.note(&dc, &password("canary"));
        let error = refusals.check(&dc, &password("canary")).unwrap_err();
        assert!(!error.contains("canary"));
        refusals.check(&dc, &password("another")).unwrap();
        refusals
            .check(&"dc2".parse().unwrap(), &password("canary"))
            .unwrap();
    }
}
