//! Accounts as delegation needs them: whose an SPN is, what more they are, and their groups.

use std::collections::BTreeSet;

use keyroll::account::protection::{Marks, Protection};
use keyroll::delegation::{CONTROL, Control, Party};
use keyroll::descriptor::Sid;
use keyroll::name::DcName;
use keyroll::spn::Aliases;

use super::super::ActiveDirectory;
use super::super::account::Root;
use super::super::connection::Connection;
use super::super::entry::Entry;
use super::super::text::{Dn, Filter};
use super::HOLDING;
use crate::ports::PortError;

const SPNS: &str = "servicePrincipalName";

/// Where accounts are looked for: in the domain, where all of them is shown, and as far as the
/// domain controller sees.
pub(super) struct Field {
    pub(super) here: Connection,
    pub(super) domain: Dn,
    pub(super) wide: Connection,
    pub(super) base: Dn,
    aliases: Aliases,
}

/// The owner of an SPN.
pub(super) struct Owner {
    pub(super) party: Party,
    /// Its object, if that is in the domain.
    pub(super) entry: Option<Entry>,
}

impl ActiveDirectory {
    pub(super) async fn field(&self, dc: &DcName) -> Result<Field, PortError> {
        let (here, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let (wide, base) = self.widest(dc, &root).await?;
        let aliases = self.read_aliases(dc).await.unwrap_or_else(|error| {
            tracing::warn!(%dc, %error, "for what HOST answers: taken as in a new forest");
            Aliases::default()
        });
        Ok(Field {
            here,
            domain: root.domain,
            wide,
            base,
            aliases,
        })
    }
}

impl Field {
    pub(super) fn is_whole_forest(&self) -> bool {
        self.base.as_str().is_empty()
    }

    /// Who has the SPN, or, where nobody has, the name that answers for it.
    pub(super) async fn owners_of(&mut self, spn: &str) -> Result<Vec<Owner>, PortError> {
        for name in std::iter::once(spn.to_owned()).chain(self.answers_for(spn)) {
            let filter = Filter::equals(SPNS, &name);
            let attributes = [&HOLDING[..], &[SPNS]].concat();
            let found = self.wide.find(&self.base, &filter, &attributes).await?;
            if found.is_empty() {
                continue;
            }
            let mut owners = Vec::new();
            for entry in found {
                owners.push(self.owner(entry, &name).await?);
            }
            return Ok(owners);
        }
        Ok(Vec::new())
    }

    fn answers_for(&self, spn: &str) -> Option<String> {
        let (class, rest) = spn.split_once('/')?;
        let of = self.aliases.answers_for(class)?;
        Some(format!("{}/{rest}", of.to_uppercase()))
    }

    /// An SPN, and the ones that it answers for.
    pub(super) fn with_aliases(&self, spn: &str) -> Vec<String> {
        let parts = spn.split_once('/');
        let others = parts.into_iter().flat_map(|(class, rest)| {
            let classes = self.aliases.answered_by(class).iter();
            classes.map(move |class| format!("{class}/{rest}"))
        });
        std::iter::once(spn.to_owned()).chain(others).collect()
    }

    /// What is told of an account in the global catalog is a part of what its domain tells.
    async fn owner(&mut self, seen: Entry, spn: &str) -> Result<Owner, PortError> {
        let guid = seen.guid().unwrap_or_default();
        // By a search: an object of another domain is not found, and no referral to be read.
        let filter = Filter::equals_bytes("objectGUID", &guid);
        let found = self.here.find(&self.domain, &filter, &HOLDING).await?;
        let entry = found.into_iter().next();
        let connection = match entry {
            Some(_) => &mut self.here,
            None => &mut self.wide,
        };
        let told = entry.as_ref().unwrap_or(&seen);
        let groups = groups_of(connection, &Dn::of_directory(told.name())).await?;
        let mut theirs = seen.texts(SPNS);
        let found_by = theirs.find(|one| one.eq_ignore_ascii_case(spn));
        let party = Party {
            found_by: found_by.map(str::to_owned),
            ..marked(told, groups.as_ref())
        };
        Ok(Owner { party, entry })
    }
}

/// The groups that it is a member of, through others too; none if they are not shown, since
/// everybody is in one.
pub(super) async fn groups_of(
    connection: &mut Connection,
    object: &Dn,
) -> Result<Option<BTreeSet<Sid>>, PortError> {
    // Constructed for one object at a time (MS-ADTS 3.1.1.4.5.19).
    let look = match connection.look(object, &["tokenGroups"], None).await {
        Err(PortError::Missing { .. }) => return Ok(None),
        look => look?,
    };
    let groups = look.values("tokenGroups").iter();
    let groups: BTreeSet<Sid> = groups.filter_map(|sid| Sid::from_bytes(sid)).collect();
    Ok(Some(groups).filter(|groups| !groups.is_empty()))
}

pub(super) fn party(entry: &Entry) -> Party {
    let sid = entry.values("objectSid").first();
    Party {
        guid: entry.guid().unwrap_or_default(),
        account: entry
            .text("sAMAccountName")
            .unwrap_or(entry.name())
            .to_owned(),
        distinguished_name: entry.name().to_owned(),
        sid: sid.and_then(|sid| Sid::from_bytes(sid)),
        control: entry.bits(CONTROL).map(Control),
        protections: Vec::new(),
        found_by: None,
        hidden: false,
    }
}

/// The same, with what it is beside a service.
fn marked(entry: &Entry, groups: Option<&BTreeSet<Sid>>) -> Party {
    let party = party(entry);
    let groups: Vec<Sid> = groups.into_iter().flatten().cloned().collect();
    let marks = Marks {
        account: &party.account,
        sid: party.sid.as_ref(),
        // A global catalog may not have it; who counts is in a group.
        admin_count: Some(entry.number("adminCount").unwrap_or_default() > 0),
        control: party.control.map(|control| control.0),
        groups: &groups,
        secondary_kdc: false,
        distinguished_name: entry.name(),
    };
    let is_hidden = |mark: &Protection| matches!(mark, Protection::Hidden(_));
    let (hidden, protections): (Vec<_>, Vec<_>) =
        marks.protections([]).into_iter().partition(is_hidden);
    Party {
        protections,
        hidden: !hidden.is_empty(),
        ..party
    }
}
