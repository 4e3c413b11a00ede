//! `keyroll array create --print-acl`.

use keyroll::account::rights::Grant;
use keyroll::kerberos::salt::AccountKind;
use keyroll_proto::operator as said;

use super::super::Controller;
use super::super::no::No;
use super::words::account_kind;
use crate::directory::acl::RightsRequest;

impl Controller {
    /// What an AD administrator types so that this controller may do its work, and no more.
    /// `may_hear` says whether the caller may hear of an array.
    ///
    /// # Errors
    /// [`No`].
    pub async fn print_acl(
        &self,
        request: &said::PrintAclRequest,
        may_hear: impl Fn(&str) -> bool,
    ) -> Result<said::PrintAclReply, No> {
        // An array's name means its account.
        let account = match self.array(&request.account) {
            Ok(array) if may_hear(array.name.as_str()) => array.account.sam_account_name,
            Ok(_) | Err(_) => request.account.clone(),
        };
        let trustee = match request.trustee.as_str() {
            "" => self.trustee.as_str(),
            given => given,
        };
        let kind = account_kind(&account, &request.account_kind)?;
        let wanted = RightsRequest {
            account: &account,
            trustee,
            kind,
            container: Some(request.container.as_str()).filter(|written| !written.is_empty()),
        };
        let dc = self.writer().await?;
        let rights = self.ports.directory.rights(&dc, &wanted).await?;
        let [on_account, on_container] = [rights.grants(), rights.creation()].map(Lines::of);
        let kind = match kind {
            AccountKind::User => "user",
            AccountKind::Computer => "computer",
        };
        Ok(said::PrintAclReply {
            distinguished_name: rights.account.unwrap_or_default(),
            dsacls: on_account.dsacls,
            samba_tool: on_account.samba_tool,
            why: on_account.why,
            container: rights.container,
            container_dsacls: on_container.dsacls,
            container_samba_tool: on_container.samba_tool,
            container_why: on_container.why,
            account_kind: kind.to_owned(),
        })
    }
}

/// Grants as three lists in one order.
struct Lines {
    dsacls: Vec<String>,
    samba_tool: Vec<String>,
    why: Vec<String>,
}

impl Lines {
    fn of(grants: Vec<Grant>) -> Self {
        Self {
            dsacls: grants.iter().map(|one| one.dsacls.clone()).collect(),
            samba_tool: grants.iter().map(|one| one.samba_tool.clone()).collect(),
            why: grants.into_iter().map(|one| one.why).collect(),
        }
    }
}
