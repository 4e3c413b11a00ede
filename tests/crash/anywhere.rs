//! At every place of a good roll a program stands still for longer than every timeout, or the
//! network is cut for as long. `make test` draws a few places, `make crash` takes all.

use std::env;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::logins::Logins;
use keyroll_tests::mortal::Mortal;
use keyroll_tests::network::Cut;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

use crate::good::{few_users, with_everything};
use crate::random::Draw;
use crate::scenarios::{GOOD, GOOD_AGENT, WRITE};
use crate::toll::Toll;

const ARRAY: &str = "anywhere";
/// The variable that has a draw repeated.
const SEED: &str = "KEYROLL_CRASH_SEED";
/// How many places `make test` draws to stand still at.
const STANDSTILLS: usize = 1;
/// How many it draws to be cut off at.
const CUTS: usize = 2;
/// The longest timeout is that of a keyset on its way to a node and back: 45 s.
const STANDSTILL: Duration = seconds(50);
/// Until then every node must be staged: a standstill lasts longer.
const DEADLINE: &str = "30s";
/// A number that both counts of cuts divide.
const CHOICES: u64 = 6;
/// Longer than the directory, a KDC or a node is waited for, and than a silent DC before another
/// one gets the password.
const CUT: Duration = seconds(15);
/// From the fault's end to the roll's, or from the start to the place.
const LONG: Duration = seconds(120);

/// What befalls a program at a place.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Standstill,
    Cut(usize),
}

/// Whose place it is.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Controller,
    Agent,
}

/// Places that are drawn, at which the controller or an agent stands still.
pub fn stopped_anywhere(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    drawn(lab, free, STANDSTILLS, |_| Fault::Standstill)
}

/// Places that are drawn, at which the network is cut.
pub fn cut_anywhere(lab: &Lab, free: &FreeNodes) -> Result<Toll> {
    drawn(lab, free, CUTS, Fault::Cut)
}

/// A share of all places, at each of which the controller or an agent stands still.
pub fn stopped_everywhere<const SHARE: usize, const OF: usize>(
    lab: &Lab,
    free: &FreeNodes,
) -> Result<Toll> {
    let share = spots().into_iter().skip(SHARE).step_by(OF);
    all(lab, free, share.map(|spot| (spot, Fault::Standstill)))
}

/// A share of all places, at each of which the network is cut: where, differs from place to place
/// and from run to run.
pub fn cut_everywhere<const SHARE: usize, const OF: usize>(
    lab: &Lab,
    free: &FreeNodes,
) -> Result<Toll> {
    let seed = seed()?;
    let mut draw = Draw::of(seed);
    let spots = spots().into_iter().map(|spot| (spot, draw.below(CHOICES)));
    let faults: Vec<_> = spots
        .map(|(spot, cut)| Ok((spot, Fault::Cut(usize::try_from(cut)?))))
        .collect::<Result<_>>()?;
    let share = faults.into_iter().skip(SHARE).step_by(OF);
    all(lab, free, share).with_context(|| format!("{SEED}={seed} draws the same cuts"))
}

fn drawn(
    lab: &Lab,
    free: &FreeNodes,
    count: usize,
    fault: impl Fn(usize) -> Fault,
) -> Result<Toll> {
    let seed = seed()?;
    let (mut draw, mut left) = (Draw::of(seed), spots());
    let mut one = || -> Result<_> {
        let index = usize::try_from(draw.below(left.len() as u64))?;
        let cut = usize::try_from(draw.below(CHOICES))?;
        Ok((left.swap_remove(index), fault(cut)))
    };
    let chosen: Vec<_> = (0..count).map(|_| one()).collect::<Result<_>>()?;
    all(lab, free, chosen).with_context(|| format!("{SEED}={seed} draws the same places"))
}

/// Of this run, or of the one that is repeated.
fn seed() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    match env::var(SEED) {
        Ok(text) => text.parse().context(SEED),
        Err(_) => Ok(since.subsec_nanos().into()),
    }
}

/// Every place of a good roll, before and after.
fn spots() -> Vec<(Whose, String)> {
    let of = |whose, places: &[&str]| {
        let both = |place: &&str| [format!("before {place}"), format!("after {place}")];
        let places: Vec<String> = places.iter().flat_map(both).collect();
        places.into_iter().map(move |place| (whose, place))
    };
    of(Whose::Controller, &[GOOD, WRITE].concat())
        .chain(of(Whose::Agent, GOOD_AGENT))
        .collect()
}

/// One roll for each, and users who log in all the time.
fn all(
    lab: &Lab,
    free: &FreeNodes,
    faults: impl IntoIterator<Item = ((Whose, String), Fault)>,
) -> Result<Toll> {
    let mut toll = Toll::default();
    let mut world = with_everything(lab, free, 2, ARRAY)?;
    let deadline = ["array", "set", ARRAY, "--stage-deadline", DEADLINE];
    world.cli.run(&deadline)?;
    let users = Logins::start(lab, ARRAY, &few_users(&world, ARRAY))?;
    for ((whose, place), fault) in faults {
        let what = format!("{whose:?} {place}, {fault:?}");
        befalls(&mut world, whose, &place, fault)
            .with_context(|| world.story())
            .context(what)?;
        toll.faults += 1;
    }
    world.roll(&[ARRAY]).context("the next roll")?;
    toll.stop(users, &world)?;
    world.verify(ARRAY)?;
    Ok(toll)
}

/// The fault at the place; then the roll ends as it may, and another one can be done.
fn befalls(world: &mut World<'_>, whose: Whose, place: &str, fault: Fault) -> Result<()> {
    let (mut roll, before) = reach(world, whose, place)?;
    let (cut, blamed) = match fault {
        Fault::Standstill => {
            sleep(STANDSTILL);
            (None, stood_still(world, whose))
        }
        Fault::Cut(number) => {
            let (cut, blamed) = parted(world, whose, number)?;
            (Some(cut), blamed)
        }
    };
    let program = program(world, whose);
    program.wishes().set([])?;
    program.go_on()?;
    if let Some(cut) = cut {
        sleep(CUT);
        cut.heal()?;
    }
    // What another DC was given meanwhile.
    world.domain().dc(&["replicate"])?;
    let end = until("the roll to end", LONG, || {
        if last_roll(world)? == before {
            // It may be about to be begun, until whoever begins it has heard otherwise.
            roll.try_wait()?.context("nothing is begun yet")?;
            if last_roll(world)? == before {
                return Ok(None);
            }
        }
        let view = world.status(ARRAY)?;
        ensure!(
            view["ended"] == true,
            "{}: {}",
            view["state"],
            view["reason"]
        );
        Ok(Some(view))
    });
    // Nobody reads any more what it waits for.
    drop(roll.kill());
    roll.wait()?;
    let done = match end? {
        Some(end) => ended_as_it_may(&end, &blamed)?,
        // Nor is it, where what must be known before it is begun was not to be had.
        None => {
            ensure!(!blamed.is_empty(), "no roll was begun, and nobody was away");
            false
        }
    };
    if done {
        return Ok(());
    }
    until("a roll after that", SOON, || world.roll(&[ARRAY]).map(drop))
}

/// The number of the array's last roll; 0 before there is one.
fn last_roll(world: &World<'_>) -> Result<u64> {
    match world.status(ARRAY) {
        Ok(view) => view["roll"].as_u64().context("a roll without a number"),
        Err(error) if error.to_string().contains("no roll yet") => Ok(0),
        Err(error) => Err(error),
    }
}

/// Has a program stop at a place of a roll; the command that began it waits for its end. With the
/// number of the roll before that.
fn reach(world: &mut World<'_>, whose: Whose, place: &str) -> Result<(Child, u64)> {
    let mut before = last_roll(world)?;
    program(world, whose)
        .wishes()
        .set([format!("stop {place}")])?;
    let mut roll = begin(world)?;
    let mut restarted = false;
    until(&format!("{whose:?} to stop {place}"), LONG, || {
        let program = program(world, whose);
        let reached = program.wishes().reached()?;
        if reached.last().is_some_and(|last| last == place) {
            return Ok(());
        }
        if roll.try_wait()?.is_some() {
            before = last_roll(world)?;
            let program = self::program(world, whose);
            if !restarted {
                // There are places that a program passes at its start.
                program.process()?.kill()?;
                program.launch()?;
                restarted = true;
            }
            roll = begin(world)?;
        }
        bail!("it was not there yet")
    })?;
    Ok((roll, before))
}

/// Not waited for here: whoever is asked may be stopped in the middle of it.
fn begin(world: &World<'_>) -> Result<Child> {
    let mut command = world.cli.command(&["roll", ARRAY, "--yes", "--wait"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command.spawn()?)
}

fn program<'a>(world: &'a mut World<'_>, whose: Whose) -> &'a mut dyn Mortal {
    match whose {
        Whose::Controller => &mut world.controller,
        Whose::Agent => &mut world.agents[0],
    }
}

/// Whom a roll may name that does without whoever stood still: all who had no answer in time, to a
/// controller that did.
fn stood_still(world: &World<'_>, whose: Whose) -> Vec<String> {
    let dcs = ["dc1", "dc2"].map(str::to_owned).into_iter();
    match whose {
        Whose::Controller => dcs.chain(world.nodes.clone()).collect(),
        Whose::Agent => vec![world.nodes[0].clone()],
    }
}

/// One of the cuts that matter where this program is, and whom a roll may name for it: nobody, if
/// the controller speaks with everybody all the while.
fn parted(world: &World<'_>, whose: Whose, number: usize) -> Result<(Cut, Vec<String>)> {
    let node = world.nodes[0].as_str();
    let everybody = ["dc1", "dc2", node, world.nodes[1].as_str()];
    let cuts: &[(&str, &[&str], &[&str])] = match whose {
        Whose::Controller => &[
            ("controller", &[node], &[node]),
            ("controller", &["dc1"], &["dc1"]),
            ("controller", &["dc2"], &["dc2"]),
            ("controller", &everybody, &everybody),
            ("dc1", &["dc2"], &[]),
            ("dc1", &["dc2", "controller"], &["dc1"]),
        ],
        Whose::Agent => &[
            ("controller", &[node], &[node]),
            ("controller", &everybody, &everybody),
        ],
    };
    let (one, others, blamed) = cuts[number % cuts.len()];
    let blamed = blamed.iter().map(ToString::to_string).collect();
    Ok((Cut::between(world.lab, one, others)?, blamed))
}

/// Whether the roll is done. Aborted it may be, too, and refused where somebody was out of reach:
/// for the right reason, which names who it was.
fn ended_as_it_may(view: &Value, blamed: &[String]) -> Result<bool> {
    let named = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        blamed.iter().any(|one| text.contains(one.as_str()))
    };
    let refusals = view["refusals"].as_array();
    let passing = |refusal: &Value| {
        let code = refusal["code"].as_str();
        named(&refusal["object"]) && code.is_some_and(|code| code.ends_with("-unreachable"))
    };
    let why = view["reason"].as_str().unwrap_or_default();
    let missed = why.contains("not ready in time") || why.contains("does not answer");
    match view["state"].as_str() {
        Some("done") => Ok(true),
        Some("aborted") if missed && named(&view["reason"]) => Ok(false),
        Some("refused") if refusals.is_some_and(|all| all.iter().all(passing)) => Ok(false),
        _ => bail!(
            "it ended as {}: {}, which may name {blamed:?}\n{view}",
            view["state"],
            view["reason"]
        ),
    }
}
