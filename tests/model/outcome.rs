//! What came of exploring each world: computed once, asked for by its own trial and by the page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::explore::explore;
use crate::mistakes::Mistake;
use crate::model::Model;
use crate::settings::Settings;
use crate::story::{in_short, story};

/// More states than any of these worlds has: one that outgrows it does not fit into 8 GiB.
const MOST: usize = 100_000_000;

/// An exploration, without its states.
#[derive(Debug)]
pub struct Outcome {
    pub states: usize,
    pub steps: usize,
    /// How many steps the farthest state is away.
    pub depth: usize,
    pub wrong: Option<Found>,
}

/// A promise that was found broken.
#[derive(Debug)]
pub struct Found {
    pub promise: &'static str,
    /// The shortest way there.
    pub steps: usize,
    pub story: String,
    /// The same in short.
    pub way: String,
}

type Known = HashMap<(&'static str, Option<Mistake>), Arc<OnceLock<Outcome>>>;
static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();

/// Explores a world, or tells what came of it before.
pub fn of(settings: &Settings, mistake: Option<Mistake>) -> Arc<OnceLock<Outcome>> {
    let known = KNOWN.get_or_init(Mutex::default);
    let cell = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((settings.name, mistake)).or_default())
    };
    cell.get_or_init(|| explored(settings, mistake));
    cell
}

fn explored(settings: &Settings, mistake: Option<Mistake>) -> Outcome {
    let model = Model::new(*settings, mistake);
    let explored = explore(&model, MOST);
    let found = |wrong: crate::explore::Wrong<_, _>| Found {
        promise: wrong.promise,
        steps: wrong.path.len(),
        story: story(&model, &wrong.path),
        way: in_short(&model, &wrong.path),
    };
    Outcome {
        states: explored.states,
        steps: explored.steps,
        depth: explored.depth,
        wrong: explored.wrong.map(found),
    }
}
