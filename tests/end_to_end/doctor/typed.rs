//! What the doctor prints, typed as the one would who may: verbs of keyroll and commands of the
//! directory with an administrator's rights, the rest on the machine that is named.
//!
//! The form is that of the printed text: commands with ", then " between them, each perhaps with a
//! note in brackets that says where (`on HOST`) or what else does it (`or …`).

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::lab::output;
use keyroll_tests::wait::until;
use keyroll_tests::world::{SOON, World};

use super::in_its_place::{self, Stands};
use crate::bound::{administrators_cache, as_administrator};

/// One command of a printed line.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What is typed.
    pub command: String,
    /// Where, if that is said.
    pub host: Option<String>,
}

/// How a printed line was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Every command as it stands there.
    AsPrinted,
    /// At least one by what the lab has in its place.
    InItsPlace,
}

/// The commands of a printed line.
pub fn steps(printed: &str) -> Vec<Step> {
    let (mut steps, mut rest) = (Vec::new(), printed);
    while !rest.is_empty() {
        let end = outside(rest, ", then ").unwrap_or(rest.len());
        let (step, after) = rest.split_at(end);
        rest = after.strip_prefix(", then ").unwrap_or_default();
        let cut = outside(step, " (").unwrap_or(step.len());
        let (command, note) = step.split_at(cut);
        let mut words = note
            .split([' ', ',', ';', '(', ')'])
            .skip_while(|word| *word != "on");
        let host = words.nth(1).filter(|host| host.contains('.'));
        steps.push(Step {
            command: command.trim().to_owned(),
            host: host.map(str::to_owned),
        });
    }
    steps
}

/// Where `what` begins in `text`, within neither quotation marks nor brackets; a note is in words,
/// where an apostrophe ends nothing.
fn outside(text: &str, what: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        if quote.is_none() && depth == 0 && text[at..].starts_with(what) {
            return Some(at);
        }
        match (quote, c) {
            (None, '\'' | '"') if depth == 0 => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Whether nothing but looks is printed: what mends it, others are told of then.
pub fn only_looks(printed: &str) -> bool {
    let looks = |step: &Step| step.command.starts_with("keyroll doctor ");
    steps(printed).iter().all(looks)
}

/// Carries a printed line out, one command after the other.
pub fn run(world: &mut World<'_>, printed: &str) -> Result<How> {
    let mut how = How::AsPrinted;
    for step in steps(printed) {
        let told = || format!("{:?} of {printed:?}", step.command);
        match in_its_place::of(world, &step).with_context(told)? {
            Stands::InItsPlace => how = How::InItsPlace,
            Stands::AsPrinted => type_in(world, &step).with_context(told)?,
        }
    }
    Ok(how)
}

fn type_in(world: &World<'_>, step: &Step) -> Result<()> {
    let command = step.command.as_str();
    match command.split(' ').next().unwrap_or_default() {
        "keyroll" => keyroll(world, command),
        "keyroll-agent" => {
            let agent = world.agents.iter();
            let mut of = agent.filter(|agent| Some(agent.full_name()) == step.host);
            let agent = of.next().context("on no node of the test")?;
            let verb = command.split(' ').nth(1).unwrap_or_default();
            // It looks, and ends badly where something is still to be put right.
            agent.command(verb)?.output()?;
            Ok(())
        }
        // Of the domain's administrator, on a domain controller.
        "samba-tool" | "net" => {
            let tools = "samba-tool() { lab-dc samba-tool dc1 \"$@\"; }\n\
                         net() { lab-exec dc1 net --configfile=\"$LAB_DIR/dc1/smb.conf\" \"$@\"; }";
            let mut shell = Command::new("bash");
            shell.args(["-euc", &format!("{tools}\n{command}")]);
            output(shell.env("KRB5CCNAME", administrators_cache(world)?)).map(drop)
        }
        "kinit" => as_alice(world, command),
        "rm" | "chmod" | "sed" => on_the_node(world, step),
        other => bail!("nobody can type {other:?}"),
    }
}

fn keyroll(world: &World<'_>, command: &str) -> Result<()> {
    let mut words: Vec<&str> = command.split(' ').skip(1).collect();
    match *words.first().context("keyroll alone")? {
        // What is wrong ends these as well.
        "doctor" | "verify" => return world.cli.ask(&words).map(drop),
        "spn" | "delegation" => return as_administrator(world, &words)?.reply().map(drop),
        "roll" => words.extend(["--yes", "--wait"]),
        // Each step is refused until every node has heard of the last. It leaves a file behind.
        "authority" => {
            words.push("--yes");
            let folder = world.lab.folder("caches")?;
            return until(command, SOON, || {
                output(world.cli.command(&words).current_dir(&folder)).map(drop)
            });
        }
        _ => {}
    }
    world.cli.run(&words).map(drop)
}

/// Alice's machine knows her by her name; her password comes from her keyboard.
fn as_alice(world: &World<'_>, command: &str) -> Result<()> {
    let users = world.lab.folder("caches")?.join("passwd");
    std::fs::write(&users, "alice:x:0:0::/:/bin/sh\n")?;
    let line = format!("mount --bind \"$0\" /etc/passwd; {command} <\"$LAB_DIR/alice.password\"");
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "bash", "-euc", &line]).arg(&users);
    output(&mut unshare).map(drop)
}

/// In the network of the node, and among the files that its agent sees.
fn on_the_node(world: &World<'_>, step: &Step) -> Result<()> {
    let host = step
        .host
        .as_deref()
        .context("it is not said on which node")?;
    let agents = world.agents.iter();
    let mut of = agents.filter(|agent| agent.full_name() == host);
    let agent = of.next().context("on no node of the test")?;
    let mount = format!("--mount=/proc/{}/ns/mnt", agent.id()?);
    let mut shell = world.lab.on(&agent.node, "nsenter");
    output(shell.args([&mount, "bash", "-euc", &step.command])).map(drop)
}

/// That the printed form is read as people read it.
pub fn is_read_as_printed() -> Result<()> {
    let printed = "samba-tool dsacl set --objectdn='CN=a, then b' --sddl='(D;;WP;;;S-1)' (or \
                   dsacls \"CN=a\" /R \"K\", then what is needed), then systemctl start x (on \
                   n1.corp; if it runs, look), then keyroll doctor web";
    let found = steps(printed);
    let commands: Vec<&str> = found.iter().map(|step| step.command.as_str()).collect();
    let expected = [
        "samba-tool dsacl set --objectdn='CN=a, then b' --sddl='(D;;WP;;;S-1)'",
        "systemctl start x",
        "keyroll doctor web",
    ];
    ensure!(commands == expected, "{commands:?}");
    let hosts: Vec<_> = found.iter().map(|step| step.host.as_deref()).collect();
    ensure!(hosts == [None, Some("n1.corp"), None], "{hosts:?}");
    Ok(())
}
