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

/// Goes along the entries of `lines`, one JSON object each. They may begin anywhere, and are
/// vouched for up to the newest checkpoint ([`Verdict::signed`]). That nothing was cut off at the
/// end shows in comparison with the controller's own head alone: an entry of that hash, if one is
/// given, must be among them.
///
/// # Errors
/// [`CopyError`]; damage is a verdict, not an error.
pub fn verify_copy(
    mut lines: impl BufRead,
    key: AuditKey,
    head: Option<&str>,
) -> Result<Verdict, CopyError> {
    let (mut link, mut entries) = (Link::from_anywhere(key), 0);
    let mut awaited = head;
    let mut line = String::new();
    let trouble = loop {
        line.clear();
        match io::Read::take(&mut lines, LONGEST).read_line(&mut line) {
            Ok(0) => {
                break awaited.map(|head| format!("no entry has the hash {head}: it was cut off"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                break Some(format!("line {}: it is no text", entries + 1));
            }
            Err(error) => return Err(error.into()),
        }
        let outcome = serde_json::from_str::<Entry>(&line)
            .map_err(|error| format!("line {}: it is no entry: {error}", entries + 1))
            .and_then(|entry| link.take(&entry).map(|()| entry));
        match outcome {
            Ok(entry) => awaited = awaited.filter(|head| *head != entry.hash),
            Err(trouble) => break Some(trouble),
        }
        entries += 1;
    };
    let head = link.head();
    Ok(Verdict {
        entries,
        last: head.number,
        head: head.hash.clone(),
        checkpoints: link.checkpoints,
        signed: link.signed,
        key,
        trouble,
    })
}
