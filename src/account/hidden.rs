//! Attributes that the directory may hide. It leaves out what the caller may not read just as what
//! is not there (MS-ADTS 3.1.1.3.1.3), so whoever judges an account must be told which is which.

use super::AccountState;
use crate::roll::Refusal;

/// `userAccountControl`.
pub const CONTROL: &str = "userAccountControl";
/// `lockoutTime`, where `msDS-User-Account-Control-Computed` does not show the lock either.
pub const LOCKOUT: &str = "lockoutTime";
/// `accountExpires`.
pub const EXPIRES: &str = "accountExpires";
/// `pwdLastSet`.
pub const PASSWORD_SET: &str = "pwdLastSet";
/// `msDS-KeyVersionNumber`.
pub const KVNO: &str = "msDS-KeyVersionNumber";
/// `msDS-SupportedEncryptionTypes`.
pub const ENCTYPES: &str = "msDS-SupportedEncryptionTypes";
/// `servicePrincipalName`.
pub const SPNS: &str = "servicePrincipalName";
/// `userPrincipalName`.
pub const PRINCIPAL_NAME: &str = "userPrincipalName";
/// `tokenGroups`.
pub const GROUPS: &str = "tokenGroups";
/// `objectClass`.
pub const CLASS: &str = "objectClass";
/// `sAMAccountName`.
pub const NAME: &str = "sAMAccountName";
/// `allowedAttributesEffective`, by which the right to write the fence is seen.
pub const WRITABLE: &str = "allowedAttributesEffective";

/// The code of a refusal of an account of which too little is shown.
pub const ACCOUNT_HIDDEN: &str = "account-hidden";

impl AccountState {
    /// Whether this attribute is hidden from the caller.
    #[must_use]
    pub fn hides(&self, attribute: &str) -> bool {
        self.hidden.contains(&attribute)
    }

    /// The reason against a roll of an account whose SPNs or enctypes are hidden.
    pub(super) fn names_hidden(&self) -> Option<Refusal> {
        let needed = [SPNS, ENCTYPES].into_iter().filter(|one| self.hides(one));
        let needed: Vec<&str> = needed.collect();
        (!needed.is_empty()).then(|| {
            let why = format!(
                "nobody can say for what, and of which kinds, its tickets are ({} is not shown): \
                 the controller's account lacks the right to read that",
                needed.join(", ")
            );
            self.refusal(ACCOUNT_HIDDEN, why, self.let_read(&needed))
        })
    }

    /// What lets the controller's account read these attributes, as a command.
    #[must_use]
    pub fn let_read(&self, attributes: &[&str]) -> String {
        let name = &self.distinguished_name;
        let each = attributes.iter();
        let each = each.map(|one| format!("\"CONTROLLER:RP;{one}\""));
        format!(
            "dsacls \"{name}\" /G {} (CONTROLLER as in keyroll array create --print-acl --account \
             '{}'), and no entry that denies it",
            each.collect::<Vec<_>>().join(" "),
            self.salt_source.sam_account_name
        )
    }
}
