//! What operators do, by the same calls that their verbs make.

use std::fmt;
use std::sync::Arc;

use keyroll::name::{ArrayName, NodeName};
use keyroll::roll::{Cause, End, OldKey, Resolution, State};
use keyroll_controller::Ports;
use keyroll_controller::reconcile::Overview;
use keyroll_controller::rolls::{Rolls, Wanted};
use keyroll_controller::store::{ArrayRecord, PastRoll, Read as _, StoreError};
use tokio::sync::Notify;

use crate::dice::Dice;
use crate::world::World;

/// What an operator asks for.
#[derive(Debug, Clone)]
pub enum Verb {
    Roll,
    Emergency(OldKey),
    Abort,
    SetAside(NodeName),
    TakeBack(NodeName),
    Resolve(Resolution),
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roll => f.write_str("roll web"),
            Self::Emergency(kill) => write!(f, "roll web --emergency, old key {kill:?}"),
            Self::Abort => f.write_str("roll abort web"),
            Self::SetAside(node) => write!(f, "node quarantine web {node}"),
            Self::TakeBack(node) => write!(f, "node resume web {node}"),
            Self::Resolve(choice) => write!(f, "roll resolve web, {choice:?}"),
        }
    }
}

impl Verb {
    pub fn draw(dice: &mut Dice, node: NodeName) -> Self {
        let kill = dice.pick(&[OldKey::UntilConverged, OldKey::UntilCommitted]);
        match dice.number(0..12) {
            0..4 => Self::Roll,
            4 => Self::Emergency(kill),
            5 | 6 => Self::Abort,
            7 | 8 => Self::SetAside(node),
            9 | 10 => Self::TakeBack(node),
            _ => Self::Resolve(Resolution::Continue),
        }
    }
}

/// The running controller, as operators and the test reach it.
#[derive(Clone)]
pub struct Desk {
    pub world: Arc<World>,
    pub ports: Ports,
    pub rolls: Arc<Rolls>,
    pub overview: Arc<Overview>,
    pub wake: Arc<Notify>,
    pub schedule_wake: Arc<Notify>,
}

impl Desk {
    pub fn name() -> ArrayName {
        "web".parse().unwrap()
    }

    pub fn array(&self) -> ArrayRecord {
        let array = self.ports.store.array(&Self::name()).unwrap();
        array.expect("nobody deletes the array")
    }

    pub fn open_roll(&self) -> Option<PastRoll> {
        self.ports.store.open_roll(&Self::name()).unwrap()
    }

    /// An operator asks; what is refused is noted.
    pub async fn ask(&self, verb: &Verb) {
        match verb {
            Verb::Roll => drop(self.roll(Cause::Operator, OldKey::UntilDrained).await),
            Verb::Emergency(kill) => drop(self.roll(Cause::Emergency, *kill).await),
            Verb::Abort => self.wish(|wishes| wishes.abort = Some("an operator".to_owned())),
            Verb::SetAside(node) => self.edit(node, true),
            Verb::TakeBack(node) => self.edit(node, false),
            Verb::Resolve(choice) => self.resolve(choice),
        }
    }

    /// What an emergency gave up is asked for again where it came to nothing.
    pub fn weigh_emergency(&self) {
        if !self.world.lock().tickets.has_given_up() {
            return;
        }
        let past = self.ports.store.history(&Self::name(), 8).unwrap();
        let is_hasty = |past: &&PastRoll| past.roll.frame().policy.old_key != OldKey::UntilDrained;
        let Some(hasty) = past.iter().find(is_hasty) else {
            return;
        };
        if let State::Ended(end) = hasty.roll.state() {
            let for_good = matches!(end, End::Done | End::GivenUp);
            self.world.lock().tickets.weigh(for_good);
        }
    }

    pub fn resolve(&self, choice: &Resolution) {
        let halted = |past: PastRoll| past.roll.state() == State::Halted;
        if self.open_roll().is_some_and(halted) {
            let choice = (choice.clone(), "an operator".to_owned());
            self.wish(|wishes| wishes.resolve = Some(choice));
        }
    }

    /// Whether a roll began.
    pub async fn roll(&self, cause: Cause, old_key: OldKey) -> Result<(), String> {
        let wanted = Wanted {
            accepts_gap: false,
            cause,
            actor: "an operator".to_owned(),
            old_key,
        };
        let begun = self.rolls.begin(&self.array(), &wanted).await;
        let mut inner = self.world.lock();
        match begun {
            Ok(_) => {
                if old_key != OldKey::UntilDrained {
                    // Whoever asks for this is told which tickets fail.
                    inner.tickets.give_up();
                }
                inner.note("a roll began");
                Ok(())
            }
            Err(error) => {
                inner.note(format!("no roll began: {error}"));
                Err(error.to_string())
            }
        }
    }

    fn wish(&self, wish: impl FnOnce(&mut keyroll_controller::driver::Wishes)) {
        if let Some(line) = self.rolls.line(&Self::name()) {
            wish(&mut line.wishes.lock().unwrap());
            line.wake.notify_one();
        }
    }

    fn edit(&self, node: &NodeName, aside: bool) {
        let edited: Result<_, StoreError> = self.ports.store.write(|change| {
            change.edit_node(node, |node| {
                if aside {
                    let why = "an operator".to_owned();
                    node.quarantined.insert(Self::name(), why);
                } else {
                    node.quarantined.remove(&Self::name());
                }
            })
        });
        match edited {
            Ok(_) => self.wake.notify_one(),
            // A store that fails ends the process, whoever finds it out.
            Err(error) => self.world.kill(&error.to_string()),
        }
    }

    /// Every node serves again, as far as operators are concerned.
    pub fn take_all_back(&self) {
        let nodes = self.ports.store.members(&Self::name()).unwrap();
        for node in nodes {
            if !node.quarantined.is_empty() {
                self.edit(&node.name, false);
            }
        }
    }
}
