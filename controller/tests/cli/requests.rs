//! What each verb asks of the controller.

use keyroll_proto::operator::adopt_array_request::Credential;

use crate::fake::World;

/// Runs `line`, which must succeed, and compares the one call it makes: each of `parts` is in it.
#[track_caller]
pub fn asks(line: &str, method: &str, parts: &[&str]) {
    let world = World::new();
    world.run(line).exits(0);
    let asked = world.fake.knobs().asked.clone();
    assert_eq!(asked.len(), 1, "{line}: {asked:?}");
    assert!(
        asked[0].starts_with(&format!("{method} ")),
        "{line}: {}",
        asked[0]
    );
    for part in parts {
        assert!(asked[0].contains(part), "{line}: no {part} in {}", asked[0]);
    }
}

#[test]
fn array_verbs() {
    asks(
        "array create web --account svc-web$ --spn HTTP/web --spn HTTP/w --kind user \
         --container OU=x --enctype aes256-cts-hmac-sha1-96",
        "create_array",
        &[
            "array: \"web\"",
            "account: \"svc-web$\"",
            "account_kind: \"user\"",
            "container: \"OU=x\"",
            "spns: [\"HTTP/web\", \"HTTP/w\"]",
            "enctypes: [\"aes256-cts-hmac-sha1-96\"]",
            "policy: None",
            "take_existing: false",
            "dry_run: false",
        ],
    );
    asks(
        "array create web --account a --gate 'at-least 2' --stage-deadline 10m \
         --on-deadline quarantine --ticket-life 10h --clock-skew 0 --margin 20m --method reset \
         --password-length 100 --heal reset --delegation-gap in-window",
        "create_array",
        &[
            "gate: \"at-least 2\"",
            "stage_deadline: 600",
            "on_deadline: \"quarantine\"",
            "ticket_life: Some(36000)",
            "clock_skew: Some(0)",
            "margin: Some(1200)",
            "method: \"reset\"",
            "password_length: 100",
            "heal: \"reset\"",
            "delegation_gap: \"in-window\"",
        ],
    );
    asks(
        "array create web --print-acl",
        "print_acl",
        &["account: \"web\"", "trustee: \"\""],
    );
    asks(
        "array create web --account a --print-acl --trustee t --kind user --container OU=x",
        "print_acl",
        &[
            "account: \"a\"",
            "trustee: \"t\"",
            "account_kind: \"user\"",
            "container: \"OU=x\"",
        ],
    );
    asks("array list", "list_arrays", &[]);
    asks("array show web", "show_array", &["array: \"web\""]);
    asks(
        "array set web --ticket-life 24h --heal reset --dry-run",
        "set_policy",
        &[
            "array: \"web\"",
            "ticket_life: Some(86400)",
            "heal: \"reset\"",
            "dry_run: true",
        ],
    );
    asks(
        "array delete web --wipe-nodes --yes",
        "delete_array",
        &["wipe_nodes: true"],
    );
}

#[test]
fn node_verbs() {
    asks(
        "node add web n1 --address n1:1 --token-lifetime 5m",
        "add_node",
        &[
            "array: \"web\"",
            "node: \"n1\"",
            "address: \"n1:1\"",
            "token_lifetime: 300",
            "csr: []",
        ],
    );
    asks("node list", "list_nodes", &["array: \"\""]);
    asks("node list web", "list_nodes", &["array: \"web\""]);
    asks(
        "node show web n1",
        "show_node",
        &["array: \"web\", node: \"n1\""],
    );
    asks(
        "node remove web n1 --unreachable --yes",
        "remove_node",
        &["node: \"n1\"", "unreachable: true"],
    );
    asks(
        "node quarantine web n1 --reason 'the disk'",
        "quarantine_node",
        &["\"the disk\""],
    );
    asks("node resume web n1", "resume_node", &["node: \"n1\""]);
    asks(
        "node password web n1 --allow logon-session",
        "allow_password",
        &[
            "node: \"n1\"",
            "purpose: \"logon-session\"",
            "forbid: false",
        ],
    );
    asks(
        "node password web n1 --forbid logon-session",
        "allow_password",
        &["purpose: \"logon-session\"", "forbid: true"],
    );
}

#[test]
fn roll_verbs() {
    asks(
        "roll web crm --yes --reason why",
        "start_roll",
        &[
            "arrays: [\"web\", \"crm\"]",
            "all: false",
            "emergency: false",
            "reason: \"why\"",
        ],
    );
    asks(
        "roll --all --yes",
        "start_roll",
        &["arrays: []", "all: true"],
    );
    asks(
        "roll web --emergency --kill now --yes",
        "start_roll",
        &["emergency: true", "kill: \"now\""],
    );
    asks(
        "roll --yes -- status",
        "start_roll",
        &["arrays: [\"status\"]"],
    );
    asks(
        "roll --yes --array watch",
        "start_roll",
        &["arrays: [\"watch\"]"],
    );
    asks("roll status", "roll_status", &["array: \"\""]);
    asks("roll status web", "roll_status", &["array: \"web\""]);
    asks(
        "roll abort web --reason why --yes",
        "abort_roll",
        &["array: \"web\", reason: \"why\""],
    );
    asks(
        "roll resolve web waive-dc --dc dc2 --reason gone --yes",
        "resolve_roll",
        &["choice: \"waive-dc\"", "dc: \"dc2\"", "reason: \"gone\""],
    );
    asks("roll history web --limit 3", "roll_history", &["limit: 3"]);
    asks("roll explain web --roll 12", "explain_roll", &["roll: 12"]);
}

#[test]
fn schedule_verbs() {
    asks(
        "schedule set web --every 30d --window 'sat,sun 01:00-05:00' --time-zone Europe/Berlin \
         --jitter 15m --freeze 2026-12-20..2027-01-03 --max-age 45d --missed skip",
        "set_schedule",
        &[
            "every = \\\"30d\\\"",
            "time-zone = \\\"Europe/Berlin\\\"",
            "jitter = \\\"15m\\\"",
        ],
    );
    asks(
        "schedule set web --cron '0 2 1 * *'",
        "set_schedule",
        &["cron = \\\"0 2 1 * *\\\""],
    );
    asks("schedule show web", "show_schedule", &["array: \"web\""]);
    asks(
        "schedule next web --count 7",
        "show_schedule",
        &["upcoming: 7"],
    );
    asks("schedule next", "list_arrays", &[]);
    asks(
        "schedule pause web --reason why",
        "pause_schedule",
        &["reason: \"why\""],
    );
    asks(
        "schedule resume web",
        "resume_schedule",
        &["array: \"web\""],
    );
}

#[test]
fn the_other_verbs() {
    asks("verify web", "verify", &["array: \"web\""]);
    asks("status", "status", &[]);
    asks(
        "delegation test web --user alice --to MSSQLSvc/db",
        "test_delegation",
        &["array: \"web\"", "user: \"alice\"", "to: \"MSSQLSvc/db\""],
    );
    asks(
        "audit show --limit 5 --array web",
        "show_audit",
        &["limit: 5, array: \"web\""],
    );
    asks("audit verify", "verify_audit", &[]);
    asks(
        "audit acknowledge --reason restored --yes",
        "acknowledge_audit",
        &["reason: \"restored\"", "dry_run: false"],
    );
    asks(
        "approval list --array web",
        "list_approvals",
        &["array: \"web\""],
    );
    // It looks first what number 7 is about, since that decides who has a say.
    let world = World::new();
    world.run("approval give 7 --refuse --yes").exits(0);
    let asked = world.last_asked();
    assert!(
        asked.contains("number: 7, refuse: true, array: \"web\""),
        "{asked}"
    );
    asks("operator list", "list_operators", &[]);
    for step in ["prepare", "activate", "retire"] {
        asks(
            &format!("authority {step} --yes"),
            "replace_authority",
            &[&format!("step: \"{step}\"")],
        );
    }
    asks(
        "operator revoke anna --yes",
        "revoke_operator",
        &["operator: \"anna\""],
    );
}

#[test]
fn a_schedule_can_come_from_a_file() {
    let world = World::new();
    world.file("web.toml", "every = \"7d\"\n");
    world.run("schedule set web --file web.toml").exits(0);
    assert!(
        world.last_asked().contains("every = \\\"7d\\\""),
        "{}",
        world.last_asked()
    );
    world
        .run("schedule set web --file web.toml --jitter 5m")
        .exits(2);
    world.run("schedule set web --file missing.toml").exits(74);
}

#[test]
fn secrets_travel_from_files_and_never_from_the_command_line() {
    let world = World::new();
    world.file("password", "pässword\n");
    world.file("keytab", b"\x05\x02rest");
    world
        .run("array adopt mail --account svc --password-file password")
        .exits(0);
    world
        .run("array adopt mail --account svc --keytab keytab")
        .exits(0);
    world
        .run_with_input(
            "array adopt mail --account svc --password-file -",
            b"typed\n",
        )
        .exits(0);
    let expected = [
        Credential::Password("pässword".into()),
        Credential::Keytab(b"\x05\x02rest".to_vec()),
        Credential::Password(b"typed".to_vec()),
    ];
    assert!(
        world.fake.knobs().credentials == expected,
        "other secrets arrived"
    );
    world.run("array adopt mail --account svc").exits(0);
    assert_eq!(world.fake.knobs().credentials.len(), 3);
    world
        .run("array adopt mail --account svc --password-file a --keytab b")
        .exits(2);
}

#[test]
fn dry_run_reaches_the_controller_from_every_verb_that_changes_anything() {
    let world = World::new();
    for line in [
        "array create web --account a",
        "array adopt web --account a",
        "array delete web",
        "node add web n1",
        "node remove web n1",
        "node quarantine web n1",
        "node resume web n1",
        "roll web",
        "roll abort web",
        "roll resolve web continue",
        "schedule set web --every 30d",
        "schedule pause web",
        "schedule resume web",
        "operator add anna --role viewer --yes",
        "operator revoke anna",
    ] {
        let ran = world.run(&format!("{line} --dry-run")).exits(0);
        if !line.contains("adopt") {
            assert!(
                world.last_asked().contains("dry_run: true"),
                "{}",
                world.last_asked()
            );
        }
        assert!(ran.out.contains("would: "), "{line}: {ran:?}");
    }
    assert!(!world.path("anna.key").exists());
}

#[test]
fn recovery() {
    let line = "recover web crm --yes";
    let parts = ["arrays: [\"web\", \"crm\"]", "all: false", "dry_run: false"];
    asks(line, "recover", &parts);
    let world = World::new();
    let ran = world.run("recover --all --dry-run").exits(1);
    for part in [
        "web: node1 was given keyset 9",
        "seen: dc1 issues with the key of roll 3",
        "would: the key of the roll",
        "next: keyroll verify web",
        "refused: no domain controller gave a ticket [unreachable]",
    ] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    assert!(world.last_asked().contains("dry_run: true"));
    world.run("recover web").exits(4);
    world.run("recover").exits(2);
    world.run("recover web --all").exits(2);
}
