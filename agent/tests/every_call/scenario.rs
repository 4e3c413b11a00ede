//! The writes that are tried: what a file holds before, and what it is to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::{Entry, TargetFilter, TargetKind};
use keyroll::secret::SecretBytes;
use keyroll_agent::atomic_file::{Access, FileError};
use keyroll_agent::keytab_file::{KeytabError, Order, Target, prepare};

use Role::{Current, Pending};
use TargetKind::{Client, Owned, Shared};
use Unlisted::{Keep, Remove};

/// Generations of the array's key.
type Keys = &'static [(Role, u32)];

/// One write of one file.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    kind: TargetKind,
    /// Whether there is an entry of somebody else's.
    foreign: bool,
    /// None: there is no file.
    before: Option<Keys>,
    after: Keys,
    unlisted: Unlisted,
}

const fn scenario(
    name: &'static str,
    kind: TargetKind,
    before: Option<Keys>,
    after: Keys,
) -> Scenario {
    Scenario {
        name,
        kind,
        foreign: matches!(kind, Shared),
        before,
        after,
        unlisted: Remove,
    }
}

const OLD: Keys = &[(Current, 7)];
const BOTH: Keys = &[(Current, 7), (Pending, 8)];
const NEW: Keys = &[(Current, 8)];

/// A stage and a retire of each kind of file, the first write of each, and an account's adoption.
pub const SCENARIOS: [Scenario; 9] = [
    scenario("owned-first", Owned, None, BOTH),
    scenario("owned-staged", Owned, Some(OLD), BOTH),
    scenario("owned-retired", Owned, Some(BOTH), NEW),
    Scenario {
        foreign: true,
        unlisted: Keep,
        ..scenario("owned-adopted", Owned, Some(OLD), &[(Pending, 8)])
    },
    scenario("client-switched", Client, Some(OLD), NEW),
    scenario("shared-first", Shared, None, BOTH),
    scenario("shared-staged", Shared, Some(OLD), BOTH),
    scenario("shared-retired", Shared, Some(BOTH), NEW),
    scenario("shared-renewed", Shared, Some(OLD), NEW),
];

const OURS: &str = "HTTP/web.corp.example@CORP.EXAMPLE";
const THEIRS: &str = "host/node1.corp.example@CORP.EXAMPLE";
/// Whose the files are, where the test may give them away.
const GROUP: u32 = 4242;
const MODE: u32 = 0o640;

/// What a file holds: each entry as text.
pub type Held = BTreeSet<String>;

impl Scenario {
    /// That of a name.
    pub fn of(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|one| one.name == name)
    }

    /// The file that is written.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("krb5.keytab")
    }

    fn target(self, folder: &Path) -> Target {
        let root = rustix::process::geteuid().is_root();
        Target {
            path: Self::path(folder),
            filter: TargetFilter {
                kind: self.kind,
                principals: None,
                enctypes: None,
            },
            access: Access {
                owner: None,
                group: root.then_some(GROUP),
                mode: Some(MODE),
                list: None,
            },
        }
    }

    /// Makes the file as it is before.
    pub fn set_up(self, folder: &Path) -> Result<(), KeytabError> {
        let shared = Self {
            kind: Shared,
            ..self
        };
        let Some(before) = self.before else {
            return Ok(());
        };
        if self.foreign {
            let theirs = keyset(THEIRS, &[(Current, 3)], Keep);
            stage(&shared.target(folder), &theirs)?;
            return stage(&shared.target(folder), &keyset(OURS, before, Keep));
        }
        stage(&self.target(folder), &keyset(OURS, before, Remove))
    }

    /// The write, as the agent does it.
    pub fn write(self, folder: &Path) -> Result<(), KeytabError> {
        let keyset = keyset(OURS, self.after, self.unlisted);
        stage(&self.target(folder), &keyset)
    }

    /// What the agent's next start does about what is left beside the file.
    pub fn start_again(self, folder: &Path) -> Result<(), FileError> {
        self.target(folder).remove_leftovers()
    }

    /// What the file holds; nothing, if it is not there.
    pub fn held(self, folder: &Path) -> Result<Held, String> {
        match fs::read(Self::path(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Held::new()),
            // Made, and not written to yet.
            Ok(bytes) if bytes.is_empty() => return Ok(Held::new()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let entries = self.target(folder).entries();
        let entries = entries.map_err(|error| keyroll_agent::trouble::chain(&error))?;
        let told = |entry: Option<Entry>| {
            let entry = entry.ok_or("an entry that cannot be read")?;
            let (principal, kvno, at) = (&entry.principal, entry.kvno, entry.timestamp);
            let key = entry.key.expose();
            Ok(format!(
                "{principal} {kvno} of {at}: {} {key:?}",
                entry.enctype
            ))
        };
        entries.into_iter().map(told).collect()
    }

    /// Why the file's owner or mode is not as it should be, if it is there.
    pub fn exposed(self, folder: &Path) -> Option<String> {
        let found = fs::metadata(Self::path(folder)).ok()?;
        let (mode, group) = (found.mode() & 0o7777, found.gid());
        let right = self
            .target(folder)
            .access
            .group
            .is_none_or(|wanted| wanted == group);
        (mode != MODE || !right).then(|| format!("mode {mode:o}, group {group}"))
    }

    /// Whether the file gets its new content at once.
    pub fn is_replaced(self) -> bool {
        self.kind != Shared
    }
}

/// What else is in the folder.
pub fn others(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "krb5.keytab")
        .collect()
}

/// A folder of the agent's alone. In memory: what is looked for is each call, not the disk.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").expect("a temporary folder")
}

fn keyset(name: &str, keys: &[(Role, u32)], unlisted: Unlisted) -> Keyset {
    let enctype = Enctype::Aes256CtsHmacSha1;
    let generation = |&(role, kvno): &(Role, u32)| {
        let byte = u8::try_from(kvno).expect("a small kvno");
        let key = SecretBytes::new(vec![byte; enctype.key_length()]);
        GenerationKeys {
            role,
            kvno: Kvno(kvno),
            keys: vec![Key::new(enctype, key).expect("a key of the right length")],
            origin: None,
        }
    };
    Keyset {
        array: "web".parse().expect("a name"),
        epoch: Epoch(1),
        version: Version(1),
        principals: vec![name.parse().expect("a principal")],
        generations: keys.iter().map(generation).collect(),
        unlisted,
    }
}

fn stage(target: &Target, keyset: &Keyset) -> Result<(), KeytabError> {
    let order = Order {
        keyset,
        scope: &keyset.principals,
        written: &BTreeMap::from([(target.path.clone(), Access::default())]),
        ours: &BTreeSet::from([target.path.clone()]),
        timestamp: 1,
    };
    prepare(std::slice::from_ref(target), order)?.commit()
}
