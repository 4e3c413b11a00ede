//! The controller under test, with a configuration and a state of its own.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::cli::Cli;
use crate::clock::Shifted;
use crate::lab::{Lab, output, program};
use crate::mortal::{Mortal, Wishes};
use crate::process::Process;
use crate::wait::until;

/// The host of all controllers; each has ports of its own.
const HOST: &str = "controller";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 20);
const START: Duration = Duration::from_secs(60);

/// A controller, running or not.
#[derive(Debug)]
pub struct Controller {
    lab: Lab,
    folder: PathBuf,
    /// Goes before the controller's program.
    wrapper: Vec<String>,
    wishes: Wishes,
    process: Option<Process>,
}

impl Controller {
    /// Writes a configuration and has the controller make its state, CA and sealing key.
    ///
    /// `number` sets its ports apart from those of others.
    ///
    /// # Errors
    /// `init` failed, with what it said.
    pub fn new(lab: &Lab, number: u16) -> Result<Self> {
        Self::made(lab, number, &[])
    }

    /// The same, made with a clock that is off by `shift`.
    ///
    /// # Errors
    /// As [`Controller::new`].
    pub fn new_off_by(lab: &Lab, number: u16, shift: &str) -> Result<Self> {
        Self::made(lab, number, &Shifted::by(shift)?.environment())
    }

    fn made(lab: &Lab, number: u16, environment: &[(&str, &str)]) -> Result<Self> {
        let folder = lab.folder(&format!("controller{number}"))?;
        let controller = Self {
            lab: lab.clone(),
            wishes: Wishes::of(&folder),
            folder,
            wrapper: Vec::new(),
            process: None,
        };
        fs::write(controller.config(), controller.configuration(number))?;
        let mut init = controller.command("init")?;
        output(init.envs(environment.iter().copied()))?;
        Ok(controller)
    }

    /// What stands in the configuration file.
    #[must_use]
    pub fn configuration(&self, number: u16) -> String {
        let (enroll, operators) = (20_000 + 2 * number, 20_001 + 2 * number);
        let folder = self.folder.display();
        let (lab, domain) = (self.lab.dir.display(), &self.lab.domain);
        let dcs: Vec<String> = self.lab.dcs.iter().map(|dc| format!("{dc:?}")).collect();
        let (dcs, ca) = (dcs.join(", "), self.lab.ca.display());
        format!(
            "state = \"{folder}/state\"\n\
             seal-key = \"{folder}/seal.key\"\n\
             reconcile-seconds = 1\n\
             balancer-seconds = 2\n\
             [listen]\n\
             enroll = \"{ADDRESS}:{enroll}\"\n\
             operators = \"{ADDRESS}:{operators}\"\n\
             socket = \"{folder}/operator.sock\"\n\
             names = [\"{HOST}.{domain}\"]\n\
             [policy]\n\
             quiesce = 5\n\
             fail-over = 10\n\
             [directory]\n\
             domain = \"{domain}\"\n\
             domain-controllers = [{dcs}]\n\
             ca = [\"{ca}\"]\n\
             [directory.bind]\n\
             principal = \"svc-keyroll@{domain}\"\n\
             password-file = \"{lab}/controller.password\"\n"
        )
    }

    /// Changes its configuration from its next start on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reconfigure(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let text = fs::read_to_string(self.config())?;
        Ok(fs::write(self.config(), change(text))?)
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("controller.toml")
    }

    /// The folder with configuration, state, socket and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// A verb of the controller's program, not started yet.
    ///
    /// # Errors
    /// The program was not built.
    pub fn command(&self, verb: &str) -> Result<Command> {
        let mut command = self
            .lab
            .on_through(HOST, &self.wrapper, program("keyroll-controller")?);
        command.arg(verb).arg("--config").arg(self.config());
        command.envs([self.wishes.variable()]);
        Ok(command)
    }

    /// Runs the controller through another program from now on.
    pub fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
    }

    /// The command line that asks this controller.
    ///
    /// # Errors
    /// The program was not built.
    pub fn cli(&self) -> Result<Cli> {
        Cli::new(&self.folder.join("operator.sock"))
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// It ended, or does not answer in time; with its last words.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(&[])?;
        self.wait_ready()
    }

    /// Starts it with a clock that is off by `shift` (`-19h`), and waits until it answers.
    ///
    /// # Errors
    /// As [`Controller::start`].
    pub fn start_off_by(&mut self, shift: &str) -> Result<()> {
        self.start_with(&Shifted::by(shift)?.environment())?;
        self.wait_ready()
    }

    /// Starts it with more in its environment, and does not wait.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        let mut command = self.command("run")?;
        command.envs(environment.iter().copied());
        self.process = Some(Process::start(&mut command, &self.log())?);
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// It ended, or does not answer in time; with its last words.
    pub fn wait_ready(&mut self) -> Result<()> {
        let cli = self.cli()?;
        let process = self
            .process
            .as_mut()
            .context("the controller was not started")?;
        let answer = until("the controller to answer", START, || {
            if let Some(status) = process.ended()? {
                return Ok(Some(status));
            }
            // A critical alarm is an answer too.
            cli.ask(&["status"])?.status().map(|_| None)
        });
        match answer {
            Ok(None) => Ok(()),
            Ok(Some(status)) => bail!("the controller ended: {status}\n{}", process.last_words()),
            Err(error) => Err(error.context(process.last_words())),
        }
    }

    /// Its process.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the controller does not run")
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It still runs when `limit` has passed.
    pub fn wait_ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let process = self.process()?;
        let status = until("the controller to end", limit, || {
            process.ended()?.context("it still runs")
        })?;
        self.process = None;
        Ok(status)
    }

    /// Ends it as a power failure would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process()?.kill()?;
        self.process = None;
        Ok(())
    }
}

impl Mortal for Controller {
    fn name(&self) -> String {
        "the controller".to_owned()
    }

    fn launch(&mut self) -> Result<()> {
        self.start_with(&[])
    }

    fn process(&mut self) -> Result<&mut Process> {
        Self::process(self)
    }

    fn wishes(&self) -> &Wishes {
        &self.wishes
    }
}
