//! Exit codes: for each refusal, for each kind of trouble on this side.

use std::time::{Duration, Instant};

use serde_json::json;
use tonic::{Code, Status};

use crate::fake::{World, bare, refusal};
use crate::samples;

#[test]
fn a_refusal_is_one_paragraph_the_next_command_and_its_exit_code() {
    let world = World::new();
    world.fake.knobs().refusal = Some(refusal(
        Code::NotFound,
        "there is no array wbe",
        "unknown-array",
        "keyroll array list",
        66,
    ));
    let ran = world.run("array show wbe").exits(66);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "error: there is no array wbe\nnext: keyroll array list\n"
    );
    let ran = world.run("array show wbe --output json").exits(66);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    let expected = json!({ "error": {
        "code": "unknown-array",
        "message": "there is no array wbe",
        "next": "keyroll array list",
        "exit": 66,
    }});
    assert_eq!(error, expected);
}

#[test]
fn what_cannot_be_used_is_told_of_by_the_help_of_its_verb() {
    let world = World::new();
    let what = "\"w b\" is not an array name: letters and digits";
    for (exit, next) in [(65, "next: keyroll spn list --help\n"), (70, "")] {
        let code = Code::InvalidArgument;
        world.fake.knobs().refusal = Some(refusal(code, what, "bad-name", "", exit));
        let ran = world.run("spn list web").exits(i32::from(exit));
        assert_eq!(ran.err, format!("error: {what}\n{next}"));
    }
}

#[test]
fn a_status_without_an_exit_code_has_one_by_its_kind() {
    let world = World::new();
    for (code, exit) in [
        (Code::InvalidArgument, 65),
        (Code::AlreadyExists, 65),
        (Code::OutOfRange, 65),
        (Code::NotFound, 66),
        (Code::Unavailable, 69),
        (Code::Internal, 70),
        (Code::Unknown, 70),
        (Code::DataLoss, 70),
        (Code::Unimplemented, 70),
        (Code::DeadlineExceeded, 75),
        (Code::Aborted, 75),
        (Code::ResourceExhausted, 75),
        (Code::Cancelled, 75),
        (Code::FailedPrecondition, 76),
        (Code::PermissionDenied, 77),
        (Code::Unauthenticated, 77),
    ] {
        world.fake.knobs().refusal = Some(Status::new(code, "the reason"));
        let ran = world.run("status").exits(exit);
        assert!(ran.err.contains("error: the reason"), "{code}: {ran:?}");
    }
}

#[test]
fn a_controller_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        &["status", "--socket", "/nonexistent/operator.sock"][..],
        &["status", "--socket", "relative.sock", "--output", "json"],
    ] {
        let output = bare(folder.path()).args(line).output().unwrap();
        assert_eq!(output.status.code(), Some(69));
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("was not reached: No such file"), "{err}");
        assert!(err.contains("systemctl status keyroll-controller"), "{err}");
    }
}

#[test]
fn a_controller_that_does_not_answer_in_time() {
    let world = World::new();
    world.fake.knobs().silent = true;
    let began = Instant::now();
    let ran = world.run("status --timeout 1s").exits(75);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(ran.err.contains("no answer from the controller"), "{ran:?}");
    assert!(ran.err.contains("may have been done"), "{ran:?}");
}

#[test]
fn verify_tells_its_grade() {
    let world = World::new();
    for (grade, exit) in [("ok", 0), ("warning", 3), ("unknown", 3), ("broken", 1)] {
        world.fake.knobs().verified = Some(samples::verified(grade));
        world.run("verify web").exits(exit);
        world.run("verify web --output json").exits(exit);
    }
}

#[test]
fn doctor_tells_its_worst_grade() {
    let world = World::new();
    let grades = [
        ("ok", 0),
        ("unknown", 3),
        ("warning", 3),
        ("broken", 1),
        ("worse", 3),
    ];
    for (grade, exit) in grades {
        world.fake.knobs().examined = Some(samples::examined(grade));
        world.run("doctor web").exits(exit);
        world.run("doctor web --output json").exits(exit);
    }
}

#[test]
fn explain_needs_nobody_and_knows_what_it_does_not_know() {
    let world = World::new();
    world.run("explain KRB_AP_ERR_MODIFIED").exits(0);
    let ran = world.run("explain the sky is blue").exits(66);
    assert!(
        ran.err.contains("nothing in \"the sky is blue\""),
        "{ran:?}"
    );
    let ran = world.run("explain --output json nonsense").exits(66);
    assert!(ran.err.contains("unknown-code"), "{ran:?}");
    assert_eq!(world.fake.knobs().asked.len(), 0);
    let folder = tempfile::tempdir().unwrap();
    let line = ["explain", "37", "--socket", "/nonexistent/operator.sock"];
    let output = bare(folder.path()).args(line).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn wrong_command_lines() {
    let world = World::new();
    for line in [
        "frobnicate",
        "array create web",
        "array create web --account a --kind printer",
        "array create web --account a --margin 5",
        "array create web --account a --trustee t",
        "array create web --account a --password-length 121",
        "node add web",
        "node add web n1 --csr x",
        "roll --yes",
        "roll web --all --yes",
        "roll web --kill now --yes",
        "roll web status --yes",
        "roll --yes status web",
        "roll resolve web waive-dc --yes",
        "roll resolve web continue --dc dc1 --yes",
        "roll resolve web guess --yes",
        "schedule set web",
        "schedule set web --every 1d --cron '* * * * *'",
        "schedule next --count 3",
        "operator add anna",
        "doctor",
        "explain",
        "status --output toml",
        "status --controller a:1 --socket b",
    ] {
        let ran = world.run(line).exits(2);
        assert!(!ran.err.is_empty(), "{line}");
    }
    assert_eq!(world.fake.knobs().asked.len(), 0);
    let ran = world.run("array frobnicate --output json").exits(2);
    assert!(
        ran.err.starts_with("{\"error\":{\"code\":\"usage\""),
        "{ran:?}"
    );
}

#[test]
fn what_destroys_or_rolls_is_refused_where_nobody_can_be_asked() {
    let world = World::new();
    for line in [
        "array delete web",
        "array create web --account a --take-existing",
        "node remove web n1",
        "roll web",
        "roll --all",
        "roll abort web",
        "roll resolve web give-up",
        "operator revoke anna",
    ] {
        let ran = world.run(line).exits(4);
        assert!(
            ran.err.contains("nothing was changed") && ran.err.contains("--yes"),
            "{ran:?}"
        );
    }
    assert_eq!(world.fake.knobs().asked.len(), 0);
}

#[test]
fn wrong_settings() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cli.toml");
    for (text, word) in [
        ("controler = \"a:1\"", "unknown field `controler`"),
        ("controller = \"a\"", "HOST:PORT"),
        ("controller = \"a:1\"", "`certificate` is not set"),
        ("controller =", "are wrong"),
    ] {
        std::fs::write(&config, text).unwrap();
        let output = bare(folder.path())
            .args(["status", "--config", "cli.toml"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(78), "{text}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains(word), "{err}");
    }
}

#[test]
fn status_with_a_critical_alarm_is_no_success() {
    let world = World::new();
    let mut status = crate::samples::status();
    status.alarms[0].grade = "critical".to_owned();
    world.fake.knobs().status = Some(status);
    let ran = world.run("status").exits(1);
    assert!(ran.out.contains("critical node2: "), "{ran:?}");
}
