//! Delegation as the directory shows it: the account's own flags, list and descriptor, and those of
//! others that name it. Every search is paged; none is bound to the first thousand.

use std::collections::{BTreeMap, BTreeSet};

use keyroll::delegation::plan::Service;
use keyroll::delegation::trial::Facts;
use keyroll::delegation::{
    ACTORS, Actor, CONTROL, Control, Front, Holding, Inventory, Party, TARGETS, Target,
    host_name_of,
};
use keyroll::descriptor::{Descriptor, Sid};
use keyroll::name::DcName;

use super::ActiveDirectory;
use super::account::{Root, named};
use super::connection::Connection;
use super::entry::Entry;
use super::text::{Dn, Filter};
use crate::ports::{AccountRef, PortError};

/// What makes a [`Party`] of an entry.
const PARTY: [&str; 4] = ["objectGUID", "sAMAccountName", "objectSid", CONTROL];
/// Names looked for in one search.
const AT_ONCE: usize = 50;
/// The last part of the SID of a domain's group Protected Users (MS-DTYP 2.4.2.4).
const PROTECTED_USERS: &str = "-525";
/// Whom every caller is (MS-DTYP 2.4.2.4).
const EVERYONE: &str = "S-1-1-0";
const AUTHENTICATED: &str = "S-1-5-11";

impl ActiveDirectory {
    pub(super) async fn read_holding(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<(Party, Holding), PortError> {
        let mut connection = self.connections.live(dc).await?.0;
        let attributes = [&PARTY[..], &[TARGETS, ACTORS]].concat();
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &attributes, None);
        let entry = look.await.map_err(|error| named(error, account, dc))?;
        if entry.is_cut_short(TARGETS) {
            return Err(PortError::Refused {
                object: format!("{} on {dc}", account.principal),
                why: format!("{TARGETS} has more values than the directory shows at once"),
                next: "give the array an account of its own".to_owned(),
            });
        }
        Ok((party(&entry), holding(&entry)))
    }

    pub(super) async fn read_service(&self, dc: &DcName, spn: &str) -> Result<Service, PortError> {
        let (mut here, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let (mut wide, base) = self.widest(dc, &root).await?;
        let owners = owners_of(&mut wide, &base, spn).await?;
        let mut found = None;
        if let [owner] = owners.as_slice() {
            // By a search: an object of another domain is not found, and no referral to be read.
            let filter = Filter::equals_bytes("objectGUID", &owner.guid);
            let attributes = [&PARTY[..], &[TARGETS, ACTORS]].concat();
            let entries = here.find(&root.domain, &filter, &attributes).await?;
            found = entries.first().map(holding);
        }
        Ok(Service {
            spn: spn.to_owned(),
            owners,
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
        let (mut here, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let (mut wide, base) = self.widest(dc, &root).await?;
        let mut targets = Vec::new();
        for spn in &holding.targets {
            let owners = owners_of(&mut wide, &base, spn).await?;
            let spn = spn.clone();
            targets.push(Target { spn, owners });
        }
        let mut fronts = self.fronts(&mut wide, &base, spns).await?;
        // The list may not be among what a global catalog has of other domains' objects, and it
        // may not show all of its own domain's either.
        fronts.extend(self.fronts(&mut here, &root.domain, spns).await?);
        let own_name = &own.distinguished_name;
        fronts.retain(|name, _| name != own_name);
        let others = self.resources(&mut here, &root.domain, &own).await?;
        let unconstrained = unconstrained(&mut here, &root.domain).await?;
        let others_than_own = |one: &Party| one.distinguished_name != *own_name;
        Ok(Inventory {
            actors: actors(&mut here, &root.domain, &holding).await?,
            targets,
            fronts: fronts.into_values().collect(),
            resources: others.into_iter().filter(others_than_own).collect(),
            unconstrained: unconstrained.into_iter().filter(others_than_own).collect(),
            whole_forest: base.as_str().is_empty(),
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
        let (own, _) = self.read_holding(dc, account).await?;
        let (mut here, root) = self.connections.live(dc).await?;
        let domain = Root::of(&root, dc)?.domain;
        let found = self.resources(&mut here, &domain, &own).await?;
        Ok(found.into_iter().map(|one| one.account).collect())
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

    async fn resources(
        &self,
        connection: &mut Connection,
        base: &Dn,
        own: &Party,
    ) -> Result<Vec<Party>, PortError> {
        // As the KDC sees it: by itself, by a group, or as anybody.
        let object = Dn::of_directory(&own.distinguished_name);
        let mut caller = groups_of(connection, &object).await?;
        caller.extend(own.sid.clone());
        caller.extend([EVERYONE, AUTHENTICATED].map(|sid| sid.parse().expect("a well-known SID")));
        let attributes = [&PARTY[..], &[ACTORS]].concat();
        let found = connection
            .find(base, &Filter::present(ACTORS), &attributes)
            .await?;
        let lets_in = |entry: &&Entry| {
            let found = entry.values(ACTORS).first();
            let found = found.and_then(|bytes| Descriptor::from_bytes(bytes).ok());
            found.is_some_and(|found| found.lets_act(&caller))
        };
        Ok(found.iter().filter(lets_in).map(party).collect())
    }

    pub(super) async fn find_party(
        &self,
        dc: &DcName,
        name: &str,
    ) -> Result<Option<(Party, bool)>, PortError> {
        let (mut here, root) = self.connections.live(dc).await?;
        let domain = Root::of(&root, dc)?.domain;
        let filter = Filter::equals("sAMAccountName", name);
        let found = here.find(&domain, &filter, &PARTY).await?;
        let Some(entry) = found.first() else {
            return Ok(None);
        };
        let groups = groups_of(&mut here, &Dn::of_directory(entry.name())).await?;
        let protected = groups.iter().any(|sid| {
            let text = sid.to_string();
            text.starts_with("S-1-5-21-") && text.ends_with(PROTECTED_USERS)
        });
        Ok(Some((party(entry), protected)))
    }

    pub(super) async fn read_facts(
        &self,
        dc: &DcName,
        account: &AccountRef,
        user: &str,
        spn: &str,
    ) -> Result<Facts, PortError> {
        let (own, holding) = self.read_holding(dc, account).await?;
        let (mut here, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let (mut wide, base) = self.widest(dc, &root).await?;
        let owners = owners_of(&mut wide, &base, spn).await?;
        let lets_in = self.resources(&mut here, &root.domain, &own).await?;
        let user = self.find_party(dc, user).await?;
        Ok(Facts {
            let_in: lets_in.iter().any(|one| owners.contains(one)),
            protected: user.as_ref().is_some_and(|(_, protected)| *protected),
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

/// The groups that it is a member of, through others too.
async fn groups_of(connection: &mut Connection, object: &Dn) -> Result<BTreeSet<Sid>, PortError> {
    // Constructed for one object at a time (MS-ADTS 3.1.1.4.5.19).
    let look = connection.look(object, &["tokenGroups"], None).await?;
    let groups = look.values("tokenGroups").iter();
    Ok(groups.filter_map(|sid| Sid::from_bytes(sid)).collect())
}

fn holding(entry: &Entry) -> Holding {
    Holding {
        control: Control(entry.bits(CONTROL).unwrap_or_default()),
        targets: entry.texts(TARGETS).map(str::to_owned).collect(),
        descriptor: entry.values(ACTORS).first().cloned(),
    }
}

fn party(entry: &Entry) -> Party {
    let sid = entry.values("objectSid").first();
    Party {
        guid: entry.guid().unwrap_or_default(),
        account: entry
            .text("sAMAccountName")
            .unwrap_or(entry.name())
            .to_owned(),
        distinguished_name: entry.name().to_owned(),
        sid: sid.and_then(|sid| Sid::from_bytes(sid)),
        control: Control(entry.bits(CONTROL).unwrap_or_default()),
    }
}

/// Who has the SPN, or, where nobody has, the HOST name that stands for it.
async fn owners_of(
    connection: &mut Connection,
    base: &Dn,
    spn: &str,
) -> Result<Vec<Party>, PortError> {
    for name in std::iter::once(spn.to_owned()).chain(host_name_of(spn)) {
        let filter = Filter::equals("servicePrincipalName", &name);
        let found = connection.find(base, &filter, &PARTY).await?;
        if !found.is_empty() {
            return Ok(found.iter().map(party).collect());
        }
    }
    Ok(Vec::new())
}

async fn unconstrained(connection: &mut Connection, base: &Dn) -> Result<Vec<Party>, PortError> {
    let filter = Filter::has_bits(CONTROL, Control::UNCONSTRAINED);
    let found = connection.find(base, &filter, &PARTY).await?;
    let parties = found.iter().map(party);
    Ok(parties
        .filter(|one| !one.control.has(Control::DOMAIN_CONTROLLER))
        .collect())
}

/// Those whom the account's own descriptor lets in, with their accounts where there are any.
async fn actors(
    connection: &mut Connection,
    base: &Dn,
    holding: &Holding,
) -> Result<Vec<Actor>, PortError> {
    let sids = holding.actors().map(|found| found.actors());
    let mut actors = Vec::new();
    for sid in sids.unwrap_or_default() {
        let filter = Filter::equals_bytes("objectSid", sid.as_bytes());
        let found = connection.find(base, &filter, &PARTY).await?;
        actors.push(Actor {
            party: found.first().map(party),
            sid,
        });
    }
    Ok(actors)
}
