//! `keyroll backup`

use std::path::{Path, PathBuf};

use keyroll_proto::operator::{BackupPart, BackupRequest, BackupSummary};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tonic::Streaming;

use crate::exit::Exit;
use crate::files::NewFile;
use crate::session::{Session, with_spinner};
use crate::trouble::Trouble;
use crate::words::moment;

/// Examples of the verb.
pub const EXAMPLES: &str = "Examples:
  keyroll backup /srv/backups/keyroll-$(date +%F).backup
  keyroll backup ./keyroll.backup --output json | jq -r .sha256
  keyroll-controller restore ./keyroll.backup --dry-run      # what is in it, on the controller";

/// Where to.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The file to write, readable by its owner alone; a file that is there is never replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    file: String,
    #[serde(flatten)]
    whole: BackupSummary,
}

/// Runs `keyroll backup`.
///
/// # Errors
/// What the operator is told; there is no file then.
pub async fn run(backup: Backup, session: &Session) -> Result<Exit, Trouble> {
    let path = &backup.file;
    // Before the controller is asked: where nothing can be written, nothing is taken.
    let file = NewFile::begin(path)?;
    let doing = "taking a backup";
    let parts = session
        .ask(doing, async |mut client| {
            client.backup(BackupRequest {}).await
        })
        .await?;
    let whole = with_spinner(doing, receive(session, parts, file, path)).await?;
    let written = Written {
        file: path.display().to_string(),
        whole,
    };
    session.screen.reply(&written, text)?;
    Ok(Exit::Done)
}

/// Takes the pieces; the file gets its name once all of them are on disk and were what was sent.
async fn receive(
    session: &Session,
    mut parts: Streaming<BackupPart>,
    mut file: NewFile,
    path: &Path,
) -> Result<BackupSummary, Trouble> {
    let cut_off = || {
        let what = "the controller broke off in the middle of the backup; nothing was written";
        Trouble::new(Exit::TryAgain, "backup-cut-off", what)
    };
    let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
    loop {
        let next = tokio::time::timeout(session.patience(), parts.message()).await;
        let part = next
            .map_err(|_| cut_off())?
            .map_err(|status| Trouble::refused(&session.place(), &status))?
            .ok_or_else(cut_off)?;
        digest.update(&part.bytes);
        bytes += part.bytes.len() as u64;
        file.write(&part.bytes)?;
        let Some(whole) = part.whole else { continue };
        if whole.bytes != bytes || whole.sha256 != hex::encode(digest.finalize()) {
            let what = format!(
                "what came is not what was sent; {} was not written",
                path.display()
            );
            return Err(Trouble::new(Exit::TryAgain, "backup-damaged", what));
        }
        file.finish()?;
        return Ok(whole);
    }
}

fn text(written: &Written) -> String {
    let Written { file, whole } = written;
    format!(
        "written to {file}: {} bytes, everything as of {}\n\
         the sealing key is not in it, and without it nothing in it can be opened: keep a copy of \
         that key, elsewhere\n\
         next: keyroll-controller restore {file} --dry-run",
        whole.bytes,
        moment(whole.made_unix)
    )
}
