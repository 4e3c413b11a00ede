//! What follows from an array's record.

use std::collections::BTreeSet;

use keyroll::drift::Healed;
use keyroll::kerberos::Principal;
use keyroll::keyset::Unlisted;
use keyroll::roll::{End, GenerationNumber, Leftover, Record, Roll, State, Which};

use crate::ports::AccountRef;
use crate::store::{ArrayRecord, GenerationRecord, KeptGeneration, PreviousGeneration};

/// Who is written down as having asked for a roll that nobody asked for: the password had been set
/// by somebody else.
pub const HEALER: &str = "keyroll (healing)";

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

    /// The SPNs that are to be registered: once a node holds the key, or when an operator does it.
    pub fn awaited(&self) -> impl Iterator<Item = &String> {
        self.spns_pending.iter().chain(&self.naming.prepared)
    }

    /// The SPNs that the directory does not have: they wait for a node or an operator, or were
    /// taken away and tickets for them may be alive.
    #[must_use]
    pub fn unregistered(&self) -> BTreeSet<String> {
        let leaving = self.naming.leaving.keys();
        self.awaited().chain(leaving).cloned().collect()
    }

    /// The SPNs for which KDCs issue tickets by now.
    pub fn registered_services(&self) -> impl Iterator<Item = Principal> {
        let registered = self
            .spns
            .iter()
            .filter(|spn| !self.unregistered().contains(*spn));
        registered.filter_map(|spn| Principal::of_spn(spn, &self.realm).ok())
    }

    /// The SPN whose tickets tell the array's key; before the first is registered, the first.
    #[must_use]
    pub fn witness(&self) -> Option<Principal> {
        let registered = self.registered_services().next();
        registered.or_else(|| self.services().next())
    }

    /// The generation in force, or one that is kept beside it or from before it, by number.
    #[must_use]
    pub fn generation(&self, number: GenerationNumber) -> Option<&GenerationRecord> {
        let previous = self.previous.as_ref().map(|previous| &previous.generation);
        let kept = self.drift.kept.iter().map(|kept| &kept.generation);
        self.current
            .iter()
            .chain(previous)
            .chain(kept)
            .find(|one| one.number == number)
    }

    /// What the nodes hold besides the generation in force while no roll is open.
    #[must_use]
    pub fn kept(&self) -> Vec<Leftover> {
        let kept = self.drift.kept.iter();
        kept.map(|kept| left_over(&kept.generation)).collect()
    }

    /// What a roll has the nodes hold that has ended otherwise than done.
    #[must_use]
    pub fn held_after(&self, roll: &Roll) -> Vec<GenerationRecord> {
        let frame = roll.frame();
        let generations = roll.recipe().generations.into_iter();
        let held = generations.filter_map(|(_, which, kvno)| {
            let generation = match which {
                Which::Base => self.generation(frame.base?.generation)?.clone(),
                Which::New => brought_by(roll)?,
                Which::Left(number) => {
                    let mut all = frame.leftovers.iter();
                    let left = all.find(|left| left.generation == number)?;
                    GenerationRecord {
                        number,
                        kvno,
                        salt: left.salt.clone(),
                        secret: left.secret.clone(),
                        password_known: left.salt.is_some(),
                    }
                }
            };
            Some(GenerationRecord { kvno, ..generation })
        });
        held.collect()
    }

    /// Gives the nodes something else to hold than before, while no roll is open. What a roll that
    /// was given up has left to them is kept beside the password in force from now on, since its
    /// journal names another version.
    pub fn advance(&mut self, given_up: Option<&Roll>) {
        self.keyset_version = self.keyset_version.next();
        let Some(roll) = given_up else {
            return;
        };
        self.unknown_keys_stay |= roll.recipe().unlisted == Unlisted::Keep;
        let left_seconds = roll.drain().as_secs();
        for generation in self.held_after(roll) {
            let current = self.current.iter();
            let kept = self.drift.kept.iter().map(|kept| &kept.generation);
            let same = |one: &GenerationRecord| {
                (one.number, one.kvno) == (generation.number, generation.kvno)
            };
            if !current.chain(kept).any(same) {
                self.drift.kept.push(KeptGeneration {
                    generation,
                    left_seconds,
                });
            }
        }
    }

    /// Brings the array up to date with a record that `roll` has just taken in. Belongs into the
    /// transaction that makes the record durable.
    pub fn settle(&mut self, record: &Record, roll: &Roll, now_unix: i64, escrow_seconds: i64) {
        if let Record::Planned { plan } = record {
            self.next_roll.0 = self.next_roll.0.max(plan.roll.0 + 1);
            self.next_generation.0 = self.next_generation.0.max(plan.generation.0 + 1);
        }
        let brought = record.version().unwrap_or(self.keyset_version);
        self.keyset_version = self.keyset_version.max(brought);
        // A roll that is given up after the commit leaves its key in force all the same.
        let over = matches!(roll.state(), State::Ended(End::Done | End::GivenUp));
        let committed = over && roll.has_committed();
        if let Some(current) = brought_by(roll).filter(|_| committed) {
            // Kept sealed for a while, in case a domain controller is restored from a backup; where
            // nodes keep both keys, never shorter than the tickets under it live.
            let drain = i64::try_from(roll.drain().as_secs()).unwrap_or(i64::MAX);
            let destroy_at_unix = now_unix.saturating_add(escrow_seconds.max(drain));
            self.previous = self
                .current
                .replace(current)
                .map(|generation| PreviousGeneration {
                    generation,
                    destroy_at_unix,
                });
            self.rolled_at_unix = Some(now_unix);
            self.drift.returned = None;
            if roll.frame().actor != HEALER {
                // Somebody has looked into it.
                self.drift.healed = Healed::default();
            }
        }
        if roll.state() == State::Ended(End::Done) {
            // Its drain was longer than any ticket's life, or an emergency ended them.
            self.drift.kept.clear();
            // Its last push took every key away that is not its own.
            self.unknown_keys_stay = false;
        }
        if roll.state() == State::Ended(End::GivenUp) {
            // The next one has a base, and tickets from before this one may be alive.
            self.unknown_keys_stay |= roll.recipe().unlisted == Unlisted::Keep;
        }
    }
}

/// The generation that a roll brings, once it has one.
#[must_use]
pub fn brought_by(roll: &Roll) -> Option<GenerationRecord> {
    let new = roll.generated()?;
    Some(GenerationRecord {
        number: roll.frame().generation,
        kvno: new.kvno,
        salt: Some(new.salt.clone()),
        secret: new.sealed.clone(),
        password_known: true,
    })
}

/// A generation as a roll's frame carries it.
#[must_use]
pub fn left_over(generation: &GenerationRecord) -> Leftover {
    Leftover {
        generation: generation.number,
        kvno: generation.kvno,
        salt: generation.salt.clone(),
        secret: generation.secret.clone(),
    }
}
