//! `keyroll change …`: what is written to the directory besides passwords. Planned and written down
//! here, made by an operator with the operator's own rights, and settled by a look at the object.

use std::collections::BTreeSet;

use chrono::Utc;
use keyroll::directory_change::{DirectoryChange, Reported, Standing, State};
use keyroll::name::ArrayName;
use keyroll::roll::Answer;
use keyroll_proto::operator as said;

use super::Controller;
use super::no::No;
use crate::store::{ArrayRecord, ChangeRecord, Changes as _, Read as _, StoreError};

mod settle;
#[cfg(test)]
mod tests;
mod views;

/// How many changes a list shows unless it is told.
const LISTED: usize = 50;
/// No text of a domain controller's is kept longer, in characters.
const LONGEST_SAID: usize = 400;

/// What a verb wants to have changed.
pub(crate) struct Wanted<'a> {
    /// The array that it is for, if it is for one.
    pub(crate) array: Option<&'a ArrayName>,
    /// What the operator typed, as in the audit.
    pub(crate) verb: &'a str,
    /// Who asks.
    pub(crate) actor: &'a str,
    /// In the order in which they are made.
    pub(crate) changes: Vec<DirectoryChange>,
    /// The change that these take back.
    pub(crate) undoes: Option<u64>,
}

impl Controller {
    /// Writes down what is to be changed and hands it out; a dry run writes nothing. Whoever
    /// planned it has looked at the object and found [`Standing::NotMade`].
    ///
    /// # Errors
    /// [`No`] if a change of the same object may still be on its way, or the store fails.
    pub(crate) async fn hand_out(
        &self,
        wanted: Wanted<'_>,
        dry_run: bool,
    ) -> Result<said::PlannedChanges, No> {
        for change in &wanted.changes {
            self.demand_settled(&change.target.guid).await?;
        }
        let now = Utc::now().timestamp();
        let record = |number, change: &DirectoryChange| ChangeRecord {
            number,
            array: wanted.array.cloned(),
            verb: wanted.verb.to_owned(),
            actor: wanted.actor.to_owned(),
            at_unix: now,
            change: change.clone(),
            reported: Reported::Nothing,
            reported_unix: now,
            state: State::HandedOut,
            said: String::new(),
            bound_as: String::new(),
            undoes: wanted.undoes,
            undone_by: None,
        };
        let changes = &wanted.changes;
        let records: Vec<ChangeRecord> = if dry_run {
            changes.iter().map(|change| record(0, change)).collect()
        } else {
            self.ports.store.write(|edit| {
                let first = edit.next_change()?;
                let records = (first..).zip(changes);
                let records: Vec<_> = records.map(|(number, one)| record(number, one)).collect();
                for record in &records {
                    edit.put_change(record)?;
                }
                Ok::<_, StoreError>(records)
            })?
        };
        let attributes = changes.iter().flat_map(|change| change.attributes());
        let barred: BTreeSet<String> = attributes
            .filter(|name| !self.may_write(name))
            .map(ToString::to_string)
            .collect();
        let realm = self.ports.directory.realm();
        Ok(said::PlannedChanges {
            controller_may_not_write: barred.into_iter().collect(),
            changes: records
                .iter()
                .map(|record| views::change(record, realm))
                .collect(),
            dry_run,
            array: wanted.array.map(ToString::to_string).unwrap_or_default(),
            ..Default::default()
        })
    }

    /// The changes so far, the newest first.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_changes(
        &self,
        request: &said::ListChangesRequest,
    ) -> Result<said::ListChangesReply, No> {
        let store = &self.ports.store;
        let records = match request.number {
            0 if request.array.is_empty() => store.newest_changes(limit(request.limit))?,
            0 => {
                let mut records = store.newest_changes(usize::MAX)?;
                records.retain(|record| array_of(record) == request.array);
                records.truncate(limit(request.limit));
                records
            }
            number => vec![self.recorded(number)?],
        };
        let realm = self.ports.directory.realm();
        let changes = records.iter().map(|record| views::record(record, realm));
        Ok(said::ListChangesReply {
            changes: changes.collect(),
        })
    }

    /// Notes what became of a change, once the object has been looked at.
    ///
    /// # Errors
    /// [`No`].
    pub async fn report_change(
        &self,
        request: &said::ReportChangeRequest,
    ) -> Result<said::ChangeView, No> {
        let record = self.recorded_for(request.number, &request.array)?;
        let reported = Reported::of_word(&request.outcome).ok_or_else(|| {
            let what = format!("{:?} is no outcome of a change", request.outcome);
            No::bad_input("bad-outcome", what)
        })?;
        if reported != Reported::Nothing {
            self.note(record.number, |record| {
                record.reported = reported;
                record.said = request.said.chars().take(LONGEST_SAID).collect();
                record.bound_as = request.bound_as.chars().take(LONGEST_SAID).collect();
                Ok(())
            })?;
        }
        let settled = self.settle(record.number).await?;
        Ok(views::record(&settled, self.ports.directory.realm()))
    }

    /// Plans the change that takes another one back.
    ///
    /// # Errors
    /// [`No`] if it was not made, was taken back already, or its values are not there any more.
    pub async fn undo_change(
        &self,
        request: &said::UndoChangeRequest,
        actor: &str,
    ) -> Result<said::PlannedChanges, No> {
        let record = self.recorded_for(request.number, &request.array)?;
        let record = self.settle(record.number).await?;
        let number = record.number;
        if let Some(by) = record.undone_by {
            let what = format!("change {number} was taken back already, by change {by}");
            return Err(No::bad_state("undone", what));
        }
        let account = &record.change.target.account;
        if record.state != State::Applied {
            let word = record.state.word();
            let what = format!("change {number} of {account} is {word}: nothing to take back");
            return Err(
                No::bad_state("not-applied", what).next(format!("keyroll change show {number}"))
            );
        }
        let values = self.values(&record.change).await?;
        let present = |name: &str| values.get(name).cloned().unwrap_or_default();
        let back = record.change.inverse_on(present);
        match back.standing(present) {
            Standing::NotMade => {}
            Standing::Made | Standing::Partly => {
                let what = format!(
                    "{account} is not as change {number} has left it: somebody has changed the \
                     same values since"
                );
                return Err(No::bad_state("changed-since", what)
                    .next(format!("keyroll change show {number}")));
            }
        }
        let sound = self.demand_sound(record.array.as_ref(), &back).await;
        let mut notes = sound.map_err(|no| left_to_hands(no, &back))?;
        notes.extend(self.demand_registrable(&back, request.dry_run).await?);
        let wanted = Wanted {
            array: record.array.as_ref(),
            verb: "change undo",
            actor,
            changes: vec![back],
            undoes: Some(number),
        };
        let mut planned = self.hand_out(wanted, request.dry_run).await?;
        planned.notes = notes;
        Ok(planned)
    }

    /// Makes a planned change with the controller's own rights. `may_touch` says whether the caller
    /// has a say over an array; asked for "", over all of them.
    ///
    /// # Errors
    /// [`No`] unless the settings let it and the caller may change this account, or if the change
    /// was made already.
    pub async fn make_change(
        &self,
        request: &said::MakeChangeRequest,
        may_touch: impl Fn(&str) -> bool,
    ) -> Result<said::ChangeView, No> {
        let record = self.recorded_for(request.number, &request.array)?;
        let attributes = record.change.attributes();
        if let Some(other) = attributes.iter().find(|name| !self.may_write(name)) {
            let what = format!(
                "the controller's settings do not let it write {other}: authority.controller-writes"
            );
            return Err(No::denied(what).next("the same without --with-controller-rights"));
        }
        self.demand_say(&record, may_touch)?;
        let number = record.number;
        self.settle(number).await?;
        // Written down before it is sent, by one call alone: nothing is sent twice.
        let record = self.note(number, |record| self.take_in_hand(record))?;
        let answer = self.ports.directory.make_change(&record.change).await;
        let (reported, text) = match answer {
            Answer::Applied => (Reported::Applied, String::new()),
            Answer::Refused { text, .. } => (Reported::Refused, text),
            Answer::Unanswered { text } => (Reported::Unknown, text),
        };
        self.note(number, |record| {
            record.reported = reported;
            record.said = text;
            Ok(())
        })?;
        let settled = self.settle(number).await?;
        Ok(views::record(&settled, self.ports.directory.realm()))
    }

    /// Whether the settings let the controller write an attribute for an operator.
    fn may_write(&self, attribute: &str) -> bool {
        let mut known = self.controller_writes.iter();
        known.any(|known| known.eq_ignore_ascii_case(attribute))
    }

    /// The controller's rights reach every array's account and more: they are used on an account
    /// for those alone who have a say over it.
    fn demand_say(
        &self,
        record: &ChangeRecord,
        may_touch: impl Fn(&str) -> bool,
    ) -> Result<(), No> {
        let target = &record.change.target;
        let of_account = |array: &ArrayRecord| array.account.guid == target.guid;
        let array = self.ports.store.arrays()?.into_iter().find(of_account);
        let name = array.as_ref().map_or("", |array| array.name.as_str());
        if may_touch(name) {
            return Ok(());
        }
        let whose = match name {
            "" => "no array's, so it takes a say over all arrays".to_owned(),
            name => format!("of array {name}"),
        };
        let what = format!("{} is {whose}", target.account);
        Err(No::denied(what).next("the same without --with-controller-rights"))
    }

    /// The controller is about to make this change.
    fn take_in_hand(&self, record: &mut ChangeRecord) -> Result<(), No> {
        let number = record.number;
        let no = |what: String| Err(No::bad_state("not-to-be-made", what));
        if record.state != State::HandedOut || record.reported != Reported::Nothing {
            return no(format!("change {number} is {}", record.state.word()));
        }
        if !self.is_in_flight(record.at_unix) {
            return no(format!(
                "change {number} was planned too long ago: what was looked at before may be so \
                 no longer"
            ));
        }
        (record.reported, record.state) = (Reported::Unknown, State::Unknown);
        record.bound_as = format!("{} (the controller)", self.trustee);
        Ok(())
    }

    fn recorded(&self, number: u64) -> Result<ChangeRecord, No> {
        let record = self.ports.store.change(number)?;
        record.ok_or_else(|| No::unknown_change(number))
    }

    /// The change, if it is of the array that the caller named and so has a say over.
    fn recorded_for(&self, number: u64, array: &str) -> Result<ChangeRecord, No> {
        let record = self.recorded(number)?;
        if array_of(&record) == array {
            return Ok(record);
        }
        let of = if array.is_empty() { "no array" } else { array };
        Err(No::unknown(
            "unknown-change",
            format!("there is no change {number} of {of}"),
        )
        .next("keyroll change list"))
    }
}

fn array_of(record: &ChangeRecord) -> &str {
    record.array.as_ref().map_or("", ArrayName::as_str)
}

/// What keyroll gives to nobody, not even to who had it, whoever wants that does without it.
fn left_to_hands(no: No, back: &DirectoryChange) -> No {
    let Some(by_hand) = back.by_hand() else {
        return no;
    };
    let next = format!("{}; to have it as it was, by hand: {by_hand}", no.next);
    no.next(next.trim_start_matches("; ").to_owned())
}

fn limit(asked: u32) -> usize {
    match asked {
        0 => LISTED,
        some => usize::try_from(some).unwrap_or(usize::MAX),
    }
}
