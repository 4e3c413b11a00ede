//! The account as the directory shows it, and what about it speaks against a roll.

pub mod hidden;
pub mod protection;
pub mod rights;

use std::time::Duration;

use self::hidden::{ACCOUNT_HIDDEN, ENCTYPES, SPNS};
use self::protection::Protection;

use crate::kerberos::salt::SaltSource;
use crate::kerberos::{Enctype, Kvno};
use crate::name::ArrayName;
use crate::roll::Refusal;
use crate::roll::policy::Method;
use crate::shell::{powershell_word, quoted, word};

/// The code of a refusal of an account that names no kind of key.
pub const ENCTYPES_UNSET: &str = "enctypes-unset";

/// What was read of an account on one domain controller in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// `objectGUID`, by which it is written to: a rename does not lead a write astray.
    pub guid: [u8; 16],
    /// `distinguishedName`, for people.
    pub distinguished_name: String,
    /// What the next password's salt follows from.
    pub salt_source: SaltSource,
    /// `msDS-KeyVersionNumber`: a hint, since only a ticket proves a key.
    pub kvno: Kvno,
    /// `servicePrincipalName`.
    pub spns: Vec<String>,
    /// `msDS-SupportedEncryptionTypes`; absent or 0 yields tickets by the KDC's default: RC4, or
    /// AES alone on a Windows KDC with the updates of April 2026 (KB5073381).
    pub supported_enctypes: Option<u32>,
    /// `userAccountControl` bit ACCOUNTDISABLE.
    pub disabled: bool,
    /// `lockoutTime` is set and has not passed: the KDC refuses tickets for its SPNs.
    pub locked: bool,
    /// `accountExpires` has passed.
    pub expired: bool,
    /// `accountExpires`, seconds since 1970; none if it never expires.
    pub expires_unix: Option<i64>,
    /// `pwdLastSet` is 0 or the password has expired by policy.
    pub password_expired: bool,
    /// `msDS-UserPasswordExpiryTimeComputed`, seconds since 1970; none if it never expires or that
    /// is not shown.
    pub password_expires_unix: Option<i64>,
    /// Why it is out of bounds; nothing if it is not, or the settings say otherwise.
    pub protections: Vec<Protection>,
    /// The attributes of [`hidden`] that are not shown to the caller: what stands here in their
    /// place says nothing of the account.
    pub hidden: Vec<&'static str>,
    /// `pwdLastSet`, seconds since 1970.
    pub password_set_unix: i64,
    /// How much of the minimum password age is left: a change is refused until then. Computer
    /// accounts are exempt.
    pub minimum_age_left: Duration,
    /// The domain's (or the account's own) minimum password length.
    pub minimum_length: u32,
    /// The caller holds Reset Password on this object.
    pub may_reset: bool,
    /// The caller may write the fence attribute.
    pub may_write_fence: bool,
    /// The fence attribute's present value.
    pub fence: Option<String>,
    /// Who else has its SPNs.
    pub other_owners: OtherOwners,
    /// The account may delegate in any way.
    pub delegates: bool,
    /// `userAccountControl` bit NOT_DELEGATED: "sensitive".
    pub not_delegated: bool,
    /// It is in the domain's group Protected Users, by way of others perhaps.
    pub protected_user: bool,
    /// Where it may do so with tickets that clients show it (S4U2Proxy): SPNs of
    /// `msDS-AllowedToDelegateTo`, and when a roll begins also the accounts that let it by
    /// themselves. Tickets from before a roll may be no evidence after it.
    pub delegates_to: Vec<String>,
}

/// Who else has an account's SPNs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherOwners {
    /// Whether the whole forest was looked through, not only the domain.
    pub forest: bool,
    /// Each, once for every SPN.
    pub found: Vec<OtherOwner>,
}

/// Another object with an SPN of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherOwner {
    /// The SPN, as the account spells it.
    pub spn: String,
    /// The object's sAMAccountName, by which tools name it; contacts have none.
    pub account: Option<String>,
    /// Its distinguished name, for people.
    pub name: String,
}

/// What an array wants of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The array, which the commands that mend something name.
    pub array: &'a ArrayName,
    /// The enctypes that stand in the keytabs.
    pub enctypes: &'a [Enctype],
    /// How the password shall be written.
    pub method: Method,
    /// Whether the password in force is known, as a change needs.
    pub password_known: bool,
    /// The length of a new password.
    pub password_length: u32,
}

/// The command that has an account name these enctypes and no other kinds of key; what else its
/// `msDS-SupportedEncryptionTypes` says stays (MS-KILE 2.2.7).
#[must_use]
pub fn set_enctypes(account: &str, present: Option<u32>, enctypes: &[Enctype]) -> String {
    let bits = enctypes.iter().filter_map(|one| one.directory_bit());
    let others = present.unwrap_or_default() & !0x1f;
    let bits = bits.fold(others, |all, bit| all | bit);
    format!(
        "net ads enctypes set {} {bits} (or Set-ADUser, Set-ADComputer -Replace \
         @{{'msDS-SupportedEncryptionTypes'={bits}}})",
        quoted(account)
    )
}

impl AccountState {
    /// The method that needs the least: a change where it is possible, else a fenced reset.
    #[must_use]
    pub fn method(&self, password_known: bool) -> Method {
        let change = password_known && self.minimum_age_left.is_zero();
        if change || !self.may_reset {
            Method::Change
        } else {
            Method::FencedReset
        }
    }

    /// Whether it has this SPN, in any case of letters.
    #[must_use]
    pub fn has_spn(&self, spn: &str) -> bool {
        self.spns.iter().any(|one| one.eq_ignore_ascii_case(spn))
    }

    /// Every reason against writing a new password to this account now, all at once.
    #[must_use]
    pub fn refusals(&self, wanted: &Wanted<'_>) -> Vec<Refusal> {
        let mut reasons = self.condition();
        reasons.extend(self.enctype_trouble(wanted.enctypes));
        reasons.extend(self.spn_trouble(wanted));
        if !reasons.iter().any(|one| one.code == ACCOUNT_HIDDEN) {
            reasons.extend(self.names_hidden());
        }
        reasons.extend(self.method_trouble(wanted));
        if wanted.password_length < self.minimum_length {
            reasons.push(self.refusal(
                "policy-length",
                format!(
                    "the domain wants at least {} characters, the array makes {}",
                    self.minimum_length, wanted.password_length
                ),
                format!(
                    "keyroll array set {} --password-length {}",
                    wanted.array, self.minimum_length
                ),
            ));
        }
        reasons
    }

    /// Every reason against any write to it, whoever asks: it is disabled, locked out, expired or
    /// out of bounds.
    #[must_use]
    pub fn condition(&self) -> Vec<Refusal> {
        let name = quoted(&self.salt_source.sam_account_name);
        let table = [
            (
                self.disabled,
                "account-disabled",
                "it is disabled, so its SPNs get no tickets on a Windows DC",
                format!("samba-tool user enable {name} (or Enable-ADAccount)"),
            ),
            (
                self.locked,
                "account-locked",
                "it is locked out: the KDC refuses tickets for its SPNs; no reset unlocks it",
                format!(
                    "samba-tool user unlock {name} (or Unlock-ADAccount; then find who guesses)"
                ),
            ),
            (
                self.expired,
                "account-expired",
                "it has expired",
                format!("samba-tool user setexpiry --noexpiry {name}"),
            ),
        ];
        let found = table.into_iter().filter(|(holds, ..)| *holds);
        found
            .map(|(_, code, why, next)| self.refusal(code, why, next))
            .chain(self.out_of_bounds())
            .collect()
    }

    /// The reason against an account that is more than an array's.
    #[must_use]
    pub fn out_of_bounds(&self) -> Option<Refusal> {
        let account = &self.salt_source.sam_account_name;
        protection::refusal(&self.distinguished_name, account, &self.protections)
    }

    /// The reason against a roll in an expired password, for an account that a KDC gives no
    /// tickets for: where it gives them, a roll is the cure.
    #[must_use]
    pub fn password_expired(&self) -> Option<Refusal> {
        let name = quoted(&self.salt_source.sam_account_name);
        self.password_expired.then(|| {
            let why = "its password has expired, and a KDC gives no tickets for its SPNs that \
                       could prove a key";
            let next = format!(
                "samba-tool user setexpiry --noexpiry {name} (or Set-ADUser \
                 -PasswordNeverExpires $true), then roll"
            );
            self.refusal("password-expired", why, next)
        })
    }

    fn enctype_trouble(&self, enctypes: &[Enctype]) -> Option<Refusal> {
        if self.hides(ENCTYPES) {
            return None;
        }
        let wanted: u32 = enctypes
            .iter()
            .filter_map(|enctype| enctype.directory_bit())
            .fold(0, |bits, bit| bits | bit);
        let has = self.supported_enctypes.unwrap_or(0);
        // Only the kinds of key count (MS-KILE 2.2.7): 0x20 is about session keys, the higher bits
        // are about other things; 0x40 and 0x80 are the kinds of RFC 8009.
        let kinds = has & 0x1f;
        let name = &self.salt_source.sam_account_name;
        let next = set_enctypes(name, self.supported_enctypes, enctypes);
        if has & 0xdf == 0 {
            let why = "msDS-SupportedEncryptionTypes names no kind of key: each KDC goes by its \
                       own default, which updates change, and where it is RC4 tickets, the array's \
                       keytabs cannot open them";
            return Some(self.refusal(ENCTYPES_UNSET, why, next));
        }
        let uncovered = kinds & !wanted;
        (uncovered != 0).then(|| {
            let why = format!(
                "msDS-SupportedEncryptionTypes is {has:#x}: the KDC may issue tickets of a kind \
                 that the array's keytabs lack ({uncovered:#x})"
            );
            self.refusal("enctypes-uncovered", why, next)
        })
    }

    fn spn_trouble(&self, wanted: &Wanted<'_>) -> Vec<Refusal> {
        let doubled = self.other_owners.found.iter().map(|other| {
            let OtherOwner { spn, account, name } = other;
            let why = format!("{name} has it too, so the KDC answers that it knows no such server");
            let next = match account {
                Some(_) => format!("keyroll spn move {} {}", wanted.array, word(spn)),
                None => format!("setspn -Q {}", powershell_word(spn)),
            };
            Refusal::new("spn-duplicate", spn, why, next)
        });
        let mut reasons: Vec<Refusal> = doubled.collect();
        if self.spns.is_empty() && !self.hides(SPNS) {
            let why = "no SPN is registered, so no ticket can prove its key";
            let next = "keyroll node list (an SPN is registered once a node holds the key)";
            reasons.push(self.refusal("spn-missing", why, next));
        }
        reasons
    }

    fn method_trouble(&self, wanted: &Wanted<'_>) -> Option<Refusal> {
        let acl = format!(
            "keyroll array create --print-acl --account {}",
            quoted(&self.salt_source.sam_account_name)
        );
        match wanted.method {
            Method::Change if !wanted.password_known => Some(self.refusal(
                "password-unknown",
                "its present password is not known here, so it can only be reset, and this \
                 controller has no right to",
                acl,
            )),
            Method::Change if !self.minimum_age_left.is_zero() => Some(self.refusal(
                "minimum-age",
                format!(
                    "its password is too young to be changed for another {} s, and this \
                     controller has no right to reset it",
                    self.minimum_age_left.as_secs()
                ),
                acl,
            )),
            Method::FencedReset if !self.may_reset => Some(self.refusal(
                "right-missing",
                "this controller may not reset its password",
                acl,
            )),
            Method::FencedReset if !self.may_write_fence => Some(self.refusal(
                "right-missing",
                "this controller may not write its fence attribute, without which a reset cannot \
                 be told from a repeated one",
                acl,
            )),
            Method::Change | Method::FencedReset => None,
        }
    }

    fn refusal(&self, code: &str, why: impl Into<String>, next: impl Into<String>) -> Refusal {
        Refusal::new(code, &self.distinguished_name, why, next)
    }
}

#[cfg(test)]
pub(crate) mod tests;
