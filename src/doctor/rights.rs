//! What the controller may do in the directory.

use super::facts::Facts;
use super::finding::{Check, Finding};
use crate::roll::policy::Method;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "rights-password",
    looks_at: "the controller's right to reset the account's password and to write the fence \
               attribute, or a password that is known and may be changed",
    means: "a roll is refused",
    mends: "grant the rights that `keyroll array create --print-acl` prints",
    look: password,
}];

const CODES: [&str; 2] = ["right-missing", "password-unknown"];

fn password(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let name = &state.salt_source.sam_account_name;
    let wanted = facts.wanted(state);
    let mut reasons = state.refusals(&wanted).into_iter();
    let missing = reasons.find(|reason| CODES.contains(&reason.code.as_str()));
    vec![match (missing, wanted.method) {
        (Some(reason), _) => Finding::warning(reason.object, reason.why)
            .because("logins go on; the next roll is refused, and no password is healed")
            .mend(reason.next),
        (None, Method::Change) => Finding::ok(name, "changes the password it knows"),
        (None, Method::FencedReset) => Finding::ok(name, "may reset it, fenced"),
    }]
}
