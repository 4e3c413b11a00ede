//! `make demo`: set-up, a node added and two rolls on a real Active Directory, while real users
//! log in all the time. With `--keep` a shell follows, in which all of it goes on running.

use std::io::IsTerminal as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::{Load, Logins, Summary};
use keyroll_tests::wait::until;
use keyroll_tests::web::{Balancer, FreeNodes};
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

/// Tickets of the demo's cached logins live this long; the old key is kept a little longer. A real
/// domain's live ten hours, and so long a roll drains.
const LIFE: u32 = 20;
const POLICY: [&str; 6] = [
    "--ticket-life",
    "22s",
    "--clock-skew",
    "1s",
    "--margin",
    "1s",
];
const FRESH: u32 = 20;
const CACHED: u32 = 10;
const ROLLS: usize = 2;

fn main() -> ExitCode {
    if !Lab::is_here() {
        say("a throw-away Active Directory, four web servers and a balancer");
        return Lab::enter(1, 4).unwrap_or_else(|error| failed(&error));
    }
    let keep = std::env::args().any(|argument| argument == "--keep");
    match run(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stdout, reason = "the demo's own voice")]
fn say(what: &str) {
    println!("demo: {what}");
}

fn failed(error: &anyhow::Error) -> ExitCode {
    say(&format!("FAILED: {}", keyroll_tests::told(error)));
    ExitCode::FAILURE
}

fn run(keep: bool) -> Result<()> {
    let lab = Lab::here()?;
    let free = FreeNodes::of(&lab);
    let mut world = World::new(&lab, &free, 4, &["web"])?;
    step("the controller runs", || Ok(()))?;
    step(
        "array web: a computer account of its own, its SPN waits for the first node",
        || world.create("web", &POLICY).map(|_| ()),
    )?;
    let balancer = Balancer::start(&world.nodes)?;
    for index in 0..3 {
        join(&mut world, index)?;
    }
    step(
        "HTTP/web.corp.example is registered, now that nodes hold its key",
        || world.domain().wait_for_spn("HTTP/web.corp.example"),
    )?;
    step("the balancer sees three nodes ready", || {
        up(&balancer, &world.nodes[..3])
    })?;
    let load = Load {
        host: "web.corp.example".to_owned(),
        direct: Vec::new(),
        dcs: Vec::new(),
        fresh: FRESH,
        cached: CACHED,
        lifetime: LIFE,
    };
    let users = Logins::start(&lab, "demo", &load)?;
    say(&format!(
        "users log in from here on: {FRESH} a second with a fresh ticket, {CACHED} with an old one"
    ));
    join(&mut world, 3)?;
    step(
        "the balancer sees the fourth node ready; no roll was needed",
        || up(&balancer, &world.nodes[3..]),
    )?;
    say(&format!(
        "a drain is short here, by the array's policy: its tickets live {LIFE} s. In a real domain \
         they live ten hours, and the old key stays for ten and a half"
    ));
    let mut rows = Vec::new();
    for number in 1..=ROLLS {
        rows.push(roll(&world, &users, number)?);
    }
    step("every DC and every node, once more", || world.verify("web"))?;
    let summary = users.stop()?;
    table(&rows, &summary);
    summary.none_failed()?;
    if keep {
        play(&world)?;
    }
    Ok(())
}

/// Does one thing and says how long it took.
fn step(what: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    act().with_context(|| what.to_owned())?;
    say(&format!("{what} ({:.1} s)", began.elapsed().as_secs_f64()));
    Ok(())
}

fn join(world: &mut World<'_>, index: usize) -> Result<()> {
    let name = world.agents[index].full_name();
    step(
        &format!("{name} joined, holds the key in force and serves"),
        || {
            world.join("web", index)?;
            let agent = &world.agents[index];
            world.web.serve(&agent.node, agent.keytab("web"))
        },
    )
}

fn up(balancer: &Balancer, nodes: &[String]) -> Result<()> {
    for node in nodes {
        until(&format!("{node} to be up"), SOON, || {
            let state = balancer.state_of(node)?;
            ensure!(state == "UP", "it is {state}");
            Ok(())
        })?;
    }
    Ok(())
}

/// What the table says of one roll.
struct Row {
    number: usize,
    kvnos: (u64, u64),
    times: Vec<(String, Duration)>,
    tried: u64,
    failed: u64,
}

fn roll(world: &World<'_>, users: &Logins, number: usize) -> Result<Row> {
    let before = users.so_far()?;
    world.begin_roll("web")?;
    let mut last = String::new();
    let view = loop {
        let view = world.status("web")?;
        let state = view["state"].as_str().unwrap_or_default().to_owned();
        if state != last {
            say(&format!(
                "roll {number}: {state}: {}",
                view["reason"].as_str().unwrap_or("")
            ));
            last = state;
        }
        if view["ended"] == true {
            break view;
        }
        // A person watches: five looks a second are enough.
        std::thread::sleep(Duration::from_millis(200));
    };
    ensure!(
        last == "done",
        "roll {number} ended as {last}: {}\n{}",
        view["reason"],
        world.story()
    );
    let after = users.so_far()?;
    let kvno = |name: &str| view[name].as_u64().unwrap_or_default();
    Ok(Row {
        number,
        kvnos: (kvno("kvno_before"), kvno("kvno_after")),
        times: times(&view),
        tried: after.0 - before.0,
        failed: after.1 - before.1,
    })
}

fn times(view: &Value) -> Vec<(String, Duration)> {
    let time = |one: &Value| {
        let millis = one["millis"].as_u64().unwrap_or_default();
        (
            one["state"].as_str().unwrap_or_default().to_owned(),
            Duration::from_millis(millis),
        )
    };
    view["times"]
        .as_array()
        .into_iter()
        .flatten()
        .map(time)
        .collect()
}

fn table(rows: &[Row], summary: &Summary) {
    say("");
    for row in rows {
        let total: Duration = row.times.iter().map(|(_, time)| *time).sum();
        say(&format!(
            "roll {}   kvno {} -> {}   {:.1} s   logins tried {}, failed {}",
            row.number,
            row.kvnos.0,
            row.kvnos.1,
            total.as_secs_f64(),
            row.tried,
            row.failed
        ));
        for (state, time) in &row.times {
            say(&format!(
                "         {state:<12} {:>9.3} s",
                time.as_secs_f64()
            ));
        }
    }
    say("");
    say(&format!(
        "in all: logins tried {} ({} fresh, {} cached), failed {}",
        summary.tried, summary.fresh, summary.cached, summary.failed
    ));
}

/// A shell in the lab, or, without a terminal, everything running until standard input ends.
fn play(world: &World<'_>) -> Result<()> {
    let socket = world.controller.folder().join("operator.sock");
    let programs = keyroll_tests::lab::program("keyroll")?;
    let programs = programs.parent().context("the programs' folder")?;
    say("everything but the users goes on running. To play with it:");
    for line in [
        "keyroll status                      what there is",
        "keyroll roll web --wait             roll once more",
        "keyroll roll explain web            the last roll as sentences",
        "keyroll node quarantine web node2.corp.example",
        "lab-dc set-password 'svc-web$' 'Some-other-1'   an outsider; then: keyroll verify web",
        "lab-exec client env KRB5CCNAME=$LAB_DIR/cc kinit -kt $LAB_DIR/alice.keytab alice",
        "lab-exec client env KRB5CCNAME=$LAB_DIR/cc curl -s -o /dev/null -w '%{http_code}\\n' \
         --negotiate -u : http://web.corp.example/",
    ] {
        say(&format!("  {line}"));
    }
    say("the end of this shell ends it all");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new(if std::io::stdin().is_terminal() {
        "bash"
    } else {
        "cat"
    });
    shell
        .env("KEYROLL_SOCKET", socket)
        .env("PATH", format!("{}:{path}", programs.display()))
        .status()
        .context("the shell")?;
    Ok(())
}
