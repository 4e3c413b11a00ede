//! How long an entry may be. Names and reasons come from whoever asks, and an entry that a sink
//! cannot take would keep every later one from it.

use sha2::{Digest as _, Sha256};

use super::{Entry, Event};

/// The longest of what says who, what and how, and of what names objects and tells more, in bytes.
/// In JSON, where a byte may take six, an entry is shorter than a line of the file may be.
const WORD: usize = 200;
const TEXT: usize = 2_000;

/// The text, or its beginning with how long the whole is and its SHA-256.
fn cut(text: String, longest: usize) -> String {
    if text.len() <= longest {
        return text;
    }
    let mut begin = text.clone();
    let fits = |at: &usize| text.is_char_boundary(*at);
    begin.truncate((0..=longest).rev().find(fits).unwrap_or_default());
    let digest = hex::encode(Sha256::digest(&text));
    format!("{begin} [cut: {} bytes, sha256 {digest}]", text.len())
}

impl Event {
    fn cut_to(self, word: usize, text: usize) -> Self {
        Self {
            at_unix_millis: self.at_unix_millis,
            actor: cut(self.actor, word),
            verb: cut(self.verb, word),
            object: cut(self.object, text),
            outcome: cut(self.outcome, word),
            detail: cut(self.detail, text),
        }
    }

    /// With no field longer than an entry may keep.
    pub(super) fn within_limits(self) -> Self {
        self.cut_to(WORD, TEXT)
    }

    /// Its fields together, in bytes.
    const fn length(&self) -> usize {
        self.actor.len()
            + self.verb.len()
            + self.object.len()
            + self.outcome.len()
            + self.detail.len()
    }
}

impl Entry {
    /// Its fields together, in bytes.
    pub(super) const fn length(&self) -> usize {
        self.event.length() + self.hash.len()
    }

    /// Its number and hash, with as much of what happened as any log takes.
    pub(super) fn shortened(&self) -> Self {
        Self {
            number: self.number,
            event: self.event.clone().cut_to(WORD, WORD),
            hash: self.hash.clone(),
        }
    }
}
