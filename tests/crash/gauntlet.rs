//! A program that dies at every place of a list, once at each, and is started again each time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::mortal::Mortal;
use keyroll_tests::told;
use keyroll_tests::wait::{seconds, until};
use keyroll_tests::world::{SOON, World};
use serde_json::Value;

/// How long all places of a trial may take together, on a busy machine.
const LIMIT: Duration = seconds(300);
/// Between two looks at a roll.
const PAUSE: Duration = Duration::from_millis(50);

/// The places that are left for one program.
#[derive(Debug, Default)]
pub struct Gauntlet {
    left: BTreeSet<String>,
    deaths: usize,
}

impl Gauntlet {
    /// Before and after each of these places.
    pub fn of<'a>(places: impl IntoIterator<Item = &'a str>) -> Self {
        let both = |place: &str| [format!("before {place}"), format!("after {place}")];
        Self {
            left: places.into_iter().flat_map(both).collect(),
            deaths: 0,
        }
    }

    /// Has the program end wherever it comes first, of all that is left.
    pub fn arm(&self, program: &dyn Mortal) -> Result<()> {
        let wishes = self.left.iter().map(|place| format!("kill {place}"));
        program.wishes().set(wishes)
    }

    /// Starts the program again if it has died. Whether it had.
    pub fn tend(&mut self, program: &mut dyn Mortal) -> Result<bool> {
        let Some(place) = program.has_died()? else {
            return Ok(false);
        };
        ensure!(
            self.left.remove(&place),
            "{} died at {place}, where it should not",
            program.name()
        );
        self.deaths += 1;
        self.arm(program)?;
        program.launch()?;
        Ok(true)
    }

    /// How often the program has died.
    pub const fn deaths(&self) -> usize {
        self.deaths
    }

    /// Whether it has died everywhere.
    pub fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

/// The states from which on the agents die, one after another: they do much the same in each.
const FROM: [&str; 3] = ["planned", "converging", "retiring"];

/// Rolls the array, again and again, while the controller and the agents die at every place of
/// their gauntlets. Every roll must be done, or refused because an agent was just dead.
pub fn run(
    world: &mut World<'_>,
    array: &str,
    controller: &mut Gauntlet,
    agents: &mut [Gauntlet],
) -> Result<()> {
    controller.arm(&world.controller)?;
    let mut waiting: Vec<(usize, &str)> = (0..agents.len()).zip(FROM).collect();
    let began = Instant::now();
    loop {
        let mut died = controller.tend(&mut world.controller)?;
        for (agent, gauntlet) in world.agents.iter_mut().zip(agents.iter_mut()) {
            died |= gauntlet.tend(agent)?;
        }
        let view = world.status(array);
        let state = view
            .as_ref()
            .map_or("", |view| view["state"].as_str().unwrap_or_default());
        for (index, _) in waiting.extract_if(.., |(_, from)| *from == state) {
            agents[index].arm(&world.agents[index])?;
        }
        let over = controller.is_over() && agents.iter().all(Gauntlet::is_over);
        match view {
            Ok(view) if view["ended"] == true => {
                ended_well(&view).with_context(|| world.story())?;
                if over && view["state"] == "done" {
                    return Ok(());
                }
                // Refused by a controller that dies in answering, or that is not up yet.
                drop(world.begin_roll(array));
            }
            Err(error) if error.to_string().contains("no roll yet") => {
                drop(world.begin_roll(array));
            }
            Ok(_) | Err(_) if died => {}
            Ok(_) | Err(_) => std::thread::sleep(PAUSE),
        }
        if began.elapsed() > LIMIT {
            let of_agents = agents.iter().flat_map(|one| &one.left);
            let left: Vec<&String> = controller.left.iter().chain(of_agents).collect();
            bail!(
                "after {} s these places were not reached, or the roll does not end: {left:?}\n{}",
                LIMIT.as_secs(),
                world.story()
            );
        }
    }
}

/// Has the controller die before and after each of `places`, while `step` is repeated, which does
/// what leads there and tells whether it has led to its end. A controller that was stopped goes on.
/// The number of deaths.
pub fn dies_while(
    world: &mut World<'_>,
    places: &[&str],
    step: impl FnMut(&mut World<'_>) -> Result<()>,
) -> Result<usize> {
    both_die_while(world, places, (0, &[]), step)
}

/// The same with an agent, that of the node at an index, which dies too. If it was stopped it goes
/// on.
pub fn both_die_while(
    world: &mut World<'_>,
    controller: &[&str],
    (index, agent): (usize, &[&str]),
    mut step: impl FnMut(&mut World<'_>) -> Result<()>,
) -> Result<usize> {
    let of = |places: &[&str]| Gauntlet::of(places.iter().copied());
    let (mut first, mut second) = (of(controller), of(agent));
    first.arm(&world.controller)?;
    world.controller.go_on()?;
    if !agent.is_empty() {
        second.arm(&world.agents[index])?;
        world.agents[index].go_on()?;
    }
    until(
        &format!("deaths at {controller:?}, {agent:?}"),
        // A node that is removed is left for the balancer's time, each time anew.
        SOON * 3,
        || {
            let mut died = first.tend(&mut world.controller)?;
            if !agent.is_empty() {
                died |= second.tend(&mut world.agents[index])?;
            }
            ensure!(!died, "one has just died");
            let stepped = step(world);
            let (left, of_agent) = (&first.left, &second.left);
            ensure!(
                left.is_empty() && of_agent.is_empty(),
                "{left:?}, {of_agent:?} are left; {}",
                stepped.as_ref().err().map(told).unwrap_or_default()
            );
            stepped
        },
    )
    .with_context(|| world.story())?;
    Ok(first.deaths + second.deaths)
}

/// That the array's roll is in this state, or has ended in it.
pub fn is(world: &World<'_>, array: &str, state: &str) -> Result<()> {
    let view = world.status(array)?;
    let (now, why) = (&view["state"], &view["reason"]);
    ensure!(now == state, "it is {now}: {why}");
    Ok(())
}

/// Rolls the array after an emergency, as soon as the tickets from before that are dead.
pub fn next_roll(world: &World<'_>, array: &str) -> Result<()> {
    until("the next roll", SOON, || match world.roll(&[array]) {
        Err(error) if told(&error).contains("too-soon") => Err(error),
        rolled => Ok(rolled),
    })?
    .map(drop)
}

/// That the array's roll says these words of why it is where it is.
pub fn reason_has(world: &World<'_>, array: &str, words: &str) -> Result<()> {
    let view = world.status(array)?;
    let why = view["reason"].as_str().unwrap_or_default();
    ensure!(why.contains(words), "{}: {why}", view["state"]);
    Ok(())
}

/// A roll is refused if a node was dead when it began; nothing was begun then.
pub fn ended_well(view: &Value) -> Result<()> {
    let unreachable = |refusal: &Value| refusal["code"] == "node-unreachable";
    let refusals = view["refusals"].as_array();
    let refused = view["state"] == "refused"
        && refusals.is_some_and(|refusals| refusals.iter().all(unreachable));
    ensure!(
        view["state"] == "done" || refused,
        "it ended as {}: {}\n{view}",
        view["state"],
        view["reason"]
    );
    Ok(())
}
