//! The settings as they are written.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use keyroll::keytab::{TargetFilter, TargetKind};
use serde::Deserialize;

use super::{Array, Config, Health, Pools};
use crate::hook::Hook;
use crate::iis_pool::{self, is_pool_name};
use crate::keytab_file::Target;
use crate::logon_session::{self, Session};
use crate::platform::{self, Access, AccessWords};
use crate::service_logon::{self, is_service_name};

/// The file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    #[serde(default = "platform::state")]
    state: PathBuf,
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    #[serde(default = "default_log")]
    log: String,
    #[serde(default)]
    health: HealthTable,
    #[serde(rename = "array")]
    arrays: Vec<ArrayTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HealthTable {
    http: Option<SocketAddr>,
    agent_check: Option<SocketAddr>,
    stay_ready_without_controller_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ArrayTable {
    name: String,
    #[serde(default, rename = "target")]
    targets: Vec<TargetTable>,
    #[serde(default, rename = "hook")]
    hooks: Vec<HookTable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TargetTable {
    path: Option<PathBuf>,
    #[serde(default)]
    kind: Kind,
    sessions: Option<Vec<String>>,
    services: Option<Vec<String>>,
    pools: Option<Vec<String>>,
    recycle: Option<bool>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<String>,
    #[serde(default)]
    readers: Vec<String>,
    #[serde(default)]
    principals: Vec<String>,
    #[serde(default)]
    enctypes: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Owned,
    Shared,
    Client,
    LogonSession,
    ServiceLogon,
    IisPool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HookTable {
    command: Vec<String>,
    #[serde(default = "default_time_limit")]
    time_limit_seconds: u64,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8088))
}

fn default_log() -> String {
    "info".to_owned()
}

/// A reload takes a second or two; one that takes longer than this hangs.
fn default_time_limit() -> u64 {
    30
}

impl Kind {
    /// As the settings have it.
    const fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Shared => "shared",
            Self::Client => "client",
            Self::LogonSession => logon_session::NAME,
            Self::ServiceLogon => service_logon::NAME,
            Self::IisPool => iis_pool::NAME,
        }
    }
}

/// What is wrong, each complaint with its key in front.
type Complaints = Vec<String>;

impl File {
    /// What the file means.
    ///
    /// # Errors
    /// Every complaint at once.
    pub fn check(self) -> Result<Config, Complaints> {
        let mut complaints = Complaints::new();
        absolute("state", &self.state, &mut complaints);
        let log = parsed("log", &self.log, &mut complaints).unwrap_or(tracing::Level::INFO);
        if self.arrays.is_empty() {
            complaints.push("array: none is named; write [[array]] and its name".to_owned());
        }
        let mut arrays: Vec<Array> = Vec::new();
        for table in self.arrays {
            let Some(array) = table.check(&mut complaints) else {
                continue;
            };
            if arrays.iter().any(|other| other.name == array.name) {
                complaints.push(format!("array: {} is there twice", array.name));
            }
            arrays.push(array);
        }
        let paths = || {
            arrays
                .iter()
                .flat_map(|array| &array.targets)
                .map(|target| &target.path)
        };
        for (index, path) in paths().enumerate() {
            if paths().take(index).any(|other| other == path) {
                complaints.push(format!("path: {} is there twice", path.display()));
            }
        }
        let seconds = self.health.stay_ready_without_controller_seconds;
        let config = Config {
            state: self.state,
            listen: self.listen,
            log,
            health: Health {
                http: self.health.http,
                agent_check: self.health.agent_check,
                stay_ready_without_controller: seconds.map(Duration::from_secs),
            },
            arrays,
        };
        if complaints.is_empty() {
            Ok(config)
        } else {
            Err(complaints)
        }
    }
}

impl ArrayTable {
    fn check(mut self, complaints: &mut Complaints) -> Option<Array> {
        let name = parsed("array.name", &self.name, complaints)?;
        if self.targets.is_empty() {
            self.targets.push(TargetTable::owned_by_default(&self.name));
        }
        let (mut targets, mut sessions) = (Vec::new(), None);
        let (mut services, mut pools) = (None, None);
        for table in self.targets {
            let kind = table.kind;
            let is_second = match kind {
                Kind::LogonSession => sessions.replace(table.sessions(complaints)).is_some(),
                Kind::ServiceLogon => services.replace(table.services(complaints)).is_some(),
                Kind::IisPool => pools.replace(table.pools(complaints)).is_some(),
                Kind::Owned | Kind::Shared | Kind::Client => {
                    targets.extend(table.check(complaints));
                    false
                }
            };
            if is_second {
                complaints.push(format!("target: {} is there twice", kind.name()));
            }
        }
        let hooks = self
            .hooks
            .into_iter()
            .filter_map(|table| table.check(complaints))
            .collect();
        Some(Array {
            name,
            targets,
            sessions,
            services,
            pools,
            hooks,
        })
    }
}

impl TargetTable {
    fn owned_by_default(array: &str) -> Self {
        Self {
            path: Some(platform::keytab(array)),
            kind: Kind::Owned,
            sessions: None,
            services: None,
            pools: None,
            recycle: None,
            owner: None,
            group: None,
            mode: None,
            readers: Vec::new(),
            principals: Vec::new(),
            enctypes: Vec::new(),
        }
    }

    /// Complains of what a target without a file does not take, `only` and its kind apart.
    fn without_file(&self, only: &str, complaints: &mut Complaints) {
        let name = self.kind.name();
        if !platform::TAKES_PASSWORDS {
            complaints.push(format!("target: {name} is for Windows alone"));
        }
        let words = [&self.owner, &self.group, &self.mode];
        let lists = [&self.readers, &self.principals, &self.enctypes];
        let others = [
            self.sessions.is_some() && self.kind != Kind::LogonSession,
            self.services.is_some() && self.kind != Kind::ServiceLogon,
            (self.pools.is_some() || self.recycle.is_some()) && self.kind != Kind::IisPool,
        ];
        if self.path.is_some()
            || others.contains(&true)
            || words.iter().any(|word| word.is_some())
            || lists.iter().any(|list| !list.is_empty())
        {
            complaints.push(format!(
                "target: {name} takes kind and {only}, nothing else"
            ));
        }
    }

    fn services(self, complaints: &mut Complaints) -> Vec<String> {
        self.without_file("services", complaints);
        let services = self.services.unwrap_or_default();
        if services.is_empty() || !services.iter().all(|name| is_service_name(name)) {
            let what = "target.services: name services, by what `sc.exe query` shows, at least one";
            complaints.push(what.to_owned());
        }
        services
    }

    fn pools(self, complaints: &mut Complaints) -> Pools {
        self.without_file("pools, recycle", complaints);
        let names = self.pools.unwrap_or_default();
        if names.is_empty() || !names.iter().all(|name| is_pool_name(name)) {
            let what = "target.pools: name application pools, by what `keyroll-agent iis show` \
                        shows, at least one";
            complaints.push(what.to_owned());
        }
        Pools {
            names,
            recycle: self.recycle.unwrap_or(true),
        }
    }

    fn sessions(self, complaints: &mut Complaints) -> Vec<Session> {
        self.without_file("sessions", complaints);
        let sessions = each(
            "target.sessions",
            &self.sessions.unwrap_or_default(),
            complaints,
        );
        let sessions = sessions.unwrap_or_default();
        if sessions.is_empty() {
            let words = "system, network-service, local-service, service:NAME";
            complaints.push(format!("target.sessions: name at least one of {words}"));
        }
        sessions
    }

    fn check(self, complaints: &mut Complaints) -> Option<Target> {
        let Some(place) = self.path else {
            complaints.push("target.path: it is missing".to_owned());
            return None;
        };
        absolute("target.path", &place, complaints);
        let others = [self.sessions.is_some(), self.services.is_some()];
        if others.contains(&true) || self.pools.is_some() || self.recycle.is_some() {
            let what = "target.sessions, target.services, target.pools, target.recycle: only with \
                        kind = \"logon-session\", \"service-logon\" or \"iis-pool\"";
            complaints.push(what.to_owned());
        }
        let kind = match self.kind {
            Kind::Owned => TargetKind::Owned,
            Kind::Shared => TargetKind::Shared,
            Kind::Client => TargetKind::Client,
            Kind::LogonSession => TargetKind::LogonSession,
            Kind::ServiceLogon => TargetKind::ServiceLogon,
            Kind::IisPool => TargetKind::IisPool,
        };
        let path = place.display();
        let words = AccessWords {
            owner: self.owner,
            group: self.group,
            mode: self.mode,
            readers: self.readers,
        };
        let access = Access::of(words).unwrap_or_else(|wrong| {
            complaints.extend(wrong.iter().map(|wrong| format!("{path}: {wrong}")));
            Access::PRIVATE
        });
        let principals = each("target.principals", &self.principals, complaints);
        let enctypes = each("target.enctypes", &self.enctypes, complaints);
        let filter = TargetFilter {
            kind,
            principals,
            enctypes,
        };
        Some(Target {
            path: place,
            filter,
            access,
        })
    }
}

impl HookTable {
    fn check(self, complaints: &mut Complaints) -> Option<Hook> {
        let Some((program, arguments)) = self.command.split_first() else {
            complaints.push("hook.command: it is empty".to_owned());
            return None;
        };
        absolute("hook.command", Path::new(program), complaints);
        if !(1..=600).contains(&self.time_limit_seconds) {
            complaints.push("hook.time-limit-seconds: 1 to 600 are allowed".to_owned());
        }
        Some(Hook {
            program: program.into(),
            arguments: arguments.to_vec(),
            time_limit: Duration::from_secs(self.time_limit_seconds),
        })
    }
}

fn absolute(key: &str, path: &Path, complaints: &mut Complaints) {
    if !path.is_absolute() || path.file_name().is_none() {
        complaints.push(format!("{key}: {} is not an absolute path", path.display()));
    }
}

fn parsed<T: FromStr>(key: &str, text: &str, complaints: &mut Complaints) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error| complaints.push(format!("{key}: {error}")))
        .ok()
}

/// A list that limits; an empty one does not.
fn each<T: FromStr>(key: &str, texts: &[String], complaints: &mut Complaints) -> Option<Vec<T>>
where
    T::Err: std::fmt::Display,
{
    let values: Vec<T> = texts
        .iter()
        .filter_map(|text| parsed(key, text, complaints))
        .collect();
    (!texts.is_empty()).then_some(values)
}
