//! A security context with a service, through a ticket for it: GSS-API's Kerberos mechanism
//! (RFC 4121), from the side of its initiator.
//!
//! [`Initiation`] shows the ticket and demands the service's own proof; with that proof it becomes
//! a [`Context`], whose two halves wrap what is sent and unwrap what is received.

mod binding;
mod establish;
mod negotiation;
mod wrap;

#[cfg(test)]
mod tests;

pub use binding::ChannelBinding;
pub use establish::{Context, Initiation, Protection, Unestablished};
pub use negotiation::{answered, propose};
pub use wrap::{BadWrap, OVERHEAD_MAX, Receiving, Sending};
