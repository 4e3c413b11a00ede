//! One connection: TCP, TLS, HTTP/2, cut whole when it is cut.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyroll_proto::agent::agent_client::AgentClient;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response, Uri};
use tower::Service;

use super::heard::{Heard, Word};

/// A silent connection is tested this often, so that a dead one is noticed before it is needed.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// It is dead if the test has no answer by then.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
/// The longest message either way: a keyset of a thousand entries has a tenth of it.
const LONGEST_MESSAGE: usize = 1 << 20;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotConnected {
    /// Nobody is there, or it broke.
    Io(io::Error),
    /// Somebody is there, and TLS says why not to speak with it.
    Tls(rustls::Error),
}

impl From<io::Error> for NotConnected {
    fn from(error: io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        inner.cloned().map_or_else(|| Self::Io(error), Self::Tls)
    }
}

impl std::fmt::Display for NotConnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            // Our own check's words stand alone; rustls would put "unexpected error" before them.
            Self::Tls(rustls::Error::General(why)) => f.write_str(why),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

/// An error with everything that led to it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The sending half of a connection; clones share the connection.
#[derive(Clone)]
pub(super) struct Wire(SendRequest<Body>);

/// The connection itself: it lives as long as [`Running::ended`] is polled and dies with it.
pub(super) struct Running {
    connection: Pin<Box<dyn Future<Output = Result<(), hyper::Error>> + Send>>,
    tasks: Tasks,
    address: String,
    word: Word,
}

impl Running {
    /// Returns when the connection has ended, with the reason. One of them comes late: by TLS 1.3 a
    /// client is connected before the server has looked at its certificate.
    pub(super) async fn ended(&mut self) -> String {
        let ended = self.connection.as_mut().await;
        let address = &self.address;
        let how = match ended {
            Ok(()) => format!("the agent at {address} closed the connection"),
            Err(error) => format!("the connection to {address} broke: {}", chain(&error)),
        };
        match self.word.refusal() {
            Some(why) => format!(
                "the agent at {address} refused this controller's certificate ({why}): a clock is \
                 wrong, the authority was replaced while the node was away, or the node has joined \
                 another controller; the agent's log tells which: journalctl -u keyroll-agent, on \
                 the node"
            ),
            None => how,
        }
    }
}

impl Drop for Running {
    /// Requests under way end here too: nothing more goes to a node that was removed.
    fn drop(&mut self) {
        self.tasks
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}

/// Connects to `address` (`host:port`).
pub(super) async fn dial(
    address: &str,
    config: Arc<ClientConfig>,
) -> Result<(Wire, Running), NotConnected> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Never compared with anything: the verifier goes by the URI in the certificate.
    let name = ServerName::try_from("agent.invalid").map_err(io::Error::other)?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    if stream.get_ref().1.alpn_protocol().is_none() {
        return Err(io::Error::other("it does not speak HTTP/2").into());
    }
    let (tasks, word) = (Tasks::default(), Word::default());
    let stream = Heard::on(stream, word.clone());
    let (sender, connection) = http2::Builder::new(tasks.clone())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .keep_alive_while_idle(true)
        .handshake::<_, Body>(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    Ok((
        Wire(sender),
        Running {
            connection: Box::pin(connection),
            tasks,
            address: address.to_owned(),
            word,
        },
    ))
}

impl Wire {
    /// A gRPC client on this connection.
    pub(super) fn client(&self) -> AgentClient<Self> {
        let origin = Uri::from_static("https://agent.invalid");
        AgentClient::with_origin(self.clone(), origin)
            .max_decoding_message_size(LONGEST_MESSAGE)
            .max_encoding_message_size(LONGEST_MESSAGE)
    }
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Runs what hyper needs to run for one connection, and can end all of it.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            future.await;
        });
    }
}
