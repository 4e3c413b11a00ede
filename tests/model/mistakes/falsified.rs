//! What `plan` is told, and what is done in its name, with one rule removed.

use std::time::Duration;

use keyroll::roll::policy::OldKey;
use keyroll::roll::{Plan, State};

use super::Mistake;
use crate::ledger::Brief;
use crate::model::Model;
use crate::question::{Question, is_proven};
use crate::world::{Content, DcSeen, FOREIGN, KeyId, NodeSeen, Said, Seen, Slot, Slots, World};

/// A password that is in nobody's journal.
const NOBODYS: KeyId = 5;

impl Model {
    /// Falsifies what `plan` is told.
    pub fn falsify(&self, brief: &Brief, question: &mut Question) {
        let Some(mistake) = self.mistake else {
            return;
        };
        let seen = &mut question.seen;
        match (mistake, brief.state) {
            (Mistake::CommitBeforeAllAcks, State::Staging) => {
                let version = brief.content.version;
                if seen.nodes.iter().any(|node| is_proven(node, brief)) {
                    seen.nodes = [NodeSeen::flawless(version); 3];
                }
            }
            (Mistake::NoLastLook, State::Staging) => {
                if let Some(base) = brief.base {
                    seen.dcs[0] = DcSeen::Issues(base);
                }
            }
            (Mistake::LaggingWriterIsWrittenTo, State::Planned) if brief.base.is_none() => {
                let [writer, others @ ..] = &mut seen.dcs;
                let seen = others.iter_mut().filter(|dc| **dc != DcSeen::Unasked);
                seen.for_each(|dc| *dc = *writer);
            }
            (Mistake::UntoldIsTold, State::Staging) => {
                seen.told = seen.told.map(|told| told.map(|_| true));
            }
            (Mistake::StrangersAreNobodysBusiness, _) => question.strangers = 0,
            (Mistake::LostAnswerIsFailure, State::Committing)
                if seen.answer == Some(Said::Nothing) =>
            {
                seen.answer = Some(Said::Refused);
            }
            (Mistake::RefusalOfRepeatIsProof, State::Committing) => {
                question.unsent = brief.attempts;
            }
            (Mistake::OnlyWrittenDcsAreAsked, State::Committing) => {
                let last = usize::from(brief.last_dc);
                taken_for_old(brief, seen, |index, dc| {
                    index != last && dc == DcSeen::Unasked
                });
            }
            (Mistake::OverwrittenIsUnwritten, State::Committing) => {
                taken_for_old(
                    brief,
                    seen,
                    |_, dc| matches!(dc, DcSeen::Issues(slot) if slot.key() == FOREIGN),
                );
            }
            (Mistake::KvnoIsProof, State::Converging | State::Draining) => {
                let same = |slot: Slot, new: Slot| slot.kvno() == new.kvno();
                taken_for_new(
                    brief,
                    seen,
                    |dc, new| matches!(dc, DcSeen::Issues(slot) if same(slot, new)),
                );
            }
            (Mistake::ProvenDcIsForgotten, State::Converging) => seen.waits = 0,
            (Mistake::SilentDcIsSkipped, State::Converging)
            | (Mistake::SilentDcEndsTheDrain, State::Draining) => {
                taken_for_new(brief, seen, |dc, _| dc == DcSeen::Silent);
            }
            (Mistake::DrainFromCommit, State::Converging) => {
                taken_for_new(brief, seen, |dc, _| dc != DcSeen::Unasked);
            }
            (Mistake::RegressionIgnored, State::Draining) => {
                let base = brief.base;
                taken_for_new(
                    brief,
                    seen,
                    |dc, _| matches!(dc, DcSeen::Issues(slot) if Some(slot) == base),
                );
            }
            _ => {}
        }
    }

    /// Changes the frame of a roll.
    pub fn misframe(&self, plan: &mut Plan) {
        match self.mistake {
            Some(Mistake::RetireAtCommit) => plan.policy.old_key = OldKey::UntilCommitted,
            Some(Mistake::RetireAtConvergence) => plan.policy.old_key = OldKey::UntilConverged,
            Some(Mistake::DrainWithoutSkew) => plan.policy.clock_skew = Duration::ZERO,
            Some(Mistake::SettledAtOnce) => plan.policy.quiesce = Duration::ZERO,
            Some(Mistake::LeftoversForgotten) => plan.leftovers.clear(),
            Some(Mistake::NoCoolDown) => plan.cool_down = Duration::ZERO,
            _ => {}
        }
    }

    /// The password that an attempt carries.
    pub fn password_of(&self, key: KeyId, attempt: u8) -> KeyId {
        if self.errs(Mistake::AnotherPassword) && attempt > 1 {
            NOBODYS
        } else {
            key
        }
    }

    /// What a node is told to hold.
    pub fn given(&self, mut content: Content, brief: Option<&Brief>) -> Content {
        let new = brief.and_then(|brief| brief.new);
        match (self.mistake, new) {
            (Some(Mistake::UnknownKeysGo), _) => content.keep = false,
            (Some(Mistake::InitiatorsGetThePendingKey), Some(new)) if content.keys.holds(new) => {
                content.client = Some(new);
            }
            (Some(Mistake::PredictedKvnoIsDropped), Some(new)) => {
                let others = content.keys.of_key(new.key()).without(Slots::of(new));
                content.keys = content.keys.without(others);
            }
            _ => {}
        }
        content
    }

    /// Whether a write is applied whatever is there.
    pub fn is_blind(&self) -> bool {
        self.errs(Mistake::BlindReset) || self.errs(Mistake::BlindResetOutlivesItsRoll)
    }

    /// Whether a write may be applied however late.
    pub fn outlives(&self, _world: &World) -> bool {
        self.errs(Mistake::WriteOutlivesItsRoll) || self.errs(Mistake::BlindResetOutlivesItsRoll)
    }
}

/// Shows every domain controller that `mistaken` is about with the new key.
fn taken_for_new(brief: &Brief, seen: &mut Seen, mistaken: impl Fn(DcSeen, Slot) -> bool) {
    let Some(new) = brief.new else {
        return;
    };
    for dc in &mut seen.dcs {
        if mistaken(*dc, new) {
            *dc = DcSeen::Issues(new);
        }
    }
}

/// Shows every domain controller that `mistaken` is about with the old key.
fn taken_for_old(brief: &Brief, seen: &mut Seen, mistaken: impl Fn(usize, DcSeen) -> bool) {
    let Some(base) = brief.base else {
        return;
    };
    for (index, dc) in seen.dcs.iter_mut().enumerate() {
        if mistaken(index, *dc) {
            *dc = DcSeen::Issues(base);
        }
    }
}
