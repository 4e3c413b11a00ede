//! Nodes that a roll goes on without: users leave them before the write, and come back after it.
//! And one that is removed: users leave it before its keys do.

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::{Load, Logins};
use keyroll_tests::mortal::Mortal as _;
use keyroll_tests::network::Cut;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::{Balancer, FreeNodes};
use keyroll_tests::world::{LIFE, QUICK, SOON, World};

use crate::disks::Disk;
use crate::toll::Toll;

/// The balancer is the lab's `web.corp.example`.
const ARRAY: &str = "web";
/// How long a roll may take that waits for the deadline first.
const LONG: std::time::Duration = seconds(150);

/// What keeps the third node from taking its keys.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Its agent is killed with the keyset in its hand.
    Dies(&'static str),
    /// Its agent is well, and cannot write.
    CannotWrite,
    /// Its agent is well, but for the network between it and the controller.
    IsCutOff,
}

/// Every gate there is, with users behind a balancer who come to the node that is left behind until
/// the balancer hears that they must not.
pub fn nodes_that_a_roll_goes_on_without(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let world = World::new(lab, free, 3, &[ARRAY])?;
    world.create(ARRAY, &[QUICK, &["--stage-deadline", "10s"]].concat())?;
    let [first, second, third] = [0, 1, 2].map(|index| world.agents[index].full_name());
    let all_but = format!("all-but {third}");
    let must_have = format!("must-have {first},{second}");
    let rounds = [
        ("all", Fault::Dies("before call Stage")),
        ("all", Fault::CannotWrite),
        (&all_but, Fault::CannotWrite),
        ("at-least 2", Fault::CannotWrite),
        ("at-least 2", Fault::Dies("after effect replace-keytab")),
        (&must_have, Fault::CannotWrite),
    ];
    left_behind(lab, world, &rounds)
}

/// One that cannot be told to shut its gate does so by itself, and the roll waits for that.
pub fn a_node_that_shuts_its_own_gate(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    let mut world = World::new(lab, free, 3, &[ARRAY])?;
    world.create(ARRAY, &[QUICK, &["--stage-deadline", "10s"]].concat())?;
    world.agents[2].stay_ready_without_controller(5)?;
    left_behind(lab, world, &[("all", Fault::IsCutOff)])
}

fn left_behind(lab: &Lab, mut world: World<'_>, rounds: &[(&str, Fault)]) -> Result<Toll> {
    let mut toll = Toll::default();
    let keytabs = world.agents[2].folder().join("keytabs");
    let disk = Disk::at(&keytabs, "256k")?;
    let balancer = Balancer::start(&world.nodes)?;
    world.serve(ARRAY)?;
    for node in &world.nodes {
        balancer.wait_for(node, "UP", SOON)?;
    }
    let load = Load {
        host: "web.corp.example".to_owned(),
        direct: Vec::new(),
        dcs: Vec::new(),
        fresh: 10,
        cached: 5,
        lifetime: LIFE,
    };
    let users = Logins::start(lab, "behind", &load)?;
    for &(gate, fault) in rounds {
        go_on_without(&mut world, &balancer, &disk, gate, fault)
            .with_context(|| world.story())
            .with_context(|| format!("gate {gate}, {fault:?}"))?;
        let (_, failed) = users.so_far()?;
        ensure!(failed == 0, "{gate}, {fault:?}: {}", users.stop()?.failures);
        toll.faults += 1;
    }
    let name = world.agents[2].full_name();
    world.cli.run(&["node", "remove", ARRAY, &name, "--yes"])?;
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

fn go_on_without(
    world: &mut World<'_>,
    balancer: &Balancer,
    disk: &Disk,
    gate: &str,
    fault: Fault,
) -> Result<()> {
    let policy = ["--gate", gate, "--on-deadline", "quarantine"];
    world
        .cli
        .run(&[&["array", "set", ARRAY][..], &policy].concat())?;
    let (node, name) = (world.nodes[2].clone(), world.agents[2].full_name());
    // All is well until the roll has looked at everything.
    let place = "after record staging";
    world.controller.wishes().set([format!("stop {place}")])?;
    world.begin_roll(ARRAY)?;
    world.controller.wait_stopped(place, SOON)?;
    let mut cut = None;
    match fault {
        Fault::Dies(place) => world.agents[2].wishes().set([format!("kill {place}")])?,
        Fault::CannotWrite => disk.remount("ro")?,
        Fault::IsCutOff => cut = Some(Cut::between(world.lab, "controller", &[&node])?),
    }
    world.controller.wishes().set([])?;
    world.controller.go_on()?;
    let view = until("the roll to be done", LONG, || {
        let view = world.status(ARRAY)?;
        ensure!(
            view["ended"] == true,
            "{}: {}",
            view["state"],
            view["reason"]
        );
        Ok(view)
    })?;
    ensure!(view["state"] == "done", "it is {}", view);
    let told = view.to_string();
    ensure!(told.contains(&name), "{name} is not named: {told}");
    let seen = balancer.state_of(&node)?;
    ensure!(seen != "UP", "the balancer sends users to {node} still");
    cut.map_or(Ok(()), Cut::heal)?;
    match fault {
        Fault::Dies(_) => {
            world.agents[2].wishes().set([])?;
            world.agents[2].start()?;
        }
        Fault::CannotWrite => disk.remount("rw")?,
        Fault::IsCutOff => {}
    }
    // Nobody has to say so: it gets what the others hold.
    balancer.wait_for(&node, "UP", SOON)
}
