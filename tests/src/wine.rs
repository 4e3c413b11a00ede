//! The agent of Windows, in a wine of its own on one of the lab's nodes.

use std::env;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::lab::{Lab, output};

/// Names the folder in which `agent/windows/cross` builds.
pub const VARIABLE: &str = "KEYROLL_WINDOWS";

/// A wine with the agent. Its server opens the sockets, so each node has one of its own.
#[derive(Debug)]
pub struct Wine {
    program: PathBuf,
    prefix: PathBuf,
    folder: PathBuf,
}

impl Wine {
    /// Whether there is an agent to be tried.
    #[must_use]
    pub fn is_there() -> bool {
        env::var_os(VARIABLE).is_some()
    }

    /// A wine below `folder`.
    ///
    /// # Errors
    /// There is none to be copied.
    pub fn of(folder: &Path) -> Result<Self> {
        let built = env::var_os(VARIABLE)
            .with_context(|| format!("{VARIABLE} is not set: run `agent/windows/cross mixed`"))?;
        let built = PathBuf::from(built);
        let prefix = folder.join("wine");
        output(
            Command::new("cp")
                .arg("--recursive")
                .arg("--no-dereference")
                .arg(built.join("wine"))
                .arg(&prefix),
        )?;
        // A drive of its own: above the folder there may be one in which everybody writes, and an
        // agent takes no settings from below such a folder.
        symlink(folder, prefix.join("dosdevices/k:"))?;
        let (folder, program) = (folder.to_owned(), "x86_64-pc-windows-gnu/debug");
        let program = built.join(program).join("keyroll-agent.exe");
        Ok(Self {
            program,
            prefix,
            folder,
        })
    }

    /// The agent on a node, without a verb.
    #[must_use]
    pub fn on(&self, lab: &Lab, node: &str) -> Command {
        let mut command = lab.on(node, "/usr/lib/wine/wine64");
        command.arg(&self.program).envs([
            ("WINEPREFIX", self.prefix.as_os_str()),
            ("WINEDEBUG", "-all".as_ref()),
            ("WINEDLLOVERRIDES", "mscoree=;mshtml=;winedbg.exe=".as_ref()),
        ]);
        command
    }

    /// A path of Linux as Windows programs name it there.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        let seen = match path.strip_prefix(&self.folder) {
            Ok(within) => format!("K:/{}", within.display()),
            Err(_) => format!("Z:{}", path.display()),
        };
        PathBuf::from(seen.replace('/', "\\"))
    }
}
