//! `keyroll-controller init | check | restore | run`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::Config;
use crate::daemon::{self, DaemonError};
use crate::restore::{Contents, restore};

/// Exit codes, as sysexits(3) numbers them: 65 bad input, 78 configuration, 70 a fatal fault, 75
/// try again.
const BAD_INPUT: u8 = 65;
const CONFIGURATION: u8 = 78;
const FAULT: u8 = 70;
const TEMPORARY: u8 = 75;

const AFTER_HELP: &str = "Examples:
  keyroll-controller check
  keyroll-controller init
  keyroll-controller restore keyroll.backup --dry-run
  keyroll-controller run --config /etc/keyroll/controller.toml

Exit codes: 0 it ended as asked; 65 the backup cannot be used; 70 nothing more may be done (see the
log; the next start takes up where the journal ends); 75 something is missing right now (a port, a
file); 78 the configuration is wrong.";

#[derive(Parser)]
#[command(
    name = "keyroll-controller",
    version,
    about = "Rolls the passwords of shared Kerberos service accounts without a failed login",
    after_help = AFTER_HELP
)]
struct CommandLine {
    /// The configuration file.
    #[arg(long, global = true, default_value = "/etc/keyroll/controller.toml")]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make the sealing key, the store and the certificate authority of a new controller.
    #[command(after_help = "Examples:\n  keyroll-controller init")]
    Init,
    /// Check the configuration; nothing is opened or changed.
    #[command(after_help = "Examples:\n  keyroll-controller check --config ./controller.toml")]
    Check,
    /// Make the state of a controller from a backup; it needs the sealing key of that time.
    ///
    /// A store that is there is never replaced. What was restored does nothing for any array until
    /// `keyroll recover` has looked what the nodes and the directory have.
    #[command(after_help = "Examples:\n  keyroll-controller restore keyroll.backup --dry-run")]
    Restore {
        /// What `keyroll backup` wrote.
        backup: PathBuf,
        /// Check the whole backup and show what is in it; make nothing.
        #[arg(long)]
        dry_run: bool,
        /// For people or for programs.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Serve, until stopped.
    #[command(
        after_help = "Examples:\n  keyroll-controller run\n  systemctl start keyroll-controller"
    )]
    Run,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// The whole command line, as its pages are made from it.
#[must_use]
pub fn definition() -> clap::Command {
    CommandLine::command()
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    protect();
    match act(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, what)) => {
            complain(&what);
            ExitCode::from(code)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own voice")]
fn complain(what: &str) {
    eprintln!("keyroll-controller: {what}");
}

#[expect(clippy::print_stdout, reason = "the command line's own voice")]
fn say(what: &str) {
    println!("{what}");
}

fn act(line: &CommandLine) -> Result<(), (u8, String)> {
    let config = Config::read(&line.config).map_err(|error| (CONFIGURATION, error.to_string()))?;
    let code = |error: DaemonError| {
        let code = match &error {
            DaemonError::Config(_) => CONFIGURATION,
            DaemonError::Input(_) => BAD_INPUT,
            DaemonError::Setup { .. } => TEMPORARY,
            DaemonError::Fatal(_) => FAULT,
        };
        (code, error.to_string())
    };
    match &line.verb {
        Verb::Check => {
            config
                .directory
                .settings()
                .map_err(|error| (CONFIGURATION, error.to_string()))?;
            say(&format!("{} is valid", line.config.display()));
            Ok(())
        }
        Verb::Init => {
            daemon::init(&config)
                .map_err(code)?
                .iter()
                .for_each(|done| say(done));
            say("next: keyroll-controller run (or systemctl start keyroll-controller)");
            Ok(())
        }
        Verb::Restore {
            backup,
            dry_run,
            output,
        } => {
            let contents = restore(&config, backup, *dry_run).map_err(code)?;
            show(&contents, *dry_run, *output);
            Ok(())
        }
        Verb::Run => {
            log();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(|error| (TEMPORARY, format!("no runtime: {error}")))?;
            runtime
                .block_on(daemon::run(config, asked_to_stop()))
                .map_err(code)
        }
    }
}

fn show(contents: &Contents, dry_run: bool, output: Output) {
    if output == Output::Json {
        let json = serde_json::to_string(contents).unwrap_or_else(|error| error.to_string());
        return say(&json);
    }
    contents.lines().iter().for_each(|line| say(line));
    if dry_run {
        return say("nothing was made; the backup is whole");
    }
    say("restored; it is older than the nodes and the directory, and does nothing for them yet");
    say(
        "whoever was revoked, replaced or removed since the backup is trusted again: see to it \
         first (keyroll operator list, keyroll node list)",
    );
    say("next: systemctl start keyroll-controller, then: keyroll recover --all --dry-run");
}

/// No core dump and no debugger sees this process's memory, and it is not swapped out where it may
/// be locked without a limit, as the unit says and root can: at a limit, allocations would fail.
fn protect() {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
    };
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

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    tracing::info!("asked to stop");
}
