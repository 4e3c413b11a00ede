//! An agent under test on one of the lab's nodes.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::lab::{Lab, output_with, program};
use crate::mortal::{Mortal, Wishes};
use crate::process::Process;
use crate::wait::{seconds, until};
use crate::wine::Wine;

const HEALTH_PORT: u16 = 8089;
const AGENT_CHECK_PORT: u16 = 8090;

/// One keytab that an agent shall keep.
#[derive(Debug, Clone)]
pub struct Target {
    /// The array whose keys it holds.
    pub array: String,
    /// The file.
    pub path: PathBuf,
    /// `owned`, `shared` or `client`.
    pub kind: &'static str,
    /// What it takes of the keys, as lines of settings; all if empty.
    pub only: &'static str,
}

/// An agent, running or not.
#[derive(Debug)]
pub struct Agent {
    lab: Lab,
    /// The node's short name.
    pub node: String,
    folder: PathBuf,
    targets: Vec<Target>,
    hook: Vec<String>,
    stays_ready: Option<u64>,
    /// Goes before the agent's program: `faketime`, for one.
    wrapper: Vec<String>,
    wishes: Wishes,
    /// The agent of Windows, if it is one.
    wine: Option<Wine>,
    process: Option<Process>,
}

impl Agent {
    /// An agent on `node` that keeps one owned keytab for each array; its state is empty.
    ///
    /// # Errors
    /// Its folder cannot be made.
    pub fn new(lab: &Lab, node: &str, arrays: &[&str]) -> Result<Self> {
        let folder = lab.folder(&format!("node/{node}/agent"))?;
        // Left by a test that had the node before.
        fs::remove_dir_all(&folder)?;
        let folder = lab.folder(&format!("node/{node}/agent"))?;
        let target = |array: &&str| Target {
            array: (*array).to_owned(),
            path: folder.join("keytabs").join(array),
            kind: "owned",
            only: "",
        };
        let targets = arrays.iter().map(target).collect();
        fs::create_dir(folder.join("keytabs"))?;
        let (lab, node) = (lab.clone(), node.to_owned());
        let agent = Self {
            lab,
            node,
            wishes: Wishes::of(&folder),
            folder,
            targets,
            hook: Vec::new(),
            stays_ready: None,
            wrapper: Vec::new(),
            wine: None,
            process: None,
        };
        agent.configure()?;
        Ok(agent)
    }

    /// Gives it other targets from its next start on.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn set_targets(&mut self, targets: Vec<Target>) -> Result<()> {
        self.targets = targets;
        self.configure()
    }

    /// Gives it a command to run after each change of a keytab, from its next start on.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn set_hook(&mut self, command: &[&str]) -> Result<()> {
        self.hook = command.iter().map(|&word| word.to_owned()).collect();
        self.configure()
    }

    /// From its next start on it shuts its gates once no controller has told it a verdict for so
    /// many seconds.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn stay_ready_without_controller(&mut self, seconds: u64) -> Result<()> {
        self.stays_ready = Some(seconds);
        self.configure()
    }

    /// Runs the agent through another program from now on.
    pub fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
    }

    /// Makes it an agent of Windows, under wine.
    ///
    /// # Errors
    /// There is none, or it cannot be given a wine of its own.
    pub fn on_windows(&mut self) -> Result<()> {
        self.wine = Some(Wine::of(&self.folder)?);
        self.configure()
    }

    /// A path as the agent sees it.
    fn seen(&self, path: &Path) -> PathBuf {
        let wine = self.wine.as_ref();
        wine.map_or_else(|| path.to_owned(), |wine| wine.path(path))
    }

    fn configure(&self) -> Result<()> {
        let state = self.seen(&self.folder.join("state"));
        let mut text = format!(
            "state = {state:?}\n[health]\nhttp = \"0.0.0.0:{HEALTH_PORT}\"\n\
             agent-check = \"0.0.0.0:{AGENT_CHECK_PORT}\"\n"
        );
        if let Some(seconds) = self.stays_ready {
            writeln!(text, "stay-ready-without-controller-seconds = {seconds}")?;
        }
        let mut arrays: Vec<&str> = self.targets.iter().map(|target| &*target.array).collect();
        arrays.dedup();
        for array in arrays {
            writeln!(text, "[[array]]\nname = {array:?}")?;
            for target in self.targets.iter().filter(|target| target.array == array) {
                let Target { kind, only, .. } = target;
                let path = self.seen(&target.path);
                writeln!(
                    text,
                    "[[array.target]]\npath = {path:?}\nkind = {kind:?}\n{only}"
                )?;
            }
            if !self.hook.is_empty() {
                writeln!(text, "[[array.hook]]\ncommand = {:?}", self.hook)?;
            }
        }
        fs::write(self.config(), text)?;
        Ok(())
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// The folder with configuration, state, keytabs and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The node's name in full, as the controller knows it.
    #[must_use]
    pub fn full_name(&self) -> String {
        self.lab.full_name(&self.node)
    }

    /// Its first keytab file for an array.
    ///
    /// # Panics
    /// If the agent has none: a mistake in the test.
    #[must_use]
    pub fn keytab(&self, array: &str) -> &Path {
        let found = self.targets.iter().find(|target| target.array == array);
        &found
            .unwrap_or_else(|| panic!("{} has no keytab of {array}", self.node))
            .path
    }

    /// A verb of the agent's program, not started yet.
    ///
    /// # Errors
    /// The program was not built.
    pub fn command(&self, verb: &str) -> Result<Command> {
        if let Some(wine) = &self.wine {
            let mut command = wine.on(&self.lab, &self.node);
            command
                .arg(verb)
                .arg("--config")
                .arg(self.seen(&self.config()));
            let (name, wishes) = self.wishes.variable();
            command.env(name, self.seen(wishes));
            return Ok(command);
        }
        let program = program("keyroll-agent")?;
        let mut command = self.lab.on_through(&self.node, &self.wrapper, program);
        command.arg(verb).arg("--config").arg(self.config());
        command.envs([self.wishes.variable()]);
        Ok(command)
    }

    /// Joins with the line that `keyroll node add` printed.
    ///
    /// # Errors
    /// The line is of another form, or the agent refused, with what it said.
    pub fn join(&self, line: &str) -> Result<()> {
        let invitation = line
            .split('\'')
            .nth(1)
            .with_context(|| format!("no join line: {line}"))?;
        output_with(&mut self.command("join")?, invitation).map(drop)
    }

    /// Starts it and waits until it answers on its health port.
    ///
    /// # Errors
    /// It ended, or does not answer in time; with its last words.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(&[])
    }

    /// The same with more in its environment.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub fn start_with(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        self.launch_with(environment)?;
        let process = self.process.as_mut().context("it was just started")?;
        let (node, port) = (self.lab.full_name(&self.node), HEALTH_PORT);
        let answer = until("the agent to answer", seconds(60), || {
            if let Some(status) = process.ended()? {
                return Ok(Some(status));
            }
            get(&node, port, "/live").map(|_| None)
        });
        match answer {
            Ok(None) => Ok(()),
            Ok(Some(status)) => bail!("{node}'s agent ended: {status}\n{}", process.last_words()),
            Err(error) => Err(error.context(process.last_words())),
        }
    }

    fn launch_with(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        let mut command = self.command("run")?;
        command.envs(environment.iter().copied());
        self.process = Some(Process::start(&mut command, &self.log())?);
        Ok(())
    }

    /// Its process number.
    ///
    /// # Errors
    /// It does not run.
    pub fn id(&self) -> Result<u32> {
        let process = self.process.as_ref().map(Process::id);
        process.with_context(|| format!("the agent of {} does not run", self.node))
    }

    /// Its process.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process
            .as_mut()
            .with_context(|| format!("the agent of {} does not run", self.node))
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

    /// The health endpoint's status and text, e.g. `(503, "web: quarantined")`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn health(&self, path: &str) -> Result<(u16, String)> {
        get(&self.full_name(), HEALTH_PORT, path)
    }

    /// What HAProxy's agent-check is told.
    ///
    /// # Errors
    /// It does not answer.
    pub fn agent_check(&self) -> Result<String> {
        let mut answer = String::new();
        connect(&self.full_name(), AGENT_CHECK_PORT)?.read_to_string(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// Waits until the health endpoint says that an array may be served.
    ///
    /// # Errors
    /// It does not in time; with the reason that it gives.
    pub fn wait_ready(&self, array: &str, limit: Duration) -> Result<()> {
        until(&format!("{} to be ready", self.node), limit, || {
            let (status, text) = self.health(&format!("/ready/{array}"))?;
            ensure!(status == 200, "{status} {text}");
            Ok(())
        })
    }
}

impl Mortal for Agent {
    fn name(&self) -> String {
        format!("the agent of {}", self.node)
    }

    fn launch(&mut self) -> Result<()> {
        self.launch_with(&[])
    }

    fn process(&mut self) -> Result<&mut Process> {
        Self::process(self)
    }

    fn wishes(&self) -> &Wishes {
        &self.wishes
    }
}

/// What the health endpoint of an agent on `host` says: status and text.
///
/// # Errors
/// It does not answer.
pub fn ready(host: &str, path: &str) -> Result<(u16, String)> {
    get(host, HEALTH_PORT, path)
}

/// One HTTP request; a library for this would be most of the crate.
fn get(host: &str, port: u16, path: &str) -> Result<(u16, String)> {
    let mut stream = connect(host, port)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.trim().to_owned());
    Ok((
        status.with_context(|| format!("no HTTP: {answer:?}"))?,
        body.unwrap_or_default(),
    ))
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).with_context(|| format!("{host}:{port}"))?;
    stream.set_read_timeout(Some(seconds(5)))?;
    Ok(stream)
}
