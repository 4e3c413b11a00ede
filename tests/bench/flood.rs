//! What strangers at the open port cost a hundred nodes: time and memory.

use std::collections::VecDeque;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use keyroll_controller::ca::{Doorway, limited};
use keyroll_controller::enroll::EnrollService;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tonic::transport::Server;

use crate::staging::{Site, connected, stage_all};
use crate::table::{Row, median};

const NODES: u32 = 100;
/// Handshakes that are begun and never ended.
const SLOW: u32 = 10_000;
/// How many of them begin in a second: the flood comes from elsewhere, and must not be measured by
/// how much of these processors it takes to make it.
const EACH_SECOND: u32 = 1_000;

/// The same work without strangers and among them.
pub fn measure(folder: &Path) -> Result<Vec<Row>> {
    let site = Site::new(&folder.join("flood"))?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let (pool, nodes) = runtime.block_on(connected(NODES, &site))?;
    let port = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let own = Arc::clone(&site.own);
        let doorway = Doorway::open(listener, move || own.open_to_all());
        let (store, authority) = (Arc::clone(&site.store), Arc::clone(&site.authority));
        let service = EnrollService::new(store, authority, Arc::clone(&pool));
        let server = limited(Server::builder()).add_service(service.server());
        tokio::spawn(server.serve_with_incoming(doorway));
        anyhow::Ok(address)
    })?;
    let mut version = 0;
    let mut stage = || {
        version += 1;
        runtime.block_on(stage_all(&pool, &nodes, version))
    };
    let calm = (0..100).map(|_| stage()).collect::<Result<Vec<_>>>()?;
    fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset")?;
    let before = peak()?;
    let over = AtomicBool::new(false);
    let flooded = thread::scope(|scope| {
        let slow = scope.spawn(|| hold_up(port));
        let pest = scope.spawn(|| pester(port, &site, &over));
        let mut spans = Vec::new();
        while !slow.is_finished() {
            spans.push(stage());
        }
        over.store(true, Ordering::Relaxed);
        let ended = |who: thread::ScopedJoinHandle<'_, Result<u32>>| {
            who.join()
                .unwrap_or_else(|_| anyhow::bail!("the flood has stopped"))
        };
        ensure!(
            ended(slow)? == SLOW && ended(pest)? > 0,
            "there was no flood"
        );
        spans.into_iter().collect::<Result<Vec<_>>>()
    })?;
    let more = peak()?.saturating_sub(before);
    let (many, slow) = (NODES, SLOW);
    let what =
        format!("staging of {many} agents while {slow} handshakes are held up, and others made");
    Ok(vec![
        Row::ratio(
            &what,
            median(flooded),
            ("without strangers", median(calm)),
            2.0,
        ),
        Row {
            what: "memory that the flood takes (VmHWM)".to_owned(),
            measured: format!("{:.1} MiB", more as f64 / 1024.0),
            beside: format!("{:.1} MiB before", before as f64 / 1024.0),
            wanted: Some(("at most 64 MiB".to_owned(), more <= 64 * 1024)),
        },
    ])
}

/// The most memory that this process has had, kB.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.and_then(|line| line.split_whitespace().next());
    Ok(words.context("no peak of memory")?.parse()?)
}

/// Begins handshakes from many addresses and ends none.
fn hold_up(port: SocketAddr) -> Result<u32> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (begun, mut held) = (Instant::now(), VecDeque::new());
        for number in 0..SLOW {
            let due = begun + Duration::from_secs(1) * number / EACH_SECOND;
            tokio::time::sleep_until(due.into()).await;
            let socket = TcpSocket::new_v4()?;
            let host = u8::try_from(number % 50 + 2)?;
            socket.bind(SocketAddr::from(([127, 0, 3, host], 0)))?;
            if let Ok(mut stream) = socket.connect(port).await {
                drop(stream.write_all(&[22, 3, 1, 2, 0, 1]).await);
                held.push_back(stream);
            }
            // No more descriptors than a process has.
            if held.len() > 400 {
                held.pop_front();
            }
        }
        Ok(SLOW)
    })
}

/// Makes handshakes, ends them, and sends a frame that is too long; gives how many.
fn pester(port: SocketAddr, site: &Site, over: &AtomicBool) -> Result<u32> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(site.authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let mut made = 0;
    while !over.load(Ordering::Relaxed) {
        let stream = TcpStream::connect(port)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let client = ClientConnection::new(Arc::clone(&config), "localhost".try_into()?)?;
        let mut tls = StreamOwned::new(client, stream);
        let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        said.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        // 16 MiB less a byte, on stream 1.
        said.extend([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
        if tls.write_all(&said).is_ok() {
            // Until it hangs up.
            drop(tls.read_to_end(&mut Vec::new()));
            made += 1;
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(made)
}
