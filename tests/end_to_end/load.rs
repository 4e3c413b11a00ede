//! Rolls while everybody works: the one promise that all others serve.

use std::fs;
use std::thread::sleep;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::domain::Domain;
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::{Load, Logins};
use keyroll_tests::wait::seconds;
use keyroll_tests::web::{Balancer, FreeNodes, Web};
use keyroll_tests::world::{SOON, World};

use crate::set_up::{LIFE, QUICK};

const ROLLS: usize = 10;

/// Three nodes behind a balancer that asks their agents, 20 fresh logins a second and 10 with
/// tickets from before; ten rolls in a row. The balancer is the lab's `web.corp.example`.
pub fn ten_rolls_under_load(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 3, &["web"])?;
    world.create("web", QUICK)?;
    let balancer = Balancer::start(&world.nodes)?;
    world.serve("web")?;
    all_up(&balancer, &world)?;
    the_balancer_follows_the_agents(&mut world, &balancer)?;
    let load = Load {
        host: "web.corp.example".to_owned(),
        direct: Vec::new(),
        dcs: Vec::new(),
        fresh: 20,
        cached: 10,
        lifetime: LIFE,
    };
    let users = Logins::start(lab, "ten-rolls", &load)?;
    let before = world.domain().kvno("svc-web$")?;
    for number in 1..=ROLLS {
        world
            .roll(&["web"])
            .with_context(|| format!("roll {number}"))?;
        let (_, failed) = users.so_far()?;
        ensure!(failed == 0, "roll {number}: {}", users.stop()?.failures);
    }
    let summary = users.stop()?;
    summary.none_failed()?;
    let kvno = world.domain().kvno("svc-web$")?;
    ensure!(
        kvno as usize == before as usize + ROLLS,
        "{ROLLS} rolls: kvno {before} to {kvno}"
    );
    // Seven seconds a roll at least, or the load was not what it claims to be.
    ensure!(
        summary.fresh >= 20 * 7 * ROLLS as u64,
        "only {} fresh logins",
        summary.fresh
    );
    world.verify("web")
}

/// What `HAProxy` does is what the agents say: gone, away, and back.
fn the_balancer_follows_the_agents(world: &mut World<'_>, balancer: &Balancer) -> Result<()> {
    let node = world.nodes[0].clone();
    let name = world.agents[0].full_name();
    let (status, _) = world.agents[0].health("/ready")?;
    ensure!(status == 200, "/ready says {status}");
    let word = world.agents[0].agent_check()?;
    ensure!(
        word.contains("up") || word.contains("ready"),
        "agent-check says {word:?}"
    );

    world.agents[0].kill()?;
    balancer
        .wait_for(&node, "DOWN", SOON)
        .context("after the agent was killed")?;
    world.agents[0].start()?;
    balancer
        .wait_for(&node, "UP", SOON)
        .context("after the agent was started")?;

    world
        .cli
        .run(&["node", "quarantine", "web", &name, "--reason", "a test"])?;
    balancer
        .wait_for(&node, "DOWN", SOON)
        .context("in quarantine")?;
    let (status, why) = world.agents[0].health("/ready/web")?;
    ensure!(status == 503 && why.contains("a test"), "{status} {why}");
    let word = world.agents[0].agent_check()?;
    ensure!(
        word.starts_with("down") || word.starts_with("drain"),
        "agent-check says {word:?}"
    );
    world.cli.run(&["node", "resume", "web", &name])?;
    balancer.wait_for(&node, "UP", SOON).context("resumed")?;

    // A controller that is away changes nothing about who may serve.
    world.controller.kill()?;
    sleep(seconds(2));
    ensure!(
        balancer.state_of(&node)? == "UP",
        "not ready without the controller"
    );
    world.controller.start()?;
    all_up(balancer, world)
}

fn all_up(balancer: &Balancer, world: &World<'_>) -> Result<()> {
    world
        .nodes
        .iter()
        .try_for_each(|node| balancer.wait_for(node, "UP", SOON))
}

/// What scripts do, directory first and then node by node, under the same users: it must fail, or
/// the count above shows nothing.
pub fn the_naive_order_fails(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let domain = Domain::of(lab);
    domain.account("svc-naive", &["HTTP/naive.corp.example"])?;
    let nodes = free.take(2);
    let mut web = Web::default();
    let folder = lab.folder("naive")?;
    for node in &nodes {
        fs::copy(domain.keytab("svc-naive"), folder.join(node))?;
        web.serve(node, &folder.join(node))?;
    }
    let host = "naive.corp.example".to_owned();
    let load = Load {
        host,
        direct: nodes.clone(),
        dcs: Vec::new(),
        fresh: 20,
        cached: 10,
        lifetime: 30,
    };
    let users = Logins::start(lab, "naive", &load)?;
    domain.dc(&["set-password", "svc-naive", "Naive-Order-Passw0rd"])?;
    for node in &nodes {
        sleep(seconds(1));
        let (new, path) = (folder.join("new"), folder.join("new").display().to_string());
        let principal = "--principal=HTTP/naive.corp.example";
        domain.samba_tool(&["domain", "exportkeytab", &path, principal])?;
        fs::rename(new, folder.join(node))?;
    }
    sleep(seconds(2));
    let summary = users.stop()?;
    drop(web);
    free.give_back(nodes);
    ensure!(
        summary.failed >= 10,
        "only {} of {} logins failed",
        summary.failed,
        summary.tried
    );
    ensure!(
        summary.failed < summary.tried,
        "the harness never worked: {}",
        summary.failures
    );
    Ok(())
}
