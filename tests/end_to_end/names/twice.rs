//! A name that two domain controllers gave to two accounts while they could not hear each other.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::bound::as_administrator;
use crate::doctor::examined;
use crate::set_up::QUICK;

const TWIN: &str = "svc-double";

/// What `spn duplicates` prints is typed as it stands; the other account keeps what else it has.
pub fn that_two_domain_controllers_gave(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["twice"])?;
    world.create("twice", QUICK)?;
    world.serve("twice")?;
    let (spn, own) = ("HTTP/two.corp.example", "HTTP/double.corp.example");
    let domain = world.domain();
    domain.account(TWIN, &[own])?;
    domain.dc(&["replicate"])?;
    domain.dc(&["cut"])?;
    let here =
        as_administrator(&world, &["spn", "add", "twice", spn]).and_then(|said| said.reply());
    let there = domain.dc(&["samba-tool", "dc2", "spn", "add", spn, TWIN]);
    domain.dc(&["heal"])?;
    domain.dc(&["replicate"])?;
    here.with_context(|| world.story())?;
    there?;
    for dc in &lab.dcs {
        ensure!(
            domain.ticket(dc, spn).is_err(),
            "{dc} gives tickets for {spn}"
        );
    }

    let printed = until("the duplicate to be found", SOON, || {
        let found = duplicates(&world)?;
        let of = |one: &&Value| one["holders"].to_string().contains(spn);
        let one = found
            .iter()
            .find(of)
            .with_context(|| format!("not found: {found:?}"))?;
        ensure!(one["likeness"] == "exact", "{one}");
        let next = one["next"].as_str().unwrap_or_default();
        ensure!(
            next == format!("keyroll spn move twice {spn} --dry-run"),
            "it prints {next:?}"
        );
        Ok(next.to_owned())
    })?;
    let (_, findings) = examined(&world, "twice")?;
    let of = |one: &&Value| one["check"] == "spn-unique" && one["grade"] == "broken";
    let named = findings.iter().find(of).context("the doctor is silent")?;
    ensure!(named.to_string().contains(TWIN), "{named}");
    let words: Vec<&str> = printed.split(' ').skip(1).collect();
    let shown = world.cli.run(&words)?;
    ensure!(shown["dry_run"] == true, "{shown}");
    let words: Vec<&str> = words
        .into_iter()
        .filter(|one| *one != "--dry-run")
        .collect();
    let moved = as_administrator(&world, &words)?;
    let reply = moved.reply().with_context(|| world.story())?;
    ensure!(
        reply["changes"]
            .as_array()
            .is_some_and(|all| all.len() == 1),
        "{reply}"
    );
    ensure!(reply["changes"][0]["state"] == "applied", "{reply}");

    let left = domain.attribute("dc1", TWIN, "servicePrincipalName")?;
    ensure!(left == [own], "{TWIN} has {left:?}");
    domain.wait_for_spn(spn)?;
    let ticket = HeldTicket::fetch_from(lab, "dc2", "two.corp.example", 60)?;
    ticket
        .log_in(&world.nodes[0])
        .with_context(|| world.story())?;
    let found = duplicates(&world)?;
    let twice = |one: &Value| one["holders"].to_string().contains(spn);
    ensure!(!found.iter().any(twice), "still found: {found:?}");
    // It is written down as any change is; what is taken back would be a duplicate again.
    let number = reply["changes"][0]["change"]["number"].to_string();
    let no = as_administrator(&world, &["change", "undo", &number])?.complaint()?;
    ensure!(no.code == "spn-duplicate", "{no:?}");
    world.verify("twice")
}

/// What `spn duplicates` finds.
pub fn duplicates(world: &World<'_>) -> Result<Vec<Value>> {
    let said = world.cli.ask(&["spn", "duplicates"])?;
    let reply: Value = serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))?;
    Ok(reply["duplicates"].as_array().cloned().unwrap_or_default())
}
