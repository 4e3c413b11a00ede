//! The link to one node: connects, stays connected, connects again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyroll::name::NodeName;
use keyroll_proto::agent::agent_client::AgentClient;
use rand::Rng as _;
use rustls::CertificateError;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::LinkEvent;
use super::ended::LastShown;
use super::forgotten::Forgotten;
use super::renewal::renew_over;
use super::wire::{NotConnected, Running, Wire, dial};
use crate::ca::{NodeCheck, OwnCredential, Peer, client_config};
use crate::ports::PortError;
use crate::store::{NodeRecord, Store};

/// A connection that takes longer than this is not made.
const DIAL: Duration = Duration::from_secs(5);
/// The first pause after a connection was lost or not made.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause: a node that comes back is noticed within this.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// So long is its keeper given to notice that a connection has ended, which it does at once.
const NOTICED: Duration = Duration::from_millis(200);
/// So long after keys have gone over a connection, or our certificate was renewed, another one
/// takes its place: more keys often follow at once.
const AFTER_KEYS: Duration = Duration::from_secs(1);
/// So long are calls under way on the former one waited for; none takes longer.
const FORMER: Duration = Duration::from_secs(60);

/// Serial numbers of the certificates that a node may use.
pub(super) type Serials = Arc<RwLock<BTreeSet<String>>>;

#[derive(Clone)]
enum Line {
    Dialling,
    Up(Wire),
    Down(PortError),
}

/// The link to one node.
pub(super) struct Link {
    node: NodeName,
    address: String,
    serials: Serials,
    line: watch::Receiver<Line>,
    hurry: Arc<Notify>,
    keys_sent: Arc<Notify>,
    task: AbortHandle,
    /// When the certificate ends that the node last said it has; 0 if it has not said so.
    ends_unix: AtomicI64,
}

impl Link {
    /// A link, kept by a task of its own until [`Link::cut`].
    pub(super) fn keep(
        record: &NodeRecord,
        store: Arc<Store>,
        own: Arc<OwnCredential>,
        events: broadcast::Sender<LinkEvent>,
    ) -> Self {
        let (sender, line) = watch::channel(Line::Dialling);
        let (hurry, keys_sent) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let serials: Serials = Arc::new(RwLock::new(record.certificates.keys().cloned().collect()));
        let keeper = Keeper {
            node: record.name.clone(),
            address: record.address.clone(),
            serials: serials.clone(),
            store,
            own,
            line: sender,
            hurry: hurry.clone(),
            keys_sent: keys_sent.clone(),
            events,
            forgotten: Forgotten::default(),
        };
        Self {
            node: record.name.clone(),
            address: record.address.clone(),
            serials,
            line,
            hurry,
            keys_sent,
            task: tokio::spawn(keeper.run()).abort_handle(),
            ends_unix: AtomicI64::new(0),
        }
    }

    /// Ends the connection and every call on it.
    pub(super) fn cut(&self) {
        self.task.abort();
    }

    /// Keys have gone over the connection.
    pub(super) fn note_keys(&self) {
        self.keys_sent.notify_one();
    }

    /// Whether the link may stay as it is with this record; takes new certificates in.
    pub(super) fn still_fits(&self, record: &NodeRecord) -> bool {
        let mut serials = self.serials.write().unwrap_or_else(PoisonError::into_inner);
        let listed: BTreeSet<String> = record.certificates.keys().cloned().collect();
        // Renewals add and forget the ended; a set that has nothing in common is a node's new life.
        let same_life = !listed.is_disjoint(&serials);
        if same_life {
            *serials = listed;
        }
        same_life && self.address == record.address && !self.task.is_finished()
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(*self.line.borrow(), Line::Up(_))
    }

    /// The serials that the node may use, to be added to before it gets a new certificate.
    pub(super) const fn serials(&self) -> &Serials {
        &self.serials
    }

    /// The node has said when its certificate ends. Whether that is news.
    pub(super) fn says(&self, ends_unix: i64) -> bool {
        self.ends_unix.swap(ends_unix, Ordering::Relaxed) != ends_unix
    }

    /// When the certificate ends that the node has, by its own word.
    pub(super) fn said(&self) -> Option<i64> {
        Some(self.ends_unix.load(Ordering::Relaxed)).filter(|ends| *ends != 0)
    }

    /// A client on the connection, waiting for one until `deadline`.
    ///
    /// # Errors
    /// [`PortError::Unreachable`] if the attempt under way, or the one that this call starts,
    /// fails or is not over by then; [`PortError::Refused`] if it is the wrong one at the address.
    pub(super) async fn client(&self, deadline: Instant) -> Result<AgentClient<Wire>, PortError> {
        let mut line = self.line.clone();
        let mut asked = false;
        loop {
            match line.borrow_and_update().clone() {
                Line::Up(wire) => return Ok(wire.client()),
                Line::Down(why) if asked => return Err(why),
                Line::Down(_) => self.hurry.notify_one(),
                Line::Dialling => {}
            }
            asked = true;
            match tokio::time::timeout_at(deadline, line.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(unreachable(&self.node, "it was removed")),
                Err(_) => return Err(unreachable(&self.node, "connecting takes too long")),
            }
        }
    }
}

impl Link {
    /// Why the connection has ended under a call, if it has.
    pub(super) async fn why_lost(&self) -> Option<PortError> {
        let mut line = self.line.clone();
        let down = line.wait_for(|line| matches!(line, Line::Down(_)));
        match &*tokio::time::timeout(NOTICED, down).await.ok()?.ok()? {
            Line::Down(why) => Some(why.clone()),
            Line::Dialling | Line::Up(_) => None,
        }
    }
}

pub(super) fn unreachable(node: &NodeName, why: impl ToString) -> PortError {
    PortError::Unreachable {
        object: format!("node {node}"),
        why: why.to_string(),
    }
}

/// What keeps a link.
pub(super) struct Keeper {
    pub(super) node: NodeName,
    address: String,
    pub(super) serials: Serials,
    pub(super) store: Arc<Store>,
    own: Arc<OwnCredential>,
    line: watch::Sender<Line>,
    hurry: Arc<Notify>,
    keys_sent: Arc<Notify>,
    events: broadcast::Sender<LinkEvent>,
    forgotten: Forgotten,
}

impl Keeper {
    async fn run(self) {
        let mut pause = PAUSE_MIN;
        loop {
            self.line.send_replace(Line::Dialling);
            let begun = Instant::now();
            let renewals = self.own.renewals();
            let why = match self.connect().await {
                Ok((wire, running)) => {
                    self.line.send_replace(Line::Up(wire));
                    self.tell(LinkEvent::Connected(self.node.clone()));
                    tracing::debug!(node = %self.node, "connected");
                    let why = unreachable(&self.node, self.stay(running, renewals).await);
                    self.tell(LinkEvent::Lost(self.node.clone()));
                    why
                }
                Err(why) => why,
            };
            self.line.send_replace(Line::Down(why.clone()));
            // One that lasted was a good one. One that did not may be an agent that hangs up on
            // us: TLS 1.3 lets a client think for a moment that it was accepted.
            if begun.elapsed() > PAUSE_MAX {
                pause = PAUSE_MIN;
            }
            tracing::debug!(node = %self.node, %why, "not connected");
            self.rest(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Stays connected until the connection ends, and why it did. What HTTP/2 and TLS keep of keys
    /// in the buffers of a connection, at both its ends, they overwrite some day, and wipe with the
    /// connection alone: so another one takes its place. So it does once our certificate was
    /// renewed, since the agent would end this one with the old one, or with its authority.
    async fn stay(&self, mut running: Running, mut renewals: watch::Receiver<()>) -> String {
        let mut former = JoinSet::new();
        loop {
            let worn = async {
                tokio::select! {
                    () = self.keys_sent.notified() => {}
                    // Whoever tells of it lives as long as this link.
                    Ok(()) = renewals.changed() => {}
                }
                tokio::time::sleep(AFTER_KEYS).await;
                self.connect().await
            };
            let other = tokio::select! {
                why = running.ended() => return why,
                other = worn => other,
            };
            while former.try_join_next().is_some() {}
            match other {
                Ok((wire, other)) => {
                    self.line.send_replace(Line::Up(wire));
                    let mut last = std::mem::replace(&mut running, other);
                    former.spawn(async move {
                        drop(tokio::time::timeout(FORMER, last.ended()).await);
                    });
                }
                Err(why) => {
                    tracing::debug!(node = %self.node, %why, "no other connection for now");
                    self.keys_sent.notify_one();
                }
            }
        }
    }

    /// Waits for the pause, or until somebody needs the node, but never shorter than the shortest.
    async fn rest(&self, pause: Duration) {
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        tokio::time::sleep(PAUSE_MIN.min(jittered)).await;
        let rest = jittered.saturating_sub(PAUSE_MIN);
        drop(tokio::time::timeout(rest, self.hurry.notified()).await);
    }

    fn tell(&self, event: LinkEvent) {
        // Nobody may be listening.
        drop(self.events.send(event));
    }

    async fn connect(&self) -> Result<(Wire, Running), PortError> {
        let outcome = self.connect_as_known().await;
        match (outcome, self.forgotten.take()) {
            (Err(_), Some(peer)) => {
                // Its arrays are held before a word is spoken with it.
                self.remember(&peer)
                    .map_err(|error| unreachable(&self.node, error))?;
                self.connect_as_known().await
            }
            (outcome, _) => outcome,
        }
    }

    async fn connect_as_known(&self) -> Result<(Wire, Running), PortError> {
        match self.attempt(None).await? {
            Err(NotConnected::Tls(error)) if has_ended(&error) => {
                self.recover().await?;
                self.attempt(None)
                    .await?
                    .map_err(|error| self.refusal(&error))
            }
            outcome => outcome.map_err(|error| self.refusal(&error)),
        }
    }

    /// Gives a node whose certificate has ended a new one, over a connection for nothing else. It
    /// must show the last one that it had by our record: an earlier one's copy gets nothing.
    async fn recover(&self) -> Result<(), PortError> {
        tracing::warn!(node = %self.node, "its certificate has ended; renewing it");
        let last = LastShown::default();
        let dialled = self.attempt(Some(&last)).await?;
        let (wire, mut running) = dialled.map_err(|error| self.refusal(&error))?;
        last.write_down(self)
            .map_err(|error| unreachable(&self.node, error))?;
        let (mut client, authority) = (wire.client(), self.own.authority());
        let renewal = renew_over(
            &mut client,
            &self.node,
            &self.store,
            authority,
            &self.serials,
        );
        tokio::select! {
            renewed = renewal => renewed.map(drop),
            why = running.ended() => Err(unreachable(&self.node, why)),
        }
    }

    async fn attempt(
        &self,
        ended: Option<&LastShown>,
    ) -> Result<Result<(Wire, Running), NotConnected>, PortError> {
        let (serials, forgotten) = (self.serials.clone(), self.forgotten.clone());
        let memory = self
            .memory()
            .map_err(|error| unreachable(&self.node, error))?;
        let authority = self.own.authority();
        let grace = ended.map(|_| authority.lifetimes().grace);
        let last = ended.map(|last| (last.clone(), self.store.clone()));
        let may_use = move |peer: &Peer| {
            let serials = serials.read().unwrap_or_else(PoisonError::into_inner);
            let listed = serials.contains(&peer.serial);
            if !listed && memory.lacks(peer) {
                forgotten.note(peer);
            }
            let still = |(last, store): &(LastShown, Arc<Store>)| last.is(store, peer);
            listed && last.as_ref().is_none_or(still)
        };
        let roots = authority.roots();
        let check = NodeCheck::new(roots, self.node.clone(), may_use).lenient(grace);
        let config = client_config(self.own.client(), check)
            .map_err(|error| unreachable(&self.node, error))?;
        tokio::time::timeout(DIAL, dial(&self.address, Arc::new(config)))
            .await
            .map_err(|_| unreachable(&self.node, format!("{} does not answer", self.address)))
    }

    fn refusal(&self, error: &NotConnected) -> PortError {
        let (node, address) = (&self.node, &self.address);
        match error {
            NotConnected::Io(error) => unreachable(node, format!("{address}: {error}")),
            NotConnected::Tls(_) => PortError::Refused {
                object: format!("node {node}"),
                why: format!("at {address} is not the right agent: {error}"),
                next: format!("keyroll node show {node}"),
            },
        }
    }
}

fn has_ended(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(why) = error else {
        return false;
    };
    matches!(
        why,
        CertificateError::Expired | CertificateError::ExpiredContext { .. }
    )
}
