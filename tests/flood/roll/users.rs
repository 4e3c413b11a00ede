//! Users who log in at every node all the time, with fresh tickets and with cached ones; and a
//! balancer that asks each node whether it may send them there.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chrono::Utc;
use keyroll::kerberos::Principal;
use keyroll::kerberos::message::{ApRequest, Credential};
use keyroll::name::DcName;
use keyroll_agent::node::FileProof;
use keyroll_controller::directory::Kdcs;
use keyroll_controller::directory::config::{
    BindConfig, DirectoryConfig, DirectorySettings, DomainControllers, Transport,
};
use keyroll_controller::ports::{Kdc as _, KnownKeys};
use keyroll_tests::lab::Lab;
use tokio::runtime::{Builder, Runtime};

use super::fleet::{Fleet, Place};

/// How often each node is logged in to, once with a ticket of each kind.
const ROUND: Duration = Duration::from_millis(200);
/// In how many rounds the balancer has asked each of them.
const ASKED: usize = 5;
/// The failures that are told.
const TOLD: usize = 10;

/// What the logins came to.
#[derive(Debug, Default)]
pub struct Logins {
    pub fresh: u64,
    pub cached: u64,
    /// The balancer's questions.
    pub looks: u64,
    /// The first ones that failed, each in words.
    pub failures: Vec<String>,
}

/// Users at work.
pub struct Users {
    stop: Arc<AtomicBool>,
    work: JoinHandle<Result<Logins>>,
}

/// A ticket, and since when somebody has it.
struct Held(Instant, Arc<Credential>);

impl Users {
    /// Begins to log in for `spn` with tickets that are used for `life` seconds at most.
    pub fn begin(lab: &Lab, spn: &str, life: u32, fleet: &Fleet) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut crowd = Crowd {
            runtime: Builder::new_current_thread().enable_all().build()?,
            kdcs: Kdcs::new(settings(lab)?),
            dc: lab.dcs.first().context("no domain controller")?.parse()?,
            service: format!("{spn}@{}", lab.realm).parse()?,
            // A login that begins in time must have ended in time as well.
            life: Duration::from_secs(life.into()).saturating_sub(Duration::from_secs(1)),
            array: "flood".to_owned(),
            held: VecDeque::new(),
            logins: Logins::default(),
        };
        let nodes = fleet.places();
        let over = Arc::clone(&stop);
        let work = thread::spawn(move || {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                crowd.round(&nodes, round)?;
                round += 1;
                thread::sleep(ROUND.saturating_sub(begun.elapsed()));
            }
            Ok(crowd.logins)
        });
        Ok(Self { stop, work })
    }

    /// Ends it.
    pub fn end(self) -> Result<Logins> {
        self.stop.store(true, Ordering::Relaxed);
        self.work
            .join()
            .unwrap_or_else(|_| anyhow::bail!("the users have stopped"))
    }
}

struct Crowd {
    runtime: Runtime,
    kdcs: Kdcs,
    dc: DcName,
    service: Principal,
    life: Duration,
    array: String,
    /// The tickets that are in caches, the oldest first.
    held: VecDeque<Held>,
    logins: Logins,
}

impl Crowd {
    fn round(&mut self, nodes: &[Place], round: usize) -> Result<()> {
        let known = KnownKeys::default();
        let sight = self.kdcs.sight(&self.dc, &self.service, &known);
        let fresh = self.runtime.block_on(sight)?.ticket;
        self.held
            .push_back(Held(Instant::now(), Arc::clone(&fresh)));
        for node in nodes {
            self.logins.fresh += 1;
            self.log_in(node, &fresh, "fresh");
        }
        for node in nodes {
            while self
                .held
                .front()
                .is_some_and(|held| held.0.elapsed() > self.life)
            {
                self.held.pop_front();
            }
            let Some(oldest) = self.held.front().map(|held| Arc::clone(&held.1)) else {
                break;
            };
            self.logins.cached += 1;
            self.log_in(node, &oldest, "cached");
        }
        for node in nodes.iter().skip(round % ASKED).step_by(ASKED) {
            self.logins.looks += 1;
            if let Err(error) = node.ready(&self.array) {
                self.note(format!("{error:#}"));
            }
        }
        Ok(())
    }

    /// As a service there would decide it, with the file that it would read.
    fn log_in(&mut self, node: &Place, credential: &Credential, kind: &str) {
        let now = Utc::now();
        let request = ApRequest {
            credential,
            now,
            confounder: &rand::random(),
        };
        let refused = match request.to_bytes() {
            Ok(request) => match FileProof::of(&node.target, &request, now) {
                Some(proof) => proof.verdict.err(),
                None => Some("it has no key for it".to_owned()),
            },
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = refused {
            let path = node.target.path.display();
            self.note(format!("{now}: a {kind} ticket at {path}: {why}"));
        }
    }

    fn note(&mut self, failure: String) {
        if self.logins.failures.len() < TOLD {
            self.logins.failures.push(failure);
        }
    }
}

impl fmt::Display for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fresh,
            cached,
            looks,
            failures,
        } = self;
        let lost = failures.len();
        write!(
            f,
            "{fresh} logins with fresh and {cached} with cached tickets, {looks} looks at gates, \
             {lost} lost"
        )
    }
}

/// The lab's directory, as its administrator sees it.
pub fn settings(lab: &Lab) -> Result<DirectorySettings> {
    let config = DirectoryConfig {
        domain: lab.domain.clone(),
        realm: None,
        transport: Transport::Ldaps,
        domain_controllers: DomainControllers::default(),
        ca: vec![lab.ca.clone()],
        bind: BindConfig {
            principal: format!("Administrator@{}", lab.domain),
            password_file: Some(lab.dir.join("admin.password")),
            password_credential: None,
            keytab: None,
            keytab_credential: None,
        },
        prober: None,
        account_container: None,
        fence_attribute: "adminDescription".to_owned(),
        connect_timeout_seconds: 5,
        write_timeout_seconds: 10,
        accounts_below: Vec::new(),
        exceptions: Vec::new(),
        forests: Vec::new(),
    };
    Ok(config.settings()?)
}
