//! What an operator's words about an array mean.

use std::time::Duration;

use keyroll::drift::Heal;
use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::AccountKind;
use keyroll::password::Length;
use keyroll::roll::policy::{DelegationGap, Gate, Method, OnDeadline, Policy};
use keyroll_proto::operator as said;

use super::super::Controller;
use super::super::no::No;

/// The rules that an array goes by.
pub(super) struct Rules {
    pub(super) policy: Policy,
    pub(super) method: Option<Method>,
    pub(super) password_length: u32,
    pub(super) heal: Heal,
}

impl Controller {
    /// The rules that a request describes, with the configured defaults filled in.
    pub(super) fn rules(&self, given: Option<&said::Policy>) -> Result<Rules, No> {
        let mut policy = self.defaults.policy();
        let mut length = self.defaults.password_length;
        let Some(given) = given else {
            return Ok(Rules {
                policy,
                method: None,
                password_length: length,
                heal: self.defaults.heal,
            });
        };
        let set = |time: &mut Duration, seconds: Option<u64>| {
            *time = seconds.map_or(*time, Duration::from_secs);
        };
        if !given.gate.is_empty() {
            policy.gate = given
                .gate
                .parse::<Gate>()
                .map_err(|error| No::bad_input("bad-value", format!("--gate: {error}")))?;
        }
        if given.stage_deadline != 0 {
            policy.stage_deadline = Duration::from_secs(given.stage_deadline);
        }
        set(&mut policy.ticket_life, given.ticket_life);
        policy.ticket_life_given |= given.ticket_life.is_some();
        set(&mut policy.clock_skew, given.clock_skew);
        set(&mut policy.margin, given.margin);
        policy.on_deadline = match given.on_deadline.as_str() {
            "" => policy.on_deadline,
            "abort" => OnDeadline::Abort,
            "quarantine" => OnDeadline::Quarantine,
            other => return Err(bad_word("on-deadline", other, "abort or quarantine")),
        };
        policy.delegation_gap = match given.delegation_gap.as_str() {
            "" => policy.delegation_gap,
            "refuse" => DelegationGap::Refuse,
            "in-window" => DelegationGap::InWindow,
            "accept" => DelegationGap::Accept,
            other => {
                let allowed = "refuse, in-window or accept";
                return Err(bad_word("delegation-gap", other, allowed));
            }
        };
        let method = match given.method.as_str() {
            "" | "auto" => None,
            "change" => Some(Method::Change),
            "reset" => Some(Method::FencedReset),
            other => return Err(bad_word("method", other, "auto, change or reset")),
        };
        if given.password_length != 0 {
            length = given.password_length;
        }
        Length::new(length as usize)
            .map_err(|error| No::bad_input("bad-length", error.to_string()))?;
        let heal = match given.heal.as_str() {
            "" => self.defaults.heal,
            "never" => Heal::Never,
            "reset" => Heal::Reset,
            other => return Err(bad_word("heal", other, "never or reset")),
        };
        Ok(Rules {
            policy,
            method,
            password_length: length,
            heal,
        })
    }
}

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
