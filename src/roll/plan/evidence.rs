//! What a roll costs an account that delegates: its evidence.

use std::time::Duration;

use crate::account::AccountState;
use crate::roll::observed::{DcView, Observed};
use crate::roll::policy::DelegationGap;
use crate::roll::record::Refusal;
use crate::roll::story::human;
use crate::roll::{Cause, Plan};

/// How long the longest ticket lives that a domain controller issued now.
pub(super) fn longest_ticket(observed: &Observed) -> Duration {
    let lives = observed.dcs.values().filter_map(|view| match view {
        DcView::Issues(issued) => Some(issued.ticket_life),
        DcView::Trouble(_) => None,
    });
    lives.max().unwrap_or_default()
}

/// What a roll that nothing speaks against will cost all the same, as far as it was seen.
#[must_use]
pub fn warnings(frame: &Plan, observed: &Observed) -> Vec<String> {
    delegation_gap(frame, observed).into_iter().collect()
}

/// That the account cannot delegate with older tickets after the roll, and for how long.
fn delegation_gap(frame: &Plan, observed: &Observed) -> Option<String> {
    let account = observed.account.as_ref()?.as_ref().ok()?;
    let [first, others @ ..] = account.delegates_to.as_slice() else {
        return None;
    };
    let also = match others.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let policy = &frame.policy;
    let life = if policy.ticket_life_given {
        policy.ticket_life
    } else {
        policy.ticket_life.max(longest_ticket(observed))
    };
    Some(format!(
        "it delegates to {first}{also}: a KDC that keeps no older keys (Samba) refuses the \
         tickets that clients hold now as evidence, so delegation fails for each of them until it \
         has fetched a new one, for {} at most; logins go on",
        human(life)
    ))
}

/// The code of the refusal of a roll after which an account cannot delegate for a while.
pub const GAP: &str = "delegation-gap";

/// Users see what a service does for them elsewhere fail, so somebody has to say that they may. An
/// emergency does not wait: what the key is misused for is worse.
pub(super) fn gap_not_accepted(
    frame: &Plan,
    account: &AccountState,
    observed: &Observed,
) -> Option<Refusal> {
    let array = &frame.array;
    let accept = format!("keyroll roll {array} --accept-delegation-gap, when few are logged in");
    let next = match frame.policy.delegation_gap {
        _ if frame.cause == Cause::Emergency => return None,
        DelegationGap::Accept => return None,
        DelegationGap::Refuse => accept,
        DelegationGap::InWindow => {
            format!("wait for the window (keyroll schedule show {array}), or {accept}")
        }
    };
    let why = delegation_gap(frame, observed)?;
    let name = &account.salt_source.sam_account_name;
    Some(Refusal::new(GAP, name, why, next))
}
