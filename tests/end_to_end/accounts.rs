//! Kinds of accounts and ways of writing passwords.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::{Load, Logins};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

/// A plain user, who asks for the tickets from now on.
const PROBER: &str = "svc-prober";

/// A computer account by change and a user account by fenced reset, in one command; by a controller
/// whose own account asks for no ticket.
pub fn two_arrays_in_one_roll(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 2, &["alpha", "beta"])?;
    probe_as_somebody_else(&mut world)?;
    world.create("alpha", &[QUICK, &["--method", "change"]].concat())?;
    let (spn, unit) = (world.spn("beta"), "OU=Arrays,DC=corp,DC=example");
    let what = [
        "array",
        "create",
        "beta",
        "--account",
        "svc-beta",
        "--kind",
        "user",
    ];
    let more = ["--spn", &spn, "--container", unit, "--method", "reset"];
    world.cli.run(&[&what[..], &more, QUICK].concat())?;

    for index in 0..2 {
        world.join("alpha", index)?;
        world.add_known("beta", index)?;
    }
    // Two agents with both arrays; one web server for each of them.
    for (index, array) in ["alpha", "beta"].into_iter().enumerate() {
        let agent = &world.agents[index];
        world.web.serve(&agent.node, agent.keytab(array))?;
        world.domain().wait_for_spn(&world.spn(array))?;
    }
    let users = |array: &str, node: &str| {
        let load = Load {
            direct: vec![node.to_owned()],
            ..world.load(array, LIFE)
        };
        Logins::start(lab, array, &load)
    };
    let both = [
        users("alpha", &world.nodes[0])?,
        users("beta", &world.nodes[1])?,
    ];
    let rolls = world.roll(&["alpha", "beta"])?;
    ensure!(rolls.len() == 2, "{rolls:?}");
    for roll in &rolls {
        let (before, after) = (roll["kvno_before"].as_u64(), roll["kvno_after"].as_u64());
        ensure!(after == before.map(|kvno| kvno + 1), "{roll}");
    }
    for users in both {
        users.stop()?.none_failed().with_context(|| world.story())?;
    }
    let fence = world
        .domain()
        .attribute("dc1", "svc-beta", "adminDescription")?;
    ensure!(
        fence
            .first()
            .is_some_and(|fence| fence.starts_with("keyroll ")),
        "{fence:?}"
    );
    world.verify("alpha")?;
    world.verify("beta")?;
    // Nobody else asks: without the prober nothing can be proven.
    let disable = ["user", "disable", PROBER];
    world.domain().samba_tool(&disable)?;
    let said = world.cli.ask(&["roll", "alpha", "--dry-run"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("dc-unreachable") && said.stdout.contains(PROBER),
        "{said:?}"
    );
    Ok(())
}

fn probe_as_somebody_else(world: &mut World<'_>) -> Result<()> {
    let domain = world.domain();
    domain.account(PROBER, &[])?;
    let (file, realm) = (domain.password_file(PROBER), &world.lab.domain);
    let (file, principal) = (file.display().to_string(), format!("{PROBER}@{realm}"));
    world.controller.kill()?;
    world.controller.reconfigure(|text| {
        format!("{text}[directory.prober]\nprincipal = {principal:?}\npassword-file = {file:?}\n")
    })?;
    world.controller.start()
}

/// The controller's own account has no right to the array's: nobody granted it one, and it owns
/// neither the object nor the unit. It rolls by the password that is in force, and may do nothing
/// else to it.
pub fn r20_a_roll_by_change_needs_no_right_at_all(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["rightless"])?;
    let (domain, spn) = (world.domain(), world.spn("rightless"));
    let password = "Known-To-Its-0wner-And-T0-Nobody-Else";
    domain.samba_tool(&["computer", "create", "svc-rightless"])?;
    domain.samba_tool(&["spn", "add", &spn, "svc-rightless$"])?;
    domain.dc(&["set-password", "svc-rightless$", password])?;
    domain.wait_for_kvno("svc-rightless$")?;
    let file = world.controller.folder().join("rightless.password");
    fs::write(&file, password)?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    let file = file.display().to_string();
    let adopt = ["array", "adopt", "rightless", "--account", "svc-rightless$"];
    let by_change = ["--password-file", &file, "--method", "change"];
    let adopt = [&adopt[..], &by_change, QUICK].concat();
    // As it was made, it names no enctype: the tickets are what no keytab of keyroll's opens.
    let no = world.cli.ask(&adopt)?.complaint()?;
    let says = no.message.contains("encrypted with rc4-hmac");
    ensure!(no.code == "enctype-foreign" && says, "{no:?}");
    world.domain().modify(
        "dn: CN=svc-rightless,CN=Computers,DC=corp,DC=example\nchangetype: modify\n\
         replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24\n",
    )?;
    until("both domain controllers to issue AES", SOON, || {
        world.cli.run(&adopt)
    })?;
    world.serve("rightless")?;
    let users = world.users("rightless", LIFE)?;
    let kvno = world.domain().kvno("svc-rightless$")?;
    world.roll(&["rightless"])?;
    users.stop()?.none_failed().with_context(|| world.story())?;
    world.verify("rightless")?;
    let now = world.domain().kvno("svc-rightless$")?;
    ensure!(now == kvno + 1, "kvno {kvno} became {now}");

    world
        .cli
        .run(&["array", "set", "rightless", "--method", "reset"])?;
    let said = world.cli.ask(&["roll", "rightless", "--dry-run"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("right-missing"),
        "it had a right after all: {said:?}"
    );
    Ok(())
}

/// Seen within seconds, repaired at an operator's word: no key that anybody here knows opens the
/// tickets of since then, so the account is reset, with the new key on every node first.
pub fn a_password_that_somebody_else_set(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["taken"])?;
    world.create("taken", QUICK)?;
    world.serve("taken")?;
    let host = lab.full_name("taken");
    world
        .domain()
        .dc(&["set-password", "svc-taken$", "Somebody-Elses-Passw0rd"])?;
    world.domain().wait_for_kvno("svc-taken$")?;
    let lost = HeldTicket::fetch(lab, &host, 30)?;
    ensure!(
        lost.log_in(&world.nodes[0]).is_err(),
        "a key that nobody knows opens a ticket"
    );
    until("the alarm", SOON, || {
        let said = world.cli.ask(&["status"])?;
        ensure!(
            said.exit == 1 && said.stdout.contains("somebody set the password"),
            "{said:?}"
        );
        Ok(())
    })?;
    ensure!(
        world.cli.ask(&["verify", "taken"])?.exit == 1,
        "verify finds nothing"
    );
    let said = world.cli.ask(&["roll", "taken", "--dry-run"])?;
    ensure!(
        said.exit == 1 && said.stdout.contains("key-foreign"),
        "{said:?}"
    );
    let heal = [
        "roll",
        "taken",
        "--emergency",
        "--reason",
        "a test",
        "--yes",
        "--wait",
    ];
    world.cli.run(&heal).with_context(|| world.story())?;
    let found = HeldTicket::fetch(lab, &host, 30)?;
    found
        .log_in(&world.nodes[0])
        .context("after the emergency roll")?;
    world.verify("taken")?;
    until(
        "the tickets from before the emergency to be dead",
        SOON,
        || world.cli.run(&["roll", "taken", "--dry-run"]),
    )?;
    world.roll(&["taken"]).map(|_| ())
}
