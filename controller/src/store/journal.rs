//! The journals of the rolls: records, in the order in which they became durable.

use std::collections::BTreeSet;
use std::time::Duration;

use keyroll::name::ArrayName;
use keyroll::roll::{GenerationNumber, Illegal, Record, Roll, RollNumber, State};
use serde::{Deserialize, Serialize};

use super::read::Rows;
use super::row::{self, numbered};
use super::{ArrayRecord, Change, Snapshot, Store, StoreError};

/// One record of a roll, with when and why it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalEntry {
    /// When, milliseconds since 1970 by this controller's clock. For people: nothing is decided
    /// by it.
    pub at_unix_millis: i64,
    /// Why, as `plan` says it.
    pub reason: String,
    /// The record.
    pub record: Record,
}

/// A roll and its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRoll {
    /// Its number.
    pub number: RollNumber,
    /// What became of it.
    pub roll: Roll,
    /// Its records, the oldest first.
    pub entries: Vec<JournalEntry>,
}

fn prefix(array: &ArrayName, roll: RollNumber) -> String {
    // No array's name holds a '/', so no prefix fits another array.
    format!("{array}/{}/", numbered(roll.0))
}

fn entries(
    rows: &impl Rows,
    array: &ArrayName,
    roll: RollNumber,
) -> Result<Vec<JournalEntry>, StoreError> {
    let prefix = prefix(array, roll);
    let rows = rows.rows::<JournalEntry>(row::ROLLS, &prefix, false, usize::MAX)?;
    let entry = |(at, (key, entry)): (usize, (String, JournalEntry))| {
        if key == format!("{prefix}{}", numbered(at as u64 + 1)) {
            return Ok(entry);
        }
        let why = format!("record {} is missing before it", at + 1);
        Err(StoreError::Corrupt {
            table: row::ROLLS,
            key,
            why,
        })
    };
    rows.into_iter().enumerate().map(entry).collect()
}

fn last_roll(rows: &impl Rows, array: &ArrayName) -> Result<Option<RollNumber>, StoreError> {
    let newest = rows.rows::<JournalEntry>(row::ROLLS, &format!("{array}/"), true, 1)?;
    let number = |key: &str| key.split('/').nth(1)?.parse().ok().map(RollNumber);
    let key = newest.into_iter().next().map(|(key, _)| key);
    key.map(|key| {
        number(&key).ok_or_else(|| StoreError::Corrupt {
            table: row::ROLLS,
            key,
            why: "its key is no array, roll and number".to_owned(),
        })
    })
    .transpose()
}

fn past(
    array: &ArrayName,
    number: RollNumber,
    entries: Vec<JournalEntry>,
) -> Result<PastRoll, StoreError> {
    let roll = replay(
        array,
        number,
        entries.iter().map(|entry| entry.record.clone()),
    )?;
    Ok(PastRoll {
        number,
        roll,
        entries,
    })
}

fn replay(
    array: &ArrayName,
    roll: RollNumber,
    records: impl IntoIterator<Item = Record>,
) -> Result<Roll, StoreError> {
    let illegal = |source: Illegal| StoreError::Illegal {
        array: array.clone(),
        roll,
        source,
    };
    Roll::replay(records).map_err(illegal)
}

fn open_roll(rows: &impl Rows, array: &ArrayName) -> Result<Option<PastRoll>, StoreError> {
    let Some(number) = last_roll(rows, array)? else {
        return Ok(None);
    };
    let last = past(array, number, entries(rows, array, number)?)?;
    Ok(Some(last).filter(|last| !matches!(last.roll.state(), State::Ended(_))))
}

fn history(rows: &impl Rows, array: &ArrayName, limit: usize) -> Result<Vec<PastRoll>, StoreError> {
    let last = last_roll(rows, array)?.map_or(0, |number| number.0);
    let mut rolls = Vec::new();
    for number in (1..=last).rev().map(RollNumber) {
        if rolls.len() >= limit {
            break;
        }
        let entries = entries(rows, array, number)?;
        // A number without a journal was given out, and nothing came of it.
        if !entries.is_empty() {
            rolls.push(past(array, number, entries)?);
        }
    }
    Ok(rolls)
}

/// As [`Store::open_roll`] and [`Store::history`], at the snapshot's moment.
impl Snapshot<'_> {
    /// The array's roll that has not ended, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn open_roll(&self, array: &ArrayName) -> Result<Option<PastRoll>, StoreError> {
        open_roll(self, array)
    }

    /// The array's rolls, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn history(&self, array: &ArrayName, limit: usize) -> Result<Vec<PastRoll>, StoreError> {
        history(self, array, limit)
    }
}

impl Store {
    /// A roll's records, the oldest first; none if there was no such roll.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`].
    pub fn records(
        &self,
        array: &ArrayName,
        roll: RollNumber,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        entries(self, array, roll)
    }

    /// The array's roll that has not ended, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn open_roll(&self, array: &ArrayName) -> Result<Option<PastRoll>, StoreError> {
        open_roll(self, array)
    }

    /// The array's rolls, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn history(&self, array: &ArrayName, limit: usize) -> Result<Vec<PastRoll>, StoreError> {
        history(self, array, limit)
    }
}

impl Change<'_> {
    /// Whether the array has a roll that has not ended.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn has_open_roll(&self, array: &ArrayName) -> Result<bool, StoreError> {
        Ok(open_roll(self, array)?.is_some())
    }

    /// How long tickets for an array live on that a domain controller issues now: by its policy,
    /// and by what its last roll has seen.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn drain(&self, array: &ArrayRecord) -> Result<Duration, StoreError> {
        let last = history(self, &array.name, 1)?.pop();
        let seen = last.and_then(|last| Some(last.roll.generated()?.longest_ticket));
        Ok(array.policy.drain_seen(seen.unwrap_or_default()))
    }

    /// Appends records to a roll's journal, and gives the roll as they leave it. Records that may
    /// not follow are refused here, before they can be durable.
    ///
    /// # Errors
    /// [`StoreError::Illegal`]: nothing is written; [`StoreError::Unread`],
    /// [`StoreError::Corrupt`].
    pub fn append(
        &self,
        array: &ArrayName,
        roll: RollNumber,
        new: &[JournalEntry],
    ) -> Result<Roll, StoreError> {
        let old = entries(self, array, roll)?;
        let records = old.iter().chain(new).map(|entry| entry.record.clone());
        let replayed = replay(array, roll, records)?;
        let prefix = prefix(array, roll);
        for (number, entry) in (old.len() as u64 + 1..).zip(new) {
            self.reach("record", entry.record.name());
            self.put(row::ROLLS, &format!("{prefix}{}", numbered(number)), entry)?;
        }
        Ok(replayed)
    }

    /// Destroys the sealed passwords and keys in the journals of the array's rolls that ended
    /// before `before_unix_millis`, except those of the generations to `spare`. Says how many.
    ///
    /// # Errors
    /// [`StoreError::Unread`], [`StoreError::Corrupt`], [`StoreError::Illegal`].
    pub fn destroy_secrets(
        &self,
        array: &ArrayName,
        spare: &BTreeSet<GenerationNumber>,
        before_unix_millis: i64,
    ) -> Result<usize, StoreError> {
        let mut destroyed = 0;
        for past in history(self, array, usize::MAX)? {
            let ended = matches!(past.roll.state(), State::Ended(_));
            let last = past.entries.last().map(|entry| entry.at_unix_millis);
            if !ended || last.is_none_or(|last| last >= before_unix_millis) {
                continue;
            }
            let generation = past.roll.frame().generation;
            for (number, mut entry) in (1..).zip(past.entries) {
                let here = destroy(&mut entry.record, generation, spare);
                if here > 0 {
                    let key = format!("{}{}", prefix(array, past.number), numbered(number));
                    self.put(row::ROLLS, &key, &entry)?;
                }
                destroyed += here;
            }
        }
        Ok(destroyed)
    }
}

/// Empties what is sealed in a record of the roll that brings `generation`. Says how many.
fn destroy(
    record: &mut Record,
    generation: GenerationNumber,
    spare: &BTreeSet<GenerationNumber>,
) -> usize {
    let mut sealed = record.sealed_mut(generation);
    sealed.retain(|(number, sealed)| !spare.contains(number) && !sealed.0.is_empty());
    sealed.iter_mut().for_each(|(_, sealed)| sealed.0.clear());
    sealed.len()
}
