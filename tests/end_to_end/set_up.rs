//! Arrays made, nodes joined and removed.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::agent::{Agent, Target};
use keyroll_tests::lab::{Lab, output};
use keyroll_tests::ticket::HeldTicket;
use keyroll_tests::wait::until;
use keyroll_tests::web::FreeNodes;
pub use keyroll_tests::world::{LIFE, QUICK};
use keyroll_tests::world::{SOON, World};

/// Account, enctypes, nodes, SPN last: a client can never get a ticket that no node opens.
pub fn an_array_from_nothing(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["fresh"])?;
    world.create("fresh", QUICK)?;
    let domain = world.domain();
    let spns = domain.attribute("dc1", "svc-fresh$", "servicePrincipalName")?;
    ensure!(
        spns.is_empty(),
        "an SPN before any node holds the key: {spns:?}"
    );
    let enctypes = domain.attribute("dc1", "svc-fresh$", "msDS-SupportedEncryptionTypes")?;
    ensure!(enctypes == ["24"], "enctypes {enctypes:?}");
    world.serve("fresh")?;
    world.verify("fresh")?;
    let held = HeldTicket::fetch(lab, "fresh.corp.example", 60)?;
    let users = world.users("fresh", LIFE)?;
    world.take_tickets_to_live("fresh", 15)?;
    world.begin_roll("fresh")?;
    let view = world.wait_for_state("fresh", "draining")?;
    ensure!(
        view["kvno_after"].as_u64() > view["kvno_before"].as_u64(),
        "{view}"
    );
    for node in &world.nodes {
        held.log_in(node)
            .context("a ticket from before the roll, while draining")?;
    }
    world.wait_for_state("fresh", "done")?;
    users.stop()?.none_failed()?;
    // It lives longer than the array was told that tickets live, so now it must be dead.
    ensure!(
        held.log_in(&world.nodes[0]).is_err(),
        "the old key is still there after the roll"
    );
    world.verify("fresh")
}

/// A file that holds one name's keys alone has no say in a ticket for another name, nor has one of
/// another enctype: with such files the array is well, and rolls.
pub fn keytabs_of_one_name_among_two(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 1, &["twofold"])?;
    let agent = &mut world.agents[0];
    let folder = agent.folder().join("keytabs");
    let target = |name, kind, only| Target {
        array: "twofold".to_owned(),
        path: folder.join(name),
        kind,
        only,
    };
    let ssh = "principals = [\"host/twofold.corp.example@CORP.EXAMPLE\"]";
    let small = "enctypes = [\"aes128-cts-hmac-sha1-96\"]";
    agent.set_targets(vec![
        target("web", "owned", ""),
        target("machine", "shared", ssh),
        target("small", "owned", small),
    ])?;
    let both = ["--spn", "host/twofold.corp.example"];
    world.create("twofold", &[&both, QUICK].concat())?;
    world.serve("twofold")?;
    world.domain().wait_for_spn("host/twofold.corp.example")?;
    let held = || {
        let machine = folder.join("machine");
        output(std::process::Command::new("klist").arg("-k").arg(machine))
    };
    let before = held()?;
    ensure!(
        before.contains("host/twofold") && !before.contains("HTTP/"),
        "{before}"
    );
    world.verify("twofold")?;
    world.domain().address("twofold", &world.nodes[0])?;
    until("the doctor to find that alone", SOON, || {
        let said = world.cli.ask(&["doctor", "twofold"])?;
        let reply: serde_json::Value = serde_json::from_str(&said.stdout)?;
        let findings = reply["findings"].as_array().context("no findings")?;
        let bad: Vec<_> = findings.iter().filter(|one| one["grade"] != "ok").collect();
        let text = format!("{bad:?}");
        ensure!(
            bad.len() == 1 && text.contains("key-enctype") && text.contains("keytabs/small"),
            "{text}"
        );
        Ok(())
    })?;
    world.roll(&["twofold"])?;
    ensure!(held()? != before, "it was not rolled: {before}");
    world.verify("twofold")
}

/// A node that comes gets the credential in force; one that goes is wiped and refused.
pub fn nodes_come_and_go_without_a_roll(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["guests"])?;
    world.create("guests", QUICK)?;
    for index in 0..2 {
        world.serve_at("guests", index)?;
    }
    world.domain().wait_for_spn(&world.spn("guests"))?;
    let kvno = world.domain().kvno("svc-guests$")?;
    let mut load = world.load("guests", LIFE);
    load.direct.truncate(2);
    let users = keyroll_tests::logins::Logins::start(lab, "guests", &load)?;

    let held = HeldTicket::fetch(lab, "guests.corp.example", 60)?;
    let name = world.agents[2].full_name();
    let reply = world.cli.run(&["node", "add", "guests", &name])?;
    let line = reply["join_line"]
        .as_str()
        .context("no join line")?
        .to_owned();
    world.agents[2].join(&line)?;
    world.agents[2].start()?;
    world.agents[2]
        .wait_ready("guests", SOON)
        .with_context(|| world.story())?;
    let agent = &world.agents[2];
    world.web.serve(&agent.node, agent.keytab("guests"))?;
    held.log_in(&world.nodes[2])
        .context("at the new node, with a ticket from before it came")?;
    let rolls = world.cli.run(&["roll", "history", "guests"])?;
    ensure!(
        rolls["rolls"].as_array().is_none_or(Vec::is_empty),
        "a node cost a roll: {rolls}"
    );
    ensure!(
        world.domain().kvno("svc-guests$")? == kvno,
        "a node changed the directory"
    );

    used_token_is_refused(&world, &line)?;
    let reply = world
        .cli
        .run(&["node", "remove", "guests", &name, "--yes"])?;
    ensure!(
        reply["next"].to_string().contains("keyroll roll"),
        "no roll proposed: {reply}"
    );
    wiped(&world.agents[2])?;
    ensure!(
        held.log_in(&world.nodes[2]).is_err(),
        "a removed node still opens tickets"
    );
    // Its certificate is still valid by date; it is refused all the same, also after a restart.
    world.agents[2].kill()?;
    world.agents[2].start()?;
    let again = world
        .cli
        .ask(&["node", "show", "guests", &name])?
        .complaint()?;
    ensure!(
        (again.exit, &*again.code) == (66, "unknown-node"),
        "{again:?}"
    );
    let (status, _) = world.agents[2].health("/ready/guests")?;
    ensure!(status == 503, "a removed node says it is ready");
    users.stop()?.none_failed()?;
    world.roll(&["guests"])?;
    wiped(&world.agents[2])
}

fn used_token_is_refused(world: &World<'_>, line: &str) -> Result<()> {
    let error = world.agents[2]
        .join(line)
        .err()
        .context("a join token works twice")?;
    let text = format!("{error:#}");
    let invitation = line.split('\'').nth(1).context("no invitation")?;
    let token = invitation.split_whitespace().last().unwrap_or_default();
    ensure!(!text.contains(token), "the refusal repeats the token");
    Ok(())
}

/// No key of the array is left in the file, if there is one.
fn wiped(agent: &Agent) -> Result<()> {
    let keytab = agent.keytab("guests");
    until("the keytab to be wiped", SOON, || {
        if !keytab.exists() {
            return Ok(());
        }
        let shown = output(std::process::Command::new("klist").arg("-k").arg(keytab))?;
        ensure!(!shown.contains("HTTP/guests"), "{shown}");
        Ok(())
    })
}
