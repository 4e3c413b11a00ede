//! The account: may it be used at all, and will the next password's keys be the right ones?

use super::delegable;
use super::facts::{Facts, UnseenKind};
use super::finding::{Check, Finding};
use super::hidden::{let_read, unread};
use crate::account::hidden::ACCOUNT_HIDDEN;
use crate::account::protection::Protection;
use crate::account::{self, AccountState, ENCTYPES_UNSET, hidden};
use crate::drift::Attribute;
use crate::roll::Refusal;
use crate::shell::quoted;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "account-found",
        looks_at: "whether the account can be read, by its objectGUID",
        means: "deleted: no KDC gives tickets for its SPNs; unread: nothing can be said of it",
        mends: "restore the object, or give the controller the right to read it",
        look: found,
    },
    Check {
        id: "account-enabled",
        looks_at: "userAccountControl, ACCOUNTDISABLE",
        means: "Windows KDCs give no tickets for its SPNs; Samba's do",
        mends: "enable it, after finding out who disabled it and why",
        look: |facts| condition(facts, &ENABLED),
    },
    Check {
        id: "account-lockout",
        looks_at: "lockoutTime, msDS-User-Account-Control-Computed",
        means: "KDCs refuse tickets for its SPNs: one who guesses its password takes the service \
                down",
        mends: "unlock it, find who guesses; a new password does not unlock it",
        look: |facts| condition(facts, &UNLOCKED),
    },
    Check {
        id: "account-expiry",
        looks_at: "accountExpires, a month ahead",
        means: "KDCs refuse tickets for its SPNs",
        mends: "let it never expire",
        look: expiry,
    },
    Check {
        id: "account-tier",
        looks_at: "adminCount, groups, userAccountControl, SID, and where the account is",
        means: "it is a protected administrator's account, or outside of the containers that the \
                settings name: rolls are refused, since they would make the controller as \
                powerful; so they are where the controller may not read these",
        mends: "an account of its own for the array; or the right to read them",
        look: tier,
    },
    Check {
        id: "account-delegable",
        looks_at: "the group Protected Users (tokenGroups); and, where the account delegates, \
                   NOT_DELEGATED of its userAccountControl (\"sensitive\")",
        means: "in Protected Users, whoever logs in as the account gets no RC4, and a \
                ticket-granting ticket of 4 h; either way a Samba KDC issues no ticket to it that \
                is evidence, so that delegation by it fails",
        mends: "take it out of the group; it is for people. `--sensitive off`, where it delegates",
        look: delegable::look,
    },
    Check {
        id: "account-enctypes",
        looks_at: "msDS-SupportedEncryptionTypes against the enctypes of the keytabs",
        means: "unset: tickets go by the KDC's default, which is RC4 (Samba; Windows until the \
                updates of April 2026, KB5073381), and AES keytabs cannot open those; uncovered: \
                logins go on, and clients that know nothing better get tickets of a kind that the \
                keytabs lack",
        mends: "set the attribute to the keytabs' enctypes",
        look: |facts| condition(facts, &ENCTYPES),
    },
    Check {
        id: "account-salt",
        looks_at: "userPrincipalName and sAMAccountName against the salt of today's keys",
        means: "the next password gets another salt than today's: keytabs that are made by hand \
                from the password are wrong; keyroll foresees it",
        mends: "a roll, after which both are the same again",
        look: salt,
    },
    Check {
        id: "account-policy",
        looks_at: "the minimum length of passwords that holds for the account",
        means: "the directory will refuse the next password",
        mends: "make longer passwords",
        look: |facts| condition(facts, &LENGTH),
    },
    Check {
        id: "password-expiry",
        looks_at: "pwdLastSet, whether the password has expired by policy, and when it will: told \
                   in the last quarter of its life",
        means: "programs that log in as the account cannot; a domain may refuse its tickets too",
        mends: "a roll; and let it never expire, since keyroll changes it",
        look: password,
    },
];

/// A reason against a roll that a check stands for.
struct Condition {
    /// The codes of [`AccountState::refusals`].
    codes: &'static [&'static str],
    /// The attribute without which nobody can say.
    shown_by: Option<&'static str>,
    /// The attribute whose stamp tells since when it is so.
    attribute: Option<Attribute>,
    /// What is said if it is not so.
    fine: &'static str,
    /// Those of the codes that cost logins today.
    broken: &'static [&'static str],
    /// What it leads to.
    cause: &'static str,
}

const ENABLED: Condition = Condition {
    codes: &["account-disabled"],
    shown_by: Some(hidden::CONTROL),
    attribute: Some(Attribute::Control),
    fine: "enabled",
    broken: &["account-disabled"],
    cause: "clients get KDC_ERR_CLIENT_REVOKED or KDC_ERR_SERVICE_REVOKED once their tickets end; \
            tidy-up jobs disable accounts that never log in, as a service's account does not",
};
const UNLOCKED: Condition = Condition {
    codes: &["account-locked"],
    shown_by: Some(hidden::LOCKOUT),
    attribute: Some(Attribute::Lockout),
    fine: "not locked",
    broken: &["account-locked"],
    cause: "every node is without new logins at once; an old password in a scheduled task, or in \
            a service on one node, is the usual guesser",
};
const UNEXPIRED: Condition = Condition {
    codes: &["account-expired"],
    shown_by: Some(hidden::EXPIRES),
    attribute: Some(Attribute::Expiry),
    fine: "does not expire, or later",
    broken: &["account-expired"],
    cause: "clients get KDC_ERR_CLIENT_REVOKED or KDC_ERR_SERVICE_REVOKED once their tickets end",
};
const UNPROTECTED: Condition = Condition {
    codes: &["account-protected", ACCOUNT_HIDDEN],
    shown_by: None,
    attribute: None,
    fine: "not an administrator's",
    broken: &[],
    cause: "",
};
const ENCTYPES: Condition = Condition {
    codes: &[ENCTYPES_UNSET, "enctypes-uncovered"],
    shown_by: Some(hidden::ENCTYPES),
    attribute: Some(Attribute::Enctypes),
    fine: "covered by the keytabs",
    broken: &[],
    cause: "a KDC takes the best enctype that attribute and client share, whatever the keytabs \
            hold: where that is one that they lack, acceptors find no key of it, or answer \
            KRB_AP_ERR_MODIFIED",
};
const LENGTH: Condition = Condition {
    codes: &["policy-length"],
    shown_by: None,
    attribute: None,
    fine: "the next password is long enough",
    broken: &[],
    cause: "0000052D (password restriction) at the commit; a roll refuses to begin",
};

fn found(facts: &Facts) -> Vec<Finding> {
    let account = &facts.array.account;
    vec![match facts.account() {
        Ok(state) => Finding::ok(account, &state.distinguished_name),
        Err(unseen) if unseen.kind == UnseenKind::Missing => Finding::broken(account, &unseen.why)
            .because(
                "no KDC gives tickets for its SPNs; those that clients hold go on until they end",
            )
            .mend(format!(
                "Get-ADObject -Filter 'sAMAccountName -eq \"{account}\"' -IncludeDeletedObjects | \
                 Restore-ADObject (Samba: out of a backup), then keyroll doctor {}",
                facts.array.name
            )),
        Err(unseen) => Finding::unknown(account, &unseen, &facts.array.name),
    }]
}

fn condition(facts: &Facts, condition: &Condition) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let reasons = state.refusals(&facts.wanted(state));
    judged(facts, state, reasons, condition)
}

/// Not by every reason against a roll: other hidden attributes have checks of their own.
fn tier(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let reasons = state.out_of_bounds().into_iter().collect();
    judged(facts, state, reasons, &UNPROTECTED)
}

fn judged(
    facts: &Facts,
    state: &AccountState,
    reasons: Vec<Refusal>,
    condition: &Condition,
) -> Vec<Finding> {
    let reasons = reasons.into_iter();
    let reasons = reasons.filter(|reason| condition.codes.contains(&reason.code.as_str()));
    let bad = |reason: Refusal| {
        let evidence = since(facts, condition.attribute, reason.why);
        let again = format!(", then keyroll doctor {}", facts.array.name);
        let next = match reason.code.as_str() {
            ACCOUNT_HIDDEN => let_read(facts, state),
            "account-protected" => reason.next,
            _ => reason.next + &again,
        };
        let code = reason.code.as_str();
        let unopened = code == ENCTYPES_UNSET && issues_what_no_key_opens(facts);
        let grade = match condition.broken.contains(&code) || unopened {
            true => Finding::broken,
            false => Finding::warning,
        };
        let cause = match condition.cause {
            "" => why_protected(&state.protections),
            cause => cause.to_owned(),
        };
        grade(reason.object, evidence).because(cause).mend(next)
    };
    let bad = reasons.map(bad).collect();
    or_ok(
        facts,
        bad,
        state,
        condition.shown_by.as_slice(),
        condition.fine,
    )
}

/// Whether a domain controller issues a ticket of a kind that the array has no key of.
fn issues_what_no_key_opens(facts: &Facts) -> bool {
    let tickets = facts.dcs().iter().filter_map(|dc| dc.ticket.as_ref());
    let mut numbers = tickets.filter_map(|ticket| Some(ticket.as_ref().ok()?.enctype));
    let has = |number| {
        facts
            .array
            .enctypes
            .iter()
            .any(|one| one.number() == number)
    };
    numbers.any(|number| !has(number))
}

/// How an account usually comes to be protected like this.
fn why_protected(protections: &[Protection]) -> String {
    let one = |protection: &Protection| match protection {
        Protection::AdminCount => {
            "it is or was a member of an administrators' group; adminCount stays when it leaves"
        }
        Protection::Member(_) => "it was put into that group, or into one that is in it",
        Protection::DomainController
        | Protection::Kdc
        | Protection::Administrator
        | Protection::Trust => "it is the domain's own",
        Protection::Hidden(_) => {
            "what is not shown may as well not be there: a domain without Pre-Windows 2000 \
             Compatible Access, or an entry that denies it to the controller's account"
        }
        Protection::Outside => {
            "it was moved, or directory.accounts-below in the controller's settings names other \
             containers"
        }
    };
    let mut causes: Vec<&str> = protections.iter().map(one).collect();
    causes.dedup();
    causes.join("; ")
}

/// The command that has the account name the keytabs' enctypes.
pub(super) fn set_enctypes(facts: &Facts) -> String {
    let array = &facts.array;
    let account = facts.account().ok();
    let present = account.and_then(|state| state.supported_enctypes);
    let set = account::set_enctypes(&array.account, present, &array.enctypes);
    format!("{set}, then keyroll doctor {}", array.name)
}

/// The evidence with where and when the attribute was last written, if its stamp was shown.
fn since(facts: &Facts, attribute: Option<Attribute>, evidence: String) -> String {
    let history = facts.history();
    let origin = attribute.and_then(|attribute| history?.origin(attribute));
    match origin {
        Some(origin) => format!("{evidence}, {origin}"),
        None => evidence,
    }
}

/// What is wrong; or that nothing is, if what shows it may be read.
fn or_ok(
    facts: &Facts,
    bad: Vec<Finding>,
    state: &AccountState,
    shown_by: &[&'static str],
    fine: &str,
) -> Vec<Finding> {
    if !bad.is_empty() {
        return bad;
    }
    let fine = || Finding::ok(&state.salt_source.sam_account_name, fine);
    vec![unread(facts, state, shown_by).unwrap_or_else(fine)]
}

fn salt(facts: &Facts) -> Vec<Finding> {
    let (Ok(state), Some(today)) = (facts.account(), &facts.array.salt) else {
        return Vec::new();
    };
    let sources = [hidden::CLASS, hidden::NAME, hidden::PRINCIPAL_NAME];
    if let Some(unread) = unread(facts, state, &sources) {
        return vec![unread];
    }
    let (source, next) = (&state.salt_source, state.salt_source.next_salt());
    if next == *today {
        return vec![Finding::ok(
            &source.sam_account_name,
            format!("salt {next}"),
        )];
    }
    let from = match &source.user_principal_name {
        Some(upn) => format!("userPrincipalName {upn}"),
        None => format!("sAMAccountName {}", source.sam_account_name),
    };
    let evidence =
        format!("today's keys have the salt {today}; the next will have {next}, by {from}");
    let evidence = since(facts, Some(Attribute::PrincipalName), evidence);
    vec![
        Finding::warning(&state.distinguished_name, evidence)
            .because(
                "today's keys and tickets go on; whoever derives keys from the password with the \
                 usual salt (ktutil, ktpass, msktutil) makes keytabs that open nothing: \
                 KRB_AP_ERR_MODIFIED on that node alone",
            )
            .mend(format!("keyroll roll {}", facts.array.name)),
    ]
}

/// How long before an account ends that is told: what ends it is somebody's calendar.
const MONTH: i64 = 30 * DAY;
const DAY: i64 = 24 * 60 * 60;

fn expiry(facts: &Facts) -> Vec<Finding> {
    let ends = facts.account().ok().and_then(|state| state.expires_unix);
    let left = ends.map(|ends| ends - facts.now_unix);
    match left {
        Some(left) if (1..MONTH).contains(&left) => {
            let name = quoted(&facts.array.account);
            let evidence = format!("it expires in {} days", left / DAY);
            vec![
                Finding::warning(&facts.array.account, evidence)
                    .because("from then on KDCs refuse tickets for its SPNs")
                    .mend(format!(
                        "samba-tool user setexpiry --noexpiry {name} (or \
                         Clear-ADAccountExpiration), then keyroll doctor {}",
                        facts.array.name
                    )),
            ]
        }
        _ => condition(facts, &UNEXPIRED),
    }
}

/// The password's own end, in the last quarter of its life: a schedule would have rolled before.
fn foreseen(facts: &Facts, state: &AccountState) -> Option<Finding> {
    let ends = state.password_expires_unix?;
    let (life, left) = (ends - state.password_set_unix, ends - facts.now_unix);
    if state.hides(hidden::PASSWORD_SET) || left >= life / 4 {
        return None;
    }
    let evidence = format!("it expires in {} h", left.max(0) / 3600);
    let (name, array) = (&state.salt_source.sam_account_name, &facts.array.name);
    let finding = Finding::warning(name, evidence)
        .because(
            "whoever logs in as the account (kinit -k, a service's own tickets) is refused then; a \
             schedule that rolls more often than passwords expire keeps it from that",
        )
        .mend(format!(
            "keyroll roll {array}, then keyroll schedule set {array} --every 30d"
        ));
    Some(finding)
}

fn password(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let name = &state.salt_source.sam_account_name;
    let expired = state.password_expired();
    let bad = expired.map(|reason| {
        let evidence = "its password has expired, or must be changed at the next logon".to_owned();
        Finding::warning(
            reason.object,
            since(facts, Some(Attribute::PasswordSet), evidence),
        )
        .because(
            "whoever logs in as the account (kinit -k, a service's own tickets) is refused \
                 with KDC_ERR_KEY_EXPIRED; tickets for its SPNs go on",
        )
        .mend(format!(
            "samba-tool user setexpiry --noexpiry {} (or Set-ADUser \
                 -PasswordNeverExpires $true), then keyroll roll {}",
            quoted(name),
            facts.array.name
        ))
    });
    let bad = bad.or_else(|| foreseen(facts, state));
    let bad = bad.into_iter().collect();
    or_ok(facts, bad, state, &[hidden::PASSWORD_SET], "not expired")
}
