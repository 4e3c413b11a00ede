//! Every property on every input of its corpus: specimens of the real world, and every input that
//! ever broke a property. Quick, and with any compiler; `make fuzz` makes up new ones.
//!
//! A specimen whose name begins with `good` must be taken for what it is, one with `bad` refused.

mod properties;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
fn every_property_holds_on_its_corpus() {
    let mut broken = Vec::new();
    for (name, property) in properties::ALL {
        let inputs = listed(&here().join("corpus").join(name));
        assert!(inputs.len() >= 5, "{name}: {} specimens", inputs.len());
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            let taken = catch_unwind(AssertUnwindSafe(|| property(&bytes)));
            let kind = input.file_name().unwrap().to_str().unwrap();
            let as_said = match taken {
                Ok(true) => !kind.starts_with("bad"),
                Ok(false) => !kind.starts_with("good"),
                Err(_) => false,
            };
            if !as_said {
                broken.push(input);
            }
        }
    }
    assert!(broken.is_empty(), "broken by {broken:#?}");
}

#[test]
fn every_property_has_a_fuzz_target_and_a_corpus() {
    let names: BTreeSet<String> = properties::ALL.map(|(name, _)| name.to_owned()).into();
    let stems = |folder: &str| -> BTreeSet<String> {
        let paths = listed(&here().join(folder)).into_iter();
        paths
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(stems("targets"), names);
    assert_eq!(stems("corpus"), names);
    let manifest = fs::read_to_string(here().join("Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
