//! What the lab has in the place of a machine's own services: no systemd runs its agents, web
//! servers and domain controllers, and clocks are off for single programs alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::Agent;
use keyroll_tests::clock::Shifted;
use keyroll_tests::dc::Dc;
use keyroll_tests::lab::output;
use keyroll_tests::world::World;

use super::balancer;
use super::typed::Step;

/// How a command is carried out.
pub enum Stands {
    /// It has been, by what the lab has.
    InItsPlace,
    /// It has not been: it can be typed as it is.
    AsPrinted,
}

/// What a program is called in print, and what is done in the lab. `{host}` is where.
type Row = (&'static str, fn(&mut World<'_>, &Step) -> Result<()>);

/// All that is not typed as it is printed.
const TABLE: &[Row] = &[
    ("systemctl start keyroll-agent", |world, step| {
        agent(world, step)?.start()
    }),
    ("systemctl restart keyroll-agent", |world, step| {
        let agent = agent(world, step)?;
        agent.kill()?;
        agent.start()
    }),
    ("systemctl start samba-ad-dc", |world, step| {
        Dc::of(world.lab, dc(step)?).start()
    }),
    ("systemctl restart samba-ad-dc", |world, step| {
        world.domain().dc(&["restart", dc(step)?]).map(drop)
    }),
    ("systemctl start apache2", |world, step| {
        let settings = fs::read_to_string(web_folder(world, step)?.join("httpd.conf"))?;
        let mut lines = settings.lines().map(str::trim_start);
        let keytab = lines.find_map(|line| line.strip_prefix("GssapiCredStore keytab:"));
        let node = world.nodes[node(world, step)?].clone();
        world
            .web
            .serve(&node, Path::new(keytab.context("it has no keytab")?))
    }),
    ("systemctl reload apache2", |world, step| {
        let folder = web_folder(world, step)?;
        let pid = fs::read_to_string(folder.join("httpd.pid"))?;
        output(Command::new("kill").args(["-HUP", pid.trim()])).map(drop)
    }),
    ("systemctl start haproxy", |world, _| {
        balancer::of(world)?.set(|_| ())
    }),
    ("systemctl reload haproxy", |world, _| {
        balancer::of(world)?.set(|_| ())
    }),
    // What is found is taken out.
    ("grep -rni www-authenticate /etc/haproxy", |world, _| {
        balancer::of(world)?.set(|settings| settings.rules.clear())
    }),
    ("grep -rn server /etc/haproxy", |world, _| {
        let listed = world.cli.run(&["node", "list", "poise"])?.to_string();
        let is_node = |node: &String| listed.contains(&format!("\"{node}.corp.example\""));
        balancer::of(world)?.set(|settings| settings.nodes.retain(is_node))
    }),
    ("tune.bufsize ", |world, step| {
        let line = step.command.clone();
        balancer::of(world)?.set(|settings| settings.global = line)
    }),
    ("GssapiCredStore ", set_in_apache),
    ("LimitRequestFieldSize ", set_in_apache),
    ("enctypes = ", |world, step| {
        let index = node(world, step)?;
        let file = world.agents[index].config();
        replace_line(&file, "enctypes = ", &step.command)
    }),
    ("chronyc makestep", set_clock),
    // Nothing to see: the lab's machines have the time of the machine that they are on.
    ("chronyc tracking", |_, _| Ok(())),
    ("sed -i -e '/ldap server require", |_, step| {
        let settings = format!("\"$LAB_DIR/{}/smb.conf\"", dc(step)?);
        let line = step.command.replace("/etc/samba/smb.conf", &settings);
        output(Command::new("bash").args(["-euc", &line])).map(drop)
    }),
];

/// Carries out a command for which there is a row.
pub fn of(world: &mut World<'_>, step: &Step) -> Result<Stands> {
    let row = TABLE
        .iter()
        .find(|(printed, _)| step.command.starts_with(printed));
    let Some((_, act)) = row else {
        return Ok(Stands::AsPrinted);
    };
    act(world, step)?;
    Ok(Stands::InItsPlace)
}

fn host(step: &Step) -> Result<&str> {
    let host = step.host.as_deref();
    host.context("it is not said on which machine")
}

/// Which of the test's nodes.
fn node(world: &World<'_>, step: &Step) -> Result<usize> {
    let host = host(step)?;
    let mut agents = world.agents.iter();
    let found = agents.position(|agent| agent.full_name() == host);
    found.with_context(|| format!("{host} is no node of the test"))
}

fn agent<'w>(world: &'w mut World<'_>, step: &Step) -> Result<&'w mut Agent> {
    let index = node(world, step)?;
    Ok(&mut world.agents[index])
}

fn dc(step: &Step) -> Result<&'static str> {
    let host = host(step)?;
    let mut known = ["dc1", "dc2"].into_iter();
    let found = known.find(|name| host.starts_with(&format!("{name}.")));
    found.with_context(|| format!("{host} is no domain controller of the lab"))
}

fn web_folder(world: &World<'_>, step: &Step) -> Result<PathBuf> {
    let node = &world.nodes[node(world, step)?];
    Ok(world.lab.dir.join("node").join(node).join("web"))
}

/// The printed line in the place of the one that says another thing of the same.
fn set_in_apache(world: &mut World<'_>, step: &Step) -> Result<()> {
    let file = web_folder(world, step)?.join("httpd.conf");
    let directive = step.command.split(' ').next().unwrap_or_default();
    replace_line(&file, directive, &step.command)
}

fn replace_line(file: &Path, begins: &str, line: &str) -> Result<()> {
    let there = fs::read_to_string(file)?;
    let with = |old: &str| match old.trim_start().starts_with(begins) {
        true => format!("{line}\n"),
        false => format!("{old}\n"),
    };
    let new: String = there.lines().map(with).collect();
    ensure!(new != there, "{} has no {begins}", file.display());
    Ok(fs::write(file, new)?)
}

/// The programs of that machine go by the right time again.
fn set_clock(world: &mut World<'_>, step: &Step) -> Result<()> {
    if let Ok(index) = node(world, step) {
        let agent = &mut world.agents[index];
        agent.kill()?;
        return agent.start();
    }
    if let Ok(dc) = dc(step) {
        return world.domain().dc(&["restart", dc]).map(drop);
    }
    // This very machine, or the controller: neither has a name that tells where.
    if world.cli.has("FAKETIME") {
        for (name, _) in Shifted::by("+0s")?.environment() {
            world.cli.set(name, None);
        }
        return Ok(());
    }
    world.controller.kill()?;
    world.controller.start()
}
