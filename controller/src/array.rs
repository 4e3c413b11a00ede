//! What follows from an array's record.

use keyroll::kerberos::Principal;
use keyroll::roll::{End, GenerationNumber, Record, Roll, State};

use crate::ports::AccountRef;
use crate::store::{ArrayRecord, GenerationRecord, PreviousGeneration};

impl ArrayRecord {
    /// The account, as the directory knows it.
    #[must_use]
    pub fn account_ref(&self) -> AccountRef {
        AccountRef {
            guid: self.account.guid,
            principal: self.account.principal.clone(),
        }
    }

    /// The names under which its keys stand in a keytab: the account and every SPN.
    #[must_use]
    pub fn principals(&self) -> Vec<Principal> {
        std::iter::once(self.account.principal.clone())
            .chain(self.services())
            .collect()
    }

    /// Every SPN, registered or to be, as principal.
    pub fn services(&self) -> impl Iterator<Item = Principal> {
        self.spns
            .iter()
            .filter_map(|spn| Principal::of_spn(spn, &self.realm).ok())
    }

    /// The SPNs for which KDCs issue tickets by now.
    pub fn registered_services(&self) -> impl Iterator<Item = Principal> {
        let registered = self
            .spns
            .iter()
            .filter(|spn| !self.spns_pending.contains(*spn));
        registered.filter_map(|spn| Principal::of_spn(spn, &self.realm).ok())
    }

    /// The generation in force or the one before, by number.
    #[must_use]
    pub fn generation(&self, number: GenerationNumber) -> Option<&GenerationRecord> {
        let previous = self.previous.as_ref().map(|previous| &previous.generation);
        self.current
            .iter()
            .chain(previous)
            .find(|one| one.number == number)
    }

    /// Brings the array up to date with a record that `roll` has just taken in. Belongs into the
    /// transaction that makes the record durable.
    pub fn settle(&mut self, record: &Record, roll: &Roll, now_unix: i64, escrow_seconds: i64) {
        match record {
            Record::Planned { plan } => {
                self.next_roll.0 = self.next_roll.0.max(plan.roll.0 + 1);
                self.next_generation.0 = self.next_generation.0.max(plan.generation.0 + 1);
            }
            Record::Staging { version }
            | Record::Retiring { version }
            | Record::Committed { version, .. }
            | Record::Recovered { version, .. }
            | Record::Aborting { version, .. } => self.keyset_version = *version,
            _ => {}
        }
        // A roll that is given up after the commit leaves its key in force all the same.
        let over = matches!(roll.state(), State::Ended(End::Done | End::GivenUp));
        let committed = over && roll.has_committed();
        if let Some(new) = roll.generated().filter(|_| committed) {
            let current = GenerationRecord {
                number: roll.frame().generation,
                kvno: new.kvno,
                salt: Some(new.salt.clone()),
                secret: new.sealed.clone(),
                password_known: true,
            };
            // Kept sealed for a while, in case a domain controller is restored from a backup; where
            // nodes keep both keys, never shorter than the tickets under it live.
            let drain = i64::try_from(roll.frame().policy.drain().as_secs()).unwrap_or(i64::MAX);
            let destroy_at_unix = now_unix.saturating_add(escrow_seconds.max(drain));
            self.previous = self
                .current
                .replace(current)
                .map(|generation| PreviousGeneration {
                    generation,
                    destroy_at_unix,
                });
            self.rolled_at_unix = Some(now_unix);
            if roll.state() == State::Ended(End::Done) {
                // Its last push took every key away that is not its own.
                self.unknown_keys_stay = false;
            }
        }
    }
}
