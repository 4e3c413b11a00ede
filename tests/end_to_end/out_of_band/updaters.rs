//! Other programs that renew the account's password: adcli, as SSSD calls it, and msktutil.

use std::thread::sleep;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use super::{dated, none_failed_since, says, told, untold};
use crate::set_up::{LIFE, QUICK};

/// The first is healed, since the array's policy says so; the second within the hour is left to an
/// operator. Logins may fail at the other node from a renewal to its repair, and for as long as
/// tickets of that time live; not after.
pub fn programs_that_renew_the_password(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["renewed"])?;
    world.create("renewed", &[QUICK, &["--heal", "reset"]].concat())?;
    world.serve("renewed")?;
    let users = world.users("renewed", LIFE)?;
    let (_, failed) = users.so_far()?;
    ensure!(failed == 0, "{failed} failed before anything was done");

    adcli(&world)?;
    until("the healing roll to be done", SOON, || {
        let view = world.status("renewed")?;
        ensure!(view["state"] == "done", "{view}");
        ensure!(view["actor"] == "keyroll (healing)", "{view}");
        Ok(())
    })
    .with_context(|| world.story())?;
    untold(&world, "key-foreign")?;
    world.verify("renewed")?;
    // Tickets of that time have ended.
    sleep(seconds(u64::from(LIFE) + 2));
    let (_, failed) = users.so_far()?;
    world.domain().wait_for_kvno("svc-renewed$")?;
    sleep(seconds(2));
    none_failed_since(users, failed, &world)?;
    a_second_one_within_the_hour(&world)
}

/// What SSSD starts once a day.
fn adcli(world: &World<'_>) -> Result<()> {
    let agent = &world.agents[0];
    let mut adcli = world.lab.on(&agent.node, "adcli");
    adcli
        .args(["update", "--domain=corp.example", "--verbose"])
        .args(["--domain-controller=dc1.corp.example"])
        .args([
            "--computer-name=svc-renewed",
            "--computer-password-lifetime=0",
        ])
        .arg(format!(
            "--host-keytab={}",
            agent.keytab("renewed").display()
        ));
    output(&mut adcli).map(drop)
}

fn msktutil(world: &World<'_>) -> Result<()> {
    let agent = &world.agents[1];
    let mut msktutil = world.lab.on(&agent.node, "msktutil");
    msktutil
        .args(["auto-update", "--auto-update-interval", "0"])
        .args(["--computer-name", "svc-renewed", "--no-reverse-lookups"])
        .args(["--server", "dc1.corp.example", "--realm", "CORP.EXAMPLE"])
        .arg("--keytab")
        .arg(agent.keytab("renewed"));
    output(&mut msktutil).map(drop)
}

fn a_second_one_within_the_hour(world: &World<'_>) -> Result<()> {
    msktutil(world)?;
    world.domain().wait_for_kvno("svc-renewed$")?;
    let kvno = world.domain().kvno("svc-renewed$")?;
    let path = world.agents[1].keytab("renewed").display().to_string();
    let stopped = "nothing more is done without an operator";
    let alarm = until("it to be left to an operator", SOON, || {
        let alarm = told(world, "key-foreign")?;
        let node = world.agents[1].full_name();
        says(&alarm, "critical", &[stopped, &node, &path, "msktutil"])?;
        Ok(alarm)
    })
    .with_context(|| world.story())?;
    dated(&alarm, "dc1.corp.example")?;
    ensure!(
        alarm["next"] == "keyroll roll renewed --emergency",
        "{alarm}"
    );
    ensure!(
        world.domain().kvno("svc-renewed$")? == kvno,
        "it was reset again"
    );
    let audit = world.cli.run(&["audit", "show", "--array", "renewed"])?;
    let audit = audit.to_string();
    for outcome in ["begun", "stopped"] {
        ensure!(audit.contains(outcome), "no {outcome} in {audit}");
    }
    // It has allowed RC4, too; an emergency waits for nobody, but not for a key that is missing.
    let alarm = told(world, "enctypes-uncovered")?;
    says(&alarm, "critical", &["0x1c", " 24"])?;
    world.domain().modify(
        "dn: CN=svc-renewed,OU=Arrays,DC=corp,DC=example\nchangetype: modify\n\
         replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24\n",
    )?;
    let why = "msktutil is turned off now";
    let heal = ["roll", "renewed", "--emergency", "--reason", why];
    let heal = [&heal[..], &["--yes", "--wait"]].concat();
    world.cli.run(&heal).with_context(|| world.story())?;
    untold(world, "key-foreign")?;
    world.verify("renewed")
}
