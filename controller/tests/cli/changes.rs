//! What is written to the directory with the operator's own rights: planned, asked for, made.

use crate::fake::{Ran, World};
use crate::requests::asks;

#[test]
fn change_verbs() {
    asks(
        "change list --array web --limit 7",
        "list_changes",
        &["array: \"web\"", "limit: 7"],
    );
    asks("change show 7", "list_changes", &["number: 7"]);
    // The array is asked for first: the controller wants it named.
    let world = World::new();
    world.run("change settle 7").exits(0);
    let asked = world.last_asked();
    assert!(
        asked.starts_with("report_change ") && asked.contains("array: \"web\", number: 7"),
        "{asked}"
    );
    world.run("change undo 7 --dry-run").exits(0);
    let asked = world.last_asked();
    assert!(
        asked.starts_with("undo_change ") && asked.contains("dry_run: true"),
        "{asked}"
    );
    // Planned, planned for good, made.
    world
        .run("change undo 7 --yes --with-controller-rights")
        .exits(0);
    let asked = world.last_asked();
    assert!(
        asked.starts_with("make_change ") && asked.contains("number: 8"),
        "{asked}"
    );
}

#[test]
fn who_cannot_bind_has_planned_nothing() {
    let world = World::new();
    let mut command = world.command("change undo 7 --yes");
    let output = command
        .env("KRB5CCNAME", "FILE:/nowhere/krb5cc")
        .output()
        .unwrap();
    let ran = Ran::from(output).exits(77);
    assert!(
        ran.err.contains("/nowhere/krb5cc") && ran.err.contains("kinit"),
        "{}",
        ran.err
    );
    let asked = world.last_asked();
    assert!(
        asked.starts_with("undo_change ") && asked.contains("dry_run: true"),
        "{asked}"
    );
}

#[test]
fn spn_verbs() {
    asks("spn list web", "list_spns", &["array: \"web\""]);
    asks(
        "spn plan web --name a.corp.example --name b --class HTTP --port 8443 --short --nodes",
        "suggest_spns",
        &[
            "hosts: [\"a.corp.example\", \"b\"]",
            "classes: [\"HTTP\"]",
            "ports: [8443]",
            "short: true",
            "nodes: true",
        ],
    );
    asks("spn check web", "check_spns", &["array: \"web\""]);
    for (action, others) in [("add", 2), ("move", 2), ("remove", 0)] {
        let world = World::new();
        let line = format!("spn {action} web HTTP/a HTTP/b --yes --with-controller-rights");
        let ran = world.run(&line).exits(0);
        let asked = world.fake.knobs().asked.clone();
        let plan = format!("action: \"{action}\", spns: [\"HTTP/a\", \"HTTP/b\"], dry_run: ");
        assert!(asked[0].contains(&format!("{plan}true")), "{asked:?}");
        // Keys first, which is asked again until every node holds them.
        assert_eq!(asked.len(), 3 + others, "{asked:?}");
        if others > 0 {
            assert!(asked[1].starts_with("prepare_spns ") && asked[1].contains("dry_run: false"));
            assert!(asked[2].starts_with("prepare_spns ") && asked[2].contains("dry_run: true"));
            assert!(
                ran.err
                    .contains("1 of 2 nodes hold the keys; waiting for node2"),
                "{ran:?}"
            );
        }
        assert!(
            asked[1 + others].contains(&format!("{plan}false")),
            "{asked:?}"
        );
        assert!(asked[2 + others].starts_with("make_change "), "{asked:?}");
    }
}

#[test]
fn a_name_that_looks_like_another_is_not_printed_like_it() {
    let world = World::new();
    let ran = world.run("spn duplicates").exits(1);
    assert!(
        ran.out.contains("HTTP/w\\u{435}b  evil (CN=evil,"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("1 duplicates among 812 SPNs of the forest"),
        "{}",
        ran.out
    );
}
