//! The doorway: accepts connections and lets in only whom a handshake made known, at a cost that
//! strangers cannot raise.

use std::future::Future as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::Stream;
use keyroll::crowd::{Room, Seldom, network};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::places::{Place, Places};
use super::under_way::UnderWay;
use super::{CaError, Peer};

/// A handshake takes milliseconds; who needs longer than this is far away or holds it up.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Handshakes under way, each of which holds some tens of kilobytes. Many operators may share one
/// address; attackers want thousands.
const HALF_OPEN: Room = Room {
    all: 1_000,
    each: 200,
};
/// Connections of one operator, who needs one for each command that runs; and of all of them.
const OPEN_EACH: usize = 64;
const OPEN: usize = 2_000;
/// Connections of strangers, from one address and in all, and how long each lasts: whoever joins is
/// done in a second.
const STRANGERS_EACH: usize = 16;
const STRANGERS: usize = 256;
const STAY: Duration = Duration::from_secs(30);
/// After an accept failed (no file descriptors left), so as not to spin.
const BREATH: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// Who it is, where a certificate was demanded.
    pub peer: Option<Peer>,
}

/// An accepted connection.
#[derive(Debug)]
pub struct Connection {
    stream: TlsStream<TcpStream>,
    visitor: Visitor,
    _place: Place<String>,
    /// Its end, whatever is going on.
    end: Option<Pin<Box<Sleep>>>,
}

impl Connected for Connection {
    type ConnectInfo = Visitor;

    fn connect_info(&self) -> Visitor {
        self.visitor.clone()
    }
}

/// A listening port behind TLS: a stream of connections for a gRPC server.
#[derive(Debug)]
pub struct Doorway {
    connections: mpsc::Receiver<Connection>,
}

impl Doorway {
    /// Accepts on `listener` until dropped, whom `config` demands a certificate of. It is asked for
    /// each connection, so that a changed authority counts at once.
    #[must_use]
    pub fn open(
        listener: TcpListener,
        config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
    ) -> Self {
        Self::with(listener, config, Places::new(OPEN, OPEN_EACH), None)
    }

    /// The same for anybody: few connections each, and none for long.
    #[must_use]
    pub fn open_to_strangers(
        listener: TcpListener,
        config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
    ) -> Self {
        let places = Places::new(STRANGERS, STRANGERS_EACH);
        Self::with(listener, config, places, Some(STAY))
    }

    pub(super) fn with(
        listener: TcpListener,
        config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
        places: Arc<Places<String>>,
        stay: Option<Duration>,
    ) -> Self {
        let (sender, connections) = mpsc::channel(64);
        tokio::spawn(accept(listener, config, sender, places, stay));
        Self { connections }
    }
}

impl Stream for Doorway {
    type Item = Result<Connection, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.connections
            .poll_recv(cx)
            .map(|connection| connection.map(Ok))
    }
}

/// A gRPC server whose peers can cost it little: header lists up to 16 KiB, 32 streams and 20
/// resets per connection, frames of 16 KiB (the protocol's own default), and no connection that
/// has gone silent.
#[must_use]
pub fn limited(server: Server) -> Server {
    server
        .http2_max_header_list_size(16 * 1024)
        .max_concurrent_streams(32)
        .http2_max_pending_accept_reset_streams(Some(20))
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .tcp_nodelay(true)
}

/// The same for strangers, who have one short question each.
#[must_use]
pub fn limited_for_strangers(server: Server) -> Server {
    limited(server)
        .max_concurrent_streams(4)
        .initial_stream_window_size(32 * 1024)
        .initial_connection_window_size(64 * 1024)
}

async fn accept(
    listener: TcpListener,
    config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
    sender: mpsc::Sender<Connection>,
    places: Arc<Places<String>>,
    stay: Option<Duration>,
) {
    let config = Arc::new(config);
    let mut half_open = UnderWay::with_room_for(HALF_OPEN);
    let dropped = Arc::new(Dropped::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sender.closed() => return,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (sender, places) = (sender.clone(), Arc::clone(&places));
        let (told, config) = (Arc::clone(&dropped), Arc::clone(&config));
        let handshake = async move {
            let shaken = tokio::time::timeout(HANDSHAKE, shake(stream, &*config)).await;
            let (stream, peer) = match shaken {
                Ok(Ok(known)) => known,
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "handshake refused");
                    return;
                }
                Err(_) => {
                    tracing::debug!(%address, "handshake not finished in time");
                    return;
                }
            };
            let Some(place) = places.enter(known_as(address.ip(), peer.as_ref())) else {
                told.tell(address, "too many connections are open: one was dropped");
                return;
            };
            let connection = Connection {
                stream,
                visitor: Visitor { address, peer },
                _place: place,
                end: stay.map(|stay| Box::pin(tokio::time::sleep(stay))),
            };
            drop(sender.send(connection).await);
        };
        if half_open.begin(address.ip(), handshake) {
            dropped.tell(
                address,
                "too many handshakes are under way: the oldest was dropped",
            );
        }
    }
}

/// Tells the log of connections that were dropped; not of each of a thousand.
struct Dropped {
    began: Instant,
    seldom: Mutex<Seldom>,
}

impl Default for Dropped {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            seldom: Mutex::new(Seldom::new(20, Duration::from_secs(60))),
        }
    }
}

impl Dropped {
    fn tell(&self, address: SocketAddr, what: &str) {
        let mut seldom = self.seldom.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untold) = seldom.tell(self.began.elapsed()) {
            tracing::warn!(%address, untold, "{what}");
        }
    }
}

/// By what a visitor's connections are counted: by who it is, or where it comes from.
fn known_as(address: IpAddr, peer: Option<&Peer>) -> String {
    match peer {
        // By the certificate: whoever has stolen an earlier one takes no place of the present one.
        Some(peer) => format!("{} {}", peer.identity, peer.serial),
        None => network(address).to_string(),
    }
}

async fn shake(
    stream: TcpStream,
    config: &(impl Fn() -> Result<Arc<ServerConfig>, CaError> + Sync),
) -> Result<(TlsStream<TcpStream>, Option<Peer>), io::Error> {
    stream.set_nodelay(true)?;
    // Who says nothing costs nothing but a place: a configuration is made for a whole hello.
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let config = config().map_err(|error| {
        tracing::error!(%error, "no connection can be accepted");
        io::Error::other(error)
    })?;
    let stream = hello.into_stream(config).await?;
    let session = stream.get_ref().1;
    if session.alpn_protocol().is_none() {
        return Err(io::Error::other("the peer named no protocol"));
    }
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let peer = certificate
        .map(|one| Peer::of(one))
        .transpose()
        .map_err(io::Error::other)?;
    Ok((stream, peer))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
