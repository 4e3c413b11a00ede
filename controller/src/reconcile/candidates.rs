//! Every password that was ever made here, tried on a ticket that the one in force does not open.

use keyroll::doctor::TicketKey;
use keyroll::drift::{Issue, Sight};
use keyroll::kerberos::Key;
use keyroll::kerberos::message::{OpenError, Ticket};
use keyroll::keyset::Keyset;
use keyroll::roll::{Cause, GenerationNumber, WhichKey};

use crate::Ports;
use crate::array::{HEALER, brought_by};
use crate::desired::Desired;
use crate::keys;
use crate::ports::Sighting;
use crate::store::{ArrayRecord, GenerationRecord, PastRoll, StoreError};

/// How many rolls are gone back. A backup of the directory is not older than that.
const ROLLS: usize = 32;

/// The passwords, opened when first needed.
pub(crate) struct Candidates<'a> {
    ports: &'a Ports,
    array: &'a ArrayRecord,
    held: &'a Keyset,
    open: Option<Vec<Candidate>>,
}

struct Candidate {
    record: GenerationRecord,
    keys: Vec<Key>,
    burned: bool,
}

impl<'a> Candidates<'a> {
    /// None opened yet.
    pub(crate) const fn new(ports: &'a Ports, desired: &'a Desired) -> Self {
        Self {
            ports,
            array: &desired.array,
            held: &desired.keyset,
            open: None,
        }
    }

    /// What a ticket shows, where the key in force was tried on it already.
    pub(super) fn judge(
        &mut self,
        current: GenerationNumber,
        sighting: &Sighting,
    ) -> Result<Sight, StoreError> {
        let kvno = sighting.kvno;
        let issue = |generation| Issue { generation, kvno };
        if sighting.key == WhichKey::Base {
            return Ok(Sight::Known(issue(current)));
        }
        let enctypes = &self.array.enctypes;
        if enctypes.iter().all(|one| one.number() != sighting.enctype) {
            return Ok(Sight::OtherEnctype(sighting.enctype));
        }
        if self.open.is_none() {
            self.open = Some(self.read()?);
        }
        let ticket = &sighting.ticket.ticket;
        let fits = |one: &&Candidate| one.keys.iter().any(|key| opens(ticket, key));
        let found = self.open.iter().flatten().find(fits);
        Ok(match found {
            None => Sight::Foreign(kvno),
            Some(one) if one.burned => Sight::Burned(issue(one.record.number)),
            Some(one) => Sight::Known(issue(one.record.number)),
        })
    }

    /// Whose key a ticket is under, where those in force and of a roll were tried on it already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn whose(&mut self, sighting: &Sighting) -> Result<TicketKey, StoreError> {
        let current = self.array.current.as_ref().map(|current| current.number);
        let Some(current) = current.filter(|_| sighting.key == WhichKey::Foreign) else {
            return Ok(match sighting.key {
                WhichKey::Base | WhichKey::New => TicketKey::Ours,
                WhichKey::Foreign => TicketKey::Foreign,
            });
        };
        Ok(match self.judge(current, sighting)? {
            Sight::Known(_) if self.holds(sighting) => TicketKey::Held,
            Sight::Known(_) => TicketKey::Earlier,
            Sight::Burned(_) => TicketKey::Burned,
            Sight::Silent | Sight::Foreign(_) | Sight::OtherEnctype(_) => TicketKey::Foreign,
        })
    }

    /// Whether the nodes are to hold the ticket's key under its kvno.
    fn holds(&self, sighting: &Sighting) -> bool {
        let generations = self.held.generations.iter();
        let mut of_kvno = generations.filter(|one| one.kvno == sighting.kvno);
        of_kvno.any(|one| {
            let mut keys = one.keys.iter();
            keys.any(|key| opens(&sighting.ticket.ticket, key))
        })
    }

    /// The record of a password that was found to fit.
    pub(super) fn record(&self, number: GenerationNumber) -> Option<&GenerationRecord> {
        let open = self.open.iter().flatten();
        let mut records = open.map(|one| &one.record);
        records.find(|one| one.number == number)
    }

    fn read(&self) -> Result<Vec<Candidate>, StoreError> {
        let past = self.ports.store.history(&self.array.name, ROLLS)?;
        let burned = burned_before(&past);
        let array = self.array;
        let previous = array.previous.iter().map(|previous| &previous.generation);
        let kept = array.drift.kept.iter().map(|kept| &kept.generation);
        let mut records: Vec<GenerationRecord> = previous.chain(kept).cloned().collect();
        records.extend(past.iter().filter_map(|past| brought_by(&past.roll)));
        let current = array.current.as_ref().map(|current| current.number);
        let mut known = std::collections::BTreeSet::from_iter(current);
        records.retain(|one| known.insert(one.number));
        let (seal, enctypes) = (&self.ports.seal, &array.enctypes);
        let open = records.into_iter().filter_map(|record| {
            let (secret, salt) = (&record.secret, record.salt.as_ref());
            // One that cannot be opened was destroyed, or sealed with a key of before.
            let keys = keys::unlock(seal, &array.name, record.number, secret, salt, enctypes);
            Some(Candidate {
                keys: keys.ok()?.keys,
                burned: burned.is_some_and(|first| record.number < first),
                record,
            })
        });
        Ok(open.collect())
    }
}

/// The first password that is not burned: somebody else may have those from before an emergency.
fn burned_before(past: &[PastRoll]) -> Option<GenerationNumber> {
    let emergency = past.iter().find(|past| {
        let frame = past.roll.frame();
        frame.cause == Cause::Emergency && frame.actor != HEALER && past.roll.has_committed()
    });
    Some(emergency?.roll.frame().generation)
}

fn opens(ticket: &Ticket, key: &Key) -> bool {
    // Decrypted and checked: whoever made it holds the key, whatever is inside.
    let opened = ticket.open(key);
    matches!(
        opened,
        Ok(_) | Err(OpenError::Malformed(_) | OpenError::OtherRequest(_))
    )
}
