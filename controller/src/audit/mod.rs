//! The audit: who did what, each entry chained to the one before.
//!
//! The hash of an entry is SHA-256 over the hash before it and the entry's own content, so a
//! flipped, dropped, reordered or inserted entry breaks the chain behind it; the head is kept
//! apart, so that a chain cut short is seen too. Every row is authenticated besides
//! ([`crate::store`]).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::store::{Store, StoreError};

/// Something that somebody did or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// When, milliseconds since 1970.
    pub at_unix_millis: i64,
    /// Who: an operator's name, `root`, `schedule`.
    pub actor: String,
    /// What: the call's name.
    pub verb: String,
    /// To what: arrays, nodes.
    pub object: String,
    /// `begun`, `done`, or the word of a refusal.
    pub outcome: String,
    /// More, in words; never a secret.
    pub detail: String,
}

/// An event in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// The event.
    pub event: Event,
    /// The chained hash, hexadecimal.
    pub hash: String,
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last one.
    pub head: String,
    /// The first thing that is wrong, in words.
    pub trouble: Option<String>,
}

/// The hash before the first entry.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Entry {
    /// The entry that follows on one with this number and hash.
    #[must_use]
    pub fn after(number: u64, hash: &str, event: Event) -> Self {
        let number = number + 1;
        let hash = chained(hash, number, &event);
        Self {
            number,
            event,
            hash,
        }
    }
}

fn chained(before: &str, number: u64, event: &Event) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(event.at_unix_millis.to_be_bytes());
    for text in [
        &event.actor,
        &event.verb,
        &event.object,
        &event.outcome,
        &event.detail,
    ] {
        // Lengths first: no text can pretend to be two.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether `entries`, the oldest first, are a whole chain that ends in `head`.
#[must_use]
pub fn check(entries: &[Entry], head: (u64, &str)) -> Verdict {
    let (mut number, mut hash) = (0, GENESIS.to_owned());
    let mut trouble = None;
    for entry in entries {
        let expected = Entry::after(number, &hash, entry.event.clone());
        if *entry != expected {
            trouble = Some(format!(
                "entry {} does not follow on entry {number}",
                entry.number
            ));
            break;
        }
        (number, hash) = (entry.number, entry.hash.clone());
    }
    if trouble.is_none() && (number, hash.as_str()) != head {
        trouble = Some(format!(
            "the chain ends at entry {number}, and should at entry {}",
            head.0
        ));
    }
    Verdict {
        entries: number,
        head: hash,
        trouble,
    }
}

/// Writes an event down, durably, at the end of the chain.
///
/// # Errors
/// [`StoreError`]; then what it was about must not be done.
pub fn append(store: &Store, event: Event) -> Result<(), StoreError> {
    store.write(|change| change.append_audit(event))
}

/// The newest entries, the newest first; of one array's, if `array` is not empty.
///
/// # Errors
/// [`StoreError`].
pub fn newest(store: &Store, limit: usize, array: &str) -> Result<Vec<Entry>, StoreError> {
    let entries = store.audit(true, if array.is_empty() { limit } else { usize::MAX })?;
    let about = |entry: &Entry| {
        array.is_empty()
            || entry
                .event
                .object
                .split_whitespace()
                .any(|one| one == array)
    };
    Ok(entries.into_iter().filter(about).take(limit).collect())
}

/// Looks at the whole chain.
///
/// # Errors
/// [`StoreError`] if it cannot be read; a row that was tampered with is a verdict, not an error.
pub fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let head = match store.audit_head() {
        Err(error @ StoreError::Corrupt { .. }) => return Ok(broken(&error)),
        head => head?,
    };
    match store.audit(false, usize::MAX) {
        Err(error @ StoreError::Corrupt { .. }) => Ok(broken(&error)),
        entries => Ok(check(&entries?, (head.0, &head.1))),
    }
}

fn broken(error: &StoreError) -> Verdict {
    Verdict {
        entries: 0,
        head: String::new(),
        trouble: Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for number in 0..length {
            let event = Event {
                at_unix_millis: 1,
                actor: "root".to_owned(),
                verb: "StartRoll".to_owned(),
                object: "web".to_owned(),
                outcome: "done".to_owned(),
                detail: number.to_string(),
            };
            let hash = entries
                .last()
                .map_or(GENESIS, |last| last.hash.as_str())
                .to_owned();
            entries.push(Entry::after(number, &hash, event));
        }
        entries
    }

    #[test]
    fn every_flip_drop_swap_and_insertion_is_found() {
        let whole = chain(40);
        let head = (40, whole[39].hash.clone());
        let trouble = |entries: &[Entry]| check(entries, (head.0, &head.1)).trouble.is_some();
        assert!(!trouble(&whole));
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at].event.actor.push('!');
            assert!(trouble(&flipped), "entry {at} flipped");
            let mut dropped = whole.clone();
            dropped.remove(at);
            assert!(trouble(&dropped), "entry {at} dropped");
            let mut inserted = whole.clone();
            inserted.insert(at, whole[at].clone());
            assert!(trouble(&inserted), "entry {at} doubled");
            if at > 0 {
                let mut swapped = whole.clone();
                swapped.swap(at, at - 1);
                assert!(trouble(&swapped), "entry {at} swapped");
            }
        }
        assert!(trouble(&whole[..39]), "cut short");
    }
}
