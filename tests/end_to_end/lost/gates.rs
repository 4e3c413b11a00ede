//! Whether agents said "not ready" at any moment, as a balancer would have seen it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Result, ensure};
use keyroll_tests::agent::ready;
use keyroll_tests::world::World;

/// Several times as often as any balancer asks.
const OFTEN: Duration = Duration::from_millis(50);

/// Health endpoints that are asked all the time. Stopped when dropped.
pub struct Gates {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    asking: Vec<JoinHandle<()>>,
}

impl Gates {
    /// Asks every node of an array, and notes whoever is not ready.
    pub fn watch(world: &World<'_>, array: &str) -> Self {
        let mut gates = Self::none();
        for agent in &world.agents {
            gates.ask(agent.full_name(), array, |status, text| {
                (status != 200).then(|| format!("{status} {text}"))
            });
        }
        gates
    }

    /// Asks one node, and notes if it is ready while `may_be` says that it must not be.
    pub fn watch_node(
        world: &World<'_>,
        array: &str,
        index: usize,
        may_be: impl Fn() -> bool + Send + 'static,
    ) -> Self {
        let mut gates = Self::none();
        let name = world.agents[index].full_name();
        gates.ask(name, array, move |status, _| {
            // The file is looked at after the answer: it can only have become right since.
            (status == 200 && !may_be()).then(|| "ready with its old keys".to_owned())
        });
        gates
    }

    fn none() -> Self {
        Self {
            over: Arc::default(),
            seen: Arc::default(),
            asking: Vec::new(),
        }
    }

    fn ask(
        &mut self,
        host: String,
        array: &str,
        judge: impl Fn(u16, &str) -> Option<String> + Send + 'static,
    ) {
        let (over, seen) = (Arc::clone(&self.over), Arc::clone(&self.seen));
        let path = format!("/ready/{array}");
        self.asking.push(spawn(move || {
            while !over.load(Ordering::Relaxed) {
                if let Ok((status, text)) = ready(&host, &path)
                    && let Some(wrong) = judge(status, &text)
                {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push(format!("{host}: {wrong}"));
                }
                sleep(OFTEN);
            }
        }));
    }

    /// That no gate was shut since.
    pub fn never_shut(self) -> Result<()> {
        self.nothing_seen("a gate was shut")
    }

    /// That the gate opened when it might, and not before.
    pub fn opened_only_then(self) -> Result<()> {
        self.nothing_seen("a gate was open")
    }

    fn nothing_seen(self, what: &str) -> Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(seen.is_empty(), "{what}: {:?}", &seen[..seen.len().min(3)]);
        Ok(())
    }
}

impl Drop for Gates {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for asking in std::mem::take(&mut self.asking) {
            drop(asking.join());
        }
    }
}
