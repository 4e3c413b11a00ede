//! The bytes of a keytab (MIT file format 0x0502), and the edits that keyroll makes to them.
//!
//! [`framing`] walks the records and accounts for every byte; [`entry`] reads and writes one whole
//! record; [`edit`] says which entries a file shall hold and what to write for it; [`held`] says
//! what a file holds, without a key.

pub mod compare;
pub mod edit;
pub mod entry;
pub mod framing;
pub mod held;

pub use edit::{EditError, Patch, SharedEdit, Sync, TargetFilter, TargetKind, Wanted, wanted};
pub use entry::Entry;
pub use framing::{Damaged, Framing};
pub use held::inventory;
