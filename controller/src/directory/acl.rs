//! The least that the controller's account must be allowed, as commands for an administrator.
//!
//! Each right is on one object and to one attribute or control access right. Together they let the
//! holder reset this account's password and name its services, and nothing else: no other
//! account, no group, no other attribute (`tests/directory.rs`, *least privilege*).

use super::text::Guid;

/// For which account the rights are, and who gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The account's distinguished name.
    pub object: String,
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

impl Delegation {
    /// The rights, most needed first. The last is needed at the set-up only and may be taken away
    /// again.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let (fence, fence_guid) = &self.fence;
        vec![
            self.grant(
                ("CA;Reset Password", "CR", RESET_PASSWORD),
                "sets a new password while the minimum password age forbids a change, or when the \
                 old one is not known"
                    .to_owned(),
            ),
            self.grant(
                (&format!("WP;{fence}"), "WP", &Guid(*fence_guid).to_string()),
                format!(
                    "writes {fence} in the same step as a reset, so that a repeated or late \
                     request cannot reset the password a second time"
                ),
            ),
            self.grant(
                ("WP;servicePrincipalName", "WP", SERVICE_PRINCIPAL_NAME),
                "registers and removes the array's SPNs".to_owned(),
            ),
            self.grant(
                (
                    "WP;msDS-SupportedEncryptionTypes",
                    "WP",
                    SUPPORTED_ENCRYPTION_TYPES,
                ),
                "has the KDC issue AES tickets; only needed at the set-up, and not at all if the \
                 attribute is set already"
                    .to_owned(),
            ),
        ]
    }

    fn grant(&self, (dsacls, right, guid): (&str, &str, &str), why: String) -> Grant {
        let sid = &self.trustee_sid;
        Grant {
            dsacls: format!(
                "dsacls {} /G {}",
                for_windows(&self.object),
                for_windows(&format!("{}:{dsacls}", self.trustee))
            ),
            samba_tool: format!(
                "samba-tool dsacl set --objectdn={} --sddl='(OA;;{right};{guid};;{sid})'",
                for_shell(&self.object)
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

    fn delegation(object: &str) -> Delegation {
        Delegation {
            object: object.to_owned(),
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
        let grants = delegation("CN=web,OU=Services,DC=corp,DC=example").grants();
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
    fn a_name_cannot_end_its_quotation() {
        for grant in delegation("CN=a' ; reboot \" ,DC=x").grants() {
            assert!(grant.samba_tool.contains("'CN=a'\\'' ; reboot \" ,DC=x'"));
            assert_eq!(grant.dsacls.matches('"').count(), 4);
        }
    }
}
