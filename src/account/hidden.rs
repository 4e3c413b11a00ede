//! Attributes that the directory may hide. It leaves out what the caller may not read just as what
//! is not there (MS-ADTS 3.1.1.3.1.3), so whoever judges an account must be told which is which.

use super::AccountState;
use crate::roll::Refusal;
use crate::shell::quoted;

/// `userAccountControl`.
pub const CONTROL: &str = "userAccountControl";
/// `lockoutTime`, where `msDS-User-Account-Control-Computed` does not show the lock either.
pub const LOCKOUT: &str = "lockoutTime";
/// `msDS-User-Account-Control-Computed`.
pub const COMPUTED: &str = "msDS-User-Account-Control-Computed";
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

/// `replPropertyMetaData`: the stamps of all the others.
pub const STAMPS: &str = "replPropertyMetaData";

/// What must be readable for each of these attributes to be known: the attribute, and the
/// schemaIDGUID by which an access control entry names it, the same in every forest (MS-ADA1 to
/// MS-ADA3).
const READ: [(&str, &str, &str); 14] = [
    (CONTROL, CONTROL, "bf967a68-0de6-11d0-a285-00aa003049e2"),
    (LOCKOUT, LOCKOUT, "28630ebf-41d5-11d1-a9c1-0000f80367c1"),
    // An account that was never locked out has none of the former.
    (LOCKOUT, COMPUTED, "2cc4b836-b63f-4940-8d23-ea7acf06af56"),
    (EXPIRES, EXPIRES, "bf967915-0de6-11d0-a285-00aa003049e2"),
    (
        PASSWORD_SET,
        PASSWORD_SET,
        "bf967a0a-0de6-11d0-a285-00aa003049e2",
    ),
    (KVNO, KVNO, "c523e9c0-33b5-4ac8-8923-b57b927f42f6"),
    (ENCTYPES, ENCTYPES, "20119867-1d04-4ab7-9371-cfc3d5df0afd"),
    (SPNS, SPNS, "f3a64788-5306-11d1-a9c5-0000f80367c1"),
    (
        PRINCIPAL_NAME,
        PRINCIPAL_NAME,
        "28630ebb-41d5-11d1-a9c1-0000f80367c1",
    ),
    (GROUPS, GROUPS, "b7c69e6d-2cc7-11d2-854e-00a0c983f608"),
    (CLASS, CLASS, "bf9679e5-0de6-11d0-a285-00aa003049e2"),
    (NAME, NAME, "3e0abfd0-126a-11d0-a060-00aa006c33ed"),
    (WRITABLE, WRITABLE, "9a7ad941-ca53-11d1-bbd0-0080c76670c0"),
    (STAMPS, STAMPS, "281416c0-1968-11d0-a28f-00aa003049e2"),
];

/// What must be readable for these attributes to be known, each by its name and its GUID.
pub(super) fn readable(attributes: &[&str]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = READ.iter().filter(|(of, ..)| attributes.contains(of));
    rows.map(|(_, name, guid)| (*name, *guid))
}

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
             {}), and no entry that denies it",
            each.collect::<Vec<_>>().join(" "),
            quoted(&self.salt_source.sam_account_name)
        )
    }
}
