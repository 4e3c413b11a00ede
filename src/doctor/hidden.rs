//! What is said where the directory hides what a check looks at: neither that all is well, nor that
//! anything is wrong.

use super::facts::Facts;
use super::finding::Finding;
use crate::account::AccountState;

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
        let mend = format!(
            "{}, then keyroll doctor {}",
            state.let_read(&hidden),
            facts.array.name
        );
        Finding::undecided(&state.salt_source.sam_account_name, evidence)
            .because(
                "the directory leaves out what may not be read just as what is not there: a \
                 domain without Pre-Windows 2000 Compatible Access, or an entry that denies it",
            )
            .mend(mend)
    })
}
