//! What the controller may do in the directory.

use super::facts::{Facts, May, Surplus};
use super::finding::{Check, Finding};
use super::hidden::unread;
use crate::account::hidden::WRITABLE;
use crate::roll::policy::Method;
use crate::shell::quoted;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "rights-password",
        looks_at: "the controller's right to reset the account's password and to write the fence \
                   attribute, or a password that is known and may be changed",
        means: "a roll is refused",
        mends: "grant the rights that `keyroll array create --print-acl` prints",
        look: password,
    },
    Check {
        id: "rights-surplus",
        looks_at: "what the controller's own account may do beside its work: administrators' \
                   groups that it is in, and its effective rights on the domain and on the \
                   account's container (allowedAttributesEffective, \
                   allowedChildClassesEffective, sDRightsEffective); a right on one \
                   other object alone, such as a user's, is not looked for",
        means: "whoever takes over the controller has those too",
        mends: "take them away; it needs what `keyroll array create --print-acl` prints",
        look: surplus,
    },
];

const CODES: [&str; 2] = ["right-missing", "password-unknown"];

/// How many rights of a place are named: an administrator has hundreds.
const NAMED: usize = 5;

fn surplus(facts: &Facts) -> Vec<Finding> {
    let places = match &facts.surplus {
        Ok(places) => places,
        Err(unseen) => {
            return vec![Finding::unknown(
                "the controller's account",
                unseen,
                &facts.array.name,
            )];
        }
    };
    places
        .iter()
        .map(|place| surplus_at(facts, place))
        .collect()
}

fn surplus_at(facts: &Facts, Surplus { place, may }: &Surplus) -> Finding {
    if may.is_empty() {
        return Finding::ok(place, "nothing beside its work");
    }
    let named: Vec<String> = may.iter().take(NAMED).map(May::to_string).collect();
    let mut evidence = format!("it may {}", named.join(", "));
    if may.len() > NAMED {
        evidence += &format!(", and {} more", may.len() - NAMED);
    }
    Finding::warning(place, evidence)
        .because(
            "keyroll does not need that; whoever takes over the controller, or reads its \
             credential, has it too",
        )
        .mend(take_away(facts, place, may))
}

/// The command that ends what the controller's account may do at a place.
fn take_away(facts: &Facts, place: &str, may: &[May]) -> String {
    let array = &facts.array.name;
    let again = format!("keyroll doctor {array}");
    let print = format!(
        "keyroll array create --print-acl --account {}",
        quoted(&facts.array.account)
    );
    let Ok(rights) = &facts.rights else {
        return format!("{print} (what is needed; all else goes, by dsacls /R), then {again}");
    };
    if may.contains(&May::BeOfIt) {
        return format!("{}, then {again}", rights.not_in(place));
    }
    let grant = rights.not_to_write(place, may.contains(&May::TakeRights));
    if may.iter().any(|one| matches!(one, May::Make(_))) {
        // A denial to make one class would have to name it by a GUID of the schema.
        return format!("{}, then {print}, then {again}", grant.dsacls);
    }
    format!(
        "{} (or {}, then {print}), then {again}",
        grant.samba_tool, grant.dsacls
    )
}

fn password(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let name = &state.salt_source.sam_account_name;
    let wanted = facts.wanted(state);
    let mut reasons = state.refusals(&wanted).into_iter();
    let missing = reasons.find(|reason| CODES.contains(&reason.code.as_str()));
    if let (Some(_), Some(unread)) = (&missing, unread(facts, state, &[WRITABLE])) {
        return vec![unread];
    }
    vec![match (missing, wanted.method) {
        (Some(reason), _) => Finding::warning(reason.object, reason.why)
            .because("logins go on; the next roll is refused, and no password is healed")
            .mend(to_reset(facts, &state.distinguished_name).unwrap_or(reason.next)),
        (None, Method::Change) => Finding::ok(name, "changes the password it knows"),
        (None, Method::FencedReset) => Finding::ok(name, "may reset it, fenced"),
    }]
}

/// The command that lets the controller reset the account's password.
fn to_reset(facts: &Facts, account: &str) -> Option<String> {
    let grant = facts.rights.as_ref().ok()?.to_reset(account);
    let again = &facts.array.name;
    Some(format!(
        "{}, then keyroll doctor {again}",
        grant.on_one_line()
    ))
}
