//! A copy of the chain, line by line as a sink keeps it, verified without the store.

use std::io::{self, BufRead};

use super::chain::Link;
use super::{Entry, Verdict};
use crate::seal::AuditKey;

/// No line of ours is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Why a copy was not verified.
#[derive(Debug, thiserror::Error)]
#[error("the copy cannot be read: {0}")]
pub struct CopyError(#[from] io::Error);

/// Goes along the entries of `lines`, one JSON object each. They may begin anywhere; that nothing
/// was cut off at the end shows only in comparison with the controller's own head.
///
/// # Errors
/// [`CopyError`]; damage is a verdict, not an error.
pub fn verify_copy(mut lines: impl BufRead, key: AuditKey) -> Result<Verdict, CopyError> {
    let (mut link, mut entries) = (Link::from_anywhere(key), 0);
    let mut line = String::new();
    let trouble = loop {
        line.clear();
        match io::Read::take(&mut lines, LONGEST).read_line(&mut line) {
            Ok(0) => break None,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                break Some(format!("line {}: it is no text", entries + 1));
            }
            Err(error) => return Err(error.into()),
        }
        let outcome = serde_json::from_str::<Entry>(&line)
            .map_err(|error| format!("line {}: it is no entry: {error}", entries + 1))
            .and_then(|entry| link.take(&entry));
        if let Err(trouble) = outcome {
            break Some(trouble);
        }
        entries += 1;
    };
    let head = link.head();
    Ok(Verdict {
        entries,
        head: head.hash.clone(),
        checkpoints: link.checkpoints,
        signed: head.checkpoint,
        key,
        trouble,
    })
}
