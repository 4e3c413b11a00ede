//! Enrolment: how a node gets its first certificate.
//!
//! `keyroll node add` prints one line, made of `keyroll-agent join` and an
//! [`Invitation`](keyroll_proto::invitation::Invitation) on its standard input: the token is in no
//! argument and no file. The agent makes a key, connects to the port served here (TLS 1.3, its
//! server known by the authority's fingerprint in the invitation) and sends the token with a
//! signing request. The token is used up, the certificate noted and the node joined in one
//! transaction: of any number of joins with one token, one succeeds.

mod address;
mod rate;
mod refused;
mod service;
#[cfg(test)]
mod tests;

pub use address::{BadAddress, NodeAddress};
pub use service::EnrollService;
