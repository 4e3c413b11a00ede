//! SPNs: added one value at a time, each only after a look for other owners.
//!
//! The list is never replaced: two controllers that write the whole list undo each other.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use keyroll::account::{OtherOwner, OtherOwners};
use keyroll::name::DcName;
use keyroll::shell::{powershell_word, quoted};
use keyroll::spn::Aliases;

use super::ActiveDirectory;
use super::account::{Root, named};
use super::connection::Connection;
use super::discovery;
use super::entry::Entry;
use super::text::{Dn, Filter};
use super::write::add;
use crate::ports::{AccountRef, ForestUnseen, PortError, SpnHolder, SpnSearch, SpnsFound};

const SPNS: &str = "servicePrincipalName";

/// SPNs looked for in one search, so that no filter grows without end.
const SPNS_AT_ONCE: usize = 50;

impl ActiveDirectory {
    pub(super) async fn put_spn(
        &self,
        dc: &DcName,
        account: &AccountRef,
        spn: &str,
    ) -> Result<(), PortError> {
        let (mut connection, shown) = self.connections.live(dc).await?;
        if self.has_spn(&mut connection, dc, account, spn).await? {
            return Ok(());
        }
        if let Some(other) = self.other_owner(dc, account, spn).await? {
            return Err(PortError::Refused {
                object: format!("{spn} on {dc}"),
                why: format!(
                    "{} has it; with two owners nobody gets tickets for it",
                    other.shown()
                ),
                next: other.taken_away(),
            });
        }
        let change = vec![add("servicePrincipalName", spn.as_bytes())];
        let applied = self.apply(&mut connection, &shown, dc, account, change);
        applied.await.map_err(|error| not_registered(error, spn))?;
        self.settled(&mut connection, dc, account, spn).await
    }

    async fn other_owner(
        &self,
        dc: &DcName,
        account: &AccountRef,
        spn: &str,
    ) -> Result<Option<SpnHolder>, PortError> {
        let search = SpnSearch::Some {
            exact: vec![spn.to_owned()],
            classes: Vec::new(),
            hosts: Vec::new(),
        };
        let mut holders = self.search_spns(dc, &search).await?.holders.into_iter();
        Ok(holders.find(|one| one.guid != account.guid))
    }

    /// Another controller's write of the whole list may have undone ours in between.
    async fn settled(
        &self,
        connection: &mut Connection,
        dc: &DcName,
        account: &AccountRef,
        spn: &str,
    ) -> Result<(), PortError> {
        if self.has_spn(connection, dc, account, spn).await? {
            return Ok(());
        }
        Err(PortError::Refused {
            object: format!("{} on {dc}", account.principal),
            why: format!("{spn} was written, and somebody undid it at once"),
            next: format!(
                "samba-tool spn list {0} (or setspn -L {0}; event 5136 of the domain controllers \
                 tells who else writes servicePrincipalName)",
                quoted(&account.principal.name())
            ),
        })
    }

    async fn has_spn(
        &self,
        connection: &mut Connection,
        dc: &DcName,
        account: &AccountRef,
        spn: &str,
    ) -> Result<bool, PortError> {
        let object = Dn::of_guid(&account.guid);
        let entry = connection
            .look(&object, &["servicePrincipalName"], None)
            .await;
        let entry = entry.map_err(|error| named(error, account, dc))?;
        let mut present = entry.texts("servicePrincipalName");
        Ok(present.any(|present| present.eq_ignore_ascii_case(spn)))
    }

    /// Who has these SPNs, for a person: `svc-web$ (CN=svc-web,...)`; in other forests too, as far
    /// as they answer.
    pub(super) async fn look_for_owners(
        &self,
        dc: &DcName,
        spns: &[String],
    ) -> Result<Vec<(String, String)>, PortError> {
        let search = SpnSearch::Some {
            exact: spns.to_vec(),
            classes: Vec::new(),
            hosts: Vec::new(),
        };
        let found = self.search_spns(dc, &search).await?;
        for ForestUnseen { forest, why, .. } in &found.unseen {
            tracing::warn!(%forest, %why, "another forest is not looked through for owners");
        }
        let named = found.holders.into_iter().filter_map(|one| {
            let ours = spns.iter().find(|spn| spn.eq_ignore_ascii_case(&one.spn))?;
            Some((ours.clone(), one.shown()))
        });
        Ok(named.collect())
    }

    /// The objects other than `own` that have one of these SPNs.
    ///
    /// The whole forest is looked through where the domain controller is a global catalog, else
    /// its domain.
    pub(super) async fn owners(
        &self,
        dc: &DcName,
        root: &Root,
        own: (&[u8; 16], &str),
        spns: &[String],
    ) -> Result<OtherOwners, PortError> {
        if spns.is_empty() {
            return Ok(OtherOwners::default());
        }
        let (mut connection, base) = self.widest(dc, root).await?;
        let mut owners = Vec::new();
        for some in spns.chunks(SPNS_AT_ONCE) {
            let filters = some
                .iter()
                .map(|spn| Filter::equals("servicePrincipalName", spn));
            let filter = Filter::any_of(filters);
            let attributes = ["objectGUID", "sAMAccountName", "servicePrincipalName"];
            let found = connection.find(&base, &filter, &attributes).await?;
            let (guid, name) = own;
            let is_own = |entry: &Entry| {
                entry.guid().as_ref() == Some(guid) || entry.name().eq_ignore_ascii_case(name)
            };
            for other in found.iter().filter(|entry| !is_own(entry)) {
                let account = other.text("sAMAccountName");
                for theirs in other.texts("servicePrincipalName") {
                    let ours = some.iter().find(|spn| spn.eq_ignore_ascii_case(theirs));
                    owners.extend(ours.map(|ours| OtherOwner {
                        spn: ours.clone(),
                        account: account.map(str::to_owned),
                        name: other.name().to_owned(),
                    }));
                }
            }
        }
        owners.sort();
        Ok(OtherOwners {
            forest: base.as_str().is_empty(),
            found: owners,
        })
    }

    /// Who has which SPNs: in the forest where the domain controller is a global catalog, and in
    /// every other forest that was named.
    pub(super) async fn search_spns(
        &self,
        dc: &DcName,
        search: &SpnSearch,
    ) -> Result<SpnsFound, PortError> {
        let here = async {
            let (_, root) = self.connections.live(dc).await?;
            let root = Root::of(&root, dc)?;
            let (mut connection, base) = self.widest(dc, &root).await?;
            let mut holders = found_in(&mut connection, &base, search).await?;
            let mut forest = base.as_str().is_empty();
            if !forest && let Some(others) = self.other_domains(dc, &base, search).await {
                holders.extend(others);
                forest = true;
            }
            Ok::<_, PortError>((holders, forest))
        };
        let elsewhere = join_all(self.forests.iter().map(|forest| forest.search(search)));
        let (here, elsewhere) = join(here, elsewhere).await;
        let (holders, forest) = here?;
        // A domain of this forest may be set as if it were another one.
        let own: BTreeSet<[u8; 16]> = holders.iter().map(|one| one.guid).collect();
        let mut found = SpnsFound {
            holders,
            forest,
            ..SpnsFound::default()
        };
        for (forest, searched) in self.forests.iter().zip(elsewhere) {
            match searched {
                Ok(holders) => {
                    let others = holders.into_iter().filter(|one| !own.contains(&one.guid));
                    found.holders.extend(others);
                    found.others.push(forest.name().to_owned());
                }
                Err(unseen) => found.unseen.push(unseen),
            }
        }
        found.holders.sort();
        found.holders.dedup();
        Ok(found)
    }

    /// Who has which SPNs in the other domains of the forest, by the first domain controller with a
    /// global catalog that answers. Of our own, the one that is written to knows more.
    async fn other_domains(
        &self,
        writer: &DcName,
        own: &Dn,
        search: &SpnSearch,
    ) -> Option<Vec<SpnHolder>> {
        let dcs = discovery::domain_controllers(&self.settings).await.ok()?;
        for dc in dcs.iter().filter(|dc| *dc != writer) {
            let found = async {
                let (_, root) = self.connections.live(dc).await?;
                let (mut catalog, base) = self.widest(dc, &Root::of(&root, dc)?).await?;
                let is_forest = base.as_str().is_empty();
                let holders = found_in(&mut catalog, &base, search).await?;
                Ok::<_, PortError>(is_forest.then_some(holders))
            };
            if let Ok(Some(mut holders)) = found.await {
                holders.retain(|one| !is_below(&one.distinguished_name, own));
                return Some(holders);
            }
        }
        None
    }

    /// `sPNMappings` of the forest.
    pub(super) async fn read_aliases(&self, dc: &DcName) -> Result<Aliases, PortError> {
        const MAPPINGS: &str = "sPNMappings";
        let (mut connection, root) = self.connections.live(dc).await?;
        let configuration = root.text("configurationNamingContext");
        let configuration = configuration.ok_or_else(|| PortError::Missing {
            object: format!("the configuration on {dc}"),
        })?;
        let place = format!("CN=Directory Service,CN=Windows NT,CN=Services,{configuration}");
        let place = Dn::of_directory(&place);
        let entry = connection.look(&place, &[MAPPINGS], None).await?;
        if entry.values(MAPPINGS).is_empty() {
            return Err(PortError::Missing {
                object: format!("{MAPPINGS} of {place}"),
            });
        }
        Ok(Aliases::parse(entry.texts(MAPPINGS)))
    }
}

/// Whether an object is one of this domain, and not of a child of it.
fn is_below(distinguished_name: &str, domain: &Dn) -> bool {
    let (name, domain) = (
        distinguished_name.to_lowercase(),
        domain.as_str().to_lowercase(),
    );
    let place = name.strip_suffix(&domain);
    place.is_some_and(|place| place.ends_with(',') && !place.contains(",dc="))
}

/// A domain controller that refuses a value knows an owner who was not shown, or takes no such
/// name.
fn not_registered(error: PortError, spn: &str) -> PortError {
    match error {
        PortError::Refused { object, why, next } if next.is_empty() => PortError::Refused {
            object: format!("{spn} of {object}"),
            why,
            next: format!(
                "setspn -F -Q {} (an owner whom the controller's account cannot see)",
                powershell_word(spn)
            ),
        },
        other => other,
    }
}

/// Who has which SPNs below `base`.
pub(super) async fn found_in(
    connection: &mut Connection,
    base: &Dn,
    search: &SpnSearch,
) -> Result<Vec<SpnHolder>, PortError> {
    let attributes = ["objectGUID", "sAMAccountName", SPNS];
    let mut found = Vec::new();
    for filter in filters(search) {
        let entries = connection.find(base, &filter, &attributes).await?;
        for entry in &entries {
            let holders = holders_of(entry)?;
            found.extend(holders.filter(|one| is_wanted(search, &one.spn)));
        }
    }
    Ok(found)
}

fn filters(search: &SpnSearch) -> Vec<Filter> {
    match search {
        SpnSearch::All => vec![Filter::begins(SPNS, "")],
        SpnSearch::Some {
            exact,
            classes,
            hosts,
        } => {
            let exact = exact
                .chunks(SPNS_AT_ONCE)
                .map(|some| Filter::any_of(some.iter().map(|spn| Filter::equals(SPNS, spn))));
            let classes = classes
                .iter()
                .map(|class| Filter::begins(SPNS, &format!("{class}/")));
            // Whatever its class looks like.
            let of_host = |host: &String| Filter::holds(SPNS, &format!("/{host}"));
            let hosts = hosts
                .chunks(SPNS_AT_ONCE)
                .map(|some| Filter::any_of(some.iter().map(of_host)));
            exact.chain(classes).chain(hosts).collect()
        }
    }
}

/// An object that was found has other SPNs, too.
fn is_wanted(search: &SpnSearch, spn: &str) -> bool {
    let of_class = |class: &String| {
        spn.split_once('/')
            .is_some_and(|(of, _)| of.eq_ignore_ascii_case(class))
    };
    let of_host = |host: &String| {
        let (spn, host) = (spn.to_lowercase(), host.to_lowercase());
        { spn.split_once('/') }.is_some_and(|(_, of)| of.starts_with(&host))
    };
    match search {
        SpnSearch::All => true,
        SpnSearch::Some {
            exact,
            classes,
            hosts,
        } => {
            exact.iter().any(|one| one.eq_ignore_ascii_case(spn))
                || classes.iter().any(of_class)
                || hosts.iter().any(of_host)
        }
    }
}

/// Whoever has an SPN and cannot be told from others stands in the way of every answer: to pass it
/// over would be to say that nobody else has the name.
fn holders_of(entry: &Entry) -> Result<impl Iterator<Item = SpnHolder>, PortError> {
    let guid = entry.guid().ok_or_else(|| PortError::Refused {
        object: entry.name().to_owned(),
        why: "it has SPNs, and its objectGUID cannot be read".to_owned(),
        next: format!("dsacls {} (who is denied to read it)", quoted(entry.name())),
    })?;
    let account = entry.text("sAMAccountName").unwrap_or(entry.name());
    Ok(entry.texts(SPNS).map(move |spn| SpnHolder {
        spn: spn.to_owned(),
        account: account.to_owned(),
        distinguished_name: entry.name().to_owned(),
        guid,
        forest: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_looks_like_another_is_found_by_its_host() {
        let search = SpnSearch::Some {
            exact: Vec::new(),
            classes: vec!["HTTP".to_owned()],
            hosts: vec!["web.corp.example".to_owned()],
        };
        let sent: Vec<_> = filters(&search)
            .iter()
            .map(|filter| filter.as_str().to_owned())
            .collect();
        assert_eq!(
            sent,
            [
                "(servicePrincipalName=HTTP\\2f*)",
                "(|(servicePrincipalName=*\\2fweb\\2ecorp\\2eexample*))"
            ]
        );
        for (spn, wanted) in [
            ("http/other", true),
            ("H\u{422}TP/Web.corp.example:80", true),
            ("HT\u{200b}TP/web.corp.example", true),
            ("ldap/other", false),
            ("web.corp.example", false),
        ] {
            assert_eq!(is_wanted(&search, spn), wanted, "{spn}");
        }
    }

    #[test]
    fn of_the_own_domain_is_what_is_in_no_child_of_it() {
        let own = Dn::of_directory("DC=corp,DC=example");
        for (name, below) in [
            ("CN=svc,CN=Users,DC=corp,DC=example", true),
            ("cn=svc,ou=a,dc=Corp,dc=example", true),
            ("CN=svc,CN=Users,DC=eu,DC=corp,DC=example", false),
            ("CN=svc,CN=Users,DC=bcorp,DC=example", false),
            ("CN=svc,CN=Users,DC=xDC=corp,DC=example", false),
        ] {
            assert_eq!(is_below(name, &own), below, "{name}");
        }
    }
}
