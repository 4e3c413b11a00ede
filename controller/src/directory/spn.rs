//! SPNs: added one value at a time, each only after a look for other owners.
//!
//! The list is never replaced: two controllers that write the whole list undo each other.

use keyroll::account::{OtherOwner, OtherOwners};
use keyroll::name::DcName;
use keyroll::spn::Aliases;

use super::ActiveDirectory;
use super::account::{Root, named};
use super::connection::Connection;
use super::entry::Entry;
use super::text::{Dn, Filter};
use super::write::add;
use crate::ports::{AccountRef, PortError, SpnHolder, SpnSearch, SpnsFound};

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
        let root = Root::of(&shown, dc)?;
        let owners = self
            .owners(dc, &root, &account.guid, &[spn.to_owned()])
            .await?;
        if let Some(OtherOwner { account, name, .. }) = owners.found.first() {
            let account = account.as_deref().unwrap_or("ACCOUNT");
            return Err(PortError::Refused {
                object: format!("{spn} on {dc}"),
                why: format!("{name} has it; with two owners nobody gets tickets for it"),
                next: format!("setspn -D {spn} \"{account}\", once nothing uses it there"),
            });
        }
        let change = vec![add("servicePrincipalName", spn.as_bytes())];
        self.apply(&mut connection, &shown, dc, account, change)
            .await?;
        self.settled(&mut connection, dc, account, spn).await
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
            next: "find out who else writes servicePrincipalName, then try again".to_owned(),
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

    /// The objects other than `own` that have one of these SPNs.
    ///
    /// The whole forest is looked through where the domain controller is a global catalog, else
    /// its domain.
    pub(super) async fn owners(
        &self,
        dc: &DcName,
        root: &Root,
        own: &[u8; 16],
        spns: &[String],
    ) -> Result<OtherOwners, PortError> {
        self.others(dc, root, Some(own), spns).await
    }

    /// Who has these SPNs, for a person: `svc-web$ (CN=svc-web,...)`.
    pub(super) async fn look_for_owners(
        &self,
        dc: &DcName,
        spns: &[String],
    ) -> Result<Vec<(String, String)>, PortError> {
        let (_, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let owners = self.others(dc, &root, None, spns).await?.found.into_iter();
        let named = owners.map(|owner| {
            let account = owner.account.as_deref().unwrap_or("an object");
            let person = format!("{account} ({})", owner.name);
            (owner.spn, person)
        });
        Ok(named.collect())
    }

    /// Each object but `own` that has one of them.
    async fn others(
        &self,
        dc: &DcName,
        root: &Root,
        own: Option<&[u8; 16]>,
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
            for other in found
                .iter()
                .filter(|entry| own.is_none() || entry.guid().as_ref() != own)
            {
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

    /// Who has which SPNs, in the forest where the domain controller is a global catalog.
    pub(super) async fn search_spns(
        &self,
        dc: &DcName,
        search: &SpnSearch,
    ) -> Result<SpnsFound, PortError> {
        let (_, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let (mut connection, base) = self.widest(dc, &root).await?;
        let attributes = ["objectGUID", "sAMAccountName", SPNS];
        let mut found = SpnsFound {
            forest: base.as_str().is_empty(),
            ..SpnsFound::default()
        };
        for filter in filters(search) {
            let entries = connection.find(&base, &filter, &attributes).await?;
            let holders = entries.iter().flat_map(holders_of);
            found
                .holders
                .extend(holders.filter(|one| is_wanted(search, &one.spn)));
        }
        found.holders.sort();
        found.holders.dedup();
        Ok(found)
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

fn filters(search: &SpnSearch) -> Vec<Filter> {
    match search {
        SpnSearch::All => vec![Filter::begins(SPNS, "")],
        SpnSearch::Some { exact, classes } => {
            let exact = exact
                .chunks(SPNS_AT_ONCE)
                .map(|some| Filter::any_of(some.iter().map(|spn| Filter::equals(SPNS, spn))));
            let classes = classes
                .iter()
                .map(|class| Filter::begins(SPNS, &format!("{class}/")));
            exact.chain(classes).collect()
        }
    }
}

/// An object that was found has other SPNs, too.
fn is_wanted(search: &SpnSearch, spn: &str) -> bool {
    let of_class = |class: &String| {
        spn.split_once('/')
            .is_some_and(|(of, _)| of.eq_ignore_ascii_case(class))
    };
    match search {
        SpnSearch::All => true,
        SpnSearch::Some { exact, classes } => {
            exact.iter().any(|one| one.eq_ignore_ascii_case(spn)) || classes.iter().any(of_class)
        }
    }
}

fn holders_of(entry: &Entry) -> impl Iterator<Item = SpnHolder> {
    let account = entry.text("sAMAccountName").unwrap_or(entry.name());
    entry.texts(SPNS).filter_map(move |spn| {
        Some(SpnHolder {
            spn: spn.to_owned(),
            account: account.to_owned(),
            distinguished_name: entry.name().to_owned(),
            guid: entry.guid()?,
        })
    })
}
