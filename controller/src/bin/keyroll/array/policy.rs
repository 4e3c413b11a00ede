//! The options that make an array's policy.

use clap::{Args, ValueEnum};
use keyroll_proto::operator::Policy;

use crate::words::seconds;

/// How an array is rolled; what is not given is the controller's configured default.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Policy (defaults where the controller's configuration sets no others)"
)]
pub struct PolicyOptions {
    /// Which nodes must hold the new key before the directory changes: `all`,
    /// `all-but NODE,NODE`, `at-least N` or `must-have NODE,NODE`; by default `all`
    #[arg(long, value_name = "GATE")]
    gate: Option<String>,
    /// How long staging may take; by default 2min
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    stage_deadline: Option<u64>,
    /// What to do with nodes that are not staged by then; by default `abort`
    #[arg(long, value_enum, value_name = "WHAT")]
    on_deadline: Option<OnDeadline>,
    /// The longest life of a ticket in the domain: the old key is kept for this, plus twice the
    /// clock skew, plus the margin. By default 10h, or as long as the roll's own tickets live;
    /// what is given counts even if they live longer
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    ticket_life: Option<u64>,
    /// How far clocks may differ; by default 5min
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    clock_skew: Option<u64>,
    /// A margin on top; by default 20min
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    margin: Option<u64>,
    /// How the password is written: changed with the old one, or reset; by default `auto`
    #[arg(long, value_enum, value_name = "HOW")]
    method: Option<Method>,
    /// Characters of a password, at most 120; by default 64
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(40..=120))]
    password_length: Option<u32>,
    /// What to do about a password that somebody else has set: raise an alarm, or give the nodes a
    /// new key and reset the account, once an hour at most; by default `never`
    #[arg(long, value_enum, value_name = "HOW")]
    heal: Option<Heal>,
    /// What to do about an account that delegates with the tickets that clients show it, which a
    /// roll may make worthless as evidence until they have fetched new ones; by default `refuse`
    #[arg(long, value_enum, value_name = "WHAT")]
    delegation_gap: Option<DelegationGap>,
}

/// What happens to nodes that are not staged in time.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OnDeadline {
    /// Abort the roll
    Abort,
    /// Quarantine them and go on
    Quarantine,
}

/// How the directory's password is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Method {
    /// Change, and reset where a change cannot be
    Auto,
    /// Change, giving the old password
    Change,
    /// A fenced reset
    Reset,
}

/// How a password that somebody else has set is dealt with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Heal {
    /// An alarm; an operator decides
    Never,
    /// A roll that resets the account
    Reset,
}

/// What is done about a roll after which the account cannot delegate with older tickets.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DelegationGap {
    /// No roll until an operator accepts it (keyroll roll --accept-delegation-gap)
    Refuse,
    /// Roll while a window of the schedule is open
    InWindow,
    /// Roll
    Accept,
}

impl PolicyOptions {
    /// The message, or nothing if no option was given.
    #[must_use]
    pub fn to_proto(&self) -> Option<Policy> {
        let on_deadline = self.on_deadline.map_or("", |what| match what {
            OnDeadline::Abort => "abort",
            OnDeadline::Quarantine => "quarantine",
        });
        let method = self.method.map_or("", |how| match how {
            Method::Auto => "auto",
            Method::Change => "change",
            Method::Reset => "reset",
        });
        let heal = self.heal.map_or("", |how| match how {
            Heal::Never => "never",
            Heal::Reset => "reset",
        });
        let gap = self.delegation_gap.map_or("", |what| match what {
            DelegationGap::Refuse => "refuse",
            DelegationGap::InWindow => "in-window",
            DelegationGap::Accept => "accept",
        });
        let policy = Policy {
            gate: self.gate.clone().unwrap_or_default(),
            stage_deadline: self.stage_deadline.unwrap_or_default(),
            on_deadline: on_deadline.to_owned(),
            ticket_life: self.ticket_life,
            clock_skew: self.clock_skew,
            margin: self.margin,
            method: method.to_owned(),
            password_length: self.password_length.unwrap_or_default(),
            heal: heal.to_owned(),
            delegation_gap: gap.to_owned(),
        };
        (policy != Policy::default()).then_some(policy)
    }
}
