//! What tickets from before a roll cost it: a wait, and evidence for an account that delegates.

use std::time::Duration;

use crate::account::AccountState;
use crate::roll::observed::{DcView, Observed};
use crate::roll::policy::{DelegationGap, OldKey};
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

/// A ticket that lives for longer is one whose life the domain does not limit: AD gives seven days
/// to what is renewed again and again, and hours to a single ticket (MS-KILE 3.1.1).
const NO_LIMIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A drain by tickets that hardly end would keep the old key for months, and the next roll from
/// beginning. How long they are waited for is then an operator's to say.
pub(super) fn tickets_without_end(frame: &Plan, observed: &Observed) -> Option<Refusal> {
    let policy = &frame.policy;
    let waits = policy.old_key == OldKey::UntilDrained && !policy.ticket_life_given;
    let longest = longest_ticket(observed);
    let why = format!(
        "tickets live for {}, so the key before would have to be kept as long",
        human(longest)
    );
    let next = format!(
        "limit them in the domain (MaxServiceAge and MaxTicketAge; Samba: kdc:service ticket \
         lifetime), or say how long to wait: keyroll array set {} --ticket-life TIME",
        frame.array
    );
    (waits && longest > NO_LIMIT)
        .then(|| Refusal::new("tickets-without-end", &frame.array, why, next))
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
