//! The least that the controller's account must be allowed, as commands for an administrator.
//!
//! Each right is on one object and to one attribute or control access right. Together they let the
//! holder reset this account's password and name its services, and nothing else: no other
//! account, no group, no other attribute (`tests/directory/rights.rs`). Those to make accounts are
//! on one container, and the same on what is in it.

use keyroll::kerberos::salt::AccountKind;

use super::text::Guid;

/// Which rights are asked for.
#[derive(Debug, Clone, Copy)]
pub struct RightsRequest<'a> {
    /// The account, by sAMAccountName; it need not be there yet.
    pub account: &'a str,
    /// Who gets the rights, by sAMAccountName.
    pub trustee: &'a str,
    /// What kind of account would be made.
    pub kind: AccountKind,
    /// Where it would be made; `None`: where accounts of its kind are made by default.
    pub container: Option<&'a str>,
}

/// For which account and container the rights are, and who gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeastRights {
    /// The account's distinguished name, if there is such an account.
    pub account: Option<String>,
    /// The container's.
    pub container: String,
    /// The kind of account that is made there.
    pub kind: AccountKind,
    /// Who gets the rights, as `dsacls` names it: `CORP\svc-keyroll`.
    pub trustee: String,
    /// The same by its SID, as SDDL names it.
    pub trustee_sid: String,
    /// The fence attribute's name and the GUID of its schema object.
    pub fence: (String, [u8; 16]),
}

/// One right: two ways to grant it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// For a Windows domain.
    pub dsacls: String,
    /// For a Samba domain.
    pub samba_tool: String,
    /// What breaks without it.
    pub why: String,
}

/// `User-Force-Change-Password` (MS-ADTS 5.1.3.2.1).
const RESET_PASSWORD: &str = "00299570-246d-11d0-a768-00aa006e0529";
/// schemaIDGUIDs, the same in every forest (MS-ADA3).
const SERVICE_PRINCIPAL_NAME: &str = "f3a64788-5306-11d1-a9c5-0000f80367c1";
const SUPPORTED_ENCRYPTION_TYPES: &str = "20119867-1d04-4ab7-9371-cfc3d5df0afd";
const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
const COMPUTER: &str = "bf967a86-0de6-11d0-a285-00aa003049e2";

/// One right on an account: as dsacls names it, as SDDL does, to what by GUID, and why.
struct Right {
    dsacls: String,
    sddl: &'static str,
    guid: String,
    why: String,
}

impl LeastRights {
    /// The rights on the account, most needed first; none if there is no account yet. The last is
    /// needed at the set-up only and may be taken away again.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let Some(account) = &self.account else {
            return Vec::new();
        };
        let grant = |right: Right| {
            let sddl = format!("OA;;{};{};", right.sddl, right.guid);
            self.grant(account, "", &right.dsacls, &sddl, right.why)
        };
        self.rights().into_iter().map(grant).collect()
    }

    /// The rights on the container with which accounts of this kind are made in it, and kept:
    /// whoever makes an object may not therefore set its password later.
    #[must_use]
    pub fn creation(&self) -> Vec<Grant> {
        let (class, guid) = match self.kind {
            AccountKind::User => ("user", USER),
            AccountKind::Computer => ("computer", COMPUTER),
        };
        let container = &self.container;
        let create = self.grant(
            container,
            "",
            &format!("CC;{class}"),
            &format!("OA;;CC;{guid};"),
            format!("makes accounts of the class {class} there"),
        );
        let inherited = |right: Right| {
            // On what is in the container, not on the container itself.
            let dsacls = format!("{};{class}", right.dsacls);
            let sddl = format!("OA;CIIO;{};{};{guid}", right.sddl, right.guid);
            let why = format!("on every {class} in it: {}", right.why);
            self.grant(container, "/I:S ", &dsacls, &sddl, why)
        };
        let rights = self.rights().into_iter().map(inherited);
        std::iter::once(create).chain(rights).collect()
    }

    fn rights(&self) -> [Right; 4] {
        let (fence, fence_guid) = &self.fence;
        [
            Right {
                dsacls: "CA;Reset Password".to_owned(),
                sddl: "CR",
                guid: RESET_PASSWORD.to_owned(),
                why: "sets a new password while the minimum password age forbids a change, or \
                      when the old one is not known"
                    .to_owned(),
            },
            Right {
                dsacls: format!("WP;{fence}"),
                sddl: "WP",
                guid: Guid(*fence_guid).to_string(),
                why: format!(
                    "writes {fence} in the same step as a reset, so that a repeated or late \
                     request cannot reset the password a second time"
                ),
            },
            Right {
                dsacls: "WP;servicePrincipalName".to_owned(),
                sddl: "WP",
                guid: SERVICE_PRINCIPAL_NAME.to_owned(),
                why: "registers and removes the array's SPNs".to_owned(),
            },
            Right {
                dsacls: "WP;msDS-SupportedEncryptionTypes".to_owned(),
                sddl: "WP",
                guid: SUPPORTED_ENCRYPTION_TYPES.to_owned(),
                why: "has the KDC issue AES tickets; only needed at the set-up, and not at all if \
                      the attribute is set already"
                    .to_owned(),
            },
        ]
    }

    fn grant(&self, object: &str, scope: &str, dsacls: &str, sddl: &str, why: String) -> Grant {
        Grant {
            dsacls: format!(
                "dsacls {} {scope}/G {}",
                for_windows(object),
                for_windows(&format!("{}:{dsacls}", self.trustee))
            ),
            samba_tool: format!(
                "samba-tool dsacl set --objectdn={} --sddl='({sddl};{})'",
                for_shell(object),
                self.trustee_sid
            ),
            why,
        }
    }
}

/// Quoted for a POSIX shell.
fn for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Quoted for cmd.exe, where a name cannot hold a quotation mark in any way that dsacls reads.
fn for_windows(text: &str) -> String {
    format!("\"{}\"", text.replace('"', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(object: &str) -> LeastRights {
        LeastRights {
            account: Some(object.to_owned()),
            container: object.to_owned(),
            kind: AccountKind::Computer,
            trustee: "CORP\\svc-keyroll".to_owned(),
            trustee_sid: "S-1-5-21-1-2-3-1104".to_owned(),
            fence: (
                "adminDescription".to_owned(),
                [
                    0x19, 0x79, 0x96, 0xbf, 0xe6, 0x0d, 0xd0, 0x11, 0xa2, 0x85, 0, 0xaa, 0, 0x30,
                    0x49, 0xe2,
                ],
            ),
        }
    }

    #[test]
    fn commands_are_ready_to_type() {
        let grants = rights("CN=web,OU=Services,DC=corp,DC=example").grants();
        assert_eq!(
            grants[0].dsacls,
            "dsacls \"CN=web,OU=Services,DC=corp,DC=example\" \
             /G \"CORP\\svc-keyroll:CA;Reset Password\""
        );
        assert_eq!(
            grants[1].samba_tool,
            "samba-tool dsacl set --objectdn='CN=web,OU=Services,DC=corp,DC=example' \
             --sddl='(OA;;WP;bf967919-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-1104)'"
        );
        assert_eq!(grants.len(), 4);
    }

    #[test]
    fn a_container_lets_accounts_of_one_kind_be_made_and_kept() {
        let mut rights = rights("OU=Arrays,DC=corp,DC=example");
        rights.account = None;
        assert_eq!(rights.grants(), []);
        let grants = rights.creation();
        assert_eq!(
            grants[0].dsacls,
            "dsacls \"OU=Arrays,DC=corp,DC=example\" /G \"CORP\\svc-keyroll:CC;computer\""
        );
        assert_eq!(
            grants[1].dsacls,
            "dsacls \"OU=Arrays,DC=corp,DC=example\" /I:S \
             /G \"CORP\\svc-keyroll:CA;Reset Password;computer\""
        );
        assert_eq!(
            grants[1].samba_tool,
            "samba-tool dsacl set --objectdn='OU=Arrays,DC=corp,DC=example' \
             --sddl='(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;\
             bf967a86-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)'"
        );
        assert_eq!(grants.len(), 5);
        rights.kind = AccountKind::User;
        let all = rights.creation();
        assert!(all.iter().all(|one| one.samba_tool.contains("bf967aba-")));
    }

    #[test]
    fn a_name_cannot_end_its_quotation() {
        let rights = rights("CN=a' ; reboot \" ,DC=x");
        for grant in rights.grants().into_iter().chain(rights.creation()) {
            assert!(grant.samba_tool.contains("'CN=a'\\'' ; reboot \" ,DC=x'"));
            assert_eq!(grant.dsacls.matches('"').count(), 4);
        }
    }
}
