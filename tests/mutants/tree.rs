//! A copy of the repository, to be rewritten.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Copies what git knows of, or would take; what has not changed keeps its time.
pub fn copy(root: &Path, tree: &Path) -> Result<()> {
    let mut git = std::process::Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = git.current_dir(root).output().context("git ls-files")?;
    if tree.join("src").exists() {
        fs::remove_dir_all(tree.join("src"))?;
    }
    for name in String::from_utf8(listed.stdout)?
        .split('\0')
        .filter(|name| !name.is_empty())
    {
        let from = root.join(name);
        if from.is_file() {
            write(&tree.join(name), &fs::read(&from)?)?;
        }
    }
    Ok(())
}

/// Writes what is not there yet.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|held| held == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file without a folder")?)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// Where cargo puts what it builds for this repository.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
