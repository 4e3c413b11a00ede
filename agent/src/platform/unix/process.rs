//! This process, and those that it starts.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// A child and everything that it starts.
#[derive(Debug)]
pub struct Family(Option<Pid>);

impl Family {
    /// Has `command` start as the head of a family of its own, with a bare environment.
    pub fn prepare(command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .process_group(0);
    }

    /// The family of a child that was started by such a command.
    #[must_use]
    pub fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Ends all of them at once.
    pub fn kill(&self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// No core dump and no debugger sees this process's memory, and it is not swapped out where it may
/// be locked without a limit, as the unit says and root can: at a limit, allocations would fail.
/// To be called before any thread is made: what this one gives up, its threads lack, too.
pub fn protect() {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
    };
    // The unit's powers over files are the agent's, not its hooks': ambient ones outlive an exec.
    rustix::thread::clear_ambient_capability_set().ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    let only = |most| Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Core, only(Some(0))).ok();
    setrlimit(Resource::Memlock, only(None)).ok();
    if getrlimit(Resource::Memlock).current.is_none() {
        // Pages are locked as they are used: address space that is only reserved costs nothing.
        let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        mlockall(all).ok();
    }
}

/// How long the machine was awake, from some moment on: the steady clock does not count sleep here.
#[must_use]
pub fn awake() -> Option<Duration> {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Some(BEGAN.elapsed())
}

/// Ends when this process is asked to: SIGTERM or SIGINT.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}
