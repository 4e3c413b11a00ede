//! Delegation as the directory shows it: the account's own flags, list and descriptor, and those of
//! others that name it. Every search is paged; none is bound to the first thousand.

mod parties;

use std::collections::{BTreeMap, BTreeSet};

use keyroll::delegation::plan::Service;
use keyroll::delegation::trial::Facts;
use keyroll::delegation::{
    ACTORS, Actor, CONTROL, Control, Front, Holding, Inventory, Party, TARGETS, Target, caller,
};
use keyroll::descriptor::{Descriptor, Sid};
use keyroll::name::DcName;

use self::parties::{Field, Owner, groups_of, party};
use super::ActiveDirectory;
use super::account::{Root, named};
use super::connection::Connection;
use super::entry::Entry;
use super::text::{Dn, Filter};
use crate::ports::{AccountRef, PortError};

/// What makes a [`Party`] of an entry.
const PARTY: [&str; 4] = ["objectGUID", "sAMAccountName", "objectSid", CONTROL];
/// What makes a [`Holding`], and tells what its owner is beside a service.
const HOLDING: [&str; 7] = [
    "objectGUID",
    "sAMAccountName",
    "objectSid",
    CONTROL,
    "adminCount",
    TARGETS,
    ACTORS,
];
/// `sAMAccountType` of users and of computers (MS-ADTS 2.2.15).
const USERS_AND_COMPUTERS: [&str; 2] = ["805306368", "805306369"];
/// Names looked for in one search.
const AT_ONCE: usize = 50;
/// The last part of the SID of a domain's group Protected Users (MS-DTYP 2.4.2.4).
const PROTECTED_USERS: &str = "-525";

impl ActiveDirectory {
    pub(super) async fn read_holding(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<(Party, Holding), PortError> {
        let mut connection = self.connections.live(dc).await?.0;
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &HOLDING, None);
        let entry = look.await.map_err(|error| named(error, account, dc))?;
        let holding = holding(&entry, &format!("{} on {dc}", account.principal))?;
        Ok((party(&entry), holding))
    }

    /// Every SID by which an account may be let in; none if its groups are not shown.
    pub(super) async fn read_caller(
        &self,
        dc: &DcName,
        party: &Party,
    ) -> Result<Option<BTreeSet<Sid>>, PortError> {
        let (mut here, _) = self.connections.live(dc).await?;
        let object = Dn::of_directory(&party.distinguished_name);
        let groups = groups_of(&mut here, &object).await?;
        Ok(groups.map(|groups| caller(party.sid.as_ref(), groups)))
    }

    pub(super) async fn read_service(&self, dc: &DcName, spn: &str) -> Result<Service, PortError> {
        let mut field = self.field(dc).await?;
        let owners = field.owners_of(spn).await?;
        let (mut found, mut names) = (None, Vec::new());
        if let [
            Owner {
                party,
                entry: Some(entry),
            },
        ] = owners.as_slice()
        {
            found = Some(holding(entry, &format!("{} on {dc}", party.account))?);
            names = self.names_of(&mut field, party, &[]).await?;
        }
        Ok(Service {
            spn: spn.to_owned(),
            owners: parties(owners),
            names,
            holding: found,
        })
    }

    pub(super) async fn read_functional_level(&self, dc: &DcName) -> Result<u32, PortError> {
        const LEVEL: &str = "domainControllerFunctionality";
        let (mut here, _) = self.connections.live(dc).await?;
        let root = here.look(&Dn::of_directory(""), &[LEVEL], None).await?;
        Ok(root.bits(LEVEL).unwrap_or_default())
    }

    pub(super) async fn read_delegation(
        &self,
        dc: &DcName,
        account: &AccountRef,
        spns: &[String],
    ) -> Result<Inventory, PortError> {
        let (own, holding) = self.read_holding(dc, account).await?;
        let mut field = self.field(dc).await?;
        let mut targets = Vec::new();
        for spn in &holding.targets {
            let owners = parties(field.owners_of(spn).await?);
            let spn = spn.clone();
            targets.push(Target { spn, owners });
        }
        let spns = self.names_of(&mut field, &own, spns).await?;
        let mut fronts = self.fronts(&mut field.wide, &field.base, &spns).await?;
        // The list may not be among what a global catalog has of other domains' objects, and it
        // may not show all of its own domain's either.
        fronts.extend(self.fronts(&mut field.here, &field.domain, &spns).await?);
        let own_name = &own.distinguished_name;
        fronts.retain(|name, _| name != own_name);
        let (others, in_full) = resources(&mut field.here, &field.domain, &own).await?;
        let unconstrained = unconstrained(&mut field.here, &field.domain).await?;
        let others_than_own = |one: &Party| one.distinguished_name != *own_name;
        Ok(Inventory {
            actors: actors(&mut field, &holding).await?,
            targets,
            fronts: fronts.into_values().collect(),
            resources: others.into_iter().filter(others_than_own).collect(),
            unconstrained: unconstrained.into_iter().filter(others_than_own).collect(),
            whole_forest: field.is_whole_forest(),
            partial: !in_full || is_partial(&mut field.here, &field.domain).await?,
            own,
            holding,
        })
    }

    /// Who lets the account act by a descriptor of their own.
    pub(super) async fn read_resources(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<Vec<String>, PortError> {
        let (mut here, root) = self.connections.live(dc).await?;
        let domain = Root::of(&root, dc)?.domain;
        // Whether its own flags are shown is nothing to a roll.
        let look = here.look(&Dn::of_guid(&account.guid), &PARTY, None).await;
        let own = party(&look.map_err(|error| named(error, account, dc))?);
        let (found, _) = resources(&mut here, &domain, &own).await?;
        Ok(found.into_iter().map(|one| one.account).collect())
    }

    /// Every name under which a list may have the account: the array's, its object's own, and the
    /// ones that those answer for.
    async fn names_of(
        &self,
        field: &mut Field,
        own: &Party,
        spns: &[String],
    ) -> Result<Vec<String>, PortError> {
        const SPNS: &str = "servicePrincipalName";
        let object = Dn::of_guid(&own.guid);
        let look = field.here.look(&object, &[SPNS], None).await?;
        let all = look.texts(SPNS).chain(spns.iter().map(String::as_str));
        let mut all: Vec<String> = all.flat_map(|spn| field.with_aliases(spn)).collect();
        all.sort_by_key(|spn| spn.to_lowercase());
        all.dedup_by_key(|spn| spn.to_lowercase());
        Ok(all)
    }

    async fn fronts(
        &self,
        connection: &mut Connection,
        base: &Dn,
        spns: &[String],
    ) -> Result<BTreeMap<String, Front>, PortError> {
        let mut fronts = BTreeMap::new();
        for some in spns.chunks(AT_ONCE) {
            let filter = Filter::any_of(some.iter().map(|spn| Filter::equals(TARGETS, spn)));
            let attributes = [&PARTY[..], &[TARGETS]].concat();
            for entry in connection.find(base, &filter, &attributes).await? {
                let named = |theirs: &&str| spns.iter().any(|spn| spn.eq_ignore_ascii_case(theirs));
                let front = Front {
                    party: party(&entry),
                    spns: entry
                        .texts(TARGETS)
                        .filter(named)
                        .map(str::to_owned)
                        .collect(),
                };
                fronts.insert(entry.name().to_owned(), front);
            }
        }
        Ok(fronts)
    }

    pub(super) async fn find_party(
        &self,
        dc: &DcName,
        name: &str,
    ) -> Result<Option<(Party, Option<bool>)>, PortError> {
        let (mut here, root) = self.connections.live(dc).await?;
        let domain = Root::of(&root, dc)?.domain;
        let filter = Filter::equals("sAMAccountName", name);
        let found = here.find(&domain, &filter, &PARTY).await?;
        let Some(entry) = found.first() else {
            return Ok(None);
        };
        let groups = groups_of(&mut here, &Dn::of_directory(entry.name())).await?;
        let is_protected = |sid: &Sid| {
            let text = sid.to_string();
            text.starts_with("S-1-5-21-") && text.ends_with(PROTECTED_USERS)
        };
        let protected = groups.map(|groups| groups.iter().any(is_protected));
        Ok(Some((party(entry), protected)))
    }

    /// Whose a SID is, as far as the domain controller sees.
    pub(super) async fn find_sid(
        &self,
        dc: &DcName,
        sid: &Sid,
    ) -> Result<Option<Party>, PortError> {
        owner_of(&mut self.field(dc).await?, sid).await
    }

    pub(super) async fn read_facts(
        &self,
        dc: &DcName,
        account: &AccountRef,
        user: &str,
        spn: &str,
    ) -> Result<Facts, PortError> {
        let (own, holding) = self.read_holding(dc, account).await?;
        let mut field = self.field(dc).await?;
        let owners = field.owners_of(spn).await?;
        let (lets_in, _) = resources(&mut field.here, &field.domain, &own).await?;
        let shows = |owner: &Owner| owner.entry.is_some() && owner.party.control.is_some();
        let seen = owners.iter().all(shows);
        let owners = parties(owners);
        let mut guids = lets_in.iter().map(|one| one.guid);
        let let_in = guids.any(|guid| owners.iter().any(|owner| owner.guid == guid));
        let user = self.find_party(dc, user).await?;
        Ok(Facts {
            let_in: seen.then_some(let_in),
            // Nobody is in no group.
            protected: user
                .as_ref()
                .map_or(Some(false), |(_, protected)| *protected),
            user: user.map(|(party, _)| party),
            target: Target {
                spn: spn.to_owned(),
                owners,
            },
            own,
            holding,
        })
    }
}

/// What an object says, if it may be read: flags are on every user and computer, so where none is
/// shown nothing can be concluded from a descriptor that is not there either.
fn holding(entry: &Entry, object: &str) -> Result<Holding, PortError> {
    let control = entry.bits(CONTROL).ok_or_else(|| PortError::Refused {
        object: object.to_owned(),
        why: format!("{CONTROL} is not shown, so {ACTORS} may be hidden, too"),
        next: "let the controller's account read the property set Account Restrictions there"
            .to_owned(),
    })?;
    Ok(Holding {
        control: Control(control),
        targets: entry.texts(TARGETS).map(str::to_owned).collect(),
        descriptor: entry.values(ACTORS).first().cloned(),
    })
}

fn parties(owners: Vec<Owner>) -> Vec<Party> {
    owners.into_iter().map(|owner| owner.party).collect()
}

/// Whether users or computers of the domain hide their flags from us: what a filter names and we
/// may not read counts as not there.
async fn is_partial(connection: &mut Connection, base: &Dn) -> Result<bool, PortError> {
    let kinds = USERS_AND_COMPUTERS.map(|kind| Filter::equals("sAMAccountType", kind));
    let filter = Filter::all_of([Filter::any_of(kinds), Filter::absent(CONTROL)]);
    connection.any(base, &filter).await
}

/// Who lets the account act by a descriptor of their own, and whether its groups were shown, by
/// which more might.
async fn resources(
    connection: &mut Connection,
    base: &Dn,
    own: &Party,
) -> Result<(Vec<Party>, bool), PortError> {
    // As the KDC sees it: by itself, by a group, or as anybody.
    let object = Dn::of_directory(&own.distinguished_name);
    let groups = groups_of(connection, &object).await?;
    let in_full = groups.is_some();
    let caller = caller(own.sid.as_ref(), groups.unwrap_or_default());
    let attributes = [&PARTY[..], &[ACTORS]].concat();
    let found = connection
        .find(base, &Filter::present(ACTORS), &attributes)
        .await?;
    let lets_in = |entry: &&Entry| {
        let found = entry.values(ACTORS).first();
        let found = found.and_then(|bytes| Descriptor::from_bytes(bytes).ok());
        found.is_some_and(|found| found.lets_act(&caller))
    };
    Ok((found.iter().filter(lets_in).map(party).collect(), in_full))
}

async fn unconstrained(connection: &mut Connection, base: &Dn) -> Result<Vec<Party>, PortError> {
    let filter = Filter::has_bits(CONTROL, Control::UNCONSTRAINED);
    let found = connection.find(base, &filter, &PARTY).await?;
    let parties = found.iter().map(party);
    Ok(parties
        .filter(|one| !one.has(Control::DOMAIN_CONTROLLER))
        .collect())
}

/// Those whom the account's own descriptor lets in, with their accounts where there are any.
async fn actors(field: &mut Field, holding: &Holding) -> Result<Vec<Actor>, PortError> {
    let sids = holding.actors().map(|found| found.actors());
    let mut actors = Vec::new();
    for sid in sids.unwrap_or_default() {
        let party = owner_of(field, &sid).await?;
        actors.push(Actor { sid, party });
    }
    Ok(actors)
}

/// In the domain first: a global catalog may be behind it.
async fn owner_of(field: &mut Field, sid: &Sid) -> Result<Option<Party>, PortError> {
    let filter = Filter::equals_bytes("objectSid", sid.as_bytes());
    let mut found = field.here.find(&field.domain, &filter, &PARTY).await?;
    if found.is_empty() {
        found = field.wide.find(&field.base, &filter, &PARTY).await?;
    }
    Ok(found.first().map(party))
}
