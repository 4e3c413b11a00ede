//! Checkpoints: entries in which the controller signs how far the chain has come. Whoever has the
//! public key and a copy of the entries can tell, without the store, that none was touched up to
//! the last checkpoint.

use super::{Event, Head};
use crate::seal::{AuditKey, Seal};

/// No more entries than this stand between one checkpoint and the next.
pub(super) const EVERY: u64 = 1_000;
const ACTOR: &str = "keyroll";
const VERB: &str = "audit checkpoint";

/// What is signed: the chain up to `before`.
fn statement(before: &Head) -> Vec<u8> {
    let mut text = b"keyroll audit checkpoint 1\0".to_vec();
    text.extend_from_slice(&before.number.to_be_bytes());
    text.extend_from_slice(before.hash.as_bytes());
    text
}

/// The checkpoint that follows `before`.
pub(super) fn event(seal: &Seal, before: &Head, at_unix_millis: i64) -> Event {
    Event {
        at_unix_millis,
        actor: ACTOR.to_owned(),
        verb: VERB.to_owned(),
        object: seal.audit_key().to_string(),
        outcome: "signed".to_owned(),
        detail: hex::encode(seal.sign(&statement(before))),
    }
}

/// Whether an event says of itself that it is a checkpoint.
pub(super) fn is_one(event: &Event) -> bool {
    event.verb == VERB
}

/// Whether `key` has signed that the chain came to `before`.
pub(super) fn is_signed(event: &Event, before: &Head, key: &AuditKey) -> bool {
    let signature = hex::decode(&event.detail).unwrap_or_default();
    event.actor == ACTOR
        && event.object == key.to_string()
        && key.has_signed(&statement(before), &signature)
}
