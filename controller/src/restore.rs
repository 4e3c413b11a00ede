//! `keyroll-controller restore`: a controller's state from a backup, or what a backup holds.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyroll::shell::quoted;
use serde::Serialize;

use crate::config::Config;
use crate::daemon::{DaemonError, open_seal, setup};
use crate::store::{BackupError, Head, Read as _, Store, StoreError};

/// What a backup holds, for people and programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contents {
    /// What it says of itself.
    #[serde(flatten)]
    pub head: Head,
    /// How old it is, in seconds.
    pub age_seconds: i64,
    /// Its arrays.
    pub arrays: Vec<ArrayContents>,
    /// How many nodes it knows, removed ones too.
    pub nodes: usize,
    /// How many operators, revoked ones too.
    pub operators: usize,
    /// How many entries its audit has.
    pub audit_entries: u64,
    /// The hash of the newest, to be compared with what a log collector has.
    pub audit_head: String,
    /// A store that is there already, which a restore would not replace.
    pub in_the_way: Option<PathBuf>,
}

/// One array in a backup.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArrayContents {
    /// Its name.
    pub array: String,
    /// Its account.
    pub account: String,
    /// The number of the password in force, as far as the backup knows; 0 if it is not known.
    pub generation: u64,
    /// Its kvno.
    pub kvno: u32,
    /// When it was last rolled, seconds since 1970; 0 for never.
    pub rolled_at_unix: i64,
    /// The highest keyset version that a node was given.
    pub keyset_version: u64,
    /// The state of the roll that was under way; empty if none was.
    pub roll: String,
}

/// Makes the state of a controller from the backup at `path`; with `dry_run` only looks whether
/// it could, and at what is in it.
///
/// # Errors
/// [`DaemonError::Input`] if it is no good; nothing is made then.
pub fn restore(config: &Config, path: &Path, dry_run: bool) -> Result<Contents, DaemonError> {
    let settings = config
        .directory
        .settings()
        .map_err(|error| DaemonError::Config(error.to_string()))?;
    let seal = Arc::new(open_seal(config)?);
    let open = || {
        File::open(path).map(BufReader::new).map_err(|source| {
            refused(BackupError::Io {
                path: path.to_owned(),
                source,
            })
        })
    };
    let now = chrono::Utc::now();
    // Looked at as a whole first: what turns out wrong must not leave half a state folder.
    let (found, head) = Store::of_backup(open()?, path, Arc::clone(&seal)).map_err(refused)?;
    let mut contents =
        contents(&found, head, now.timestamp()).map_err(setup("reading the backup"))?;
    let (theirs, ours) = (&contents.head.realm, &settings.realm);
    if theirs != ours {
        let what = format!(
            "{} is of realm {theirs}, and the configuration says {ours}; nothing was restored",
            path.display()
        );
        return Err(DaemonError::Input(what));
    }
    contents.in_the_way = Store::in_the_way(&config.state);
    if !dry_run {
        let now = now.timestamp_millis();
        Store::restore(&config.state, open()?, path, seal, now).map_err(refused)?;
    }
    Ok(contents)
}

fn refused(error: BackupError) -> DaemonError {
    match error {
        BackupError::Store(StoreError::Present { path }) => {
            let path = path.display().to_string();
            let (typed, old) = (quoted(&path), quoted(&format!("{path}.old")));
            DaemonError::Input(format!(
                "there is a store at {path}, and it is not overwritten; nothing was restored; if \
                 the backup is to take its place: mv {typed} {old}"
            ))
        }
        BackupError::Store(error) => setup("making the store")(error),
        other => DaemonError::Input(other.to_string()),
    }
}

fn contents(store: &Store, head: Head, now_unix: i64) -> Result<Contents, StoreError> {
    let mut arrays = Vec::new();
    for array in store.arrays()? {
        let roll = store.open_roll(&array.name)?;
        let current = array.current.as_ref();
        arrays.push(ArrayContents {
            array: array.name.to_string(),
            account: array.account.sam_account_name,
            generation: current.map_or(0, |current| current.number.0),
            kvno: current.map_or(0, |current| current.kvno.0),
            rolled_at_unix: array.rolled_at_unix.unwrap_or(0),
            keyset_version: array.keyset_version.0,
            roll: roll.map_or_else(String::new, |open| open.roll.state().name().to_owned()),
        });
    }
    let audit = store.audit_head()?.unwrap_or_default();
    Ok(Contents {
        age_seconds: now_unix.saturating_sub(head.made_unix),
        head,
        arrays,
        nodes: store.nodes()?.len(),
        operators: store.operators()?.len(),
        audit_entries: audit.number,
        audit_head: audit.hash,
        in_the_way: None,
    })
}

impl Contents {
    /// The same as lines of text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let made = moment(self.head.made_unix);
        let age = keyroll::roll::story::human(std::time::Duration::from_secs(
            u64::try_from(self.age_seconds).unwrap_or(0),
        ));
        let mut lines = vec![format!(
            "backup of {made}, {age} ago: realm {}, epoch {}, keyroll {}",
            self.head.realm, self.head.epoch, self.head.version
        )];
        lines.push(format!(
            "{} nodes, {} operators, {} audit entries, the newest {}",
            self.nodes, self.operators, self.audit_entries, self.audit_head
        ));
        for array in &self.arrays {
            let rolled = match array.rolled_at_unix {
                0 => "never rolled".to_owned(),
                at => format!("rolled {}", moment(at)),
            };
            let roll = match array.roll.as_str() {
                "" => String::new(),
                state => format!("; a roll was {state}"),
            };
            lines.push(format!(
                "array {}: account {}, kvno {}, {rolled}{roll}",
                array.array, array.account, array.kvno
            ));
        }
        lines.extend(self.in_the_way.as_ref().map(|path| {
            let path = path.display();
            format!("in the way of a restore: {path}, which is not overwritten")
        }));
        lines
    }
}

/// A moment as text, from seconds since 1970.
pub(crate) fn moment(unix: i64) -> String {
    let time = chrono::DateTime::from_timestamp(unix, 0).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
