//! The numbers under which the agent's lines stand in the event log of Windows: one for each
//! sentence, so that a monitoring system can wait for it. [docs/windows.md] lists them.
//!
//! [docs/windows.md]: ../../../docs/windows.md

/// Each sentence with its number. `EventCreate.exe`, which shows the lines, knows 1 to 1000.
pub const EVENTS: [(u32, &str); 24] = [
    (1, "agent ready"),
    (2, "asked to stop"),
    (3, "the agent ended"),
    (10, "keyset held"),
    (11, "keyset not held"),
    (12, "every key of the array is wiped"),
    (13, "not ready"),
    (14, "the epoch is not kept"),
    (
        15,
        "the clock has jumped: nothing is ready until the controller says so",
    ),
    (16, "logon sessions lack the array's credential"),
    (17, "keys of a crash may be left over"),
    (18, "the keytab's list let in too many, and is cut down"),
    (19, "logons lack the array's password"),
    (20, "certificate renewed"),
    (21, "joined anew: the new identity counts"),
    (22, "a new identity is there and cannot be used"),
    (23, "application pool has the array's password"),
    (24, "no target any more: they go once retired"),
    (25, "keys are left where no target is any more"),
    (30, "handshake refused"),
    (
        31,
        "the controller is trusted no more: its connection is cut",
    ),
    (34, "no connection can be accepted"),
    (40, "the service manager was not told"),
    (41, "connection ended"),
];

/// What a library says.
pub const OTHER: u32 = 100;

/// The number of a sentence.
#[must_use]
pub fn number(sentence: &str) -> u32 {
    let known = EVENTS.iter().find(|(_, known)| *known == sentence);
    known.map_or(OTHER, |(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every sentence that the agent's sources log.
    fn logged(folder: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                logged(&path, into);
            } else if !path.ends_with("events.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let calls = text.split("tracing::").skip(1);
                let calls = calls.filter(|call| {
                    let levels = ["error!(", "warn!(", "info!(", "debug!("];
                    levels.iter().any(|level| call.starts_with(level))
                });
                for call in calls {
                    let end = call.find(");").or_else(|| call.find("),")).unwrap();
                    if let Some(sentence) = call[..end].split('"').nth(1) {
                        into.insert(sentence.to_owned());
                    }
                }
            }
        }
    }

    #[test]
    fn every_sentence_has_its_number_here_and_in_the_documentation() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut said = BTreeSet::new();
        logged(&root.join("src"), &mut said);
        let numbered: BTreeSet<String> = EVENTS.map(|(_, sentence)| sentence.to_owned()).into();
        assert_eq!(said, numbered);
        let page = std::fs::read_to_string(root.join("../docs/windows.md")).unwrap();
        for (number, sentence) in EVENTS {
            let line = format!("| {number} | {sentence} |");
            assert!(page.contains(&line), "docs/windows.md lacks {line}");
        }
        let numbers: BTreeSet<u32> = EVENTS.map(|(number, _)| number).into();
        assert_eq!(numbers.len(), EVENTS.len());
        assert!(numbers.iter().all(|number| (1..OTHER).contains(number)));
    }

    #[test]
    fn what_a_library_says_has_one_number() {
        assert_eq!(number("agent ready"), 1);
        assert_eq!(number("h2 says something"), OTHER);
    }
}
