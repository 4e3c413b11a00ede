//! What stands in for Windows PowerShell with the agent's script in it, and for the IIS behind it.
#![expect(clippy::print_stdout, reason = "what is asked for is answered so")]
#![expect(clippy::print_stderr, reason = "what goes wrong is said so")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyroll_agent::iis_pool::power_shell::{ARGUMENTS, SCRIPT};
use serde::{Deserialize, Serialize};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    Works,
    /// IIS refuses, and repeats the password in its text.
    Refuses,
    /// The interface is not there.
    Absent,
    /// It never answers.
    Hangs,
    /// It ends before IIS has the password.
    DiesBefore,
    /// It ends after that, and says nothing.
    DiesAfter,
    /// It says that it is done.
    Lies,
    /// It puts the password there as it is.
    Clear,
    /// It ends without having listened.
    Deaf,
}

/// What it is told, in a file beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    pub way: Way,
    pub config: PathBuf,
    /// Whether IIS recycles a pool when its settings change.
    pub rotates: bool,
    /// Whether the pool runs.
    pub started: bool,
}

/// What it is told, and what it tells: each start of it, a line.
pub const TOLD: &str = "told.json";
pub const RUNS: &str = "runs";

/// As IIS keeps it: the provider of the test encrypts nothing.
fn sealed(password: &str) -> String {
    format!("[enc:Provider:{}:enc]", STANDARD.encode(password))
}

/// The password of the pool in the file, and where it stands.
pub fn kept(text: &str) -> (String, std::ops::Range<usize>) {
    let begins = text.find("password=\"").unwrap() + "password=\"".len();
    let ends = begins + text[begins..].find('"').unwrap();
    let value = &text[begins..ends];
    let inner = value.strip_prefix("[enc:Provider:");
    let inner = inner.and_then(|value| value.strip_suffix(":enc]"));
    let password = inner.map(|inner| String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap());
    (password.unwrap_or_else(|| value.to_owned()), begins..ends)
}

pub fn run() -> ExitCode {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    let told: Told = serde_json::from_slice(&fs::read(folder.join(TOLD)).unwrap()).unwrap();
    if told.way == Way::Deaf {
        eprintln!("out of memory");
        return ExitCode::from(9);
    }
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).unwrap();
    let lines: Vec<&str> = input.lines().collect();
    let [what, pool, account, password] = lines[..] else {
        eprintln!("not four lines");
        return ExitCode::FAILURE;
    };
    let text = |line: &str| String::from_utf8(STANDARD.decode(line).unwrap()).unwrap();
    let (pool, account, password) = (text(pool), text(account), text(password));
    if let Err(leak) = nothing_leaks(&password) {
        eprintln!("{leak}");
        return ExitCode::FAILURE;
    }
    let (outcome, recycle, why) = act(&told, what, &pool, &account, &password);
    let why = STANDARD.encode(why);
    let mut runs = fs::read_to_string(folder.join(RUNS)).unwrap_or_default();
    runs.push_str(&format!("{what} {outcome} {recycle}\n"));
    fs::write(folder.join(RUNS), runs).unwrap();
    match (told.way, what) {
        (_, "try") => {}
        (Way::DiesBefore | Way::DiesAfter, _) => return ExitCode::from(137),
        (Way::Hangs, _) => loop {
            std::thread::park();
        },
        _ => {}
    }
    println!("{{\"outcome\":\"{outcome}\",\"recycle\":\"{recycle}\",\"why\":\"{why}\"}}");
    ExitCode::SUCCESS
}

/// The arguments are the agent's own, each time the same, and neither in them nor in the
/// environment stands the password.
fn nothing_leaks(password: &str) -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (script, switches) = arguments.split_last().unwrap();
    if switches != ARGUMENTS || script != SCRIPT {
        return Err(format!("other arguments: {arguments:?}"));
    }
    let encoded = STANDARD.encode(password);
    for (name, value) in std::env::vars() {
        let has = |secret: &str| !secret.is_empty() && value.contains(secret);
        if has(password) || has(&encoded) {
            return Err(format!("in the environment: {name}"));
        }
    }
    Ok(())
}

/// What the script does, in its order.
fn act(
    told: &Told,
    what: &str,
    pool: &str,
    account: &str,
    password: &str,
) -> (&'static str, &'static str, String) {
    let nothing = |outcome| (outcome, "none", String::new());
    if told.way == Way::Absent {
        return (
            "failed",
            "none",
            "Could not load file or assembly".to_owned(),
        );
    }
    let text = fs::read_to_string(&told.config).unwrap();
    if pool != "Shop & More" {
        return nothing("no-pool");
    } else if !text.contains(&format!("userName=\"{account}\"")) {
        return nothing("other-account");
    } else if what == "try" {
        return nothing("could");
    }
    let (has, place) = kept(&text);
    let mut outcome = "had";
    if has != password {
        let value = match told.way {
            Way::Refuses => {
                let why = format!("cannot set {password} there");
                return ("failed", "none", why);
            }
            Way::DiesBefore | Way::Lies => text[place.clone()].to_owned(),
            Way::Clear => password.to_owned(),
            _ => sealed(password),
        };
        write(&told.config, &text, place, &value);
        outcome = "given";
    }
    let recycle = match (told.rotates, told.started) {
        (true, _) if outcome == "given" => "by-itself",
        (true, _) => "none",
        (false, false) => "stopped",
        (false, true) if what == "give-and-recycle" => "asked",
        (false, true) => "left",
    };
    (outcome, recycle, String::new())
}

fn write(config: &Path, text: &str, place: std::ops::Range<usize>, value: &str) {
    let mut text = text.to_owned();
    text.replace_range(place, value);
    fs::write(config, text).unwrap();
}
