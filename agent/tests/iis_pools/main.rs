//! The passwords of application pools on their way into IIS: the agent's own code, against a
//! stand-in for PowerShell and IIS.
//!
//! How: this program is its own stand-in. Where it is started with the arguments that the agent
//! has for PowerShell, it does what the agent's script says, to an `applicationHost.config` of the
//! test, and fails as it is told to. No IIS and no PowerShell is here: that the script does so
//! there, its grammar alone is checked (`controller/tests/cli/powershell.rs`).

#![allow(
    clippy::disallowed_methods,
    reason = "a test loses files as a careless person would, and ends as a program does"
)]

mod stand_in;
mod trials;

fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("-NoLogo") {
        return stand_in::run();
    }
    trials::run()
}
