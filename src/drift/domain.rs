//! Domain controllers that were set back.

use super::change::{Change, Judgement};
use super::stamp::Invocation;
use crate::name::DcName;

/// What a domain controller says of its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DcMark {
    /// The life that its database is in: a restore that Active Directory knows of begins another.
    pub invocation: Invocation,
    /// `highestCommittedUSN`: grows with every change, within one life.
    pub usn: u64,
}

/// What became of a domain controller since it said `before`, if anything is amiss.
///
/// # Examples
/// A virtual machine that was set back to a snapshot counts on from an old number under the old
/// name (MS-ADTS 3.1.1.1.9): its partners think they have its next changes already.
#[must_use]
pub fn set_back(dc: &DcName, before: &DcMark, now: &DcMark) -> Option<Change> {
    let change = |code, what, consequence: &str, judgement, next: &str| {
        Some(Change {
            code,
            object: dc.to_string(),
            what,
            attribute: None,
            origin: None,
            consequence: consequence.to_owned(),
            judgement,
            next: next.to_owned(),
        })
    };
    if before.invocation != now.invocation {
        return change(
            "dc-restored",
            format!(
                "its database is in another life ({}): it was restored",
                now.invocation
            ),
            "it issues under older keys until it has caught up; those that are known here are \
             given to the nodes",
            Judgement::Harmless,
            "",
        );
    }
    (now.usn < before.usn).then_some(())?;
    change(
        "dc-rolled-back",
        format!(
            "its update number went back from {} to {}: it was set back to a snapshot",
            before.usn, now.usn
        ),
        "its partners will not notice that it lacks changes, and skip its next ones (USN rollback)",
        Judgement::Critical,
        "take it off the network, demote it by force and promote it anew",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_on_or_was_restored_or_was_set_back() {
        let dc: DcName = "dc2.corp.example".parse().unwrap();
        let mark = |life: u8, usn| DcMark {
            invocation: Invocation([life; 16]),
            usn,
        };
        for (now, code) in [
            (mark(1, 10), None),
            (mark(1, 11), None),
            (mark(1, 9), Some("dc-rolled-back")),
            (mark(2, 9), Some("dc-restored")),
            (mark(2, 99), Some("dc-restored")),
        ] {
            let found = set_back(&dc, &mark(1, 10), &now);
            assert_eq!(found.map(|change| change.code), code, "{now:?}");
        }
    }
}
