//! When and where an account was written to, and what domain controllers say of their databases.

use std::collections::{BTreeMap, HashMap};

use keyroll::drift::{self, DcMark, History, Invocation};
use keyroll::name::DcName;
use keyroll::shell::quoted;

use super::ActiveDirectory;
use super::account::named;
use super::connection::Connection;
use super::entry::Entry;
use super::text::{Dn, Filter};
use crate::ports::{AccountRef, PortError};

/// The object of a domain controller's database (MS-ADTS 6.1.1.2.2.1.2.1.1) lies below the
/// object of its server, which knows the host's name.
const DATABASE: &str = "nTDSDSA";
const SERVER: &str = "server";

impl ActiveDirectory {
    pub(super) async fn read_history(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<History, PortError> {
        let (mut connection, root) = self.connections.live(dc).await?;
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &["replPropertyMetaData"], None);
        let entry = look.await.map_err(|error| named(error, account, dc))?;
        let refused = |why: String| PortError::Refused {
            object: format!("{} on {dc}", account.principal),
            why,
            next: format!(
                "keyroll array create --print-acl --account {}",
                quoted(&account.principal.name())
            ),
        };
        let bytes = entry.values("replPropertyMetaData").first();
        let hidden = "its stamps are not shown (replPropertyMetaData): the controller's account \
                      lacks the right to read them";
        let bytes = bytes.ok_or_else(|| refused(hidden.to_owned()))?;
        let stamps = drift::parse(bytes).map_err(|error| refused(error.to_string()))?;
        let configuration = root.text("configurationNamingContext").unwrap_or_default();
        let dcs = databases(&mut connection, configuration).await?;
        Ok(History { stamps, dcs })
    }

    pub(super) async fn read_mark(&self, dc: &DcName) -> Result<DcMark, PortError> {
        let (mut connection, _) = self.connections.live(dc).await?;
        let attributes = ["dsServiceName", "highestCommittedUSN"];
        let root = connection
            .look(&Dn::of_directory(""), &attributes, None)
            .await?;
        let hidden = || PortError::Refused {
            object: dc.to_string(),
            why: "it does not tell the state of its database".to_owned(),
            next: format!(
                "ldapsearch -Y GSSAPI -H ldap://{dc} -s base -b '' dsServiceName \
                 highestCommittedUSN (both are to be shown)"
            ),
        };
        let usn = root.text("highestCommittedUSN");
        let usn = usn.and_then(|text| text.parse().ok()).ok_or_else(hidden)?;
        let database = Dn::of_directory(root.text("dsServiceName").ok_or_else(hidden)?);
        let database = connection.look(&database, &["invocationId"], None).await?;
        let invocation = invocation(&database).ok_or_else(hidden)?;
        Ok(DcMark { invocation, usn })
    }
}

/// The forest's domain controllers by the present lives of their databases.
async fn databases(
    connection: &mut Connection,
    configuration: &str,
) -> Result<BTreeMap<Invocation, DcName>, PortError> {
    let sites = Dn::child("Sites", &Dn::of_directory(configuration));
    let classes = [DATABASE, SERVER].map(|class| Filter::equals("objectClass", class));
    let found = connection
        .find(
            &sites,
            &Filter::any_of(classes),
            &["invocationId", "dNSHostName"],
        )
        .await?;
    Ok(by_invocation(&found))
}

fn by_invocation(found: &[Entry]) -> BTreeMap<Invocation, DcName> {
    let hosts = found.iter().filter_map(|entry| {
        let name = entry.text("dNSHostName")?.parse::<DcName>().ok()?;
        Some((entry.name().to_ascii_lowercase(), name))
    });
    let hosts: HashMap<String, DcName> = hosts.collect();
    let databases = found.iter().filter_map(|entry| {
        let (_, server) = entry.name().split_once(',')?;
        let name = hosts.get(&server.to_ascii_lowercase())?;
        Some((invocation(entry)?, name.clone()))
    });
    databases.collect()
}

fn invocation(database: &Entry) -> Option<Invocation> {
    let bytes = database.values("invocationId").first()?;
    bytes.as_slice().try_into().ok().map(Invocation)
}
