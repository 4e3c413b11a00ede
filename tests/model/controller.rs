//! The controller: begins rolls, does what `plan` says, dies and is taken over from.

use keyroll::name::NodeName;
use keyroll::roll::{End, OldKey, Record, State, Trouble};

use crate::event::{Event, How};
use crate::frame::old_key;
use crate::ledger::{Brief, counted, number, small};
use crate::mistakes::Mistake;
use crate::model::Model;
use crate::promises;
use crate::question::{Act, MOMENT, Next};
use crate::settings::Kind;
use crate::world::{DcSeen, Desk, FOREIGN, Seen, World};

impl Model {
    /// Everything that the controller can do next.
    pub fn controller_steps(&self, world: &World, into: &mut Vec<(Event, World)>) {
        let Some(roll) = world.desk.roll else {
            into.extend(self.begun(world).map(|after| (Event::Begin, after)));
            return;
        };
        match &*self.decide(world, roll) {
            Next::Write(record, after) => {
                into.push((Event::Write, self.written(world, record, *after)));
            }
            Next::Illegal(_) => {
                let mut after = *world;
                after.broken = Some(promises::LEGAL);
                into.push((Event::Write, after));
            }
            Next::Do(acts) => {
                // Before the first effect the order of looks is of no account.
                let planned = self.brief(world).is_some_and(|b| b.state == State::Planned);
                let mut nodes = 0;
                for act in acts {
                    nodes += usize::from(!matches!(act, Act::Dc(_)));
                    let turn = self.settings.any_order || nodes <= 1;
                    if turn && (!planned || *act == acts[0]) {
                        self.act(world, *act, into);
                    }
                }
            }
            Next::Wait => into.push((Event::Waited, self.waited(world))),
            Next::End => {}
        }
        if world.left.crashes > 0 {
            let mut after = *world;
            after.left.crashes -= 1;
            after.desk = Desk {
                roll: world.desk.roll,
                epoch: world.desk.epoch + 1,
                ..Desk::default()
            };
            if self.errs(Mistake::CrashCountsAsTime) {
                after.desk.since_record = MOMENT + 2;
                after.desk.since_state = 1;
            }
            into.push((Event::ControllerDies, after));
        }
    }

    /// What `apply` makes of a record.
    pub fn after(&self, roll: u32, record: Record) -> Next {
        match self.ledger.borrow_mut().applied(roll, record.clone()) {
            Ok(after) => Next::Write(record, after),
            Err(illegal) => Next::Illegal(illegal.to_string()),
        }
    }

    /// A record has become durable.
    pub fn written(&self, world: &World, record: &Record, number_after: u32) -> World {
        let mut after = *world;
        let brief = self.ledger.borrow().entry(number_after).brief;
        let before = self.brief(world).map(|brief| brief.state);
        let desk = &mut after.desk;
        desk.roll = Some(number_after);
        let kept = self.errs(Mistake::ObservedOutlivesRecord)
            || (self.errs(Mistake::OldLookIsBelieved) && matches!(record, Record::Settled));
        if !kept {
            desk.seen = Seen::default();
        }
        desk.since_record = 0;
        if before != Some(brief.state) {
            desk.since_state = 0;
        }
        desk.unsent = match record {
            Record::CommitIntent { attempt, .. } => small(u64::from(*attempt)),
            _ => 0,
        };
        if let Record::Retiring { .. } = record {
            let kind = self.settings.rolls[usize::from(world.row.rolls)];
            retiring(&mut after, &brief, kind);
        }
        if let Some(version) = record.version().map(|version| small(version.0)) {
            if version <= after.row.version {
                after.broken = Some(promises::MONOTONE);
            }
            after.row.version = version;
        }
        match record {
            Record::Regressed { dc } => after.dcs[usize::from(number(dc.as_str()))].unseen = false,
            Record::Quarantined { node, .. } => quarantined(&mut after, &brief, node),
            Record::Halted { trouble } if !self.has_cause(world, &brief, trouble) => {
                after.broken = Some(promises::NO_FALSE_ALARM);
            }
            _ => {}
        }
        if let Some(end) = brief.ended() {
            self.ended(&mut after, &brief, end, number_after);
        }
        after
    }

    /// Whether there is something that an operator must look into.
    fn has_cause(&self, world: &World, brief: &Brief, trouble: &Trouble) -> bool {
        let (left, had) = (&world.left, &self.settings.left);
        match trouble {
            // Set since the roll began, or before and seen now.
            Trouble::ForeignKey { kvno, .. } => {
                let newer = Some(counted(kvno.0)) > brief.kvno_before;
                world.meddled || (newer && left.foreign < had.foreign)
            }
            Trouble::ForeignEnctype { .. } => false,
            Trouble::WithoutEffect { .. } => world.meddled || left.lies < had.lies,
            Trouble::NodeRefuses { .. } => left.snapshots < had.snapshots,
        }
    }

    /// What follows from a roll's end: `ArrayRecord::settle`, and what is told of it later on.
    fn ended(&self, after: &mut World, brief: &Brief, end: End, roll: u32) {
        after.broken = after.broken.or(self.broken_end(after, brief, end));
        if let (End::Done | End::GivenUp, true, Some(new)) = (end, brief.committed, brief.new) {
            after.row.current = Some(new);
            if usize::from(after.row.rolls) + 1 < self.settings.rolls.len() {
                after.row.committed = Some(roll);
                after.row.rested = 0;
            }
        }
        after.row.told = match end {
            End::GivenUp => Some(roll),
            End::Refused => after.row.told,
            End::Aborted if brief.base.is_none() || brief.new.is_none() => after.row.told,
            End::Aborted if brief.has_leftovers => Some(roll),
            End::Aborted | End::Done | End::Overtaken => None,
        };
        after.row.unknown_stay = match end {
            End::Done => false,
            End::GivenUp => after.row.unknown_stay || brief.content.keep,
            End::Aborted | End::Refused | End::Overtaken => after.row.unknown_stay,
        };
        after.row.ended = Some(roll);
        after.row.rolls += 1;
        after.desk = Desk {
            epoch: after.desk.epoch,
            ..Desk::default()
        };
    }

    fn waited(&self, world: &World) -> World {
        let mut after = *world;
        let brief = self.brief(world);
        let state = brief.map(|brief| brief.state);
        let waived = |dc: &usize| world.waived & (1 << dc) != 0;
        let seen = &mut after.desk.seen;
        let mut counted = (0..self.settings.dcs).filter(|dc| !waived(dc));
        let again = state == Some(State::Converging) && seen.waits > 0;
        if again && counted.any(|dc| seen.dcs[dc] == DcSeen::Unasked) {
            after.broken = Some(promises::NOTICED);
        }
        // As far as it matters: three in vain are enough before a commit, and twelve after a
        // success halt it.
        seen.waits = match (state, seen.waits) {
            (Some(State::Planned), _) => 3,
            (Some(State::Committing), _) => 12,
            // Those that are proven are looked at, too.
            (Some(State::Converging), _) => 1,
            (Some(State::Staging), _) if seen.told.contains(&Some(false)) => 3,
            _ => 0,
        };
        let lenient = self.settings.gate != "all";
        for (index, node) in seen.nodes.iter_mut().enumerate() {
            if node.trouble {
                *node = Default::default();
                if lenient && state == Some(State::Staging) {
                    seen.failed_before |= 1 << index;
                }
            }
        }
        for told in &mut seen.told {
            *told = told.filter(|confirmed| *confirmed);
        }
        seen.dcs = Default::default();
        if seen.answer == Some(crate::world::Said::Nothing) {
            seen.answer = None;
        }
        after
    }

    /// One action, in every way in which it can go.
    fn act(&self, world: &World, act: Act, into: &mut Vec<(Event, World)>) {
        let mut hows = vec![How::Plainly];
        let left = &world.left;
        match act {
            Act::Account | Act::Generate => {}
            Act::Dc(_) if left.silent_looks > 0 => hows.push(How::Cut),
            Act::Dc(_) => {}
            Act::Look(_) | Act::Prove(..) | Act::Shut(_) if left.cut_calls > 0 => {
                hows.push(How::Cut);
            }
            Act::Look(_) | Act::Prove(..) | Act::Shut(_) => {}
            Act::Stage(_) => {
                if left.cut_calls > 0 {
                    hows.push(How::Cut);
                }
                if left.late_keysets > 0 && world.late.iter().any(Option::is_none) {
                    hows.extend([How::Late, How::Twice]);
                }
            }
            Act::Commit(..) => {
                if left.lost_answers > 0 {
                    hows.extend([How::Cut, How::Late]);
                }
                if left.refusals > 0 {
                    hows.push(How::Refused);
                }
                if left.lies > 0 {
                    hows.push(How::Lied);
                }
            }
        }
        for how in hows {
            let mut after = *world;
            self.perform(&mut after, act, how);
            into.push((Event::Did(act, how), after));
        }
    }

    fn perform(&self, after: &mut World, act: Act, how: How) {
        let Some(brief) = self.brief(after) else {
            return;
        };
        match act {
            Act::Account => look_at_account(after, &brief),
            Act::Generate => after.desk.seen.candidate = true,
            Act::Dc(dc) => self.look_at_dc(after, usize::from(dc), how),
            Act::Look(node) => self.look_at_node(after, &brief, usize::from(node), how),
            Act::Stage(node) => self.stage(after, &brief, usize::from(node), how),
            Act::Shut(node) => self.shut(after, &brief, usize::from(node), how),
            Act::Prove(node, roles) => self.prove(after, &brief, usize::from(node), roles, how),
            Act::Commit(attempt, dc) => self.commit(after, &brief, attempt, dc, how),
        }
    }
}

/// The account, on the DC that is written to. One that is gone tells no key either.
fn look_at_account(after: &mut World, brief: &Brief) {
    let written = brief.attempts > 0;
    let dc = usize::from(if written { brief.last_dc } else { 0 });
    let copy = after.dcs[dc];
    after.desk.seen.account = match copy.slot {
        // Nobody gives it another name here, so all that a write waits for is that it is read.
        Some(_) if written => Some((0, 0)),
        Some(slot) => Some((slot.kvno(), copy.fence)),
        None => None,
    };
    if written && copy.slot.is_none() {
        after.desk.seen.dcs[dc] = DcSeen::Silent;
    }
}

/// The tickets that are given up where the old key goes before its time, and those that are not
/// excused any more.
fn retiring(after: &mut World, brief: &Brief, kind: Kind) {
    let old = after.live().without(brief.content.keys);
    match old_key(kind) {
        // A kvno that nobody could foresee is covered once the roll has proven everything.
        OldKey::UntilDrained => after.unforeseen = after.unforeseen.of_key(FOREIGN),
        OldKey::UntilConverged => after.given_up = after.given_up.with(old.without(after.issued())),
        OldKey::UntilCommitted => after.given_up = after.given_up.with(old),
    }
}

fn quarantined(after: &mut World, brief: &Brief, node: &NodeName) {
    let index = usize::from(number(node.as_str()));
    let left = (0..after.nodes.len()).any(|node| brief.is_serving(node));
    if !left && !after.nodes[index].set_aside {
        after.broken = Some(promises::LAST_GATE);
    }
}

/// Whether somebody else may still do something to a domain controller in this state: the roll
/// looks at it once more, or there is none.
pub fn is_looked_at_again(world: &World, brief: Option<Brief>, dc: usize) -> bool {
    let Some(brief) = brief else {
        return true;
    };
    match brief.state {
        State::Planned | State::Generated | State::Staging | State::Committing => true,
        State::Converging => match brief.old_key {
            OldKey::UntilDrained => true,
            // This look may be the last.
            OldKey::UntilConverged => world.desk.seen.dcs[dc] == DcSeen::Unasked,
            OldKey::UntilCommitted => false,
        },
        State::Draining => !brief.drained,
        State::Retiring | State::Aborting | State::Halted | State::Ended(_) => false,
    }
}
