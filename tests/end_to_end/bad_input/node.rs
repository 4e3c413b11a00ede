//! Nodes that cannot take keys, and agents that are told wrong things.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::{Agent, Target};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use super::order::WHILE_STAGING;
use super::{Case, Told, complained, ended, refusal};
use crate::set_up::QUICK;

/// The cases, for the docs.
pub fn cases() -> Vec<Case> {
    let troubles = troubles().into_iter().map(|trouble| trouble.case);
    troubles
        .chain(settings().into_iter().map(|(case, _)| case))
        .chain(joins())
        .collect()
}

/// A node as it must not be when a roll begins.
struct Trouble {
    /// The array's name too.
    name: &'static str,
    case: Case,
    /// Made before the agent joins.
    before: fn(&mut Agent) -> Result<()>,
    /// Made when the node is in service.
    after: fn(&Agent) -> Result<()>,
}

const DRY_RUN: &str = "keyroll roll ARRAY --dry-run";
const ROLL: &str = "keyroll roll ARRAY --wait";
const CHECK: &str = "keyroll-agent check (on the node)";

fn troubles() -> Vec<Trouble> {
    let case = |wrong, command, code, says, next| Case {
        wrong,
        command,
        exit: 1,
        code,
        says,
        next,
    };
    vec![
        Trouble {
            name: "full",
            case: case(
                "full disk",
                ROLL,
                "aborted",
                &["node", "full/.keytab", "No space left"],
                "",
            ),
            before: small_disk,
            after: fill_disk,
        },
        Trouble {
            name: "fixed",
            case: case(
                "read-only folder",
                ROLL,
                "aborted",
                &["fixed/.keytab", "Read-only"],
                "",
            ),
            before: own_disk,
            after: make_read_only,
        },
        Trouble {
            name: "damaged",
            case: case(
                "damaged shared keytab",
                DRY_RUN,
                "keytab-trouble",
                &["damaged.keytab", "keytab"],
                CHECK,
            ),
            before: shared_keytab,
            after: damage,
        },
        Trouble {
            name: "slow",
            case: case(
                "clock off by 10 minutes",
                DRY_RUN,
                "clock-off",
                &["node", "differs", "s, more than 60 s"],
                "chronyc tracking",
            ),
            before: clock_off,
            after: |_| Ok(()),
        },
    ]
}

/// Each on a node and with an array of its own.
pub fn nodes_that_cannot_take_keys(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let troubles = troubles();
    let names: Vec<&str> = troubles.iter().map(|trouble| trouble.name).collect();
    let mut world = World::new(lab, free, troubles.len(), &names)?;
    for (index, trouble) in troubles.iter().enumerate() {
        let (case, array) = (&trouble.case, trouble.name);
        let account = format!("svc-{array}$");
        (trouble.before)(&mut world.agents[index]).context(case.wrong)?;
        world.create(array, &[QUICK, &["--stage-deadline", "2s"]].concat())?;
        world.join(array, index)?;
        world.domain().wait_for_spn(&world.spn(array))?;
        let kvno = world.domain().kvno(&account)?;
        (trouble.after)(&world.agents[index]).context(case.wrong)?;
        let look = || {
            let told = match case.command {
                DRY_RUN => refusal(&world.cli, array, case.code)?,
                _ => aborted(&world, array)?,
            };
            case.check(&told)
        };
        until(case.wrong, SOON, look).with_context(|| world.story())?;
        ensure!(
            world.domain().kvno(&account)? == kvno,
            "the directory changed"
        );
    }
    told_too_early(&world)?;
    agents_told_wrong_things(&world)
}

/// A roll that cannot stage ends before the directory is asked for anything.
fn aborted(world: &World<'_>, array: &str) -> Result<Told> {
    let said = world.cli.ask(&["roll", array, "--yes", "--wait"])?;
    let reply: serde_json::Value = serde_json::from_str(&said.stdout)?;
    let text = |name: &str| {
        reply["rolls"][0][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Told {
        exit: said.exit,
        code: text("state"),
        text: text("reason"),
        next: String::new(),
    })
}

fn target(array: &str, path: &Path, kind: &'static str) -> Target {
    Target {
        array: array.to_owned(),
        path: path.to_owned(),
        kind,
        only: "",
    }
}

fn small_disk(agent: &mut Agent) -> Result<()> {
    disk(agent, "full")
}

fn own_disk(agent: &mut Agent) -> Result<()> {
    disk(agent, "fixed")
}

/// A file system of its own for one keytab, beside the folder of the agent: it stays mounted,
/// and who takes the node next copies and removes that one.
fn disk(agent: &mut Agent, name: &str) -> Result<()> {
    let folder = mounted(agent, name);
    fs::create_dir(&folder)?;
    mount(&["-t", "tmpfs", "-o", "size=64k", "lab"], &folder)?;
    agent.set_targets(vec![target(name, &folder.join("keytab"), "owned")])
}

fn fill_disk(agent: &Agent) -> Result<()> {
    let mut file = fs::File::create(mounted(agent, "full").join("fill"))?;
    // As much as there is room for.
    while file.write_all(&[0; 512]).is_ok() {}
    Ok(())
}

fn make_read_only(agent: &Agent) -> Result<()> {
    mount(&["-o", "remount,ro"], &mounted(agent, "fixed"))
}

fn mounted(agent: &Agent, name: &str) -> PathBuf {
    agent.folder().with_file_name(name)
}

fn mount(how: &[&str], folder: &Path) -> Result<()> {
    output(Command::new("mount").args(how).arg(folder)).map(|_| ())
}

fn shared_keytab(agent: &mut Agent) -> Result<()> {
    let path = agent.folder().join("damaged.keytab");
    fs::write(&path, [5, 2])?;
    agent.set_targets(vec![target("damaged", &path, "shared")])
}

/// A roll that cannot stage stays where it is until its deadline; it may have ended before the
/// question came, and then there is another.
fn told_too_early(world: &World<'_>) -> Result<()> {
    for (case, arguments) in WHILE_STAGING {
        until("a roll that stages", SOON, || {
            world.cli.ask(&["roll", "fixed", "--yes"])?;
            case.check(&complained(&world.cli.ask(arguments)?)?)
        })?;
    }
    Ok(())
}

/// Others' entries cannot be told apart in it any more, so it is not touched.
fn damage(agent: &Agent) -> Result<()> {
    let path = agent.folder().join("damaged.keytab");
    let mut file = fs::File::options().append(true).open(path)?;
    Ok(file.write_all(&[0, 0, 0, 99, 1, 2, 3])?)
}

fn clock_off(agent: &mut Agent) -> Result<()> {
    agent.set_targets(vec![target(
        "slow",
        &agent.folder().join("slow.keytab"),
        "owned",
    )])?;
    agent.wrap(&[
        "env",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "faketime",
        "-f",
        "+600s",
    ]);
    Ok(())
}

type Edit = fn(&str) -> String;

fn settings() -> Vec<(Case, Edit)> {
    let case = |wrong, says| Case {
        wrong,
        command: "keyroll-agent check",
        exit: 78,
        code: "",
        says,
        next: "keyroll-agent check",
    };
    vec![
        (
            case(
                "a key that is not known",
                &["agent.toml", "unknown field `colour`"][..],
            ),
            |text| format!("colour = \"red\"\n{text}"),
        ),
        (
            case(
                "a path that is not absolute",
                &["agent.toml", "not an absolute path"],
            ),
            |text| text.replace("path = \"/", "path = \""),
        ),
        (
            case("two arrays of one name", &["agent.toml", "is there twice"]),
            |text| format!("{text}\n[[array]]\nname = \"slow\"\n"),
        ),
    ]
}

fn joins() -> Vec<Case> {
    let case = |wrong, exit, says, next| Case {
        wrong,
        command: "keyroll-agent join",
        exit,
        code: "",
        says,
        next,
    };
    vec![
        case(
            "not an invitation",
            65,
            &["not an invitation"],
            "keyroll node add",
        ),
        case(
            "an invitation that was used",
            77,
            &["refused to let", "join"],
            "keyroll node add",
        ),
        case(
            "no controller there",
            69,
            &["cannot reach the controller at"],
            "nc -vz",
        ),
    ]
}

fn agents_told_wrong_things(world: &World<'_>) -> Result<()> {
    let agent = &world.agents[world.agents.len() - 1];
    let right = fs::read_to_string(agent.config())?;
    for (case, edit) in settings() {
        fs::write(agent.config(), edit(&right))?;
        case.check(&ended(&mut agent.command("check")?)?)?;
    }
    fs::write(agent.config(), &right)?;
    let reply = world
        .cli
        .run(&["node", "add", "full", "node99.corp.example"])?;
    let line = reply["join_line"].as_str().context("no join line")?;
    let used = line.split('\'').nth(1).context("no invitation")?;
    let before = fs::read_dir(agent.folder().join("state"))?.count();
    told(agent, used)?;
    let away = used.replacen("controller.corp.example:", "client.corp.example:", 1);
    for (case, invitation) in joins().iter().zip(["rubbish", used, &away]) {
        case.check(&told(agent, invitation)?)?;
    }
    let after = fs::read_dir(agent.folder().join("state"))?.count();
    ensure!(
        before == after,
        "a refused join left {after} files of {before}"
    );
    Ok(())
}

fn told(agent: &Agent, invitation: &str) -> Result<Told> {
    let file = agent.folder().join("invitation");
    fs::write(&file, invitation)?;
    let mut command = agent.command("join")?;
    command
        .arg("--invitation-file")
        .arg(&file)
        .stdin(Stdio::null());
    ended(&mut command)
}
