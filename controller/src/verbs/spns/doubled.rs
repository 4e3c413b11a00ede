//! Names with more than one owner, and what mends them.

use std::collections::HashMap;

use keyroll::spn::{Duplicate, Holder, Likeness, alias_clashes, duplicates};
use keyroll_proto::operator as said;

use super::look::{WHO_MADE_IT, holder};
use crate::ports::{SpnHolder, SpnSearch};
use crate::store::{ArrayRecord, Read as _};
use crate::verbs::{Controller, No};

/// The holders by distinguished name: one of the values of each.
type ByName<'a> = HashMap<&'a str, &'a SpnHolder>;

impl Controller {
    /// Names with two owners, in the forest, and those that HOST of another account answered for.
    ///
    /// # Errors
    /// [`No`].
    pub async fn find_duplicate_spns(&self) -> Result<said::DuplicateSpnsReply, No> {
        let dc = self.writer().await?;
        let directory = &self.ports.directory;
        let found = directory.spn_holders(&dc, &SpnSearch::All).await?;
        // Where they cannot be read, the default ones are the likeliest.
        let aliases = directory.spn_aliases(&dc).await.unwrap_or_default();
        let arrays = self.ports.store.arrays()?;
        let all = &found.holders;
        let named = all.iter().map(|one| (one.distinguished_name.as_str(), one));
        let by_name: ByName<'_> = named.collect();
        let clashes = alias_clashes(all.iter().map(holder), &aliases);
        let doubled = duplicates(all.iter().map(holder)).into_iter();
        let doubled = doubled.chain(clashes);
        Ok(said::DuplicateSpnsReply {
            duplicates: doubled.map(|one| told(&one, &by_name, &arrays)).collect(),
            looked_at: all.len() as u64,
            forest: found.forest,
        })
    }
}

fn told(one: &Duplicate, by_name: &ByName<'_>, arrays: &[ArrayRecord]) -> said::DuplicateSpn {
    let account = |holder: &Holder| by_name.get(holder.owner.as_str()).copied();
    let said_holder = |holder: &Holder| said::SpnHolder {
        spn: holder.spn.clone(),
        account: account(holder).map_or_else(String::new, |one| one.account.clone()),
        distinguished_name: holder.owner.clone(),
    };
    let of_array = |holder: &Holder| {
        let guid = account(holder)?.guid;
        let array = arrays.iter().find(|array| array.account.guid == guid)?;
        Some((&array.name, holder.spn.escape_default().to_string()))
    };
    let (grade, next) = match one.likeness {
        Likeness::Exact | Likeness::Case => {
            let next = match one.holders.iter().find_map(of_array) {
                Some((name, spn)) => format!("keyroll spn move {name} {spn} --dry-run"),
                None => "setspn -D SPN ACCOUNT, on all but one of them".to_owned(),
            };
            ("broken", next)
        }
        Likeness::Hidden | Likeness::LooksAlike => ("broken", WHO_MADE_IT.to_owned()),
        Likeness::HostAlias => ("notice", String::new()),
    };
    said::DuplicateSpn {
        likeness: one.likeness.word().to_owned(),
        holders: one.holders.iter().map(said_holder).collect(),
        next,
        grade: grade.to_owned(),
    }
}
