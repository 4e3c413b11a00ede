use super::*;
use crate::kerberos::{Enctype, Kvno};

fn entry(principal: &str) -> HeldEntry {
    HeldEntry {
        principal: principal.parse().unwrap(),
        kvno: Kvno(2),
        enctype: Enctype::Aes256CtsHmacSha1,
        fingerprint: [0; 32],
    }
}

fn said(kind: TargetKind, wrong: Option<&str>, written_unix: i64, others: &[&str]) -> String {
    said_of(kind, wrong, false, written_unix, others)
}

fn said_of(
    kind: TargetKind,
    wrong: Option<&str>,
    kept: bool,
    written_unix: i64,
    others: &[&str],
) -> String {
    let names = ["HTTP/web@R".parse().unwrap()];
    let mut entries = vec![entry("HTTP/web@R")];
    entries.extend(others.iter().map(|other| entry(other)));
    let edited = Edited {
        node: &"node2".parse().unwrap(),
        path: "/etc/web.keytab",
        kind,
        wrong,
        kept,
        entries: &entries,
        names: &names,
        written_unix,
    };
    let change = edited.change();
    format!("{}: {}", change.object, change.sentence())
}

#[test]
fn an_edited_file_is_named_with_what_differs_and_since_when() {
    assert_eq!(
        said(
            TargetKind::Shared,
            Some("it lacks HTTP/web@R kvno 3"),
            1_795_247_294,
            &["host/n@R"]
        ),
        "/etc/web.keytab on node2: it is not as keyroll wrote it since 2026-11-21 07:48:14 UTC: it \
         lacks HTTP/web@R kvno 3: it was put right; entries of others are as they were"
    );
    let never = said(TargetKind::Owned, Some("it is gone"), 0, &[]);
    assert!(never.contains("wrote it: it is gone"), "{never}");
    // The time of the last write is no time of a change of owner.
    let moded = said(TargetKind::Owned, None, 1_795_247_294, &[]);
    assert!(
        moded.contains("wrote it: its owner, its mode or an entry"),
        "{moded}"
    );
}

#[test]
fn whose_entries_a_file_of_ours_alone_loses_is_told() {
    let text = said(
        TargetKind::Owned,
        Some("x"),
        0,
        &["host/n@R", "host/n@R", "nfs/n@R"],
    );
    assert!(
        text.contains("entries of host/n@R, nfs/n@R are gone"),
        "{text}"
    );
    assert!(text.contains("kind = \"shared\""), "{text}");
}

#[test]
fn what_stays_for_the_sake_of_tickets_is_not_said_to_be_gone() {
    let others = ["host/n@R"];
    let text = said_of(TargetKind::Owned, Some("x"), true, 0, &others);
    assert!(text.contains("stays until the next roll"), "{text}");
    assert!(!text.contains("host/n@R"), "{text}");
}
