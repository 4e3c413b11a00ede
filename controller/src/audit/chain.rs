//! The chain's arithmetic.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Entry, Event};

/// The newest entry, kept apart from the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Its number; 0 if there is none.
    pub(crate) number: u64,
    /// Its hash, hexadecimal; empty if there is none.
    pub(crate) hash: String,
}

impl Head {
    pub(super) fn at(entry: &Entry) -> Self {
        Self {
            number: entry.number,
            hash: entry.hash.clone(),
        }
    }

    /// The entry that follows.
    pub(super) fn next(&self, event: Event) -> Entry {
        let number = self.number + 1;
        let hash = hash(&self.hash, number, &event);
        Entry {
            number,
            event,
            hash,
        }
    }
}

/// Goes along the chain.
#[derive(Debug, Clone, Default)]
pub(super) struct Link(Head);

impl Link {
    /// Takes the next entry, or says what is wrong with it.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let (wanted, found) = (self.0.number + 1, entry.number);
        if found != wanted {
            return Err(format!("entry {wanted}: entry {found} stands in its place"));
        }
        if self.0.next(entry.event.clone()).hash != entry.hash {
            return Err(format!(
                "entry {wanted}: its hash does not follow from the one before"
            ));
        }
        self.0 = Head::at(entry);
        Ok(())
    }

    /// Whether the chain ends where it should.
    pub(super) fn ends_at(&self, head: &Head) -> Result<(), String> {
        if self.0 == *head {
            return Ok(());
        }
        let (found, wanted) = (self.0.number, head.number);
        Err(format!(
            "the chain ends at entry {found}, and {wanted} were written"
        ))
    }
}

/// Fields with their lengths before them: no two events have the same bytes.
fn hash(before: &str, number: u64, event: &Event) -> String {
    let Event {
        at_unix_millis,
        actor,
        verb,
        object,
        outcome,
        detail,
    } = event;
    let mut digest = Sha256::new();
    digest.update(b"keyroll audit 1\0");
    digest.update(number.to_be_bytes());
    digest.update(at_unix_millis.to_be_bytes());
    for field in [before, actor, verb, object, outcome, detail] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field);
    }
    hex::encode(digest.finalize())
}
