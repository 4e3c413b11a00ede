//! The settings of a bind with an operator's own credential: sealed by Kerberos, so that it needs
//! no certificate and nothing of the controller's.

use std::time::Duration;

use keyroll::kerberos::Principal;
use keyroll::name::DcName;

use super::config::{DirectorySettings, DomainControllers, Transport};
use super::credential::CredentialSource;

/// As the controller waits by default.
const CONNECT: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);

/// What a bind as `principal` to one domain controller goes by. The domain is that of the
/// principal's realm.
#[must_use]
pub fn settings(
    principal: Principal,
    credential: CredentialSource,
    dc: DcName,
) -> DirectorySettings {
    let realm = principal.realm().clone();
    DirectorySettings {
        domain: realm.dns_domain(),
        realm,
        domain_controllers: DomainControllers::Listed(vec![dc]),
        transport: Transport::Gssapi,
        ca: Vec::new(),
        principal,
        credential,
        prober: None,
        check_bind: "kinit, or say who binds: --bind-as USER, --bind-keytab FILE",
        account_container: None,
        fence_attribute: String::new(),
        connect_timeout: CONNECT,
        write_timeout: WRITE,
        accounts_below: Vec::new(),
        exceptions: Vec::new(),
        forests: Vec::new(),
    }
}
