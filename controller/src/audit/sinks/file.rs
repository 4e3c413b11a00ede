//! The file: a line of JSON for each entry, appended and synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::LIMIT;
use crate::audit::Entry;

/// Enough for the last line, in bytes.
const TAIL: u64 = 64 * 1024;

/// A file, which a slow disk or a dead server may hold up: one thing at a time is done to it,
/// beside whatever else is to be done.
pub(super) struct Paper {
    pub(super) path: PathBuf,
    turn: Arc<tokio::sync::Mutex<()>>,
    pub(super) limit: Duration,
}

impl Paper {
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            turn: Arc::default(),
            limit: LIMIT,
        }
    }

    /// Goes on to its end though nobody waits for it any more; nothing is begun before that.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let path = self.path.clone();
        let turn = Arc::clone(&self.turn).lock_owned();
        let done = async move {
            let turn = turn.await;
            let done = spawn_blocking(move || {
                let _turn = turn;
                work(&path)
            });
            anyhow::Ok(done.await??)
        };
        timeout(self.limit, done)
            .await
            .context("it does not answer")?
    }
}

/// How a file ends.
#[derive(Debug)]
pub(super) enum End {
    /// With nothing: it is new, or was rotated away.
    Empty,
    /// With an entry.
    Entry(Entry),
    /// With a line that is none, which nobody but somebody else has written.
    Foreign,
}

/// Opened anew each time, so that it may be rotated away between two entries.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// The last whole line. One that was cut off by a crash is taken away, since it comes again.
///
/// # Errors
/// If the file cannot be read or cut.
pub(super) fn last(path: &Path) -> io::Result<End> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(End::Empty),
        opened => opened?,
    };
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < tail.len() {
        let keep = begin + whole as u64;
        OpenOptions::new().write(true).open(path)?.set_len(keep)?;
    }
    let mut lines = tail[..whole].split(|byte| *byte == b'\n');
    let line = lines.rfind(|line| !line.is_empty());
    let entry = line.map(serde_json::from_slice);
    Ok(entry.map_or(End::Empty, |entry| entry.map_or(End::Foreign, End::Entry)))
}

/// Appends the entries; they are on the disk when this returns.
///
/// # Errors
/// If the file cannot be opened, written or synced.
pub(super) fn append(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, entry)?;
        lines.push(b'\n');
    }
    let mut file = open(path)?;
    file.write_all(&lines)?;
    file.sync_data()
}
