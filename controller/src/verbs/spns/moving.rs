//! A name that others have becomes the array's: taken from each of them, then given.

use keyroll::directory_change::{Modification, Target, keeps_duplicates, take_duplicate};
use keyroll::name::DcName;
use keyroll::spn::Spn;

use super::look::look_alike;
use super::{Plan, SPNS, typed};
use crate::ports::SpnHolder;
use crate::store::ArrayRecord;
use crate::verbs::{Controller, No};

impl Controller {
    pub(super) async fn plan_move(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        spns: &[Spn],
    ) -> Result<Plan, No> {
        let (own, present) = self.own(array, dc).await?;
        let vendor = self.ports.directory.vendor(dc).await?;
        let keeps = keeps_duplicates(vendor.as_deref());
        let mut plan = Plan::default();
        for spn in spns {
            let is_here = present.iter().any(|one| spn.is_same(one));
            let (owners, notes) = self.owners(array, dc, spn).await?;
            plan.note(notes);
            if owners.is_empty() {
                if !is_here {
                    let what = format!("no other account has {spn}");
                    let next = format!("keyroll spn add {} {}", array.name, typed(spn));
                    return Err(No::unknown("unknown-spn", what).next(next));
                }
                let note = format!("{spn} is here already, and nobody else has it");
                plan.notes.push(note);
                continue;
            }
            plan.notes.push(moved(spn, &owners, is_here));
            let mut left = owners.len() + usize::from(is_here);
            for from in owners {
                let target = Target {
                    guid: from.guid,
                    account: from.account,
                    distinguished_name: from.distinguished_name,
                };
                let delete = if keeps && left > 1 {
                    take_duplicate(&target, &from.spn)
                } else {
                    vec![Modification::delete(SPNS, from.spn)]
                };
                plan.push(dc, target, delete);
                left -= 1;
            }
            if !is_here {
                let add = Modification::add(SPNS, spn.to_string());
                plan.push(dc, own.clone(), vec![add]);
            }
        }
        Ok(plan)
    }

    /// The other accounts that have an SPN, all in the domain of this directory.
    pub(super) async fn owners(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        spn: &Spn,
    ) -> Result<(Vec<SpnHolder>, Vec<String>), No> {
        let others = self.others_with(&array.account.guid, dc, spn).await?;
        let notes = others.notes(dc);
        let others = others.holders.into_iter();
        let (same, alike): (Vec<_>, Vec<_>) = others.partition(|one| spn.is_same(&one.spn));
        if let Some(other) = alike.first() {
            return Err(look_alike(other, spn));
        }
        for from in &same {
            let then = |taken: String| {
                let spn = typed(spn);
                format!("{taken}, then keyroll spn add {} {spn}", array.name)
            };
            if from.forest.is_some() {
                let what = format!("{} has {spn}: nothing is changed there", from.shown());
                return Err(No::refused("other-forest", what).next(then(from.taken_away())));
            }
            // Another domain's account is not there to be changed.
            let here = self.ports.directory.values(dc, &from.guid, &["objectGUID"]);
            here.await.map_err(|error| {
                let what = format!("{} is not in this domain: {error}", from.distinguished_name);
                let there = format!("in its domain: {}", from.taken_away());
                No::refused("other-domain", what).next(then(there))
            })?;
        }
        Ok((same, notes))
    }
}

/// What to know of it before saying yes.
fn moved(spn: &Spn, owners: &[SpnHolder], is_here: bool) -> String {
    let accounts: Vec<&str> = owners.iter().map(|one| one.account.as_str()).collect();
    let accounts = accounts.join(" and ");
    if is_here {
        return format!(
            "{spn} is here already: with two owners nobody gets tickets for it, until {accounts} \
             has lost it"
        );
    }
    format!(
        "between the changes nobody has {spn}: clients without a ticket get none for that moment; \
         tickets from before open with the keys of {accounts} alone"
    )
}
