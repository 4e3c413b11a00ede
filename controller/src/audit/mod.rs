//! The audit: who did what, to what, and how it ended; chained so that no entry can be changed,
//! dropped, moved or slipped in unnoticed.
//!
//! The hash of an entry is SHA-256 over the hash before it and the entry's own fields; the newest
//! number and hash are kept apart, so that a cut tail shows too. Each row is authenticated by the
//! store besides, which whoever holds the sealing key can do; the chain binds that one as well,
//! as far as heads were noted elsewhere: each entry goes to the log (target `keyroll::audit`) with
//! its hash.

mod chain;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::store::{Change, Store, StoreError};
use chain::Link;

pub(crate) use chain::Head;

/// Something that was done or refused, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// When, milliseconds since 1970.
    pub at_unix_millis: i64,
    /// Who: an operator's name, `root`, `schedule`, a node.
    pub actor: String,
    /// What, as the protocol names it.
    pub verb: String,
    /// To what: names, separated by spaces.
    pub object: String,
    /// How it ended.
    pub outcome: String,
    /// More, if there is more to say. Never a secret.
    pub detail: String,
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// What happened.
    pub event: Event,
    /// The chained hash, hexadecimal.
    pub hash: String,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries there should be.
    pub entries: u64,
    /// The hash of the newest, hexadecimal; empty if there is none.
    pub head: String,
    /// The first broken entry and how; none if the chain holds.
    pub trouble: Option<String>,
}

/// Writes an event down, durably.
///
/// # Errors
/// [`StoreError`]: what was to be done must not be done then.
pub fn append(store: &Store, event: Event) -> Result<(), StoreError> {
    let entry = store.write(|change| append_within(change, event))?;
    announce(&entry);
    Ok(())
}

/// Writes an event down together with what it is about. To be [`announce`]d after the commit.
///
/// # Errors
/// [`StoreError`].
pub fn append_within(change: &Change<'_>, event: Event) -> Result<Entry, StoreError> {
    let head = change.audit_head()?.unwrap_or_default();
    let entry = head.next(event);
    change.put_audit(&entry, &Head::at(&entry))?;
    Ok(entry)
}

/// Sends a durable entry to the log, from where a collector takes it out of this machine's reach.
pub fn announce(entry: &Entry) {
    let Entry {
        number,
        event,
        hash,
    } = entry;
    tracing::info!(
        target: "keyroll::audit",
        number,
        hash,
        actor = event.actor,
        verb = event.verb,
        object = event.object,
        outcome = event.outcome,
        detail = event.detail,
    );
}

/// The newest entries, the newest first, at most `limit`; with `array`, those about it.
///
/// # Errors
/// [`StoreError::Unread`], [`StoreError::Corrupt`].
pub fn newest(store: &Store, limit: usize, array: &str) -> Result<Vec<Entry>, StoreError> {
    let about = |entry: &Entry| {
        array.is_empty()
            || entry
                .event
                .object
                .split_whitespace()
                .any(|word| word == array)
    };
    let mut found = Vec::new();
    let last = store.audit_head()?.map_or(0, |head| head.number);
    for number in (1..=last).rev() {
        if found.len() >= limit {
            break;
        }
        found.extend(store.audit_entry(number)?.filter(about));
    }
    Ok(found)
}

/// Goes through the whole chain.
///
/// # Errors
/// [`StoreError::Unread`]; damage is a verdict, not an error.
pub fn verify(store: &Store) -> Result<Verdict, StoreError> {
    let head = match store.audit_head() {
        Ok(head) => head.unwrap_or_default(),
        Err(StoreError::Corrupt { why, .. }) => {
            let trouble = Some(format!("the head of the chain: {why}"));
            return Ok(Verdict {
                entries: 0,
                head: String::new(),
                trouble,
            });
        }
        Err(other) => return Err(other),
    };
    let mut link = Link::default();
    let mut trouble = None;
    for page in store.audit_pages(head.number) {
        trouble = match page {
            Ok(entries) => entries.iter().find_map(|entry| link.take(entry).err()),
            Err(StoreError::Corrupt { key, why, .. }) => Some(format!("entry {key}: {why}")),
            Err(other) => return Err(other),
        };
        if trouble.is_some() {
            break;
        }
    }
    let trouble = trouble.or_else(|| link.ends_at(&head).err());
    Ok(Verdict {
        entries: head.number,
        head: head.hash,
        trouble,
    })
}
