//! What is known of the service, as whoever logs in meets it.

use std::net::IpAddr;

use super::Seen;

/// How a place of the service was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A node, at its own address.
    Direct,
    /// The array's name, which leads to nodes themselves, or nobody knows where.
    Name,
    /// The array's name, at an address that no node has.
    Balancer(IpAddr),
}

/// A place where the service answers: a node, or the array's name. What is asked several times,
/// since there may be several behind it, is there several times.
#[derive(Debug, Clone)]
pub struct ServiceFacts {
    /// The node's name, or the array's.
    pub place: String,
    /// How it was reached.
    pub way: Way,
    /// The host that was dialled.
    pub dialled: String,
    /// The page that was asked for.
    pub url: String,
    /// What it answered.
    pub web: Seen<WebFacts>,
}

/// What a web server answered.
#[derive(Debug, Clone)]
pub struct WebFacts {
    /// The status without a login.
    pub status: u16,
    /// The `WWW-Authenticate` headers then, in order.
    pub challenges: Vec<String>,
    /// What program it says it is (RFC 9110 section 10.2.4); empty if it does not.
    pub server: String,
    /// What it answered to a real ticket, or why it did not; `None` if no ticket was shown.
    pub login: Option<Result<LoginFacts, String>>,
}

/// What a web server answered to a real ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginFacts {
    /// The status.
    pub status: u16,
    /// Whether it has proven to have opened the ticket (RFC 4559 section 5: its own token).
    pub proven: bool,
}
