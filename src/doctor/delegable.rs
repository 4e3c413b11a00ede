//! What bounds an account that is a person's, and hinders one that is a service's.

use super::facts::Facts;
use super::finding::Finding;
use super::hidden::unread;
use crate::account::AccountState;
use crate::account::hidden::{CONTROL, GROUPS};
use crate::shell::quoted;

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let Ok(state) = facts.account() else {
        return Vec::new();
    };
    let delegates = delegates(facts, state);
    let found = [
        state
            .protected_user
            .then(|| protected(facts, state, delegates)),
        (state.not_delegated && delegates).then(|| sensitive(facts, state)),
        unread(facts, state, &[CONTROL, GROUPS]),
    ];
    let found: Vec<Finding> = found.into_iter().flatten().collect();
    match found.is_empty() {
        true => {
            let fine = "not in Protected Users, and no flag hinders its delegation";
            vec![Finding::ok(&state.salt_source.sam_account_name, fine)]
        }
        false => found,
    }
}

/// Whether it may act for users: by its own object, or by what others' descriptors say.
fn delegates(facts: &Facts, state: &AccountState) -> bool {
    let found = facts.delegation.as_deref().unwrap_or_default();
    state.delegates || found.iter().any(|one| one.code == "acts-at")
}

fn protected(facts: &Facts, state: &AccountState, delegates: bool) -> Finding {
    let name = &state.salt_source.sam_account_name;
    let also = match delegates {
        true => "; it delegates, and a Samba KDC issues no ticket to it that is evidence",
        false => "",
    };
    Finding::warning(name, "it is in the group Protected Users")
        .because(format!(
            "the group is for people: whoever logs in as a member (kinit -k, a service's own \
             tickets) gets neither RC4 nor NTLM, a ticket-granting ticket of 4 h, and nobody acts \
             for it{also}"
        ))
        .mend(format!(
            "samba-tool group removemembers 'Protected Users' {} (or Remove-ADGroupMember; \
             or the group by which it is in it), then keyroll doctor {}",
            quoted(name),
            facts.array.name
        ))
}

fn sensitive(facts: &Facts, state: &AccountState) -> Finding {
    let name = &state.salt_source.sam_account_name;
    let array = &facts.array.name;
    Finding::warning(name, "it delegates, and is sensitive (NOT_DELEGATED)")
        .because(
            "a Samba KDC issues no ticket to it that is evidence: delegation by it fails there, \
             and works where a Windows KDC was asked",
        )
        .mend(format!(
            "keyroll delegation apply {array} --sensitive off, then keyroll doctor {array}"
        ))
}
