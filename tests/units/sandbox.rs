//! A unit's restrictions: that they are in force, and that nothing has died of them.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::output;
use keyroll_tests::wait::until;
use keyroll_tests::world::SOON;

use crate::machine::Machine;

/// A unit, and what is promised of it.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// Its name.
    pub unit: &'static str,
    /// `systemd-analyze security`, in tenths, at the most.
    pub exposure: u32,
    /// The capabilities that its process has, as `/proc/PID/status` has them.
    pub capabilities: &'static str,
}

/// None at all.
pub const CONTROLLER: Promise = Promise {
    unit: "keyroll-controller",
    exposure: 12,
    capabilities: "0000000000000000",
};

/// CAP_CHOWN, CAP_DAC_OVERRIDE and CAP_FOWNER: bits 0, 1 and 3.
pub const AGENT: Promise = Promise {
    unit: "keyroll-agent",
    exposure: 18,
    capabilities: "000000000000000b",
};

impl Promise {
    /// That the process of the unit is restricted, and what systemd makes of it.
    ///
    /// # Errors
    /// What it may do that it should not.
    pub fn is_kept(self, machine: &Machine) -> Result<String> {
        let unit = self.unit;
        let id = self.process(machine)?;
        let status = status(machine, id)?;
        let of = |name: &str| value(&status, name);
        for name in ["CapPrm", "CapEff", "CapBnd"] {
            ensure!(
                of(name)? == self.capabilities,
                "{unit}: {name} {}",
                of(name)?
            );
        }
        // What a hook inherits.
        ensure!(of("CapAmb")? == "0000000000000000", "{unit}: CapAmb");
        ensure!(of("NoNewPrivs")? == "1", "{unit} may gain rights");
        let user = of("Uid")?;
        ensure!(!user.starts_with("0\t"), "{unit} runs as root: {user}");
        let filters = |text: &str| -> Result<u32> { Ok(value(text, "Seccomp_filters")?.parse()?) };
        // The machine has some itself.
        let around = filters(&self::status(machine, 1)?)?;
        ensure!(
            filters(&status)? > around,
            "{unit} has no filter of system calls of its own"
        );
        let own = machine.property(unit, "MainPID")?;
        let mut touch = machine.on("nsenter");
        touch.args(["--target", &own, "--mount", "touch", "/usr/bin/x"]);
        let refused = output(&mut touch).err().context("it may write to /usr")?;
        ensure!(
            refused.to_string().contains("Read-only file system"),
            "{refused}"
        );
        self.judged(machine)
    }

    /// The figure of `systemd-analyze security`.
    fn judged(self, machine: &Machine) -> Result<String> {
        let mut analyze = machine.on("systemd-analyze");
        let text = output(analyze.args(["security", "--no-pager", self.unit]))?;
        let line = text.lines().find(|line| line.contains("Overall exposure"));
        let figure = line.and_then(|line| line.split(": ").nth(1)?.split(' ').next());
        let figure = figure.with_context(|| format!("no figure:\n{text}"))?;
        let tenths: u32 = figure.replace('.', "").parse()?;
        ensure!(
            tenths <= self.exposure,
            "{} is exposed by {figure}",
            self.unit
        );
        Ok(format!("{} {figure}", self.unit))
    }

    /// That its memory is locked: `None` where this machine lets nobody lift the limit.
    ///
    /// # Errors
    /// It is not, though it may be.
    pub fn is_locked(self, machine: &Machine) -> Result<Option<u64>> {
        let id = self.process(machine)?;
        let limits = fs::read_to_string(machine.passing(&format!("/proc/{id}/limits")))?;
        let limit = limits
            .lines()
            .find(|line| line.starts_with("Max locked memory"));
        if !limit.context("no limit")?.contains("unlimited  ") {
            return Ok(None);
        }
        let status = status(machine, id)?;
        let locked = value(&status, "VmLck")?.trim_end_matches(" kB").parse()?;
        ensure!(locked > 1000, "{} has locked {locked} KiB", self.unit);
        Ok(Some(locked))
    }

    /// Killed, it is back.
    ///
    /// # Errors
    /// It is not in time.
    pub fn comes_back(self, machine: &Machine) -> Result<()> {
        let id = self.process(machine)?.to_string();
        output(machine.on("kill").args(["-9", &id]))?;
        until(&format!("{} to be back", self.unit), SOON, || {
            let restarts = machine.property(self.unit, "NRestarts")?;
            let state = machine.property(self.unit, "ActiveState")?;
            ensure!(restarts == "1" && state == "active", "{restarts}, {state}");
            Ok(())
        })
    }

    /// When it last told systemd's watchdog that it lives.
    ///
    /// # Errors
    /// systemd does not tell.
    pub fn last_sign(self, machine: &Machine) -> Result<String> {
        machine.property(self.unit, "WatchdogTimestampMonotonic")
    }

    /// Asked to end it ends well; and it was never ended but by our own `kill -9`, not by a system
    /// call that is forbidden (SIGSYS, exit status 31) either.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn ends_well(self, machine: &Machine) -> Result<()> {
        let unit = self.unit;
        let restarts = machine.property(unit, "NRestarts")?;
        ensure!(restarts == "1", "{unit} was started {restarts} times");
        machine.systemctl(&["stop", unit])?;
        let result = machine.property(unit, "Result")?;
        ensure!(result == "success", "{unit} ended by {result}");
        let journal = machine.journal(unit);
        let ends = journal
            .lines()
            .filter(|line| line.contains("Main process exited"));
        let strange: Vec<&str> = ends
            .filter(|line| !line.contains("status=9/KILL"))
            .collect();
        ensure!(strange.is_empty(), "{unit}: {strange:?}");
        Ok(())
    }

    fn process(self, machine: &Machine) -> Result<u32> {
        let id = machine.property(self.unit, "MainPID")?.parse()?;
        ensure!(id != 0, "{} does not run", self.unit);
        Ok(id)
    }
}

/// `/proc/PID/status` of a process of the machine, by its number there.
fn status(machine: &Machine, id: u32) -> Result<String> {
    Ok(fs::read_to_string(
        machine.passing(&format!("/proc/{id}/status")),
    )?)
}

fn value<'a>(status: &'a str, name: &str) -> Result<&'a str> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.with_context(|| format!("no {name}"))?.trim())
}
