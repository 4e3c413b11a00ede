//! The messages that prove a key (RFC 4120), as bytes in and values out.
//!
//! | exchange | made here | read here |
//! | --- | --- | --- |
//! | AS: a password or key for a first ticket | [`AsRequest`] | [`AsReply`] |
//! | TGS: a ticket for a service's ticket | [`TgsRequest`] | [`TgsReply`] |
//! | S4U: a ticket in a user's name, and on | [`ForUserRequest`], [`ProxyRequest`] | [`TgsReply`] |
//! | AP: a ticket shown to a service | [`ApRequest`] | [`accept`] |
//! | GSS-API: a context with a service, through a ticket | [`gss::Initiation`] | [`gss::Context`] |
//!
//! Three proofs are built from them, none of which counts as a failed login in the directory:
//! * a domain controller issues under a key if [`Ticket::open`] opens the ticket it issued;
//! * a node accepts a key, before the directory has it, if it accepts an AP request whose ticket
//!   the controller made itself ([`Mint`]);
//! * a node still accepts an old key in the same way, or with a real ticket that was kept.
//!
//! Times, nonces, confounders and session keys are arguments. A message that is read is at most
//! [`MESSAGE_MAX`] bytes long and is checked as DER before any library sees it, so no input makes
//! this code panic, recurse without end or allocate more than a small multiple of its length.
//! Names are ASCII: that is what picky-krb can say, and what AD's service names are.

pub mod ap_exchange;
pub mod as_exchange;
pub mod credential;
mod der;
pub mod encryption;
pub mod frame;
pub mod gss;
pub mod kdc_error;
mod kdc_exchange;
pub mod s4u;
pub mod tgs_exchange;
pub mod ticket;
mod wire;

#[cfg(test)]
mod tests;

pub use ap_exchange::{AcceptError, Accepted, ApRequest, accept};
pub use as_exchange::{AsReply, AsRequest, KeyHint, Preauth, krbtgt};
pub use credential::{Credential, TicketFlags, TicketTimes};
pub use der::{MESSAGE_MAX, Malformed};
pub use encryption::{Confounder, UnsupportedEnctype};
pub use frame::{BadFrame, expected_length, frame};
pub use kdc_error::{KdcCode, KdcError};
pub use kdc_exchange::Granted;
pub use s4u::{ForUserRequest, ProxyRequest};
pub use tgs_exchange::{TgsReply, TgsRequest};
pub use ticket::{Mint, OpenError, Ticket, TicketInside, TicketLook};
pub use wire::Unsayable;
