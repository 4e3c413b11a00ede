//! The world a roll is tested in. After each step it checks the promise itself: every live or
//! possible ticket is opened by every serving node.

mod lost;
mod promise;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::account::account;
use super::dice::Dice;
use super::fault::Fault;
use crate::account::AccountState;
use crate::fence::Version;
use crate::kerberos::{Enctype, Kvno};
use crate::keyset::Unlisted;
use crate::name::{DcName, NodeName};
use crate::roll::frame::{Base, Candidate, Cause, GenerationNumber, Leftover, Plan};
use crate::roll::observed::{Answer, DcView, Issued, NodeView, Observed, WhichKey};
use crate::roll::plan::{Action, Circumstances, Step, plan};
use crate::roll::policy::{Method, Policy};
use crate::roll::record::{Record, Resolution};
use crate::roll::{End, Roll, RollNumber, Sealed, State, Which};

type Ticket = (WhichKey, Kvno);

pub(super) struct World {
    pub roll: Roll,
    pub journal: Vec<Record>,
    pub states: Vec<&'static str>,
    pub account: AccountState,
    pub elapsed: Duration,
    pub writes: u32,
    pub applied: u32,
    pub stages: u32,
    observed: Observed,
    since_record: Duration,
    since_state: Duration,
    abort: bool,
    set_aside: BTreeSet<NodeName>,
    unsent: Option<u32>,
    next_version: u64,
    dcs: Vec<Ticket>,
    replication: Option<Duration>,
    nodes: Vec<(u64, BTreeSet<Ticket>)>,
    tickets: BTreeMap<Ticket, Duration>,
    faults: Vec<Fault>,
    planned: Vec<(&'static str, Fault)>,
    dice: Option<Dice>,
    forgets: bool,
    /// What the DCs give, as far as a roll can see.
    pub ticket_life: Duration,
}

pub(super) const BASE: Kvno = Kvno(4);

pub(super) fn node(index: usize) -> NodeName {
    format!("n{index}").parse().unwrap()
}

pub(super) fn dc(index: usize) -> DcName {
    format!("dc{index}").parse().unwrap()
}

fn index(name: &str) -> usize {
    name.trim_start_matches(|c: char| c.is_alphabetic())
        .parse()
        .unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with_policy(|_| {})
    }

    pub fn with_policy(change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy {
            method: Method::Change,
            ..Policy::default()
        };
        change(&mut policy);
        let frame = Plan {
            array: "web".parse().unwrap(),
            roll: RollNumber(1),
            cause: Cause::Operator,
            actor: "test".to_owned(),
            policy,
            base: Some(Base {
                generation: GenerationNumber(1),
                kvno: BASE,
                password_known: true,
            }),
            generation: GenerationNumber(2),
            version: Version(1),
            members: (0..3).map(node).collect(),
            dcs: (0..2).map(dc).collect(),
            writer: dc(0),
            enctypes: vec![Enctype::Aes256CtsHmacSha1],
            password_length: 64,
            leftovers: Vec::new(),
            cool_down: Duration::ZERO,
            unknown_keys_stay: false,
        };
        let old = (WhichKey::Base, BASE);
        Self {
            roll: Roll::planned(frame.clone()),
            journal: vec![Record::Planned {
                plan: Box::new(frame),
            }],
            states: vec!["planned"],
            account: account(),
            elapsed: Duration::ZERO,
            writes: 0,
            applied: 0,
            stages: 0,
            observed: Observed::default(),
            since_record: Duration::ZERO,
            since_state: Duration::ZERO,
            abort: false,
            set_aside: BTreeSet::new(),
            unsent: None,
            next_version: 2,
            dcs: vec![old; 2],
            replication: None,
            nodes: vec![(1, BTreeSet::from([old])); 3],
            tickets: BTreeMap::new(),
            faults: Vec::new(),
            planned: Vec::new(),
            dice: None,
            forgets: false,
            ticket_life: Duration::ZERO,
        }
    }

    /// A world in which messages are lost, processes killed and nodes lost at random.
    pub fn random(seed: u64) -> Self {
        let mut world = Self::with_policy(|policy| {
            policy.ticket_life = Duration::from_secs(200);
            policy.clock_skew = Duration::from_secs(10);
            policy.margin = Duration::from_secs(10);
        });
        world.dice = Some(Dice(seed | 1));
        world
    }

    /// One whose nodes hold a key of an earlier roll besides, tickets of which are alive.
    pub fn with_leftover() -> Self {
        let mut world = Self::new();
        let kvno = Kvno(BASE.0 - 1);
        let mut plan = world.roll.frame().clone();
        plan.leftovers.push(Leftover {
            generation: GenerationNumber(0),
            kvno,
            salt: None,
            secret: Sealed(vec![2]),
        });
        let old = (WhichKey::Foreign, kvno);
        let policy = &plan.policy;
        world
            .tickets
            .insert(old, policy.ticket_life + policy.clock_skew);
        world.roll = Roll::planned(plan);
        for (_, keys) in &mut world.nodes {
            keys.insert(old);
        }
        world
    }

    /// One whose password somebody else has set, on the writer so far.
    pub fn over_a_foreign_password() -> Self {
        let mut world = Self::with_policy(|policy| policy.method = Method::FencedReset);
        let mut plan = world.roll.frame().clone();
        plan.base = None;
        world.roll = Roll::planned(plan);
        world.dcs = vec![(WhichKey::Foreign, BASE.next()), (WhichKey::Foreign, BASE)];
        world.account.kvno = BASE.next();
        world.account.may_reset = true;
        world.account.may_write_fence = true;
        world
    }

    pub fn policy(&self) -> &Policy {
        &self.roll.frame().policy
    }

    /// The version of the keyset that a node holds.
    pub fn held(&self, node: usize) -> u64 {
        self.nodes[node].0
    }

    /// Everything that was broken works again.
    pub fn heal(&mut self) {
        self.faults.clear();
    }

    pub fn kvno(&self) -> Kvno {
        self.dcs[0].1
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub fn at(&mut self, state: &'static str, fault: Fault) {
        self.planned.push((state, fault));
    }

    pub fn resolve(&mut self, choice: Resolution) {
        self.write(Record::Resolved {
            choice,
            actor: "test".to_owned(),
        });
    }

    pub fn run(&mut self) -> End {
        self.run_or_halt()
            .expect("the roll ends")
            .unwrap_or_else(|| panic!("{:?}", self.roll))
    }

    pub fn run_until_halt(&mut self) -> State {
        self.run_or_halt().expect("the roll ends");
        self.roll.state()
    }

    /// `None`: stuck. `Some(None)`: halted.
    pub fn run_or_halt(&mut self) -> Option<Option<End>> {
        for _ in 0..20_000 {
            self.happen();
            let circumstances = Circumstances {
                strangers: self.strangers(),
                set_aside: self.set_aside.clone(),
                shut_in: BTreeMap::new(),
                still_sent: BTreeMap::new(),
                since_record: self.since_record,
                since_state: self.since_state,
                abort: self.abort.then(|| "asked".to_owned()),
                unsent: self.unsent,
                next_version: Version(self.next_version),
            };
            match plan(&self.roll, &self.observed, &circumstances).step {
                Step::Write(record) => self.write(record),
                Step::Do(actions) => actions.into_iter().for_each(|action| self.act(action)),
                Step::Wait(_) if self.roll.state() == State::Halted => return Some(None),
                Step::Wait(time) => self.sleep(time),
                Step::End(end) => return Some(Some(end)),
            }
            self.check();
        }
        None
    }

    fn strangers(&self) -> BTreeSet<NodeName> {
        let all = (0..self.nodes.len()).map(node);
        all.filter(|node| !self.roll.frame().members.contains(node))
            .collect()
    }

    fn write(&mut self, record: Record) {
        let before = self.roll.state();
        self.unsent = match &record {
            Record::CommitIntent { attempt, .. } => Some(*attempt),
            _ => None,
        };
        self.roll.apply(record.clone()).unwrap();
        self.next_version = self.next_version.max(self.roll.recipe().version.0 + 1);
        self.journal.push(record);
        self.observed = Observed::default();
        self.since_record = Duration::ZERO;
        if self.roll.state() != before {
            self.since_state = Duration::ZERO;
            self.states.push(self.roll.state().name());
        }
    }

    fn sleep(&mut self, time: Duration) {
        for clock in [
            &mut self.elapsed,
            &mut self.since_record,
            &mut self.since_state,
        ] {
            *clock += time;
        }
        if self.replication.is_some_and(|at| self.elapsed >= at) {
            self.dcs[1] = self.dcs[0];
            self.replication = None;
        }
        self.observed.look_again();
    }

    /// Faults that belong to a state strike, once; a random world may also lose its controller.
    fn happen(&mut self) {
        let state = self.roll.state().name();
        let (now, later) = self.planned.drain(..).partition(|(at, _)| *at == state);
        self.planned = later;
        let now: Vec<(&str, Fault)> = now;
        for (_, fault) in now {
            match fault {
                Fault::AbortAsked => self.abort = true,
                Fault::NodeSetAside(index) => {
                    self.set_aside.insert(node(index));
                }
                // It holds the key in force, as reconciliation has given it.
                Fault::NodeJoins => self.nodes.push(self.nodes[0].clone()),
                Fault::ForeignKey => self.dcs = vec![(WhichKey::Foreign, Kvno(9)); 2],
                Fault::DcRestored => {
                    self.dcs[1] = (WhichKey::Base, BASE);
                    self.replication = Some(self.elapsed + Duration::from_secs(60));
                }
                other => self.faults.push(other),
            }
        }
        if self.forgets && self.chance(3) {
            self.forget_some();
        } else if self.chance(20) {
            self.roll = Roll::replay(self.journal.clone()).unwrap();
            self.observed = Observed::default();
            self.unsent = None;
            (self.since_record, self.since_state) = (Duration::ZERO, Duration::ZERO);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::LookAtAccount => {
                self.account.kvno = self.dcs[0].1;
                self.observed.account = Some(Ok(self.account.clone()));
            }
            Action::LookAtDc(name) => {
                let view = self.look_at_dc(index(name.as_str()));
                self.observed.dcs.insert(name, view);
            }
            Action::Generate => {
                let sealed = Sealed(vec![1]);
                self.observed.candidate = Some(Candidate {
                    sealed,
                    fence: "f".to_owned(),
                });
            }
            Action::LookAtNode(name) => self.ask(&name, |_, _| {}),
            Action::Stage(name) => {
                self.stages += 1;
                let recipe = self.roll.recipe();
                let which = |which| match which {
                    Which::Base => WhichKey::Base,
                    Which::New => WhichKey::New,
                    Which::Left(_) => WhichKey::Foreign,
                };
                let keys: BTreeSet<Ticket> = recipe
                    .generations
                    .iter()
                    .map(|(_, generation, kvno)| (which(*generation), *kvno))
                    .collect();
                self.ask(&name, |held, view| {
                    if recipe.version.0 < held.0 {
                        view.trouble = Some("it is older than what is held".to_owned());
                        return;
                    }
                    if recipe.unlisted == Unlisted::Remove {
                        held.1.clear();
                    }
                    held.0 = recipe.version.0;
                    held.1.extend(keys);
                });
            }
            Action::Shut(name) => {
                self.observed.told.insert(name, Ok(()));
            }
            Action::Prove(name, roles) => self.ask(&name, |_, view| view.accepts.extend(roles)),
            Action::Commit { dc, .. } => self.commit(index(dc.as_str())),
        }
    }

    fn look_at_dc(&mut self, index: usize) -> DcView {
        if self.chance(10) {
            return DcView::Trouble("no answer".to_owned());
        }
        let (mut key, mut kvno) = self.dcs[index];
        if let Some(Fault::StaleLooks(left)) = self
            .faults
            .iter_mut()
            .find(|fault| matches!(fault, Fault::StaleLooks(1..)))
            && key == WhichKey::New
        {
            *left -= 1;
            (key, kvno) = (WhichKey::Base, BASE);
        }
        let clock_offset = if self.faults.contains(&Fault::ClockOff) {
            Duration::from_secs(600)
        } else {
            Duration::ZERO
        };
        DcView::Issues(Issued {
            key,
            kvno,
            enctype: 18,
            salt: None,
            clock_offset,
            ticket_life: self.ticket_life,
            no_login: None,
        })
    }

    fn ask(
        &mut self,
        name: &NodeName,
        what: impl FnOnce(&mut (u64, BTreeSet<Ticket>), &mut NodeView),
    ) {
        let index = index(name.as_str());
        let mut view = self.observed.nodes.get(name).cloned().unwrap_or_default();
        if self.faults.contains(&Fault::NodeDead(index)) || self.chance(10) {
            view.trouble = Some("connection refused".to_owned());
        } else {
            what(&mut self.nodes[index], &mut view);
            view.holds = Some(Version(self.nodes[index].0));
        }
        self.observed.nodes.insert(name.clone(), view);
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.dice.as_mut().is_some_and(|dice| dice.below(percent))
    }
}
