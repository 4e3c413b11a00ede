//! A program that dies at every place of a list, once at each, and is started again each time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use keyroll_tests::mortal::Mortal;
use keyroll_tests::wait::seconds;
use keyroll_tests::world::World;
use serde_json::Value;

/// How long all places of a trial may take together.
const LIMIT: Duration = seconds(150);

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

/// Rolls the array, again and again, while the controller and the agents die at every place of
/// their gauntlets. Every roll must be done, or refused because an agent was just dead.
pub fn run(
    world: &mut World<'_>,
    array: &str,
    controller: &mut Gauntlet,
    agents: &mut [Gauntlet],
) -> Result<()> {
    controller.arm(&world.controller)?;
    for (agent, gauntlet) in world.agents.iter().zip(agents.iter()) {
        gauntlet.arm(agent)?;
    }
    let began = Instant::now();
    loop {
        let mut died = controller.tend(&mut world.controller)?;
        for (agent, gauntlet) in world.agents.iter_mut().zip(agents.iter_mut()) {
            died |= gauntlet.tend(agent)?;
        }
        let over = controller.is_over() && agents.iter().all(Gauntlet::is_over);
        match world.status(array) {
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
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
        if began.elapsed() > LIMIT {
            let left: Vec<&str> = controller
                .left
                .iter()
                .chain(agents.iter().flat_map(|one| &one.left))
                .map(String::as_str)
                .collect();
            bail!(
                "after {} s these places were not reached, or the roll does not end: {left:?}\n{}",
                LIMIT.as_secs(),
                world.story()
            );
        }
    }
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
