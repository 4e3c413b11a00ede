//! The operators' command line, asked as a script would ask it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::lab::program;

/// `keyroll` on the controller's local socket.
#[derive(Debug, Clone)]
pub struct Cli {
    program: PathBuf,
    socket: PathBuf,
    environment: BTreeMap<&'static str, OsString>,
    /// Goes before the program: `unshare`, for one.
    wrapper: Vec<String>,
}

/// How one command ended.
#[derive(Debug)]
pub struct Said {
    /// The command, for messages.
    pub command: String,
    /// Its exit code.
    pub exit: i32,
    /// What it printed: a JSON reply.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// An error as `--output json` prints it.
#[derive(Debug, Clone)]
pub struct Complaint {
    /// The exit code.
    pub exit: i32,
    /// The stable word.
    pub code: String,
    /// What happened, to which object, and why.
    pub message: String,
    /// The next command.
    pub next: String,
}

impl Cli {
    /// The command line for the controller at `socket`.
    ///
    /// # Errors
    /// The program was not built.
    pub fn new(socket: &Path) -> Result<Self> {
        Ok(Self {
            program: program("keyroll")?,
            socket: socket.to_owned(),
            environment: BTreeMap::new(),
            wrapper: Vec::new(),
        })
    }

    /// All that it has said so far, whatever came of it.
    #[must_use]
    pub fn said(&self) -> PathBuf {
        self.socket.with_file_name("said")
    }

    /// Has every command from now on find `value` under `name`; none takes it away.
    pub fn set(&mut self, name: &'static str, value: Option<OsString>) {
        match value {
            Some(value) => self.environment.insert(name, value),
            None => self.environment.remove(name),
        };
    }

    /// Runs every command through another program from now on.
    pub fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
    }

    /// Whether commands find something of their own under `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    /// The command with its standing options.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(&[&["--output", "json"], arguments].concat())
    }

    /// The same in a form of one's own.
    #[must_use]
    pub fn command_in(&self, arguments: &[&str]) -> Command {
        let mut command = match self.wrapper.split_first() {
            None => Command::new(&self.program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
        };
        command
            .envs(&self.environment)
            .arg("--socket")
            .arg(&self.socket)
            .args(arguments);
        command
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Errors
    /// It cannot be started, or was ended by a signal.
    pub fn ask(&self, arguments: &[&str]) -> Result<Said> {
        self.ask_with(arguments, b"")
    }

    /// The same with something on standard input.
    ///
    /// # Errors
    /// As [`Cli::ask`].
    pub fn ask_with(&self, arguments: &[&str], input: &[u8]) -> Result<Said> {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing may have closed it: its exit code says what matters.
            drop(stdin.write_all(input));
        }
        let done = child.wait_with_output()?;
        let command = format!("keyroll {}", arguments.join(" "));
        let mut said = fs::File::options()
            .create(true)
            .append(true)
            .open(self.said())?;
        said.write_all(&[&done.stdout[..], &done.stderr[..], b"\n"].concat())?;
        let exit = done
            .status
            .code()
            .with_context(|| format!("{command}: {}", done.status))?;
        Ok(Said {
            command,
            exit,
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// The reply to a command that must succeed.
    ///
    /// # Errors
    /// It did not, with all that it said.
    pub fn run(&self, arguments: &[&str]) -> Result<Value> {
        self.ask(arguments)?.reply()
    }
}

impl Said {
    /// What `status` tells, whether an alarm is critical or not.
    ///
    /// # Errors
    /// Any other end; or what it printed is no JSON.
    pub fn status(mut self) -> Result<Value> {
        if self.exit == 1 {
            self.exit = 0;
        }
        self.reply()
    }

    /// The reply, if the command succeeded.
    ///
    /// # Errors
    /// It did not, with all that it said; or what it printed is no JSON.
    pub fn reply(&self) -> Result<Value> {
        let Self {
            command,
            exit,
            stdout,
            stderr,
        } = self;
        ensure!(*exit == 0, "{command} ended with {exit}:\n{stdout}{stderr}");
        serde_json::from_str(stdout)
            .with_context(|| format!("{command} printed no JSON:\n{stdout}"))
    }

    /// The error, if the command failed and printed one.
    ///
    /// # Errors
    /// It succeeded, or complained in another form.
    pub fn complaint(&self) -> Result<Complaint> {
        let Self {
            command,
            exit,
            stdout,
            stderr,
        } = self;
        if *exit == 0 {
            bail!("{command} succeeded, though it should not have:\n{stdout}");
        }
        let last = stderr
            .lines()
            .rev()
            .find(|line| line.starts_with('{'))
            .unwrap_or_default();
        let parsed: Value = serde_json::from_str(last)
            .with_context(|| format!("{command} complained in no JSON:\n{stdout}{stderr}"))?;
        let text = |name: &str| {
            parsed["error"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Complaint {
            exit: *exit,
            code: text("code"),
            message: text("message"),
            next: text("next"),
        })
    }
}
