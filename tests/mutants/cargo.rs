//! Calls of cargo, and what rustc finds wrong.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Cargo as the caller has it, in this folder.
pub fn plain(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder);
    // Set by the cargo that runs this program, and none of the others' business.
    for name in [
        "CARGO",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(name);
    }
    command
}

/// A place in a file where rustc stopped.
#[derive(Debug)]
pub struct Complaint {
    pub file: String,
    pub range: Range<usize>,
    pub text: String,
}

/// What came of a compilation.
pub enum Compiled {
    /// It worked; the program, if one was made.
    Program(Option<PathBuf>),
    Complaints(Vec<Complaint>),
}

#[derive(Deserialize)]
struct Line {
    executable: Option<PathBuf>,
    message: Option<Message>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize, Clone)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
    expansion: Option<Box<Expansion>>,
}

#[derive(Deserialize, Clone)]
struct Expansion {
    span: Span,
}

/// Compiles the core's unit tests in `tree`; `check` leaves it at finding what is wrong.
pub fn compile(tree: &Path, target: &Path, check: bool) -> Result<Compiled> {
    let mut command = plain(tree);
    let words: &[&str] = if check {
        &["check"]
    } else {
        &["test", "--no-run"]
    };
    command.args(words).args([
        "--package",
        "keyroll",
        "--lib",
        "--profile",
        "mutants",
        "--locked",
    ]);
    command
        .arg("--message-format=json")
        .arg("--target-dir")
        .arg(target);
    // The switch in a `const fn`, which is code of the standard library's kind.
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "--cap-lints=allow");
    let output = command.stderr(Stdio::inherit()).output().context("cargo")?;
    let mut complaints = Vec::new();
    let mut program = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        if line.target.is_none_or(|target| target.name != "keyroll") {
            continue;
        }
        program = program.or(line.executable);
        complaints.extend(
            line.message
                .filter(|one| one.level == "error")
                .and_then(placed),
        );
    }
    if output.status.success() {
        return Ok(Compiled::Program(program));
    }
    if complaints.is_empty() {
        anyhow::bail!("cargo failed, and said nothing of the core");
    }
    Ok(Compiled::Complaints(complaints))
}

fn placed(message: Message) -> Option<Complaint> {
    let primary = message.spans.iter().find(|span| span.is_primary)?;
    let mut span = primary;
    // What stands in a macro of somebody else's: where it is called.
    while let (false, Some(outer)) = (span.file_name.starts_with("src/"), &span.expansion) {
        span = &outer.span;
    }
    let range = span.byte_start..span.byte_end;
    let text = message.rendered.unwrap_or_default();
    Some(Complaint {
        file: span.file_name.clone(),
        range,
        text,
    })
}
