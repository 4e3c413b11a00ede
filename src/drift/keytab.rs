//! A keytab file that is not as keyroll wrote it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::change::{Change, Judgement};
use crate::kerberos::Principal;
use crate::keyset::HeldEntry;
use crate::keytab::TargetKind;
use crate::name::NodeName;

/// A file as a node reports it.
#[derive(Debug, Clone, Copy)]
pub struct Edited<'a> {
    /// The node.
    pub node: &'a NodeName,
    /// The file.
    pub path: &'a str,
    /// Who else writes it.
    pub kind: TargetKind,
    /// What differs; none if none of the array's keys does.
    pub wrong: Option<&'a str>,
    /// Whether entries that the array does not list stay, since tickets may need them.
    pub kept: bool,
    /// Its entries, as far as they are the array's to judge: in a file of ours alone, all.
    pub entries: &'a [HeldEntry],
    /// The array's own names.
    pub names: &'a [Principal],
    /// When the file was last written to, seconds since 1970 by the node's clock; 0 if unknown.
    pub written_unix: i64,
}

impl Edited<'_> {
    /// What is said of it, once it is put right.
    #[must_use]
    pub fn change(&self) -> Change {
        let lost = self.lost();
        let kept = if self.kind == TargetKind::Shared {
            "entries of others are as they were".to_owned()
        } else if self.kept {
            "what is not keyroll's in it stays until the next roll, since tickets may need it"
                .to_owned()
        } else if lost.is_empty() {
            "nobody else's entry was in it".to_owned()
        } else {
            format!(
                "entries of {} are gone with that, since the file is keyroll's alone: name it \
                 kind = \"shared\" in the agent's settings if others keep keys in it",
                lost.into_iter().collect::<Vec<_>>().join(", ")
            )
        };
        let other = "its owner, its mode or an entry besides the array's keys";
        let wrong = self.wrong.unwrap_or(other);
        // An owner or a mode leaves no time.
        let since = DateTime::<Utc>::from_timestamp(self.written_unix, 0)
            .filter(|_| self.written_unix > 0 && self.wrong.is_some())
            .map(|at| format!(" since {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
        Change {
            code: "keytab-edited",
            object: format!("{} on {}", self.path, self.node),
            what: format!(
                "it is not as keyroll wrote it{}: {wrong}",
                since.unwrap_or_default()
            ),
            attribute: None,
            origin: None,
            consequence: format!("it was put right; {kept}"),
            judgement: Judgement::Repaired,
            next: String::new(),
        }
    }

    /// The names under which somebody else has kept keys in a file that is ours alone.
    fn lost(&self) -> BTreeSet<String> {
        if self.kind == TargetKind::Shared {
            return BTreeSet::new();
        }
        let others = self.entries.iter().map(|entry| &entry.principal);
        others
            .filter(|principal| !self.names.contains(principal))
            .map(ToString::to_string)
            .collect()
    }
}

/// What is said of a file that was put right again and again: two programs write it in turns.
#[must_use]
pub fn fought_over(path: &str, node: &NodeName, times: usize) -> Change {
    Change {
        code: "keytab-fought-over",
        object: format!("{path} on {node}"),
        what: format!("it was put right {times} times within the hour"),
        attribute: None,
        origin: None,
        consequence:
            "another program writes it in turns with keyroll; between its writes and ours \
                      the node may refuse tickets"
                .to_owned(),
        judgement: Judgement::Critical,
        next: format!("inotifywait -m {path} (or auditctl -w {path}) on {node}: who writes it?"),
    }
}

#[cfg(test)]
mod tests;
