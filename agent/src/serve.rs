//! The agent's life: opened, served to the controller, ended.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use keyroll::crowd::{Room, Seldom};
use keyroll_failpoint::at;
use keyroll_proto::agent::agent_server::AgentServer;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::Status;
use tonic::body::Body;

use crate::config::Config;
use crate::exit::Exit;
use crate::identity::{Identity, IdentityError};
use crate::node::{FoundTarget, Node};
use crate::password_targets::Takers;
use crate::peer::Peer;
use crate::service::Service;
use crate::state::StateError;
use crate::trouble::{Trouble, chain};
use crate::under_way::UnderWay;
use crate::{health, platform, tls};

/// A handshake takes milliseconds.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Handshakes under way. The controller opens one connection at a time, and is done with it in a
/// moment.
const HANDSHAKES: Room = Room { all: 256, each: 8 };
/// Connections at once, beside the handshakes under way, so that strangers take no connection. One
/// controller needs one.
const MOST: usize = 64;
/// How often the files are looked at when nobody asks.
const WATCH: Duration = Duration::from_secs(30);
/// How often services are looked at whose logon session is to have a credential: until then one
/// that has just started opens no ticket of the array.
const FOLLOW: Duration = Duration::from_secs(1);
/// A clock that runs ahead of the time that passed by this much was not merely set right: the
/// machine was suspended, or is a snapshot that was taken up again.
const SLEPT: Duration = Duration::from_secs(300);
/// The longest message: a keyset of a thousand entries is a tenth of it.
const LONGEST: usize = 256 * 1024;

/// Runs until `shutdown`.
///
/// # Errors
/// [`Trouble`] if it cannot begin.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), Trouble> {
    run_beside(config, platform::takers(), shutdown).await
}

/// The same, on a machine where `takers` get passwords.
///
/// # Errors
/// [`Trouble`] if it cannot begin.
pub async fn run_beside(
    config: Config,
    takers: Takers,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Trouble> {
    let identity = Identity::load(&config.state).map_err(|error| match error {
        IdentityError::NotJoined => Trouble::of(Exit::Settings, &error)
            .next("keyroll node add ARRAY NODE on the controller, then the line it prints here"),
        other => Trouble::of(Exit::Damaged, &other),
    })?;
    let identity = Arc::new(identity);
    let listener = listen(config.listen).await?;
    let http = match config.health.http {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let check = match config.health.agent_check {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let node = Node::beside(config, &takers).map_err(|error| {
        let exit = match &error {
            StateError::File(_) => Exit::CannotWrite,
            StateError::Damaged { .. } => Exit::Damaged,
        };
        Trouble::of(exit, &error)
    })?;
    let node = Arc::new(node);
    tracing::info!(node = %identity.node(), address = ?listener.local_addr().ok(), "agent ready");
    platform::ready();
    let service = Service::new(Arc::clone(&node), Arc::clone(&identity));
    let checks = check.map(|listener| health::agent_check(listener, Arc::clone(node.gates())));
    tokio::select! {
        () = shutdown => {}
        () = accept(listener, identity, service) => {}
        () = optional(http.map(|listener| health::http(listener, Arc::clone(node.gates())))) => {}
        () = optional(checks) => {}
        () = watch(Arc::clone(&node)) => {}
        () = follow(Arc::clone(&node)) => {}
        () = platform::watchdog() => {}
    }
    platform::stopping();
    // A keytab that is being written is finished, and a hook ends or is ended at its time limit.
    node.rest().await;
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Trouble::new(Exit::System, format!("cannot listen on {address}: {error}")))
}

async fn optional(task: Option<impl Future<Output = ()>>) {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Accepts connections for ever. The configuration is made anew for each, so that a renewed
/// certificate and changed authorities count at once.
async fn accept(listener: TcpListener, identity: Arc<Identity>, service: Service) {
    let mut handshakes = UnderWay::with_room_for(HANDSHAKES);
    let conversations = Arc::new(Semaphore::new(MOST));
    let told = Arc::new(Refusals::default());
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            // No file descriptors are left: do not spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        identity.refresh();
        let config = match tls::server(&identity) {
            Ok(config) => Arc::new(config),
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                continue;
            }
        };
        let (service, conversations) = (service.clone(), Arc::clone(&conversations));
        let (refused, identity) = (Arc::clone(&told), Arc::clone(&identity));
        let handshake = async move {
            let shaken = tokio::time::timeout(HANDSHAKE, shake(stream, config, identity)).await;
            match (shaken, conversations.try_acquire_owned()) {
                (Ok(Ok((stream, peer))), Ok(place)) => {
                    tokio::spawn(async move {
                        converse(stream, peer, service).await;
                        drop(place);
                    });
                }
                (Ok(Ok(_)), Err(_)) => refused.tell(address, &"too many connections"),
                (Ok(Err(error)), _) => refused.tell(address, &error),
                (Err(_), _) => refused.tell(address, &"not finished in time"),
            }
        };
        if handshakes.begin(address.ip(), handshake) {
            told.tell(
                address,
                &"too many handshakes: the oldest gave way to one from there",
            );
        }
    }
}

/// Tells the log who was not let in; not of each of a thousand.
struct Refusals {
    began: Instant,
    seldom: Mutex<Seldom>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            seldom: Mutex::new(Seldom::new(20, Duration::from_secs(60))),
        }
    }
}

impl Refusals {
    fn tell(&self, address: SocketAddr, why: &dyn std::fmt::Display) {
        let mut seldom = self.seldom.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untold) = seldom.tell(self.began.elapsed()) {
            tracing::info!(%address, %why, untold, "handshake refused");
        }
    }
}

async fn shake(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    identity: Arc<Identity>,
) -> io::Result<(TlsStream<TcpStream>, Peer)> {
    stream.set_nodelay(true)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let session = stream.get_ref().1;
    // TLS refuses who names other protocols only, and lets in who names none.
    if session.alpn_protocol().is_none() {
        return Err(io::Error::other("the peer named no protocol"));
    }
    let peer = Peer::of(session, identity).map_err(io::Error::other)?;
    Ok((stream, peer))
}

/// Serves for as long as the peer stays and is trusted. Then nothing is waited for: of what it
/// still says nothing must be heard. What it asked before is carried out, as when it hangs up.
async fn converse(stream: TlsStream<TcpStream>, peer: Peer, service: Service) {
    let peer = Arc::new(peer);
    let server = AgentServer::new(service)
        .max_decoding_message_size(LONGEST)
        .max_encoding_message_size(4 * LONGEST);
    let calls = Calls {
        server,
        peer: Arc::clone(&peer),
    };
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(32)
        .max_header_list_size(16 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(calls));
    tokio::select! {
        biased;
        why = peer.until_distrusted() => {
            tracing::warn!(%why, "the controller is trusted no more: its connection is cut");
        }
        ended = connection => if let Err(error) = ended {
            tracing::debug!(error = chain(&error), "connection ended");
        },
    }
}

/// Asks at each call whether the peer is trusted still, so that nothing is done for it in the
/// moment before its connection is cut. Tonic's service takes its own body type; hyper hands over
/// its own.
#[derive(Clone)]
struct Calls<S> {
    server: S,
    peer: Arc<Peer>,
}

impl<S> tower::Service<hyper::Request<hyper::body::Incoming>> for Calls<S>
where
    S: tower::Service<hyper::Request<Body>, Response = hyper::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.server.poll_ready(cx)
    }

    fn call(&mut self, request: hyper::Request<hyper::body::Incoming>) -> Self::Future {
        if let Err(why) = self.peer.is_trusted() {
            let what = format!("this controller is trusted no more: {why}");
            return Box::pin(async { Ok(Status::unauthenticated(what).into_http()) });
        }
        let path = request.uri().path().to_owned();
        let answer = self.server.call(request.map(Body::new));
        Box::pin(async move {
            // What is asked, and how far it is answered: a place where a test ends the agent.
            let _here = at("call", path.rsplit('/').next().unwrap_or_default());
            answer.await
        })
    }
}

/// Looks at the files now and then: the node must stop being ready when keys are lost, even while
/// the controller is away. Once the machine has slept, nothing is known of what happened since.
async fn watch(node: Arc<Node>) {
    let mut tick = tokio::time::interval(WATCH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut wall, mut awake) = (SystemTime::now(), platform::awake());
    loop {
        tick.tick().await;
        let passed = wall.elapsed().unwrap_or_default();
        if has_slept(passed, awake, platform::awake()) {
            tracing::warn!("the clock has jumped: nothing is ready until the controller says so");
            node.gates().close_all();
        }
        (wall, awake) = (SystemTime::now(), platform::awake());
        for array in node.arrays() {
            let Ok(found) = node.inspect(array, &[0; 32]).await else {
                continue;
            };
            if let Some(wrong) = found.targets.iter().find_map(FoundTarget::wrong) {
                tracing::warn!(%array, wrong, "not ready");
            }
        }
    }
}

/// Whether the clock ran far ahead of what passed between two moments of the machine's waking time.
fn has_slept(passed: Duration, before: Option<Duration>, now: Option<Duration>) -> bool {
    let awake = before
        .zip(now)
        .map(|(before, now)| now.saturating_sub(before));
    awake.is_some_and(|awake| passed.saturating_sub(awake) > SLEPT)
}

/// Looks now and then whether a service was started whose session is to have a credential.
async fn follow(node: Arc<Node>) {
    if !node.moves() {
        return std::future::pending().await;
    }
    let mut tick = tokio::time::interval(FOLLOW);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        node.follow().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_passed_while_the_machine_was_not_awake_is_sleep() {
        let seconds = Duration::from_secs;
        let at = |number| Some(seconds(number));
        assert!(!has_slept(seconds(30), at(100), at(130)));
        assert!(!has_slept(seconds(330), at(100), at(130)));
        assert!(has_slept(seconds(331), at(100), at(130)));
        assert!(!has_slept(seconds(331), at(100), at(431)), "it was busy");
        assert!(!has_slept(seconds(331), None, at(130)), "nobody knows");
    }
}
