//! What operators do apart from rolls, while controller and agents die: all can be said again.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::controller::Controller;
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::process::was_killed;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::gauntlet::{both_die_while, dies_while};
use crate::good::{QUICK, few_users};
use crate::scenarios;
use crate::toll::Toll;

const ARRAY: &str = "day";
/// An account that somebody has made before.
const TAKEN: &str = "taken";
/// The node that comes and goes; users log in at the others.
const GUEST: usize = 2;

/// A controller and its arrays are set up, nodes come, are certified anew and go, operators too.
pub fn an_operators_day_survives(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut toll = Toll::default();
    toll.killed += init(lab)?;
    let mut world = World::new(lab, free, 3, &[ARRAY, TAKEN])?;
    toll.killed += accounts(&mut world)?;
    toll.killed += first_node(&mut world)?;
    world.join(ARRAY, 1)?;
    for agent in &world.agents[..GUEST] {
        world.web.serve(&agent.node, agent.keytab(ARRAY))?;
    }
    world.domain().wait_for_spn(&world.spn(ARRAY))?;
    let mut load = few_users(&world, ARRAY);
    load.direct.truncate(GUEST);
    let users = Logins::start(lab, ARRAY, &load)?;
    toll.killed += operators(&mut world)?;
    toll.killed += names(&mut world)?;
    toll.killed += joining(&mut world)?;
    let hour = |text| format!("node-certificate-hours = 1\n{text}");
    world.controller.reconfigure(hour)?;
    toll.killed += renewal(&mut world, scenarios::RENEWAL, scenarios::RENEW)?;
    world.agents[GUEST].kill()?;
    toll.killed += renewal(&mut world, &[], scenarios::RENEW_AGAIN)?;
    toll.killed += leaving(&mut world)?;
    world.cli.run(&["audit", "verify"])?;
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// A set-up that was cut off is begun anew by the same words.
fn init(lab: &Lab) -> Result<usize> {
    let mut deaths = 0;
    for place in scenarios::INIT {
        for when in ["before", "after"] {
            let mut controller = Controller::new(lab, 90)?;
            let folder = controller.folder();
            fs::remove_dir_all(folder.join("state"))?;
            fs::remove_file(folder.join("seal.key"))?;
            controller.wishes().set([format!("kill {when} {place}")])?;
            let status = controller.command("init")?.output()?.status;
            ensure!(was_killed(status), "{when} {place}: {status}");
            deaths += 1;
            controller.wishes().set([])?;
            // It refuses what is whole already, and finishes anything else.
            let said = controller.command("init")?.output()?;
            let started = controller.start();
            started.with_context(|| format!("after a death {when} {place}: {said:?}"))?;
            controller.kill()?;
            fs::remove_dir_all(controller.folder())?;
        }
    }
    Ok(deaths)
}

/// One account that is not there yet, and one that is.
fn accounts(world: &mut World<'_>) -> Result<usize> {
    let mut deaths = 0;
    for place in scenarios::CREATE {
        if world.cli.run(&["array", "show", ARRAY]).is_ok() {
            world.cli.run(&["array", "delete", ARRAY, "--yes"])?;
            world
                .domain()
                .samba_tool(&["computer", "delete", "svc-day"])?;
        }
        deaths += dies_while(world, &[place], |world| is_made(world, ARRAY))?;
    }
    let unit = "--computerou=OU=Arrays";
    world
        .domain()
        .samba_tool(&["computer", "create", "svc-taken", unit])?;
    world
        .domain()
        .samba_tool(&["user", "enable", "svc-taken$"])?;
    deaths += dies_while(world, scenarios::TAKE, |world| is_made(world, TAKEN))?;
    Ok(deaths)
}

/// That an array is there with its account; what is to be said until it is, is said.
fn is_made(world: &World<'_>, array: &str) -> Result<()> {
    let acl = [
        "array",
        "create",
        "any",
        "--account",
        "svc-keyroll",
        "--print-acl",
    ];
    world.cli.run(&acl)?;
    let Ok(view) = world.cli.run(&["array", "show", array]) else {
        let made = world
            .create(array, &[QUICK, &["--dry-run"]].concat())
            .and_then(|_| world.create(array, QUICK));
        if let Err(no) = made {
            // The account is there: somebody else made it, or this controller before it died.
            ensure!(no.to_string().contains("--take-existing"), "{no}");
            world.create(array, &[QUICK, &["--take-existing", "--yes"]].concat())?;
        }
        bail!("made just now");
    };
    if view["kvno"] == 0 {
        let told = view["alarms"].to_string();
        if told.contains("array delete") {
            world.cli.run(&["array", "delete", array, "--yes"])?;
        }
        bail!("its account is not there yet: {told}");
    }
    Ok(())
}

/// With the first node the SPN is registered.
fn first_node(world: &mut World<'_>) -> Result<usize> {
    let name = world.agents[0].full_name();
    let reply = world.cli.run(&["node", "add", ARRAY, &name])?;
    let line = reply["join_line"].as_str().context("no join line")?;
    world.agents[0].join(line)?;
    world.agents[0].start()?;
    dies_while(world, scenarios::REGISTER, |world| {
        let view = world.cli.run(&["array", "show", ARRAY])?;
        let pending = view["spns_pending"].as_array();
        ensure!(pending.is_none_or(Vec::is_empty), "{pending:?} are pending");
        world.agents[0].wait_ready(ARRAY, SOON)
    })
}

/// Operators come, and what is done is copied elsewhere meanwhile.
fn operators(world: &mut World<'_>) -> Result<usize> {
    let folder = world.controller.folder().join("anna");
    let folder = folder.display().to_string();
    let copy = world.controller.folder().join("audit.jsonl");
    world.controller.kill()?;
    world
        .controller
        .reconfigure(|text| format!("{text}[audit]\nfile = \"{}\"\n", copy.display()))?;
    world.controller.start()?;
    let places = [scenarios::OPERATORS, scenarios::COPY].concat();
    let deaths = dies_while(world, &places, |world| {
        let add = [
            "operator",
            "add",
            "anna",
            "--role",
            "viewer",
            "--directory",
            &folder,
            // In place of one that was issued by a controller that died in answering.
            "--replace",
            "--yes",
        ];
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder)?;
        world.cli.run(&add)?;
        let listed = world.cli.run(&["operator", "list"])?;
        ensure!(listed.to_string().contains("anna"), "{listed}");
        Ok(())
    })?;
    // Each entry once, in order, whenever the controller died.
    let copied = fs::read_to_string(&copy)?;
    let whole = copied
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    for (line, number) in whole.zip(1..) {
        let entry: Value = serde_json::from_str(line)?;
        ensure!(
            entry["number"] == number,
            "line {number} of the copy: {line}"
        );
    }
    Ok(deaths)
}

/// A name is registered with the controller's rights while it dies: what nobody knows is looked at,
/// and what is left open is begun anew under another name.
fn names(world: &mut World<'_>) -> Result<usize> {
    world.controller.kill()?;
    world.controller.reconfigure(|text| {
        format!("{text}[authority]\ncontroller-writes = [\"servicePrincipalName\"]\n")
    })?;
    world.controller.start()?;
    let mut number = 0;
    dies_while(world, scenarios::CHANGE, |world| {
        number += 1;
        let spn = format!("HTTP/day-{number}.corp.example");
        let line = [
            "spn",
            "add",
            ARRAY,
            &spn,
            "--yes",
            "--with-controller-rights",
        ];
        world.cli.run(&line)?;
        let listed = world.cli.run(&["spn", "list", ARRAY])?;
        let spns = listed["spns"].as_array().context("no SPNs")?;
        let view = spns.iter().find(|view| view["spn"] == spn.as_str());
        ensure!(
            view.is_some_and(|view| view["state"] == "registered"),
            "{listed}"
        );
        Ok(())
    })
}

/// The invitation may be lost on either side, and the key on its way to the node's disk: whatever
/// is left behind, a new invitation is good.
fn joining(world: &mut World<'_>) -> Result<usize> {
    let mut deaths = dies_while(world, scenarios::INVITE, |world| invite(world).map(drop))?;
    for place in scenarios::JOIN {
        for when in ["before", "after"] {
            let line = invite(world)?;
            let agent = &world.agents[GUEST];
            agent.wishes().set([format!("kill {when} {place}")])?;
            ensure!(agent.join(&line).is_err(), "it did not die {when} {place}");
            ensure!(
                !agent.wishes().reached()?.is_empty(),
                "not at {when} {place}"
            );
            agent.wishes().set([])?;
            deaths += 1;
        }
    }
    Ok(deaths)
}

/// A new invitation, whatever is known of the node.
fn invite(world: &World<'_>) -> Result<String> {
    let name = world.agents[GUEST].full_name();
    let remove = ["node", "remove", ARRAY, &name, "--unreachable", "--yes"];
    drop(world.cli.ask(&remove));
    let reply = world.cli.run(&["node", "add", ARRAY, &name])?;
    Ok(reply["join_line"]
        .as_str()
        .context("no join line")?
        .to_owned())
}

/// A certificate that ends soon is renewed, and controller and agent die in that.
fn renewal(world: &mut World<'_>, places: &[&str], of_agent: &[&str]) -> Result<usize> {
    // It joins fifty minutes ago, for an hour.
    world.controller.kill()?;
    world.controller.start_off_by("-50m")?;
    let line = invite(world)?;
    world.agents[GUEST].join(&line)?;
    world.controller.kill()?;
    let place = "before call RequestCertificate";
    let soon = ends(world)?;
    world.agents[GUEST]
        .wishes()
        .set([format!("stop {place}")])?;
    world.agents[GUEST].start()?;
    world.controller.start()?;
    world.agents[GUEST].wait_stopped(place, SOON)?;
    let mut spoken_to = world.agents[GUEST].process()?.id();
    let deaths = both_die_while(world, places, (GUEST, of_agent), |world| {
        // It is tried again each half minute, or as soon as a new controller has heard of it.
        let now = world.agents[GUEST].process()?.id();
        let again = std::mem::replace(&mut spoken_to, now) != now;
        if again && world.controller.has_died()?.is_none() {
            world.controller.kill()?;
            world.controller.start()?;
        }
        let now = ends(world)?;
        ensure!(now > soon + 600, "it ends at {now}, as before");
        Ok(())
    })?;
    world.agents[GUEST].wait_ready(ARRAY, SOON)?;
    Ok(deaths)
}

/// When the guest's certificate ends, as its own program says.
fn ends(world: &World<'_>) -> Result<i64> {
    let file = world.agents[GUEST].folder().join("state/node.crt");
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"]);
    let said = output(openssl.arg(file))?;
    let end = said.trim().trim_start_matches("notAfter=");
    let mut date = Command::new("date");
    Ok(output(date.args(["-d", end, "+%s"]))?.trim().parse()?)
}

/// The guest is wiped and let go of, and the array that was taken is given up.
fn leaving(world: &mut World<'_>) -> Result<usize> {
    let name = world.agents[GUEST].full_name();
    let keytab = world.agents[GUEST].keytab(ARRAY).to_owned();
    let wipe = (GUEST, scenarios::WIPE_AGENT);
    let deaths = both_die_while(world, scenarios::WIPE, wipe, |world| {
        let removed = world.cli.ask(&["node", "remove", ARRAY, &name, "--yes"])?;
        ensure!(
            removed.exit == 0 || removed.stderr.contains("unknown-node"),
            "{removed:?}"
        );
        ensure!(!keytab.exists(), "the keytab is still there");
        Ok(())
    })?;
    until("the other array to go", SOON, || {
        world.cli.run(&["array", "delete", TAKEN, "--yes"])
    })?;
    Ok(deaths)
}
