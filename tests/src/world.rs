//! A controller with its nodes: everything that most tests begin with.

use std::fs;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::agent::Agent;
use crate::cli::Cli;
use crate::controller::Controller;
use crate::domain::Domain;
use crate::lab::Lab;
use crate::logins::{Load, Logins};
use crate::search::note_leaks;
use crate::wait::{seconds, until};
use crate::web::{Balancer, FreeNodes, Web};

/// How long anything but a drain may take on a busy machine.
pub const SOON: Duration = seconds(120);

/// The policy of most tests: tickets of 6 seconds, so that a drain is over in 8.
pub const QUICK: &[&str] = &[
    "--ticket-life",
    "6s",
    "--clock-skew",
    "1s",
    "--margin",
    "0s",
];
/// What goes with it.
pub const LIFE: u32 = 6;

/// One controller, nodes that no other test uses, and web servers on them.
#[derive(Debug)]
pub struct World<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// The controller, running.
    pub controller: Controller,
    /// Its command line.
    pub cli: Cli,
    /// The nodes' agents, in the order of [`World::nodes`].
    pub agents: Vec<Agent>,
    /// The nodes' short names.
    pub nodes: Vec<String>,
    /// Their web servers.
    pub web: Web,
    /// What is before them, where a test has put it there.
    pub balancer: Option<Balancer>,
    free: &'a FreeNodes,
}

impl<'a> World<'a> {
    /// A controller that runs, and agents on `count` nodes that have not joined, each with a
    /// keytab for each of `arrays`.
    ///
    /// # Errors
    /// Something does not start.
    pub fn new(lab: &'a Lab, free: &'a FreeNodes, count: usize, arrays: &[&str]) -> Result<Self> {
        Self::of(
            Controller::new(lab, next_number())?,
            lab,
            free,
            count,
            arrays,
        )
    }

    /// The same, with a controller that was made with a clock that is off by `shift` (`-300d`).
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn new_off_by(
        shift: &str,
        lab: &'a Lab,
        free: &'a FreeNodes,
        count: usize,
        arrays: &[&str],
    ) -> Result<Self> {
        let controller = Controller::new_off_by(lab, next_number(), shift)?;
        Self::of(controller, lab, free, count, arrays)
    }

    fn of(
        mut controller: Controller,
        lab: &'a Lab,
        free: &'a FreeNodes,
        count: usize,
        arrays: &[&str],
    ) -> Result<Self> {
        controller.start()?;
        let nodes = free.take(count);
        let mut world = Self {
            lab,
            cli: controller.cli()?,
            controller,
            agents: Vec::new(),
            nodes,
            web: Web::default(),
            balancer: None,
            free,
        };
        for node in &world.nodes {
            world.agents.push(Agent::new(lab, node, arrays)?);
        }
        Ok(world)
    }

    /// The domain.
    #[must_use]
    pub const fn domain(&self) -> Domain<'a> {
        Domain::of(self.lab)
    }

    /// Makes an array with an account and an SPN of its own: `svc-NAME` and `HTTP/NAME.DOMAIN`.
    ///
    /// # Errors
    /// It is refused.
    pub fn create(&self, array: &str, policy: &[&str]) -> Result<Value> {
        let unit = self.unit()?;
        let (account, spn) = (format!("svc-{array}$"), self.spn(array));
        let what = [
            "array",
            "create",
            array,
            "--account",
            &account,
            "--spn",
            &spn,
        ];
        self.cli
            .run(&[&what, &["--container", &unit][..], policy].concat())
    }

    /// The unit in which the controller may make accounts.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn unit(&self) -> Result<String> {
        use std::sync::Mutex;
        static MADE: Mutex<bool> = Mutex::new(false);
        let mut made = MADE
            .lock()
            .map_err(|_| anyhow::anyhow!("making the unit failed before"))?;
        let dn = "OU=Arrays,DC=corp,DC=example".to_owned();
        if !*made {
            self.domain().unit("Arrays")?;
            *made = true;
        }
        Ok(dn)
    }

    /// The SPN of an array made here.
    #[must_use]
    pub fn spn(&self, array: &str) -> String {
        format!("HTTP/{}", self.lab.full_name(array))
    }

    /// Invites the node at `index` to an array, joins it, starts its agent and waits until it is
    /// ready to serve.
    ///
    /// # Errors
    /// Any of this fails.
    pub fn join(&mut self, array: &str, index: usize) -> Result<()> {
        let agent = &mut self.agents[index];
        let name = agent.full_name();
        let reply = self.cli.run(&["node", "add", array, &name])?;
        let line = reply["join_line"].as_str().context("no join line")?;
        agent.join(line)?;
        agent.start()?;
        agent.wait_ready(array, SOON).with_context(|| self.story())
    }

    /// Makes a node that has joined already a member of one more array.
    ///
    /// # Errors
    /// It is refused, or does not become ready.
    pub fn add_known(&mut self, array: &str, index: usize) -> Result<()> {
        let agent = &self.agents[index];
        self.cli.run(&["node", "add", array, &agent.full_name()])?;
        agent.wait_ready(array, SOON).with_context(|| self.story())
    }

    /// Joins the node at `index` to an array and starts its web server.
    ///
    /// # Errors
    /// Any of this fails.
    pub fn serve_at(&mut self, array: &str, index: usize) -> Result<()> {
        self.join(array, index)?;
        let agent = &self.agents[index];
        self.web.serve(&agent.node, agent.keytab(array))
    }

    /// Joins every node to an array, starts their web servers, and waits for the SPN.
    ///
    /// # Errors
    /// Any of this fails.
    pub fn serve(&mut self, array: &str) -> Result<()> {
        for index in 0..self.agents.len() {
            self.serve_at(array, index)?;
        }
        let spn = self.spn(array);
        self.domain()
            .wait_for_spn(&spn)
            .with_context(|| self.story())
    }

    /// Users who log in at the nodes directly, five a second: with many arrays at a time, more
    /// would measure the machine.
    #[must_use]
    pub fn load(&self, array: &str, lifetime: u32) -> Load {
        Load {
            host: self.lab.full_name(array),
            direct: self.nodes.clone(),
            dcs: Vec::new(),
            fresh: 3,
            cached: 2,
            lifetime,
        }
    }

    /// Starts such users.
    ///
    /// # Errors
    /// Nobody logs in.
    pub fn users(&self, array: &str, lifetime: u32) -> Result<Logins> {
        Logins::start(self.lab, array, &self.load(array, lifetime)).with_context(|| self.story())
    }

    /// Rolls arrays to the end, which must be good; the rolls' last views.
    ///
    /// # Errors
    /// A roll ended otherwise; with the whole story.
    pub fn roll(&self, arrays: &[&str]) -> Result<Vec<Value>> {
        let said = self
            .cli
            .ask(&[&["roll"], arrays, &["--yes", "--wait"]].concat())?;
        let reply = said.reply().with_context(|| self.story())?;
        Ok(reply["rolls"].as_array().cloned().unwrap_or_default())
    }

    /// Starts a roll and returns at once.
    ///
    /// # Errors
    /// It is refused.
    pub fn begin_roll(&self, array: &str) -> Result<()> {
        self.cli.run(&["roll", array, "--yes"]).map(|_| ())
    }

    /// The view of an array's roll.
    ///
    /// # Errors
    /// There is none, or the controller is away.
    pub fn status(&self, array: &str) -> Result<Value> {
        let reply = self.cli.run(&["roll", "status", array])?;
        reply["rolls"].get(0).cloned().context("no roll yet")
    }

    /// Waits until the array's roll is in `state`, or has ended as that.
    ///
    /// # Errors
    /// It is not in time; with the whole story.
    pub fn wait_for_state(&self, array: &str, state: &str) -> Result<Value> {
        until(&format!("{array}'s roll to be {state}"), SOON, || {
            let view = self.status(array)?;
            ensure!(
                view["state"] == state,
                "it is {}: {}",
                view["state"],
                view["reason"]
            );
            Ok(view)
        })
        .with_context(|| self.story())
    }

    /// From an array's next roll on, tickets are taken to live for so long: whoever does something
    /// while a roll drains needs time for it on a busy machine.
    ///
    /// # Errors
    /// It is refused.
    pub fn take_tickets_to_live(&self, array: &str, seconds: u32) -> Result<()> {
        let life = format!("{seconds}s");
        self.cli
            .run(&["array", "set", array, "--ticket-life", &life])
            .map(drop)
    }

    /// That `keyroll verify` finds nothing wrong.
    ///
    /// # Errors
    /// All that it found.
    pub fn verify(&self, array: &str) -> Result<()> {
        self.cli
            .run(&["verify", array])
            .map(|_| ())
            .with_context(|| self.story())
    }

    /// Looks for every password of the lab in what was said and logged here.
    fn note_leaks(&self) {
        let mut passwords = vec![self.lab.dir.join("controller.password")];
        if let Ok(accounts) = fs::read_dir(self.lab.dir.join("accounts")) {
            let files = accounts.flatten().map(|entry| entry.path());
            passwords.extend(files.filter(|path| path.extension() == Some("password".as_ref())));
        }
        let mut said = vec![self.controller.log(), self.cli.said()];
        said.extend(self.agents.iter().map(Agent::log));
        note_leaks(&passwords, &said);
    }

    /// The last words of everybody here, for a failure's text.
    #[must_use]
    pub fn story(&self) -> String {
        use crate::process::last_lines;
        let mut text = format!("--- controller\n{}", last_lines(&self.controller.log(), 30));
        for agent in &self.agents {
            text += &format!("\n--- {}\n{}", agent.node, last_lines(&agent.log(), 8));
        }
        text
    }
}

/// Every controller has a number of its own, by which its ports are.
fn next_number() -> u16 {
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        self.note_leaks();
        // Ended first, so that whoever takes the nodes finds their ports free.
        self.balancer = None;
        self.web = Web::default();
        self.agents.clear();
        self.free.give_back(std::mem::take(&mut self.nodes));
    }
}
