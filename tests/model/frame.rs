//! The frame of a roll, as the controller makes it.

use std::time::Duration;

use keyroll::fence::Version;
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::roll::policy::{DelegationGap, Method, OnDeadline, Policy};
use keyroll::roll::{Base, Cause, GenerationNumber, Leftover, OldKey, Plan, RollNumber, Sealed};

use crate::ledger::{dc, node};
use crate::mistakes::Mistake;
use crate::model::Model;
use crate::question::TICK;
use crate::settings::Kind;
use crate::world::{Desk, FIRST_KVNO, FOREIGN, Slot, Slots, UNKNOWN, World};

impl Model {
    /// The next roll is begun, if there is one.
    pub fn begun(&self, world: &World) -> Option<World> {
        let kind = *self.settings.rolls.get(usize::from(world.row.rolls))?;
        let plan = self.frame(world, kind)?;
        let mut after = *world;
        after.desk = Desk {
            roll: Some(self.ledger.borrow_mut().planned(plan)),
            epoch: world.desk.epoch,
            ..Desk::default()
        };
        after.meddled = false;
        after.disturbed = false;
        Some(after)
    }

    /// The frame of the next roll: `Rolls::frame` of the controller.
    fn frame(&self, world: &World, kind: Kind) -> Option<Plan> {
        let settings = &self.settings;
        let members = world.nodes.iter().enumerate();
        let members: std::collections::BTreeSet<_> = members
            .filter(|(_, node)| node.member && !node.set_aside)
            .map(|(index, _)| node(index))
            .collect();
        if members.is_empty() {
            return None;
        }
        let emergency = kind != Kind::Ordinary;
        let on_writer = world.dcs[0].slot.map(Slot::key);
        let foreign = if self.errs(Mistake::LaggingWriterIsWrittenTo) {
            on_writer != world.row.current.map(Slot::key)
        } else {
            on_writer.is_none_or(|key| [UNKNOWN, FOREIGN].contains(&key))
        };
        let base = world.row.current.filter(|_| !(emergency && foreign));
        let reset = settings.reset || base.is_none();
        let policy = Policy {
            gate: settings.gate.parse().expect("a gate"),
            stage_deadline: TICK,
            on_deadline: if settings.lenient || emergency {
                OnDeadline::Quarantine
            } else {
                OnDeadline::Abort
            },
            ticket_life: TICK,
            ticket_life_given: true,
            clock_skew: TICK / 2,
            margin: Duration::ZERO,
            quiesce: TICK,
            fail_over: TICK,
            method: if reset {
                Method::FencedReset
            } else {
                Method::Change
            },
            old_key: old_key(kind),
            delegation_gap: DelegationGap::Refuse,
        };
        let rolls = u64::from(world.row.rolls);
        let mut plan = Plan {
            array: "web".parse().expect("an array name"),
            roll: RollNumber(rolls + 1),
            cause: if emergency {
                Cause::Emergency
            } else {
                Cause::Operator
            },
            actor: "alice".to_owned(),
            policy,
            base: base.map(|slot| Base {
                generation: GenerationNumber(u64::from(slot.key())),
                kvno: Kvno(FIRST_KVNO + u32::from(slot.kvno())),
                password_known: true,
            }),
            generation: GenerationNumber(rolls + 2),
            version: Version(u64::from(world.row.version)),
            members,
            dcs: (0..settings.dcs).map(dc).collect(),
            writer: dc(0),
            enctypes: vec![Enctype::Aes256CtsHmacSha1],
            password_length: 64,
            leftovers: self.leftovers(world, base),
            cool_down: self.cool_down(world),
            unknown_keys_stay: world.row.unknown_stay,
        };
        self.misframe(&mut plan);
        Some(plan)
    }

    /// What nodes hold besides the base: `desired::leftovers` of the controller.
    fn leftovers(&self, world: &World, base: Option<Slot>) -> Vec<Leftover> {
        let told = world
            .row
            .told
            .map(|roll| self.ledger.borrow().entry(roll).brief);
        let held = told.map_or(Slots::NONE, |brief| brief.content.keys);
        let held = held.with(world.row.current.map_or(Slots::NONE, Slots::of));
        let left = held.iter().filter(|slot| Some(*slot) != base);
        left.map(|slot| Leftover {
            generation: GenerationNumber(u64::from(slot.key())),
            kvno: Kvno(FIRST_KVNO + u32::from(slot.kvno())),
            salt: None,
            secret: Sealed(Vec::new()),
        })
        .collect()
    }

    fn cool_down(&self, world: &World) -> Duration {
        let since = TICK * u32::from(world.row.rested);
        let last = world
            .row
            .committed
            .map(|roll| self.ledger.borrow().entry(roll));
        last.map_or(Duration::ZERO, |last| last.roll.cool_down(since))
    }
}

/// When the old key goes in a roll of this kind.
pub const fn old_key(kind: Kind) -> OldKey {
    match kind {
        Kind::Ordinary => OldKey::UntilDrained,
        Kind::Emergency(old_key) => old_key,
    }
}
