//! Names in another forest, which the controller reads with an account of that forest's own.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::cli::Complaint;
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::bound::as_administrator;
use crate::set_up::QUICK;

const ARRAY: &str = "here";
const FOREST: &str = "other.example";
const OWN: &str = "HTTP/here.corp.example";
const TAKEN: &str = "HTTP/taken.corp.example";
const OWNER: &str = "svc-abroad";
const READERS: &str = "Readers-0nly-pw";

/// A name of the array's that somebody there has too, and one that is to become the array's: both
/// are found, with their owner and its forest; what is printed ends it. What could not be looked
/// through is said.
pub fn of_another_forest(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &[ARRAY])?;
    world.create(ARRAY, QUICK)?;
    world.serve(ARRAY)?;
    let node = world.nodes[0].clone();
    world.domain().address(ARRAY, &node)?;
    world.domain().dc(&["forest"])?;
    let there = |line: &[&str]| {
        let line = [&["samba-tool", "dc3"], line].concat();
        world.domain().dc(&line)
    };
    there(&["user", "create", "svc-reader", READERS])?;
    there(&["user", "create", OWNER, "--random-password"])?;
    for spn in [OWN, TAKEN] {
        there(&["spn", "add", spn, OWNER])?;
    }
    let password = world.controller.folder().join("other.password");
    std::fs::write(&password, READERS)?;
    keyroll_tests::lab::output(
        std::process::Command::new("chmod")
            .arg("600")
            .arg(&password),
    )?;
    let tls = format!("ca = [\"{}/dc3/ca.pem\"]", lab.dir.display());
    let told = |transport: &str| {
        format!(
            "\n[[directory.forest]]\ndomain = \"{FOREST}\"\n\
             domain-controllers = [\"dc3.{FOREST}\"]\n{transport}\n\
             bind = {{ principal = \"svc-reader@{FOREST}\", password-file = \"{}\" }}\n",
            password.display()
        )
    };
    let (by_tls, sealed) = (told(&tls), told("transport = \"gssapi\""));
    let before = std::fs::read_to_string(world.controller.config())?;
    for forest in [&sealed, &by_tls] {
        world.controller.kill()?;
        world
            .controller
            .reconfigure(|_| format!("{before}{forest}"))?;
        world.controller.start()?;
        found(&world).with_context(|| format!("{forest}\n{}", world.story()))?;
    }

    // As printed, by an administrator of that forest.
    let finding = examined(&world, "spn-unique")?;
    let printed = finding["mend"].as_str().unwrap_or_default();
    let command = printed.strip_prefix("in other.example: samba-tool ");
    let command = command.with_context(|| format!("it prints {printed:?}"))?;
    let command = command.split(" (or ").next().unwrap_or_default();
    let words: Vec<&str> = command.split(' ').collect();
    let line = [&["samba-tool", "dc3"], &words[..]].concat();
    world.domain().dc(&line)?;
    until("the doctor to find nothing", SOON, || {
        let finding = examined(&world, "spn-unique")?;
        let evidence = finding["evidence"].as_str().unwrap_or_default();
        ensure!(
            finding["grade"] == "ok" && evidence.contains(FOREST),
            "{finding}"
        );
        Ok(())
    })?;

    // Not answered: said everywhere, and nothing is refused for it.
    world.domain().dc(&["kill", "dc3"])?;
    let finding = examined(&world, "spn-unique")?;
    ensure!(
        finding["grade"] == "unknown" && finding["object"] == FOREST,
        "{finding}"
    );
    ensure!(
        finding["mend"] == "nc -vz dc3.other.example 3269",
        "{finding}"
    );
    let reply = duplicates(&world)?;
    ensure!(reply["unseen"][0]["forest"] == FOREST, "{reply}");
    let dry = ["spn", "add", ARRAY, "HTTP/free.corp.example", "--dry-run"];
    let plan = world.cli.run(&dry)?;
    let notes = plan["notes"].to_string();
    ensure!(
        notes.contains("the forest other.example was not looked through"),
        "{plan}"
    );
    Ok(())
}

fn found(world: &World<'_>) -> Result<()> {
    let owner = "CN=svc-abroad,CN=Users,DC=other,DC=example";
    let no = complaint(world, "add", TAKEN)?;
    let named = no.message.contains(owner) && no.message.contains("in the forest other.example");
    ensure!(no.code == "spn-duplicate" && named, "{no:?}");
    let ends = format!("in {FOREST}: samba-tool spn delete {TAKEN} {OWNER} (or Set-ADObject ");
    ensure!(no.next.starts_with(&ends), "{no:?}");
    let no = complaint(world, "move", TAKEN)?;
    ensure!(
        no.code == "other-forest" && no.next.starts_with(&ends),
        "{no:?}"
    );
    let again = format!(", then keyroll spn add {ARRAY} {TAKEN}");
    ensure!(no.next.ends_with(&again), "{no:?}");
    let plan = ["spn", "plan", ARRAY, "--name", "taken.corp.example"];
    let plan = world.cli.run(&plan)?;
    let view = &plan["spns"][0];
    ensure!(view["state"] == "taken", "{plan}");
    ensure!(view["owner"].to_string().contains(FOREST), "{plan}");
    let taken = format!("# {TAKEN} is taken: {ends}");
    ensure!(
        plan["commands"][0]
            .as_str()
            .is_some_and(|line| line.starts_with(&taken)),
        "{plan}"
    );

    let reply = duplicates(world)?;
    ensure!(
        reply["others"][0] == FOREST && reply["unseen"] == Value::Array(Vec::new()),
        "{reply}"
    );
    let doubled = reply["duplicates"].as_array().cloned().unwrap_or_default();
    // Other tests make duplicates of their own meanwhile.
    let ours = |one: &&Value| one["holders"].to_string().contains(OWN);
    let one = doubled
        .iter()
        .find(ours)
        .with_context(|| format!("not found: {reply}"))?;
    ensure!(one["holders"].to_string().contains(owner), "{one}");
    ensure!(
        one["grade"] == "broken" && one["next"].to_string().contains(OWNER),
        "{one}"
    );

    let said = world.cli.ask(&["spn", "check", ARRAY])?;
    let told = "has an owner in another forest, too";
    ensure!(said.exit != 0 && said.stdout.contains(told), "{said:?}");
    let finding = examined(world, "spn-unique")?;
    ensure!(
        finding["grade"] == "broken" && finding["object"] == OWN,
        "{finding}"
    );
    ensure!(finding["evidence"].to_string().contains(owner), "{finding}");
    Ok(())
}

fn complaint(world: &World<'_>, action: &str, spn: &str) -> Result<Complaint> {
    as_administrator(world, &["spn", action, ARRAY, spn])?.complaint()
}

/// The worst finding of a check.
fn examined(world: &World<'_>, check: &str) -> Result<Value> {
    let said = world.cli.ask(&["doctor", ARRAY])?;
    let reply: Value = serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))?;
    let found = reply["findings"].as_array().cloned().unwrap_or_default();
    let mut of: Vec<Value> = found
        .into_iter()
        .filter(|one| one["check"] == check)
        .collect();
    let badness = |one: &Value| {
        let grades = ["ok", "unknown", "warning", "broken"];
        grades.iter().position(|grade| one["grade"] == *grade)
    };
    of.sort_by_key(badness);
    of.pop().with_context(|| format!("nothing of {check}"))
}

fn duplicates(world: &World<'_>) -> Result<Value> {
    let said = world.cli.ask(&["spn", "duplicates"])?;
    serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))
}
