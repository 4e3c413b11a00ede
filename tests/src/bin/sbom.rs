//! Writes the bill of materials of each program into a folder: `make sbom`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use keyroll_tests::sbom::bill;

/// What is shipped: packages, and for what they are built.
const SHIPPED: [(&str, &str); 3] = [
    ("keyroll-agent", "x86_64-unknown-linux-gnu"),
    ("keyroll-agent", "x86_64-pc-windows-gnu"),
    ("keyroll-controller", "x86_64-unknown-linux-gnu"),
];

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = PathBuf::from(folder.context("usage: sbom FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, target) in SHIPPED {
        let path = folder.join(format!("{name}_{target}.cdx.json"));
        let text = serde_json::to_string_pretty(&bill(&top, name, target)?)?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
