//! The controller's configuration: a TOML file, checked as a whole before anything starts.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyroll::drift::Heal;
use keyroll::roll::policy::{DelegationGap, Gate, OnDeadline, Policy};
use serde::Deserialize;

use crate::audit::sinks::AuditConfig;
use crate::backups::BackupConfig;
use crate::directory::config::DirectoryConfig;
use crate::directory::text::is_attribute_name;
use crate::operators::Grave;

/// Everything the controller is told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Where it keeps its state: arrays, journals, certificates, audit. 0700.
    #[serde(default = "default_state")]
    pub state: PathBuf,
    /// The file with the sealing key, 0600; without it, the systemd credential `seal-key`.
    pub seal_key: Option<PathBuf>,
    /// Where it listens.
    #[serde(default)]
    pub listen: Listen,
    /// The directory, and the account to bind as.
    pub directory: DirectoryConfig,
    /// What an array's policy is unless it says otherwise.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// What it may write with its own rights when an operator asks it to.
    #[serde(default)]
    pub authority: AuthorityConfig,
    /// Where the audit goes besides the store.
    #[serde(default)]
    pub audit: AuditConfig,
    /// Where backups go; none are made by themselves if it is not said.
    pub backup: Option<BackupConfig>,
    /// How long a node's certificate holds, in hours, at most a day; it is renewed at half of it.
    #[serde(default = "default_certificate")]
    pub node_certificate_hours: u64,
    /// For how many days after its end the last certificate of a node still gets the node a new
    /// one, and nothing else: how long a site may be without its controller. 0: never.
    #[serde(default = "default_grace")]
    pub node_renewal_grace_days: u16,
    /// How many rolls of all arrays together begin within an hour, emergencies aside.
    #[serde(default = "default_rolls")]
    pub rolls_per_hour: u16,
    /// How often a healthy array is looked over, in seconds.
    #[serde(default = "default_reconcile")]
    pub reconcile_seconds: u64,
    /// How long a balancer may go on sending users to a node that has said it is not ready, in
    /// seconds: its check's interval, as often as that must fail, and the check's own time limit.
    #[serde(default = "default_balancer")]
    pub balancer_seconds: u64,
}

/// Where the controller listens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Listen {
    /// For nodes that join: TLS, server authenticated.
    pub enroll: SocketAddr,
    /// For operators: mutual TLS.
    pub operators: SocketAddr,
    /// For root on this machine.
    pub socket: PathBuf,
    /// The names in the controller's certificate, and in the join lines: the first is printed.
    pub names: Vec<String>,
    /// Which port an agent serves on unless `node add --address` says otherwise.
    pub agent_port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            enroll: SocketAddr::from(([0, 0, 0, 0], 8086)),
            operators: SocketAddr::from(([0, 0, 0, 0], 8087)),
            socket: PathBuf::from("/run/keyroll/operator.sock"),
            names: vec!["localhost".to_owned()],
            agent_port: 8088,
        }
    }
}

/// What the controller may write with its own rights: changes that an operator planned and asks it
/// to make (`--with-controller-rights`). By default nothing: operators make them with their own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AuthorityConfig {
    /// LDAP attribute names, such as `servicePrincipalName`.
    pub controller_writes: Vec<String>,
    /// What no operator may do alone.
    pub two_persons: BTreeSet<Grave>,
}

/// Defaults for the policies of arrays; all times in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// `all`, `all-but …`, `at-least N`, `must-have …`.
    pub gate: Gate,
    /// How long staging may take.
    pub stage_deadline: u64,
    /// `abort` or `quarantine`.
    pub on_deadline: OnDeadline,
    /// L, the longest life of a ticket in the domain. Not named: ten hours, or as long as the
    /// tickets live that a roll sees.
    pub ticket_life: Option<u64>,
    /// S.
    pub clock_skew: u64,
    /// M.
    pub margin: u64,
    /// After this long a write that nobody answered cannot be applied any more. Not less than what
    /// the domain lets a request take (`MaxQueryDuration`, 120 s) and its copy on the way.
    pub quiesce: u64,
    /// How long a silent writer is waited for before another DC gets the same password.
    pub fail_over: u64,
    /// Characters of a password.
    pub password_length: u32,
    /// How long an old generation stays sealed here after a roll, journals included, in case a DC
    /// is restored; never shorter than tickets under it live.
    pub escrow: u64,
    /// What is done about a password that somebody else has set: `never` (an alarm) or `reset`.
    pub heal: Heal,
    /// Whether a roll may leave an account that delegates unable to do so with older tickets:
    /// `refuse`, `in-window` or `accept`.
    pub delegation_gap: DelegationGap,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            gate: policy.gate,
            stage_deadline: policy.stage_deadline.as_secs(),
            on_deadline: policy.on_deadline,
            ticket_life: None,
            clock_skew: policy.clock_skew.as_secs(),
            margin: policy.margin.as_secs(),
            quiesce: policy.quiesce.as_secs(),
            fail_over: policy.fail_over.as_secs(),
            password_length: 64,
            escrow: 7 * 24 * 3600,
            heal: Heal::Never,
            delegation_gap: policy.delegation_gap,
        }
    }
}

impl PolicyConfig {
    /// The policy of an array that says nothing of its own.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let policy = Policy::default();
        Policy {
            gate: self.gate.clone(),
            stage_deadline: Duration::from_secs(self.stage_deadline),
            on_deadline: self.on_deadline,
            ticket_life: self
                .ticket_life
                .map_or(policy.ticket_life, Duration::from_secs),
            ticket_life_given: self.ticket_life.is_some(),
            clock_skew: Duration::from_secs(self.clock_skew),
            margin: Duration::from_secs(self.margin),
            quiesce: Duration::from_secs(self.quiesce),
            fail_over: Duration::from_secs(self.fail_over),
            delegation_gap: self.delegation_gap,
            ..policy
        }
    }
}

fn default_state() -> PathBuf {
    PathBuf::from("/var/lib/keyroll")
}

const fn default_certificate() -> u64 {
    24
}

const fn default_grace() -> u16 {
    90
}

const fn default_rolls() -> u16 {
    crate::rolls::ROLLS_PER_HOUR
}

const fn default_reconcile() -> u64 {
    30
}

const fn default_balancer() -> u64 {
    15
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read: an error, never a default.
    #[error("cannot read {path}: {source}; say which file with --config")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what is expected.
    #[error("{path} is not a valid configuration: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What, where.
        why: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let invalid = |why: String| ConfigError::Invalid {
            path: path.to_owned(),
            why,
        };
        Self::parse(&text).map_err(invalid)
    }

    /// The configuration that a file's text says.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.listen.names.is_empty() {
            return Err("listen.names is empty: nodes would not know whom to dial".to_owned());
        }
        keyroll::password::Length::new(self.policy.password_length as usize)
            .map_err(|error| format!("policy.password-length: {error}"))?;
        if !(1..=24).contains(&self.node_certificate_hours) {
            return Err("node-certificate-hours must be between 1 and 24".to_owned());
        }
        if self.node_renewal_grace_days > 3650 {
            return Err("node-renewal-grace-days must be at most 3650".to_owned());
        }
        self.backup.as_ref().map_or(Ok(()), BackupConfig::check)?;
        self.audit.check()?;
        let named = &self.authority.controller_writes;
        if let Some(bad) = named.iter().find(|name| !is_attribute_name(name)) {
            let why = "an attribute's name is letters, digits and '-', beginning with a letter";
            return Err(format!("authority.controller-writes: {bad:?}: {why}"));
        }
        if self.rolls_per_hour == 0 {
            let why = "rolls-per-hour must be at least 1; `keyroll schedule pause` pauses";
            return Err(why.to_owned());
        }
        if self.reconcile_seconds == 0 {
            return Err("reconcile-seconds must be at least 1".to_owned());
        }
        if self.balancer_seconds > 600 {
            return Err("balancer-seconds must be at most 600".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r03_no_certificate_of_a_node_is_made_for_more_than_a_day() {
        let parse = |hours: u64| {
            let sample = include_str!("../keyroll-controller.toml");
            Config::parse(&format!("node-certificate-hours = {hours}\n{sample}"))
        };
        for (hours, holds) in [(0, false), (1, true), (24, true), (25, false)] {
            let read = parse(hours);
            assert_eq!(read.is_ok(), holds, "{hours}: {read:?}");
        }
    }
}
