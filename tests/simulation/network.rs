//! The controller's port to the agents: a network that loses, delays, repeats, cuts and kills.

mod message;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keyroll::fence::{Epoch, Version};
use keyroll::keyset::{HeldEntry, Keyset, fingerprint};
use keyroll::keytab::wanted;
use keyroll::name::{ArrayName, NodeName};
use keyroll_agent::node::Found;
use keyroll_controller::agents::Deadlines;
use keyroll_controller::ports::{Agents, NodeInventory, NodeProof, NodeTarget, PortError};
use keyroll_proto::agent as said;

pub use self::message::Message;
use crate::machine::Machine;
use crate::mistake::Mistake;
use crate::world::{Event, Inner, World};

/// What it answers.
enum Reply {
    Inventory(NodeInventory),
    Proofs(Vec<NodeProof>),
    Done,
}

/// What becomes of a message.
enum Fate {
    Arrives,
    Lost,
    Unheard,
    Hangs,
    Late(Duration),
    Twice(Duration),
    Deadly,
}

/// The port, for the controller of one epoch.
pub struct Network {
    pub world: Arc<World>,
    pub epoch: Epoch,
}

impl Network {
    async fn ask(&self, node: &NodeName, message: Message) -> Result<Reply, PortError> {
        let deadline = match &message {
            Message::Stage(..) | Message::Wipe(_) => Deadlines::default().stage,
            _ => Deadlines::default().look,
        };
        self.perhaps_die(node, &message).await;
        let (fate, reachable, there, back) = {
            let mut inner = self.world.lock();
            let fate = inner.fate();
            let reachable = inner.reaches(node);
            let (there, back) = (inner.dice.millis(1..40), inner.dice.millis(1..40));
            (fate, reachable, there, back)
        };
        if !reachable {
            self.world.lock().untold(node, &message);
            return self.silence(node, deadline).await;
        }
        let strike = |what: &str| {
            let mut inner = self.world.lock();
            inner.strike(&format!("{node}: {message} {what}"));
        };
        match fate {
            Fate::Hangs => {
                strike("hangs");
                self.world.lock().untold(node, &message);
                tokio::time::sleep(deadline).await;
                return Err(unreachable(node, "no answer in time"));
            }
            Fate::Lost => {
                strike("is lost");
                self.world.lock().untold(node, &message);
                tokio::time::sleep(there).await;
                return Err(unreachable(node, "connection reset"));
            }
            Fate::Late(after) => {
                strike("will come late");
                self.world.lock().untold(node, &message);
                self.later(node, &message, after);
                tokio::time::sleep(deadline.min(after)).await;
                return Err(unreachable(node, "no answer in time"));
            }
            Fate::Twice(after) => {
                strike("will come twice");
                self.later(node, &message, after);
            }
            Fate::Arrives | Fate::Unheard | Fate::Deadly => {}
        }
        tokio::time::sleep(there).await;
        let outcome = {
            let mut inner = self.world.lock();
            if !inner.reaches(node) {
                inner.untold(node, &message);
                Err(unreachable(node, "connection reset"))
            } else if matches!(fate, Fate::Deadly) {
                inner.deliver_and_die(node, &message);
                Err(unreachable(node, "connection reset"))
            } else {
                inner.deliver(node, &message)
            }
        };
        self.world.check();
        self.world.queued.notify_one();
        tokio::time::sleep(back).await;
        if matches!(fate, Fate::Unheard) {
            strike("was done, and its answer is lost");
            return Err(unreachable(node, "connection reset"));
        }
        outcome
    }

    /// The controller's process may die as it sends this; what it has sent may be on its way.
    async fn perhaps_die(&self, node: &NodeName, message: &Message) {
        let dies = {
            let mut inner = self.world.lock();
            let often = inner.weather.killed;
            inner.dice.thousandth(often)
        };
        if dies {
            let sent = self.world.lock().dice.thousandth(500);
            if sent {
                self.later(node, message, Duration::from_millis(20));
            }
            let whether = if sent { "after" } else { "before" };
            self.world
                .kill(&format!("{whether} it sent {message} to {node}"));
            std::future::pending::<()>().await;
        }
    }

    fn later(&self, node: &NodeName, message: &Message, after: Duration) {
        let (node, message) = (node.clone(), message.clone());
        self.world.later(after, Event::Message { node, message });
    }

    /// Nobody is there: that is known at once, or only when patience ends.
    async fn silence(&self, node: &NodeName, deadline: Duration) -> Result<Reply, PortError> {
        let refused = self.world.lock().dice.thousandth(700);
        let time = if refused {
            Duration::from_millis(3)
        } else {
            deadline
        };
        tokio::time::sleep(time).await;
        Err(unreachable(node, "connection refused"))
    }
}

impl Inner {
    fn fate(&mut self) -> Fate {
        let weather = self.weather.clone();
        let mut is = |of: u32| self.dice.thousandth(of);
        if is(weather.lost) {
            Fate::Lost
        } else if is(weather.unheard) {
            Fate::Unheard
        } else if is(weather.hanging) {
            Fate::Hangs
        } else if is(weather.late) {
            Fate::Late(self.dice.millis(1_000..400_000))
        } else if is(weather.twice) {
            Fate::Twice(self.dice.millis(10..400_000))
        } else if is(weather.deadly) {
            Fate::Deadly
        } else {
            Fate::Arrives
        }
    }

    /// A node that is to be shut does not hear of it.
    fn untold(&mut self, node: &NodeName, message: &Message) {
        if let (Message::Admit(_, Err(_), _), Some(machine)) =
            (message, self.machines.get_mut(node))
        {
            machine.left_behind = machine.stays_ready.is_none();
        }
    }

    fn reaches(&self, node: &NodeName) -> bool {
        let machine = self.machines.get(node);
        machine.is_some_and(|machine| machine.is_up() && !machine.cut)
    }

    /// A message arrives at a node that is up.
    fn deliver(&mut self, node: &NodeName, message: &Message) -> Result<Reply, PortError> {
        let (age, now) = (self.now(), self.true_time());
        let (offset, mistake) = (self.clock_offset(), self.mistake);
        self.note(format!("{node}: {message}"));
        let refused = |error: &dyn std::error::Error| PortError::Refused {
            object: format!("node {node}"),
            why: without_folders(&keyroll_agent::trouble::chain(error)),
            next: String::new(),
        };
        if mistake == Some(Mistake::AnswersBeforeItWrites)
            && let Some(reply) = self.lie(node, message)
        {
            return Ok(reply);
        }
        let machine = self.machines.get_mut(node).expect("it was found before");
        machine.age(age);
        machine.left_behind &= !matches!(message, Message::Admit(..));
        let mut outcome = match message {
            Message::Look(nonce) => machine
                .look(nonce)
                .map(|found| Reply::Inventory(machine.inventory(found, offset))),
            Message::Stage(keyset, nonce) => {
                self.stages += 1;
                if mistake == Some(Mistake::TakesOldKeysets) {
                    machine.forget_fence();
                }
                let keyset = Keyset::try_from(keyset.clone()).expect("it was one when it left");
                machine
                    .stage(keyset)
                    .and_then(|()| machine.look(nonce))
                    .map(|found| Reply::Inventory(machine.inventory(found, offset)))
            }
            Message::Prove(request) => {
                let proofs = machine.prove(request, now).into_iter();
                let proof = |proof: keyroll_agent::node::FileProof| NodeProof {
                    path: file_name(&proof.path),
                    verdict: proof.verdict.map(|accepted| accepted.kvno),
                };
                Ok(Reply::Proofs(proofs.map(proof).collect()))
            }
            Message::Admit(epoch, verdict, required) => machine
                .admit(*epoch, verdict.clone(), *required)
                .map(|()| Reply::Done),
            Message::Wipe(epoch) => machine.wipe(*epoch).map(|()| Reply::Done),
        };
        if let (Some(Mistake::TellsNoLimit), Ok(Reply::Inventory(said))) = (mistake, &mut outcome) {
            said.stays_ready = None;
        }
        outcome.map_err(|error| {
            let error = refused(&error);
            self.note(format!("{node}: no: {error}"));
            error
        })
    }

    /// What a mistaken agent says to this before it has done anything.
    fn lie(&mut self, node: &NodeName, message: &Message) -> Option<Reply> {
        let machine = self.machines.get_mut(node)?;
        match message {
            Message::Stage(keyset, nonce) => {
                machine.pretend(Version(keyset.version));
                let forged = machine.forged(keyset, nonce);
                let (node, message) = (node.clone(), message.clone());
                let later = Event::Message { node, message };
                self.later(Duration::from_secs(30), later);
                Some(Reply::Inventory(forged))
            }
            Message::Prove(_) => {
                let proof = |target: keyroll_agent::keytab_file::Target| NodeProof {
                    path: file_name(&target.path),
                    verdict: Ok(keyroll::kerberos::Kvno(0)),
                };
                let proofs = machine.targets().into_iter().map(proof);
                Some(Reply::Proofs(proofs.collect()))
            }
            Message::Look(_) | Message::Admit(..) | Message::Wipe(_) => None,
        }
    }

    /// A message arrives that nobody waits for any more.
    pub fn deliver_late(&mut self, node: &NodeName, message: &Message) {
        if self.reaches(node) {
            self.strike(&format!("{node}: {message} comes late"));
            drop(self.deliver(node, message));
        }
    }

    fn deliver_and_die(&mut self, node: &NodeName, message: &Message) {
        let step = self.dice.number(0..6);
        self.strike(&format!(
            "{node}: the agent dies over {message}, at step {step}"
        ));
        match message {
            // Nothing was done, or all, and not answered.
            _ if step == 0 => {}
            Message::Stage(keyset, _) if step < 5 => {
                let keyset = Keyset::try_from(keyset.clone()).expect("it was one when it left");
                let machine = self.machines.get_mut(node).expect("it was found before");
                machine.stage_and_die(keyset, step - 1);
            }
            _ => drop(self.deliver(node, message)),
        }
        self.stop(node);
    }
}

impl Machine {
    /// What the agent says, as the controller reads it.
    fn inventory(&self, found: Found, clock_offset: TimeDelta) -> NodeInventory {
        let targets = found.targets.into_iter().map(|found| NodeTarget {
            path: file_name(&found.path),
            filter: found.filter,
            entries: found.entries,
            trouble: found.trouble.map(|trouble| without_folders(&trouble)),
            drifted: found.drifted,
            foreign_entries: found.foreign,
            // By the machine's own clock, which is not the simulated one.
            written_unix: 0,
            leftovers: Vec::new(),
            folder_trouble: None,
        });
        NodeInventory {
            version: found.version,
            fence: found.fence,
            targets: targets.collect(),
            boot: vec![self.boot],
            ready: self.readiness(),
            clock_offset,
            certificate_ends_unix: i64::MAX,
            agent_version: String::new(),
            stays_ready: self.stays_ready,
            hook_trouble: None,
        }
    }

    /// What an agent would say that held the keyset, without holding it.
    fn forged(&self, keyset: &said::Keyset, nonce: &[u8; 32]) -> NodeInventory {
        let keyset = Keyset::try_from(keyset.clone()).expect("it was one when it left");
        let targets = self.targets().into_iter().map(|target| {
            let held = wanted(&keyset, &target.filter);
            let entry = |one: &keyroll::keytab::Wanted<'_>| HeldEntry {
                principal: one.principal.clone(),
                kvno: one.kvno,
                enctype: one.key.enctype(),
                fingerprint: fingerprint(nonce, one.principal, one.kvno, one.key),
            };
            NodeTarget {
                path: file_name(&target.path),
                entries: held.iter().map(entry).collect(),
                filter: target.filter,
                trouble: None,
                drifted: false,
                foreign_entries: 0,
                written_unix: 0,
                leftovers: Vec::new(),
                folder_trouble: None,
            }
        });
        NodeInventory {
            version: keyset.version,
            fence: keyroll::fence::Fence {
                epoch: keyset.epoch,
                version: keyset.version,
            },
            targets: targets.collect(),
            boot: vec![self.boot],
            ready: Ok(()),
            clock_offset: TimeDelta::zero(),
            certificate_ends_unix: i64::MAX,
            agent_version: String::new(),
            stays_ready: self.stays_ready,
            hook_trouble: None,
        }
    }
}

fn unreachable(node: &NodeName, why: &str) -> PortError {
    PortError::Unreachable {
        object: format!("node {node}"),
        why: why.to_owned(),
    }
}

fn file_name(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A text without the names of folders, which differ from run to run.
fn without_folders(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let end = word.rfind('/').map_or(0, |at| at + 1);
        let name = &word[end..];
        // A temporary file's name is random, too.
        name.split(".keyroll-").next().unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Agents for Network {
    async fn look(
        &self,
        node: &NodeName,
        _: &ArrayName,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        match self.ask(node, Message::Look(nonce)).await? {
            Reply::Inventory(inventory) => Ok(inventory),
            _ => unreachable!("a look is answered by an inventory"),
        }
    }

    async fn stage(
        &self,
        node: &NodeName,
        keyset: &Keyset,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        match self.ask(node, Message::Stage(keyset.into(), nonce)).await? {
            Reply::Inventory(inventory) => Ok(inventory),
            _ => unreachable!("a push is answered by an inventory"),
        }
    }

    async fn prove(
        &self,
        node: &NodeName,
        _: &ArrayName,
        ap_request: Vec<u8>,
    ) -> Result<Vec<NodeProof>, PortError> {
        match self.ask(node, Message::Prove(ap_request)).await? {
            Reply::Proofs(proofs) => Ok(proofs),
            _ => unreachable!("a proof is answered by verdicts"),
        }
    }

    async fn admit(
        &self,
        node: &NodeName,
        _: &ArrayName,
        required: Version,
        verdict: Result<(), String>,
    ) -> Result<(), PortError> {
        let message = Message::Admit(self.epoch, verdict, required);
        self.ask(node, message).await.map(drop)
    }

    async fn wipe(&self, node: &NodeName, _: &ArrayName) -> Result<(), PortError> {
        self.ask(node, Message::Wipe(self.epoch)).await.map(drop)
    }
}
