//! Names that others have: what is printed of each is typed as it stands.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use super::twice::duplicates;
use crate::bound::as_administrator;
use crate::doctor::typed;
use crate::set_up::QUICK;

const ARRAY: &str = "owed";
const FIRST: &str = "svc-first";

/// Names of a new array that somebody registered before its first node held the key: the controller
/// takes them from nobody, names the owner, and goes on once that is settled, either way.
pub fn that_the_controller_may_not_register(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &[ARRAY])?;
    let (wanted, other) = ("HTTP/owed.corp.example", "HTTP/owed-too.corp.example");
    world.create(ARRAY, &[&["--spn", other], QUICK].concat())?;
    world.domain().account(FIRST, &[wanted, other])?;
    world.serve_at(ARRAY, 0)?;
    for spn in [wanted, other] {
        let alarm = told(&world, spn)?;
        let what = alarm["what"].as_str().unwrap_or_default();
        ensure!(what.contains("CN=svc-first,CN=Users"), "{alarm}");
        let next = format!(
            "keyroll spn move {ARRAY} {spn} --dry-run (or, if {FIRST} is to keep it: keyroll spn \
             remove {ARRAY} {spn})"
        );
        ensure!(alarm["next"] == next, "{alarm}");
    }
    let of_array = || {
        world
            .domain()
            .attribute("dc1", "svc-owed$", "servicePrincipalName")
    };
    ensure!(of_array()?.is_empty(), "it has {:?}", of_array()?);

    as_administrator(&world, &["spn", "move", ARRAY, wanted, "--dry-run"])?.reply()?;
    as_administrator(&world, &["spn", "move", ARRAY, wanted])?
        .reply()
        .with_context(|| world.story())?;
    as_administrator(&world, &["spn", "remove", ARRAY, other])?.reply()?;
    until("the names to be settled", SOON, || {
        let listed = world.cli.run(&["spn", "list", ARRAY])?;
        let spns = listed["spns"].as_array().cloned().unwrap_or_default();
        let [only] = &spns[..] else {
            anyhow::bail!("{listed}");
        };
        ensure!(
            only["spn"] == wanted && only["state"] == "registered",
            "{listed}"
        );
        let status = world.cli.ask(&["status"])?.status()?;
        let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
        ensure!(alarms.is_empty(), "{alarms:?}");
        Ok(())
    })
    .with_context(|| world.story())?;
    let left = world
        .domain()
        .attribute("dc1", FIRST, "servicePrincipalName")?;
    ensure!(left == [other], "{FIRST} has {left:?}");
    HeldTicket::fetch_from(lab, "dc1", "owed.corp.example", 60)?.log_in(&world.nodes[0])?;
    world.verify(ARRAY)
}

fn told(world: &World<'_>, spn: &str) -> Result<Value> {
    until("the refusal to be told", SOON, || {
        let status = world.cli.ask(&["status"])?.status()?;
        let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
        let found = alarms.iter().find(|alarm| alarm["object"] == spn);
        found.cloned().with_context(|| format!("told: {alarms:?}"))
    })
    .with_context(|| world.story())
}

/// A name of two accounts of which none is an array's: both are named, and one of them loses it.
pub fn that_two_strangers_have(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 0, &[])?;
    let spn = "HTTP/strange.corp.example";
    let (one, two) = ("svc-strange", "svc-stranger");
    world.domain().account(one, &[spn])?;
    world
        .domain()
        .account(two, &["HTTP/stranger.corp.example"])?;
    let add = format!("add: servicePrincipalName\nservicePrincipalName: {spn}");
    let dn = format!("CN={two},CN=Users,DC=corp,DC=example");
    world.domain().force(&dn, &add)?;
    let of = |found: Vec<Value>| {
        let ours = |one: &Value| one["holders"].to_string().contains(spn);
        found.into_iter().find(ours)
    };
    let printed = until("the duplicate to be found", SOON, || {
        let found = of(duplicates(&world)?).context("not found")?;
        ensure!(found["likeness"] == "exact", "{found}");
        Ok(found["next"].as_str().unwrap_or_default().to_owned())
    })?;
    ensure!(
        printed.starts_with(&format!(
            "samba-tool spn delete {spn} {two} (or Set-ADObject "
        )) && printed.contains(&format!(
            "), if {one} is to keep it; {one} loses it by samba-tool spn delete {spn} {one} ("
        )),
        "it prints {printed:?}"
    );
    let how = typed::run(&mut world, &printed)?;
    ensure!(how == typed::How::AsPrinted);
    ensure!(of(duplicates(&world)?).is_none(), "still there");
    let left = world
        .domain()
        .attribute("dc1", two, "servicePrincipalName")?;
    ensure!(left == ["HTTP/stranger.corp.example"], "{left:?}");
    let kept = world
        .domain()
        .attribute("dc1", one, "servicePrincipalName")?;
    ensure!(kept == [spn], "{kept:?}");
    Ok(())
}
