//! R30: what a peer that was let in can cost us.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keyroll_proto::enroll::enroll_server::{Enroll, EnrollServer};
use keyroll_proto::enroll::{JoinReply, JoinRequest};
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tonic::codegen::{Bytes, http};
use tonic::{Response, Status};

use super::doorway::client;
use super::*;

struct Welcome;

#[tonic::async_trait]
impl Enroll for Welcome {
    async fn join(&self, _: tonic::Request<JoinRequest>) -> Result<Response<JoinReply>, Status> {
        Ok(Response::new(JoinReply::default()))
    }
}

/// A gRPC server behind the operators' door.
async fn port(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = world.own.clone();
    let doorway = Doorway::open(listener, move || own.mutual());
    let service = EnrollServer::new(Welcome).max_decoding_message_size(1024);
    let server = limited(tonic::transport::Server::builder()).add_service(service);
    tokio::spawn(server.serve_with_incoming(doorway));
    address
}

async fn connect(world: &World, address: SocketAddr) -> SendRequest<Endless> {
    let (_, key) = operator_certificate(&world.authority, "alice", now_unix());
    let connector = TlsConnector::from(Arc::new(client(world, Some(key))));
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TokioIo::new(connector.connect(name, stream).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// A body that says at first how long it is, and has more and more to give.
struct Endless {
    said: Option<u32>,
    left: usize,
}

/// An empty message.
const EMPTY: Endless = Endless {
    said: Some(0),
    left: 0,
};
/// No message at all.
const SILENCE: Endless = Endless {
    said: None,
    left: 0,
};

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(said) = self.said.take() {
            let head = [&[0], said.to_be_bytes().as_slice()].concat();
            return Poll::Ready(Some(Ok(Frame::data(head.into()))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(vec![0; 16 * 1024].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn request(body: Endless) -> http::Request<Endless> {
    http::Request::post("https://controller/keyroll.enroll.v1.Enroll/Join")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

async fn status(
    answer: impl Future<Output = Result<http::Response<hyper::body::Incoming>, hyper::Error>>,
) -> String {
    let answer = answer.await.unwrap();
    let status = answer.headers().get("grpc-status");
    status.map_or(String::new(), |status| status.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn r30_a_message_is_refused_by_its_first_five_bytes() {
    let world = world();
    let mut sender = connect(&world, port(&world).await).await;
    let gibibyte = Endless {
        said: Some(1 << 30),
        left: 1 << 16,
    };
    // 11: out of range.
    assert_eq!(status(sender.send_request(request(gibibyte))).await, "11");
}

#[tokio::test]
async fn r30_headers_without_end_are_refused() {
    let world = world();
    let mut sender = connect(&world, port(&world).await).await;
    let mut long = request(EMPTY);
    for number in 0..40 {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        let value = http::HeaderValue::try_from("v".repeat(1000)).unwrap();
        long.headers_mut().insert(name, value);
    }
    let outcome = sender.send_request(long).await;
    let refused = outcome.map_or(true, |answer| !answer.status().is_success());
    assert!(refused, "40 KiB of headers were taken");
}

#[tokio::test]
async fn r30_a_flood_of_resets_keeps_nobody_waiting() {
    let world = world();
    let port = port(&world).await;
    let mut flooder = connect(&world, port).await;
    let flood = tokio::spawn(async move {
        let mut sent = 0;
        for _ in 0..3_000 {
            if flooder.ready().await.is_err() {
                break;
            }
            drop(flooder.send_request(request(SILENCE)));
            tokio::task::yield_now().await;
            sent += 1;
        }
        sent
    });
    let mut slowest = Duration::ZERO;
    while !flood.is_finished() {
        let begun = std::time::Instant::now();
        let mut honest = connect(&world, port).await;
        assert_eq!(status(honest.send_request(request(EMPTY))).await, "");
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(flood.await.unwrap() > 0);
}
