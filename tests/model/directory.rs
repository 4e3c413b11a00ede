//! The directory: every domain controller's copy, writes under way, and tickets.

use crate::event::{Event, How};
use crate::ledger::Brief;
use crate::mistakes::Mistake;
use crate::model::Model;
use crate::promises;
use crate::world::{DcSeen, KeyId, LIFE, Said, Slot, Slots, World, Write};

impl Model {
    pub fn look_at_dc(&self, after: &mut World, dc: usize, how: How) {
        let seen = match (how, after.dcs[dc].slot) {
            (How::Plainly, Some(slot)) => DcSeen::Issues(slot),
            _ => {
                after.left.silent_looks -= 1;
                DcSeen::Silent
            }
        };
        after.desk.seen.dcs[dc] = seen;
    }

    /// A write is sent.
    pub fn commit(&self, after: &mut World, brief: &Brief, attempt: u8, dc: u8, how: How) {
        use keyroll::roll::State;
        if brief.state != State::Committing || brief.attempts < attempt || brief.last_dc != dc {
            after.broken = Some(promises::NO_EFFECT_WITHOUT_RECORD);
        }
        after.desk.unsent = 0;
        if !self.errs(Mistake::SendDoesNotRestartTheClock) {
            after.desk.since_record = 0;
        }
        let Some(new) = brief.new else {
            return;
        };
        let write = Write {
            dc,
            old: brief.base.map_or(0, Slot::key),
            new: self.password_of(new.key(), attempt),
            predicted: new.kvno(),
            fence: brief.fenced.then_some(brief.fence_before),
        };
        let said = match how {
            How::Plainly => {
                if self.apply_write(after, &write) {
                    Said::Applied
                } else {
                    Said::Refused
                }
            }
            How::Cut => {
                after.left.lost_answers -= 1;
                self.apply_write(after, &write);
                Said::Nothing
            }
            How::Late => {
                after.left.lost_answers -= 1;
                if let Some(free) = after.writes.iter_mut().find(|slot| slot.is_none()) {
                    *free = Some(write);
                }
                after.writes.sort_unstable();
                Said::Nothing
            }
            How::Refused => {
                after.left.refusals -= 1;
                Said::Refused
            }
            How::Lied | How::Twice => {
                after.left.lies -= 1;
                Said::Applied
            }
        };
        after.desk.seen.answer = Some(said);
    }

    /// Whether the directory takes the write: a compare-and-swap, on the password or the fence.
    fn apply_write(&self, after: &mut World, write: &Write) -> bool {
        let dc = &mut after.dcs[usize::from(write.dc)];
        let Some(slot) = dc.slot else {
            return false;
        };
        let fits = match write.fence {
            _ if self.is_blind() => true,
            None => slot.key() == write.old,
            Some(fence) => dc.fence == fence,
        };
        if !fits {
            return false;
        }
        let new = Slot::new(write.new, slot.kvno() + 1);
        after.originated += 1;
        dc.slot = Some(new);
        dc.written = after.originated;
        if write.fence.is_some() {
            dc.fence = write.new;
            dc.fence_written = after.originated;
        }
        // A fail-over goes where nobody looked before the commit; and a write of a roll that was
        // given up can be applied only where somebody has set the old password again.
        let (left, had) = (&after.left, &self.settings.left);
        let ever = left.foreign < had.foreign || left.bumps < had.bumps;
        let of_before = self.brief(after).is_none_or(|b| b.generation != write.new);
        let excused = after.disturbed || (after.meddled && write.dc != 0) || (ever && of_before);
        if new.kvno() != write.predicted && excused {
            after.unforeseen = after.unforeseen.with(Slots::of(new));
        }
        self.note_commit(after, write.new);
        true
    }

    /// Two passwords of one account must not follow one another within the life of a ticket.
    fn note_commit(&self, after: &mut World, key: KeyId) {
        if self.settings.rolls.len() < 2 {
            return;
        }
        let hurried = after.calm < LIFE && after.committed_by != key;
        let emergency = self.brief(after).is_some_and(|brief| brief.emergency);
        if hurried && !emergency {
            after.broken = after.broken.or(Some(promises::INTERVAL));
        }
        after.calm = 0;
        after.committed_by = key;
    }

    /// What happens in the directory without us.
    pub fn directory_events(&self, world: &World, into: &mut Vec<(Event, World)>) {
        let dcs = self.settings.dcs;
        for (index, write) in world.writes.iter().enumerate() {
            let Some(write) = write else {
                continue;
            };
            let mut after = *world;
            after.writes[index] = None;
            after.writes.sort_unstable();
            if self.apply_write(&mut after, write) {
                into.push((Event::AppliedLate(write.dc), after));
            }
        }
        for from in 0..dcs {
            for to in (0..dcs).filter(|to| *to != from) {
                if let Some(after) = replicated(world, from, to) {
                    into.push((Event::Replicated(from as u8, to as u8), after));
                }
            }
        }
        self.meddling(world, into);
    }
}

/// The last writer wins, attribute by attribute: the higher version, then the later write.
fn replicated(world: &World, from: usize, to: usize) -> Option<World> {
    let mut after = *world;
    let (source, target) = (world.dcs[from], &mut after.dcs[to]);
    // Whoever waives a domain controller has seen to it that nothing comes from it any more.
    if target.unseen || world.waived & (1 << from) != 0 {
        return None;
    }
    let stamp = |slot: Option<Slot>, written| (slot.map(Slot::kvno), written);
    if stamp(source.slot, source.written) > stamp(target.slot, target.written) {
        (target.slot, target.written) = (source.slot, source.written);
        if world.desk.roll.is_none() {
            after.waived &= !(1 << to);
        }
    }
    let target = &mut after.dcs[to];
    if source.fence_written > target.fence_written {
        (target.fence, target.fence_written) = (source.fence, source.fence_written);
    }
    (after != *world).then_some(after)
}
