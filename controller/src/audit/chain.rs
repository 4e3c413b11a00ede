//! The chain's arithmetic.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Entry, Event, checkpoint};
use crate::seal::AuditKey;

/// The newest entry, kept apart from the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Head {
    /// Its number; 0 if there is none.
    pub(crate) number: u64,
    /// Its hash, hexadecimal; empty if there is none.
    pub(crate) hash: String,
    /// The number of the newest checkpoint; 0 if there is none.
    #[serde(default)]
    pub(crate) checkpoint: u64,
}

impl Head {
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

    /// The head that the entry makes, which follows this one.
    pub(super) fn after(&self, entry: &Entry) -> Self {
        let signed = checkpoint::is_one(&entry.event);
        Self {
            number: entry.number,
            hash: entry.hash.clone(),
            checkpoint: if signed {
                entry.number
            } else {
                self.checkpoint
            },
        }
    }

    /// Whether a checkpoint must come next.
    pub(super) const fn is_due(&self) -> bool {
        self.number - self.checkpoint >= checkpoint::EVERY - 1
    }
}

/// Goes along the chain.
#[derive(Debug, Clone)]
pub(super) struct Link {
    head: Head,
    key: AuditKey,
    /// How many checkpoints were seen.
    pub(super) checkpoints: u64,
    /// The number of the newest of them.
    pub(super) signed: u64,
    /// Whether the first entry may be any: what came before it was not kept.
    anywhere: bool,
    /// The number of the first entry.
    first: u64,
}

impl Link {
    /// From the chain's beginning; checkpoints are signed with `key`.
    pub(super) fn from_the_first(key: AuditKey) -> Self {
        Self {
            head: Head::default(),
            key,
            checkpoints: 0,
            signed: 0,
            anywhere: false,
            first: 1,
        }
    }

    /// From whatever entry comes first. Nothing shows that it follows from one before unless it is
    /// the chain's first; it is believed as far as a later checkpoint covers it, and if it says
    /// that it is a checkpoint, it is not believed that.
    pub(super) fn from_anywhere(key: AuditKey) -> Self {
        Self {
            anywhere: true,
            ..Self::from_the_first(key)
        }
    }

    /// Takes the next entry, or says what is wrong with it.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let found = entry.number;
        if std::mem::take(&mut self.anywhere) && found != 1 {
            self.first = found;
        } else {
            let Some(wanted) = self.head.number.checked_add(1) else {
                return Err(format!(
                    "entry {found}: nothing follows the last of all numbers"
                ));
            };
            if found != wanted {
                return Err(format!("entry {wanted}: entry {found} stands in its place"));
            }
            if self.head.next(entry.event.clone()).hash != entry.hash {
                return Err(format!(
                    "entry {wanted}: its hash does not follow from the one before"
                ));
            }
            if checkpoint::is_one(&entry.event) {
                if !checkpoint::is_signed(&entry.event, &self.head, &self.key) {
                    let key = &self.key;
                    return Err(format!(
                        "entry {found}: a checkpoint that {key} has not signed"
                    ));
                }
                self.checkpoints += 1;
                self.signed = found;
            }
        }
        let before = self.signed.max(self.first.saturating_sub(1));
        if found - before > checkpoint::EVERY {
            return Err(format!("entry {found}: no checkpoint since entry {before}"));
        }
        self.head = self.head.after(entry);
        Ok(())
    }

    /// Whether the chain ends where it should.
    pub(super) fn ends_at(&self, head: &Head) -> Result<(), String> {
        if (self.head.number, &self.head.hash) == (head.number, &head.hash) {
            return Ok(());
        }
        let (found, wanted) = (self.head.number, head.number);
        Err(format!(
            "the chain ends at entry {found}, and {wanted} were written"
        ))
    }

    /// Where it stands.
    pub(super) const fn head(&self) -> &Head {
        &self.head
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
