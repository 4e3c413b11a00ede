//! Accounts that are out of bounds: whoever may roll one of them has more than an array's service.

use std::fmt;

use crate::descriptor::Sid;
use crate::roll::Refusal;

/// Bits of `userAccountControl` (MS-ADTS 2.2.16): a domain controller's own account, and that of a
/// read-only one.
const SERVER_TRUST: u32 = 0x2000;
const PARTIAL_SECRETS: u32 = 0x0400_0000;

/// The last part of the SID of the KDC's own account (MS-DTYP 2.4.2.4).
const KRBTGT: &str = "502";

/// Groups of the machine's own, whole SIDs.
const BUILTIN: [(&str, &str); 6] = [
    ("S-1-5-32-544", "Administrators"),
    ("S-1-5-32-548", "Account Operators"),
    ("S-1-5-32-549", "Server Operators"),
    ("S-1-5-32-550", "Print Operators"),
    ("S-1-5-32-551", "Backup Operators"),
    ("S-1-5-32-552", "Replicator"),
];
/// Groups of a domain, by the last part of their SIDs (MS-DTYP 2.4.2.4). These and those above are
/// the ones that AdminSDHolder is applied to (MS-ADTS 3.1.1.6.1.2).
const OF_A_DOMAIN: [(&str, &str); 9] = [
    ("498", "Enterprise Read-only Domain Controllers"),
    ("512", "Domain Admins"),
    ("516", "Domain Controllers"),
    ("518", "Schema Admins"),
    ("519", "Enterprise Admins"),
    ("520", "Group Policy Creator Owners"),
    ("521", "Read-only Domain Controllers"),
    ("526", "Key Admins"),
    ("527", "Enterprise Key Admins"),
];

/// Why an account is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// `adminCount` is 1: it is or was an administrator's.
    AdminCount,
    /// It is a member of this group, by way of others perhaps.
    Member(&'static str),
    /// It is a domain controller's.
    DomainController,
    /// It is the KDC's own, krbtgt, or that of a read-only domain controller.
    Kdc,
    /// It is below none of the containers that the settings name.
    Outside,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdminCount => f.write_str("adminCount is 1"),
            Self::Member(group) => write!(f, "a member of {group}"),
            Self::DomainController => f.write_str("a domain controller's account"),
            Self::Kdc => f.write_str("the KDC's own account"),
            Self::Outside => f.write_str("below no container of directory.accounts-below"),
        }
    }
}

/// What the directory shows of an account.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// `sAMAccountName`.
    pub account: &'a str,
    /// `objectSid`.
    pub sid: Option<&'a Sid>,
    /// `adminCount` is not 0.
    pub admin_count: bool,
    /// `userAccountControl`.
    pub control: u32,
    /// `tokenGroups`: every group that it is in.
    pub groups: &'a [Sid],
    /// `distinguishedName`.
    pub distinguished_name: &'a str,
}

impl Marks<'_> {
    /// Everything that puts the account out of bounds. `below` are the distinguished names of
    /// containers; with none, an account may be anywhere.
    #[must_use]
    pub fn protections<'c>(&self, below: impl IntoIterator<Item = &'c str>) -> Vec<Protection> {
        let mut found = Vec::new();
        if self.admin_count {
            found.push(Protection::AdminCount);
        }
        let groups = self.groups.iter().filter_map(protected_group);
        found.extend(groups.map(Protection::Member));
        if self.control & (SERVER_TRUST | PARTIAL_SECRETS) != 0 {
            found.push(Protection::DomainController);
        }
        if self.is_kdc() {
            found.push(Protection::Kdc);
        }
        if is_outside(self.distinguished_name, below) {
            found.push(Protection::Outside);
        }
        found
    }

    /// By the SID, which a rename leaves; a read-only domain controller's by its name.
    fn is_kdc(&self) -> bool {
        let of_read_only = self.account.to_ascii_lowercase();
        let number = of_read_only.strip_prefix("krbtgt_").unwrap_or_default();
        let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        numbered || self.sid.and_then(last_of_a_domain).as_deref() == Some(KRBTGT)
    }
}

/// The last part of a SID of a domain.
fn last_of_a_domain(sid: &Sid) -> Option<String> {
    let text = sid.to_string();
    let (_, last) = text.strip_prefix("S-1-5-21-")?.rsplit_once('-')?;
    Some(last.to_owned())
}

/// Whether an object of this distinguished name is below none of these containers; with none, an
/// account may be anywhere.
#[must_use]
pub fn is_outside<'c>(name: &str, below: impl IntoIterator<Item = &'c str>) -> bool {
    let mut below = below.into_iter().peekable();
    let anywhere = below.peek().is_none();
    !anywhere && !below.any(|container| is_below(name, container))
}

/// The reason against an object with these marks.
#[must_use]
pub fn refusal(object: &str, marks: &[Protection]) -> Option<Refusal> {
    let shown: Vec<String> = marks.iter().map(ToString::to_string).collect();
    (!shown.is_empty()).then(|| {
        let why = format!(
            "it is protected ({}): rolling it would make this controller Tier 0",
            shown.join(", ")
        );
        let next = "use an account of its own for the array; or, in the controller's settings, \
                    [[directory.exception]] with a reason";
        Refusal::new("account-protected", object, why, next)
    })
}

/// The name of a group whose members are administrators of some kind; none for any other.
#[must_use]
pub fn protected_group(sid: &Sid) -> Option<&'static str> {
    let last = last_of_a_domain(sid);
    let sid = sid.to_string();
    let builtin = BUILTIN.iter().find(|(whole, _)| *whole == sid);
    let of_a_domain = OF_A_DOMAIN
        .iter()
        .find(|(part, _)| Some(*part) == last.as_deref());
    builtin.or(of_a_domain).map(|(_, name)| *name)
}

/// Whether an object is somewhere below a container. A comma that belongs to a name (RFC 4514
/// section 2.4) ends none.
fn is_below(name: &str, container: &str) -> bool {
    let (name, container) = (name.to_lowercase(), container.to_lowercase());
    let Some(rest) = name
        .strip_suffix(&container)
        .and_then(|rest| rest.strip_suffix(','))
    else {
        return false;
    };
    let escapes = rest.bytes().rev().take_while(|byte| *byte == b'\\').count();
    !container.is_empty() && escapes % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Marks<'_> = Marks {
        account: "svc-web",
        sid: None,
        admin_count: false,
        control: 0x200,
        groups: &[],
        distinguished_name: "CN=svc-web,OU=Arrays,DC=corp,DC=example",
    };

    fn sid(text: &str) -> Sid {
        text.parse().unwrap()
    }

    #[test]
    fn an_ordinary_account_is_within_bounds() {
        let groups = [
            sid("S-1-5-21-1-2-3-513"),
            sid("S-1-5-32-545"),
            sid("S-1-5-21-1-2-512-1104"),
        ];
        let plain = Marks {
            groups: &groups,
            ..PLAIN
        };
        assert_eq!(plain.protections([]), []);
    }

    #[test]
    fn each_mark_puts_it_out_of_bounds() {
        let admins = [sid("S-1-5-21-1-2-3-512"), sid("S-1-5-32-544")];
        let marked = Marks {
            admin_count: true,
            control: 0x2000,
            groups: &admins,
            ..PLAIN
        };
        assert_eq!(
            marked.protections(["OU=Other,DC=corp,DC=example"]),
            [
                Protection::AdminCount,
                Protection::Member("Domain Admins"),
                Protection::Member("Administrators"),
                Protection::DomainController,
                Protection::Outside,
            ]
        );
        let read_only = Marks {
            control: 0x0400_1000,
            ..PLAIN
        };
        assert_eq!(read_only.protections([]), [Protection::DomainController]);
    }

    #[test]
    fn the_kdcs_own_accounts_are_known_by_sid_and_by_number() {
        let renamed = sid("S-1-5-21-1-2-3-502");
        for (account, sid, is_kdc) in [
            ("tickets", Some(&renamed), true),
            ("KRBTGT_21134", None, true),
            ("krbtgt_", None, false),
            ("krbtgt_web", None, false),
            ("svc-web", Some(&sid("S-1-5-32-502")), false),
        ] {
            let marks = Marks {
                account,
                sid,
                ..PLAIN
            };
            let found = marks.protections([]);
            assert_eq!(found == [Protection::Kdc], is_kdc, "{account}: {found:?}");
        }
    }

    #[test]
    fn what_is_below_a_container_ends_with_it_after_a_comma_of_its_own() {
        let container = "ou=arrays,DC=corp,DC=example";
        for (name, wanted) in [
            ("CN=a,OU=Arrays,DC=corp,DC=example", true),
            ("CN=a,OU=Web,OU=Arrays,DC=corp,DC=example", true),
            (r"CN=a\\,OU=Arrays,DC=corp,DC=example", true),
            (r"CN=a\,OU=Arrays,DC=corp,DC=example", false),
            ("CN=a,OU=MyArrays,DC=corp,DC=example", false),
            ("CN=aOU=Arrays,DC=corp,DC=example", false),
            ("OU=Arrays,DC=corp,DC=example", false),
            ("CN=a,OU=Arrays,DC=corp,DC=example,DC=com", false),
        ] {
            assert_eq!(is_below(name, container), wanted, "{name}");
        }
        assert!(!is_below("CN=a", ""));
    }
}
