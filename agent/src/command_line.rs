//! `keyroll-agent check | show | join | run`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use keyroll_proto::Invitation;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::atomic_file::{self, Access};
use crate::config::{Config, ConfigError};
use crate::exit::{EXITS, Exit};
use crate::identity::{Identity, NewKey};
use crate::look::{self, Output};
use crate::state::private_folder;
use crate::trouble::Trouble;
use crate::{enroll, obeyed, platform, serve};

#[derive(Parser)]
#[command(
    name = "keyroll-agent",
    version,
    about = "Holds the keys of shared Kerberos service accounts on this node, as told",
    after_help = EXITS
)]
struct CommandLine {
    /// The settings.
    #[arg(long, global = true, default_value_os_t = platform::settings())]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Look at the settings and every keytab; nothing is changed.
    #[command(
        after_help = "Examples:\n  keyroll-agent check\n  keyroll-agent check --output json\n  \
        keyroll-agent check --config ./agent.toml"
    )]
    Check {
        /// For people or for programs.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Show what the keytabs hold: principal, kvno, enctype, time; never a key.
    #[command(after_help = "Examples:\n  keyroll-agent show\n  keyroll-agent show --output json")]
    Show {
        /// For people or for programs.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Join by an invitation, which comes on standard input (or in a file, never as an argument).
    #[command(
        after_help = "Examples:\n  echo 'keyroll-invitation-1 ...' | keyroll-agent join\n  \
        keyroll-agent join --invitation-file ./invitation\n  \
        keyroll-agent join --csr-out node.csr --node web1.corp.example\n  \
        keyroll-agent join --certificate node.crt --authorities ca.crt"
    )]
    Join {
        /// The file with the invitation; `-` is standard input.
        #[arg(long, default_value = "-", conflicts_with_all = ["csr_out", "certificate"])]
        invitation_file: PathBuf,
        /// Where the controller shall dial this agent, host:port; by default the node's name and
        /// the port of `listen`.
        #[arg(long)]
        address: Option<String>,
        /// Join by files: write a signing request here, to be carried to `keyroll node add --csr`.
        #[arg(long, requires = "node")]
        csr_out: Option<PathBuf>,
        /// The node's name, for the signing request.
        #[arg(long)]
        node: Option<NodeName>,
        /// Join by files: the certificate that came back.
        #[arg(long, requires = "authorities")]
        certificate: Option<PathBuf>,
        /// Join by files: the authorities that came with it.
        #[arg(long)]
        authorities: Option<PathBuf>,
    },
    /// Serve the controller, until stopped.
    #[command(after_help = "Examples:\n  keyroll-agent run\n  systemctl start keyroll-agent")]
    Run,
    /// How IIS authenticates by Kerberos.
    #[cfg(windows)]
    #[command(subcommand)]
    Iis(platform::iis::Verb),
    /// The agent as a service of Windows.
    #[cfg(windows)]
    #[command(subcommand)]
    Service(platform::service::Verb),
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
    platform::protect();
    match act(line) {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            complain(&trouble.to_string());
            trouble.exit.into()
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own voice")]
fn complain(what: &str) {
    eprintln!("keyroll-agent: {what}");
}

#[expect(clippy::print_stdout, reason = "the command line's own voice")]
pub(crate) fn say(what: &str) {
    println!("{what}");
}

fn act(line: CommandLine) -> Result<Exit, Trouble> {
    let config = || {
        Config::read(&line.config).map_err(|error| {
            let exit = match &error {
                ConfigError::File(_) => Exit::InputOutput,
                ConfigError::Syntax { .. } | ConfigError::Values { .. } => Exit::Settings,
            };
            Trouble::of(exit, &error).next("keyroll-agent check --config FILE")
        })
    };
    // Whoever joins puts a key where the settings say, and tells the controller what they say.
    let to_join = || {
        let config = config()?;
        obeyed::demand_to_join(&line.config, &config)?;
        Ok::<_, Trouble>(config)
    };
    match line.verb {
        Verb::Check { output } => Ok(look::check(&line.config, &config()?, output)),
        Verb::Show { output } => Ok(look::show(&config()?, output)),
        Verb::Join {
            csr_out: Some(out),
            node: Some(node),
            ..
        } => request(&to_join()?, &out, &node),
        Verb::Join {
            certificate: Some(certificate),
            authorities,
            ..
        } => take(&to_join()?, &certificate, authorities.as_deref()),
        Verb::Join {
            invitation_file,
            address,
            ..
        } => join(&to_join()?, &invitation_file, address),
        Verb::Run => {
            let config = config()?;
            obeyed::demand(&line.config, &config)?;
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(false);
            log(config.log, lines);
            serve(config)?;
            Ok(Exit::Done)
        }
        #[cfg(windows)]
        Verb::Iis(verb) => platform::iis::act(&verb),
        #[cfg(windows)]
        Verb::Service(verb) => platform::service::act(verb, &line.config),
    }
}

/// Serves until asked to stop; a keytab that is being written then is finished first.
pub(crate) fn serve(config: Config) -> Result<(), Trouble> {
    runtime()?.block_on(serve::run(config, asked_to_stop()))
}

/// One thread: an agent waits nearly always, and each thread costs memory.
fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // For files. Each array's wait for its lock, so few work at once.
        .max_blocking_threads(4)
        .build()
        .map_err(|error| Trouble::new(Exit::System, format!("no runtime: {error}")))
}

fn join(config: &Config, file: &Path, address: Option<String>) -> Result<Exit, Trouble> {
    let unread = |error: std::io::Error| {
        let what = format!("cannot read the invitation {}: {error}", file.display());
        Trouble::new(Exit::InputOutput, what)
    };
    let mut line = Zeroizing::new(String::with_capacity(1024));
    if file == Path::new("-") {
        std::io::stdin()
            .take(4096)
            .read_to_string(&mut line)
            .map_err(unread)?;
    } else {
        std::fs::File::open(file)
            .map_err(unread)?
            .take(4096)
            .read_to_string(&mut line)
            .map_err(unread)?;
    }
    // What is printed is for a shell, and each puts something of its own around it: cmd.exe hands
    // on the quotes, a PowerShell may begin with a byte order mark.
    let is_around = |c: char| c.is_whitespace() || ['\'', '\u{feff}'].contains(&c);
    let invitation: Invitation = line.trim_matches(is_around).parse().map_err(|error| {
        Trouble::of(Exit::Damaged, &error).next("keyroll node add ARRAY NODE prints one")
    })?;
    let address =
        address.unwrap_or_else(|| format!("{}:{}", invitation.node, config.listen.port()));
    private(&config.state)?;
    let reply = runtime()?.block_on(enroll::join(&config.state, &invitation, &address))?;
    say(&format!(
        "{} has joined {}",
        invitation.node,
        reply.arrays.join(", ")
    ));
    say_next();
    Ok(Exit::Done)
}

fn say_next() {
    let start = platform::START;
    let then = "one that runs goes on with the new identity by itself";
    say(&format!("next: {start} (or keyroll-agent run); {then}"));
}

const WAITING: &str = "joining.key";

fn request(config: &Config, out: &Path, node: &NodeName) -> Result<Exit, Trouble> {
    private(&config.state)?;
    let new = NewKey::make(node.as_str()).map_err(|error| Trouble::of(Exit::Internal, &error))?;
    let csr = ::pem::encode(&::pem::Pem::new("CERTIFICATE REQUEST", new.request.clone()));
    let write = |path: &Path, bytes: &SecretBytes| {
        atomic_file::replace(path, bytes, &Access::PRIVATE)
            .map_err(|error| Trouble::of(Exit::CannotWrite, &error))
    };
    let sealed = platform::seal(new.into_pem())
        .map_err(|error| Trouble::new(Exit::System, format!("cannot seal the new key: {error}")))?;
    write(&config.state.join(WAITING), &sealed)?;
    let absolute = std::path::absolute(out)
        .map_err(|error| Trouble::new(Exit::CannotWrite, format!("{}: {error}", out.display())))?;
    write(&absolute, &SecretBytes::new(csr.into_bytes()))?;
    say(&format!(
        "next: keyroll node add ARRAY {node} --csr {}",
        out.display()
    ));
    Ok(Exit::Done)
}

fn take(config: &Config, certificate: &Path, authorities: Option<&Path>) -> Result<Exit, Trouble> {
    let read = |path: &Path| {
        atomic_file::read(path).map_err(|error| Trouble::of(Exit::InputOutput, &error))
    };
    let certificates = |path: &Path| -> Result<Vec<Vec<u8>>, Trouble> {
        let bytes = read(path)?;
        let all = CertificateDer::pem_slice_iter(bytes.expose());
        all.map(|one| one.map(|der| der.to_vec()))
            .collect::<Result<_, _>>()
            .map_err(|error| Trouble::new(Exit::Damaged, format!("{}: {error}", path.display())))
    };
    let waiting = config.state.join(WAITING);
    let sealed = read(&waiting).map_err(|trouble| {
        trouble.next("keyroll-agent join --csr-out FILE --node NAME comes first")
    })?;
    let key = platform::unseal(sealed)
        .map_err(|error| Trouble::new(Exit::Damaged, format!("{}: {error}", waiting.display())))?;
    let chain = certificates(certificate)?;
    let authorities = certificates(authorities.unwrap_or(certificate))?;
    Identity::keep(&config.state, &key, &chain, &authorities)
        .map_err(|error| Trouble::of(Exit::Damaged, &error))?;
    crate::effect::remove(&waiting).ok();
    say("joined");
    say_next();
    Ok(Exit::Done)
}

/// Makes the state folder if it is missing, for nobody else's eyes.
fn private(folder: &Path) -> Result<(), Trouble> {
    private_folder(folder).map_err(|error| Trouble::of(Exit::CannotWrite, &error))
}

/// Logs our own doing at `level`, and what libraries say of theirs at most at `info`: below that
/// they show the bytes they carry.
pub(crate) fn log<L>(level: tracing::Level, lines: L)
where
    L: tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync,
{
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let (own, others) = (level, level.min(tracing::Level::INFO));
    let filter = Targets::new()
        .with_default(LevelFilter::from_level(others))
        .with_target("keyroll", own)
        .with_target("keyroll_agent", own)
        .with_target("keyroll_proto", own);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
}

async fn asked_to_stop() {
    platform::asked_to_stop().await;
    tracing::info!("asked to stop");
}
