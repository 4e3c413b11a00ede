//! Names with more than one owner, and what mends them.

use std::collections::HashMap;

use keyroll::shell::word;
use keyroll::spn::{Duplicate, Holder, Likeness, alias_clashes, duplicates, left_to_first};
use keyroll_proto::operator as said;

use super::look::holder;
use crate::ports::{SpnHolder, SpnSearch};
use crate::store::{ArrayRecord, Read as _};
use crate::verbs::{Controller, No};

/// The holders by distinguished name and SPN.
type ByName<'a> = HashMap<(&'a str, &'a str), &'a SpnHolder>;

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
        let named = |one| (key(one), one);
        let by_name: ByName<'_> = all.iter().map(named).collect();
        // What answers for a name in another forest is that one's own affair.
        let own = all.iter().filter(|one| one.forest.is_none());
        let clashes = alias_clashes(own.map(holder), &aliases);
        // An array's name is looked for by clients of every forest; what others have twice counts
        // where one KDC finds both.
        let forest = |one: &Holder| by_name.get(&key_of(one))?.forest.clone();
        let ours = |one: &Holder| {
            let guid = by_name.get(&key_of(one)).map(|one| one.guid);
            let mut arrays = arrays.iter().map(|array| array.account.guid);
            arrays.any(|array| Some(array) == guid)
        };
        let (whole, apart): (Vec<_>, Vec<_>) = duplicates(all.iter().map(holder))
            .into_iter()
            .partition(|one| one.likeness > Likeness::Case || one.holders.iter().any(ours));
        let apart = apart.into_iter().flat_map(|one| one.within(forest));
        let doubled = whole.into_iter().chain(apart).chain(clashes);
        let unseen = found.unseen.iter().map(|one| said::UnseenForest {
            forest: one.forest.clone(),
            why: one.why.clone(),
            next: one.next.clone(),
        });
        Ok(said::DuplicateSpnsReply {
            duplicates: doubled.map(|one| told(&one, &by_name, &arrays)).collect(),
            looked_at: all.len() as u64,
            forest: found.forest,
            unseen: unseen.collect(),
            others: found.others.clone(),
        })
    }
}

fn told(one: &Duplicate, by_name: &ByName<'_>, arrays: &[ArrayRecord]) -> said::DuplicateSpn {
    let account = |holder: &Holder| by_name.get(&key_of(holder)).copied();
    let said_holder = |holder: &Holder| said::SpnHolder {
        spn: holder.spn.clone(),
        account: account(holder).map_or_else(String::new, |one| one.account.clone()),
        distinguished_name: holder.owner.clone(),
        forest: account(holder)
            .and_then(|one| one.forest.clone())
            .unwrap_or_default(),
    };
    let of_array = |holder: &Holder| {
        let guid = account(holder)?.guid;
        let array = arrays.iter().find(|array| array.account.guid == guid)?;
        Some((&array.name, word(&holder.spn)))
    };
    let all = || one.holders.iter().filter_map(account);
    let (grade, next) = match one.likeness {
        Likeness::Exact | Likeness::Case => {
            let mut ours = one.holders.iter().filter_map(of_array);
            let abroad: Vec<&SpnHolder> = all().filter(|one| one.forest.is_some()).collect();
            let next = match (ours.next(), abroad.len() + 1 < one.holders.len()) {
                (Some(_), false) => each_taken(&abroad),
                (Some((name, spn)), true) => format!("keyroll spn move {name} {spn} --dry-run"),
                (None, _) => left_to_first(&all().map(loses).collect::<Vec<_>>()),
            };
            ("broken", next)
        }
        // What is no plain text passes for what is.
        Likeness::Hidden | Likeness::LooksAlike => {
            let odd: Vec<&SpnHolder> = all().filter(|one| !one.spn.is_ascii()).collect();
            let next = match odd.len() < one.holders.len() {
                true => each_taken(&odd),
                // Where none is plain, nobody but a person knows whose it is to be.
                false => left_to_first(&odd.into_iter().map(loses).collect::<Vec<_>>()),
            };
            ("broken", next)
        }
        Likeness::HostAlias => ("notice", String::new()),
    };
    said::DuplicateSpn {
        likeness: one.likeness.word().to_owned(),
        holders: one.holders.iter().map(said_holder).collect(),
        next,
        grade: grade.to_owned(),
    }
}

/// Who has a name, and what takes it from them.
fn loses(one: &SpnHolder) -> (&str, String) {
    (&one.account, one.taken_away())
}

/// One command after the other.
fn each_taken(some: &[&SpnHolder]) -> String {
    let each: Vec<String> = some.iter().map(|one| one.taken_away()).collect();
    each.join(", then ")
}

fn key_of(one: &Holder) -> (&str, &str) {
    (&one.owner, &one.spn)
}

fn key(one: &SpnHolder) -> (&str, &str) {
    (&one.distinguished_name, &one.spn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_names_of_which_none_is_plain_one_owner_keeps_his() {
        let next = |spns: [&str; 2]| {
            let one = |(spn, account): (&str, &str)| SpnHolder {
                spn: spn.to_owned(),
                account: account.to_owned(),
                distinguished_name: format!("CN={account},DC=corp,DC=example"),
                guid: [7; 16],
                forest: None,
            };
            let all = spns.into_iter().zip(["one", "two"]).map(one);
            let all: Vec<SpnHolder> = all.collect();
            let by_name = all.iter().map(|one| (key(one), one)).collect();
            let found = duplicates(all.iter().map(holder));
            told(&found[0], &by_name, &[]).next
        };
        let (plain, odd) = ("HTTP/news", "HTTP/n\u{435}ws");
        let one = next([plain, odd]);
        assert!(one.contains(" two ") && !one.contains(" one "), "{one}");
        let both = next([odd, "HTTP/new\u{455}"]);
        assert_eq!(both.matches("to keep it").count(), 1, "{both}");
    }
}
