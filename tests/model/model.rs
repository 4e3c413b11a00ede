//! The real `plan` and `apply` in a small world: everything that can happen next.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use keyroll::roll::{Step, plan};

use crate::event::Event;
use crate::explore::Space;
use crate::ledger::{Brief, Ledger};
use crate::mistakes::Mistake;
use crate::question::{Act, Next, Question, wordless};
use crate::settings::Settings;
use crate::world::{Content, Dc, Held, LIFE, Node, Row, Slot, Slots, World};

/// A world and the rules that it goes by.
pub struct Model {
    pub settings: Settings,
    /// The one rule that is broken, if one is.
    pub mistake: Option<Mistake>,
    pub ledger: RefCell<Ledger>,
    decisions: RefCell<HashMap<Question, Rc<Next>>>,
}

impl Model {
    pub fn new(settings: Settings, mistake: Option<Mistake>) -> Self {
        Self {
            settings,
            mistake,
            ledger: RefCell::default(),
            decisions: RefCell::default(),
        }
    }

    /// Whether the rule is broken.
    pub fn errs(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    pub fn brief(&self, world: &World) -> Option<Brief> {
        let roll = world.desk.roll?;
        Some(self.ledger.borrow().entry(roll).brief)
    }

    /// Everything that `plan` is told in this world.
    pub fn question(&self, world: &World, roll: u32, brief: &Brief) -> Question {
        let desk = &world.desk;
        let bits = |wanted: &dyn Fn(usize, &Node) -> bool| {
            let nodes = world.nodes.iter().enumerate();
            nodes.fold(0, |bits, (index, node)| {
                bits | u8::from(wanted(index, node)) << index
            })
        };
        let serves = |node: &Node| node.member && !node.set_aside;
        Question {
            roll,
            seen: desk.seen,
            since_record: desk.since_record,
            since_state: desk.since_state,
            abort: desk.abort,
            unsent: desk.unsent,
            next_version: world.row.version + 1,
            strangers: bits(&|index, node| serves(node) && !brief.has(index)),
            set_aside: bits(&|index, node| !serves(node) && (brief.has(index) || node.member)),
        }
    }

    /// What `plan` says in this world.
    pub fn decide(&self, world: &World, roll: u32) -> Rc<Next> {
        let entry = self.ledger.borrow().entry(roll);
        let mut question = self.question(world, roll, &entry.brief);
        self.falsify(&entry.brief, &mut question);
        if let Some(known) = self.decisions.borrow().get(&question) {
            return Rc::clone(known);
        }
        if let Some(next) = self.overruled(&entry, &question) {
            return Rc::new(next);
        }
        let observed = question.observed(&entry.brief);
        let circumstances = question.circumstances();
        let step = plan(&entry.roll, &observed, &circumstances).step;
        let step = self.replace(&entry, &question, step);
        let next = Rc::new(match step {
            Step::Write(record) => self.after(roll, wordless(record)),
            Step::Do(actions) => Next::Do(actions.iter().map(Act::of).collect()),
            Step::Wait(_) => Next::Wait,
            Step::End(_) => Next::End,
        });
        let known = Rc::clone(&next);
        self.decisions.borrow_mut().insert(question, known);
        next
    }

    /// The keyset that nodes shall hold: `Desired` of the controller.
    pub fn desired(&self, world: &World) -> Content {
        let told = world.desk.roll.or(world.row.told);
        let mut content = match told {
            Some(roll) => self.ledger.borrow().entry(roll).brief.content,
            None => at_rest(world),
        };
        let told = told.map(|roll| self.ledger.borrow().entry(roll).brief);
        content = self.given(content, told.as_ref());
        content.version = content.version.max(world.row.version);
        content
    }

    pub fn is_over(&self, world: &World) -> bool {
        world.desk.roll.is_none() && usize::from(world.row.rolls) == self.settings.rolls.len()
    }
}

/// With no roll open: the generation in force, alone, if there is one that we know.
pub fn at_rest(world: &World) -> Content {
    let current = world.row.current;
    Content {
        version: world.row.version,
        keys: current.map_or(Slots::NONE, Slots::of),
        client: current,
        keep: current.is_none() || world.row.unknown_stay,
    }
}

impl Space for Model {
    type State = World;
    type Event = Event;

    fn initial(&self) -> World {
        let adopted = self.settings.adopted;
        let slot = Slot::new(u8::from(!adopted), 0);
        let mut world = World {
            left: self.settings.left,
            calm: LIFE,
            ..World::default()
        };
        for dc in world.dcs.iter_mut().take(self.settings.dcs) {
            *dc = Dc {
                slot: Some(slot),
                ..Dc::default()
            };
        }
        let held = Held {
            version: 1,
            epoch: 0,
            keys: Slots::of(slot),
            client: (!adopted).then_some(slot),
        };
        for node in world.nodes.iter_mut().take(self.settings.nodes) {
            *node = Node {
                member: true,
                up: true,
                held,
                admitted: true,
                required: 1,
                ..Node::default()
            };
        }
        world.tickets[0] = Slots::of(slot);
        world.row = Row {
            current: (!adopted).then_some(slot),
            version: 1,
            ..Row::default()
        };
        world
    }

    fn next(&self, world: &World, into: &mut Vec<(Event, World)>) {
        if world.broken.is_some() {
            return;
        }
        self.controller_steps(world, into);
        self.operators(world, into);
        self.reconciliation(world, into);
        self.surroundings(world, into);
        for (_, after) in into.iter_mut() {
            self.finish(world, after);
        }
        into.retain(|(_, after)| after != world);
    }

    fn broken(&self, world: &World) -> Option<&'static str> {
        self.broken_promise(world)
    }

    fn is_end(&self, world: &World) -> bool {
        let desired = self.desired(world);
        let rests = |node: &Node| {
            !node.member
                || node.set_aside
                || (node.up && !node.sick && node.serves() && node.held.version == desired.version)
        };
        self.is_over(world) && world.nodes.iter().all(rests)
    }
}
