//! Reads what the commands that grant rights must name: object, trustee, GUIDs of the schema. And
//! what the caller may do where it has nothing to do.

use keyroll::account::protection::protected_group;
use keyroll::account::rights::LeastRights;
use keyroll::descriptor::Sid;
use keyroll::doctor::{May, Surplus};
use keyroll::name::DcName;

use super::ActiveDirectory;
use super::account::{Root, named};
use super::acl::RightsRequest;
use super::entry::Entry;
use super::text::{Dn, Filter};
use crate::ports::{AccountRef, PortError};

/// What the caller may do with an object, by the directory's own reckoning (MS-ADTS 3.1.1.4.5.20 to
/// 3.1.1.4.5.22).
const WRITES: &str = "allowedAttributesEffective";
const CHILDREN: &str = "allowedChildClassesEffective";
const DESCRIPTOR: &str = "sDRightsEffective";
/// Bits of it: the owner and the DACL.
const OWNER_OR_DACL: u32 = 1 | 4;
/// What it makes accounts of.
const MADE: [&str; 2] = ["computer", "user"];

impl ActiveDirectory {
    pub(super) async fn read_rights(
        &self,
        dc: &DcName,
        request: &RightsRequest<'_>,
    ) -> Result<LeastRights, PortError> {
        let trustee = request.trustee;
        let (_, container) = self.container(dc, request.kind, request.container).await?;
        let (mut connection, root) = self.connections.live(dc).await?;
        let schema = root.text("schemaNamingContext").map(Dn::of_directory);
        let configuration = root
            .text("configurationNamingContext")
            .map(Dn::of_directory);
        let domain = Root::of(&root, dc)?.domain;
        let missing = |what: String| PortError::Missing {
            object: format!("{what} on {dc}"),
        };
        let by_name = |name: &str| Filter::equals("sAMAccountName", name);
        let found = connection
            .find(&domain, &by_name(request.account), &["objectGUID"])
            .await?;
        let account = found.first().map(|object| object.name().to_owned());
        let found = connection
            .find(&domain, &by_name(trustee), &["objectSid"])
            .await?;
        let holder = found
            .first()
            .and_then(|entry| Sid::from_bytes(entry.values("objectSid").first()?));
        let holder = holder.ok_or_else(|| missing(format!("account {trustee}")))?;
        let fence = &self.settings.fence_attribute;
        let schema = schema.ok_or_else(|| missing("the schema".to_owned()))?;
        let filter = Filter::equals("lDAPDisplayName", fence);
        let found = connection.find(&schema, &filter, &["schemaIDGUID"]).await?;
        let guid = found.first().and_then(|entry| {
            <[u8; 16]>::try_from(entry.values("schemaIDGUID").first()?.as_slice()).ok()
        });
        let guid = guid.ok_or_else(|| missing(format!("attribute {fence}")))?;
        // Every domain has a cross-reference with its NetBIOS name; without one the DNS name does.
        let mut netbios = None;
        if let Some(configuration) = configuration {
            let filter = Filter::equals("nCName", domain.as_str());
            let found = connection
                .find(&configuration, &filter, &["nETBIOSName"])
                .await?;
            netbios = found
                .iter()
                .find_map(|entry| entry.text("nETBIOSName"))
                .map(str::to_owned);
        }
        let netbios = netbios.unwrap_or_else(|| self.settings.domain.clone());
        Ok(LeastRights {
            account,
            container: container.as_str().to_owned(),
            kind: request.kind,
            trustee: format!("{netbios}\\{trustee}"),
            trustee_sid: holder.to_string(),
            fence: (fence.clone(), guid),
        })
    }

    /// What the caller may do with the domain's root and with the container of the account, which
    /// is nothing but to make accounts there; and the administrators' groups that it is in.
    pub(super) async fn read_surplus(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<Vec<Surplus>, PortError> {
        let (mut connection, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &["distinguishedName"], None).await;
        let entry = look.map_err(|error| named(error, account, dc))?;
        let name = entry.text("distinguishedName").unwrap_or(entry.name());
        let container = Dn::of_directory(parent(name));
        let mut found = Vec::new();
        for place in [&root.domain, &container] {
            let attributes = [WRITES, CHILDREN, DESCRIPTOR];
            let entry = connection.look(place, &attributes, None).await?;
            found.push(Surplus {
                place: place.as_str().to_owned(),
                may: rights_of(&entry),
            });
        }
        let groups = root.caller.iter().filter_map(protected_group);
        found.extend(groups.map(|group| Surplus {
            place: group.to_owned(),
            may: vec![May::BeOfIt],
        }));
        Ok(found)
    }
}

/// What an object is below, by its name: the part behind the first comma that is none of a name.
fn parent(name: &str) -> &str {
    let mut escaped = false;
    for (at, c) in name.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => return &name[at + 1..],
            _ => {}
        }
    }
    name
}

fn rights_of(entry: &Entry) -> Vec<May> {
    let mut may = Vec::new();
    if entry.bits(DESCRIPTOR).unwrap_or_default() & OWNER_OR_DACL != 0 {
        may.push(May::TakeRights);
    }
    let is_made = |class: &&str| !MADE.iter().any(|made| made.eq_ignore_ascii_case(class));
    let children = entry.texts(CHILDREN).filter(is_made);
    may.extend(children.map(|class| May::Make(class.to_owned())));
    may.extend(entry.texts(WRITES).map(|name| May::Write(name.to_owned())));
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_of_a_name_ends_no_name() {
        assert_eq!(parent("CN=a,OU=b,DC=c"), "OU=b,DC=c");
        assert_eq!(parent(r"CN=a\,b,OU=c"), "OU=c");
        assert_eq!(parent(r"CN=a\\,OU=c"), "OU=c");
        assert_eq!(parent("DC=c"), "DC=c");
    }

    #[test]
    fn to_make_accounts_is_no_surplus() {
        let entry = Entry::with(&[(CHILDREN, &[b"user", b"Computer"]), (DESCRIPTOR, &[b"0"])]);
        assert_eq!(rights_of(&entry), []);
        let entry = Entry::with(&[
            (CHILDREN, &[b"user", b"group"]),
            (DESCRIPTOR, &[b"4"]),
            (WRITES, &[b"member"]),
        ]);
        let rights = [
            May::TakeRights,
            May::Make("group".to_owned()),
            May::Write("member".to_owned()),
        ];
        assert_eq!(rights_of(&entry), rights);
    }
}
