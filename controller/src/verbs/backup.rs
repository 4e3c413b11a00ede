//! `keyroll backup`: the whole store, as a stream of pieces.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use keyroll_proto::operator as said;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tonic::Status;

use super::Controller;
use super::no::No;
use crate::store::BackupError;

/// Bytes in a piece; gRPC takes messages of up to 4 MiB.
const PIECE: usize = 256 * 1024;
/// Pieces made ahead of whoever takes them.
const AHEAD: usize = 4;

type Parts = mpsc::Sender<Result<said::BackupPart, Status>>;

impl Controller {
    /// Everything as it is at this moment; whoever takes it slowly holds nobody up.
    ///
    /// # Errors
    /// [`No`] never yet; what goes wrong later is the stream's last word.
    pub fn back_up(
        self: &Arc<Self>,
    ) -> Result<mpsc::Receiver<Result<said::BackupPart, Status>>, No> {
        let (parts, receiver) = mpsc::channel(AHEAD);
        let controller = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let last = controller.back_up_into(parts.clone());
            let last = last.map_err(|error| Status::from(No::from(error)));
            // Whoever has hung up does not want to know.
            drop(parts.blocking_send(last));
        });
        Ok(receiver)
    }

    fn back_up_into(&self, parts: Parts) -> Result<said::BackupPart, BackupError> {
        let mut pieces = Pieces {
            parts,
            digest: Sha256::new(),
            piece: Vec::with_capacity(PIECE),
            bytes: 0,
        };
        let now = self.ports.clock.now().timestamp();
        let place = Path::new("(the command line's)");
        let head = self.ports.store.back_up(&mut pieces, place, now)?;
        tracing::info!(bytes = pieces.bytes, "a backup was taken");
        Ok(said::BackupPart {
            bytes: Vec::new(),
            whole: Some(said::BackupSummary {
                bytes: pieces.bytes,
                sha256: hex::encode(pieces.digest.finalize()),
                made_unix: head.made_unix,
                epoch: head.epoch.0,
            }),
        })
    }
}

struct Pieces {
    parts: Parts,
    digest: Sha256,
    piece: Vec<u8>,
    bytes: u64,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let part = said::BackupPart {
            bytes: std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE)),
            whole: None,
        };
        self.parts
            .blocking_send(Ok(part))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl From<BackupError> for No {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            other => Self::internal(other.to_string()),
        }
    }
}
