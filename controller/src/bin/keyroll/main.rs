//! `keyroll`, the operators' command line: asks the controller and prints what it says.

mod approval;
mod array;
mod audit;
mod authority;
mod backup;
mod bind;
mod change;
mod command_line;
mod connect;
mod delegation;
mod doctor;
mod exit;
mod explain;
mod files;
mod node;
mod operator;
mod pages;
mod recover;
mod roll;
mod schedule;
mod screen;
mod session;
mod settings;
mod spn;
mod status;
mod trouble;
mod verify;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use crate::command_line::{CommandLine, Verb};
use crate::exit::Exit;
use crate::screen::{Format, Screen};
use crate::session::Session;
use crate::settings::{Asked, Reach};
use crate::trouble::Trouble;

fn main() -> ExitCode {
    forbid_core_dumps();
    let (line, verb) = match CommandLine::typed() {
        Ok(typed) => typed,
        Err(error) => return not_understood(&error),
    };
    let screen = Screen::new(
        line.globals.output,
        line.globals.color,
        line.globals.verbose,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(line, screen)),
        Err(error) => Err(Trouble::new(Exit::Internal, "runtime", error.to_string())),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            let trouble = trouble.or_help(&verb);
            screen.trouble(&trouble);
            ExitCode::from(trouble.exit)
        }
    }
}

async fn run(line: CommandLine, screen: Screen) -> Result<Exit, Trouble> {
    if screen.format == Format::Toml && !line.verb.prints_toml() {
        return Err(Trouble::usage("only `schedule show` prints TOML"));
    }
    if let Some(pages) = line.verb.pages() {
        return pages::run(pages, &screen);
    }
    if let Verb::Explain(asked) = &line.verb {
        return explain::run(asked, &screen);
    }
    let asked = Asked {
        config: line.globals.config,
        controller: line.globals.controller,
        socket: line.globals.socket,
    };
    let reach = Reach::decide(&asked, |name| std::env::var_os(name))?;
    let timeout = Duration::from_secs(line.globals.timeout.max(1));
    let session = Session::new(screen, reach, timeout);
    match line.verb {
        Verb::Array { verb } => array::run(verb, &session).await,
        Verb::Node { verb } => node::run(verb, &session).await,
        Verb::Roll(roll) => roll::run(roll, &session).await,
        Verb::Schedule { verb } => schedule::run(verb, &session).await,
        Verb::Verify(verify) => verify::run(verify, &session).await,
        Verb::Doctor(doctor) => doctor::run(doctor, &session).await,
        Verb::Explain(asked) => explain::run(&asked, &session.screen),
        Verb::Delegation { verb } => delegation::run(verb, &session).await,
        Verb::Status => status::run(&session).await,
        Verb::Audit { verb } => audit::run(verb, &session).await,
        Verb::Backup(backup) => backup::run(backup, &session).await,
        Verb::Recover(recover) => recover::run(recover, &session).await,
        Verb::Change { verb } => change::run(verb, &session).await,
        Verb::Spn { verb } => spn::run(verb, &session).await,
        Verb::Approval { verb } => approval::run(verb, &session).await,
        Verb::Authority { verb } => authority::run(verb, &session).await,
        Verb::Operator { verb } => operator::run(verb, &session).await,
        Verb::Pages(pages) => pages::run(pages, &session.screen),
    }
}

/// Help and versions go to standard output; what was not understood ends with the usage code, and
/// as JSON if the rest of the line asks for it.
fn not_understood(error: &clap::Error) -> ExitCode {
    let json = std::env::args().any(|word| word.ends_with("json"));
    if error.use_stderr() && json {
        let screen = Screen::new(Format::Json, clap::ColorChoice::Never, false);
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        screen.trouble(&Trouble::usage(text.trim_end()));
    } else {
        // Nobody is left to tell when the terminal is gone.
        let _ = error.print();
    }
    let usage = Exit::Usage.number();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(usage))
}

/// A password or a private key may pass through this process: no core may hold it.
fn forbid_core_dumps() {
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Refused only where the limit is lower already.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}
