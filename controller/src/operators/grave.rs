//! What an installation may let nobody do alone.

use serde::{Deserialize, Serialize};

/// A kind of call that is grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grave {
    /// A roll that takes old keys away while tickets under them live, or rules by which any would.
    Emergency,
    /// Not waiting for a domain controller.
    WaiveDc,
    /// SPNs: registered, moved, removed, taken back.
    Spn,
    /// Delegation: changed, or tried with the array's key.
    Delegation,
    /// Leave for a node to have an array's password itself.
    Password,
    /// Ending the alarm that a sink of the audit knows of entries which the controller does not.
    AuditFork,
}
