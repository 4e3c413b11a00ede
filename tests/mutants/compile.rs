//! One build for all mutants.
//!
//! What does not compile comes out until the rest does. It is then tried without a switch: what
//! does not compile as plain text either is unviable; the rest is left to cargo-mutants, since it
//! is the switch that the compiler did not like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Compiled, Complaint};
use crate::mutant::{Mutant, Sources};
use crate::place::{Found, Place};
use crate::render::{self, Rendered};
use crate::tree;

/// What came of the build.
pub struct Built {
    /// The unit tests, with all mutants in them but these.
    pub program: PathBuf,
    pub unviable: BTreeSet<u32>,
    pub left: BTreeSet<u32>,
}

/// What is compiled, and where.
pub struct Workshop<'a> {
    pub tree: &'a Path,
    pub target: &'a Path,
    pub sources: &'a Sources,
    pub mutants: &'a [Mutant],
    pub places: &'a BTreeMap<u32, Found>,
}

type Files = BTreeMap<String, Rendered>;

impl Workshop<'_> {
    /// Builds, as often as it takes.
    pub fn build(&self) -> Result<Built> {
        let nowhere = |number: &u32| matches!(self.places[number].place, Place::Nowhere);
        let mut out: BTreeSet<u32> = self.places.keys().copied().filter(nowhere).collect();
        let mut check = true;
        let program = loop {
            let kept = |one: &Mutant| !out.contains(&one.number);
            let files = self.write(kept, render::switched)?;
            match cargo::compile(self.tree, self.target, check)? {
                Compiled::Program(Some(program)) => break program,
                Compiled::Program(None) => check = false,
                Compiled::Complaints(complaints) => {
                    let blamed = blamed(&files, &complaints);
                    if blamed.is_empty() {
                        let first = complaints.first().context("no complaint")?;
                        bail!("this is no mutant's fault: {}", first.text);
                    }
                    println!("{} mutants do not compile, out they go", blamed.len());
                    out.extend(blamed);
                }
            }
        };
        // Later builds take its place.
        let kept = self.target.join("unit_tests");
        std::fs::copy(&program, &kept)?;
        let unviable = self.unviable(out.clone())?;
        let left = out.difference(&unviable).copied().collect();
        Ok(Built {
            program: kept,
            unviable,
            left,
        })
    }

    /// Which of these do not compile as plain text.
    fn unviable(&self, mut doubtful: BTreeSet<u32>) -> Result<BTreeSet<u32>> {
        let mut unviable = BTreeSet::new();
        // Nothing was said of these, which may be because others hid it.
        let mut unsaid = BTreeSet::new();
        while !doubtful.is_empty() {
            if doubtful.is_subset(&unsaid) {
                unsaid.clear();
            }
            let turn =
                |one: &Mutant| doubtful.contains(&one.number) && !unsaid.contains(&one.number);
            let files = self.write(turn, render::mistaken)?;
            let tried: BTreeSet<u32> = files.values().flat_map(Rendered::held).collect();
            let blamed = match cargo::compile(self.tree, self.target, true)? {
                // All of these compile.
                Compiled::Program(_) => {
                    doubtful = doubtful.difference(&tried).copied().collect();
                    continue;
                }
                Compiled::Complaints(complaints) => blamed(&files, &complaints),
            };
            println!(
                "{} of {} are unviable in any case",
                blamed.len(),
                tried.len()
            );
            if blamed.is_empty() {
                break;
            }
            doubtful = doubtful.difference(&blamed).copied().collect();
            unsaid.extend(tried.difference(&blamed));
            unviable.extend(blamed);
        }
        Ok(unviable)
    }

    fn write(
        &self,
        wanted: impl Fn(&Mutant) -> bool,
        how: impl Fn(&str, &[(&Mutant, &Found)]) -> Rendered,
    ) -> Result<Files> {
        let mut files = Files::new();
        for (name, source) in self.sources {
            let of_file = self
                .mutants
                .iter()
                .filter(|one| one.file == *name && wanted(one));
            let mut mutants: Vec<(&Mutant, &Found)> = of_file
                .map(|one| (one, &self.places[&one.number]))
                .collect();
            mutants.sort_by_key(|(one, _)| (one.range.start, one.number));
            let rendered = how(source, &mutants);
            tree::write(&self.tree.join(name), rendered.text.as_bytes())?;
            files.insert(name.clone(), rendered);
        }
        Ok(files)
    }
}

fn blamed(files: &Files, complaints: &[Complaint]) -> BTreeSet<u32> {
    let of = |one: &Complaint| files.get(&one.file).map(|file| file.blamed(&one.range));
    complaints.iter().filter_map(of).flatten().collect()
}
