//! `keyroll-agent check | show | join | run`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use keyroll_proto::Invitation;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use zeroize::Zeroizing;

use crate::atomic_file::{self, Access};
use crate::config::{Config, ConfigError, PATH};
use crate::exit::{EXITS, Exit};
use crate::identity::{Identity, IdentityError, NewKey};
use crate::keytab_file::Target;
use crate::state::private_folder;
use crate::trouble::{Trouble, chain};
use crate::{enroll, serve};

#[derive(Parser)]
#[command(
    name = "keyroll-agent",
    version,
    about = "Holds the keys of shared Kerberos service accounts on this node, as told",
    after_help = EXITS
)]
struct CommandLine {
    /// The settings.
    #[arg(long, global = true, default_value = PATH)]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Look at the settings and every keytab; nothing is changed.
    #[command(
        after_help = "Examples:\n  keyroll-agent check\n  keyroll-agent check --config ./agent.toml"
    )]
    Check,
    /// Show what the keytabs hold: principal, kvno, enctype, time; never a key.
    #[command(after_help = "Examples:\n  keyroll-agent show\n  keyroll-agent show --output json")]
    Show {
        /// For people or for programs.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Join by an invitation, which comes on standard input (or in a file, never as an argument).
    #[command(
        after_help = "Examples:\n  keyroll-agent join <<< 'keyroll-invitation-1 ...'\n  \
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
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    protect();
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
fn say(what: &str) {
    println!("{what}");
}

/// No core dump and no debugger sees this process's memory.
fn protect() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )
    .ok();
}

fn act(line: CommandLine) -> Result<Exit, Trouble> {
    let config = Config::read(&line.config).map_err(|error| {
        let exit = match &error {
            ConfigError::File(_) => Exit::InputOutput,
            ConfigError::Syntax { .. } | ConfigError::Values { .. } => Exit::Settings,
        };
        Trouble::of(exit, &error).next("keyroll-agent check --config FILE")
    })?;
    match line.verb {
        Verb::Check => Ok(check(&config)),
        Verb::Show { output } => Ok(show(&config, output)),
        Verb::Join {
            csr_out: Some(out),
            node: Some(node),
            ..
        } => request(&config, &out, &node),
        Verb::Join {
            certificate: Some(certificate),
            authorities,
            ..
        } => take(&config, &certificate, authorities.as_deref()),
        Verb::Join {
            invitation_file,
            address,
            ..
        } => join(&config, &invitation_file, address),
        Verb::Run => {
            log(config.log);
            runtime()?.block_on(serve::run(config, asked_to_stop()))?;
            Ok(Exit::Done)
        }
    }
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

fn targets(config: &Config) -> impl Iterator<Item = (&keyroll::name::ArrayName, &Target)> {
    config.arrays.iter().flat_map(|array| {
        array
            .targets
            .iter()
            .map(move |target| (&array.name, target))
    })
}

fn check(config: &Config) -> Exit {
    let mut wrong = 0;
    let mut tell = |object: &str, verdict: Result<String, String>| match verdict {
        Ok(fine) => say(&format!("ok       {object}: {fine}")),
        Err(why) => {
            wrong += 1;
            say(&format!("TROUBLE  {object}: {why}"));
        }
    };
    let identity = match Identity::load(&config.state) {
        Ok(identity) => Ok(format!("joined as {}", identity.node())),
        Err(error @ IdentityError::NotJoined) => Err(format!(
            "{error}; next: keyroll node add ARRAY NODE on the controller"
        )),
        Err(error) => Err(chain(&error)),
    };
    tell("identity", identity);
    for (_, target) in targets(config) {
        let object = target.path.display().to_string();
        let folder = target.path.parent().unwrap_or(Path::new("/"));
        let verdict = match target.entries() {
            Ok(entries) => Ok(format!("{} entries", entries.len())),
            Err(crate::keytab_file::KeytabError::File(error)) if error.is_missing() => {
                Ok("not there yet".to_owned())
            }
            Err(error) => Err(chain(&error)),
        };
        let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK);
        let verdict = verdict.and_then(|fine| match writable {
            Ok(()) => Ok(fine),
            Err(error) => Err(format!("cannot write in {}: {error}", folder.display())),
        });
        tell(&object, verdict);
    }
    if wrong == 0 { Exit::Done } else { Exit::Found }
}

fn show(config: &Config, output: Output) -> Exit {
    let mut exit = Exit::Done;
    let mut files = Vec::new();
    for (array, target) in targets(config) {
        let path = target.path.display().to_string();
        let (entries, trouble) = match target.entries() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        if trouble.is_some() {
            exit = Exit::Found;
        }
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| match entry {
                None => json!({ "principal": null }),
                Some(entry) => json!({
                    "principal": entry.principal.to_string(),
                    "kvno": entry.kvno.0,
                    "enctype": entry.known_key().map(|key| key.enctype().name()),
                    "timestamp": entry.timestamp,
                }),
            })
            .collect();
        files.push(json!({ "array": array, "path": path, "entries": entries, "trouble": trouble }));
    }
    if output == Output::Json {
        say(&json!({ "files": files }).to_string());
        return exit;
    }
    for file in &files {
        say(&format!(
            "{} (array {})",
            text(&file["path"]),
            text(&file["array"])
        ));
        if let Some(trouble) = file["trouble"].as_str() {
            say(&format!("  TROUBLE: {trouble}"));
        }
        for entry in file["entries"].as_array().into_iter().flatten() {
            let (principal, enctype) = (text(&entry["principal"]), text(&entry["enctype"]));
            let kvno = entry["kvno"].as_u64().unwrap_or_default();
            say(&format!("  kvno {kvno:<6} {enctype:<28} {principal}"));
        }
    }
    exit
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("(unreadable)")
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
    let invitation: Invitation = line.trim().parse().map_err(|error| {
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
    say(NEXT);
    Ok(Exit::Done)
}

const NEXT: &str = "next: systemctl start keyroll-agent (or keyroll-agent run); one that runs goes \
                    on with the new identity by itself";
const WAITING: &str = "joining.key";

fn request(config: &Config, out: &Path, node: &NodeName) -> Result<Exit, Trouble> {
    private(&config.state)?;
    let new = NewKey::make(node.as_str()).map_err(|error| Trouble::of(Exit::Internal, &error))?;
    let csr = ::pem::encode(&::pem::Pem::new("CERTIFICATE REQUEST", new.request.clone()));
    let write = |path: &Path, bytes: &SecretBytes| {
        atomic_file::replace(path, bytes, Access::PRIVATE)
            .map_err(|error| Trouble::of(Exit::CannotWrite, &error))
    };
    write(&config.state.join(WAITING), &new.into_pem())?;
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
    let key = read(&waiting).map_err(|trouble| {
        trouble.next("keyroll-agent join --csr-out FILE --node NAME comes first")
    })?;
    let chain = certificates(certificate)?;
    let authorities = certificates(authorities.unwrap_or(certificate))?;
    Identity::keep(&config.state, &key, &chain, &authorities)
        .map_err(|error| Trouble::of(Exit::Damaged, &error))?;
    crate::effect::remove(&waiting).ok();
    say("joined");
    say(NEXT);
    Ok(Exit::Done)
}

/// Makes the state folder if it is missing, for nobody else's eyes.
fn private(folder: &Path) -> Result<(), Trouble> {
    private_folder(folder).map_err(|error| Trouble::of(Exit::CannotWrite, &error))
}

/// Logs our own doing at `level`, and what libraries say of theirs at most at `info`: below that
/// they show the bytes they carry.
fn log(level: tracing::Level) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let (own, others) = (level, level.min(tracing::Level::INFO));
    let filter = Targets::new()
        .with_default(LevelFilter::from_level(others))
        .with_target("keyroll", own)
        .with_target("keyroll_agent", own)
        .with_target("keyroll_proto", own);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
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
