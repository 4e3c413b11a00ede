//! The worlds: who is there, how many rolls there are, and how often what may go wrong.

mod large;
mod small;

use keyroll::roll::OldKey;

pub use large::LARGE;
pub use small::*;

use crate::world::Budget;

/// One world.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub name: &'static str,
    /// What is in it, for the table.
    pub words: &'static str,
    pub nodes: usize,
    /// Nodes that may join.
    pub spare: usize,
    pub dcs: usize,
    pub rolls: &'static [Kind],
    /// The first key is one that nobody here knows.
    pub adopted: bool,
    /// By fenced reset; else by change.
    pub reset: bool,
    pub gate: &'static str,
    /// Who is late is quarantined; else the roll aborts.
    pub lenient: bool,
    /// Nodes are asked in every order; else by their names.
    pub any_order: bool,
    pub left: Budget,
}

/// A roll of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    Emergency(OldKey),
}

use Kind::{Emergency, Ordinary};

/// Old tickets go when every domain controller has the new key.
const EMERGENCY: Kind = Emergency(OldKey::UntilConverged);

/// A budget of nothing.
pub const NOTHING: Budget = Budget {
    crashes: 0,
    node_crashes: 0,
    snapshots: 0,
    cut_calls: 0,
    late_keysets: 0,
    silent_looks: 0,
    lost_answers: 0,
    refusals: 0,
    lies: 0,
    aborts: 0,
    foreign: 0,
    bumps: 0,
    dc_restores: 0,
    waivers: 0,
    given_up_drains: 0,
    set_asides: 0,
    joins: 0,
    sick: 0,
};

/// Two nodes, two domain controllers, one roll, nothing wrong but that replication takes its time.
pub const CALM: Settings = Settings {
    name: "calm",
    words: "replication lags",
    nodes: 2,
    spare: 0,
    dcs: 2,
    rolls: &[Ordinary],
    adopted: false,
    reset: false,
    gate: "all",
    lenient: false,
    any_order: false,
    left: NOTHING,
};
