//! R14, R15: the agent is killed at every system call of a keytab's write, and every call of it
//! that has to do with a file fails, in each way that a disk fails. The calls are those that a
//! trace of the write shows, so that a new one cannot be forgotten.
//!
//! How: this program, run by itself under `strace`, does one write with the agent's own code.
//! Ignored, and the reason said, where nothing may be traced.

#![allow(
    clippy::disallowed_types,
    reason = "a test may wait for a program to end"
)]

#[cfg(unix)]
mod every;
#[cfg(unix)]
mod scenario;
#[cfg(unix)]
mod trace;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    every::run()
}

/// There is no strace on Windows.
#[cfg(windows)]
fn main() {}
