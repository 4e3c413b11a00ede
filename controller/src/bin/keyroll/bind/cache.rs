//! Where `kinit` left the ticket, by the name of the credential cache (MIT krb5, `doc/basic/
//! ccache_def`): a file, or one of a folder's. The rest is memory of the kernel's or of a daemon's.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A credential cache that is no file, or that cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("KRB5CCNAME is {name:?}: {why}")]
pub struct Foreign {
    name: String,
    why: String,
}

impl Foreign {
    /// How to come by a ticket in a file.
    pub fn next(&self) -> String {
        "export KRB5CCNAME=FILE:$HOME/.krb5cc, then kinit".to_owned()
    }
}

/// The file of the cache that `KRB5CCNAME` names. Without that name it is MIT's default; where
/// krb5.conf names another (`default_ccache_name`), it is not there, and `kinit -c` puts it there.
///
/// # Errors
/// [`Foreign`].
pub fn file(named: Option<OsString>) -> Result<PathBuf, Foreign> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        let user = rustix::process::getuid().as_raw();
        return Ok(PathBuf::from(format!("/tmp/krb5cc_{user}")));
    };
    let text = named.to_string_lossy();
    let foreign = |why: String| Foreign {
        name: text.clone().into_owned(),
        why,
    };
    match text.split_once(':') {
        Some(("FILE", path)) => Ok(PathBuf::from(path)),
        // One file of a folder, named itself.
        Some(("DIR", path)) if path.starts_with(':') => Ok(PathBuf::from(&path[1..])),
        Some(("DIR", folder)) => primary(Path::new(folder)).map_err(foreign),
        _ if text.starts_with('/') => Ok(PathBuf::from(&named)),
        Some(("KEYRING", _)) => Err(foreign("that is in the kernel, not in a file".to_owned())),
        Some(("KCM", _)) => Err(foreign("a daemon has that, not a file".to_owned())),
        _ => Err(foreign("only files and folders can be read".to_owned())),
    }
}

/// The folder's file in use, which its file `primary` names; without it, `tkt` (MIT krb5,
/// `cc_dir.c`).
fn primary(folder: &Path) -> Result<PathBuf, String> {
    let named = match fs::read_to_string(folder.join("primary")) {
        Ok(named) => named,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "tkt".to_owned(),
        Err(error) => return Err(format!("its file `primary` cannot be read: {error}")),
    };
    let name = named.trim_end_matches('\n');
    if !name.starts_with("tkt") || name.contains('/') {
        return Err("its file `primary` names no cache".to_owned());
    }
    Ok(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Result<PathBuf, Foreign> {
        file(Some(name.into()))
    }

    #[test]
    fn a_cache_is_a_file_or_says_how_to_make_it_one() {
        assert_eq!(of("FILE:/tmp/x").unwrap(), Path::new("/tmp/x"));
        assert_eq!(of("/tmp/x").unwrap(), Path::new("/tmp/x"));
        assert_eq!(of("DIR::/run/cc/tktA").unwrap(), Path::new("/run/cc/tktA"));
        assert!(of("").unwrap().starts_with("/tmp"));
        for other in ["KEYRING:persistent:0", "KCM:", "API:1", "MEMORY:x", "x"] {
            let error = of(other).unwrap_err();
            assert!(error.to_string().contains(other), "{error}");
            assert!(error.next().contains("KRB5CCNAME=FILE:"), "{error}");
        }
    }

    #[test]
    fn a_folder_names_the_file_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("DIR:{}", folder.path().display());
        assert_eq!(of(&name).unwrap(), folder.path().join("tkt"));
        let primary = folder.path().join("primary");
        fs::write(&primary, "tktAbCdEf\n").unwrap();
        assert_eq!(of(&name).unwrap(), folder.path().join("tktAbCdEf"));
        for outside in ["tkt/../../other", "other", "", "/etc/passwd"] {
            fs::write(&primary, outside).unwrap();
            assert!(of(&name).is_err(), "{outside}");
        }
    }
}
