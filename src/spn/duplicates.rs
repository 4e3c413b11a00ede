//! Names with two owners: KDCs issue tickets for none of them, or for the wrong one.

use std::collections::BTreeMap;

use super::alike::{self, Likeness};
use super::{Aliases, Spn};

/// An object and one of its SPNs, as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The value as it is there: any text.
    pub spn: String,
    /// Whose it is: something that tells one object from another, such as its distinguished name.
    pub owner: String,
}

/// Several owners of what is one name, or looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// How alike the names are: the least alike pair.
    pub likeness: Likeness,
    /// Everybody, ordered by SPN and owner.
    pub holders: Vec<Holder>,
}

impl Duplicate {
    /// What is left of it where each `side` has KDCs of its own, which look among their own names:
    /// so each of them may have an owner of the same name.
    pub fn within<S: Ord>(self, side: impl Fn(&Holder) -> S) -> impl Iterator<Item = Self> {
        let mut sides: BTreeMap<S, Vec<Holder>> = BTreeMap::new();
        for holder in self.holders {
            sides.entry(side(&holder)).or_default().push(holder);
        }
        let likeness = self.likeness;
        let doubled = sides.into_values().filter(|set| several(set));
        doubled.map(move |holders| Self { likeness, holders })
    }
}

/// What `krbtgt` of every domain has: the service that passwords are changed at (RFC 3244).
const OF_EACH_DOMAIN: &str = "kadmin/changepw";

/// Every name with more than one owner, in the order of the names, but for that which each domain
/// has once. One owner with several spellings of a name is none.
#[must_use]
pub fn duplicates(all: impl IntoIterator<Item = Holder>) -> Vec<Duplicate> {
    let mut groups: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    let once = |holder: &Holder| holder.spn.eq_ignore_ascii_case(OF_EACH_DOMAIN);
    for holder in all.into_iter().filter(|holder| !once(holder)) {
        for key in alike::keys(&holder.spn) {
            groups.entry(key).or_default().push(holder.clone());
        }
    }
    let mut found: Vec<Duplicate> = groups.into_values().flat_map(split).collect();
    found.sort_by(|one, other| one.holders.cmp(&other.holders));
    found.dedup();
    found
}

/// Every name that one account has, and for which the class that answers for it (`HOST`) is on
/// another: the KDC gives that one's keys no more. Often it is meant so.
#[must_use]
pub fn alias_clashes(all: impl IntoIterator<Item = Holder>, aliases: &Aliases) -> Vec<Duplicate> {
    // By the name as the answering class has it: who has that, and who has what it answers for.
    let mut groups: BTreeMap<String, [Vec<Holder>; 2]> = BTreeMap::new();
    for holder in all {
        let Some((class, rest)) = holder.spn.split_once('/') else {
            continue;
        };
        let (of, side) = match aliases.answers_for(class) {
            Some(of) => (of.to_owned(), 1),
            None => (class.to_lowercase(), 0),
        };
        let key = format!("{of}/{}", rest.to_lowercase());
        groups.entry(key).or_default()[side].push(holder);
    }
    let clash = |[above, below]: [Vec<Holder>; 2]| {
        let mut holders = against(&above, &below);
        holders.extend(against(&below, &above));
        holders.sort();
        holders.dedup();
        (!holders.is_empty()).then_some(Duplicate {
            likeness: Likeness::HostAlias,
            holders,
        })
    };
    groups.into_values().filter_map(clash).collect()
}

/// Those of `some` whose owner is not that of each of `others`.
fn against(some: &[Holder], others: &[Holder]) -> Vec<Holder> {
    let clashes = |one: &&Holder| others.iter().any(|other| other.owner != one.owner);
    some.iter().filter(clashes).cloned().collect()
}

fn several(set: &[Holder]) -> bool {
    set.iter().any(|one| one.owner != set[0].owner)
}

/// The duplicates among names that share a key. Names of plain letters may share one and be
/// different names all the same: `web1` and `webl`. What looks like both is told with either.
fn split(mut holders: Vec<Holder>) -> Vec<Duplicate> {
    holders.sort();
    holders.dedup();
    let mut sets: Vec<(Likeness, Vec<Holder>)> = Vec::new();
    for holder in holders {
        let alike = |(_, set): &(Likeness, Vec<Holder>)| {
            set.iter()
                .filter_map(|one| Likeness::of(&one.spn, &holder.spn))
                .max()
        };
        let mut alone = true;
        for set in &mut sets {
            if let Some(likeness) = alike(set) {
                set.0 = likeness.max(set.0);
                set.1.push(holder.clone());
                alone = false;
            }
        }
        if alone {
            sets.push((Likeness::Exact, vec![holder]));
        }
    }
    sets.into_iter()
        .filter(|(_, set)| several(set))
        .map(|(likeness, holders)| Duplicate { likeness, holders })
        .collect()
}

/// Those of `others` who stand in the way of `wanted` becoming somebody's: they have the same name,
/// or one that looks like it.
#[must_use]
pub fn rivals<'a>(wanted: &Spn, others: &'a [Holder]) -> Vec<(Likeness, &'a Holder)> {
    let wanted = wanted.to_string();
    let mut found: Vec<_> = others
        .iter()
        .filter_map(|other| Some((Likeness::of(&wanted, &other.spn)?, other)))
        .collect();
    found.sort();
    found
}

impl Aliases {
    /// The names under which a KDC would also find `spn`, were it not there: `HOST/web` for
    /// `HTTP/web`; and those that it answers for itself.
    #[must_use]
    pub fn others(&self, spn: &Spn) -> Vec<Spn> {
        let above = self
            .answers_for(spn.class())
            .map(|of| spn.of_class(&of.to_uppercase()));
        let below = self
            .answered_by(spn.class())
            .iter()
            .map(|class| spn.of_class(class));
        above.into_iter().chain(below).collect()
    }
}
