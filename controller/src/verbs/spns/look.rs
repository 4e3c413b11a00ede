//! Who has which SPN.

use std::collections::BTreeSet;

use keyroll::name::DcName;
use keyroll::shell::{powershell_word, quoted, word, words};
use keyroll::spn::{Aliases, Holder, Likeness, Names, Spn, doubts, rivals, table};
use keyroll_proto::operator as said;

use super::{bad_spn, typed};
use crate::ports::{PortError, SpnHolder, SpnSearch, SpnsFound};
use crate::store::{ArrayRecord, Read as _};
use crate::verbs::{Controller, No};

/// What was not looked through, and what to do about that.
pub(super) struct Narrow {
    pub(super) why: String,
    pub(super) next: String,
}

/// An SPN of nobody's, yet.
fn view(spn: &str, state: &str, owner: String) -> said::SpnView {
    said::SpnView {
        spn: spn.to_owned(),
        state: state.to_owned(),
        owner,
        ..Default::default()
    }
}

impl Controller {
    /// The array's SPNs, and how far each has come.
    ///
    /// # Errors
    /// [`No`].
    pub async fn list_spns(
        &self,
        request: &said::ListSpnsRequest,
    ) -> Result<said::ListSpnsReply, No> {
        let array = self.array(&request.array)?;
        let dc = self.writer().await?;
        let present = self.present(&array, &dc).await?;
        let hidden = self.hidden(&array, &dc, &present).await?;
        let mut spns: Vec<said::SpnView> = array
            .spns
            .iter()
            .map(|spn| self.listed(&array, spn, &present))
            .collect();
        if hidden.is_some() {
            for view in spns.iter_mut().filter(|view| view.state == "missing") {
                view.state = "unknown".to_owned();
            }
        }
        // Somebody gave it to the account just now: the nodes get its keys at the next look.
        let known = |spn: &&String| array.spns.iter().any(|one| one.eq_ignore_ascii_case(spn));
        let new = present.iter().filter(|spn| !known(spn));
        spns.extend(new.map(|spn| view(spn, "registered", String::new())));
        let (unknown_because, next) = hidden.map(|one| (one.why, one.next)).unwrap_or_default();
        Ok(said::ListSpnsReply {
            spns,
            unknown_because,
            next,
            ..Default::default()
        })
    }

    fn listed(&self, array: &ArrayRecord, spn: &String, present: &[String]) -> said::SpnView {
        let naming = &array.naming;
        let is_present = present.iter().any(|one| one.eq_ignore_ascii_case(spn));
        let state = if is_present {
            "registered"
        } else if array.spns_pending.contains(spn) {
            "pending"
        } else if naming.prepared.contains(spn) {
            "prepared"
        } else if naming.leaving.contains_key(spn) {
            "leaving"
        } else {
            "missing"
        };
        let left = naming.leaving.get(spn).copied().unwrap_or_default();
        let (held_by, nodes) = self.holding(array, spn);
        said::SpnView {
            held_by,
            nodes,
            left_seconds: left.div_ceil(1000),
            ..view(spn, state, String::new())
        }
    }

    /// How many of the array's nodes hold keys for an SPN, of how many.
    pub(super) fn holding(&self, array: &ArrayRecord, spn: &str) -> (u32, u32) {
        let nodes = self.joined(array).unwrap_or_default();
        let holds = nodes.iter().filter(|node| {
            let status = self.overview.node(&array.name, node);
            let inventory = status.and_then(|status| status.inventory);
            inventory.is_some_and(|inventory| {
                let mut entries = inventory.targets.iter().flat_map(|target| &target.entries);
                entries.any(|entry| entry.principal.name() == spn)
            })
        });
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(holds.count()), count(nodes.len()))
    }

    /// The SPNs that the names need by which clients call the array, and who has each.
    ///
    /// # Errors
    /// [`No`].
    pub async fn suggest_spns(
        &self,
        request: &said::SuggestSpnsRequest,
    ) -> Result<said::ListSpnsReply, No> {
        let array = self.array(&request.array)?;
        let dc = self.writer().await?;
        let mut hosts = request.hosts.clone();
        if request.nodes {
            hosts.extend(self.joined(&array)?.iter().map(ToString::to_string));
        }
        let classes = if request.classes.is_empty() {
            vec!["HTTP".to_owned()]
        } else {
            request.classes.clone()
        };
        let port = |port: &u32| u16::try_from(*port).ok().filter(|port| *port > 0);
        let ports: Option<Vec<u16>> = request.ports.iter().map(port).collect();
        let names = Names {
            classes,
            hosts,
            ports: ports.ok_or_else(|| No::bad_input("bad-port", "a port is 1 to 65535"))?,
            short: request.short,
        };
        let (_, present) = self.own(&array, &dc).await?;
        let mut spns = Vec::new();
        let mut unregistered = Vec::new();
        let mut taken = Vec::new();
        let mut narrow = BTreeSet::new();
        for spn in table(&names).map_err(|error| bad_spn(&error))? {
            if present.iter().any(|one| spn.is_same(one)) {
                spns.push(self.listed(&array, &spn.to_string(), &present));
                continue;
            }
            let others = self.others_with(&array.account.guid, &dc, &spn).await?;
            narrow.extend(others.notes(&dc));
            let text = spn.to_string();
            spns.push(match others.holders.first() {
                Some(other) => {
                    let next = match spn.is_same(&other.spn) {
                        true => self.mends_double(&array.account.guid, other, &spn)?,
                        false => other.taken_away(),
                    };
                    taken.push(format!("# {text} is taken: {next}"));
                    view(&text, "taken", other.shown())
                }
                None => {
                    let mut notes = doubts(&spn);
                    notes.extend(self.alias_notes(&array, &dc, &spn).await?);
                    unregistered.push(text.clone());
                    view(&text, "missing", notes.join("; "))
                }
            });
        }
        let mut commands = commands(&array, &unregistered);
        commands.extend(taken);
        commands.extend(narrow.into_iter().map(|note| format!("# {note}")));
        Ok(said::ListSpnsReply {
            spns,
            commands,
            ..Default::default()
        })
    }

    /// Nobody but the account `own` has this SPN, or one that passes for it; with what to know of
    /// how far was looked.
    pub(in crate::verbs) async fn demand_free(
        &self,
        own: &[u8; 16],
        dc: &DcName,
        spn: &Spn,
    ) -> Result<Vec<String>, No> {
        let others = self.others_with(own, dc, spn).await?;
        let Some(other) = others.holders.first() else {
            return Ok(others.notes(dc));
        };
        let owner = other.shown();
        if spn.is_same(&other.spn) {
            let what = format!(
                "{owner} has {}: with two owners nobody gets tickets",
                other.spn
            );
            let next = self.mends_double(own, other, spn)?;
            return Err(No::refused("spn-duplicate", what).next(next));
        }
        Err(look_alike(other, spn))
    }

    /// What rids another account of an SPN that the account `own` is to have alone: a move, where
    /// that one is an array's.
    fn mends_double(&self, own: &[u8; 16], other: &SpnHolder, spn: &Spn) -> Result<String, No> {
        let mut arrays = self.ports.store.arrays()?.into_iter();
        let array = arrays.find(|array| array.account.guid == *own);
        Ok(match array {
            Some(array) if other.forest.is_none() => {
                let spn = typed(spn);
                format!("keyroll spn move {} {spn} --dry-run", array.name)
            }
            _ => other.taken_away(),
        })
    }

    /// The objects other than `own` that have this SPN or one that passes for it, the closest
    /// first.
    pub(super) async fn others_with(
        &self,
        own: &[u8; 16],
        dc: &DcName,
        spn: &Spn,
    ) -> Result<SpnsFound, No> {
        let (rivals, found) = self.rivals_of(own, dc, std::slice::from_ref(spn)).await?;
        let holders = rivals.into_iter().map(|(_, _, holder)| holder).collect();
        Ok(SpnsFound { holders, ..found })
    }

    /// The same of several, each with the SPN and how alike it is, and what was searched.
    pub(in crate::verbs) async fn rivals_of<'a>(
        &self,
        own: &[u8; 16],
        dc: &DcName,
        spns: &'a [Spn],
    ) -> Result<(Vec<(&'a Spn, Likeness, SpnHolder)>, SpnsFound), PortError> {
        let classes: BTreeSet<&str> = spns.iter().map(Spn::class).collect();
        let hosts: BTreeSet<&str> = spns.iter().map(Spn::host).collect();
        let search = SpnSearch::Some {
            exact: spns.iter().map(ToString::to_string).collect(),
            classes: classes.into_iter().map(str::to_owned).collect(),
            hosts: hosts.into_iter().map(str::to_owned).collect(),
        };
        let mut found = self.ports.directory.spn_holders(dc, &search).await?;
        let mut holders = std::mem::take(&mut found.holders);
        holders.retain(|one| one.guid != *own);
        let all: Vec<Holder> = holders.iter().map(holder).collect();
        let of = |rival: &Holder| holders.iter().find(|one| holder(one) == *rival).cloned();
        let each = spns.iter().flat_map(|spn| {
            let rivals = rivals(spn, &all).into_iter();
            rivals.map(move |(likeness, rival)| (spn, likeness, rival))
        });
        let each = each.filter_map(|(spn, likeness, rival)| Some((spn, likeness, of(rival)?)));
        Ok((each.collect(), found))
    }

    /// Who answers for the name today under another class, and no longer once it is registered.
    pub(super) async fn alias_notes(
        &self,
        array: &ArrayRecord,
        dc: &DcName,
        spn: &Spn,
    ) -> Result<Vec<String>, No> {
        let mut notes = Vec::new();
        let aliases = match self.ports.directory.spn_aliases(dc).await {
            Ok(aliases) => aliases,
            Err(error) => {
                notes.push(format!(
                    "sPNMappings cannot be read ({error}): the default mappings are assumed"
                ));
                Aliases::default()
            }
        };
        let exact: Vec<String> = aliases
            .others(spn)
            .iter()
            .map(ToString::to_string)
            .collect();
        if exact.is_empty() {
            return Ok(notes);
        }
        let search = SpnSearch::Some {
            exact,
            classes: Vec::new(),
            hosts: Vec::new(),
        };
        let found = self.ports.directory.spn_holders(dc, &search).await?;
        for other in found
            .holders
            .iter()
            .filter(|one| one.guid != array.account.guid && one.forest.is_none())
        {
            notes.push(format!(
                "{} has {}, under which KDCs find {spn} until it is registered: what uses it there \
                 gets tickets of this array from then on",
                other.shown(),
                other.spn
            ));
        }
        Ok(notes)
    }
}

/// What registers these SPNs: keyroll, which has nodes hold the keys first, or other tools.
fn commands(array: &ArrayRecord, spns: &[String]) -> Vec<String> {
    if spns.is_empty() {
        return Vec::new();
    }
    let account = &array.account.sam_account_name;
    let mut lines = vec![format!("keyroll spn add {} {}", array.name, words(spns))];
    lines.push("# or, once every keytab has the keys, on Windows".to_owned());
    let setspn = |spn: &String| format!("setspn -S {} \"{account}\"", powershell_word(spn));
    lines.extend(spns.iter().map(setspn));
    lines.push("# or Samba".to_owned());
    let samba = |spn: &String| format!("samba-tool spn add {} {}", word(spn), quoted(account));
    lines.extend(spns.iter().map(samba));
    lines
}

impl SpnsFound {
    /// What to know where not all was looked through that there is.
    pub(super) fn narrow(&self, dc: &DcName) -> Vec<Narrow> {
        let own = (!self.forest).then(|| Narrow {
            why: format!(
                "{dc} is no global catalog, or shows none: only its own domain was looked through \
                 for other owners"
            ),
            next: format!("nc -vz {dc} 3269 (or 3268), then the same again"),
        });
        let others = self.unseen.iter().map(|one| Narrow {
            why: format!(
                "the forest {} was not looked through for other owners: {}",
                one.forest, one.why
            ),
            next: one.next.clone(),
        });
        own.into_iter().chain(others).collect()
    }

    /// The same as sentences.
    pub(super) fn notes(&self, dc: &DcName) -> Vec<String> {
        let narrow = self.narrow(dc).into_iter();
        narrow
            .map(|one| format!("{}; {}", one.why, one.next))
            .collect()
    }
}

/// Somebody has a name that passes for this one.
pub(in crate::verbs) fn look_alike(other: &SpnHolder, spn: &Spn) -> No {
    let what = format!(
        "{} has {}, which looks like {spn} and is another name: find out who made it",
        other.shown(),
        other.spn.escape_default()
    );
    No::refused("spn-look-alike", what).next(other.taken_away())
}

pub(super) fn holder(one: &SpnHolder) -> Holder {
    Holder {
        spn: one.spn.clone(),
        owner: one.distinguished_name.clone(),
    }
}
