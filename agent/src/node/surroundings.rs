//! What is around a keytab file: copies that others left beside it, and a folder in which others
//! may put another file in its place.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::platform;

/// How a keytab begins: five, and the format's version (MIT krb5, `keytab_file_format`).
const BEGINNINGS: [[u8; 2]; 2] = [[5, 1], [5, 2]];
/// How many copies are named.
const NAMED: usize = 20;

/// What is around a keytab file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Other files beside it that are keytabs and have its name within theirs: backups, and what
    /// an interrupted replacement left. They hold keys, today's or old ones.
    pub leftovers: Vec<PathBuf>,
    /// Why others may put another file in its place, if they may.
    pub folder: Option<String>,
}

impl Surroundings {
    /// Looks at what is around `path`; `known` are the files that belong there. What cannot be
    /// listed shows nothing.
    #[must_use]
    pub fn of(path: &Path, known: &[PathBuf]) -> Self {
        let Some(folder) = path.parent() else {
            return Self::default();
        };
        Self {
            leftovers: leftovers(path, folder, known),
            folder: platform::open_folder(folder),
        }
    }
}

fn leftovers(path: &Path, folder: &Path, known: &[PathBuf]) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let beside = entries.flatten().filter(|entry| {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        let other = other.trim_start_matches('.');
        // `web.keytab2` is another's.
        let rest = other.strip_prefix(name.trim_start_matches('.'));
        rest.is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
    });
    let paths = beside.map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths
        .filter(|other| !known.contains(other) && is_keytab(other))
        .take(NAMED)
        .collect();
    found.sort();
    found
}

/// Whether it is a file, and begins as a keytab does.
fn is_keytab(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let mut beginning = [0; 2];
    let read = is_file
        && File::open(path)
            .and_then(|mut file| file.read_exact(&mut beginning))
            .is_ok();
    read && BEGINNINGS.contains(&beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_found_and_what_belongs_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, content) in [
            ("web.keytab", &b"\x05\x02"[..]),
            ("web.keytab.bak", b"\x05\x02 keys"),
            (".web.keytab.keyroll-00", b"\x05\x02 keys"),
            ("web.keytab.client", b"\x05\x02 keys"),
            ("web.keytab.txt", b"a note"),
            ("web.keytab.empty", b""),
            ("web.keytab2", b"\x05\x02 keys"),
            ("other.keytab", b"\x05\x02 keys"),
        ] {
            fs::write(at(name), content).unwrap();
        }
        fs::create_dir(at("web.keytab.d")).unwrap();
        let known = [at("web.keytab"), at("web.keytab.client")];
        let found = Surroundings::of(&at("web.keytab"), &known);
        let expected = [at(".web.keytab.keyroll-00"), at("web.keytab.bak")];
        assert_eq!(found.leftovers, expected);
        assert_eq!(found.folder, None);
        let nowhere = Surroundings::of(&at("none/web.keytab"), &[]);
        assert_eq!(nowhere, Surroundings::default());
    }

    #[cfg(windows)]
    #[test]
    fn a_folder_that_others_may_change_is_told() {
        use keyroll_windows::access::Descriptor;
        use std::os::windows::fs::OpenOptionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        // READ_CONTROL and WRITE_DAC; FILE_FLAG_BACKUP_SEMANTICS, for a folder.
        let mut options = fs::OpenOptions::new();
        let options = options.access_mode(0x6_0000).custom_flags(0x200_0000);
        let opened = options.open(folder.path()).unwrap();
        let told = |list: &str| {
            Descriptor::parse(list).unwrap().give(&opened).unwrap();
            Surroundings::of(&folder.path().join("web.keytab"), &[]).folder
        };
        assert_eq!(told("D:P(A;;FA;;;SY)(A;;FA;;;BA)"), None);
        let said = told("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)").unwrap();
        assert!(
            said.contains("may be changed by Everyone, so another file"),
            "{said}"
        );
        // Whoever reads takes nothing's place; whoever adds a file or folder takes a free name.
        assert_eq!(told("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;WD)"), None);
        for adds in ["0x2", "0x4"] {
            let list = format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;{adds};;;WD)");
            assert!(told(&list).unwrap().contains("Everyone"), "{adds}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_write_to_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let told = |mode: u32| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            Surroundings::of(&folder.path().join("web.keytab"), &[]).folder
        };
        assert_eq!(told(0o755), None);
        assert!(told(0o757).unwrap().contains("0757"));
        // Nobody removes there what is another's.
        assert_eq!(told(0o1777), None);
        assert_eq!(told(0o700), None);
    }
}
