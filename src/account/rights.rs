//! The least that the controller's account must be allowed, as commands for an administrator.
//!
//! Each is on one object and to single attributes or a control access right. Together they let the
//! holder see whether this account is out of bounds, reset its password and name its services, and
//! nothing else: no other account, no group, no other attribute (`tests/directory/rights.rs`).
//! Those to make accounts are on one container, and the same on what is in it.

use super::hidden;
use crate::descriptor::Guid;
use crate::kerberos::salt::AccountKind;
use crate::shell::quoted;

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

/// What an administrator types for one reason, in two ways.
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
/// schemaIDGUIDs, the same in every forest (MS-ADA1, MS-ADA3).
const TOKEN_GROUPS: &str = "b7c69e6d-2cc7-11d2-854e-00a0c983f608";
const USER_ACCOUNT_CONTROL: &str = "bf967a68-0de6-11d0-a285-00aa003049e2";
const ADMIN_COUNT: &str = "bf967918-0de6-11d0-a285-00aa003049e2";
const OBJECT_SID: &str = "bf9679e8-0de6-11d0-a285-00aa003049e2";
const SERVICE_PRINCIPAL_NAME: &str = "f3a64788-5306-11d1-a9c5-0000f80367c1";
const SUPPORTED_ENCRYPTION_TYPES: &str = "20119867-1d04-4ab7-9371-cfc3d5df0afd";
const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
const COMPUTER: &str = "bf967a86-0de6-11d0-a285-00aa003049e2";

/// Rights on an account that are granted for one reason.
struct Wanted {
    rights: Vec<Right>,
    why: String,
}

/// One of them: its letters, the same for dsacls and SDDL but for control access rights, and to
/// what, by name and by GUID; both empty for the object as a whole.
struct Right {
    letters: &'static str,
    to: String,
    guid: String,
}

impl Right {
    fn new(letters: &'static str, to: &str, guid: &str) -> Self {
        let (to, guid) = (to.to_owned(), guid.to_owned());
        Self { letters, to, guid }
    }

    /// As dsacls reads it, for objects of a class where it is to be inherited.
    fn dsacls(&self, class: &str) -> String {
        let parts = [self.letters, &self.to, class].join(";");
        parts.trim_end_matches(';').to_owned()
    }

    /// An entry but for whom it speaks of; `inherited` is the GUID of the class of objects below.
    fn sddl(&self, inherited: &str) -> String {
        let letters = match self.letters {
            "CA" => "CR",
            letters => letters,
        };
        let flags = if inherited.is_empty() { "" } else { "CIIO" };
        format!("OA;{flags};{letters};{};{inherited}", self.guid)
    }
}

impl LeastRights {
    /// The rights on the account, most needed first; none if there is no account yet. The last is
    /// needed at the set-up only and may be taken away again.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let Some(account) = &self.account else {
            return Vec::new();
        };
        let wanted = self.wanted().into_iter();
        wanted
            .map(|wanted| self.grant(account, ("", ""), wanted))
            .collect()
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
        let create = Wanted {
            rights: vec![Right::new("CC", class, guid)],
            why: format!("makes accounts of the class {class} there"),
        };
        let create = self.grant(container, ("", ""), create);
        let inherited = |wanted: Wanted| {
            let why = format!("on every {class} in it: {}", wanted.why);
            self.grant(container, (class, guid), Wanted { why, ..wanted })
        };
        let wanted = self.wanted().into_iter().map(inherited);
        std::iter::once(create).chain(wanted).collect()
    }

    /// What lets the holder reset the password of the account `object`, fenced.
    #[must_use]
    pub fn to_reset(&self, object: &str) -> Grant {
        let [_, mut reset, fence, ..] = self.wanted();
        reset.rights.extend(fence.rights);
        self.grant(object, ("", ""), reset)
    }

    /// What lets the holder see whether the account `object` is out of bounds, and read these
    /// attributes of it, each one of [`hidden`]'s.
    #[must_use]
    pub fn to_see(&self, object: &str, attributes: &[&str]) -> Grant {
        let [mut judge, ..] = self.wanted();
        for (name, guid) in hidden::readable(attributes) {
            if judge.rights.iter().all(|right| right.to != name) {
                judge.rights.push(Right::new("RP", name, guid));
            }
        }
        self.grant(object, ("", ""), judge)
    }

    /// What keeps the holder from writing attributes of `object`, and from giving itself rights to
    /// it if `and_rights`. Only `dsacls` takes entries away; a denial comes before them.
    #[must_use]
    pub fn not_to_write(&self, object: &str, and_rights: bool) -> Grant {
        let letters = if and_rights { "WPWDWO" } else { "WP" };
        let (trustee, sid) = (&self.trustee, &self.trustee_sid);
        Grant {
            dsacls: format!("dsacls {} /R {}", for_windows(object), for_windows(trustee)),
            samba_tool: set_acl(object, &format!("(D;;{letters};;;{sid})")),
            why: "needs none of it".to_owned(),
        }
    }

    /// What ends the holder's membership of a group.
    #[must_use]
    pub fn not_in(&self, group: &str) -> String {
        let trustee = self.trustee.as_str();
        let name = trustee.rsplit_once('\\').map_or(trustee, |(_, name)| name);
        let name = quoted(name);
        format!(
            "samba-tool group removemembers {} {name} (or Remove-ADGroupMember; or the group by \
             which it is in it)",
            quoted(group)
        )
    }

    fn wanted(&self) -> [Wanted; 5] {
        let (fence, fence_guid) = &self.fence;
        let one = |right, why: &str| Wanted {
            rights: vec![right],
            why: why.to_owned(),
        };
        let writes = |to: &str, guid: &str| Right::new("WP", to, guid);
        let reads = |to, guid| Right::new("RP", to, guid);
        [
            Wanted {
                rights: vec![
                    reads("tokenGroups", TOKEN_GROUPS),
                    reads("userAccountControl", USER_ACCOUNT_CONTROL),
                    reads("adminCount", ADMIN_COUNT),
                    reads("objectSid", OBJECT_SID),
                    Right::new("RC", "", ""),
                ],
                why: "reads whether the account is a protected one, which is not rolled; most \
                      domains show this to everybody"
                    .to_owned(),
            },
            one(
                Right::new("CA", "Reset Password", RESET_PASSWORD),
                "sets a new password while the minimum password age forbids a change, or when the \
                 old one is not known",
            ),
            one(
                writes(fence, &Guid(*fence_guid).to_string()),
                &format!(
                    "writes {fence} in the same step as a reset, so that a repeated or late \
                     request cannot reset the password a second time"
                ),
            ),
            one(
                writes("servicePrincipalName", SERVICE_PRINCIPAL_NAME),
                "registers and removes the array's SPNs",
            ),
            one(
                writes("msDS-SupportedEncryptionTypes", SUPPORTED_ENCRYPTION_TYPES),
                "has the KDC issue AES tickets; only needed at the set-up, and not at all if the \
                 attribute is set already",
            ),
        ]
    }

    /// The commands; `class` by name and GUID where the rights are for what is in the object, not
    /// for itself.
    fn grant(&self, object: &str, (class, guid): (&str, &str), wanted: Wanted) -> Grant {
        let scope = if class.is_empty() { "" } else { "/I:S " };
        let trustee = &self.trustee;
        let named = wanted.rights.iter().map(|right| {
            let named = format!("{trustee}:{}", right.dsacls(class));
            for_windows(&named)
        });
        let sid = &self.trustee_sid;
        let entries = wanted.rights.iter();
        let entries = entries.map(|right| format!("({};{sid})", right.sddl(guid)));
        Grant {
            dsacls: format!(
                "dsacls {} {scope}/G {}",
                for_windows(object),
                named.collect::<Vec<_>>().join(" ")
            ),
            samba_tool: set_acl(object, &entries.collect::<String>()),
            why: wanted.why,
        }
    }
}

impl Grant {
    /// Both on one line, for whoever has the one kind of domain controller or the other.
    #[must_use]
    pub fn on_one_line(&self) -> String {
        format!("{} (or {})", self.samba_tool, self.dsacls)
    }
}

/// Puts entries before those that an object has.
fn set_acl(object: &str, entries: &str) -> String {
    format!(
        "samba-tool dsacl set --objectdn={} --sddl='{entries}'",
        quoted(object)
    )
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
            grants[1].dsacls,
            "dsacls \"CN=web,OU=Services,DC=corp,DC=example\" \
             /G \"CORP\\svc-keyroll:CA;Reset Password\""
        );
        assert_eq!(
            grants[2].samba_tool,
            "samba-tool dsacl set --objectdn='CN=web,OU=Services,DC=corp,DC=example' \
             --sddl='(OA;;WP;bf967919-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-1104)'"
        );
        assert!(
            grants[0]
                .dsacls
                .contains("\"CORP\\svc-keyroll:RP;adminCount\" "),
            "{grants:?}"
        );
        assert!(
            grants[0].dsacls.ends_with("\"CORP\\svc-keyroll:RC\""),
            "{grants:?}"
        );
        assert_eq!(grants.len(), 5);
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
            grants[2].dsacls,
            "dsacls \"OU=Arrays,DC=corp,DC=example\" /I:S \
             /G \"CORP\\svc-keyroll:CA;Reset Password;computer\""
        );
        assert_eq!(
            grants[2].samba_tool,
            "samba-tool dsacl set --objectdn='OU=Arrays,DC=corp,DC=example' \
             --sddl='(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;\
             bf967a86-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1104)'"
        );
        assert!(
            grants[1]
                .samba_tool
                .contains("(OA;CIIO;RC;;bf967a86-0de6-11d0-a285-00aa003049e2;S-1-5-21"),
            "{grants:?}"
        );
        assert_eq!(grants.len(), 6);
        let class = "on every computer in it: ";
        for (inherited, own) in grants[1..].iter().zip(rights.wanted()) {
            assert_eq!(inherited.why, format!("{class}{}", own.why));
        }
        rights.kind = AccountKind::User;
        let all = rights.creation();
        assert!(all.iter().all(|one| one.samba_tool.contains("bf967aba-")));
    }

    #[test]
    fn what_is_too_little_or_too_much_has_a_command() {
        let rights = rights("CN=web,DC=corp,DC=example");
        let sid = "S-1-5-21-1-2-3-1104";
        let reset = rights.to_reset("CN=web,DC=corp,DC=example").on_one_line();
        assert_eq!(
            reset,
            format!(
                "samba-tool dsacl set --objectdn='CN=web,DC=corp,DC=example' \
                 --sddl='(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;{sid})\
                 (OA;;WP;bf967919-0de6-11d0-a285-00aa003049e2;;{sid})' (or dsacls \
                 \"CN=web,DC=corp,DC=example\" /G \"CORP\\svc-keyroll:CA;Reset Password\" \
                 \"CORP\\svc-keyroll:WP;adminDescription\")"
            )
        );
        let see = rights.to_see("CN=web", &[hidden::GROUPS, hidden::STAMPS]);
        let tokens = see
            .samba_tool
            .matches("(OA;;RP;b7c69e6d-2cc7-11d2-854e-00a0c983f608;;");
        assert_eq!(tokens.count(), 1, "{see:?}");
        let stamps = "(OA;;RP;281416c0-1968-11d0-a28f-00aa003049e2;;";
        assert!(see.samba_tool.contains(stamps), "{see:?}");
        assert!(
            see.dsacls.contains("svc-keyroll:RP;replPropertyMetaData\""),
            "{see:?}"
        );
        let less = rights.not_to_write("DC=corp", true);
        assert!(
            less.samba_tool
                .ends_with(&format!(" --sddl='(D;;WPWDWO;;;{sid})'")),
            "{less:?}"
        );
        assert_eq!(less.dsacls, "dsacls \"DC=corp\" /R \"CORP\\svc-keyroll\"");
        let out = rights.not_in("Domain Admins");
        let line = "samba-tool group removemembers 'Domain Admins' 'svc-keyroll' (or ";
        assert!(out.starts_with(line), "{out}");
    }

    #[test]
    fn a_name_cannot_end_its_quotation() {
        let rights = rights("CN=a' ; reboot \" ,DC=x");
        for grant in rights.grants().into_iter().chain(rights.creation()) {
            assert!(grant.samba_tool.contains("'CN=a'\\'' ; reboot \" ,DC=x'"));
            let quoted = 1 + grant.dsacls.matches("CORP\\").count();
            assert_eq!(grant.dsacls.matches('"').count(), 2 * quoted);
        }
    }
}
