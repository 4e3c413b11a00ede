//! Old passwords are destroyed: first kept, in case a domain controller is restored, then gone.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use keyroll::roll::GenerationNumber;
use tokio::time::Instant;

use super::Reconciler;
use crate::desired::Desired;
use crate::store::{Read as _, StoreError};

/// How often the journals are searched.
const SWEEP: Duration = Duration::from_secs(3600);

impl Reconciler {
    /// Destroys what is due, and never what nodes are to hold: a clock that was set ahead takes
    /// no key away.
    pub(super) fn forget(&self, desired: &Desired) -> Result<(), StoreError> {
        let array = &desired.array;
        let now = self.ports.clock.now();
        let mut spare = desired.needed();
        let previous = array.previous.as_ref();
        let due = previous.is_some_and(|previous| {
            let time = previous.destroy_at_unix <= now.timestamp();
            time && !spare.contains(&previous.generation.number)
        });
        if !due && !self.is_time_to_sweep(desired) {
            return Ok(());
        }
        let in_escrow = previous.filter(|_| !due);
        spare.extend(in_escrow.map(|previous| previous.generation.number));
        let kept_for = Duration::from_secs(self.ports.escrow_seconds.unsigned_abs());
        let kept_for = kept_for.max(array.policy.drain());
        let kept_for = i64::try_from(kept_for.as_millis()).unwrap_or(i64::MAX);
        let before = now.timestamp_millis().saturating_sub(kept_for);
        let destroyed = self.ports.store.write(|change| {
            if let Some(mut array) = change.array(&array.name)?.filter(|_| due) {
                array.previous = None;
                change.put_array(&array)?;
            }
            change.destroy_secrets(&array.name, &spare, before)
        })?;
        if due || destroyed > 0 {
            tracing::info!(array = %array.name, destroyed, "old generations are destroyed");
        }
        Ok(())
    }

    fn is_time_to_sweep(&self, desired: &Desired) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = swept.get(&desired.array.name);
        if last.is_some_and(|last| now - *last < SWEEP) {
            return false;
        }
        swept.insert(desired.array.name.clone(), now);
        true
    }
}

impl Desired {
    /// Every generation that nodes are to hold, or that is opened to tell them what to: of all the
    /// places that name one, a single one suffices.
    fn needed(&self) -> BTreeSet<GenerationNumber> {
        let array = &self.array;
        let kept = array.drift.kept.iter().map(|kept| &kept.generation);
        let held = array.current.iter().chain(kept);
        let mut needed: BTreeSet<GenerationNumber> = held.map(|one| one.number).collect();
        for roll in self.roll.iter().chain(&self.given_up) {
            let frame = roll.frame();
            needed.insert(frame.generation);
            let base = frame.base.map(|base| base.generation);
            needed.extend(base.filter(|base| self.lists(*base)));
            needed.extend(frame.leftovers.iter().map(|left| left.generation));
        }
        needed
    }
}
