//! The controller's memory: one file, every commit durable, every row authenticated.
//!
//! redb in a file of mode 0600 inside a folder of mode 0700. A commit returns after two fsyncs
//! (the new state, then the pointer to it), so that what a caller was told is saved is saved.
//! A second controller on the same file is refused by the file's lock. Secrets inside are sealed
//! ([`crate::seal`]); each row carries an HMAC over its table, key and content, so that an edited,
//! moved or damaged row is found at its next read.
//!
//! **A save that fails ends the process.** After [`StoreError::Unsaved`] nobody knows whether the
//! rows are on disk, and memory must not run ahead of the journal: the caller logs the error and
//! exits; the next start reads what is there and continues from that.
//!
//! Reading is [`Read`], which [`Store`] and [`Change`] have alike; writing is a [`Change`], all of
//! which becomes durable at once or not at all.

mod audit_rows;
mod backup;
mod change;
mod changes;
mod error;
mod journal;
mod open;
mod petitions;
mod read;
mod records;
mod restore;
mod row;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod token;

pub use backup::{BackupError, Head};
pub use change::Change;
pub use changes::{ChangeRecord, Changes};
pub use error::StoreError;
pub use journal::{JournalEntry, PastRoll};
pub use open::Store;
pub use petitions::{Answered, Petition, Petitions};
pub use read::Read;
pub use records::{
    Account, ArrayRecord, AuthorityRecord, DriftRecord, GenerationRecord, KeptGeneration, LEAVING,
    Meta, NamingRecord, NodeRecord, NodeState, OperatorRecord, PasswordLeave, PreviousGeneration,
    Trust,
};
pub use snapshot::Snapshot;
pub use token::{NotRedeemed, TokenRecord};
