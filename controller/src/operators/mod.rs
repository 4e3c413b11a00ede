//! Operators: who may do what, to which array.

mod grave;
mod role;

pub use grave::Grave;
pub use role::Role;
