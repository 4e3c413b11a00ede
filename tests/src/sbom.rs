//! A bill of materials (CycloneDX 1.5, JSON): every package that a program is built from, as the
//! lock file has it. From the lock file alone and without a time in it, so that whoever has the
//! sources makes the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// What cargo says of the workspace.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// `dev` for tests, `build` for what builds it; none for what is in it.
    kind: Option<String>,
}

/// A package of the lock file.
#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

impl Package {
    fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }

    fn component(&self, checksum: Option<&str>) -> Value {
        let mut component = json!({
            "type": "library",
            "bom-ref": self.url(),
            "name": self.name,
            "version": self.version,
            "purl": self.url(),
        });
        if let Some(license) = &self.license {
            // As crates wrote it before SPDX.
            let expression = license.replace('/', " OR ");
            component["licenses"] = json!([{ "expression": expression }]);
        }
        if let Some(checksum) = checksum {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        component
    }
}

/// The bill of what `name`, a package of the workspace at `top`, is built from for `target`.
///
/// # Errors
/// If cargo does not answer, or finds the lock file to be old.
pub fn bill(top: &Path, name: &str, target: &str) -> Result<Value> {
    let asked = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            target,
        ])
        .current_dir(top)
        .output()
        .context("cargo cannot be run")?;
    let why = String::from_utf8_lossy(&asked.stderr);
    ensure!(asked.status.success(), "cargo metadata: {why}");
    let metadata: Metadata = serde_json::from_slice(&asked.stdout)?;
    let lock = std::fs::read_to_string(top.join("Cargo.lock"))?;
    let lock: LockFile = toml::from_str(&lock)?;
    let checksums = lock.package.iter();
    let checksums: BTreeMap<(&str, &str), Option<&str>> = checksums
        .map(|one| ((&*one.name, &*one.version), one.checksum.as_deref()))
        .collect();

    let packages = metadata.packages.iter();
    let packages: BTreeMap<&str, &Package> = packages.map(|one| (&*one.id, one)).collect();
    let root = packages.values().find(|one| one.name == name);
    let root = *root.with_context(|| format!("there is no package {name}"))?;
    let edges = edges(&metadata.resolve);
    let parts = reached(&root.id, &edges);

    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for id in &parts {
        let package = packages[*id];
        let locked = checksums.get(&(&*package.name, &*package.version));
        let checksum = locked.with_context(|| format!("{id} is not in the lock file"))?;
        if package.id != root.id {
            components.push(package.component(*checksum));
        }
        let on: Vec<String> = edges[*id].iter().map(|id| packages[*id].url()).collect();
        dependencies.push(json!({ "ref": package.url(), "dependsOn": on }));
    }
    let mut program = root.component(None);
    program["type"] = json!("application");
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": program },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// What each package needs to be built.
fn edges(resolve: &Resolve) -> BTreeMap<&str, BTreeSet<&str>> {
    let built = |one: &&Dependency| {
        let mut kinds = one.dep_kinds.iter();
        kinds.any(|one| one.kind.as_deref() != Some("dev"))
    };
    let nodes = resolve.nodes.iter();
    nodes
        .map(|node| {
            let needed = node.deps.iter().filter(built);
            (&*node.id, needed.map(|one| &*one.pkg).collect())
        })
        .collect()
}

/// `root` and all that it needs.
fn reached<'a>(root: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    found
}
