//! The throw-away Active Directory of `tests/lab`: entered, and reached from within.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

/// The lab that this process runs in.
#[derive(Debug, Clone)]
pub struct Lab {
    /// Its folder: state, logs, keytabs. Removed when the lab ends.
    pub dir: PathBuf,
    /// `CORP.EXAMPLE`.
    pub realm: String,
    /// `corp.example`.
    pub domain: String,
    /// Host names in full, the first one holding the PDC emulator's role.
    pub dcs: Vec<String>,
    /// Short names, `node1` and so on.
    pub nodes: Vec<String>,
    /// The CA of the domain controllers' certificates, PEM.
    pub ca: PathBuf,
}

impl Lab {
    /// The lab around this process.
    ///
    /// # Errors
    /// There is none, or its variables are not what `tests/lab/README.md` says.
    pub fn here() -> Result<Self> {
        let text = |name: &str| {
            env::var(name).with_context(|| format!("{name} is not set: not inside tests/lab/run"))
        };
        let words = |name: &str| -> Result<Vec<String>> {
            Ok(text(name)?.split_whitespace().map(str::to_owned).collect())
        };
        Ok(Self {
            dir: text("LAB_DIR")?.into(),
            realm: text("LAB_REALM")?,
            domain: text("LAB_DOMAIN")?,
            dcs: words("LAB_DCS")?,
            nodes: words("LAB_NODES")?,
            ca: text("LAB_CA")?.into(),
        })
    }

    /// Whether this process runs in a lab.
    #[must_use]
    pub fn is_here() -> bool {
        env::var("LAB").is_ok_and(|value| value == "1")
    }

    /// Runs this very program again, with the same arguments, inside a new lab.
    ///
    /// # Errors
    /// The lab's script cannot be started.
    pub fn enter(dcs: usize, nodes: usize) -> Result<ExitCode> {
        let run = tests_folder().join("lab/run");
        let this = env::current_exe().context("this program's own path")?;
        let status = Command::new(&run)
            .args(["--dcs", &dcs.to_string(), "--nodes", &nodes.to_string()])
            .arg(this)
            .args(env::args_os().skip(1))
            .status()
            .with_context(|| format!("starting {}", run.display()))?;
        Ok(ExitCode::from(
            u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
        ))
    }

    /// A program on one of the lab's hosts. It becomes the program, so signals sent to the child
    /// arrive there.
    #[must_use]
    pub fn on(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("lab-exec");
        command.arg(host).arg(program);
        command
    }

    /// The same through another program, such as `faketime`, if `wrapper` names one.
    #[must_use]
    pub fn on_through(&self, host: &str, wrapper: &[String], program: PathBuf) -> Command {
        let Some((first, rest)) = wrapper.split_first() else {
            return self.on(host, program);
        };
        let mut command = self.on(host, first);
        command.args(rest).arg(program);
        command
    }

    /// A node's name in full.
    #[must_use]
    pub fn full_name(&self, host: &str) -> String {
        format!("{host}.{}", self.domain)
    }

    /// A folder below the lab's, made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }
}

/// The `tests` folder of the sources, where the lab's scripts lie.
#[must_use]
pub fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A built program of this workspace.
///
/// # Errors
/// It was not built: a test crate cannot have cargo build another crate's programs.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = match env::var_os("KEYROLL_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let this = env::current_exe().context("this program's own path")?;
            let beside = this.parent().map(Path::to_owned).unwrap_or_default();
            // Test programs lie in `deps`, one below the others.
            if beside.ends_with("deps") {
                beside.join("..")
            } else {
                beside
            }
        }
    };
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{} has not been built; run `cargo build` before `cargo test` (`make test` does), or \
             name the folder with KEYROLL_BIN_DIR",
            path.display()
        );
    }
    Ok(path)
}

/// What a program printed, if it ended well.
///
/// # Errors
/// It cannot be started or ended badly; then with all that it said.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    printed(command, &done)
}

/// The same with a line on its standard input.
///
/// # Errors
/// As [`output`].
pub fn output_with(command: &mut Command, line: &str) -> Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {command:?}"))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    // One that fails early may have closed it: what it says matters.
    drop(writeln!(stdin, "{line}"));
    drop(stdin);
    printed(command, &child.wait_with_output()?)
}

fn printed(command: &Command, done: &Output) -> Result<String> {
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr);
        bail!("{command:?} ended with {}:\n{said}{complaint}", done.status);
    }
    Ok(said)
}
