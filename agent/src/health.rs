//! Whether the node may serve, for balancers: plain HTTP, and HAProxy's agent-check.
//!
//! `GET /ready` (all arrays), `GET /ready/ARRAY`: 200, or 503 with the reason in one line.
//! `GET /live`: 200. The agent-check port says `up`, or `down #reason`, and hangs up; of one array
//! if the balancer sends its name (`agent-send`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyroll::crowd::Room;
use keyroll::name::ArrayName;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::gate::{Gates, Readiness};
use crate::under_way::UnderWay;

/// Checks under way at once, in all and from one address; a balancer needs one for each backend.
const CHECKS: Room = Room { all: 64, each: 16 };
/// How long the agent-check port waits for an array's name; without `agent-send` none comes.
const NAME: Duration = Duration::from_millis(250);
/// No check takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers HTTP checks for ever.
pub async fn http(listener: TcpListener, gates: Arc<Gates>) {
    serve(listener, move |stream| {
        let gates = Arc::clone(&gates);
        async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer(&request, &gates);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                // One question, one answer: whoever holds a connection holds a place.
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            drop(tokio::time::timeout(PATIENCE, connection).await);
        }
    })
    .await;
}

/// Answers HAProxy's agent-checks for ever.
pub async fn agent_check(listener: TcpListener, gates: Arc<Gates>) {
    serve(listener, move |mut stream| {
        let gates = Arc::clone(&gates);
        async move {
            let said = async {
                let array = array_named(&mut stream).await;
                let readiness = match array.filter(|array| gates.knows(array)) {
                    Some(array) => gates.readiness(&array),
                    None => gates.all(),
                };
                let line = match readiness {
                    Readiness::Ready => "up\n".to_owned(),
                    Readiness::NotReady(reason) => format!("down #{}\n", one_line(&reason)),
                };
                stream.write_all(line.as_bytes()).await?;
                stream.shutdown().await?;
                // What HAProxy sends (agent-send) is read before the end: left unread, it would
                // have the kernel throw our line away.
                tokio::io::copy(&mut stream.take(1024), &mut tokio::io::sink()).await
            };
            drop(tokio::time::timeout(PATIENCE, said).await);
        }
    })
    .await;
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    each: impl Fn(TcpStream) -> F,
) {
    // Whoever opens connections and says nothing keeps no balancer waiting.
    let mut under_way = UnderWay::with_room_for(CHECKS);
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            // No file descriptors are left: do not spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        under_way.begin(address.ip(), each(stream));
    }
}

/// The array that a balancer asks for in a line, if it says one in time.
async fn array_named(stream: &mut TcpStream) -> Option<ArrayName> {
    let mut said = Vec::new();
    let mut line = BufReader::new(stream.take(256));
    let reading = line.read_until(b'\n', &mut said);
    tokio::time::timeout(NAME, reading).await.ok()?.ok()?;
    std::str::from_utf8(&said).ok()?.trim().parse().ok()
}

fn answer(request: &Request<Incoming>, gates: &Gates) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let readiness = match (request.method(), path) {
        (&Method::GET | &Method::HEAD, "/live") => return text(StatusCode::OK, "alive"),
        (&Method::GET | &Method::HEAD | &Method::OPTIONS, "/ready") => gates.all(),
        (&Method::GET | &Method::HEAD, path) => match path.strip_prefix("/ready/") {
            Some(array) => match array.parse() {
                Ok(array) => gates.readiness(&array),
                Err(_) => return text(StatusCode::NOT_FOUND, "no such array"),
            },
            None => {
                return text(
                    StatusCode::NOT_FOUND,
                    "there are /ready, /ready/ARRAY and /live",
                );
            }
        },
        _ => return text(StatusCode::METHOD_NOT_ALLOWED, "GET"),
    };
    match readiness {
        Readiness::Ready => text(StatusCode::OK, "ready"),
        Readiness::NotReady(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &one_line(&reason)),
    }
}

fn text(status: StatusCode, line: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{line}\n"))));
    *response.status_mut() = status;
    response
}

fn one_line(reason: &str) -> String {
    reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}
