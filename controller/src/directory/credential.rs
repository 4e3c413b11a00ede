//! What the controller or an operator logs in with, read anew for each login, so that a new one
//! counts from the next connection on.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyroll::kerberos::ccache;
use keyroll::kerberos::message::Credential;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::keytab::framing::MAX_FILE;
use keyroll::keytab::held;
use keyroll::secret::{Password, SecretBytes};
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

/// What is logged in with, and where it is.
#[derive(Debug, Clone)]
pub enum CredentialSource {
    /// The account's password, as text.
    Password(Place),
    /// Its keys.
    Keytab(Place),
    /// The first ticket that `kinit` left in a credential cache.
    Cache(PathBuf),
}

/// Where a credential is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of its own.
    File(PathBuf),
    /// A systemd credential of this name (systemd.exec, `LoadCredential=`).
    Systemd(String),
    /// Here: it was typed, or came on standard input.
    Given(Arc<SecretBytes>),
}

/// A credential that was read.
#[derive(Debug)]
pub enum OwnCredential {
    /// A password.
    Password(Password),
    /// The keys of the newest kvno and, if there is one, of the kvno before it: whoever changes
    /// the account's password writes the keytab a little before or after. More are not tried,
    /// since each wrong one counts as a failed login.
    Keys(Vec<Generation>),
    /// A first ticket: somebody has logged in with it already.
    Ticket(Box<Credential>),
}

/// The keys of one password.
#[derive(Debug)]
pub struct Generation {
    /// Its number.
    pub kvno: Kvno,
    /// Its AES keys, at least one.
    pub keys: Vec<Key>,
}

/// The credential cannot be had. Never holds any of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bind {source_name} cannot be used: {why}")]
pub struct NoCredential {
    /// The file or the credential.
    pub source_name: String,
    /// Why, and what to do.
    pub why: String,
}

/// AD allows 256 characters; a longer file is another file.
const LONGEST_PASSWORD: usize = 1024;
/// How many generations of a keytab are tried.
const GENERATIONS: usize = 2;
/// What a key may be of: AD has no other AES keys, and takes nothing weaker from us.
pub(super) const ENCTYPES: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];

impl CredentialSource {
    /// Reads the credential of `principal`.
    ///
    /// # Errors
    /// [`NoCredential`] if it is missing, empty, too long, a file that others than its owner may
    /// read, no text (a password), damaged or without an AES key of `principal` (a keytab).
    pub fn read(&self, principal: &Principal) -> Result<OwnCredential, NoCredential> {
        let bad = |why: String| NoCredential {
            source_name: self.to_string(),
            why,
        };
        match self {
            Self::Password(place) => {
                let bytes = place.read(LONGEST_PASSWORD).map_err(bad)?;
                password(&bytes)
                    .map(OwnCredential::Password)
                    .map_err(|why| bad(why.to_owned()))
            }
            Self::Keytab(place) => {
                let bytes = place.read(MAX_FILE).map_err(bad)?;
                generations(&bytes, principal)
                    .map(OwnCredential::Keys)
                    .map_err(bad)
            }
            Self::Cache(path) => {
                let ticket = cached(path).map_err(bad)?;
                if ticket.client == *principal {
                    return Ok(OwnCredential::Ticket(Box::new(ticket)));
                }
                let owner = &ticket.client;
                Err(bad(format!("it is {owner}'s; kinit {principal}")))
            }
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, place) = match self {
            Self::Password(place) => ("password", place),
            Self::Keytab(place) => ("keytab", place),
            Self::Cache(path) => return write!(f, "credential cache ({})", path.display()),
        };
        match place {
            Place::Given(_) => write!(f, "{what} that was given"),
            place => write!(f, "{what} ({place})"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Systemd(name) => write!(f, "systemd credential {name}"),
            Self::Given(_) => f.write_str("what was given"),
        }
    }
}

impl Place {
    /// The systemd credential of this name.
    ///
    /// # Errors
    /// In words, if that is no name of one.
    pub(crate) fn systemd(name: &str) -> Result<Self, String> {
        if name.is_empty() || name.contains('/') {
            return Err("a systemd credential's name has no '/'".to_owned());
        }
        Ok(Self::Systemd(name.to_owned()))
    }

    /// What is there, whole and at most `longest` bytes of it.
    ///
    /// # Errors
    /// In words, if it is missing, longer, or a file that others than its owner may read.
    pub(crate) fn read(&self, longest: usize) -> Result<SecretBytes, String> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Systemd(name) => systemd_credential(name)?,
            Self::Given(bytes) if bytes.expose().len() <= longest => return Ok(bytes.duplicate()),
            Self::Given(_) => return Err(format!("it is longer than {longest} bytes")),
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file =
            rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| error.to_string())?;
        let state = rustix::fs::fstat(&file).map_err(|error| error.to_string())?;
        // systemd makes credentials 0400 itself, or 0440 with a group of its own.
        if matches!(self, Self::File(_)) && state.st_mode & 0o077 != 0 {
            return Err(format!("others may read it; chmod 600 {}", path.display()));
        }
        // Room for one byte more than is allowed, so that the vector never grows and leaves an
        // unwiped copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 1));
        std::fs::File::from(file)
            .take(longest as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if bytes.len() > longest {
            return Err(format!("it is longer than {longest} bytes"));
        }
        Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
    }
}

fn systemd_credential(name: &str) -> Result<PathBuf, String> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        format!("no credentials were given; add LoadCredential={name}:PATH to the unit")
    })?;
    Ok(PathBuf::from(folder).join(name))
}

/// The first ticket in a credential cache: `kinit`'s file, which nobody but its owner may read.
///
/// # Errors
/// Why there is none, in words; never anything of the file.
pub fn cached(path: &Path) -> Result<Credential, String> {
    let bytes = Place::File(path.to_owned()).read(ccache::MAX_FILE)?;
    ccache::first_ticket(bytes.expose()).map_err(|error| error.to_string())
}

fn password(bytes: &SecretBytes) -> Result<Password, &'static str> {
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| "it is not UTF-8")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    // An empty password would be an anonymous bind, which succeeds (RFC 4513 section 5.1.2).
    if text.is_empty() || text.contains('\0') {
        return Err("it is empty or holds a NUL");
    }
    Ok(Password::new(text.to_owned()))
}

fn generations(bytes: &SecretBytes, principal: &Principal) -> Result<Vec<Generation>, String> {
    let entries = held::entries(bytes.expose()).map_err(|error| error.to_string())?;
    let mut ours: Vec<(Kvno, Key)> = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.principal == *principal)
        .filter_map(|entry| Some((entry.kvno, entry.known_key()?)))
        .filter(|(_, key)| ENCTYPES.contains(&key.enctype()))
        .collect();
    ours.sort_by_key(|(kvno, _)| std::cmp::Reverse(*kvno));
    let mut found: Vec<Generation> = Vec::new();
    for (kvno, key) in ours {
        match found.last_mut() {
            Some(last) if last.kvno == kvno => last.keys.push(key),
            _ => found.push(Generation {
                kvno,
                keys: vec![key],
            }),
        }
    }
    found.truncate(GENERATIONS);
    if found.is_empty() {
        return Err(format!(
            "it has no AES key of {principal}; klist -ke shows what it has"
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use keyroll::keyset::Role;
    use keyroll::keytab::Wanted;
    use keyroll::keytab::edit::whole_file;

    use super::*;

    #[track_caller]
    fn check(
        source: fn(Place) -> CredentialSource,
        bytes: &[u8],
        mode: u32,
    ) -> Result<OwnCredential, NoCredential> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credential");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        source(Place::File(path)).read(&own())
    }

    fn own() -> Principal {
        "svc-keyroll@CORP.EXAMPLE".parse().unwrap()
    }

    /// A keytab of entries: principal, kvno, enctype, the byte that its key is made of.
    fn keytab(entries: &[(&str, u32, Enctype, u8)]) -> Vec<u8> {
        let entries: Vec<(Principal, Kvno, Key)> = entries
            .iter()
            .map(|(principal, kvno, enctype, byte)| {
                let key = SecretBytes::new(vec![*byte; enctype.key_length()]);
                let key = Key::new(*enctype, key).unwrap();
                (principal.parse().unwrap(), Kvno(*kvno), key)
            })
            .collect();
        let wanted: Vec<Wanted<'_>> = entries
            .iter()
            .map(|(principal, kvno, key)| Wanted {
                principal,
                role: Role::Current,
                kvno: *kvno,
                key,
            })
            .collect();
        whole_file(&wanted, 0).unwrap().expose().to_vec()
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_it() {
        for bytes in [&b"pass word"[..], b"pass word\n", b"pass word\r\n"] {
            match check(CredentialSource::Password, bytes, 0o600).unwrap() {
                OwnCredential::Password(password) => assert_eq!(password.expose(), "pass word"),
                other => panic!("a password was taken for {other:?}"),
            }
        }
    }

    #[test]
    fn r10_what_is_no_safe_credential_is_refused_without_showing_it() {
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
            for source in [CredentialSource::Password, CredentialSource::Keytab] {
                let error = check(source, bytes, mode).unwrap_err().to_string();
                assert!(!error.contains("canary"), "{error}");
            }
        }
    }

    #[test]
    fn the_two_newest_generations_of_the_account_itself_are_taken() {
        use Enctype::{Aes128CtsHmacSha1, Aes256CtsHmacSha1, Rc4Hmac};
        let bytes = keytab(&[
            ("svc-keyroll@CORP.EXAMPLE", 3, Aes256CtsHmacSha1, 3),
            ("svc-keyroll@CORP.EXAMPLE", 300, Aes128CtsHmacSha1, 5),
            ("svc-keyroll@CORP.EXAMPLE", 300, Aes256CtsHmacSha1, 6),
            ("svc-keyroll@CORP.EXAMPLE", 299, Aes256CtsHmacSha1, 4),
            ("svc-keyroll@CORP.EXAMPLE", 301, Rc4Hmac, 7),
            ("svc-other@CORP.EXAMPLE", 400, Aes256CtsHmacSha1, 8),
        ]);
        let read = check(CredentialSource::Keytab, &bytes, 0o600).unwrap();
        let OwnCredential::Keys(found) = read else {
            panic!("a keytab was taken for a password");
        };
        let found: Vec<(u32, Vec<u8>)> = found
            .iter()
            .map(|one| {
                (
                    one.kvno.0,
                    one.keys.iter().map(|key| key.expose()[0]).collect(),
                )
            })
            .collect();
        assert_eq!(found, [(300, vec![5, 6]), (299, vec![4])]);
    }

    #[test]
    fn a_keytab_without_the_accounts_key_says_so() {
        let bytes = keytab(&[("svc-other@CORP.EXAMPLE", 4, Enctype::Aes256CtsHmacSha1, 8)]);
        let error = check(CredentialSource::Keytab, &bytes, 0o600).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("the bind keytab"), "{error}");
        assert!(error.contains("svc-keyroll@CORP.EXAMPLE"), "{error}");
    }
}
