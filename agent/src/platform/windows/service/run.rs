//! The agent while the service control manager runs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{
    self, ServiceControlHandlerResult, ServiceStatusHandle,
};
use windows_service::{define_windows_service, service_dispatcher};

use super::NAME;
use crate::command_line::{log, serve};
use crate::config::Config;
use crate::exit::Exit;
use crate::obeyed;
use crate::platform::windows::event_log::Lines;
use crate::platform::windows::obeyed::program_of_ours;
use crate::trouble::{Trouble, chain};

/// How long a start, or the next step of a stop, is said to take at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is said that a stop goes on. A file that somebody keeps open is waited for 10 s, a
/// hook up to its own limit, which may be ten minutes.
const BEAT: Duration = Duration::from_secs(1);
/// So often at the most: what hangs for longer is not waited for by whoever stops the service.
const LONGEST: u32 = 900;

/// Where the settings are; the entry below takes no argument of ours.
static SETTINGS: OnceLock<PathBuf> = OnceLock::new();
/// There once the service control manager runs this process.
static CONTROL: OnceLock<Control> = OnceLock::new();
static STOP: Notify = Notify::const_new();

struct Control {
    handle: ServiceStatusHandle,
    /// Whether the end was told: nothing may be told after it.
    ended: Mutex<bool>,
}

impl Control {
    fn say(&self, state: ServiceState, exit: ServiceExitCode) {
        self.say_how_far(state, exit, 0);
    }

    /// The same with a number that rises as long as there is progress; false once it has ended.
    fn say_how_far(&self, state: ServiceState, exit: ServiceExitCode, checkpoint: u32) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *ended {
            return false;
        }
        *ended = state == ServiceState::Stopped;
        let stoppable = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
        let running = state == ServiceState::Running;
        let pending = [ServiceState::StartPending, ServiceState::StopPending].contains(&state);
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: if running {
                stoppable
            } else {
                ServiceControlAccept::empty()
            },
            exit_code: exit,
            checkpoint,
            wait_hint: if pending { PATIENCE } else { Duration::ZERO },
            process_id: None,
        };
        if let Err(error) = self.handle.set_service_status(status) {
            tracing::warn!(error = chain(&error), "the service manager was not told");
        }
        true
    }
}

/// Hands this process to the service control manager; returns when the service has ended.
///
/// # Errors
/// [`Trouble`] if anybody else has started it.
pub fn run(settings: &Path) -> Result<(), Trouble> {
    SETTINGS.get_or_init(|| settings.to_owned());
    service_dispatcher::start(NAME, service_main).map_err(|error| {
        let what = format!(
            "only the service control manager runs this: {}",
            chain(&error)
        );
        Trouble::new(Exit::Usage, what).next("keyroll-agent service start")
    })
}

define_windows_service!(service_main, begin);

fn begin(_: Vec<OsString>) {
    let answer = |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without it nobody can be told anything.
    let Ok(handle) = service_control_handler::register(NAME, answer) else {
        return;
    };
    let control = CONTROL.get_or_init(|| Control {
        handle,
        ended: Mutex::new(false),
    });
    control.say(ServiceState::StartPending, ServiceExitCode::NO_ERROR);
    let exit = match serve_as_told() {
        Ok(()) => ServiceExitCode::NO_ERROR,
        Err(trouble) => {
            tracing::error!(why = %trouble, "the agent ended");
            ServiceExitCode::ServiceSpecific(trouble.exit as u32)
        }
    };
    control.say(ServiceState::Stopped, exit);
}

fn serve_as_told() -> Result<(), Trouble> {
    let path = SETTINGS
        .get()
        .cloned()
        .unwrap_or_else(super::super::settings);
    let config = Config::read(&path);
    let level = config
        .as_ref()
        .map_or(tracing::Level::INFO, |config| config.log);
    log(level, Lines::open());
    let config = config.map_err(|error| Trouble::of(Exit::Settings, &error))?;
    // SYSTEM obeys nobody else.
    program_of_ours()?;
    obeyed::demand(&path, &config)?;
    serve(config)
}

/// Ends when the service control manager asks for it; never if it does not run this process.
pub async fn asked_to_stop() {
    STOP.notified().await;
}

/// The agent serves.
pub fn ready() {
    if let Some(control) = CONTROL.get() {
        control.say(ServiceState::Running, ServiceExitCode::NO_ERROR);
    }
}

/// The agent ends, which is told again until it has: whoever waits for it sees that it goes on.
pub fn stopping() {
    let Some(control) = CONTROL.get() else {
        return;
    };
    let tell = |checkpoint| {
        let state = ServiceState::StopPending;
        control.say_how_far(state, ServiceExitCode::NO_ERROR, checkpoint)
    };
    tell(1);
    let beat = move || {
        for checkpoint in 2..LONGEST {
            std::thread::sleep(BEAT);
            if !tell(checkpoint) {
                return;
            }
        }
    };
    // Without it the first word stands alone.
    std::thread::Builder::new().spawn(beat).ok();
}
