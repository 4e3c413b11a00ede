//! Where the audit goes besides the store: a file, the system's log, a web server. Each sink is
//! served by a task of its own, in order and from where it was last; what it cannot take waits in
//! the store. Where sinks are configured, nothing is changed of which none of them has heard.

mod file;
mod syslog;
#[cfg(test)]
mod tests;
mod webhook;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::select_ok;
use keyroll_failpoint::at;
use keyroll_proto::operator::Alarm;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Entry, Event, append, sign_what_is_new};
use crate::store::{Store, StoreError};
use file::{End, Paper};
use webhook::Webhook;
pub use webhook::WebhookConfig;

/// How long a change waits for a sink to take its entry.
const PATIENCE: Duration = Duration::from_secs(5);
/// A sink that takes longer for what it is given has failed.
const LIMIT: Duration = Duration::from_secs(10);
/// Entries given to a sink at once, and how much they come to, in bytes: web servers take bodies of
/// some hundred kilobytes.
const BATCH: u64 = 100;
const AT_ONCE: usize = 64 * 1024;
/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// The place where a sink is told ([`crate::failpoint`]).
pub(crate) const TAKE: &str = "take";
/// How often the chain is signed while entries come.
const SIGNED: Duration = Duration::from_secs(3600);

/// Where the audit goes besides the store; nowhere if nothing is named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AuditConfig {
    /// A file to which each entry is appended as a line of JSON. Its folder must be there.
    pub file: Option<PathBuf>,
    /// The socket of the system's log (RFC 3164), `/dev/log`: journald and syslog listen there.
    pub syslog: Option<PathBuf>,
    /// A web server that is sent the entries.
    pub webhook: Option<WebhookConfig>,
}

impl AuditConfig {
    /// What is wrong with it, in words.
    ///
    /// # Errors
    /// A path that is not absolute, or an address that is none.
    pub fn check(&self) -> Result<(), String> {
        for (key, path) in [("file", &self.file), ("syslog", &self.syslog)] {
            if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                return Err(format!("audit.{key} must be an absolute path"));
            }
        }
        self.webhook.as_ref().map_or(Ok(()), WebhookConfig::check)
    }
}

/// What a sink surely has.
enum Has {
    /// Our chain up to this entry.
    Ours(u64),
    /// What is not in our chain: how it ends.
    Other(String),
}

/// One place.
enum Sink {
    File(Paper),
    Syslog(PathBuf),
    Webhook(Webhook),
}

impl Sink {
    const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Syslog(_) => "syslog",
            Self::Webhook(_) => "webhook",
        }
    }

    /// What operators know it by.
    fn place(&self) -> String {
        match self {
            Self::File(Paper { path, .. }) | Self::Syslog(path) => path.display().to_string(),
            Self::Webhook(webhook) => webhook.url(),
        }
    }

    /// The last entry that it surely has, which may be newer than what was written down. One that
    /// is not in this chain was written before the store was put back from a backup.
    async fn has(&self, store: &Store, noted: u64) -> anyhow::Result<Has> {
        let Self::File(file) = self else {
            return Ok(Has::Ours(noted));
        };
        let last = match file.work(file::last).await? {
            End::Empty => return Ok(Has::Ours(noted)),
            End::Entry(last) => last,
            End::Foreign => return Ok(Has::Other("a line that is no entry".to_owned())),
        };
        let ours = store.audit_entry(last.number)?;
        if ours.is_some_and(|ours| ours == last) {
            return Ok(Has::Ours(last.number));
        }
        let (number, hash) = (last.number, &last.hash);
        Ok(Has::Other(format!("entry {number}, hash {hash}")))
    }

    async fn take(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let _here = at("sink", TAKE);
        match self {
            Self::File(file) => {
                let entries = entries.to_vec();
                file.work(move |path| file::append(path, &entries)).await?;
            }
            Self::Syslog(path) => syslog::send(path, entries).await?,
            Self::Webhook(webhook) => webhook.post(entries).await?,
        }
        Ok(())
    }
}

struct Outlet {
    sink: Sink,
    /// The last entry that the sink has taken.
    reached: watch::Sender<u64>,
    trouble: Mutex<Option<String>>,
    /// That the sink knows of entries that this store does not, until somebody acknowledges it.
    fork: Mutex<Option<String>>,
    /// Somebody cannot go on before it has taken everything.
    awaited: Notify,
}

/// No sink has heard of what is to be done, so it is not done.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no sink of the audit takes what is to be done, so it is not done: {0}")]
pub struct Unheard(String);

/// All sinks.
pub struct Sinks {
    store: Arc<Store>,
    outlets: Vec<Outlet>,
    pub(crate) patience: Duration,
}

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sinks(..)")
    }
}

impl Sinks {
    /// The sinks of these settings, each from where it was last.
    ///
    /// # Errors
    /// In words, if a sink's settings cannot be used.
    pub fn new(store: Arc<Store>, config: &AuditConfig) -> Result<Arc<Self>, String> {
        let webhook = config.webhook.as_ref().map(Webhook::new).transpose()?;
        let sinks = [
            config.file.clone().map(Paper::at).map(Sink::File),
            config.syslog.clone().map(Sink::Syslog),
            webhook.map(Sink::Webhook),
        ];
        let outlet = |sink: Sink| {
            let noted = store.audit_taken(sink.name());
            let fork = store.audit_fork(sink.name());
            Ok(Outlet {
                reached: watch::Sender::new(noted.map_err(|error| error.to_string())?),
                sink,
                trouble: Mutex::default(),
                fork: Mutex::new(fork.map_err(|error| error.to_string())?),
                awaited: Notify::new(),
            })
        };
        let outlets: Result<Vec<Outlet>, String> =
            sinks.into_iter().flatten().map(outlet).collect();
        Ok(Arc::new(Self {
            outlets: outlets?,
            store,
            patience: PATIENCE,
        }))
    }

    /// Returns once a sink has everything that is in the chain now; at once if there is no sink.
    ///
    /// # Errors
    /// [`Unheard`] if none has it in time.
    pub async fn demand(&self) -> Result<(), Unheard> {
        if self.outlets.is_empty() {
            return Ok(());
        }
        let head = self.store.audit_head();
        let head = head.map_err(|error| Unheard(error.to_string()))?;
        let number = head.map_or(0, |head| head.number);
        let waits = self.outlets.iter().map(|outlet| {
            outlet.awaited.notify_one();
            let mut reached = outlet.reached.subscribe();
            Box::pin(async move {
                reached
                    .wait_for(|reached| *reached >= number)
                    .await
                    .map(drop)
            })
        });
        match timeout(self.patience, select_ok(waits)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unheard(self.troubles().join("; "))),
        }
    }

    fn troubles(&self) -> Vec<String> {
        let told = self.outlets.iter().map(|outlet| {
            let trouble = outlet
                .trouble
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let why = trouble.clone().unwrap_or_else(|| "it is behind".to_owned());
            format!("{}: {why}", outlet.sink.place())
        });
        told.collect()
    }

    /// The sinks that know of entries which the controller does not: each with what it knows.
    #[must_use]
    pub fn forks(&self) -> Vec<(String, String)> {
        let forks = self.outlets.iter().filter_map(|outlet| {
            let fork = outlet.fork.lock().unwrap_or_else(PoisonError::into_inner);
            Some((outlet.sink.place(), fork.clone()?))
        });
        forks.collect()
    }

    /// Notes that somebody has seen `forks`; what came since is not seen.
    ///
    /// # Errors
    /// [`StoreError`]; the alarms go on then.
    pub fn acknowledge(&self, forks: &[(String, String)]) -> Result<(), StoreError> {
        for outlet in &self.outlets {
            let mut fork = outlet.fork.lock().unwrap_or_else(PoisonError::into_inner);
            let place = outlet.sink.place();
            if forks
                .iter()
                .any(|seen| seen.0 == place && Some(&seen.1) == fork.as_ref())
            {
                self.store
                    .write(|change| change.remove_audit_fork(outlet.sink.name()).map(drop))?;
                *fork = None;
            }
        }
        Ok(())
    }

    /// What operators are told: one for each sink that knows too much, or takes nothing.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> + '_ {
        let all_fail = self.outlets.iter().all(|outlet| outlet.failed().is_some());
        let forks = self.forks().into_iter().map(|(object, what)| Alarm {
            grade: "critical".to_owned(),
            object,
            what,
            next: "keyroll audit show; whether the controller was set back, and by whom; then \
                   keyroll audit acknowledge --reason WHY"
                .to_owned(),
            code: "audit-fork".to_owned(),
            ..Alarm::default()
        });
        let failures = self.outlets.iter().filter_map(move |outlet| {
            let why = outlet.failed()?;
            let (grade, so) = if all_fail {
                ("critical", ", so nothing is changed and no roll begins")
            } else {
                ("warning", "")
            };
            Some(Alarm {
                grade: grade.to_owned(),
                object: outlet.sink.place(),
                what: format!("the audit does not get there{so}: {why}"),
                next: "keyroll audit verify".to_owned(),
                code: "audit-sink".to_owned(),
                ..Alarm::default()
            })
        });
        forks.chain(failures)
    }

    /// Serves the sinks, and signs the chain every hour, for ever; each beside the others and
    /// beside whoever waits here.
    pub async fn run(self: Arc<Self>) {
        let mut tasks = JoinSet::new();
        for place in 0..self.outlets.len() {
            let sinks = Arc::clone(&self);
            tasks.spawn(async move {
                if let Some(outlet) = sinks.outlets.get(place) {
                    outlet.serve(&sinks.store).await;
                }
            });
        }
        tasks.spawn(async move { self.sign().await });
        while tasks.join_next().await.is_some() {}
    }

    async fn sign(&self) {
        loop {
            let now = chrono::Utc::now().timestamp_millis();
            if let Err(error) = sign_what_is_new(&self.store, now) {
                tracing::error!(%error, "the audit was not signed");
            }
            sleep(SIGNED).await;
        }
    }
}

impl Outlet {
    fn failed(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    async fn serve(&self, store: &Store) {
        let mut changes = store.changes();
        let mut pause = PAUSES.0;
        loop {
            changes.mark_unchanged();
            match self.catch_up(store).await {
                Ok(()) => {
                    pause = PAUSES.0;
                    self.set_trouble(None);
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let (sink, why) = (self.sink.place(), format!("{error:#}"));
                    tracing::error!(sink, why, "the audit does not get there");
                    self.set_trouble(Some(why));
                    // Whoever is held up by it has it tried at once.
                    drop(timeout(pause, self.awaited.notified()).await);
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    async fn catch_up(&self, store: &Store) -> anyhow::Result<()> {
        let noted = *self.reached.borrow();
        let mut reached = match self.sink.has(store, noted).await? {
            Has::Ours(number) => number,
            Has::Other(last) => {
                self.tell_of_fork(store, &last)?;
                noted
            }
        };
        loop {
            let last = store.audit_head()?.map_or(0, |head| head.number);
            if reached >= last {
                self.reached.send_replace(reached);
                return Ok(());
            }
            let numbers = reached + 1..=last.min(reached + BATCH);
            let entries = numbers.map(|number| store.audit_entry(number));
            let entries: Result<Vec<_>, StoreError> = entries.collect();
            let entries: Vec<Entry> = entries?.into_iter().flatten().collect();
            let entries = &entries[..at_once(&entries)];
            let taken = entries.last().map_or(last, |entry| entry.number);
            timeout(LIMIT, self.sink.take(entries)).await??;
            reached = taken;
            self.reached.send_replace(reached);
            store.write(|change| change.put_audit_taken(self.sink.name(), reached))?;
        }
    }

    /// The sink has heard of what this store has forgotten: it was set back, or the sink's entries
    /// are somebody else's. Written down once, where everybody sees it.
    fn tell_of_fork(&self, store: &Store, last: &str) -> Result<(), StoreError> {
        let mut fork = self.fork.lock().unwrap_or_else(PoisonError::into_inner);
        if fork.is_some() {
            return Ok(());
        }
        let head = store.audit_head()?.unwrap_or_default();
        let what = format!(
            "it ends with {last}, which is not in this controller's chain: that ends with \
             entry {}, hash {}; it was set back, or somebody has written there",
            head.number, head.hash
        );
        let event = Event {
            at_unix_millis: chrono::Utc::now().timestamp_millis(),
            actor: "controller".to_owned(),
            verb: "audit fork".to_owned(),
            object: self.sink.place(),
            outcome: "noticed".to_owned(),
            detail: what.clone(),
        };
        append(store, event)?;
        store.write(|change| change.put_audit_fork(self.sink.name(), &what))?;
        tracing::error!(sink = self.sink.place(), what, "the audit has forked");
        *fork = Some(what);
        Ok(())
    }

    fn set_trouble(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// How many of these are given to a sink at once: one at least, and more while they are short.
fn at_once(entries: &[Entry]) -> usize {
    let mut sum = 0;
    let fit = entries.iter().take_while(|entry| {
        sum += entry.length();
        sum <= AT_ONCE
    });
    fit.count().max(1).min(entries.len())
}
