//! What is written to the directory with the operator's own rights: planned, asked for, made.

use keyroll_proto::operator::PlannedChanges;

use crate::fake::{Ran, World};
use crate::requests::asks;
use crate::samples;

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

/// The methods that were called.
fn called(world: &World) -> Vec<String> {
    let asked = world.fake.knobs().asked.clone();
    let methods = asked.iter().filter_map(|one| one.split(' ').next());
    methods.map(str::to_owned).collect()
}

#[test]
fn what_was_never_registered_is_forgotten_without_a_change() {
    let world = World::new();
    world.fake.knobs().plan = Some(PlannedChanges {
        forgotten: vec!["HTTP/a".to_owned()],
        ..PlannedChanges::default()
    });
    let ran = world.run("spn remove web HTTP/a --dry-run").exits(0);
    let words = "the keytabs lose HTTP/a, which was never registered\n";
    assert_eq!(ran.out, format!("would: {words}"));
    // Nobody binds for it.
    let ran = world.run("spn remove web HTTP/a --yes").exits(0);
    assert_eq!(ran.out, format!("done: {words}"));
    assert!(world.last_asked().contains("dry_run: false"));
    world.fake.knobs().plan = Some(PlannedChanges::default());
    let ran = world.run("spn remove web HTTP/a --yes").exits(0);
    assert_eq!(ran.out, "nothing to change\n");
}

#[test]
fn no_node_gets_keys_for_what_the_controller_may_not_write() {
    let world = World::new();
    world.fake.knobs().plan = Some(PlannedChanges {
        controller_may_not_write: vec!["servicePrincipalName".to_owned()],
        ..samples::planned(true)
    });
    let line = "spn add web HTTP/a --yes --with-controller-rights";
    let ran = world.run(line).exits(77);
    let words = "servicePrincipalName: authority.controller-writes";
    assert!(ran.err.contains(words), "{ran:?}");
    assert_eq!(called(&world), ["plan_spns"]);
}

#[test]
fn a_node_that_gets_no_keys_is_named() {
    let world = World::new();
    world.fake.knobs().lacks_keys = true;
    let line = "spn add web HTTP/a --yes --with-controller-rights --timeout 1s";
    let ran = world.run(line).exits(75);
    for words in [
        "nothing was registered",
        "waiting for node2 (behind: ",
        "keyroll node quarantine web node2",
        "keyroll spn remove web HTTP/a",
    ] {
        assert!(ran.err.contains(words), "{words}: {ran:?}");
    }
    assert!(!called(&world)[1..].contains(&"plan_spns".to_owned()));
}

#[test]
fn a_change_that_is_refused_is_told_once() {
    let world = World::new();
    world.fake.knobs().made = Some("refused");
    world.fake.knobs().plan = Some(PlannedChanges {
        next: vec!["keyroll spn check web".to_owned()],
        ..samples::planned(false)
    });
    let line = "change undo 7 --yes --with-controller-rights";
    for line in [line, "spn add web HTTP/a --yes --with-controller-rights"] {
        let ran = world.run(line).exits(1);
        let said = format!("{}{}", ran.out, ran.err);
        assert_eq!(said.matches("change 7 refused").count(), 1, "{ran:?}");
        assert_eq!(said.matches("next: ").count(), 1, "{ran:?}");
        assert!(!said.contains("spn check"), "{ran:?}");
    }
    // A program has the whole of it.
    let ran = world.run(&format!("{line} --output json")).exits(1);
    assert!(ran.out.contains("\"state\": \"refused\""), "{ran:?}");
}

#[test]
fn what_cannot_be_read_is_to_be_looked_at() {
    let world = World::new();
    let line = "change undo 7 --yes --bind-as anna --bind-password-file /nowhere/password";
    let ran = world.run(line).exits(74);
    assert!(
        ran.err.contains("/nowhere/password cannot be read"),
        "{ran:?}"
    );
    assert!(ran.err.contains("next: ls -ld /nowhere\n"), "{ran:?}");
}

#[test]
fn what_the_directory_hides_is_not_called_missing() {
    let world = World::new();
    world.fake.knobs().hidden = true;
    let ran = world.run("spn list web").exits(0);
    let told = "svc-web$ is not shown\nnext: dsacls …\n";
    assert!(ran.out.ends_with(told), "{ran:?}");
}

#[test]
fn forests_are_told_that_were_not_looked_through() {
    let ran = World::new().run("spn duplicates").exits(1);
    for words in [
        "among 812 SPNs of the forest and other.example\n",
        "unknown third.example: not looked through: no answer\n",
        "  next: nc -vz dc.third.example 3269",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn a_plan_of_names_says_which_and_how() {
    World::new().run("spn plan web").exits(2);
    let ran = World::new().run("spn plan web --name web").exits(0);
    let commands = "\n\nkeyroll spn add web HTTP/new\nsetspn -S HTTP/new \"svc-web$\"\n";
    assert!(ran.out.ends_with(commands), "{}", ran.out);
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

#[test]
fn delegation_verbs() {
    let wishes = "web --to MSSQLSvc/db --not-to HTTP/old --from svc-front --not-from S-1-1-0 \
                  --way constrained --protocol-transition off --sensitive on --no-unconstrained";
    let parts = "array: \"web\", to: [\"MSSQLSvc/db\"], not_to: [\"HTTP/old\"], \
                 from: [\"svc-front\"], not_from: [\"S-1-1-0\"], way: \"constrained\", \
                 protocol_transition: \"off\", sensitive: \"on\", no_unconstrained: true, \
                 dry_run: ";
    asks(
        &format!("delegation plan {wishes}"),
        "plan_delegation",
        &[&format!("{parts}true")],
    );
    let world = World::new();
    let line = format!("delegation apply {wishes} --yes --with-controller-rights");
    world.run(&line).exits(0);
    let asked = world.fake.knobs().asked.clone();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0].contains(&format!("{parts}true")), "{asked:?}");
    assert!(asked[1].contains(&format!("{parts}false")), "{asked:?}");
    assert!(asked[2].starts_with("make_change "), "{asked:?}");
    for odd in [
        "--way both",
        "--protocol-transition maybe",
        "--unconstrained",
    ] {
        World::new()
            .run(&format!("delegation apply web {odd}"))
            .exits(2);
    }
}

#[test]
fn a_plan_shows_how_others_would_do_it() {
    let ran = World::new().run("delegation plan web").exits(0);
    assert_eq!(
        ran.out,
        "\
would: svc-web$: clear TRUSTED_FOR_DELEGATION (userAccountControl 528384 to 4096) \
(on dc1.corp.example)
would: svc-web$: add msDS-AllowedToDelegateTo MSSQLSvc/db (on dc1.corp.example)
note: whoever holds the key
next: keyroll delegation show web

by hand:
# PowerShell
Set-ADAccountControl 'svc-web$' -TrustedForDelegation $false
Set-ADComputer 'svc-web$' -Add @{'msDS-AllowedToDelegateTo'='MSSQLSvc/db'}
# or Samba
samba-tool delegation for-any-service 'svc-web$' off
samba-tool delegation add-service 'svc-web$' 'MSSQLSvc/db'
# or LDIF
dn: CN=svc-web,DC=corp,DC=example
changetype: modify
delete: userAccountControl
userAccountControl: 528384
-
add: userAccountControl
userAccountControl: 4096
-
add: msDS-AllowedToDelegateTo
msDS-AllowedToDelegateTo: MSSQLSvc/db
-
"
    );
}

#[test]
fn the_newest_change_of_the_delegation_is_taken_back() {
    let change = |number, verb: &str, state, undone_by| {
        let mut view = samples::change(state);
        view.verb = verb.to_owned();
        view.undone_by = undone_by;
        view.change.as_mut().unwrap().number = number;
        view
    };
    let world = World::new();
    let none = world.run("delegation undo web --yes").exits(66);
    assert!(none.err.contains("change list --array web"), "{none:?}");
    let changes = vec![
        change(9, "spn add", "applied", 0),
        change(8, "delegation apply", "refused", 0),
        change(7, "delegation apply", "applied", 10),
        change(6, "delegation apply", "applied", 0),
        change(5, "delegation apply", "applied", 0),
    ];
    world.fake.knobs().changes = Some(changes);
    world.run("delegation undo web --dry-run").exits(0);
    let asked = world.last_asked();
    let of = "undo_change UndoChangeRequest { array: \"web\", number: 6, dry_run: true";
    assert!(asked.starts_with(of), "{asked}");
    // The one that is named, as far as it is one of delegation.
    world.fake.knobs().changes = Some(vec![change(5, "delegation apply", "applied", 0)]);
    world
        .run("delegation undo web --change 5 --dry-run")
        .exits(0);
    assert!(world.last_asked().contains("number: 5, dry_run: true"));
    world.fake.knobs().changes = Some(vec![change(9, "spn add", "applied", 0)]);
    world.run("delegation undo web --change 9 --yes").exits(66);
}
