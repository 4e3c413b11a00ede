//! This process, and those that it starts.

use std::path::PathBuf;
use std::time::Duration;

use keyroll_windows::job::Job;
use tokio::process::{Child, Command};

/// A child and everything that it starts.
#[derive(Debug)]
pub struct Family(Option<Job>);

impl Family {
    /// Has `command` start with a bare environment.
    pub fn prepare(command: &mut Command) {
        let root = system_root();
        let programs = root.join("System32");
        command
            .env_clear()
            // Without it hardly a program starts.
            .env("SystemRoot", &root)
            .env("PATH", &programs)
            .current_dir(&programs);
    }

    /// The family of a child. What it starts before this belongs to nobody.
    #[must_use]
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Job::of(id).ok()))
    }

    /// Ends all of them at once.
    pub fn kill(&self) {
        if let Some(job) = &self.0 {
            job.end().ok();
        }
    }
}

pub(super) fn system_root() -> PathBuf {
    let root = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    PathBuf::from(root)
}

/// No report of a crash holds this process's memory.
pub fn protect() {
    keyroll_windows::process::leave_no_dump();
}

/// Ends when the console asks: Ctrl-C, the console's end, or the machine's.
pub async fn asked_to_stop() {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let (Ok(mut c), Ok(mut pause), Ok(mut close), Ok(mut shutdown)) =
        (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown())
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = c.recv() => {}
        _ = pause.recv() => {}
        _ = close.recv() => {}
        _ = shutdown.recv() => {}
    }
}

/// How long the machine was awake, from some moment on. None if it does not say.
#[must_use]
pub fn awake() -> Option<Duration> {
    keyroll_windows::clock::awake().ok()
}

/// Nobody asks to be told that this process still turns.
pub async fn watchdog() {
    std::future::pending().await
}
