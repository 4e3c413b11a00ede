//! The rolls of a world by number: equal rolls have one number, so that a world stays small and
//! `apply` runs once for each step of a journal.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use keyroll::keyset::{Role, Unlisted};
use keyroll::name::{DcName, NodeName};
use keyroll::roll::policy::Method;
use keyroll::roll::{End, Illegal, OldKey, Plan, Record, Roll, State, Which};

use crate::question::ROLES;
use crate::world::{Content, FIRST_KVNO, KeyId, Slot, Slots};

/// A roll, how it came about, and what the world needs to know of it.
#[derive(Debug)]
pub struct Entry {
    pub roll: Roll,
    pub journal: Vec<Record>,
    pub brief: Brief,
}

/// What the world needs to know of a roll.
#[derive(Debug, Clone, Copy)]
pub struct Brief {
    pub state: State,
    /// Bits by node.
    pub members: u8,
    pub quarantined: u8,
    pub base: Option<Slot>,
    /// The key that it brings, once there is one, under the kvno that it goes by.
    pub new: Option<Slot>,
    pub generation: KeyId,
    pub content: Content,
    pub attempts: u8,
    pub last_dc: u8,
    pub committed: bool,
    pub issued: bool,
    pub may_waive: bool,
    pub drained: bool,
    pub old_key: OldKey,
    pub emergency: bool,
    pub fence_before: KeyId,
    pub kvno_before: Option<u8>,
    pub fenced: bool,
    pub has_leftovers: bool,
    /// The slot of the first generation of each role, in the order of the roles.
    pub roles: [Option<Slot>; 3],
    pub waived: u8,
}

/// All rolls of an exploration.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Rc<Entry>>,
    numbers: HashMap<String, u32>,
}

impl Ledger {
    pub fn entry(&self, number: u32) -> Rc<Entry> {
        Rc::clone(&self.entries[number as usize])
    }

    pub fn planned(&mut self, plan: Plan) -> u32 {
        let journal = vec![Record::Planned {
            plan: Box::new(plan.clone()),
        }];
        self.number(Roll::planned(plan), journal)
    }

    /// The roll after one more record.
    pub fn applied(&mut self, number: u32, record: Record) -> Result<u32, Illegal> {
        let before = self.entry(number);
        let mut roll = before.roll.clone();
        roll.apply(record.clone())?;
        let mut journal = before.journal.clone();
        journal.push(record);
        Ok(self.number(roll, journal))
    }

    /// The roll of a journal, whatever it says.
    pub fn replayed(&mut self, journal: Vec<Record>) -> Result<u32, Illegal> {
        let roll = Roll::replay(journal.clone())?;
        Ok(self.number(roll, journal))
    }

    fn number(&mut self, roll: Roll, journal: Vec<Record>) -> u32 {
        let next = u32::try_from(self.entries.len()).expect("as many rolls fit no memory");
        let number = *self.numbers.entry(format!("{roll:?}")).or_insert(next);
        if number == next {
            let brief = Brief::of(&roll);
            let entry = Entry {
                roll,
                journal,
                brief,
            };
            self.entries.push(Rc::new(entry));
        }
        number
    }
}

impl Brief {
    fn of(roll: &Roll) -> Self {
        let frame = roll.frame();
        let base = frame
            .base
            .map(|base| Slot::new(key(base.generation.0), counted(base.kvno.0)));
        let generation = key(frame.generation.0);
        let new = roll
            .generated()
            .map(|new| Slot::new(generation, counted(new.kvno.0)));
        let attempts = roll.attempts();
        let last = attempts.last();
        let fence = roll
            .generated()
            .and_then(|new| new.fence_before.as_deref())
            .map_or(0, number);
        Self {
            state: roll.state(),
            members: bits(&frame.members),
            quarantined: bits(roll.quarantined().keys()),
            base,
            new,
            generation,
            content: content(roll),
            attempts: u8::try_from(attempts.len()).unwrap_or(u8::MAX),
            last_dc: last.map_or(0, |last| number(last.dc.as_str())),
            committed: roll.has_committed(),
            issued: roll.has_issued(),
            may_waive: roll.may_waive(),
            drained: roll.drain_left() == Duration::ZERO,
            old_key: frame.policy.old_key,
            emergency: frame.cause == keyroll::roll::Cause::Emergency,
            fence_before: fence,
            kvno_before: roll.generated().map(|new| counted(new.kvno_before.0)),
            has_leftovers: !frame.leftovers.is_empty(),
            fenced: frame.policy.method == Method::FencedReset,
            roles: ROLES.map(|role| {
                slots(roll)
                    .find(|(one, _)| *one == role)
                    .map(|(_, slot)| slot)
            }),
            waived: roll
                .waived()
                .iter()
                .fold(0, |bits, dc| bits | 1 << number(dc.as_str())),
        }
    }

    pub fn has(self, node: usize) -> bool {
        self.members & (1 << node) != 0
    }

    pub fn is_serving(self, node: usize) -> bool {
        self.has(node) && self.quarantined & (1 << node) == 0
    }

    pub fn is_early(self) -> bool {
        matches!(
            self.state,
            State::Planned | State::Generated | State::Staging
        )
    }

    pub fn ended(self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }
}

/// The generations of a roll's recipe, in its order.
fn slots(roll: &Roll) -> impl Iterator<Item = (Role, Slot)> {
    let frame = roll.frame();
    let generation = |which| match which {
        Which::Base => frame.base.map_or(0, |base| base.generation.0),
        Which::New => frame.generation.0,
        Which::Left(generation) => generation.0,
    };
    let generations = roll.recipe().generations.into_iter();
    generations
        .map(move |(role, which, kvno)| (role, Slot::new(key(generation(which)), counted(kvno.0))))
}

/// What the recipe of a roll comes to.
fn content(roll: &Roll) -> Content {
    let recipe = roll.recipe();
    let current = slots(roll).find(|(role, _)| *role == Role::Current);
    Content {
        version: small(recipe.version.0),
        keys: slots(roll).fold(Slots::NONE, |all, (_, slot)| all.with(Slots::of(slot))),
        client: current.map(|(_, slot)| slot),
        keep: recipe.unlisted == Unlisted::Keep,
    }
}

pub fn node(index: usize) -> NodeName {
    format!("n{index}").parse().expect("a node name")
}

pub fn dc(index: usize) -> DcName {
    format!("dc{index}").parse().expect("a DC name")
}

/// The number at the end of a name.
pub fn number(name: &str) -> u8 {
    name.trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .parse()
        .expect("names end in a number")
}

pub fn small(number: u64) -> u8 {
    u8::try_from(number).expect("the world is small")
}

fn key(generation: u64) -> KeyId {
    small(generation)
}

pub fn counted(kvno: u32) -> u8 {
    small(u64::from(kvno - FIRST_KVNO))
}

fn bits<'a>(nodes: impl IntoIterator<Item = &'a NodeName>) -> u8 {
    nodes
        .into_iter()
        .fold(0, |bits, node| bits | 1 << number(node.as_str()))
}
