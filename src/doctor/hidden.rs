//! What is said where the directory hides what a check looks at: neither that all is well, nor that
//! anything is wrong.

use super::facts::{DcFacts, Facts, UnseenKind};
use super::finding::Finding;
use crate::account::AccountState;
use crate::account::hidden::STAMPS;

/// The finding that stands for a check of these attributes, if any of them is hidden.
pub(super) fn unread(
    facts: &Facts,
    state: &AccountState,
    attributes: &[&'static str],
) -> Option<Finding> {
    let hidden = attributes.iter().copied().filter(|one| state.hides(one));
    let hidden: Vec<&str> = hidden.collect();
    let names = hidden.join(", ");
    (!hidden.is_empty()).then(|| {
        let evidence = format!(
            "not shown: {names}; the controller's account lacks the right to read that (Read \
             Property)"
        );
        let mend = let_read(facts, state);
        let cause = "the directory leaves out what may not be read just as what is not there: a \
                     domain without Pre-Windows 2000 Compatible Access, or an entry that denies it";
        Finding::undecided(&state.salt_source.sam_account_name, evidence, cause).mend(mend)
    })
}

/// The command that lets the controller read all that is hidden of the account.
pub(super) fn let_read(facts: &Facts, state: &AccountState) -> String {
    let mut hidden = state.hidden.clone();
    let refused = |dc: &DcFacts| {
        let unseen = dc.history.as_ref().err();
        unseen.is_some_and(|unseen| unseen.kind == UnseenKind::Refused)
    };
    hidden.extend(facts.dcs().iter().any(refused).then_some(STAMPS));
    let command = match &facts.rights {
        Ok(rights) => rights
            .to_see(&state.distinguished_name, &hidden)
            .on_one_line(),
        Err(_) => state.let_read(&hidden),
    };
    format!("{command}, then keyroll doctor {}", facts.array.name)
}
