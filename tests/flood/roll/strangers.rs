//! Who has no certificate of ours, and what such people do to every port that they reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::output;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fleet::Fleet;
use super::frames;

/// Handshakes begun in a second that are never ended, and how many of them are held at a time. A
/// flood comes from elsewhere, and must not be measured by what it takes of these processors.
const HELD_UP: u32 = 1_000;
const HELD: usize = 4_000;
/// Connections a second over which something is sent that nobody can want.
const PESTS: u32 = 25;
/// Connections a second that are made and then kept, with the half of a message on them.
const GUESTS: u32 = 50;
/// The addresses that they come from: 10.99.0.100 and the following, which no host of the lab has.
const HOUSES: u8 = 100;
/// Requests that are taken back as soon as they are sent, over one connection.
const RESETS: u32 = 500;
/// Nobody waits longer for a port.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of everything there was.
#[derive(Debug, Default, Clone, Copy)]
pub struct Came {
    pub held_up: u64,
    pub resets: u64,
    pub too_long: u64,
    pub guests: u64,
}

impl AddAssign for Came {
    fn add_assign(&mut self, other: Self) {
        self.held_up += other.held_up;
        self.resets += other.resets;
        self.too_long += other.too_long;
        self.guests += other.guests;
    }
}

impl Came {
    /// That there was something of everything, and of handshakes as much as is claimed: on a busy
    /// machine strangers are slow as well.
    ///
    /// # Errors
    /// What was less.
    pub fn was_a_flood(&self) -> Result<()> {
        let enough = self.held_up >= 10_000
            && self.resets >= u64::from(RESETS)
            && self.too_long >= 1
            && self.guests >= 1;
        ensure!(enough, "that was no flood: {self}");
        Ok(())
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            held_up,
            resets,
            too_long,
            guests,
        } = self;
        write!(
            f,
            "{held_up} handshakes held up, {resets} requests reset, {too_long} frames or messages \
             of megabytes, {guests} connections kept for nothing"
        )
    }
}

/// Strangers at work.
pub struct Strangers {
    over: Arc<AtomicBool>,
    work: JoinHandle<Result<Came>>,
}

impl Strangers {
    /// Has them come to the ports of the controller with these settings, and to those of the fleet.
    pub fn come(settings: &Path, fleet: &Fleet) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let crowd = Crowd::of(settings, fleet, Arc::clone(&over))?;
        move_in()?;
        let work = thread::spawn(move || crowd.flood());
        Ok(Self { over, work })
    }

    /// Sends them away.
    pub fn go(self) -> Result<Came> {
        self.over.store(true, Ordering::Relaxed);
        self.work
            .join()
            .unwrap_or_else(|_| anyhow::bail!("the strangers have stopped"))
    }
}

/// Gives the lab's outer host all the addresses, and this process all the connections it may have.
fn move_in() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    if TcpSocket::new_v4()?
        .bind(SocketAddr::new(house(HOUSES - 1), 0))
        .is_ok()
    {
        return Ok(());
    }
    for number in 0..HOUSES {
        let address = format!("{}/24", house(number));
        output(Command::new("ip").args(["address", "add", &address, "dev", "br0"]))?;
    }
    Ok(())
}

fn house(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 99, 0, 100 + number % HOUSES).into()
}

struct Crowd {
    open: SocketAddr,
    operators: SocketAddr,
    agents: Vec<SocketAddr>,
    tls: TlsConnector,
    over: Arc<AtomicBool>,
    number: AtomicU64,
    held_up: AtomicU64,
    resets: AtomicU64,
    too_long: AtomicU64,
    guests: AtomicU64,
}

impl Crowd {
    fn of(settings: &Path, fleet: &Fleet, over: Arc<AtomicBool>) -> Result<Self> {
        let settings: toml::Table = std::fs::read_to_string(settings)?.parse()?;
        let port = |name: &str| -> Result<SocketAddr> {
            let address = settings["listen"][name].as_str();
            Ok(address.context("a port that is not set")?.parse()?)
        };
        let places = fleet.places();
        Ok(Self {
            open: port("enroll")?,
            operators: port("operators")?,
            agents: places.iter().map(|place| place.agent).collect(),
            tls: connector(&fleet.roots)?,
            over,
            number: AtomicU64::new(0),
            held_up: AtomicU64::new(0),
            resets: AtomicU64::new(0),
            too_long: AtomicU64::new(0),
            guests: AtomicU64::new(0),
        })
    }

    fn flood(self) -> Result<Came> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let crowd = Arc::new(self);
        runtime.block_on(async {
            let (pests, guests) = (Arc::clone(&crowd), Arc::clone(&crowd));
            tokio::join!(
                crowd.often(HELD_UP, Self::hold_up),
                pests.often(PESTS, Self::pester),
                guests.often(GUESTS, Self::stay),
            );
        });
        let count = |counted: &AtomicU64| counted.load(Ordering::Relaxed);
        Ok(Came {
            held_up: count(&crowd.held_up),
            resets: count(&crowd.resets),
            too_long: count(&crowd.too_long),
            guests: count(&crowd.guests),
        })
    }

    /// Begins `each` so many times a second until it is over, one beside the other.
    async fn often<F>(self: &Arc<Self>, rate: u32, each: impl Fn(Arc<Self>, u32) -> F)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (begun, mut number, mut under_way) = (Instant::now(), 0, JoinSet::new());
        while !self.over.load(Ordering::Relaxed) {
            let due = begun + Duration::from_secs(1) * number / rate;
            sleep_until(due.into()).await;
            while under_way.try_join_next().is_some() {}
            if under_way.len() < HELD {
                under_way.spawn(each(Arc::clone(self), number));
            }
            number += 1;
        }
    }

    /// Begins a handshake and does not end it.
    async fn hold_up(self: Arc<Self>, number: u32) -> Result<()> {
        let agent = self.agents[number as usize % self.agents.len()];
        let port = [self.open, self.operators, agent][number as usize % 3];
        let mut stream = self.connect(port).await?;
        // The start of a ClientHello of 512 bytes.
        stream.write_all(&[22, 3, 1, 2, 0, 1]).await?;
        self.held_up.fetch_add(1, Ordering::Relaxed);
        linger(&mut stream).await;
        Ok(())
    }

    /// Ends a handshake, and says what nobody can want to hear.
    async fn pester(self: Arc<Self>, number: u32) -> Result<()> {
        // Who asks for a certificate hangs up, after all that a handshake costs.
        let agent = self.agents[number as usize % self.agents.len()];
        let port = [self.open, self.operators, self.open, agent][number as usize % 4];
        let mut stream = self.shake(port).await?;
        let (said, count, sum) = match number / 4 % 3 {
            0 => (frames::resets(RESETS), &self.resets, RESETS),
            1 => (frames::frame_too_long(), &self.too_long, 1),
            _ => (frames::message_of_a_gibibyte(), &self.too_long, 1),
        };
        stream.write_all(&said).await?;
        if port == self.open {
            count.fetch_add(sum.into(), Ordering::Relaxed);
        }
        linger(&mut stream).await;
        Ok(())
    }

    /// Begins to say something, and stays without ever ending it.
    async fn stay(self: Arc<Self>, _: u32) -> Result<()> {
        let mut stream = self.shake(self.open).await?;
        stream.write_all(&frames::halves_of_messages()).await?;
        self.guests.fetch_add(1, Ordering::Relaxed);
        linger(&mut stream).await;
        Ok(())
    }

    async fn connect(&self, port: SocketAddr) -> Result<TcpStream> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(
            house(u8::try_from(number % u64::from(HOUSES))?),
            0,
        ))?;
        Ok(timeout(PATIENCE, socket.connect(port)).await??)
    }

    async fn shake(&self, port: SocketAddr) -> Result<TlsStream<TcpStream>> {
        let stream = self.connect(port).await?;
        let name = ServerName::try_from("controller.corp.example")?;
        Ok(timeout(PATIENCE, self.tls.connect(name, stream)).await??)
    }
}

/// Stays until the other one hangs up.
async fn linger(stream: &mut (impl AsyncRead + Unpin)) {
    let mut heard = [0; 1024];
    while stream.read(&mut heard).await.is_ok_and(|length| length > 0) {}
}

/// They know by whom our certificates are signed, and have none.
fn connector(roots: &Arc<RootCertStore>) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
