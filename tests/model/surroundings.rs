//! Time, operators, and what the world keeps in order after each step.

use keyroll::roll::{Record, State};

use crate::event::{Choice, Event};
use crate::ledger::{Brief, dc};
use crate::meddling::{has_spread, is_after_last_look};
use crate::model::Model;
use crate::question::{MOMENT, Next};
use crate::world::{LIFE, Slots, World};

impl Model {
    pub fn surroundings(&self, world: &World, into: &mut Vec<(Event, World)>) {
        into.push((Event::Tick, self.ticked(world)));
        if world.desk.since_record == 0 {
            let mut after = *world;
            after.desk.since_record = longest(self.brief(world).as_ref()).0.min(MOMENT);
            into.push((Event::Moment, after));
        }
        self.directory_events(world, into);
        self.node_events(world, into);
    }

    /// 30 s pass: tickets age, and a write whose connection is dead cannot be applied any more.
    fn ticked(&self, world: &World) -> World {
        let mut after = *world;
        after.tickets = Default::default();
        let older = after.tickets.iter_mut().skip(1);
        older
            .zip(world.tickets)
            .for_each(|(older, younger)| *older = younger);
        if !self.outlives(world) {
            after.writes = Default::default();
        }
        let (record, state) = longest(self.brief(world).as_ref());
        let desk = &mut after.desk;
        desk.since_record = (desk.since_record.max(MOMENT) + 1).min(record);
        desk.since_state = (desk.since_state + 1).min(state);
        after.calm = (after.calm + 1).min(LIFE);
        if after.row.committed.is_some() && after.desk.roll.is_none() {
            after.row.rested = (after.row.rested + 1).min(LIFE);
        }
        after
    }

    /// What operators do.
    pub fn operators(&self, world: &World, into: &mut Vec<(Event, World)>) {
        for index in 0..world.nodes.len() {
            let (node, name) = (&world.nodes[index], index as u8);
            let mut after = *world;
            if node.member && node.set_aside {
                after.nodes[index].set_aside = false;
                into.push((Event::Release(name), after));
            } else if node.member && world.left.set_asides > 0 {
                after.left.set_asides -= 1;
                after.nodes[index].set_aside = true;
                into.push((Event::SetAside(name), after));
            } else if !node.member && world.left.joins > 0 && index < self.places() {
                after.left.joins -= 1;
                after.nodes[index].member = true;
                after.nodes[index].up = true;
                into.push((Event::Join(name), after));
            }
        }
        let Some((roll, brief)) = world.desk.roll.zip(self.brief(world)) else {
            return;
        };
        // It may have been asked for just before the write was recorded.
        let may_abort = brief.is_early() || brief.state == State::Committing;
        if world.left.aborts > 0 && !world.desk.abort && may_abort {
            let mut after = *world;
            after.left.aborts -= 1;
            after.desk.abort = true;
            into.push((Event::Abort, after));
        }
        let draining = brief.state == State::Draining && world.left.given_up_drains > 0;
        if brief.state == State::Halted || draining {
            for choice in [Choice::Continue, Choice::GiveUp] {
                let record = Record::Resolved {
                    choice: choice.into(),
                    actor: String::new(),
                };
                into.extend(self.said(world, roll, record).map(|mut after| {
                    after.left.given_up_drains -= u8::from(draining);
                    (Event::Resolve(choice), after)
                }));
            }
        }
        if brief.may_waive && world.left.waivers > 0 {
            for index in (0..self.settings.dcs).filter(|index| brief.waived & (1 << index) == 0) {
                let record = Record::Waived {
                    dc: dc(index),
                    actor: String::new(),
                };
                into.extend(self.said(world, roll, record).map(|mut after| {
                    after.left.waivers -= 1;
                    after.waived |= 1 << index;
                    (Event::Waive(index as u8), after)
                }));
            }
        }
    }

    fn said(&self, world: &World, roll: u32, record: Record) -> Option<World> {
        match self.after(roll, record) {
            Next::Write(record, number) => Some(self.written(world, &record, number)),
            _ => None,
        }
    }

    fn places(&self) -> usize {
        self.settings.nodes + self.settings.spare
    }

    /// Keeps in order what follows from everything else.
    pub fn finish(&self, before: &World, after: &mut World) {
        let issued = after.issued();
        for tickets in &mut after.tickets {
            *tickets = tickets.without(issued);
        }
        after.tickets[0] = after.tickets[0].with(issued);
        if has_spread(before, after)
            && let Some(brief) = self.brief(before)
        {
            after.meddled = true;
            after.disturbed |= is_after_last_look(before, &brief);
        }
        let waived = after.dcs.iter().enumerate();
        let waived = waived.filter(|(index, _)| after.waived & (1 << index) != 0);
        let own_risk = waived.filter_map(|(_, dc)| dc.slot);
        let given_up = own_risk.fold(Slots::NONE, |all, slot| all.with(Slots::of(slot)));
        after.given_up = after.given_up.with(given_up);
        if before.desk.roll != after.desk.roll || before.row.ended != after.row.ended {
            let brief = self.brief(after);
            let (record, state) = longest(brief.as_ref());
            after.desk.since_record = after.desk.since_record.min(record);
            after.desk.since_state = after.desk.since_state.min(state);
        }
    }
}

/// How far time is counted in a state: since the last record (in `TIMES`), and since it was entered
/// (in ticks).
fn longest(brief: Option<&Brief>) -> (u8, u8) {
    match brief.map(|brief| brief.state) {
        Some(State::Staging | State::Retiring | State::Aborting | State::Converging) => (0, 1),
        Some(State::Committing) => (MOMENT + 1, 0),
        Some(State::Draining) => (MOMENT + LIFE, 0),
        Some(State::Planned | State::Generated | State::Halted | State::Ended(_)) | None => (0, 0),
    }
}
