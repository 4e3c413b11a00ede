//! Accounts that are out of bounds: whoever may roll one of them has more than an array's service.

use std::fmt;

use super::hidden::ACCOUNT_HIDDEN;
use crate::descriptor::Sid;
use crate::roll::Refusal;
use crate::shell::quoted;

/// Bits of `userAccountControl` (MS-ADTS 2.2.16): the account of a trust between two domains, a
/// domain controller's own, and that of a read-only one.
const INTERDOMAIN_TRUST: u32 = 0x800;
const SERVER_TRUST: u32 = 0x2000;
const PARTIAL_SECRETS: u32 = 0x0400_0000;

/// The last parts of the SIDs of the domain's first administrator and of the KDC's own account,
/// which a rename leaves (MS-DTYP 2.4.2.4).
const ADMINISTRATOR: &str = "500";
const KRBTGT: &str = "502";
/// The last part of the SID of Protected Users.
const PROTECTED_USERS: &str = "525";

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
    /// This attribute is not shown, so nobody can say that the account is none of these.
    Hidden(&'static str),
    /// `adminCount` is 1: it is or was an administrator's.
    AdminCount,
    /// It is the domain's first administrator, whatever its name.
    Administrator,
    /// It is a member of this group, by way of others perhaps.
    Member(&'static str),
    /// It is a domain controller's.
    DomainController,
    /// It is the KDC's own, krbtgt, or that of a read-only domain controller.
    Kdc,
    /// It is that of a trust between two domains: its key is the other domain's.
    Trust,
    /// It is below none of the containers that the settings name.
    Outside,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden(attribute) => write!(f, "{attribute} is not shown"),
            Self::AdminCount => f.write_str("adminCount is 1"),
            Self::Administrator => f.write_str("the domain's own administrator"),
            Self::Member(group) => write!(f, "a member of {group}"),
            Self::DomainController => f.write_str("a domain controller's account"),
            Self::Kdc => f.write_str("the KDC's own account"),
            Self::Trust => f.write_str("the account of a trust between domains"),
            Self::Outside => f.write_str("below no container of directory.accounts-below"),
        }
    }
}

/// What the directory shows of an account. It leaves out what the caller may not read just as what
/// is not there; but every account has a SID, flags and a group.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// `sAMAccountName`.
    pub account: &'a str,
    /// `objectSid`.
    pub sid: Option<&'a Sid>,
    /// `adminCount` is not 0; none if nobody can say whether it is there.
    pub admin_count: Option<bool>,
    /// `userAccountControl`.
    pub control: Option<u32>,
    /// `tokenGroups`: every group that it is in, its primary one at least.
    pub groups: &'a [Sid],
    /// `msDS-SecondaryKrbTgtNumber` is there: a read-only domain controller's own KDC's.
    pub secondary_kdc: bool,
    /// `distinguishedName`.
    pub distinguished_name: &'a str,
}

impl Marks<'_> {
    /// Everything that puts the account out of bounds. `below` are the distinguished names of
    /// containers; with none, an account may be anywhere.
    #[must_use]
    pub fn protections<'c>(&self, below: impl IntoIterator<Item = &'c str>) -> Vec<Protection> {
        let control = self.control.unwrap_or_default();
        let number = self.sid.and_then(last_of_a_domain);
        let is = |wanted| number.as_deref() == Some(wanted);
        let marks = [
            (self.groups.is_empty(), Protection::Hidden("tokenGroups")),
            (
                self.control.is_none(),
                Protection::Hidden("userAccountControl"),
            ),
            (self.admin_count.is_none(), Protection::Hidden("adminCount")),
            (self.sid.is_none(), Protection::Hidden("objectSid")),
            (self.admin_count == Some(true), Protection::AdminCount),
            (is(ADMINISTRATOR), Protection::Administrator),
            (
                control & (SERVER_TRUST | PARTIAL_SECRETS) != 0,
                Protection::DomainController,
            ),
            (is(KRBTGT) || self.is_secondary_kdc(), Protection::Kdc),
            (control & INTERDOMAIN_TRUST != 0, Protection::Trust),
            (
                is_outside(self.distinguished_name, below),
                Protection::Outside,
            ),
        ];
        let marks = marks.into_iter().filter(|(holds, _)| *holds);
        let groups = self.groups.iter().filter_map(protected_group);
        let groups = groups.map(Protection::Member);
        marks.map(|(_, mark)| mark).chain(groups).collect()
    }

    /// By its number, or, where that is not shown, by its name.
    fn is_secondary_kdc(&self) -> bool {
        let of_read_only = self.account.to_ascii_lowercase();
        let number = of_read_only.strip_prefix("krbtgt_").unwrap_or_default();
        let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        self.secondary_kdc || numbered
    }
}

/// Whether a SID is that of a domain's group Protected Users (MS-DTYP 2.4.2.4).
#[must_use]
pub fn is_protected_users(sid: &Sid) -> bool {
    last_of_a_domain(sid).as_deref() == Some(PROTECTED_USERS)
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

/// The reason against an object with these marks, the account of this sAMAccountName.
#[must_use]
pub fn refusal(object: &str, account: &str, marks: &[Protection]) -> Option<Refusal> {
    let (hidden, seen): (Vec<_>, Vec<_>) = marks
        .iter()
        .partition(|mark| matches!(mark, Protection::Hidden(_)));
    let listed = |marks: &[&Protection]| {
        let marks = marks.iter().map(ToString::to_string);
        marks.collect::<Vec<_>>().join(", ")
    };
    if !seen.is_empty() {
        let marks = listed(&seen);
        let why =
            format!("it is protected ({marks}): rolling it would make this controller Tier 0");
        let next = "use an account of its own for the array; or, in the controller's settings, \
                    [[directory.exception]] with a reason";
        return Some(Refusal::new("account-protected", object, why, next));
    }
    (!hidden.is_empty()).then(|| {
        let marks = listed(&hidden);
        let why = format!(
            "nobody can say whether it is protected ({marks}): the controller's account lacks the \
             right to read that"
        );
        let next = format!(
            "grant it the right to read them, the first that keyroll array create --print-acl \
             --account {} prints",
            quoted(account)
        );
        Refusal::new(ACCOUNT_HIDDEN, object, why, next)
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

    /// What any account shows.
    fn with_plain(test: impl FnOnce(Marks<'_>)) {
        let (own, groups) = (sid("S-1-5-21-1-2-3-1105"), [sid("S-1-5-21-1-2-3-513")]);
        test(Marks {
            account: "svc-web",
            sid: Some(&own),
            admin_count: Some(false),
            control: Some(0x200),
            groups: &groups,
            secondary_kdc: false,
            distinguished_name: "CN=svc-web,OU=Arrays,DC=corp,DC=example",
        });
    }

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
        with_plain(|plain| {
            let groups = &groups;
            assert_eq!(Marks { groups, ..plain }.protections([]), []);
        });
    }

    #[test]
    fn each_mark_puts_it_out_of_bounds() {
        let admins = [sid("S-1-5-21-1-2-3-512"), sid("S-1-5-32-544")];
        with_plain(|plain| {
            let marked = Marks {
                admin_count: Some(true),
                control: Some(0x2000),
                groups: &admins,
                ..plain
            };
            assert_eq!(
                marked.protections(["OU=Other,DC=corp,DC=example"]),
                [
                    Protection::AdminCount,
                    Protection::DomainController,
                    Protection::Outside,
                    Protection::Member("Domain Admins"),
                    Protection::Member("Administrators"),
                ]
            );
            for (control, mark) in [
                (0x0400_1000, Protection::DomainController),
                (0x820, Protection::Trust),
            ] {
                let control = Some(control);
                assert_eq!(Marks { control, ..plain }.protections([]), [mark]);
            }
        });
    }

    #[test]
    fn what_is_hidden_is_not_taken_for_absent() {
        with_plain(|plain| {
            for (marks, hidden) in [
                (
                    Marks {
                        groups: &[],
                        ..plain
                    },
                    "tokenGroups",
                ),
                (
                    Marks {
                        control: None,
                        ..plain
                    },
                    "userAccountControl",
                ),
                (
                    Marks {
                        admin_count: None,
                        ..plain
                    },
                    "adminCount",
                ),
                (Marks { sid: None, ..plain }, "objectSid"),
            ] {
                let found = marks.protections([]);
                assert_eq!(found, [Protection::Hidden(hidden)]);
                let refusal = refusal("CN=svc-web", "svc-web", &found).unwrap();
                assert_eq!(refusal.code, "account-hidden");
                assert!(refusal.why.contains(hidden), "{refusal:?}");
                let command = "keyroll array create --print-acl --account 'svc-web'";
                assert!(refusal.next.contains(command), "{refusal:?}");
            }
            // What is seen counts for more than what is not.
            let both = Marks {
                groups: &[],
                admin_count: Some(true),
                ..plain
            };
            let refusal = refusal("CN=svc-web", "svc-web", &both.protections([])).unwrap();
            assert_eq!(refusal.code, "account-protected");
        });
    }

    #[test]
    fn the_domains_own_accounts_are_known_by_sid_and_by_number() {
        let [plain, first, kdc, builtin] = [
            "S-1-5-21-1-2-3-1105",
            "S-1-5-21-1-2-3-500",
            "S-1-5-21-1-2-3-502",
            "S-1-5-32-502",
        ]
        .map(sid);
        with_plain(|of_all| {
            for (account, sid, secondary_kdc, wanted) in [
                ("boss", &first, false, Some(Protection::Administrator)),
                ("tickets", &kdc, false, Some(Protection::Kdc)),
                ("renamed", &plain, true, Some(Protection::Kdc)),
                ("KRBTGT_21134", &plain, false, Some(Protection::Kdc)),
                ("krbtgt_", &plain, false, None),
                ("krbtgt_web", &plain, false, None),
                ("svc-web", &builtin, false, None),
            ] {
                let marks = Marks {
                    account,
                    sid: Some(sid),
                    secondary_kdc,
                    ..of_all
                };
                let found = marks.protections([]);
                assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{account}");
            }
        });
    }

    #[test]
    fn protected_users_are_a_domain_s_and_no_administrators() {
        let group = sid("S-1-5-21-1-2-3-525");
        assert!(is_protected_users(&group) && protected_group(&group).is_none());
        for other in [
            "S-1-5-32-525",
            "S-1-5-21-1-2-525-513",
            "S-1-5-21-1-2-3-1525",
        ] {
            assert!(!is_protected_users(&sid(other)), "{other}");
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
