//! A password that nobody here knows, replaced without asking where the array's policy says so.

use keyroll::drift::{Heal, Healed, Remedy};
use keyroll::roll::{Cause, OldKey};

use super::Reconciler;
use crate::array::HEALER;
use crate::audit::{self, Event};
use crate::rolls::Wanted;
use crate::store::{ArrayRecord, Read as _, StoreError};

impl Reconciler {
    /// Begins a healing roll, if the policy and the time since the last one allow it. What was
    /// done is durable before the roll is: one that comes to nothing counts too.
    pub(super) async fn heal(&self, array: &ArrayRecord) -> Result<Remedy, StoreError> {
        let now = self.ports.clock.now();
        let drift = &array.drift;
        let Some(rolls) = self.rolls.as_ref().filter(|_| drift.heal == Heal::Reset) else {
            return Ok(Remedy::Alarm);
        };
        let remedy = drift.healed.remedy(drift.heal, now.timestamp());
        let healed = drift.healed.after(remedy, now.timestamp());
        if healed != drift.healed {
            self.note_healing(array, healed, remedy)?;
        }
        if remedy == Remedy::Roll {
            let wanted = Wanted {
                cause: Cause::Emergency,
                actor: HEALER.to_owned(),
                // Tickets from before somebody set the password are as good as ever.
                old_key: OldKey::UntilDrained,
                accepts_gap: false,
            };
            if let Err(error) = rolls.begin(array, &wanted).await {
                let array = &array.name;
                tracing::error!(%array, %error, "a healing roll did not begin");
            }
        }
        Ok(remedy)
    }

    fn note_healing(
        &self,
        array: &ArrayRecord,
        healed: Healed,
        remedy: Remedy,
    ) -> Result<(), StoreError> {
        let name = &array.name;
        let entry = self.ports.store.write(|change| {
            if let Some(mut array) = change.array(name)? {
                array.drift.healed = healed;
                change.put_array(&array)?;
            }
            let event = Event {
                at_unix_millis: self.ports.clock.now().timestamp_millis(),
                actor: HEALER.to_owned(),
                verb: "Heal".to_owned(),
                object: format!("{name} {}", array.account.sam_account_name),
                outcome: if remedy == Remedy::Roll {
                    "begun"
                } else {
                    "stopped"
                }
                .to_owned(),
                detail: "its password is one that nobody here knows".to_owned(),
            };
            audit::append_within(change, event)
        })?;
        audit::announce(&entry);
        Ok(())
    }
}
