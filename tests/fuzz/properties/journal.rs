//! Journals: rows from disk, and the rolls that they tell.

use keyroll::roll::{Record, Roll};
use keyroll_controller::audit;
use keyroll_controller::store::{
    ArrayRecord, AuthorityRecord, ChangeRecord, JournalEntry, Meta, NodeRecord, OperatorRecord,
    Petition, TokenRecord,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most records that one input is taken for: a roll of years has some thousand.
const RECORDS: usize = 64;

/// One row: what is read is written and read again as the same, whatever kind of row it is taken
/// for.
pub fn records_round_trip(bytes: &[u8]) -> bool {
    let taken = [
        row::<JournalEntry>(bytes),
        row::<Record>(bytes),
        row::<ArrayRecord>(bytes),
        row::<NodeRecord>(bytes),
        row::<OperatorRecord>(bytes),
        row::<AuthorityRecord>(bytes),
        row::<TokenRecord>(bytes),
        row::<ChangeRecord>(bytes),
        row::<Petition>(bytes),
        row::<audit::Entry>(bytes),
        row::<Meta>(bytes),
    ];
    if let Ok(record) = serde_json::from_slice::<Record>(bytes) {
        assert!(!record.sentence().is_empty() && !record.name().is_empty());
    }
    taken.contains(&true)
}

fn row<T: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8]) -> bool {
    let Ok(row) = serde_json::from_slice::<T>(bytes) else {
        return false;
    };
    let written = serde_json::to_vec(&row).expect("a row that was read is written");
    let again: T = serde_json::from_slice(&written).expect("our own row");
    assert!(again == row, "a row changed on its way");
    let twice = serde_json::to_vec(&again).expect("the same row");
    assert!(twice == written, "a row has two forms");
    true
}

/// A journal, one record a line: a sequence that may not be is refused at the record that may not
/// follow, and changes nothing; all else tells one roll, however often it is told.
pub fn replay_never_panics(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').take(RECORDS);
    let records: Vec<Record> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let whole = Roll::replay(records.iter().cloned());
    let mut told = records.iter();
    let Some(Record::Planned { plan }) = told.next() else {
        assert!(whole.is_err(), "a roll began without a plan");
        return false;
    };
    let mut roll = Roll::planned((**plan).clone());
    for (kvnos, record) in told.enumerate() {
        let before = roll.clone();
        if let Err(refused) = roll.apply(record.clone()) {
            assert!(roll == before, "a refused record left something behind");
            assert!(whole.is_err_and(|error| error == refused));
            assert!(refused.to_string().starts_with("illegal journal: record "));
            return false;
        }
        look_at(&roll, kvnos);
    }
    assert!(
        whole.is_ok_and(|whole| whole == roll),
        "two tellings differ"
    );
    true
}

/// All that is ever read off a roll, which some records may have given another kvno each.
fn look_at(roll: &Roll, kvnos: usize) {
    let (generations, left) = (roll.recipe().generations, roll.frame().leftovers.len());
    assert!(generations.len() <= 2 + kvnos + left);
    assert!(generations.is_sorted_by_key(|one| one.0));
    let (serving, members) = (roll.serving().count(), roll.frame().members.len());
    assert!(serving <= members);
    assert!(roll.required_dcs().count() <= roll.frame().dcs.len());
    assert!(!roll.state().name().is_empty());
    if let Some(trouble) = roll.trouble() {
        assert!(!trouble.sentence().is_empty());
    }
    // Once a ticket was seen under the new key, the roll has a new key.
    assert!(!roll.has_committed() || roll.generated().is_some());
    let _ = (roll.frame().policy.drain(), roll.untouched());
}
