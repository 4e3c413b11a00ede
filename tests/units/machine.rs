//! A host of the lab with a live systemd.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use keyroll_tests::lab::{Lab, output, output_with, program, tests_folder};
use keyroll_tests::process::{Process, last_lines};
use keyroll_tests::wait::until;
use keyroll_tests::world::SOON;

/// One machine; gone when dropped.
#[derive(Debug)]
pub struct Machine {
    /// Its host's short name.
    pub host: String,
    folder: PathBuf,
    process: Process,
    /// Its systemd's number, seen from here.
    pub leader: u32,
}

impl Machine {
    /// Switches one on for each host, and waits until all are up.
    ///
    /// # Errors
    /// One is not up in time, with what it wrote to its console.
    pub fn boot<const COUNT: usize>(lab: &Lab, hosts: [&str; COUNT]) -> Result<[Self; COUNT]> {
        let all = lab.folder("machines")?;
        let programs = program("keyroll")?;
        let programs = programs.parent().context("the programs' folder")?;
        let start = |host: &str| -> Result<Self> {
            let folder = all.join(host);
            let mut boot = Command::new(tests_folder().join("units/boot"));
            boot.arg(host).arg(&folder).arg(programs.canonicalize()?);
            let process = Process::start(&mut boot, &all.join(format!("{host}.console")))?;
            Ok(Self {
                host: host.to_owned(),
                folder,
                process,
                leader: 0,
            })
        };
        let machines: Result<Vec<Self>> = hosts.into_iter().map(start).collect();
        let mut machines = machines?;
        machines.iter_mut().try_for_each(Self::wait_up)?;
        let many = |_| anyhow::anyhow!("a machine for each host");
        machines.try_into().map_err(many)
    }

    fn wait_up(&mut self) -> Result<()> {
        let id = self.process.id();
        let children = format!("/proc/{id}/task/{id}/children");
        until(&format!("{} to be up", self.host), SOON, || {
            let found = fs::read_to_string(&children)?;
            self.leader = found.trim().parse().context("no systemd yet")?;
            self.systemctl(&["is-active", "--quiet", "machine.target"])
        })
        .with_context(|| self.process.last_words())
    }

    /// A path of the machine, seen from here.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path.trim_start_matches('/'))
    }

    /// A path in the machine's memory alone, such as those below `/run`, seen from here.
    pub fn passing(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.leader))
    }

    /// A program on the machine, as root there.
    pub fn on(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args(["--target", &self.leader.to_string(), "--all", "--", program]);
        command
    }

    /// `systemctl` on the machine.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn systemctl(&self, arguments: &[&str]) -> Result<()> {
        output(self.on("systemctl").args(arguments)).map(drop)
    }

    /// Runs one of the scripts beside this file, with a line on its standard input.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn type_in(&self, script: &str, line: &str) -> Result<()> {
        output_with(&mut self.on(&format!("/opt/units/{script}")), line).map(drop)
    }

    /// One property of a unit.
    ///
    /// # Errors
    /// systemd does not tell.
    pub fn property(&self, unit: &str, name: &str) -> Result<String> {
        let name = format!("--property={name}");
        let mut show = self.on("systemctl");
        let shown = output(show.args(["show", unit, "--value", &name]))?;
        Ok(shown.trim().to_owned())
    }

    /// What a unit has written so far, and systemd about it.
    pub fn journal(&self, unit: &str) -> String {
        let mut read = self.on("journalctl");
        read.args(["--no-pager", "--output=cat", "--unit", unit]);
        output(&mut read).unwrap_or_else(|error| error.to_string())
    }

    /// The last words of all that runs there, for a failure's text.
    pub fn story(&self) -> String {
        let journal = self.folder.with_extension("journal");
        let units = ["keyroll-controller", "keyroll-agent"];
        let told: String = units.into_iter().map(|unit| self.journal(unit)).collect();
        let kept = fs::write(&journal, told);
        let last = kept.map_or_else(|error| error.to_string(), |()| last_lines(&journal, 25));
        format!("\n--- {}\n{last}", self.host)
    }
}
