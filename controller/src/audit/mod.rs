//! The audit: who did what, to what, and how it ended; chained so that no entry can be changed,
//! dropped, moved or slipped in unnoticed.
//!
//! The hash of an entry is SHA-256 over the hash before it and the entry's own fields; the newest
//! number and hash are kept apart, so that a cut tail shows too. Each row is authenticated by the
//! store besides, which whoever holds the sealing key can do; the chain binds that one as well,
//! as far as heads were noted elsewhere: each entry goes to the log (target `keyroll::audit`) with
//! its hash, and to the sinks that the settings name. Every thousand entries, and every hour in
//! which there was one, the controller signs how far the chain has come ([`checkpoint`]).

mod chain;
mod checkpoint;
mod copy;
mod length;
pub mod sinks;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::seal::AuditKey;
use crate::store::{Change, Store, StoreError};
use chain::Link;

pub(crate) use chain::Head;
pub use copy::{CopyError, verify_copy};

/// Something that was done or refused, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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

/// An event in its place. Nothing else may stand in it, nor in its [`Event`]: no hash would cover
/// that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
    /// How many of them are checkpoints, each signed.
    pub checkpoints: u64,
    /// The number of the last entry: those after the newest checkpoint are covered by no signature.
    pub last: u64,
    /// The number of the newest checkpoint that was verified; 0 if there is none.
    pub signed: u64,
    /// By which key they are signed.
    pub key: AuditKey,
    /// The first broken entry and how; none if the chain holds.
    pub trouble: Option<String>,
}

/// An entry that is durable together with what it is about, and to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    entry: Entry,
    /// The checkpoint that was due after it.
    checkpoint: Option<Entry>,
}

/// Writes an event down, durably.
///
/// # Errors
/// [`StoreError`]: what was to be done must not be done then.
pub fn append(store: &Store, event: Event) -> Result<(), StoreError> {
    let written = store.write(|change| append_within(change, event))?;
    announce(&written);
    Ok(())
}

/// Writes an event down together with what it is about; a field that is too long for an entry is
/// cut, with its length and SHA-256. To be [`announce`]d after the commit.
///
/// # Errors
/// [`StoreError`].
pub fn append_within(change: &Change<'_>, event: Event) -> Result<Written, StoreError> {
    let head = change.audit_head()?.unwrap_or_default();
    let at = event.at_unix_millis;
    let entry = head.next(event.within_limits());
    let head = head.after(&entry);
    change.put_audit(&entry, &head)?;
    let checkpoint = head.is_due().then(|| sign(change, &head, at)).transpose()?;
    Ok(Written { entry, checkpoint })
}

fn sign(change: &Change<'_>, head: &Head, at_unix_millis: i64) -> Result<Entry, StoreError> {
    let entry = head.next(checkpoint::event(change.seal(), head, at_unix_millis));
    change.put_audit(&entry, &head.after(&entry))?;
    Ok(entry)
}

/// Signs how far the chain has come, if anything came after the last checkpoint.
///
/// # Errors
/// [`StoreError`].
pub fn sign_what_is_new(store: &Store, at_unix_millis: i64) -> Result<(), StoreError> {
    let signed = store.write(|change| {
        let head = change.audit_head()?.unwrap_or_default();
        let is_new = head.number > head.checkpoint;
        is_new
            .then(|| sign(change, &head, at_unix_millis))
            .transpose()
    })?;
    signed.iter().for_each(log);
    Ok(())
}

/// Sends what is durable to the log, from where a collector takes it out of this machine's reach.
pub fn announce(written: &Written) {
    log(&written.entry);
    written.checkpoint.iter().for_each(log);
}

fn log(entry: &Entry) {
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
    let key = store.audit_key();
    let verdict = |head: &Head, checkpoints, trouble| Verdict {
        entries: head.number,
        last: head.number,
        head: head.hash.clone(),
        checkpoints,
        signed: head.checkpoint,
        key,
        trouble,
    };
    let head = match store.audit_head() {
        Ok(head) => head.unwrap_or_default(),
        Err(StoreError::Corrupt { why, .. }) => {
            let trouble = Some(format!("the head of the chain: {why}"));
            return Ok(verdict(&Head::default(), 0, trouble));
        }
        Err(other) => return Err(other),
    };
    let mut link = Link::from_the_first(key);
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
    Ok(verdict(&head, link.checkpoints, trouble))
}
