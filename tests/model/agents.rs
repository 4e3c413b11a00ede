//! The nodes: keysets taken by the real fence, gates, deaths, snapshots; and reconciliation.

use keyroll::fence::{Epoch, Fence, Judgement, Version};
use keyroll::roll::State;

use crate::event::{Event, How};
use crate::ledger::Brief;
use crate::mistakes::Mistake;
use crate::model::{Model, at_rest};
use crate::promises;
use crate::world::{Content, Late, Node, NodeSeen, Slot, Slots, World};

/// A keyset is taken, repeated or refused. `false`: refused.
fn take(model: &Model, world: &mut World, node: usize, epoch: u8, content: Content) -> bool {
    let held = &mut world.nodes[node].held;
    let fence = Fence {
        epoch: Epoch(u64::from(held.epoch)),
        version: Version(u64::from(held.version)),
    };
    let offered = (Epoch(u64::from(epoch)), Version(u64::from(content.version)));
    let refused = matches!(fence.judge(offered.0, offered.1), Judgement::Refuse(_));
    if refused && !model.errs(Mistake::AgentGoesBack) {
        return false;
    }
    if content.version < held.version && !model.errs(Mistake::AgentGoesBack) {
        world.broken = Some(promises::MONOTONE);
    }
    let kept = if content.keep {
        kept(held.keys, content.keys)
    } else {
        Slots::NONE
    };
    held.version = content.version;
    held.epoch = held.epoch.max(epoch);
    held.keys = content.keys.with(kept);
    // What nobody knows a better key for stays where unlisted ones do.
    held.client = content.client.or(held.client.filter(|_| content.keep));
    true
}

/// Entries that stay where unlisted ones do: all but those in the place of a listed one.
fn kept(held: Slots, listed: Slots) -> Slots {
    let contradicted = |one: &Slot| {
        listed
            .iter()
            .any(|other| other.kvno() == one.kvno() && other.key() != one.key())
    };
    held.iter()
        .filter(|one| !contradicted(one))
        .fold(Slots::NONE, |all, one| all.with(Slots::of(one)))
}

fn is_as(node: &Node, content: &Content) -> bool {
    let keys = node.held.keys;
    let same = if content.keep {
        content.keys.without(keys).is_empty()
    } else {
        content.keys == keys
    };
    let stays = content.keep && content.client.is_none();
    same && (stays || node.held.client == content.client)
}

impl Model {
    pub fn look_at_node(&self, after: &mut World, brief: &Brief, index: usize, how: How) {
        let node = after.nodes[index];
        let seen = &mut after.desk.seen.nodes[index];
        seen.asked = true;
        if how == How::Cut {
            after.left.cut_calls -= 1;
        }
        if how == How::Cut || !node.up {
            seen.trouble = true;
            return;
        }
        let content = self.given(brief.content, Some(brief));
        let right_version = node.held.version == content.version;
        seen.trouble = right_version && (node.sick || !is_as(&node, &content));
        seen.holds = (!seen.trouble).then_some(node.held.version);
        seen.unwilling = node.sick;
    }

    pub fn stage(&self, after: &mut World, brief: &Brief, index: usize, how: How) {
        let epoch = after.desk.epoch;
        let content = self.given(brief.content, Some(brief));
        let late = Late {
            node: index as u8,
            epoch,
            content,
        };
        if matches!(how, How::Late | How::Twice) {
            after.left.late_keysets -= 1;
            if let Some(free) = after.late.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(late);
            }
        }
        let node = after.nodes[index];
        let taken =
            node.up && !node.sick && how != How::Late && take(self, after, index, epoch, content);
        let promised = self.errs(Mistake::AcknowledgementIsAPromise) && how == How::Late;
        let answered = (taken && how != How::Cut) || promised;
        if how == How::Cut {
            after.left.cut_calls -= 1;
        }
        if answered && !promised && brief.quarantined & (1 << index) == 0 {
            admit(&mut after.nodes[index], content.version);
        }
        let seen = &mut after.desk.seen.nodes[index];
        seen.asked = true;
        seen.trouble = !answered;
        if answered {
            seen.holds = Some(content.version);
            seen.unwilling = false;
        }
    }

    /// The gate of a node that the roll goes on without.
    pub fn shut(&self, after: &mut World, brief: &Brief, index: usize, how: How) {
        if how == How::Cut {
            after.left.cut_calls -= 1;
        }
        let told = how == How::Plainly && after.nodes[index].up;
        if told && !self.errs(Mistake::QuarantinedStaysOpen) {
            let node = &mut after.nodes[index];
            node.admitted = false;
            node.required = node.required.max(brief.content.version);
        }
        after.desk.seen.told[index] = Some(told);
    }

    pub fn prove(&self, after: &mut World, brief: &Brief, index: usize, roles: u8, how: How) {
        let node = after.nodes[index];
        let seen = &mut after.desk.seen.nodes[index];
        if how == How::Cut {
            after.left.cut_calls -= 1;
        }
        if how == How::Cut || !node.up {
            seen.trouble = true;
            return;
        }
        let asked = |role: &usize| roles & (1 << role) != 0;
        let slots = (0..3).filter(asked).filter_map(|role| brief.roles[role]);
        if slots.into_iter().all(|slot| node.held.keys.holds(slot)) {
            seen.accepts |= roles;
        } else {
            seen.refuses = true;
        }
    }

    /// `Reconciler::mend`, for each node: one pass as a whole.
    pub fn reconciliation(&self, world: &World, into: &mut Vec<(Event, World)>) {
        let brief = self.brief(world);
        let desired = if self.errs(Mistake::StrangersAreNobodysBusiness) {
            at_rest(world)
        } else {
            self.desired(world)
        };
        for index in 0..world.nodes.len() {
            let node = &world.nodes[index];
            if !node.member || !node.up {
                continue;
            }
            let mut after = *world;
            self.mend(&mut after, brief.as_ref(), index, desired);
            if after != *world {
                into.push((Event::Reconciled(index as u8), after));
            }
        }
    }

    fn mend(&self, after: &mut World, brief: Option<&Brief>, index: usize, desired: Content) {
        let driven = brief.is_some_and(|brief| brief.is_serving(index));
        if self.errs(Mistake::StrangersAreNobodysBusiness) && driven {
            return;
        }
        let waits = |state| {
            matches!(
                state,
                State::Committing | State::Converging | State::Draining | State::Halted
            )
        };
        let staged = driven && !brief.is_some_and(|brief| waits(brief.state));
        let is_right = |node: &Node| {
            !node.sick && node.held.version == desired.version && is_as(node, &desired)
        };
        let mut right = is_right(&after.nodes[index]);
        if !right && !staged && !desired.keys.is_empty() && !after.nodes[index].sick {
            take(self, after, index, after.desk.epoch, desired);
            right = is_right(&after.nodes[index]);
        }
        let node = &mut after.nodes[index];
        let left_behind = brief.is_some_and(|brief| brief.quarantined & (1 << index) != 0);
        let stranger = !self.errs(Mistake::StrangersAreNobodysBusiness)
            && brief.is_some_and(|brief| {
                (brief.is_early() || brief.state == State::Committing)
                    && !brief.issued
                    && !brief.has(index)
            });
        let quarantined =
            (node.set_aside || left_behind) && !self.errs(Mistake::QuarantinedStaysOpen);
        if right && !quarantined && !stranger {
            admit(node, desired.version);
        } else if !driven {
            node.admitted = false;
            node.required = node.required.max(desired.version);
        }
    }

    /// What happens to nodes without us.
    pub fn node_events(&self, world: &World, into: &mut Vec<(Event, World)>) {
        for (slot, late) in world.late.iter().enumerate() {
            let Some(late) = late else {
                continue;
            };
            let mut after = *world;
            after.late[slot] = None;
            let node = usize::from(late.node);
            if after.nodes[node].up && !after.nodes[node].sick {
                take(self, &mut after, node, late.epoch, late.content);
            }
            into.push((Event::ArrivedLate(late.node), after));
        }
        for index in 0..world.nodes.len() {
            if world.nodes[index].member {
                self.fate(world, index, into);
            }
        }
    }

    fn fate(&self, world: &World, index: usize, into: &mut Vec<(Event, World)>) {
        let (node, left, name) = (world.nodes[index], &world.left, index as u8);
        let mut may = |event, change: &dyn Fn(&mut World)| {
            let mut after = *world;
            change(&mut after);
            into.push((event, after));
        };
        if node.up && left.node_crashes > 0 {
            may(Event::NodeDies(name), &|after| {
                after.left.node_crashes -= 1;
                after.nodes[index].up = false;
                close(&mut after.nodes[index]);
            });
        }
        if !node.up {
            may(Event::NodeStarts(name), &|after| {
                after.nodes[index].up = true;
                after.nodes[index].admitted = self.errs(Mistake::ReturningNodeServes);
            });
        }
        if node.up && left.snapshots > 0 && node.snapshot.is_none() {
            may(Event::Snapshot(name), &|after| {
                after.left.snapshots -= 1;
                after.nodes[index].snapshot = Some(node.held);
            });
        }
        if let Some(snapshot) = node.snapshot.filter(|_| node.up) {
            may(Event::NodeRestored(name), &|after| {
                after.nodes[index].held = snapshot;
                after.nodes[index].snapshot = None;
                close(&mut after.nodes[index]);
                after.nodes[index].admitted = self.errs(Mistake::RestoredNodeServes);
            });
        }
        if node.up && !node.sick && left.sick > 0 {
            may(Event::Sickens(name), &|after| {
                after.left.sick -= 1;
                after.nodes[index].sick = true;
            });
        }
        if node.sick {
            may(Event::Recovers(name), &|after| {
                after.nodes[index].sick = false
            });
        }
    }
}

fn admit(node: &mut Node, version: u8) {
    node.admitted = true;
    node.required = node.required.max(version);
}

/// As after a start: nothing is confirmed, nothing required yet.
fn close(node: &mut Node) {
    node.admitted = false;
    node.required = 0;
}

impl NodeSeen {
    /// A node as if it held and had proven everything.
    pub fn flawless(version: u8) -> Self {
        Self {
            asked: true,
            holds: Some(version),
            accepts: 0b111,
            ..Self::default()
        }
    }
}
