//! From what somebody asks for to the changes that bring it, by the safest way that fits.
//!
//! Resource-based delegation comes first: it is bound to one target, whoever owns that can end it,
//! and it needs no flag of the account. Constrained delegation, without protocol transition, comes
//! next. Unconstrained delegation is taken away and never given.

mod back;
mod owner;
mod refused;
mod risk;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use back::demand_sound;
pub use refused::Refused;

use self::owner::{sole_owner, still_open};
use super::change::{Wish, change};
use super::party::is_crowd;
use super::{Actor, Control, Holding, Inventory, Party, Tier};
use crate::descriptor::Sid;
use crate::directory_change::{DirectoryChange, Modification, Target};
use crate::name::DcName;

/// The functional level of a domain controller from which on it goes by the descriptor of a target:
/// that of Windows Server 2012 (MS-SFU 3.2.5.2.3, MS-ADTS 3.1.1.3.2.25).
pub const RESOURCE_BASED_FROM: u32 = 5;

/// A way to let an account act at a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The service's account lets it in, by a descriptor.
    ResourceBased,
    /// Its own list names the service.
    Constrained,
}

/// A service that is named, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its SPN.
    pub spn: String,
    /// Nobody, one account, or more by mistake.
    pub owners: Vec<Party>,
    /// Every SPN by which the one owner is found; none if that is not in the domain that is written
    /// to.
    pub names: Vec<String>,
    /// What the one owner's object says; none if that is not in the domain that is written to.
    pub holding: Option<Holding>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Services that the array may act at for its users.
    pub to: Vec<Service>,
    /// Services that it may not act at any more.
    pub not_to: Vec<Service>,
    /// Who may act at the array for their users.
    pub from: Vec<Actor>,
    /// Who may not any more.
    pub not_from: Vec<Leaver>,
    /// The way to the services; none: the safest that fits.
    pub way: Option<Way>,
    /// Whether it may name users who have not logged in to it; none: as it is.
    pub transition: Option<bool>,
    /// Whether nobody may act for the account itself; none: as it is.
    pub sensitive: Option<bool>,
    /// That it is not trusted for delegation to any service any more.
    pub constrain: bool,
}

/// Somebody who is not to come any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Their SID.
    pub sid: Sid,
    /// Every SID by which they may be let in ([`super::caller`]); none if that is not known.
    pub caller: Option<BTreeSet<Sid>>,
}

/// What a plan stands on.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Where it is made.
    pub dc: DcName,
    /// The functional level of that domain controller.
    pub level: u32,
    /// The array.
    pub array: String,
    /// Its account.
    pub own: Party,
    /// What that says.
    pub holding: Holding,
    /// Every SID by which it may be let in ([`super::caller`]); none if its groups are hidden.
    pub caller: Option<BTreeSet<Sid>>,
}

/// What is to be changed, and what to know before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// One for each object: other accounts first, so that a service that is to be reached in
    /// another way is let in there before the old way is closed.
    pub changes: Vec<DirectoryChange>,
    /// The risk of each way, and why a safer one was not taken.
    pub notes: Vec<String>,
}

impl Asked {
    /// What an inventory proposes where nothing was asked for: that goes what leads nowhere, as far
    /// as all of the forest was seen, or lets anybody in. What may be in use stays, unconstrained
    /// delegation too: somebody has to name its successor, or ask for its end.
    #[must_use]
    pub fn proposed(inventory: &Inventory) -> Self {
        let holding = &inventory.holding;
        let idle = holding.control.has(Control::PROTOCOL_TRANSITION) && holding.targets.is_empty();
        let all_seen = inventory.whole_forest && !inventory.partial;
        let missing = inventory.targets.iter().filter(|one| {
            let nobodys = one.owners.is_empty() && Tier::of(&one.spn, &[]).is_none();
            all_seen && nobodys
        });
        let crowds = inventory.actors.iter().map(|actor| &actor.sid);
        Self {
            transition: idle.then_some(false),
            not_to: missing
                .map(|one| Service {
                    spn: one.spn.clone(),
                    owners: Vec::new(),
                    names: Vec::new(),
                    holding: None,
                })
                .collect(),
            not_from: crowds
                .filter(|sid| is_crowd(sid))
                .map(|sid| Leaver {
                    sid: sid.clone(),
                    caller: Some([sid.clone()].into()),
                })
                .collect(),
            ..Self::default()
        }
    }
}

/// The changes that bring what was asked for; none if it is so already.
///
/// # Errors
/// [`Refused`], naming what cannot be had and why.
pub fn plan(ground: &Ground, asked: &Asked) -> Result<Planned, Refused> {
    asked.demand_sense()?;
    let mut draft = Draft {
        ground,
        edits: Vec::new(),
        notes: Vec::new(),
    };
    for service in &asked.to {
        draft.let_out(service, asked.way)?;
    }
    for service in &asked.not_to {
        draft.keep_in(service, &asked.not_to);
    }
    for actor in &asked.from {
        draft.let_in(actor, asked.way)?;
    }
    for leaver in &asked.not_from {
        draft.keep_out(leaver);
    }
    draft.flags(asked);
    draft.finish()
}

impl Asked {
    fn demand_sense(&self) -> Result<(), Refused> {
        let same = |one: &&Service| {
            let mut others = self.not_to.iter();
            others.any(|other| other.spn.eq_ignore_ascii_case(&one.spn))
        };
        if let Some(both) = self.to.iter().find(same) {
            return Err(Refused::Both(both.spn.clone()));
        }
        let mut actors = self.from.iter().map(|one| &one.sid);
        match actors.find(|sid| self.not_from.iter().any(|one| one.sid == **sid)) {
            Some(both) => Err(Refused::Both(both.to_string())),
            None => Ok(()),
        }
    }
}

/// An object, as it is and as it is wanted.
struct Edit {
    party: Party,
    holding: Holding,
    wishes: Vec<Wish>,
}

struct Draft<'a> {
    ground: &'a Ground,
    edits: Vec<Edit>,
    notes: Vec<String>,
}

impl Draft<'_> {
    /// Lets the array act at a service.
    fn let_out(&mut self, service: &Service, way: Option<Way>) -> Result<(), Refused> {
        let owner = sole_owner(service)?;
        let (ground, spn) = (self.ground, &service.spn);
        let Some(holding) = &service.holding else {
            return Err(Refused::Elsewhere(spn.clone(), owner.account.clone()));
        };
        let listed = ground.holding.names(spn);
        let (way, why_not) = match way {
            Some(way) => (way, None),
            None if listed => (Way::Constrained, None),
            None => self.safest(owner),
        };
        let own = &ground.own.account;
        if listed && way == Way::Constrained || self.is_in(holding) && way == Way::ResourceBased {
            self.notes.push(format!("{own} may act at {spn} already"));
            return Ok(());
        }
        self.notes.push(risk::of_way(ground, service, owner, way));
        self.notes.extend(why_not);
        let name = &owner.account;
        if owner.has(Control::DISABLED) {
            self.notes.push(format!(
                "{name} is disabled: a Windows DC issues no ticket to it"
            ));
        }
        if owner.hidden {
            self.notes.push(format!(
                "flags or groups of {name} are not shown: whether it is an administrator's is not \
                 known"
            ));
        }
        match way {
            Way::Constrained => self.wish_own(Wish::Target(spn.clone())),
            Way::ResourceBased => {
                let sid = self.own_sid()?;
                self.wish(owner, holding, Wish::Actor(sid));
            }
        }
        Ok(())
    }

    /// The safest way that fits, and why a safer one does not.
    fn safest(&self, owner: &Party) -> (Way, Option<String>) {
        let ground = self.ground;
        let why = if ground.level < RESOURCE_BASED_FROM {
            ground.why_no_descriptor()
        } else if ground.own.sid.is_none() {
            format!("{} shows no SID", ground.own.account)
        } else {
            return (Way::ResourceBased, None);
        };
        let name = &owner.account;
        let why = format!("not resource based, by a descriptor of {name}: {why}");
        (Way::Constrained, Some(why))
    }

    /// Whether an object's descriptor lets the array's account in.
    fn is_in(&self, holding: &Holding) -> bool {
        let sid = self.ground.own.sid.as_ref();
        let actors = holding.actors().map(|found| found.actors());
        sid.is_some_and(|sid| actors.is_some_and(|actors| actors.contains(sid)))
    }

    /// The array may not act at a service any more, by whichever way it could; `all` are those of
    /// which that is so.
    fn keep_in(&mut self, service: &Service, all: &[Service]) {
        let (spn, own) = (&service.spn, &self.ground.own.account);
        let listed = self.ground.holding.names(spn);
        let owner = service.owners.first();
        self.notes.extend(self.by_another_name(service, all));
        let let_in = owner.zip(service.holding.as_ref());
        let own_sid = self.ground.own.sid.as_ref();
        let caller = self.ground.caller.as_ref();
        let open =
            let_in.and_then(|(owner, holding)| still_open(owner, holding, own_sid, (own, caller)));
        let let_in = let_in.filter(|(_, holding)| self.is_in(holding));
        if let ([owner], None) = (service.owners.as_slice(), &service.holding) {
            self.notes.push(format!(
                "{} is not in this domain: whether its descriptor lets {own} in was not looked at",
                owner.account
            ));
        } else if !listed && let_in.is_none() && open.is_none() {
            self.notes
                .push(format!("{own} may not act at {spn} as it is"));
        }
        self.notes.extend(open);
        if listed {
            self.wish_own(Wish::NoTarget(spn.clone()));
        }
        if let (Some((owner, holding)), Some(sid)) = (let_in, self.ground.own.sid.clone()) {
            let name = &owner.account;
            self.notes.push(format!(
                "{own} loses every service of {name}, not {spn} alone: a descriptor knows none"
            ));
            self.wish(owner, holding, Wish::NoActor(sid));
        }
    }

    /// That the array's list has another name of the same account: what service a ticket is for is
    /// not protected in it.
    fn by_another_name(&self, service: &Service, all: &[Service]) -> Option<String> {
        let is_theirs = |name: &&String| {
            let mut names = service.names.iter();
            names.any(|one| one.eq_ignore_ascii_case(name))
        };
        let stays = |name: &&String| !all.iter().any(|one| one.spn.eq_ignore_ascii_case(name));
        let targets = self.ground.holding.targets.iter();
        let left = targets.filter(is_theirs).filter(stays);
        let left: Vec<&str> = left.map(String::as_str).collect();
        let owner = &service.owners.first()?.account;
        let (own, spn, left) = (&self.ground.own.account, &service.spn, left.join(", "));
        (!left.is_empty()).then(|| {
            format!(
                "{own} may act at {spn} all the same: its list has {left} of {owner}, too, and a \
                 ticket for one service of an account is one for all of them; add --not-to for \
                 each"
            )
        })
    }

    /// Lets somebody act at the array.
    fn let_in(&mut self, actor: &Actor, way: Option<Way>) -> Result<(), Refused> {
        if is_crowd(&actor.sid) {
            return Err(Refused::Crowd(actor.sid.to_string()));
        }
        if self.ground.level < RESOURCE_BASED_FROM && way != Some(Way::ResourceBased) {
            return Err(Refused::TooOld(self.ground.why_no_descriptor()));
        }
        self.notes.push(risk::of_actor(self.ground, actor));
        self.wish_own(Wish::Actor(actor.sid.clone()));
        Ok(())
    }

    fn keep_out(&mut self, leaver: &Leaver) {
        let (own, sid) = (&self.ground.own, &leaver.sid);
        let holding = &self.ground.holding;
        let who = sid.to_string();
        let open = still_open(own, holding, Some(sid), (&who, leaver.caller.as_ref()));
        let own = &own.account;
        let actors = holding.actors().map(|found| found.actors());
        let is_in = actors.is_some_and(|actors| actors.contains(sid));
        if !is_in && open.is_none() {
            self.notes.push(format!(
                "the descriptor of {own} does not let {sid} in as it is"
            ));
        }
        self.notes.extend(open);
        self.wish_own(Wish::NoActor(sid.clone()));
    }

    fn flags(&mut self, asked: &Asked) {
        let switches = [
            (Control::UNCONSTRAINED, asked.constrain.then_some(false)),
            (Control::PROTOCOL_TRANSITION, asked.transition),
            (Control::NOT_DELEGATED, asked.sensitive),
        ];
        for (bit, set) in switches {
            let Some(set) = set else { continue };
            if self.ground.holding.control.has(bit) != set {
                self.notes.extend(risk::of_flag(self.ground, bit, set));
            }
            self.wish_own(Wish::Flag(bit, set));
        }
        let stays = self.ground.holding.control.has(Control::UNCONSTRAINED) && !asked.constrain;
        if stays && !self.edits.is_empty() {
            self.notes.push(risk::unconstrained_stays(self.ground));
        }
    }

    fn own_sid(&self) -> Result<Sid, Refused> {
        let own = &self.ground.own;
        let sid = own.sid.clone();
        sid.ok_or_else(|| Refused::NoSid(own.account.clone()))
    }

    fn wish_own(&mut self, wish: Wish) {
        let ground = self.ground;
        self.wish(&ground.own, &ground.holding, wish);
    }

    fn wish(&mut self, party: &Party, holding: &Holding, wish: Wish) {
        let mut known = self.edits.iter_mut();
        match known.find(|edit| edit.party.guid == party.guid) {
            Some(edit) => edit.wishes.push(wish),
            None => self.edits.push(Edit {
                party: party.clone(),
                holding: holding.clone(),
                wishes: vec![wish],
            }),
        }
    }

    fn finish(mut self) -> Result<Planned, Refused> {
        let own = self.ground.own.guid;
        self.edits.sort_by_key(|edit| edit.party.guid == own);
        let mut planned = Planned::default();
        for edit in &self.edits {
            let modifications = change(&edit.holding, &edit.wishes)?;
            if !modifications.is_empty() {
                planned
                    .changes
                    .push(self.directory_change(&edit.party, modifications));
            }
        }
        let begins = self.edits.iter().flat_map(|edit| &edit.wishes);
        let mut begins = begins.filter(|wish| match wish {
            Wish::Target(_) => true,
            Wish::Actor(sid) => Some(sid) == self.ground.own.sid.as_ref(),
            _ => false,
        });
        if self.ground.holding.targets.is_empty() && begins.next().is_some() {
            self.notes.push(risk::of_rolls(self.ground));
        }
        planned.notes = self.notes;
        Ok(planned)
    }

    fn directory_change(&self, of: &Party, modifications: Vec<Modification>) -> DirectoryChange {
        DirectoryChange {
            dc: self.ground.dc.clone(),
            target: Target {
                guid: of.guid,
                account: of.account.clone(),
                distinguished_name: of.distinguished_name.clone(),
            },
            modifications,
        }
    }
}

impl Ground {
    fn why_no_descriptor(&self) -> String {
        format!(
            "{} is of functional level {}, and goes by descriptors from {RESOURCE_BASED_FROM} \
             (Windows Server 2012) on",
            self.dc, self.level
        )
    }
}
