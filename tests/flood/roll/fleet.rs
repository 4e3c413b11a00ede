//! The agents: real programs, all on one of the lab's hosts, each with ports, folders and a node's
//! name of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll_agent::atomic_file::Access;
use keyroll_agent::identity::{Identity, NewKey};
use keyroll_agent::keytab_file::Target;
use keyroll_controller::ca::{Authority, Lifetimes, SigningRequest, now_unix};
use keyroll_controller::seal::Seal;
use keyroll_controller::store::{NodeRecord, NodeState, Store};
use keyroll_tests::lab::{Lab, program};
use keyroll_tests::process::Process;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::world::SOON;
use rustix::process::Signal;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use super::peak;

/// The host that all of them run on.
const HOST: &str = "node1";
/// The first agent's ports; each of the others has the next ones.
const AGENT_PORT: u16 = 21_000;
const HEALTH_PORT: u16 = 22_000;

/// What others know of an agent.
#[derive(Clone)]
pub struct Place {
    /// Where the controller dials it.
    pub agent: SocketAddr,
    health: SocketAddr,
    /// Its keytab.
    pub target: Target,
}

/// One agent.
struct Member {
    folder: PathBuf,
    place: Place,
    process: Option<Process>,
}

/// All of them.
pub struct Fleet {
    lab: Lab,
    array: String,
    members: Vec<Member>,
    /// Whom the controller's certificate comes from.
    pub roots: Arc<RootCertStore>,
}

impl Fleet {
    /// Makes so many nodes of the array, as if they had joined, while the controller is away whose
    /// folder this is: it lets ten in a minute from one address.
    pub fn enlist(lab: &Lab, controller: &Path, array: &str, count: u16) -> Result<Self> {
        let seal = Arc::new(Seal::from_file(&controller.join("seal.key"))?);
        let (store, _) = Store::open(&controller.join("state"), Arc::clone(&seal))?;
        let authority = Authority::load(&store, &seal, Lifetimes::default())?;
        let host = (lab.full_name(HOST), 0).to_socket_addrs()?.next();
        let host = host.context("the host has no address")?.ip();
        let mut members = Vec::new();
        for number in 0..count {
            let name = lab.full_name(&format!("flood{number}"));
            let member = Member::new(lab, host, number, array, &name)?;
            let record = member.certify(&name, array, &authority)?;
            store.write(|change| change.put_node(&record))?;
            members.push(member);
        }
        Ok(Self {
            lab: lab.clone(),
            array: array.to_owned(),
            members,
            roots: authority.roots(),
        })
    }

    pub fn start(&mut self) -> Result<()> {
        let program = program("keyroll-agent")?;
        for member in &mut self.members {
            let mut command = self.lab.on(HOST, &program);
            let config = member.folder.join("agent.toml");
            command.arg("run").arg("--config").arg(config);
            let log = member.folder.join("log");
            member.process = Some(Process::start(&mut command, &log)?);
        }
        Ok(())
    }

    /// Waits until every one of them may be served.
    pub fn wait_ready(&self) -> Result<()> {
        self.members.iter().try_for_each(|member| {
            until("an agent to be ready", SOON, || {
                member.place.ready(&self.array)
            })
        })
    }

    /// Where they are.
    pub fn places(&self) -> Vec<Place> {
        let members = self.members.iter();
        members.map(|member| member.place.clone()).collect()
    }

    /// The most memory that each has had, KiB.
    pub fn peaks(&self) -> Result<Vec<u64>> {
        let running = self.members.iter().filter_map(|one| one.process.as_ref());
        running.map(|process| peak(process.id())).collect()
    }
}

impl Drop for Fleet {
    /// All at once: one after the other takes its time.
    fn drop(&mut self) {
        for member in &self.members {
            if let Some(process) = &member.process {
                // One that has ended is ended.
                drop(process.signal(Signal::KILL));
            }
        }
    }
}

impl Member {
    fn new(lab: &Lab, host: IpAddr, number: u16, array: &str, name: &str) -> Result<Self> {
        let folder = lab.folder(&format!("fleet/{name}"))?;
        let (agent, health) = (
            SocketAddr::new(host, AGENT_PORT + number),
            SocketAddr::new(host, HEALTH_PORT + number),
        );
        let (state, keytab) = (lab.folder(&format!("fleet/{name}/state"))?, "keytab");
        fs::write(
            folder.join("agent.toml"),
            format!(
                "state = {state:?}\nlisten = \"{agent}\"\n[health]\nhttp = \"{health}\"\n\
                 [[array]]\nname = {array:?}\n[[array.target]]\npath = {:?}\n",
                folder.join(keytab)
            ),
        )?;
        let filter = TargetFilter {
            kind: TargetKind::Owned,
            principals: None,
            enctypes: None,
        };
        let target = Target {
            path: folder.join(keytab),
            filter,
            access: Access::default(),
        };
        let place = Place {
            agent,
            health,
            target,
        };
        Ok(Self {
            folder,
            place,
            process: None,
        })
    }

    /// Gives it the certificate that it would have got by joining; its record.
    fn certify(&self, name: &str, array: &str, authority: &Authority) -> Result<NodeRecord> {
        let new = NewKey::make(name)?;
        let request = SigningRequest::read(&new.request, name)?;
        let issued = authority.issue_node(&name.parse()?, &request, now_unix())?;
        let bytes = |certificates: &[CertificateDer<'_>]| -> Vec<Vec<u8>> {
            certificates.iter().map(|one| one.to_vec()).collect()
        };
        Identity::keep(
            &self.folder.join("state"),
            &new.into_pem(),
            &bytes(&issued.chain),
            &bytes(&authority.certificates()),
        )?;
        let mut record = NodeRecord::invited(name.parse()?, self.place.agent.to_string());
        record.state = NodeState::Joined;
        record.arrays.insert(array.parse()?);
        record.certify(issued.serial, issued.ends_unix, now_unix());
        record.confirm(issued.ends_unix);
        record.trust = authority.trust();
        Ok(record)
    }
}

impl Place {
    /// That its health endpoint lets a balancer send users there.
    pub fn ready(&self, array: &str) -> Result<()> {
        let mut stream = TcpStream::connect_timeout(&self.health, seconds(5))?;
        stream.set_read_timeout(Some(seconds(5)))?;
        write!(
            stream,
            "GET /ready/{array} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let ready = answer.split(' ').nth(1) == Some("200");
        ensure!(ready, "{} says {answer:?}", self.health);
        Ok(())
    }
}
