//! Everything about one account, as one domain controller shows it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDateTime;
use keyroll::account::protection::{self, Marks, Protection, is_protected_users};
use keyroll::account::{AccountState, OtherOwners};
use keyroll::delegation::Control;
use keyroll::descriptor::{Descriptor, READ_ADMIN_COUNT, RESET_PASSWORD, Right, Sid};
use keyroll::kerberos::salt::{AccountKind, SaltSource};
use keyroll::kerberos::{Kvno, Principal};
use keyroll::name::DcName;
use keyroll::roll::Refusal;
use ldap3::controls::RawControl;

use super::ActiveDirectory;
use super::connection::Connection;
use super::entry::{Entry, unix_of_file_time};
use super::hidden::hidden;
use super::text::{Dn, Filter};
use crate::ports::{AccountRef, PortError};

/// Bits of `userAccountControl` (MS-ADTS 2.2.16).
const DISABLED: u32 = 0x2;
const TRUSTED_FOR_DELEGATION: u32 = 0x8_0000;
const TRUSTED_TO_AUTHENTICATE: u32 = 0x100_0000;
/// Accounts whose passwords the domain itself makes: gMSA, sMSA, dMSA.
const MANAGED: [&str; 3] = [
    "msDS-GroupManagedServiceAccount",
    "msDS-ManagedServiceAccount",
    "msDS-DelegatedManagedServiceAccount",
];
/// Bits that only `msDS-User-Account-Control-Computed` has (MS-ADTS 3.1.1.4.5.17).
const LOCKED: u32 = 0x10;
const PASSWORD_EXPIRED: u32 = 0x80_0000;

const ATTRIBUTES: [&str; 22] = [
    "accountExpires",
    "adminCount",
    "allowedAttributesEffective",
    "distinguishedName",
    "lockoutTime",
    "msDS-AllowedToDelegateTo",
    "msDS-KeyVersionNumber",
    "msDS-ResultantPSO",
    SECONDARY_KDC,
    "msDS-SupportedEncryptionTypes",
    "msDS-User-Account-Control-Computed",
    "msDS-UserPasswordExpiryTimeComputed",
    "nTSecurityDescriptor",
    "objectClass",
    "objectGUID",
    "objectSid",
    "pwdLastSet",
    "sAMAccountName",
    "servicePrincipalName",
    "tokenGroups",
    "userAccountControl",
    "userPrincipalName",
];

/// What tells whether an account is out of bounds.
const BOUNDS: [&str; 8] = [
    "adminCount",
    "distinguishedName",
    SECONDARY_KDC,
    "nTSecurityDescriptor",
    "objectSid",
    "sAMAccountName",
    "tokenGroups",
    "userAccountControl",
];
/// The number of a read-only domain controller's own KDC account (MS-ADA2).
const SECONDARY_KDC: &str = "msDS-SecondaryKrbTgtNumber";

/// What the domain controller says of itself and of us.
pub(super) struct Root {
    pub(super) domain: Dn,
    pub(super) is_catalog: bool,
    now_unix: i64,
    pub(super) caller: BTreeSet<Sid>,
}

/// The password rules that hold for one account.
struct Rules {
    minimum_age: Duration,
    minimum_length: u32,
}

impl Root {
    pub(super) fn of(entry: &Entry, dc: &DcName) -> Result<Self, PortError> {
        let (Some(domain), Some(time)) = (
            entry.text("defaultNamingContext"),
            entry.text("currentTime"),
        ) else {
            return Err(PortError::Refused {
                object: dc.to_string(),
                why: "it does not name its domain or the time: it is no AD domain controller"
                    .to_owned(),
                next: "check directory.domain-controllers".to_owned(),
            });
        };
        Ok(Self {
            domain: Dn::of_directory(domain),
            is_catalog: entry.text("isGlobalCatalogReady") == Some("TRUE"),
            now_unix: unix_of_generalized(time).unwrap_or_default(),
            caller: groups(entry),
        })
    }
}

impl ActiveDirectory {
    pub(super) async fn find_account(
        &self,
        dc: &DcName,
        sam_account_name: &str,
    ) -> Result<AccountRef, PortError> {
        let (mut connection, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let filter = Filter::equals("sAMAccountName", sam_account_name);
        let attributes = ["objectGUID", "sAMAccountName", "objectClass"];
        let found = connection.find(&root.domain, &filter, &attributes).await?;
        let object = || format!("account {sam_account_name} on {dc}");
        let entry = found
            .first()
            .ok_or_else(|| PortError::Missing { object: object() })?;
        let refused = |why: &str, next: &str| PortError::Refused {
            object: object(),
            why: why.to_owned(),
            next: next.to_owned(),
        };
        let class = |wanted: &str| {
            let mut classes = entry.texts("objectClass");
            classes.any(|class| class.eq_ignore_ascii_case(wanted))
        };
        if MANAGED.into_iter().any(class) {
            return Err(refused(
                "it is a managed service account: the domain itself makes its passwords",
                "give the array a user or computer account",
            ));
        }
        if !class("user") {
            return Err(refused(
                "it is neither a user nor a computer",
                "give the array a user or computer account",
            ));
        }
        let guid = entry
            .guid()
            .ok_or_else(|| refused("it shows no objectGUID", "keyroll array create --print-acl"))?;
        let name = entry.text("sAMAccountName").unwrap_or(sam_account_name);
        let principal = Principal::new(vec![name.to_owned()], self.settings.realm.clone());
        let principal = principal.map_err(|error| {
            refused(
                &error.to_string(),
                "give the array an account whose name Kerberos can say",
            )
        })?;
        Ok(AccountRef { guid, principal })
    }

    pub(super) async fn read_account(
        &self,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<AccountState, PortError> {
        let (mut connection, root) = self.connections.live(dc).await?;
        let root = Root::of(&root, dc)?;
        let mut attributes = ATTRIBUTES.to_vec();
        attributes.push(&self.settings.fence_attribute);
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &attributes, Some(without_sacl()));
        let entry = look.await.map_err(|error| named(error, account, dc))?;
        let rules = rules(&mut connection, &root, &entry).await?;
        let spns: Vec<String> = entry
            .texts("servicePrincipalName")
            .map(str::to_owned)
            .collect();
        let others = self
            .owners(dc, &root, (&account.guid, entry.name()), &spns)
            .await?;
        Ok(self.state(account, &root, &entry, &rules, spns, others))
    }

    /// Why the account is out of bounds, unless the settings let it be rolled all the same.
    fn protections(&self, caller: &BTreeSet<Sid>, entry: &Entry) -> Vec<Protection> {
        let settings = &self.settings;
        let name = entry.text("sAMAccountName");
        if name.is_some_and(|name| settings.lets_in(name)) {
            return Vec::new();
        }
        let groups: Vec<Sid> = groups(entry).into_iter().collect();
        let sid = entry.values("objectSid").first();
        let sid = sid.and_then(|sid| Sid::from_bytes(sid));
        let marks = Marks {
            account: name.unwrap_or_default(),
            sid: sid.as_ref(),
            admin_count: admin_count(caller, entry),
            control: entry.bits("userAccountControl"),
            groups: &groups,
            secondary_kdc: !entry.values(SECONDARY_KDC).is_empty(),
            distinguished_name: entry.text("distinguishedName").unwrap_or(entry.name()),
        };
        marks.protections(settings.accounts_below.iter().map(Dn::as_str))
    }

    /// No write goes to an account that is out of bounds, whoever asked for it, and however it came
    /// to be the array's: looked at over the connection that the write will take. `root` is what
    /// the domain controller says of itself and of us.
    ///
    /// # Errors
    /// [`PortError::Refused`] with every mark, or whatever kept it from being seen.
    pub(super) async fn demand_within_bounds(
        &self,
        connection: &mut Connection,
        root: &Entry,
        dc: &DcName,
        account: &AccountRef,
    ) -> Result<(), PortError> {
        let object = Dn::of_guid(&account.guid);
        let look = connection.look(&object, &BOUNDS, Some(without_sacl()));
        let entry = look.await.map_err(|error| named(error, account, dc))?;
        let object = format!("{} on {dc}", account.principal);
        let name = account.principal.name();
        match protection::refusal(&object, &name, &self.protections(&groups(root), &entry)) {
            None => Ok(()),
            Some(Refusal {
                code: _,
                object,
                why,
                next,
            }) => Err(PortError::Refused { object, why, next }),
        }
    }

    fn state(
        &self,
        account: &AccountRef,
        root: &Root,
        entry: &Entry,
        rules: &Rules,
        spns: Vec<String>,
        other_owners: OtherOwners,
    ) -> AccountState {
        let control = entry.bits("userAccountControl").unwrap_or_default();
        let computed = entry.bits("msDS-User-Account-Control-Computed");
        let shown_set = entry.number("pwdLastSet");
        let set = shown_set.unwrap_or_default();
        let delegation = TRUSTED_FOR_DELEGATION | TRUSTED_TO_AUTHENTICATE;
        let fence = &self.settings.fence_attribute;
        let salt_source = self.salt_source(account, entry);
        AccountState {
            guid: account.guid,
            distinguished_name: entry
                .text("distinguishedName")
                .unwrap_or(entry.name())
                .to_owned(),
            kvno: Kvno(entry.bits("msDS-KeyVersionNumber").unwrap_or_default()),
            spns,
            supported_enctypes: entry.bits("msDS-SupportedEncryptionTypes"),
            disabled: control & DISABLED != 0,
            // Where the computed bits are not shown, a lock that may have passed counts as one.
            locked: computed.map_or_else(
                || entry.number("lockoutTime").unwrap_or_default() != 0,
                |computed| computed & LOCKED != 0,
            ),
            expired: expires(entry, "accountExpires").is_some_and(|end| end <= root.now_unix),
            expires_unix: expires(entry, "accountExpires"),
            password_expires_unix: expires(entry, "msDS-UserPasswordExpiryTimeComputed"),
            password_expired: shown_set == Some(0)
                || computed.unwrap_or_default() & PASSWORD_EXPIRED != 0,
            protections: self.protections(&root.caller, entry),
            hidden: hidden(&root.caller, entry),
            password_set_unix: unix_of_file_time(set),
            minimum_age_left: age_left(salt_source.kind, rules.minimum_age, set, root.now_unix),
            minimum_length: rules.minimum_length,
            may_reset: holds(&RESET_PASSWORD, &root.caller, entry).unwrap_or_default(),
            may_write_fence: entry
                .texts("allowedAttributesEffective")
                .any(|attribute| attribute.eq_ignore_ascii_case(fence)),
            fence: entry.text(fence).map(str::to_owned),
            other_owners,
            not_delegated: control & Control::NOT_DELEGATED != 0,
            protected_user: groups(entry).iter().any(is_protected_users),
            delegates: control & delegation != 0
                || !entry.values("msDS-AllowedToDelegateTo").is_empty(),
            delegates_to: entry
                .texts("msDS-AllowedToDelegateTo")
                .map(str::to_owned)
                .collect(),
            salt_source,
        }
    }

    fn salt_source(&self, account: &AccountRef, entry: &Entry) -> SaltSource {
        let mut classes = entry.texts("objectClass");
        let computer = classes.any(|class| class.eq_ignore_ascii_case("computer"));
        let name = entry.text("sAMAccountName").map(str::to_owned);
        SaltSource {
            kind: if computer {
                AccountKind::Computer
            } else {
                AccountKind::User
            },
            realm: self.settings.realm.clone(),
            sam_account_name: name.unwrap_or_else(|| account.principal.name()),
            user_principal_name: entry.text("userPrincipalName").map(str::to_owned),
            dns_domain: self.settings.domain.clone(),
        }
    }
}

/// An error about `<GUID=…>`, under the name that people know.
pub(super) fn named(error: PortError, account: &AccountRef, dc: &DcName) -> PortError {
    let object = format!("{} on {dc}", account.principal);
    match error {
        PortError::Missing { .. } => PortError::Missing { object },
        PortError::Refused { why, next, .. } => PortError::Refused { object, why, next },
        PortError::Unreachable { .. } => error,
    }
}

/// LDAP_SERVER_SD_FLAGS (MS-ADTS 3.1.1.3.4.1.11): owner, group and DACL. The SACL needs a
/// privilege, and asking for it would hide the whole descriptor.
fn without_sacl() -> RawControl {
    RawControl {
        ctype: "1.2.840.113556.1.4.801".to_owned(),
        crit: true,
        val: Some(vec![0x30, 3, 2, 1, 7]),
    }
}

/// Every group that an object, or who asks, is a member of.
fn groups(entry: &Entry) -> BTreeSet<Sid> {
    let sids = entry.values("tokenGroups").iter();
    sids.filter_map(|sid| Sid::from_bytes(sid)).collect()
}

/// Whether `adminCount` is not 0. An ordinary account has none, and neither has, to see, one whose
/// `adminCount` may not be read: the permissions tell them apart. None if they are hidden too.
fn admin_count(caller: &BTreeSet<Sid>, entry: &Entry) -> Option<bool> {
    let shown = entry.number("adminCount").map(|count| count > 0);
    shown.or_else(|| holds(&READ_ADMIN_COUNT, caller, entry)?.then_some(false))
}

/// Whether the controller's own account holds a right on the account; none if that is hidden.
pub(super) fn holds(right: &Right, caller: &BTreeSet<Sid>, entry: &Entry) -> Option<bool> {
    let Some(bytes) = entry.values("nTSecurityDescriptor").first() else {
        tracing::debug!(account = entry.name(), "its permissions are hidden");
        return None;
    };
    let own = entry.values("objectSid").first();
    let own = own.and_then(|sid| Sid::from_bytes(sid));
    let granted =
        Descriptor::from_bytes(bytes).and_then(|found| found.grants(right, caller, own.as_ref()));
    granted
        .inspect_err(|error| tracing::warn!(account = entry.name(), %error, "taken as no right"))
        .ok()
}

/// The rules of the account's own password settings object, where it has one that may be read;
/// else the domain's.
async fn rules(
    connection: &mut Connection,
    root: &Root,
    entry: &Entry,
) -> Result<Rules, PortError> {
    if let Some(name) = entry.text("msDS-ResultantPSO") {
        let attributes = ["msDS-MinimumPasswordAge", "msDS-MinimumPasswordLength"];
        let found = connection
            .look(&Dn::of_directory(name), &attributes, None)
            .await;
        match found {
            Ok(object) if object.number(attributes[0]).is_some() => {
                return Ok(Rules::of(&object, attributes));
            }
            Err(error @ PortError::Unreachable { .. }) => return Err(error),
            // Only administrators may read such objects unless somebody allowed it.
            _ => tracing::debug!(name, "this password policy is hidden: taking the domain's"),
        }
    }
    let attributes = ["minPwdAge", "minPwdLength"];
    let domain = connection.look(&root.domain, &attributes, None).await?;
    Ok(Rules::of(&domain, attributes))
}

impl Rules {
    fn of(entry: &Entry, [age, length]: [&str; 2]) -> Self {
        // A negative number of 100 ns (MS-ADTS 3.1.1.3.1.1.5).
        let age = entry.number(age).unwrap_or_default().unsigned_abs();
        Self {
            minimum_age: Duration::from_secs(age / 10_000_000),
            minimum_length: entry.bits(length).unwrap_or_default(),
        }
    }
}

/// How long a change is refused still. A password that must be changed may be at once.
fn age_left(kind: AccountKind, minimum: Duration, set: i64, now_unix: i64) -> Duration {
    if kind == AccountKind::Computer || set == 0 {
        return Duration::ZERO;
    }
    let age = now_unix.saturating_sub(unix_of_file_time(set));
    // A password from the future, by the domain controller's own clock, is as young as can be.
    minimum.saturating_sub(Duration::from_secs(age.max(0).unsigned_abs()))
}

/// When the account expires; 0 and the largest number mean never (MS-ADTS, accountExpires).
fn expires(entry: &Entry, attribute: &str) -> Option<i64> {
    let end = entry.number(attribute)?;
    (end != 0 && end != i64::MAX).then(|| unix_of_file_time(end))
}

/// `20261121052243.0Z`, in seconds since 1970.
fn unix_of_generalized(time: &str) -> Option<i64> {
    let digits = time.get(..14)?;
    let time = NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok()?;
    Some(time.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_age_binds_users_alone() {
        let day = Duration::from_secs(86_400);
        let set = 134_397_121_630_795_090;
        let at = unix_of_file_time(set);
        for (kind, set, now, left) in [
            (AccountKind::User, set, at, day),
            (AccountKind::User, set, at + 86_399, Duration::from_secs(1)),
            (AccountKind::User, set, at + 86_400, Duration::ZERO),
            (AccountKind::User, set, at - 60, day),
            (AccountKind::User, 0, at, Duration::ZERO),
            (AccountKind::Computer, set, at, Duration::ZERO),
        ] {
            assert_eq!(age_left(kind, day, set, now), left, "{kind:?} {set} {now}");
        }
    }

    #[test]
    fn never_is_spelled_in_two_ways() {
        for (value, end) in [
            ("0", None),
            ("9223372036854775807", None),
            ("134397121630795090", Some(1_795_238_563)),
        ] {
            let entry = Entry::with(&[("accountExpires", &[value.as_bytes()])]);
            assert_eq!(expires(&entry, "accountExpires"), end);
        }
        assert_eq!(
            unix_of_generalized("20261121052243.0Z"),
            Some(1_795_238_563)
        );
        assert_eq!(unix_of_generalized("yesterday"), None);
    }
}
