//! The agent as a service: installed and removed here, run in [`run`].

mod run;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Subcommand;
use windows_registry::LOCAL_MACHINE;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

pub use self::run::{asked_to_stop, ready, run, stopping};
use super::obeyed::{program_of_ours, take_home};
use crate::command_line::say;
use crate::config::Config;
use crate::exit::Exit;
use crate::obeyed;
use crate::trouble::{Trouble, chain};

/// The service's name, and that of its source in the event log.
pub const NAME: &str = "keyroll-agent";

/// Where the event log looks for what a source's numbers mean.
const SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\keyroll-agent";
/// Part of Windows: it has a message of one free text for each number from 1 to 1000.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Errors, warnings, information.
const KINDS: u32 = 7;

/// How long a start may take, or a stop that says nothing of its progress.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an older one that was removed may take to go. It does once nobody has it open: an
/// upgrade comes right after it, and the console of services keeps it until that is closed.
const GOING: Duration = Duration::from_secs(30);
/// How often its state is asked for meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// `ERROR_SERVICE_DOES_NOT_EXIST`, `ERROR_SERVICE_EXISTS`, `ERROR_SERVICE_NOT_ACTIVE`,
/// `ERROR_SERVICE_ALREADY_RUNNING`.
const ABSENT: i32 = 1060;
const THERE: i32 = 1073;
const NOT_RUNNING: i32 = 1062;
const RUNNING: i32 = 1056;
/// `ERROR_DEPENDENT_SERVICES_RUNNING`, `ERROR_SERVICE_MARKED_FOR_DELETE`.
const NEEDED: i32 = 1051;
const LEAVING: i32 = 1072;
/// `ERROR_INVALID_LEVEL`: what wine says of the recovery.
const UNKNOWN: i32 = 124;

/// What can be done with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Install it, or bring it up to date: started with the machine, as SYSTEM, and again after a
    /// failure.
    #[command(after_help = "Examples:\n  keyroll-agent service install\n  \
        keyroll-agent --config D:\\keyroll\\agent.toml service install")]
    Install,
    /// Stop and remove it; keytabs, certificate and settings stay.
    #[command(after_help = "Examples:\n  keyroll-agent service uninstall")]
    Uninstall,
    /// Start it, and wait until it serves.
    #[command(after_help = "Examples:\n  keyroll-agent service start")]
    Start,
    /// Stop it, and wait until it has ended; a keytab that is being written is finished.
    #[command(after_help = "Examples:\n  keyroll-agent service stop")]
    Stop,
    /// What the service control manager runs.
    #[command(hide = true)]
    Run,
}

/// Does it.
///
/// # Errors
/// [`Trouble`].
pub fn act(verb: Verb, settings: &Path) -> Result<Exit, Trouble> {
    match verb {
        Verb::Install => install(settings)?,
        Verb::Uninstall => uninstall()?,
        Verb::Start => start()?,
        Verb::Stop => stop(&open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)?)?,
        Verb::Run => run::run(settings)?,
    }
    Ok(Exit::Done)
}

fn install(settings: &Path) -> Result<(), Trouble> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| Trouble::new(Exit::System, format!("{}: {error}", path.display())))
    };
    let settings = absolute(settings)?;
    take_home(&super::home())?;
    // A service that cannot read its settings would fail again and again.
    let config = Config::read(&settings).map_err(|error| {
        Trouble::of(Exit::Settings, &error).next("write them, then keyroll-agent check")
    })?;
    obeyed::demand(&settings, &config)?;
    let arguments = [
        "--config".into(),
        settings.clone().into(),
        "service".into(),
        "run".into(),
    ];
    let wanted = ServiceInfo {
        name: NAME.into(),
        display_name: "keyroll agent".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program_of_ours()?,
        launch_arguments: arguments.to_vec(),
        dependencies: Vec::new(),
        account_name: None,
        account_password: None,
    };
    register_source(&settings)?;
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let controller = controller(ServiceManagerAccess::CREATE_SERVICE)?;
    let service = once_gone(Instant::now() + GOING, || {
        match controller.create_service(&wanted, access) {
            Err(error) if is(&error, THERE) => {
                let service = controller.open_service(NAME, access)?;
                service.change_config(&wanted)?;
                Ok(service)
            }
            outcome => outcome,
        }
    });
    let service = service.map_err(uncreated)?;
    let about = "Holds the keys of shared Kerberos service accounts on this node, as told";
    service.set_description(about).map_err(failed("describe"))?;
    recover(&service)
}

/// Does `attempt`, and again until `until` as long as an older service of the name is going.
fn once_gone<T>(
    until: Instant,
    mut attempt: impl FnMut() -> windows_service::Result<T>,
) -> windows_service::Result<T> {
    loop {
        match attempt() {
            Err(error) if is(&error, LEAVING) && Instant::now() < until => {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn uncreated(error: windows_service::Error) -> Trouble {
    let is_leaving = is(&error, LEAVING);
    let trouble = failed("create")(error);
    if !is_leaving {
        return trouble;
    }
    trouble.next(
        "close what has the removed one open, such as services.msc, then keyroll-agent service \
         install",
    )
}

/// Restarted after 1, 5 and then every 30 seconds, counted anew after a quiet day; also when it
/// ends with an exit code.
fn recover(service: &Service) -> Result<(), Trouble> {
    let restart = |seconds| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(seconds),
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let actions = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(day),
        reboot_msg: None,
        command: None,
        actions: Some([1, 5, 30].map(restart).to_vec()),
    };
    let set = service
        .update_failure_actions(actions)
        .and_then(|()| service.set_failure_actions_on_non_crash_failures(true));
    match set {
        Err(error) if is(&error, UNKNOWN) => {
            say("installed; this system restarts no service after a failure, so watch it");
            Ok(())
        }
        outcome => outcome.map_err(failed("set the recovery of")),
    }
}

fn uninstall() -> Result<(), Trouble> {
    let access = ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE;
    let service = open(access)?;
    stop(&service)?;
    service.delete().map_err(failed("remove"))?;
    match LOCAL_MACHINE.remove_tree(SOURCE) {
        Ok(()) => Ok(()),
        Err(error) => {
            let what = format!("cannot remove the event source {NAME}: {error}");
            Err(Trouble::new(Exit::System, what))
        }
    }
}

fn start() -> Result<(), Trouble> {
    let service = open(ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
    match service.start::<OsString>(&[]) {
        Err(error) if is(&error, RUNNING) => return Ok(()),
        outcome => outcome.map_err(failed("start"))?,
    }
    await_state(&service, ServiceState::Running, "start").map_err(|trouble| {
        trouble.next(
            "Get-WinEvent -FilterHashtable @{LogName='Application';ProviderName='keyroll-agent'}",
        )
    })
}

fn stop(service: &Service) -> Result<(), Trouble> {
    match service.stop() {
        Err(error) if is(&error, NOT_RUNNING) => return Ok(()),
        outcome => outcome.map_err(unstopped)?,
    };
    await_state(service, ServiceState::Stopped, "stop")
}

fn unstopped(error: windows_service::Error) -> Trouble {
    let is_needed = is(&error, NEEDED);
    let trouble = failed("stop")(error);
    if !is_needed {
        return trouble;
    }
    trouble.next(
        "sc.exe enumdepend keyroll-agent names the services that depend on it; stop them first, or \
         end that: sc.exe config NAME depend= /",
    )
}

/// Waits until the service is in `state`; Windows tells nobody, so it is asked. As long as it says
/// that it goes on it is waited for.
fn await_state(service: &Service, state: ServiceState, doing: &'static str) -> Result<(), Trouble> {
    let (mut until, mut reached) = (Instant::now() + PATIENCE, 0);
    loop {
        let found = service.query_status().map_err(failed("look at"))?;
        if found.current_state == state {
            return Ok(());
        }
        if found.checkpoint > reached {
            (until, reached) = (Instant::now() + PATIENCE, found.checkpoint);
        }
        if found.current_state == ServiceState::Stopped || Instant::now() > until {
            let now = format!("{:?}, {:?}", found.current_state, found.exit_code);
            let what = format!("cannot {doing} the service {NAME}: it is {now}");
            return Err(Trouble::new(Exit::System, what));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Notes the settings there as well: an upgrade takes the service away, and has it installed again
/// with the ones that it had (agent/windows/keyroll-agent.wxs).
fn register_source(settings: &Path) -> Result<(), Trouble> {
    let register = || {
        let source = LOCAL_MACHINE.create(SOURCE)?;
        source.set_expand_string("EventMessageFile", MESSAGES)?;
        source.set_string("Settings", settings.display().to_string())?;
        source.set_u32("TypesSupported", KINDS)
    };
    register().map_err(|error| {
        let what = format!("cannot register the event source {NAME}: {error}");
        Trouble::new(Exit::System, what).next("repeat it as an administrator")
    })
}

fn controller(access: ServiceManagerAccess) -> Result<ServiceManager, Trouble> {
    let access = access | ServiceManagerAccess::CONNECT;
    ServiceManager::local_computer(None::<OsString>, access).map_err(|error| {
        let what = format!(
            "cannot reach the service control manager: {}",
            chain(&error)
        );
        Trouble::new(Exit::System, what).next("repeat it as an administrator")
    })
}

fn open(access: ServiceAccess) -> Result<Service, Trouble> {
    controller(ServiceManagerAccess::CONNECT)?
        .open_service(NAME, access)
        .map_err(|error| {
            let absent = is(&error, ABSENT);
            let trouble = failed("open")(error);
            if absent {
                trouble.next("keyroll-agent service install")
            } else {
                trouble
            }
        })
}

fn is(error: &windows_service::Error, code: i32) -> bool {
    matches!(error, windows_service::Error::Winapi(error) if error.raw_os_error() == Some(code))
}

fn failed(doing: &'static str) -> impl Fn(windows_service::Error) -> Trouble {
    move |error| {
        let what = format!("cannot {doing} the service {NAME}: {}", chain(&error));
        Trouble::new(Exit::System, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(code: i32) -> windows_service::Error {
        windows_service::Error::Winapi(std::io::Error::from_raw_os_error(code))
    }

    #[test]
    fn a_service_that_others_depend_on_is_told_of_with_what_to_do() {
        let told = unstopped(says(NEEDED)).to_string();
        assert!(
            told.contains("cannot stop the service keyroll-agent"),
            "{told}"
        );
        assert!(
            told.contains("Next: sc.exe enumdepend keyroll-agent"),
            "{told}"
        );
        let told = unstopped(says(5)).to_string();
        assert!(!told.contains("Next"), "{told}");
    }

    #[test]
    fn an_older_service_that_is_going_is_waited_for() {
        let mut attempts = 0;
        let made = once_gone(Instant::now() + Duration::from_secs(60), || {
            attempts += 1;
            if attempts < 3 {
                Err(says(LEAVING))
            } else {
                Ok(())
            }
        });
        assert!(made.is_ok());
        assert_eq!(attempts, 3);
        // Not beyond its time, and not for anything else.
        let late = once_gone(Instant::now(), || Err::<(), _>(says(LEAVING))).unwrap_err();
        let told = uncreated(late).to_string();
        assert!(
            told.contains("Next: close what has the removed one open"),
            "{told}"
        );
        let until = Instant::now() + Duration::from_secs(60);
        let told = uncreated(once_gone(until, || Err::<(), _>(says(5))).unwrap_err()).to_string();
        assert!(!told.contains("Next"), "{told}");
    }
}
