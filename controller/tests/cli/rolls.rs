//! Starting, waiting for and watching rolls.

use crate::fake::World;
use crate::samples::{refused, roll};

#[test]
fn started_and_left_alone() {
    let ran = World::new().run("roll web --yes").exits(0);
    assert!(ran.out.starts_with("web roll 12 began\n"), "{ran:?}");
    assert!(
        ran.out.contains("next: keyroll roll watch web\n"),
        "{ran:?}"
    );
}

#[test]
fn a_dry_run_that_finds_something_in_the_way_fails() {
    let world = World::new();
    world.fake.knobs().started = Some(vec![refused()]);
    let ran = world.run("roll web --dry-run").exits(1);
    let expected =
        "refused: node3: its clock is 600 s off (clock-off)\n    next: chronyc makestep\n";
    assert_eq!(ran.out, expected);
    let ran = world.run("roll web --yes --wait").exits(1);
    assert!(ran.out.contains("its clock is 600 s off"), "{ran:?}");
}

#[test]
fn waiting_prints_a_line_for_each_change_and_a_table_at_the_end() {
    let world = World::new();
    let mut draining = roll("draining");
    draining.reason = "the old key goes in 10 h".to_owned();
    let mut counted_down = draining.clone();
    counted_down.drain_left_seconds -= 1;
    let views = [
        roll("staging"),
        roll("staging"),
        draining,
        counted_down,
        roll("done"),
    ];
    let views = views.map(Some).to_vec();
    world.fake.knobs().streams.push_back(views);
    let ran = world.run("roll web --yes --wait").exits(0);
    assert_eq!(
        ran.err,
        "\
web roll 12 staging: the reason of staging (nodes 1/1)
web roll 12 draining: the old key goes in 10 h (nodes 1/1, DCs 1/1)
web roll 12 done: the reason of done (nodes 1/1)
"
    );
    assert!(
        ran.out
            .starts_with("web roll 12: done in 10 h 30 min, kvno 300 -> 301, written on dc1"),
        "{ran:?}"
    );
    assert!(ran.out.contains("draining  10 h 30 min\n"), "{ran:?}");
    assert!(ran.out.contains("node1  staged  -\n"), "{ran:?}");
    assert!(
        world.last_asked().contains("roll: 12"),
        "{}",
        world.last_asked()
    );
}

#[test]
fn the_exit_code_tells_how_a_roll_ended() {
    for (state, exit) in [
        ("done", 0),
        ("aborted", 1),
        ("refused", 1),
        ("given-up", 1),
        ("halted", 76),
    ] {
        let world = World::new();
        world
            .fake
            .knobs()
            .streams
            .push_back(vec![Some(roll("staging")), Some(roll(state))]);
        let ran = world.run("roll watch web").exits(exit);
        assert!(
            ran.out.starts_with(&format!("web roll 12: {state}")),
            "{ran:?}"
        );
        if state == "halted" {
            assert!(
                ran.out.contains("next: keyroll roll explain web"),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn a_broken_stream_is_followed_again() {
    let world = World::new();
    world.fake.knobs().streams.extend([
        vec![Some(roll("staging")), None],
        vec![],
        vec![Some(roll("draining")), Some(roll("done"))],
    ]);
    world.run("roll watch web").exits(0);
    let asked = world.fake.knobs().asked.clone();
    assert_eq!(asked.len(), 3);
    assert!(
        asked[0].contains("roll: 0") && asked[1].contains("roll: 12"),
        "{asked:?}"
    );
}

#[test]
fn a_controller_that_stays_away_ends_the_watching() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::fake::bare(folder.path())
        .args([
            "roll",
            "watch",
            "web",
            "--socket",
            "gone.sock",
            "--timeout",
            "1s",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(69));
}

#[test]
fn watching_as_json_is_a_line_for_each_view() {
    let world = World::new();
    let views = vec![Some(roll("staging")), Some(roll("done"))];
    world.fake.knobs().streams.push_back(views.clone());
    let ran = world.run("roll watch web --output json").exits(0);
    let states: Vec<String> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|view| view["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["staging", "done"]);
    world.fake.knobs().streams.push_back(views);
    let ran = world.run("roll web --yes --wait --output json").exits(0);
    assert_eq!(ran.json()["rolls"][0]["state"], "done");
}

#[test]
fn a_controller_that_only_ends_streams_is_not_asked_for_ever() {
    let ran = World::new().run("roll watch web --timeout 1s").exits(75);
    assert!(ran.err.contains("which has not ended"), "{ran:?}");
}

#[test]
fn all_of_nothing_is_said_to_be_nothing() {
    let world = World::new();
    world.fake.knobs().started = Some(Vec::new());
    for line in ["roll --all --yes --wait", "roll --all --dry-run"] {
        assert_eq!(world.run(line).exits(0).out, "there is no array to roll\n");
    }
}

#[test]
fn an_emergency_ends_with_a_word_on_the_password_itself() {
    let world = World::new();
    let mut done = roll("done");
    done.cause = "emergency".to_owned();
    world.fake.knobs().streams.push_back(vec![Some(done)]);
    let ran = world
        .run("roll web --emergency --kill now --yes --wait")
        .exits(0);
    assert!(
        ran.out
            .contains("next, if the password itself has leaked: keyroll roll web --emergency"),
        "{ran:?}"
    );
}
