//! What must hold in every state: the promises of the protocol, by their names there.

use keyroll::roll::{End, OldKey};

use crate::ledger::Brief;
use crate::model::Model;
use crate::world::{FOREIGN, Slot, UNKNOWN, World};

pub const COVERAGE: &str = "S1 every serving node opens every live ticket";
pub const UNAMBIGUOUS: &str = "S2 one kvno, one key";
pub const KNOWN: &str = "S3 the password in force is known";
pub const AT_REST: &str = "S4 after a roll every domain controller has its key";
pub const RETIRED: &str = "S5 after a roll no serving node has another key";
pub const NO_EFFECT_WITHOUT_RECORD: &str = "S7 no effect without a record";
pub const MONOTONE: &str = "S8 versions never go back";
pub const INTERVAL: &str = "S9 a ticket's life lies between two passwords";
pub const NO_FALSE_ALARM: &str = "L1 no halt without a cause";
pub const LAST_GATE: &str = "L1 a roll does not shut the last gate";
pub const NOTICED: &str = "L4 between two waits every domain controller is looked at";
pub const INITIATORS: &str = "F18 initiators get no key that the directory lacks";
pub const LEGAL: &str = "the journal is legal";

impl Model {
    /// The promise that does not hold in this state.
    pub fn broken_promise(&self, world: &World) -> Option<&'static str> {
        if world.broken.is_some() {
            return world.broken;
        }
        let brief = self.brief(world);
        let live = world.live();
        let foreign = live.of_key(FOREIGN);
        let ours = live.without(foreign);
        let counted = ours.without(world.unforeseen).without(world.given_up);
        if counted.ambiguous() {
            return Some(UNAMBIGUOUS);
        }
        let covered = live.without(world.unforeseen).without(world.given_up);
        for node in world.nodes.iter().filter(|node| node.serves()) {
            if !covered.without(node.held.keys).is_empty() {
                return Some(COVERAGE);
            }
        }
        let wanted = self.desired(world);
        // A key that was given up is sealed, and not on the nodes any more.
        let known = |slot: Slot| match slot.key() {
            FOREIGN => true,
            UNKNOWN => wanted.keep,
            key => !wanted.keys.of_key(key).is_empty() || world.given_up.holds(slot),
        };
        let dcs = world.dcs.iter().enumerate();
        let counted = dcs.filter(|(index, _)| world.waived & (1 << index) == 0);
        if !counted.filter_map(|(_, dc)| dc.slot).all(known) {
            return Some(KNOWN);
        }
        let early = |slot: Slot| {
            brief.is_some_and(|brief| !brief.issued && brief.generation == slot.key())
                && live.of_key(slot.key()).is_empty()
        };
        let clients = world.nodes.iter().filter(|node| node.member && node.up);
        let mut clients = clients.filter_map(|node| node.held.client);
        clients.any(early).then_some(INITIATORS)
    }

    /// The promise that a roll breaks by ending like this.
    pub fn broken_end(&self, world: &World, brief: &Brief, end: End) -> Option<&'static str> {
        let dcs = world.dcs.iter().take(self.settings.dcs).enumerate();
        let mut dcs = dcs.filter(|(index, _)| world.waived & (1 << index) == 0);
        let has_new = |dc: &crate::world::Dc| dc.slot.map(Slot::key) == Some(brief.generation);
        match end {
            End::Done if brief.old_key == OldKey::UntilCommitted => None,
            End::Done => {
                let all = dcs.all(|(_, dc)| has_new(dc));
                let serving = world.nodes.iter().enumerate();
                let serving =
                    serving.filter(|(index, node)| node.serves() && brief.is_serving(*index));
                let mut keys = serving.map(|(_, node)| node.held.keys);
                if !all {
                    Some(AT_REST)
                } else if !keys.all(|keys| keys == brief.content.keys) {
                    Some(RETIRED)
                } else {
                    None
                }
            }
            End::Aborted | End::Refused => dcs.any(|(_, dc)| has_new(dc)).then_some(AT_REST),
            End::GivenUp | End::Overtaken => None,
        }
    }
}
