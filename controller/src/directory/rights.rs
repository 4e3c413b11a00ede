//! Reads what the commands that grant rights must name: object, trustee, GUIDs of the schema.

use keyroll::descriptor::Sid;
use keyroll::name::DcName;

use super::ActiveDirectory;
use super::account::Root;
use super::acl::{LeastRights, RightsRequest};
use super::text::{Dn, Filter};
use crate::ports::PortError;

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
}
