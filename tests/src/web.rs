//! The web servers on the nodes, and the balancer in front of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::lab::{Lab, output};
use crate::wait::until;

/// Apache on some nodes; stopped when dropped.
#[derive(Debug, Default)]
pub struct Web {
    nodes: Vec<String>,
}

impl Web {
    /// Starts Apache on a node with a keytab that need not exist yet.
    ///
    /// # Errors
    /// It does not start.
    pub fn serve(&mut self, node: &str, keytab: &Path) -> Result<()> {
        output(Command::new("lab-web").args(["start", node]).arg(keytab))?;
        self.nodes.push(node.to_owned());
        Ok(())
    }

    /// Stops Apache on a node.
    ///
    /// # Errors
    /// It does not stop.
    pub fn stop(&mut self, node: &str) -> Result<()> {
        self.nodes.retain(|other| other != node);
        output(Command::new("lab-web").args(["stop", node]))?;
        Ok(())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        for node in std::mem::take(&mut self.nodes) {
            drop(self.stop(&node));
        }
    }
}

/// `HAProxy`; stopped when dropped. The lab has one as `web.corp.example`, and others on hosts that
/// are nobody's node.
#[derive(Debug)]
pub struct Balancer {
    host: String,
    settings: Settings,
}

/// How a balancer is set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The nodes, by their short names.
    pub nodes: Vec<String>,
    /// The port where each node is asked whether it is ready; without one, it is up if it listens.
    pub health_port: Option<u16>,
    /// More lines of the section `global`.
    pub global: String,
    /// More lines of the section `frontend`: rules.
    pub rules: String,
}

impl Balancer {
    /// Starts the lab's own before some of the nodes, asking each node's agent whether it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(nodes: &[String]) -> Result<Self> {
        let settings = Settings {
            nodes: nodes.to_vec(),
            health_port: Some(8089),
            ..Settings::default()
        };
        Self::start_on("lb", settings)
    }

    /// Starts one on another host.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_on(host: &str, settings: Settings) -> Result<Self> {
        let balancer = Self {
            host: host.to_owned(),
            settings,
        };
        balancer.run()?;
        Ok(balancer)
    }

    /// Starts it again with other settings.
    ///
    /// # Errors
    /// It does not end, or not start.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        change(&mut self.settings);
        self.stop()?;
        self.run()
    }

    /// Ends it.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&self) -> Result<()> {
        output(self.command().arg("stop")).map(drop)
    }

    fn run(&self) -> Result<()> {
        let mut command = self.command();
        command.arg("start");
        if let Some(port) = self.settings.health_port {
            command.arg("--health-port").arg(port.to_string());
        }
        command
            .env("LAB_NODES", self.settings.nodes.join(" "))
            .env("LAB_BALANCER_GLOBAL", &self.settings.global)
            .env("LAB_BALANCER_RULES", &self.settings.rules);
        output(&mut command).map(drop)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("lab-balancer");
        command.env("LAB_BALANCER", &self.host);
        command
    }

    /// Waits until it takes a node for `UP`, `DOWN` or another word.
    ///
    /// # Errors
    /// It does not in time.
    pub fn wait_for(&self, node: &str, state: &str, limit: Duration) -> Result<()> {
        let what = format!("the balancer to take {node} for {state}");
        until(&what, limit, || {
            let seen = self.state_of(node)?;
            ensure!(seen == state, "it is {seen}");
            Ok(())
        })
    }

    /// `UP`, `DOWN` or another word of `HAProxy`'s for a node.
    ///
    /// # Errors
    /// It does not answer.
    pub fn state_of(&self, node: &str) -> Result<String> {
        let shown = output(self.command().arg("show"))?;
        let line = shown
            .lines()
            .find(|line| line.split_whitespace().next() == Some(node));
        let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        let known = |word: &&&str| ["UP", "DOWN", "MAINT", "DRAIN"].contains(*word);
        Ok(words
            .iter()
            .find(known)
            .map(ToString::to_string)
            .unwrap_or_default())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// The lab's nodes that no test uses at the moment.
#[derive(Debug)]
pub struct FreeNodes {
    names: std::sync::Mutex<Vec<String>>,
    returned: std::sync::Condvar,
}

impl FreeNodes {
    /// All nodes of the lab.
    #[must_use]
    pub fn of(lab: &Lab) -> Self {
        let names = std::sync::Mutex::new(lab.nodes.clone());
        Self {
            names,
            returned: std::sync::Condvar::new(),
        }
    }

    /// Takes some, waiting until there are enough.
    #[must_use]
    pub fn take(&self, count: usize) -> Vec<String> {
        use std::sync::PoisonError;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        while names.len() < count {
            names = self
                .returned
                .wait(names)
                .unwrap_or_else(PoisonError::into_inner);
        }
        names.drain(..count).collect()
    }

    /// Gives some back.
    pub fn give_back(&self, nodes: Vec<String>) {
        use std::sync::PoisonError;
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(nodes);
        self.returned.notify_all();
    }
}
