//! What somebody else does to the account or to a domain controller.

use keyroll::roll::State;

use crate::controller::is_looked_at_again;
use crate::event::Event;
use crate::ledger::Brief;
use crate::model::Model;
use crate::world::{DcSeen, FOREIGN, LIFE, Slot, Slots, World};

impl Model {
    pub fn meddling(&self, world: &World, into: &mut Vec<(Event, World)>) {
        let left = &world.left;
        if left.foreign == 0 && left.bumps == 0 && left.dc_restores == 0 {
            return;
        }
        let brief = self.brief(world);
        // Whoever waives a domain controller knows that nothing comes from it any more.
        let counted =
            |dc: &usize| world.waived & (1 << dc) == 0 && is_looked_at_again(world, brief, *dc);
        for dc in (0..self.settings.dcs).filter(counted) {
            let slot = world.dcs[dc].slot.expect("every DC has the account");
            if left.foreign > 0 {
                let mut after = written(world, dc, FOREIGN);
                after.left.foreign -= 1;
                into.push((Event::Foreign(dc as u8), after));
            }
            if left.bumps > 0 {
                let mut after = written(world, dc, slot.key());
                after.left.bumps -= 1;
                into.push((Event::Bumped(dc as u8), after));
            }
            if left.dc_restores > 0 {
                self.restored(world, dc, brief, into);
            }
        }
    }

    /// A domain controller that had the new key comes back with the old one, and catches up later.
    ///
    /// Assumed to be noted once before it has (PROTOCOL, assumption A3).
    fn restored(
        &self,
        world: &World,
        dc: usize,
        brief: Option<Brief>,
        into: &mut Vec<(Event, World)>,
    ) {
        let Some((brief, base, new)) = brief.and_then(|b| Some((b, b.base?, b.new?))) else {
            return;
        };
        let has_new = |dc: usize| {
            let slot = world.dcs[dc].slot;
            slot.map(Slot::key) == Some(new.key()) && world.waived & (1 << dc) == 0
        };
        let another = (0..self.settings.dcs).any(|other| other != dc && has_new(other));
        if brief.state != State::Draining || !has_new(dc) || !another {
            return;
        }
        let mut after = *world;
        after.left.dc_restores -= 1;
        let restored = &mut after.dcs[dc];
        restored.slot = Some(base);
        restored.written = 0;
        restored.unseen = true;
        into.push((Event::Restored(dc as u8), after));
    }
}

/// A password written by somebody else.
fn written(world: &World, dc: usize, key: u8) -> World {
    let mut after = *world;
    let slot = after.dcs[dc].slot.expect("every DC has the account");
    let new = Slot::new(key, slot.kvno() + 1);
    after.originated += 1;
    after.dcs[dc].slot = Some(new);
    after.dcs[dc].written = after.originated;
    after.unforeseen = after.unforeseen.with(Slots::of(new));
    after.meddled = true;
    // How many passwords a ticket's life sees is not ours to promise any more.
    after.calm = LIFE;
    after
}

/// Whether a password of somebody else has come to a domain controller.
pub fn has_spread(before: &World, after: &World) -> bool {
    (0..after.dcs.len()).any(|dc| {
        let slot = after.dcs[dc].slot;
        slot != before.dcs[dc].slot && slot.is_some_and(|slot| after.unforeseen.holds(slot))
    })
}

/// Whether that is after the last look before the commit: nobody could foresee the kvno that ours
/// gets then.
pub fn is_after_last_look(before: &World, brief: &Brief) -> bool {
    match brief.state {
        State::Committing | State::Converging | State::Draining => true,
        State::Staging => before.desk.seen.dcs[0] != DcSeen::Unasked,
        _ => false,
    }
}
