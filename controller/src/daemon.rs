//! The life of the controller: set up once, then opened, served and ended in order.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;

use crate::Ports;
use crate::agents::{AgentPool, Deadlines};
use crate::audit::sinks::Sinks;
use crate::audit::{self, Event};
use crate::backups::Backups;
use crate::ca::{
    Authority, Doorway, Lifetimes, OwnCredential, limited, limited_for_strangers, now_unix,
};
use crate::config::Config;
use crate::directory::config::Exception;
use crate::directory::{ActiveDirectory, Kdcs};
use crate::enroll::EnrollService;
use crate::failpoint;
use crate::ports::SystemClock;
use crate::reconcile::{Overview, Reconciler};
use crate::rolls::Rolls;
use crate::scheduler::Scheduler;
use crate::seal::{Seal, credential_path};
use crate::service::{Service, local};
use crate::store::{Read as _, Store, StoreError};
use crate::term::Term;
use crate::verbs::Controller;

/// Why the controller does not run, or does not run any more.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration names something that cannot be used.
    #[error("{0}")]
    Config(String),
    /// What was given cannot be used.
    #[error("{0}")]
    Input(String),
    /// Something it needs cannot be had: a port, a file, a secret.
    #[error("{what}: {why}")]
    Setup {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// A record could not be made durable, or the journal does not hold together.
    #[error("stopping, since nothing may be done that is not saved: {0}")]
    Fatal(String),
}

pub(crate) fn setup<E: std::fmt::Display>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> DaemonError {
    let what = what.into();
    move |error| DaemonError::Setup {
        what,
        why: error.to_string(),
    }
}

/// Makes what a new controller needs: sealing key, store, authority. Refuses to overwrite.
///
/// # Errors
/// [`DaemonError`].
pub fn init(config: &Config) -> Result<Vec<String>, DaemonError> {
    let settings = config
        .directory
        .settings()
        .map_err(|error| DaemonError::Config(error.to_string()))?;
    let mut done = Vec::new();
    let seal = match &config.seal_key {
        Some(path) if !path.exists() => {
            let seal = Seal::create(path).map_err(setup("making the sealing key"))?;
            done.push(format!(
                "sealing key made: {} (keep a copy where the store's backup is not)",
                path.display()
            ));
            seal
        }
        _ => open_seal(config)?,
    };
    let seal = Arc::new(seal);
    let store = match Store::create(&config.state, &settings.realm, Arc::clone(&seal)) {
        Err(present @ StoreError::Present { .. }) => {
            unfinished(config, &seal).ok_or_else(|| setup("making the store")(present))?
        }
        made => made.map_err(setup("making the store"))?,
    };
    done.push(format!("store made: {}", config.state.display()));
    Authority::create(&store, &seal, Lifetimes::default(), now_unix())
        .map_err(setup("making the certificate authority"))?;
    done.push("certificate authority made".to_owned());
    Ok(done)
}

/// A store without an authority: a set-up that was cut off, which this one goes on with.
fn unfinished(config: &Config, seal: &Arc<Seal>) -> Option<Store> {
    let (store, _) = Store::open(&config.state, Arc::clone(seal)).ok()?;
    store.authorities().ok()?.is_empty().then_some(store)
}

pub(crate) fn open_seal(config: &Config) -> Result<Seal, DaemonError> {
    let what = "opening the sealing key";
    match &config.seal_key {
        Some(path) => Seal::from_file(path).map_err(setup(what)),
        None => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                DaemonError::Config(
                    "neither seal-key is set nor a systemd credential `seal-key` given \
                     (LoadCredentialEncrypted=seal-key:...)"
                        .to_owned(),
                )
            })?;
            Seal::from_credential(&credential_path(Path::new(&folder))).map_err(setup(what))
        }
    }
}

/// Runs until `shutdown` says so, or until nothing may be done any more.
///
/// # Errors
/// [`DaemonError`].
pub async fn run(
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), DaemonError> {
    let settings = config
        .directory
        .settings()
        .map_err(|error| DaemonError::Config(error.to_string()))?;
    let trustee = settings.principal.name();
    let fence_attribute = settings.fence_attribute.clone();
    let exceptions = settings.exceptions.clone();
    let seal = Arc::new(open_seal(&config)?);
    let (store, epoch) =
        Store::open(&config.state, Arc::clone(&seal)).map_err(setup("opening the store"))?;
    let store = Arc::new(store);
    let term = Term::from(epoch);
    let hour = Duration::from_secs(3600);
    let node = hour.saturating_mul(u32::try_from(config.node_certificate_hours).unwrap_or(1));
    let grace = hour.saturating_mul(u32::from(config.node_renewal_grace_days) * 24);
    let lifetimes = Lifetimes {
        node,
        grace,
        ..Lifetimes::default()
    };
    let authority = Authority::load(&store, &seal, lifetimes)
        .map_err(setup("opening the certificate authority"))?;
    let authority = Arc::new(authority);
    let own = OwnCredential::new(Arc::clone(&authority), config.listen.names.clone())
        .map_err(setup("certifying this controller"))?;
    let own = Arc::new(own);
    // Ports first: a controller that cannot be reached begins nothing.
    let enroll_port = bind(config.listen.enroll).await?;
    let operator_port = bind(config.listen.operators).await?;
    let socket = local::bind(&config.listen.socket).map_err(setup("opening the local socket"))?;

    let directory = ActiveDirectory::new(settings.clone())
        .map_err(setup("reading the directory's credentials"))?;
    let prober = settings.of_prober();
    let prober_name = prober.principal.name();
    let realm = settings.realm.clone();
    let pool = AgentPool::new(
        Arc::clone(&store),
        Arc::clone(&own),
        term.clone(),
        Deadlines::default(),
    );
    let pool = Arc::new(pool);
    pool.know_all().map_err(setup("reading the nodes"))?;
    note_exceptions(&store, &exceptions).map_err(setup("writing the audit"))?;
    let sinks = Sinks::new(Arc::clone(&store), &config.audit).map_err(DaemonError::Config)?;
    let backups = Backups::new(Arc::clone(&store), config.backup.clone());
    let ports = failpoint::watched(Ports {
        directory: Arc::new(directory),
        kdc: Arc::new(Kdcs::new(prober)),
        agents: Arc::clone(&pool) as Arc<dyn crate::ports::Agents>,
        clock: Arc::new(SystemClock),
        seal,
        store: Arc::clone(&store),
        backups: Arc::clone(&backups),
        epoch: term,
        escrow_seconds: i64::try_from(config.policy.escrow).unwrap_or(i64::MAX),
        balancer: Duration::from_secs(config.balancer_seconds),
    });
    let (fatal, mut failed) = watch::channel(None::<String>);
    let (wake, schedule_wake) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let rolls = Rolls::new(ports.clone(), Arc::clone(&wake), fatal);
    let rolls = rolls.at_most(config.rolls_per_hour);
    let rolls = Arc::new(rolls.heard_by(Arc::clone(&sinks)));
    let overview = Arc::new(Overview::default());
    let controller = Arc::new(Controller {
        ports: ports.clone(),
        pool: Arc::clone(&pool),
        authority: Arc::clone(&authority),
        rolls: Arc::clone(&rolls),
        overview: Arc::clone(&overview),
        wake: Arc::clone(&wake),
        schedule_wake: Arc::clone(&schedule_wake),
        standing: watch::Sender::new(()),
        sinks: Arc::clone(&sinks),
        defaults: config.policy.clone(),
        own_names: config.listen.names.clone(),
        enroll_address: format!("{}:{}", config.listen.names[0], config.listen.enroll.port()),
        operator_address: format!(
            "{}:{}",
            config.listen.names[0],
            config.listen.operators.port()
        ),
        agent_port: config.listen.agent_port,
        trustee,
        prober: prober_name,
        fence_attribute,
        controller_writes: config.authority.controller_writes.clone(),
        two_persons: config.authority.two_persons.clone(),
        leaving: Mutex::default(),
        audit_walks: Arc::new(Semaphore::new(1)),
        started: (Instant::now(), Utc::now().timestamp()),
    });
    rolls
        .take_up()
        .map_err(|error| DaemonError::Fatal(error.to_string()))?;

    let saved = Arc::clone(&store);
    let service = Service::new(Arc::clone(&controller));
    let mutual = Arc::clone(&own);
    let doorway = Doorway::open(operator_port, move || mutual.mutual());
    let open = Arc::clone(&own);
    let enroll_doorway = Doorway::open_to_strangers(enroll_port, move || open.open_to_all());
    let enroll = EnrollService::new(Arc::clone(&store), authority, Arc::clone(&pool))
        .heard_by(Arc::clone(&sinks));
    let pause = Duration::from_secs(config.reconcile_seconds);
    tracing::info!(%epoch, %realm, "controller ready");
    let ready = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
    drop(ready);

    let reconciler = Reconciler::new(ports, overview, Arc::clone(&wake), pause)
        .healing_with(Arc::clone(&rolls))
        .heard_by(Arc::clone(&sinks));
    let enroll = limited_for_strangers(Server::builder()).add_service(enroll.server());
    let local = InterceptedService::new(service.server(), local::mark);
    let remote = InterceptedService::new(service.server(), crate::service::mark_peers());
    tokio::select! {
        () = shutdown => Ok(()),
        why = fatal_reason(&mut failed) => Err(DaemonError::Fatal(why)),
        why = saved.broken() => Err(DaemonError::Fatal(why)),
        served = Server::builder().add_service(local).serve_with_incoming(socket) => {
            served.map_err(setup("serving the local socket"))
        }
        served = limited(Server::builder()).add_service(remote).serve_with_incoming(doorway) => {
            served.map_err(setup("serving operators"))
        }
        served = enroll.serve_with_incoming(enroll_doorway) => {
            served.map_err(setup("serving enrolment"))
        }
        () = reconciler.run() => Ok(()),
        () = Scheduler::new(store, Arc::clone(&rolls), schedule_wake).run() => Ok(()),
        () = follow(Arc::clone(&pool), rolls, wake) => Ok(()),
        () = Arc::clone(&pool).renew_due() => Ok(()),
        () = own.stay_fresh() => Ok(()),
        () = backups.run() => Ok(()),
        () = sinks.run() => Ok(()),
        () = watchdog() => Ok(()),
    }
}

/// Which protected accounts the settings let be rolled, and why, stands in the audit.
fn note_exceptions(store: &Store, exceptions: &[Exception]) -> Result<(), StoreError> {
    for Exception { account, reason } in exceptions {
        tracing::warn!(
            account,
            reason,
            "it is protected, and may be rolled all the same"
        );
        let event = Event {
            at_unix_millis: Utc::now().timestamp_millis(),
            actor: "settings".to_owned(),
            verb: "exception".to_owned(),
            object: account.clone(),
            outcome: "let in".to_owned(),
            detail: reason.clone(),
        };
        audit::append(store, event)?;
    }
    Ok(())
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, DaemonError> {
    TcpListener::bind(address)
        .await
        .map_err(setup(format!("listening on {address}")))
}

async fn fatal_reason(failed: &mut watch::Receiver<Option<String>>) -> String {
    match failed.wait_for(Option::is_some).await {
        Ok(why) => why.clone().unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

/// A node that came or went ends waits early, everywhere.
async fn follow(pool: Arc<AgentPool>, rolls: Arc<Rolls>, wake: Arc<Notify>) {
    let mut events = pool.events();
    loop {
        match events.recv().await {
            Ok(event) => tracing::debug!(?event, "agents"),
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
        rolls.wake_all();
        wake.notify_one();
    }
}

/// Tells systemd that this process still turns, as often as it asks to be told.
async fn watchdog() {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) {
        std::future::pending::<()>().await;
    }
    let mut tick = tokio::time::interval(Duration::from_micros(micros / 2));
    loop {
        tick.tick().await;
        drop(sd_notify::notify(
            false,
            &[sd_notify::NotifyState::Watchdog],
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_up_that_was_cut_off_is_finished_and_a_whole_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            "state = \"{at}/state\"\nseal-key = \"{at}/seal.key\"\n\
             [listen]\nnames = [\"controller.corp.example\"]\n\
             [directory]\ndomain = \"corp.example\"\nca = [\"{at}/ca.pem\"]\n\
             [directory.bind]\nprincipal = \"svc-keyroll@corp.example\"\n\
             password-file = \"{at}/password\"\n"
        );
        let config = Config::parse(&text).unwrap();
        let key = config.seal_key.clone().unwrap();
        // A key that was not whole yet, then one without a store, then a store without authority.
        std::fs::write(crate::publish::unfinished(&key), "half").unwrap();
        let seal = Arc::new(Seal::create(&key).unwrap());
        drop(Store::create(&config.state, &"CORP.EXAMPLE".parse().unwrap(), seal).unwrap());
        init(&config).unwrap();
        let refused = init(&config).unwrap_err().to_string();
        assert!(refused.starts_with("making the store: "), "{refused}");
    }
}
