//! The doorway: accepts connections and lets in only whom a handshake made known, at a cost that
//! strangers cannot raise.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::{CaError, Peer};

/// A handshake takes milliseconds; who needs longer than this is far away or holds it up.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Handshakes under way from one address: many operators may share one, attackers want thousands.
const HALF_OPEN_EACH: usize = 200;
/// Handshakes under way in all; each holds some tens of kilobytes.
const HALF_OPEN: usize = 1_000;
/// Connections open in all.
const OPEN: usize = 2_000;
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
    _place: OwnedSemaphorePermit,
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
    /// Accepts on `listener` until dropped. `config` is asked for each connection, so that a
    /// changed authority counts at once.
    #[must_use]
    pub fn open(
        listener: TcpListener,
        config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
    ) -> Self {
        let (sender, connections) = mpsc::channel(64);
        tokio::spawn(accept(listener, config, sender));
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

async fn accept(
    listener: TcpListener,
    config: impl Fn() -> Result<Arc<ServerConfig>, CaError> + Send + Sync + 'static,
    sender: mpsc::Sender<Connection>,
) {
    let half_open = Arc::new(HalfOpen::default());
    let places = Arc::new(Semaphore::new(OPEN));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sender.closed() => return,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let Some(ticket) = half_open.clone().enter(address.ip()) else {
            tracing::warn!(%address, "too many handshakes are under way: connection dropped");
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!(%address, "too many connections are open: connection dropped");
            continue;
        };
        let config = match config() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                continue;
            }
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            let shaken = tokio::time::timeout(HANDSHAKE, shake(stream, config)).await;
            drop(ticket);
            match shaken {
                Ok(Ok((stream, peer))) => {
                    let visitor = Visitor { address, peer };
                    drop(
                        sender
                            .send(Connection {
                                stream,
                                visitor,
                                _place: place,
                            })
                            .await,
                    );
                }
                Ok(Err(error)) => tracing::debug!(%address, %error, "handshake refused"),
                Err(_) => tracing::debug!(%address, "handshake not finished in time"),
            }
        });
    }
}

async fn shake(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Result<(TlsStream<TcpStream>, Option<Peer>), io::Error> {
    stream.set_nodelay(true)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
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

/// Counts the handshakes under way.
#[derive(Debug, Default)]
struct HalfOpen(Mutex<HashMap<IpAddr, usize>>);

struct HalfOpenTicket {
    counts: Arc<HalfOpen>,
    address: IpAddr,
}

impl HalfOpen {
    fn enter(self: Arc<Self>, address: IpAddr) -> Option<HalfOpenTicket> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let of_address = counts.entry(address).or_default();
        if *of_address >= HALF_OPEN_EACH || all >= HALF_OPEN {
            return None;
        }
        *of_address += 1;
        drop(counts);
        Some(HalfOpenTicket {
            counts: self,
            address,
        })
    }
}

impl Drop for HalfOpenTicket {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
