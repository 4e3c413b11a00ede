//! What others have changed, as far as a look of now does not show it.

use super::facts::Facts;
use super::finding::{Check, Finding};
use crate::drift::{Change, Judgement};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "changes-by-others",
    looks_at: "what others did within the last day to the account, to domain controllers and to \
               keytabs, and what of it is not over",
    means: "a program or a person works against keyroll: keytabs are written in turns, a restored \
            DC issues under an older key",
    mends: "find the writer; `docs/changes-by-others.md` has each of them",
    look,
}];

fn look(facts: &Facts) -> Vec<Finding> {
    facts.array.noticed.iter().map(judge).collect()
}

fn judge(change: &Change) -> Finding {
    let (object, evidence) = (&change.object, change.sentence());
    let grade = match change.judgement {
        Judgement::Critical => Finding::broken,
        Judgement::StopsRolls | Judgement::NeedsRoll => Finding::warning,
        Judgement::Repaired | Judgement::Harmless => return Finding::ok(object, evidence),
    };
    grade(object, evidence)
        .because(&change.consequence)
        .mend(&change.next)
}
