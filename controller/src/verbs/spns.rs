//! `keyroll spn …`: names that clients ask tickets for. Nodes hold their keys before the directory
//! has them, and lose them only when no ticket can be alive.

use keyroll::directory_change::{Action, DirectoryChange, Modification, Target};
use keyroll::name::DcName;
use keyroll::shell::word;
use keyroll::spn::{Spn, doubts};
use keyroll_proto::operator as said;

use super::Controller;
use super::changes::Wanted;
use super::no::No;
use crate::store::{ArrayRecord, Change, Read as _, StoreError};

use look::Narrow;
pub(super) use look::look_alike;

mod check;
mod doubled;
mod look;
mod moving;
mod prepare;
#[cfg(test)]
mod tests;

/// The attribute.
const SPNS: &str = "servicePrincipalName";

impl Controller {
    /// Plans to add SPNs to an array, to remove them, or to move them to it from another account.
    ///
    /// # Errors
    /// [`No`] with the part of an SPN that is wrong, its owner, or the nodes that lack its keys.
    pub async fn plan_spns(
        &self,
        request: &said::PlanSpnsRequest,
        actor: &str,
    ) -> Result<said::PlannedChanges, No> {
        let array = self.array(&request.array)?;
        let spns = parsed(&request.spns)?;
        let dc = self.writer().await?;
        let (verb, plan) = match request.action.as_str() {
            "add" => ("spn add", self.plan_add(&array, &dc, &spns).await?),
            "remove" => ("spn remove", self.plan_remove(&array, &dc, &spns).await?),
            "move" => ("spn move", self.plan_move(&array, &dc, &spns).await?),
            other => {
                let what = format!("{other:?} is no change of SPNs");
                return Err(No::bad_input("bad-action", what));
            }
        };
        if !request.dry_run {
            if verb != "spn remove" {
                self.demand_ready(&array, &spns)?;
            }
            if !plan.forgotten.is_empty() {
                // What is on its way to be registered is not to lose its keys meanwhile.
                self.demand_settled(&array.account.guid).await?;
                self.drop_prepared(&array, &plan.forgotten)?;
            }
        }
        let wanted = Wanted {
            array: Some(&array.name),
            verb,
            actor,
            changes: plan.changes,
            undoes: None,
        };
        let mut planned = self.hand_out(wanted, request.dry_run).await?;
        planned.notes = plan.notes;
        planned.forgotten = plan.forgotten;
        planned.next = vec![format!("keyroll spn check {}", array.name)];
        Ok(planned)
    }

    async fn plan_add(&self, array: &ArrayRecord, dc: &DcName, spns: &[Spn]) -> Result<Plan, No> {
        let (own, present) = self.own(array, dc).await?;
        let mut plan = Plan::default();
        let mut modifications = Vec::new();
        for spn in spns {
            let notes = self.demand_free(&array.account.guid, dc, spn).await?;
            plan.note(notes);
            if present.iter().any(|one| spn.is_same(one)) {
                plan.notes.push(format!("{spn} is registered already"));
                continue;
            }
            plan.notes.extend(doubts(spn));
            plan.notes.extend(self.alias_notes(array, dc, spn).await?);
            modifications.push(Modification::add(SPNS, spn.to_string()));
        }
        plan.push(dc, own, modifications);
        Ok(plan)
    }

    async fn plan_remove(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        spns: &[Spn],
    ) -> Result<Plan, No> {
        let (own, present) = self.own(array, dc).await?;
        let mut plan = Plan::default();
        let mut modifications = Vec::new();
        for spn in spns {
            if let Some(there) = present.iter().find(|one| spn.is_same(one)) {
                modifications.push(Modification::delete(SPNS, there.as_str()));
                plan.notes.push(format!(
                    "the keytabs keep {spn} for {} min, until no ticket for it can be alive",
                    array.policy.drain().as_secs() / 60
                ));
            } else if array.awaited().any(|one| spn.is_same(one)) {
                plan.forgotten.push(spn.to_string());
            } else {
                let account = &array.account.sam_account_name;
                let what = format!("{account} does not have {spn}");
                let next = format!("keyroll spn list {}", array.name);
                return Err(No::unknown("unknown-spn", what).next(next));
            }
        }
        if !modifications.is_empty() && modifications.len() == present.len() {
            let name = &array.name;
            plan.notes.push(format!(
                "no SPN is left: {name} cannot be rolled until it has one"
            ));
        }
        plan.push(dc, own, modifications);
        Ok(plan)
    }

    /// The array's account as a target, and its SPNs as they are in the directory.
    async fn own(&self, array: &ArrayRecord, dc: &DcName) -> Result<(Target, Vec<String>), No> {
        let account = &array.account;
        let present = self.present(array, dc).await?;
        if let Some(hidden) = self.hidden(array, dc, &present).await? {
            return Err(No::refused("account-hidden", hidden.why).next(hidden.next));
        }
        let target = Target {
            guid: account.guid,
            account: account.sam_account_name.clone(),
            distinguished_name: account.distinguished_name.clone(),
        };
        Ok((target, present))
    }

    /// The account's SPNs as they are shown.
    async fn present(&self, array: &ArrayRecord, dc: &DcName) -> Result<Vec<String>, No> {
        let guid = &array.account.guid;
        let values = self.ports.directory.values(dc, guid, &[SPNS]).await?;
        let present = values.get(SPNS).into_iter().flatten();
        let present = present.map(|value| String::from_utf8_lossy(value).into_owned());
        Ok(present.collect())
    }

    /// Why none is shown, where it is not that there is none.
    async fn hidden(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        present: &[String],
    ) -> Result<Option<Narrow>, No> {
        if !present.is_empty() {
            return Ok(None);
        }
        let state = self.ports.directory.read(dc, &array.account_ref()).await?;
        Ok(state.hides(SPNS).then(|| Narrow {
            why: format!(
                "nobody can say which SPNs {} has: {SPNS} is not shown, and the controller's \
                 account lacks the right to read that (Read Property)",
                array.account.sam_account_name
            ),
            next: state.let_read(&[SPNS]),
        }))
    }

    /// A change that registers SPNs, planned some other way than by `spn add`, is made only where
    /// nobody else has them and, for an array's account, the nodes hold their keys; what was about
    /// to leave the keytabs stays.
    pub(super) async fn demand_registrable(
        &self,
        change: &DirectoryChange,
        dry_run: bool,
    ) -> Result<Vec<String>, No> {
        let spns: Vec<String> = change
            .modifications
            .iter()
            .filter(|one| one.action == Action::Add && one.attribute.eq_ignore_ascii_case(SPNS))
            .filter_map(|one| one.text().map(str::to_owned))
            .collect();
        if spns.is_empty() {
            return Ok(Vec::new());
        }
        let spns = parsed(&spns)?;
        let mut notes = Vec::new();
        for spn in &spns {
            let more = self.demand_free(&change.target.guid, &change.dc, spn);
            notes.extend(more.await?);
        }
        notes.dedup();
        let of_account = |array: &ArrayRecord| array.account.guid == change.target.guid;
        let Some(array) = self.ports.store.arrays()?.into_iter().find(of_account) else {
            return Ok(notes);
        };
        if !dry_run {
            self.stay(&array.name, &spns)?;
        }
        self.demand_ready(&array, &spns)?;
        Ok(notes)
    }
}

/// What is to be changed, and what to know of it.
#[derive(Default)]
struct Plan {
    changes: Vec<DirectoryChange>,
    notes: Vec<String>,
    /// SPNs that were prepared and are not to be registered any more.
    forgotten: Vec<String>,
}

impl Plan {
    fn note(&mut self, notes: Vec<String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    fn push(&mut self, dc: &DcName, target: Target, modifications: Vec<Modification>) {
        if !modifications.is_empty() {
            self.changes.push(DirectoryChange {
                dc: dc.clone(),
                target,
                modifications,
            });
        }
    }
}

fn parsed(spns: &[String]) -> Result<Vec<Spn>, No> {
    if spns.is_empty() {
        return Err(No::bad_input("bad-spn", "no SPN was named"));
    }
    let mut all: Vec<Spn> = Vec::new();
    for text in spns {
        let spn: Spn = text.parse().map_err(|error| bad_spn(&error))?;
        if !all.iter().any(|known| known.is_same(&spn.to_string())) {
            all.push(spn);
        }
    }
    Ok(all)
}

/// An SPN as it is typed in a command.
fn typed(spn: &Spn) -> String {
    word(&spn.to_string())
}

pub(super) fn bad_spn(error: &keyroll::spn::BadSpn) -> No {
    No::bad_input("bad-spn", error.to_string()).next("keyroll spn add --help")
}

/// An array follows a change of its account's SPNs that was made.
pub(super) fn follow(
    edit: &Change<'_>,
    record: &crate::store::ChangeRecord,
) -> Result<(), StoreError> {
    let of_account = |array: &ArrayRecord| array.account.guid == record.change.target.guid;
    let Some(mut array) = edit.arrays()?.into_iter().find(of_account) else {
        return Ok(());
    };
    let before = array.clone();
    let spns = record.change.modifications.iter();
    let spns = spns.filter(|one| one.attribute.eq_ignore_ascii_case(SPNS));
    for (action, spn) in spns.filter_map(|one| Some((one.action, one.text()?))) {
        let same = |one: &String| one.eq_ignore_ascii_case(spn);
        match action {
            Action::Add => {
                array.naming.prepared.retain(|one| !same(one));
                array.naming.leaving.retain(|one, _| !same(one));
            }
            // Counted from its first look on; a change that is settled again begins no new count.
            Action::Delete if !array.naming.leaving.keys().any(same) => {
                let left = edit.drain(&array)?.as_millis();
                let left = u64::try_from(left).unwrap_or(u64::MAX);
                let held: Vec<String> =
                    array.spns.iter().filter(|one| same(one)).cloned().collect();
                array
                    .naming
                    .leaving
                    .extend(held.into_iter().map(|one| (one, left)));
            }
            Action::Delete => {}
        }
    }
    if array != before {
        edit.put_array(&array)?;
    }
    Ok(())
}
