//! What a seed has happen, and when: cuts, crashes, restored machines, clocks that are set, what
//! operators do.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use keyroll::name::NodeName;

use crate::dice::Dice;
use crate::machine::Refusing;
use crate::operator::Verb;
use crate::world::{Event, Inner, World};

/// Something that happens to the world.
#[derive(Debug, Clone)]
pub enum Happening {
    NodeCut(NodeName, Duration),
    NodeReached(NodeName),
    NodeDown(NodeName, Duration),
    NodeStarts(NodeName),
    NodeBackedUp(NodeName),
    NodeRestored(NodeName, Duration),
    DiskRefuses(NodeName, Refusing, Duration),
    DiskWorks(NodeName),
    KeytabTampered(NodeName, bool),
    AgentLooks(NodeName),
    DcCut(usize, Duration),
    DcReached(usize),
    DcApart(usize, Duration),
    DcTogether(usize),
    DcRestored(usize, Duration),
    ForeignPassword(usize),
    ClockSet(TimeDelta),
    ControllerKilled,
    DiskFails,
    Operator(Verb),
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = |time: &Duration| format!("{} s", time.as_secs());
        match self {
            Self::NodeCut(node, time) => write!(f, "{node} is cut off for {}", long(time)),
            Self::NodeReached(node) => write!(f, "{node} is reached again"),
            Self::NodeDown(node, time) => write!(f, "{node} goes down for {}", long(time)),
            Self::NodeStarts(node) => write!(f, "{node} starts"),
            Self::NodeBackedUp(node) => write!(f, "{node} is backed up"),
            Self::NodeRestored(node, _) => write!(f, "{node} is restored from its backup"),
            Self::DiskRefuses(node, what, time) => {
                write!(f, "{node}: its disk refuses {what:?} for {}", long(time))
            }
            Self::DiskWorks(node) => write!(f, "{node}: its disk works again"),
            Self::KeytabTampered(node, true) => write!(f, "{node}: its keytab is cut short"),
            Self::KeytabTampered(node, false) => write!(f, "{node}: its keytab is removed"),
            Self::AgentLooks(node) => write!(f, "{node}: its agent looks at its files"),
            Self::DcCut(dc, time) => write!(f, "dc{} is cut off for {}", dc + 1, long(time)),
            Self::DcReached(dc) => write!(f, "dc{} is reached again", dc + 1),
            Self::DcApart(dc, time) => {
                write!(f, "dc{} replicates with nobody for {}", dc + 1, long(time))
            }
            Self::DcTogether(dc) => write!(f, "dc{} replicates again", dc + 1),
            Self::DcRestored(dc, _) => write!(f, "dc{} is restored from its backup", dc + 1),
            Self::ForeignPassword(dc) => write!(f, "somebody sets the password on dc{}", dc + 1),
            Self::ClockSet(ahead) => {
                let seconds = ahead.num_seconds();
                write!(
                    f,
                    "the controller's clock is set to {seconds} s off the time"
                )
            }
            Self::ControllerKilled => f.write_str("the controller is killed"),
            Self::DiskFails => f.write_str("the controller's disk fails at its next sync"),
            Self::Operator(verb) => write!(f, "an operator: {verb}"),
        }
    }
}

/// Writes the script of a seed: what happens within so much time.
pub fn write(inner: &mut Inner, dice: &mut Dice, time: Duration) {
    let nodes: Vec<NodeName> = inner.machines.keys().cloned().collect();
    let dcs = inner.domain.dcs.len() as u64;
    let most = dice.pick(&[2, 5, 10, 20]);
    for _ in 0..dice.number(0..most) {
        let what = draw(dice, &nodes, dcs);
        let at = dice.millis(0..u64::try_from(time.as_millis()).unwrap());
        if let Happening::NodeRestored(node, _) = &what {
            let earlier = dice.millis(0..u64::try_from(at.as_millis()).unwrap() + 1);
            let backed_up = Happening::NodeBackedUp(node.clone());
            inner.later(earlier, Event::Script(backed_up));
        }
        inner.later(at, Event::Script(what));
    }
}

fn draw(dice: &mut Dice, nodes: &[NodeName], dcs: u64) -> Happening {
    let node = dice.pick(nodes);
    let dc = usize::try_from(dice.number(0..dcs)).unwrap();
    let long = dice.millis(1_000..400_000);
    match dice.number(0..18) {
        0 | 1 => Happening::NodeCut(node, long),
        2 | 3 => Happening::NodeDown(node, long),
        4 | 5 => Happening::NodeRestored(node, long / 10),
        6 => Happening::DiskRefuses(node, Refusing::Keytabs, long),
        7 => Happening::DiskRefuses(node, Refusing::State, long),
        8 => Happening::KeytabTampered(node, dice.thousandth(500)),
        9 | 10 => Happening::DcCut(dc, long),
        11 => Happening::DcApart(dc, long * 2),
        12 => Happening::DcRestored(dc, long),
        13 if dice.thousandth(300) => Happening::ForeignPassword(dc),
        14 => {
            let hours = i64::try_from(dice.number(0..60)).unwrap() - 30;
            Happening::ClockSet(TimeDelta::hours(hours))
        }
        15 => Happening::ControllerKilled,
        16 => Happening::DiskFails,
        _ => Happening::Operator(Verb::draw(dice, node)),
    }
}

impl World {
    /// It happens; the verbs of operators happen at the controller.
    pub async fn happen(&self, what: &Happening) {
        self.lock().strike(&what.to_string());
        match what {
            Happening::NodeReached(_) | Happening::NodeStarts(_) => self.came_back.notify_one(),
            Happening::ControllerKilled => self.kill("as the script has it"),
            _ => {}
        }
        let pushed = self.lock().happen(what);
        if let Some(by) = pushed {
            tokio::time::advance(by).await;
        }
        self.check();
        self.queued.notify_one();
    }
}

impl Inner {
    /// By how much a mistaken controller's waits are shortened.
    fn happen(&mut self, what: &Happening) -> Option<Duration> {
        let then = |inner: &mut Self, after: &Duration, next: Happening| {
            inner.later(*after, Event::Script(next));
        };
        match what {
            Happening::NodeCut(node, time) => {
                self.machine(node).cut = true;
                then(self, time, Happening::NodeReached(node.clone()));
            }
            Happening::NodeReached(node) => self.machine(node).cut = false,
            Happening::NodeDown(node, time) => {
                self.machine(node).stop();
                then(self, time, Happening::NodeStarts(node.clone()));
            }
            Happening::NodeStarts(node) => self.start(node),
            Happening::NodeBackedUp(node) => self.machine(node).back_up(),
            Happening::NodeRestored(node, time) => {
                if self.machine(node).restore() {
                    then(self, time, Happening::NodeStarts(node.clone()));
                }
            }
            Happening::DiskRefuses(node, what, time) => {
                self.machine(node).refusing = *what;
                then(self, time, Happening::DiskWorks(node.clone()));
            }
            Happening::DiskWorks(node) => self.machine(node).refusing = Refusing::Nothing,
            Happening::KeytabTampered(node, cut_short) => {
                self.machine(node).tamper(*cut_short);
                let soon = Duration::from_secs(30);
                then(self, &soon, Happening::AgentLooks(node.clone()));
            }
            Happening::AgentLooks(node) => self.machine(node).watch(),
            Happening::DcCut(dc, time) => {
                self.domain.dcs[*dc].cut = true;
                then(self, time, Happening::DcReached(*dc));
            }
            Happening::DcReached(dc) => self.domain.dcs[*dc].cut = false,
            Happening::DcApart(dc, time) => {
                self.domain.dcs[*dc].apart = true;
                then(self, time, Happening::DcTogether(*dc));
            }
            Happening::DcTogether(dc) => self.domain.dcs[*dc].apart = false,
            Happening::DcRestored(dc, time) => self.restore_dc(*dc, *time),
            Happening::ForeignPassword(dc) => self.set_foreign(*dc),
            Happening::ClockSet(ahead) => return self.set_clock(*ahead),
            Happening::DiskFails => self.disk.fail(),
            Happening::ControllerKilled | Happening::Operator(_) => {}
        }
        None
    }

    fn machine(&mut self, node: &NodeName) -> &mut crate::machine::Machine {
        self.machines
            .get_mut(node)
            .expect("the script names nodes that are there")
    }

    /// The agent of a node ends, and systemd starts it again.
    pub fn stop(&mut self, node: &NodeName) {
        self.machine(node).stop();
        let soon = self.dice.millis(500..20_000);
        self.later(soon, Event::Script(Happening::NodeStarts(node.clone())));
    }

    pub fn start(&mut self, node: &NodeName) {
        let mistaken = self.mistake == Some(crate::mistake::Mistake::OpensAtItsStart);
        let machine = self.machine(node);
        if !machine.is_up() {
            machine.start();
            if mistaken {
                machine.open_gate();
            }
        }
    }

    fn set_foreign(&mut self, dc: usize) {
        let (now, number) = (self.now(), self.domain.foreign.len());
        let password = format!("somebody else's password {number}");
        self.check();
        self.domain.foreign.insert(password.clone());
        self.domain.set(dc, &password, now);
        let key = self.tickets.key_of(&mut self.domain, dc);
        self.tickets.excused.insert(key);
        self.changed(dc);
    }

    fn set_clock(&mut self, ahead: TimeDelta) -> Option<Duration> {
        let by = ahead - self.ahead;
        self.ahead = ahead;
        let mistaken = self.mistake == Some(crate::mistake::Mistake::WaitsByTheWallClock);
        let by = by.to_std().ok().filter(|_| mistaken)?;
        self.pushed += by;
        Some(by)
    }

    /// A domain controller is as its backup has it, until the others have told it what it missed.
    fn restore_dc(&mut self, dc: usize, time: Duration) {
        // With nobody to tell it, the last password would be lost for good.
        let knows = |other: &crate::domain::Dc| {
            other.held.password == self.domain.dcs[dc].held.password && !other.apart
        };
        let others = self.domain.dcs.iter().enumerate();
        let teacher = others
            .filter(|(other, _)| *other != dc)
            .find(|(_, other)| knows(other))
            .map(|(other, _)| other);
        let (Some(teacher), Some(backup)) = (teacher, self.domain.dcs[dc].backup.clone()) else {
            return;
        };
        self.check();
        self.domain.dcs[dc].held = backup;
        self.domain.dcs[dc].restored = true;
        let key = self.tickets.key_of(&mut self.domain, dc);
        // While old tickets are alive nodes hold this key, and the roll must find it out in time.
        let must_open = self.regress == Some(key.0);
        if !must_open || self.domain.foreign.contains(self.domain.in_force(dc).1) {
            self.tickets.excused.insert(key);
        }
        let event = Event::Replicate {
            from: teacher,
            to: dc,
        };
        self.later(time, event);
    }
}
