//! What an operator's words about an array mean.

use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::policy::Policy;

use super::super::no::No;

/// What a policy means that lets nobody's ticket outlive a roll.
pub(super) fn short_life(policy: &Policy) -> Option<String> {
    policy.ticket_life.is_zero().then(|| {
        "its tickets are taken to live 0 s: a roll waits for none, and clients with a cached one \
         are refused"
            .to_owned()
    })
}

pub(super) fn bad_word(what: &str, word: &str, allowed: &str) -> No {
    No::bad_input(
        "bad-value",
        format!("{what} {word:?} is not known; it is {allowed}"),
    )
}

pub(super) fn list(enctypes: &[Enctype]) -> String {
    enctypes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn account_kind(account: &str, kind: &str) -> Result<AccountKind, No> {
    match kind {
        "" | "computer" => Ok(AccountKind::Computer),
        "user" if account.ends_with('$') => Err(No::bad_input(
            "bad-name",
            format!("{account:?} ends in '$', which names a computer account"),
        )),
        "user" => Ok(AccountKind::User),
        other => Err(bad_word("account kind", other, "computer or user")),
    }
}

/// AD allows 20 characters for a user's name and 15 (and a '$') for a computer's.
pub(super) fn sam_account_name(account: &str, kind: AccountKind) -> Result<String, No> {
    let (stem, most) = match kind {
        AccountKind::Computer => (account.trim_end_matches('$'), 15),
        AccountKind::User => (account, 20),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if stem.is_empty() || stem.len() > most || !stem.chars().all(allowed) {
        return Err(No::bad_input(
            "bad-name",
            format!(
                "{account:?} is not a name for an account: 1 to {most} letters, digits, '-', '_', \
                 '.'"
            ),
        ));
    }
    Ok(match kind {
        AccountKind::Computer => format!("{stem}$"),
        AccountKind::User => stem.to_owned(),
    })
}

pub(super) fn enctypes(names: &[String]) -> Result<Vec<Enctype>, No> {
    if names.is_empty() {
        return Ok(vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]);
    }
    Ok(names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?)
}
