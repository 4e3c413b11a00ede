//! What touches the directory: LDAP and Kerberos, spoken to one named domain controller at a time.
//!
//! Nothing is decided here. Each call says what was seen, or one of three things about a write:
//! applied, refused, unanswered. Nothing is tried twice by itself.

pub mod config;
pub mod credential;
pub mod text;

mod ber;
mod connection;
mod entry;
mod relay;
mod result;
mod tls;
