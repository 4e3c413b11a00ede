//! Real users who log in all the time, and the count of those who could not.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::Value;

use crate::lab::Lab;
use crate::wait::{seconds, until};

/// Who logs in where, and how often.
#[derive(Debug, Clone)]
pub struct Load {
    /// The service's host name in the SPN.
    pub host: String,
    /// The nodes asked directly, in turn; none: through the balancer.
    pub direct: Vec<String>,
    /// Logins a second with a ticket fetched for each.
    pub fresh: u32,
    /// Logins a second with a ticket got before, and no means to get another.
    pub cached: u32,
    /// The domain controllers that they ask first, in turn; none: all.
    pub dcs: Vec<String>,
    /// How long those cached tickets live, in seconds; at least 5.
    pub lifetime: u32,
}

/// Logins under way. Stopped when dropped.
#[derive(Debug)]
pub struct Logins {
    child: Child,
    out: PathBuf,
}

/// What the logins came to.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Summary {
    /// All of them.
    pub tried: u64,
    /// Those that failed, and tickets that could not be had.
    pub failed: u64,
    /// Those with a fresh ticket.
    pub fresh: u64,
    /// Those with a cached one.
    pub cached: u64,
    /// Those that began a second late: the machine was too busy for the rate.
    pub late: u64,
    /// Those that failed after their ticket's life, on a machine too busy to answer within it.
    pub expired: u64,
    /// Each failure in full, up to a screenful of them.
    #[serde(skip)]
    pub failures: String,
}

impl Logins {
    /// Starts, and returns when the first login has been answered.
    ///
    /// # Errors
    /// Nobody logs in.
    pub fn start(lab: &Lab, name: &str, load: &Load) -> Result<Self> {
        let out = lab.folder("logins")?.join(name);
        let mut command = Command::new("lab-clients");
        command.arg("run").arg("--out").arg(&out);
        for (option, value) in [
            ("--rate", load.fresh.to_string()),
            ("--cached-rate", load.cached.to_string()),
            ("--lifetime", format!("{}s", load.lifetime)),
            ("--url", format!("http://{}/", load.host)),
        ] {
            command.args([option, &value]);
        }
        if !load.direct.is_empty() {
            command.args(["--direct", &load.direct.join(",")]);
        }
        if !load.dcs.is_empty() {
            command.args(["--dcs", &load.dcs.join(",")]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = child.spawn().context("starting lab-clients")?;
        let logins = Self { child, out };
        until("the first login", seconds(60), || {
            let lines = fs::read_to_string(&logins.out)?.lines().count();
            ensure!(lines > 0, "nobody has logged in yet");
            Ok(())
        })?;
        Ok(logins)
    }

    /// How many logins there were so far, and how many failed.
    ///
    /// # Errors
    /// Their file cannot be read.
    pub fn so_far(&self) -> Result<(u64, u64)> {
        let text = fs::read_to_string(&self.out)?;
        let failed = text
            .lines()
            .filter(|line| line.contains("\"ok\": false"))
            .count();
        Ok((text.lines().count() as u64, failed as u64))
    }

    /// Ends it when the logins under way are answered.
    ///
    /// # Errors
    /// It ended otherwise, with what it said.
    pub fn stop(mut self) -> Result<Summary> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let read = |stream: Option<&mut dyn std::io::Read>| {
            let mut text = String::new();
            stream
                .map(|stream| stream.read_to_string(&mut text))
                .transpose()
                .map(|_| text)
        };
        let said = read(self.child.stdout.as_mut().map(|one| one as _))?;
        let complaint = read(self.child.stderr.as_mut().map(|one| one as _))?;
        let status = self.child.wait()?;
        ensure!(
            status.success(),
            "lab-clients ended with {status}\n{said}{complaint}"
        );
        let mut summary: Summary = serde_json::from_str(&said).context("lab-clients' summary")?;
        summary.failures = failures(&self.out)?;
        Ok(summary)
    }
}

impl Drop for Logins {
    fn drop(&mut self) {
        // Ended already, if it was stopped.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Summary {
    /// That some of both kinds were tried and all succeeded.
    ///
    /// # Errors
    /// What is missing, or every failure's text.
    pub fn none_failed(&self) -> Result<()> {
        let Self {
            tried,
            failed,
            fresh,
            cached,
            expired,
            ..
        } = self;
        ensure!(
            *failed == 0,
            "{failed} of {tried} logins failed:\n{}",
            self.failures
        );
        ensure!(
            *fresh > 0 && *cached > 0,
            "nothing was shown: {fresh} fresh, {cached} cached"
        );
        // What cannot be told from a busy machine must stay the exception.
        ensure!(
            expired * 4 <= *tried,
            "{expired} logins outlived their tickets, {tried} did not"
        );
        Ok(())
    }
}

/// Every failure's text, shortened to what fits a screen.
fn failures(out: &Path) -> Result<String> {
    let mut text = String::new();
    let lines = fs::read_to_string(out)?;
    let parsed = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in parsed.filter(|line| line["ok"] == false).take(5) {
        let error = line["error"].as_str().unwrap_or_default();
        let start: String = error.chars().take(1500).collect();
        writeln!(
            text,
            "{} {} at {}: {start}",
            line["time"], line["kind"], line["node"]
        )?;
    }
    Ok(text)
}
