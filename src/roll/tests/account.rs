//! An account that nothing speaks against.

use std::time::Duration;

use crate::account::{AccountState, OtherOwners};
use crate::kerberos::salt::{AccountKind, SaltSource};

use super::world::BASE;

pub(super) fn account() -> AccountState {
    AccountState {
        guid: [7; 16],
        distinguished_name: "CN=WEB,CN=Computers,DC=corp,DC=example".to_owned(),
        salt_source: SaltSource {
            kind: AccountKind::Computer,
            realm: "CORP.EXAMPLE".parse().unwrap(),
            sam_account_name: "WEB$".to_owned(),
            user_principal_name: None,
            dns_domain: "corp.example".to_owned(),
        },
        kvno: BASE,
        spns: vec!["HTTP/web.corp.example".to_owned()],
        supported_enctypes: Some(0x10),
        disabled: false,
        locked: false,
        expired: false,
        password_expired: false,
        expires_unix: None,
        password_expires_unix: None,
        protections: Vec::new(),
        hidden: Vec::new(),
        password_set_unix: 0,
        minimum_age_left: Duration::ZERO,
        minimum_length: 7,
        may_reset: false,
        may_write_fence: false,
        fence: None,
        other_owners: OtherOwners::default(),
        delegates: false,
        not_delegated: false,
        protected_user: false,
        delegates_to: Vec::new(),
    }
}
