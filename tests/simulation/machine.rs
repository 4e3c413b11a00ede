//! A node: the agent's real code on a folder of its own, which can crash, come back from a backup,
//! and have a disk that refuses.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Principal};
use keyroll::keyset::Keyset;
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::name::{ArrayName, NodeName};
use keyroll_agent::atomic_file::Access;
use keyroll_agent::config::{Array, Config, Health};
use keyroll_agent::gate::Readiness;
use keyroll_agent::keytab_file::Target;
use keyroll_agent::node::{FileProof, Found, Node, StageError};
use keyroll_agent::state::ArrayState;

/// What of a node's disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusing {
    Nothing,
    /// The keytabs' folder.
    Keytabs,
    /// The folder of what the agent has accepted.
    State,
}

/// One key as a ticket needs it: kvno and bytes.
pub type KeyOf = (u32, Vec<u8>);

/// How long a balancer may send users to a node that has said that it is not ready.
pub const BALANCER: Duration = Duration::from_secs(10);

/// A node.
pub struct Machine {
    pub name: NodeName,
    folder: PathBuf,
    array: ArrayName,
    service: Principal,
    kinds: Vec<TargetKind>,
    enctype: Enctype,
    /// The agent's process; none while it is down.
    agent: Option<Node>,
    /// The controller does not reach it.
    pub cut: bool,
    pub refusing: Refusing,
    /// The controller goes on without it and could not tell it so: who lets it serve for ever has
    /// been warned (`stay-ready-without-controller-seconds`).
    pub left_behind: bool,
    /// How long it serves without the controller's word; none: for ever.
    pub stays_ready: Option<Duration>,
    /// The world's beginning on the clock that gates go by, and its age.
    began: Instant,
    pub now: Duration,
    /// Whether its keytab was tampered with and the agent has not seen it yet.
    pub tampered: bool,
    backup: Option<Vec<(PathBuf, Vec<u8>)>>,
    /// Whether it may serve, as its health endpoint says.
    pub serving: bool,
    /// When it last ceased to say so.
    shut_at: Option<Duration>,
    /// The keys of the service in each file that acceptors read.
    pub held: Vec<BTreeSet<KeyOf>>,
    /// Counts the agent's starts.
    pub boot: u8,
}

/// Runs a future to its end at once, in no virtual time: what a node does is one step of the
/// world, whichever threads it uses for it.
pub fn at_once<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

impl Machine {
    /// A node that has never held a key, with files of these kinds.
    pub fn new(
        name: NodeName,
        folder: &Path,
        array: ArrayName,
        service: Principal,
        kinds: Vec<TargetKind>,
        enctype: Enctype,
        stays_ready: Option<Duration>,
    ) -> Self {
        let folder = folder.join(name.as_str());
        fs::create_dir_all(folder.join("keytabs")).unwrap();
        let mut machine = Self {
            name,
            folder,
            array,
            service,
            kinds,
            enctype,
            agent: None,
            cut: false,
            refusing: Refusing::Nothing,
            left_behind: false,
            stays_ready,
            began: Instant::now(),
            now: Duration::ZERO,
            tampered: false,
            backup: None,
            serving: false,
            shut_at: None,
            held: Vec::new(),
            boot: 0,
        };
        machine.start();
        machine
    }

    pub fn targets(&self) -> Vec<Target> {
        let target = |kind: &TargetKind| Target {
            path: self.folder.join("keytabs").join(match kind {
                TargetKind::Owned => "web.keytab",
                TargetKind::Shared => "krb5.keytab",
                TargetKind::Client => "client.keytab",
                TargetKind::LogonSession | TargetKind::ServiceLogon | TargetKind::IisPool => {
                    unreachable!("no file")
                }
            }),
            filter: TargetFilter {
                kind: *kind,
                principals: None,
                enctypes: None,
            },
            access: Access::default(),
        };
        self.kinds.iter().map(target).collect()
    }

    fn state_folder(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The agent starts, from what is on disk.
    pub fn start(&mut self) {
        let config = Config {
            state: self.state_folder(),
            listen: ([127, 0, 0, 1], 0).into(),
            log: tracing::Level::INFO,
            health: Health {
                http: None,
                agent_check: None,
                stay_ready_without_controller: self.stays_ready,
            },
            arrays: vec![Array {
                name: self.array.clone(),
                targets: self.targets(),
                sessions: None,
                services: None,
                pools: None,
                hooks: Vec::new(),
            }],
        };
        let node = Node::open(config).expect("what the agent has written it can read");
        self.agent = Some(node);
        self.boot += 1;
        self.refresh();
    }

    /// The agent's process ends, in whatever it does.
    pub fn stop(&mut self) {
        self.agent = None;
        // The balancer asks a health endpoint that is not there.
        self.serves(false);
    }

    pub const fn is_up(&self) -> bool {
        self.agent.is_some()
    }

    fn serves(&mut self, serving: bool) {
        if self.serving && !serving {
            self.shut_at = Some(self.now);
        }
        self.serving = serving;
    }

    /// Whether users come to it: the balancer hears a little later that it may not serve.
    pub fn has_users(&self) -> bool {
        let still_sent = |at| self.now < at + BALANCER;
        self.serving || self.shut_at.is_some_and(still_sent)
    }

    /// Whoever comes to it while it may not serve has been given up.
    pub const fn give_up_users(&mut self) {
        self.shut_at = None;
    }

    /// Notes what the node's files hold and whether it may serve.
    fn refresh(&mut self) {
        let agent = self.agent.as_ref();
        let ready = agent.is_some_and(|agent| self.readiness_of(agent) == Readiness::Ready);
        self.serves(ready);
        let acceptors = self.targets().into_iter();
        let acceptors = acceptors.filter(|target| target.filter.kind != TargetKind::Client);
        self.held = acceptors.map(|target| self.keys_in(&target)).collect();
    }

    fn keys_in(&self, target: &Target) -> BTreeSet<KeyOf> {
        let entries = target.entries().unwrap_or_default();
        let entries = entries.into_iter().flatten();
        let ours = entries.filter(|entry| entry.principal == self.service);
        ours.filter_map(|entry| {
            let key = entry.known_key()?;
            let fits = key.enctype() == self.enctype;
            fits.then(|| (entry.kvno.0, key.expose().to_vec()))
        })
        .collect()
    }

    fn agent(&self) -> &Node {
        self.agent
            .as_ref()
            .expect("only a node that is up is asked")
    }

    pub fn look(&mut self, nonce: &[u8; 32]) -> Result<Found, StageError> {
        let found = at_once(self.agent().inspect(&self.array, nonce));
        self.has_looked();
        found
    }

    /// The agent's own look at its files, as it makes one every half a minute.
    pub fn watch(&mut self) {
        if self.is_up() {
            drop(at_once(self.agent().inspect(&self.array, &[0; 32])));
            self.has_looked();
        }
    }

    /// Whom it refuses until the balancer hears of it, is owed to whoever tampered with its files.
    fn has_looked(&mut self) {
        self.refresh();
        if std::mem::take(&mut self.tampered) && !self.serving {
            self.shut_at = None;
        }
    }

    pub fn stage(&mut self, keyset: Keyset) -> Result<(), StageError> {
        let staged = self.with_disk(|agent| at_once(agent.stage(keyset)));
        self.refresh();
        staged
    }

    pub fn wipe(&mut self, epoch: Epoch) -> Result<(), StageError> {
        let array = self.array.clone();
        let wiped = self.with_disk(|agent| at_once(agent.wipe(&array, epoch)));
        self.refresh();
        wiped
    }

    pub fn admit(
        &mut self,
        epoch: Epoch,
        verdict: Result<(), String>,
        required: Version,
    ) -> Result<(), StageError> {
        let admitted = at_once(self.agent().admit(&self.array, epoch, verdict, required));
        if admitted.is_ok() {
            let now = self.began + self.now;
            self.agent().gates().heard(&self.array, now);
        }
        self.refresh();
        admitted
    }

    /// As the agent proves, but at the world's time.
    pub fn prove(&self, request: &[u8], now: DateTime<Utc>) -> Vec<FileProof> {
        let targets = self.targets().into_iter();
        let acceptors = targets.filter(|target| target.filter.kind != TargetKind::Client);
        acceptors
            .filter_map(|target| FileProof::of(&target, request, now))
            .collect()
    }

    /// What the node's health endpoint says at the world's time.
    fn readiness_of(&self, agent: &Node) -> Readiness {
        let now = self.began + self.now;
        agent.gates().readiness_at(&self.array, now)
    }

    /// Time has passed, and may have shut its gate.
    pub fn age(&mut self, now: Duration) {
        self.now = now;
        if let (true, Some(agent)) = (self.serving, &self.agent) {
            self.serves(self.readiness_of(agent) == Readiness::Ready);
        }
    }

    pub fn readiness(&self) -> Result<(), String> {
        match self.readiness_of(self.agent()) {
            Readiness::Ready => Ok(()),
            Readiness::NotReady(why) => Err(why),
        }
    }

    fn with_disk<T>(&self, work: impl FnOnce(&Node) -> T) -> T {
        let refusing = match self.refusing {
            Refusing::Nothing => return work(self.agent()),
            Refusing::Keytabs => self.folder.join("keytabs"),
            Refusing::State => self.state_folder().join("arrays"),
        };
        // A folder that is not there refuses whoever is root, too.
        let away = refusing.with_extension("away");
        fs::rename(&refusing, &away).unwrap();
        let outcome = work(self.agent());
        fs::rename(&away, &refusing).unwrap();
        outcome
    }

    /// The process dies in the middle of taking a keyset: the world takes `step` of its steps.
    pub fn stage_and_die(&mut self, keyset: Keyset, step: u64) {
        let (epoch, version) = (keyset.epoch, keyset.version);
        let principals = keyset.principals.clone();
        let before = self.files();
        let staged = self.stage(keyset);
        let after = self.files();
        self.stop();
        if staged.is_err() || before == after {
            return;
        }
        // What the agent writes, in its order: that it has begun, the keytabs one by one, that it
        // holds them. The first is not seen any more once the last is done, so it is made anew.
        let folder = self.state_folder().join("arrays");
        self.put_back(&before);
        let mut begun = ArrayState::load(&folder, &self.array).unwrap();
        begun.begin(epoch, version, &principals);
        begun.hooks_due = true;
        begun.save(&folder, &self.array).unwrap();
        let keytabs = after.iter().filter(|(path, _)| !path.starts_with(&folder));
        for (path, bytes) in keytabs.take(usize::try_from(step).unwrap_or(0)) {
            fs::write(path, bytes).unwrap();
        }
        self.refresh();
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let folders = [
            self.folder.join("keytabs"),
            self.state_folder().join("arrays"),
        ];
        let listed = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap());
        let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
        paths.into_iter().map(read).collect()
    }

    fn put_back(&self, files: &[(PathBuf, Vec<u8>)]) {
        for (path, _) in self.files() {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in files {
            fs::write(path, bytes).unwrap();
            private(path);
        }
    }

    /// A backup of the whole node is taken.
    pub fn back_up(&mut self) {
        self.backup = Some(self.files());
    }

    /// The node is as its backup has it, and starts; whether there was one.
    pub fn restore(&mut self) -> bool {
        let Some(files) = self.backup.clone() else {
            return false;
        };
        self.stop();
        // That takes longer than the balancer needs to hear of it.
        self.shut_at = None;
        self.put_back(&files);
        true
    }

    /// Somebody removes a keytab or cuts it short.
    pub fn tamper(&mut self, cut_short: bool) {
        let Some(target) = self.targets().into_iter().next() else {
            return;
        };
        if let Ok(bytes) = fs::read(&target.path) {
            // Of a damaged file with others' keys in it keyroll lets its hands.
            if cut_short && target.filter.kind == TargetKind::Owned {
                fs::write(&target.path, &bytes[..bytes.len() / 2]).unwrap();
            } else {
                fs::remove_file(&target.path).unwrap();
            }
            self.tampered = true;
            self.refresh();
        }
    }

    /// The agent forgets what it has accepted: a mistake that the world can be made to make.
    pub fn forget_fence(&mut self) {
        let folder = self.state_folder().join("arrays");
        let mut state = ArrayState::load(&folder, &self.array).unwrap();
        state.fence = keyroll::fence::Fence::default();
        state.save(&folder, &self.array).unwrap();
        let open = self.serving;
        self.start();
        if open {
            self.open_gate();
        }
    }

    /// The agent takes a keyset for held that it has not written: a mistake, too.
    pub fn pretend(&mut self, version: Version) {
        self.agent().gates().held(&self.array, version);
        self.refresh();
    }

    /// The gate opens without anybody having said so: another mistake.
    pub fn open_gate(&mut self) {
        let gates = self.agent().gates();
        gates.admit(&self.array, Ok(()), Version(0));
        self.refresh();
    }
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
