//! Set-up, two rolls, a node added, both units restarted in between and the controller made again
//! from a backup, while users log in.

use std::os::unix::fs::symlink;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::ready;
use keyroll_tests::cli::Cli;
use keyroll_tests::domain::Domain;
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::logins::{Load, Logins};
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::Web;
use keyroll_tests::world::{LIFE, QUICK, SOON};
use serde_json::Value;

use crate::machine::Machine;
use crate::sandbox::{AGENT, CONTROLLER};

const KEYTAB: &str = "/etc/keyroll/web/krb5.keytab";
/// A shared one, with an entry of the machine's own, to which a drop-in lets the agent write.
const MACHINE: &str = "/etc/krb5.keytab";

/// What was shown, in lines.
///
/// # Errors
/// What was not.
pub fn r44_a_roll_under_the_units_restrictions(lab: &Lab) -> Result<String> {
    let began = Instant::now();
    let machines = Machine::boot(lab, ["controller", "node1", "node2"])?;
    let shown = shown(lab, &machines);
    let said = shown.with_context(|| machines.iter().map(Machine::story).collect::<String>())?;
    let seconds = began.elapsed().as_secs();
    Ok(format!("{said}{seconds} s in all, three machines booted"))
}

fn shown(lab: &Lab, [controller, first, second]: &[Machine; 3]) -> Result<String> {
    controller.type_in("controller", "")?;
    let cli = cli(lab, controller)?;
    let domain = Domain::of(lab);
    let unit = domain.unit("Arrays")?;
    let array = [
        "array",
        "create",
        "web",
        "--account",
        "svc-web$",
        "--container",
        &unit,
    ];
    let spn = ["--spn", "HTTP/web.corp.example"];
    cli.run(&[&array[..], &spn[..], QUICK].concat())?;
    let mut web = Web::default();
    join(&cli, first, &mut web)?;
    domain.wait_for_spn("HTTP/web.corp.example")?;
    let users = Logins::start(lab, "one", &load(&[first]))?;
    let kvno = domain.kvno("svc-web$")?;
    cli.run(&["roll", "web", "--yes"])?;
    wait_for(&cli, "draining")?;
    // In the middle of it, one after the other.
    controller.systemctl(&["restart", CONTROLLER.unit])?;
    first.systemctl(&["restart", AGENT.unit])?;
    let signs =
        || -> Result<_> { Ok([CONTROLLER.last_sign(controller)?, AGENT.last_sign(first)?]) };
    let before = signs()?;
    wait_for(&cli, "done")?;
    join(&cli, second, &mut web)?;
    let both = Logins::start(lab, "both", &load(&[first, second]))?;
    cli.run(&["roll", "web", "--yes", "--wait"])?;
    let now = domain.kvno("svc-web$")?;
    ensure!(now == kvno + 2, "two rolls: kvno {kvno} to {now}");

    let figures = [CONTROLLER.is_kept(controller)?, AGENT.is_kept(second)?];
    let locked = [CONTROLLER.is_locked(controller)?, AGENT.is_locked(second)?];
    // Told twice in its thirty seconds, so long before it would end them.
    until(
        "both to tell the watchdog that they live",
        seconds(120),
        || {
            let now = signs()?;
            ensure!(now[0] != before[0] && now[1] != before[1], "{now:?}");
            Ok(())
        },
    )?;
    CONTROLLER.comes_back(controller)?;
    AGENT.comes_back(first)?;
    AGENT.comes_back(second)?;
    until("everybody to serve again", SOON, || {
        serves(first)?;
        serves(second)?;
        cli.run(&["verify", "web"])
    })?;
    written_elsewhere(controller, &cli)?;
    CONTROLLER.ends_well(controller)?;
    is_restored(controller, &cli)?;
    let mut logins = 0;
    for users in [users, both] {
        let summary = users.stop()?;
        summary.none_failed()?;
        logins += summary.tried;
    }
    for machine in [first, second] {
        keytabs(machine, now)?;
    }
    AGENT.ends_well(first)?;
    AGENT.ends_well(second)?;
    let memory = match locked {
        [Some(one), Some(other)] => format!("{one} and {other} KiB of memory locked"),
        _ => "skipped: locked memory; this machine lets nobody lift the limit".to_owned(),
    };
    Ok(format!(
        "two rolls, a node added, both units restarted in between, the controller made again \
         from a backup, 0 of {logins} logins failed\n\
         exposure: {}\n{memory}\n",
        figures.join(", ")
    ))
}

/// What the controller is told to write outside of its own folder is there.
fn written_elsewhere(controller: &Machine, cli: &Cli) -> Result<()> {
    let listed = output(controller.on("ls").arg("/srv/backups/keyroll"))?;
    ensure!(listed.contains(".backup"), "no backup: {listed:?}");
    until("each sink to have each entry", SOON, || {
        let entries = cli.run(&["audit", "verify"])?["last"].as_u64();
        let copy = output(controller.on("cat").arg("/var/log/keyroll/audit.jsonl"))?;
        let mut journal = controller.on("journalctl");
        journal.args(["--no-pager", "--output=cat", "-t", "keyroll-audit"]);
        let logged = output(&mut journal)?;
        let counts = [&copy, &logged].map(|text| Some(text.lines().count() as u64));
        ensure!(
            entries > Some(0) && counts == [entries; 2],
            "{entries:?}, {counts:?}"
        );
        Ok(())
    })
}

/// Its state and its sealing key are lost, and it is made again from its newest backup.
fn is_restored(controller: &Machine, cli: &Cli) -> Result<()> {
    controller.type_in("restore", "")?;
    until("a restored controller to answer", SOON, || {
        cli.run(&["operator", "list"])
    })?;
    let done = cli.run(&["recover", "--all", "--yes"])?;
    let recovered = done["recoveries"].as_array().map_or(0, Vec::len);
    ensure!(recovered == 1, "{done}");
    let vouched = || cli.run(&["verify", "web"]);
    until(
        "a recovered controller to vouch for everybody",
        SOON,
        vouched,
    )
    .map(drop)
}

/// The command line that asks the controller's own socket.
fn cli(lab: &Lab, controller: &Machine) -> Result<Cli> {
    let socket = lab.folder("operator")?.join("socket");
    symlink(controller.passing("/run/keyroll/operator.sock"), &socket)?;
    Cli::new(&socket)
}

/// Invites a node, joins it, starts its agent and its web server.
fn join(cli: &Cli, node: &Machine, web: &mut Web) -> Result<()> {
    let name = format!("{}.corp.example", node.host);
    let reply = cli.run(&["node", "add", "web", &name])?;
    let line = reply["join_line"]
        .as_str()
        .and_then(|line| line.split('\'').nth(1));
    node.type_in("node", line.context("no join line")?)?;
    until(&format!("{name} to be ready"), SOON, || serves(node))?;
    web.serve(&node.host, &node.file(KEYTAB))
}

fn serves(node: &Machine) -> Result<()> {
    let (status, text) = ready(&format!("{}.corp.example", node.host), "/ready/web")?;
    ensure!(status == 200, "{status} {text}");
    Ok(())
}

fn load(nodes: &[&Machine]) -> Load {
    Load {
        host: "web.corp.example".to_owned(),
        direct: nodes.iter().map(|node| node.host.clone()).collect(),
        dcs: Vec::new(),
        fresh: 4,
        cached: 4,
        lifetime: LIFE,
    }
}

fn wait_for(cli: &Cli, state: &str) -> Result<()> {
    until(&format!("the roll to be {state}"), SOON, || {
        let reply = cli.run(&["roll", "status", "web"])?;
        let view: &Value = &reply["rolls"][0];
        ensure!(
            view["state"] == state,
            "{}: {}",
            view["state"],
            view["reason"]
        );
        Ok(())
    })
}

/// Apache's keytab is Apache's to read and nobody else's; the machine's entry is where it was.
fn keytabs(node: &Machine, kvno: u32) -> Result<()> {
    let list = |user: &str, file: &str| {
        let ids = [format!("--reuid={user}"), format!("--regid={user}")];
        let mut klist = node.on("setpriv");
        klist
            .args(&ids)
            .args(["--clear-groups", "klist", "-k", file]);
        output(&mut klist)
    };
    let theirs = list("www-data", KEYTAB)?;
    ensure!(theirs.contains(&format!("{kvno} HTTP/web")), "{theirs}");
    ensure!(list("nobody", KEYTAB).is_err(), "anybody may read {KEYTAB}");
    let shared = list("root", MACHINE)?;
    let own = format!("3 host/{}.corp.example", node.host);
    ensure!(
        shared.contains(&own) && shared.contains(&format!("{kvno} HTTP/web")),
        "{shared}"
    );
    Ok(())
}
