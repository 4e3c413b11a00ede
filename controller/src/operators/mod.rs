//! Operators: who may do what, to which array.

mod role;

pub use role::Role;
