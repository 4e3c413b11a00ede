//! On a terminal: the plan is shown, the question asked. `script` makes the terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::fake::World;
use crate::samples::roll;

/// Runs a line on a terminal, typing `answer`; nothing if this machine cannot make one.
fn on_terminal(world: &World, line: &str, answer: &str) -> Option<(i32, String)> {
    let inner = world.command("");
    let mut script = Command::new("script");
    script.args([
        "-qec",
        &format!("{} {line}", env!("CARGO_BIN_EXE_keyroll")),
        "/dev/null",
    ]);
    script.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    script.current_dir(world.path("")).env("NO_COLOR", "1");
    script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = script.spawn().ok()?;
    child.stdin.take()?.write_all(answer.as_bytes()).ok()?;
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((output.status.code().unwrap(), text))
}

#[test]
fn a_roll_is_planned_then_asked_about_then_done() {
    let world = World::new();
    let Some((exit, text)) = on_terminal(&world, "roll web", "y\n") else {
        return;
    };
    assert_eq!(exit, 0, "{text}");
    assert!(
        text.contains("would: web: stage a new key on node1"),
        "{text}"
    );
    assert!(text.contains("Roll? [y/N]"), "{text}");
    let asked = world.fake.knobs().asked.clone();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("dry_run: true") && asked[1].contains("dry_run: false"));
}

#[test]
fn no_is_no() {
    let world = World::new();
    for (line, answer) in [("roll web --emergency", "n\n"), ("array delete web", "\n")] {
        let Some((exit, text)) = on_terminal(&world, line, answer) else {
            return;
        };
        assert_eq!(exit, 4, "{text}");
        assert!(text.contains("nothing was changed"), "{text}");
    }
    let asked = world.fake.knobs().asked.clone();
    assert!(
        asked.iter().all(|call| call.contains("dry_run: true")),
        "{asked:?}"
    );
}

#[test]
fn watching_on_a_terminal_ends_with_the_table() {
    let world = World::new();
    let views = vec![Some(roll("staging")), Some(roll("done"))];
    world.fake.knobs().streams.push_back(views);
    let Some((exit, text)) = on_terminal(&world, "roll watch web", "") else {
        return;
    };
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("web roll 12: done in 10 h 30 min"), "{text}");
}
