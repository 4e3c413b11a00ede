//! Backups that nobody has to think of: after each new password, before any node or the directory
//! has a key of it; at a roll's end; and every so many hours.
//!
//! A backup from before the last password does not know the key in force, so the moment that
//! matters is between the record `generated` and the first push.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::Utc;
use keyroll_proto::operator::Alarm;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::publish::{self, Made};
use crate::store::{BackupError, Read as _, Store, StoreError};

/// A file system that takes longer than this has gone away: a roll must not wait for it for ever.
const LIMIT: Duration = Duration::from_secs(60);
/// How soon it is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(600);

/// Where backups go, as configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupConfig {
    /// The folder, best on another machine's disk. It is not made: one that is missing may be a
    /// file system that is not mounted.
    pub folder: PathBuf,
    /// How many to keep.
    #[serde(default = "default_keep")]
    pub keep: usize,
    /// How often one is made besides, in hours.
    #[serde(default = "default_hours")]
    pub every_hours: u64,
    /// Whether a roll whose new password could not be backed up is aborted; an emergency roll
    /// goes on.
    #[serde(default)]
    pub required: bool,
}

const fn default_keep() -> usize {
    30
}

const fn default_hours() -> u64 {
    24
}

impl BackupConfig {
    /// What is wrong with it, in words.
    ///
    /// # Errors
    /// Numbers out of range, or a folder that is not absolute.
    pub fn check(&self) -> Result<(), String> {
        if !self.folder.is_absolute() {
            return Err("backup.folder must be an absolute path".to_owned());
        }
        if self.keep == 0 {
            return Err("backup.keep must be at least 1".to_owned());
        }
        if !(1..=31 * 24).contains(&self.every_hours) {
            return Err("backup.every-hours must be between 1 and 744".to_owned());
        }
        Ok(())
    }

    const fn every(&self) -> Duration {
        Duration::from_secs(self.every_hours * 3600)
    }
}

/// Makes the backups; shared by all who have something to back up.
pub struct Backups {
    store: Arc<Store>,
    config: Option<BackupConfig>,
    limit: Duration,
    /// One is written at a time; whoever writes holds it, also once nobody waits any more.
    turn: Arc<tokio::sync::Mutex<()>>,
    asked: AtomicU64,
    covered: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl std::fmt::Debug for Backups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backups")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Backups {
    /// Backups of `store`; without a configuration nothing is ever made.
    #[must_use]
    pub fn new(store: Arc<Store>, config: Option<BackupConfig>) -> Arc<Self> {
        Arc::new(Self {
            store,
            config,
            limit: LIMIT,
            turn: Arc::default(),
            asked: AtomicU64::new(0),
            covered: AtomicU64::new(0),
            trouble: Mutex::default(),
        })
    }

    /// Whether a password that could not be backed up may not be used.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.required)
    }

    /// What operators are told where the last one was not made.
    #[must_use]
    pub fn alarm(&self) -> Option<Alarm> {
        let folder = &self.config.as_ref()?.folder;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let why = trouble.clone()?;
        let (grade, so) = if self.is_required() {
            ("critical", ": rolls are aborted until one is")
        } else {
            ("warning", "")
        };
        Some(Alarm {
            grade: grade.to_owned(),
            object: folder.display().to_string(),
            what: format!("no backup was made{so}: {why}"),
            next: "keyroll backup FILE".to_owned(),
            ..Alarm::default()
        })
    }

    /// Makes one of everything that is durable now. Those who ask while one is being written share
    /// the next.
    ///
    /// # Errors
    /// In words, naming the file; nothing but the backup is missing then.
    pub async fn make(self: &Arc<Self>) -> Result<(), String> {
        let Some(config) = self.config.clone() else {
            return Ok(());
        };
        let slow = format!(
            "{}: nothing was written within {} s",
            config.folder.display(),
            self.limit.as_secs()
        );
        let made = timeout(self.limit, self.take_turn(config)).await;
        let made = made.unwrap_or(Err(slow));
        if let Err(why) = &made {
            tracing::error!(why, "no backup was made");
            self.set_trouble(Some(why.clone()));
        }
        made
    }

    /// Makes one now and then, for as long as the process runs.
    pub async fn run(self: Arc<Self>) {
        let Some(config) = self.config.clone() else {
            return std::future::pending().await;
        };
        let (every, backups) = (config.every(), Arc::clone(&self));
        // Not at each start: one that starts again and again would drive out all older ones.
        let newest = spawn_blocking(move || backups.newest(&config.folder));
        let newest = timeout(self.limit, newest).await;
        let newest = newest.ok().and_then(|found| found.ok()?.ok()?);
        let mut pause = rest(newest, SystemTime::now(), every);
        loop {
            sleep(pause).await;
            // It is told by an alarm and the log.
            pause = match self.make().await {
                Ok(()) => every,
                Err(_) => every.min(AGAIN),
            };
        }
    }

    async fn take_turn(self: &Arc<Self>, config: BackupConfig) -> Result<(), String> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.covered.load(Ordering::SeqCst) >= ticket {
            return Ok(());
        }
        let backups = Arc::clone(self);
        // Files are written beside the runtime.
        let made = spawn_blocking(move || {
            let _turn = turn;
            // Whoever has asked by now has made durable what is to be in it.
            let covers = backups.asked.load(Ordering::SeqCst);
            let path = backups.write(&config, covers).map_err(words)?;
            tracing::info!(path = %path.display(), "a backup was made");
            backups.covered.store(covers, Ordering::SeqCst);
            backups.set_trouble(None);
            Ok(())
        });
        made.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn set_trouble(&self, why: Option<String>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = why;
    }

    fn write(&self, config: &BackupConfig, number: u64) -> Result<PathBuf, BackupError> {
        let now = Utc::now();
        let (prefix, time) = (self.prefix()?, now.format("%Y%m%dT%H%M%S%.3fZ"));
        let name = format!("{prefix}{time}-{number:04}{SUFFIX}");
        let path = config.folder.join(&name);
        let failed = |source| BackupError::Io {
            path: path.clone(),
            source,
        };
        let beside = path.with_extension(PART);
        let file = begin(&beside).map_err(failed)?;
        let written = self
            .store
            .back_up(BufWriter::new(&file), &path, now.timestamp())
            .and_then(|_| {
                file.sync_all()
                    .and_then(|()| publish::rename(Made::Backup, &beside, &path))
                    .map_err(failed)
            });
        if let Err(error) = written {
            // What was cut off is of no use to anybody.
            drop(fs::remove_file(&beside));
            return Err(error);
        }
        // A store that was put back makes backups of old memory: they must not drive out others.
        if self.store.arrays()?.iter().all(|one| one.stale.is_none())
            && let Err(error) = prune(&config.folder, &prefix, &name, config.keep)
        {
            tracing::warn!(%error, "old backups were not removed");
        }
        Ok(path)
    }

    /// How the names of this store's backups begin: another controller's may be beside them.
    fn prefix(&self) -> Result<String, StoreError> {
        let store = self.store.meta()?.store;
        Ok(format!("keyroll-{}-", store.get(..8).unwrap_or(&store)))
    }

    fn newest(&self, folder: &Path) -> io::Result<Option<SystemTime>> {
        let prefix = self.prefix().map_err(io::Error::other)?;
        let all = names(folder, &prefix, SUFFIX)?;
        let newest = all.last().map(|name| fs::metadata(folder.join(name)));
        newest.map(|found| found?.modified()).transpose()
    }
}

const SUFFIX: &str = ".backup";
const PART: &str = "part";

/// How long to wait for the first one of a process.
fn rest(newest: Option<SystemTime>, now: SystemTime, every: Duration) -> Duration {
    // One of the future is no reason to wait.
    let age = newest.and_then(|newest| now.duration_since(newest).ok());
    age.map_or(Duration::ZERO, |age| every.saturating_sub(age))
}

fn words(error: BackupError) -> String {
    match error {
        BackupError::Io { path, source } => format!("{}: {source}", path.display()),
        other => other.to_string(),
    }
}

fn begin(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// The files of ours, the oldest first: their names hold the time.
fn names(folder: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<String>> {
    let mut ours = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.starts_with(prefix)
            && name.ends_with(suffix)
        {
            ours.push(name);
        }
    }
    ours.sort_unstable();
    Ok(ours)
}

/// Removes all but the newest, what was cut off by the end of a process, and never `made`: a clock
/// that was ahead once has left names that look newer.
fn prune(folder: &Path, prefix: &str, made: &str, keep: usize) -> io::Result<()> {
    let mut ours = names(folder, prefix, SUFFIX)?;
    ours.retain(|name| name != made);
    let old = ours.iter().rev().skip(keep.saturating_sub(1));
    let cut = names(folder, prefix, &format!(".{PART}"))?;
    old.chain(&cut)
        .try_for_each(|name| fs::remove_file(folder.join(name)))
}

#[cfg(test)]
mod tests;
