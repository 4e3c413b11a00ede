//! The account's attributes: what is other than it was, and what of it stands in the way.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::change::{Change, Judgement};
use super::stamp::Attribute;
use crate::account::{AccountState, Wanted, hidden};
use crate::kerberos::Principal;
use crate::kerberos::salt::SaltSource;
use crate::name::ArrayName;
use crate::roll::{GenerationNumber, Refusal};
use crate::shell::{quoted, word};

/// What an array last knew of its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Known {
    /// The generation in force then. A roll brings another, and with it its own fence and time.
    pub generation: Option<GenerationNumber>,
    /// `distinguishedName`.
    pub distinguished_name: String,
    /// What the salt of the next password followed from.
    pub salt_source: SaltSource,
    /// `msDS-SupportedEncryptionTypes`.
    pub supported_enctypes: Option<u32>,
    /// The fence attribute.
    pub fence: Option<String>,
    /// Whether the account could delegate.
    pub delegates: bool,
}

/// What an array has to do with the names under which its account is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The array.
    pub array: &'a ArrayName,
    /// The array's SPNs.
    pub spns: &'a [String],
    /// Those of them that wait until a node holds the key.
    pub pending: &'a BTreeSet<String>,
}

impl Known {
    /// What is known now.
    #[must_use]
    pub fn of(now: &AccountState, generation: Option<GenerationNumber>) -> Self {
        Self {
            generation,
            distinguished_name: now.distinguished_name.clone(),
            salt_source: now.salt_source.clone(),
            supported_enctypes: now.supported_enctypes,
            fence: now.fence.clone(),
            delegates: now.delegates,
        }
    }

    /// This, with what is hidden now as it was known before: what nobody can see has not changed.
    #[must_use]
    pub fn keeping(mut self, before: &Self, state: &AccountState) -> Self {
        let (own, old) = (&mut self.salt_source, &before.salt_source);
        if state.hides(hidden::NAME) {
            own.sam_account_name.clone_from(&old.sam_account_name);
        }
        if state.hides(hidden::CLASS) {
            own.kind = old.kind;
        }
        if state.hides(hidden::PRINCIPAL_NAME) {
            own.user_principal_name.clone_from(&old.user_principal_name);
        }
        if state.hides(hidden::ENCTYPES) {
            self.supported_enctypes = before.supported_enctypes;
        }
        if state.hides(hidden::CONTROL) {
            self.delegates = before.delegates;
        }
        self
    }

    /// What is other than it was. `own_fence` is how a fence value of this array begins.
    #[must_use]
    pub fn changes(&self, now: &Self, own_fence: &str) -> Vec<Change> {
        let object = &now.salt_source.sam_account_name;
        let changed = |code, name: &str, attribute, values: (String, String), consequence| {
            let (before, after) = values;
            (before != after).then(|| Change {
                code,
                object: object.clone(),
                what: format!("{name} was {before} and is {after}"),
                attribute,
                origin: None,
                consequence,
                judgement: Judgement::Harmless,
                next: String::new(),
            })
        };
        let (before, after) = (&self.salt_source, &now.salt_source);
        let renamed = before.sam_account_name != after.sam_account_name;
        // A new name moves the object by itself; where only that differs, once is enough.
        let place = |known: &Self| match renamed {
            true => String::new(),
            false => known.distinguished_name.clone(),
        };
        // A roll writes its own fence; whoever writes one in our form is a roll of ours.
        let written = now
            .fence
            .as_deref()
            .filter(|fence| !fence.starts_with(own_fence));
        let fence = |known: &Self| match (self.generation == now.generation, written) {
            (true, Some(_)) => or_none(known.fence.as_deref()),
            _ => String::new(),
        };
        let enctypes = |known: &Self| match known.supported_enctypes {
            Some(bits) => format!("{bits:#x}"),
            None => "absent".to_owned(),
        };
        let delegates = |known: &Self| if known.delegates { "on" } else { "off" }.to_owned();
        let upn = |source: &SaltSource| or_none(source.user_principal_name.as_deref());
        let both = |value: &dyn Fn(&Self) -> String| (value(self), value(now));
        let changes = [
            changed(
                "account-renamed",
                "sAMAccountName",
                Some(Attribute::AccountName),
                (
                    before.sam_account_name.clone(),
                    after.sam_account_name.clone(),
                ),
                format!(
                    "the array and its keytabs follow; {}",
                    salt_words(before, after)
                ),
            ),
            changed(
                "account-moved",
                "distinguishedName",
                Some(Attribute::Place),
                both(&place),
                "it is found by its objectGUID wherever it is; rights that it inherited where it \
                 was may be gone"
                    .to_owned(),
            ),
            changed(
                "upn-changed",
                "userPrincipalName",
                Some(Attribute::PrincipalName),
                (upn(before), upn(after)),
                salt_words(before, after),
            ),
            changed(
                "enctypes-changed",
                "msDS-SupportedEncryptionTypes",
                Some(Attribute::Enctypes),
                both(&enctypes),
                "tickets from now on may be of another kind".to_owned(),
            ),
            changed(
                DELEGATION_CHANGED,
                "the right to delegate",
                Some(Attribute::Control),
                both(&delegates),
                "a KDC takes a user's ticket as evidence under the account's last passwords only"
                    .to_owned(),
            ),
            changed(
                "fence-written",
                "the fence attribute",
                None,
                both(&fence),
                "the next reset swaps what is there by then; a program that keeps something in it \
                 loses that, unless directory.fence-attribute names another"
                    .to_owned(),
            ),
        ];
        changes.into_iter().flatten().collect()
    }
}

/// The code of a change of the right to delegate: keyroll's own verbs make such, too.
pub const DELEGATION_CHANGED: &str = "delegation-changed";

/// What other names mean for the salt (MS-KILE 3.1.1.2: settled when a password is set).
fn salt_words(before: &SaltSource, after: &SaltSource) -> String {
    let (old, new) = (before.next_salt(), after.next_salt());
    if old == new {
        "tickets and keys go on as before".to_owned()
    } else {
        format!("tickets and today's keys go on; the next password's salt will be {new}")
    }
}

fn or_none(value: Option<&str>) -> String {
    value.unwrap_or("absent").to_owned()
}

/// What stands in the way of tickets or of the next roll, for as long as it does.
#[must_use]
pub fn conditions(now: &AccountState, wanted: &Wanted<'_>, names: &Names<'_>) -> Vec<Change> {
    let refusals = now.refusals(wanted).into_iter();
    let mut changes: Vec<Change> = refusals
        // It passes by itself, and a node that waits for its key is no fault of the account's.
        .filter(|one| {
            one.code != "minimum-age" && (one.code != "spn-missing" || names.pending.is_empty())
        })
        .map(condition)
        .collect();
    let sam = &now.salt_source.sam_account_name;
    if now.password_expired {
        changes.push(Change {
            code: "password-expired",
            object: now.distinguished_name.clone(),
            what: "its password has expired, or must be changed at the next logon".to_owned(),
            attribute: Some(Attribute::PasswordSet),
            origin: None,
            consequence: "tickets for its SPNs go on, programs that log in as it cannot".to_owned(),
            judgement: Judgement::NeedsRoll,
            next: format!(
                "samba-tool user setexpiry --noexpiry {}, then roll",
                quoted(sam)
            ),
        });
    }
    let registered = names
        .spns
        .iter()
        .filter(|spn| !names.pending.contains(*spn) && !now.hides(hidden::SPNS));
    let gone = registered.filter(|spn| !now.has_spn(spn));
    changes.extend(gone.map(|spn| Change {
        code: "spn-removed",
        object: spn.clone(),
        what: format!("{sam} does not have it any more"),
        attribute: Some(Attribute::Spns),
        origin: None,
        consequence: "clients get no ticket for it; the keytabs keep its entries".to_owned(),
        judgement: Judgement::Critical,
        next: format!("keyroll spn add {} {}", names.array, word(spn)),
    }));
    changes
}

fn condition(reason: Refusal) -> Change {
    use Judgement::{Critical, StopsRolls};
    let (code, attribute, judgement) = match reason.code.as_str() {
        "account-disabled" => ("account-disabled", Some(Attribute::Control), Critical),
        "account-locked" => ("account-locked", Some(Attribute::Lockout), Critical),
        "account-expired" => ("account-expired", Some(Attribute::Expiry), Critical),
        "enctypes-unset" => ("enctypes-unset", Some(Attribute::Enctypes), Critical),
        "enctypes-uncovered" => ("enctypes-uncovered", Some(Attribute::Enctypes), Critical),
        "spn-duplicate" => ("spn-duplicate", Some(Attribute::Spns), Critical),
        "spn-missing" => ("spn-missing", Some(Attribute::Spns), Critical),
        "right-missing" => ("right-missing", Some(Attribute::Rights), StopsRolls),
        "policy-length" => ("policy-length", None, StopsRolls),
        hidden::ACCOUNT_HIDDEN => (hidden::ACCOUNT_HIDDEN, None, StopsRolls),
        _ => ("account-unfit", None, StopsRolls),
    };
    Change {
        code,
        object: reason.object,
        what: reason.why,
        attribute,
        origin: None,
        consequence: String::new(),
        judgement,
        next: reason.next,
    }
}

/// The SPNs that somebody gave to the account: clients may use them, so the nodes need their
/// entries. What is no name for a keytab is left out.
#[must_use]
pub fn spns_to_take_up(spns: &[String], now: &AccountState) -> Vec<String> {
    let realm = &now.salt_source.realm;
    let known = |spn: &String| spns.iter().any(|one| one.eq_ignore_ascii_case(spn));
    let new = now.spns.iter().filter(|spn| !known(spn));
    new.filter(|spn| Principal::of_spn(spn, realm).is_ok())
        .cloned()
        .collect()
}

/// An SPN that was taken up.
#[must_use]
pub fn taken_up(spn: &str, sam_account_name: &str) -> Change {
    Change {
        code: "spn-added",
        object: spn.to_owned(),
        what: format!("somebody gave it to {sam_account_name}"),
        attribute: Some(Attribute::Spns),
        origin: None,
        consequence: "the keytabs of all nodes get entries for it, so that its tickets open"
            .to_owned(),
        judgement: Judgement::Repaired,
        next: String::new(),
    }
}

#[cfg(test)]
mod tests;
