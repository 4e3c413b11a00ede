//! Every mutant of the core in one build, each behind a switch.
//!
//!   mutants [cargo-mutants' options to choose with, as `--file src/fence.rs`]
//!
//! cargo-mutants says what the mutants are; it would build the core anew for each of them. Here the
//! core is rewritten once such that each is there and off, built once, and its unit tests are run
//! with one mutant on at a time: those that reach it. How far to trust that: docs/mutants.md.

mod cargo;
mod compile;
mod mutant;
mod outcome;
mod place;
mod render;
mod rest;
mod tree;
mod trial;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::compile::{Built, Workshop};
use crate::mutant::{Mutant, Sources};
use crate::outcome::{Outcome, Outcomes};
use crate::place::Found;
use crate::trial::Trial;

fn main() -> Result<()> {
    let start = Instant::now();
    let mut chosen: Vec<String> = std::env::args().skip(1).collect();
    let with_rest = !chosen.iter().any(|word| word == "--no-rest");
    chosen.retain(|word| word != "--no-rest");
    let root = std::env::current_dir()?;
    let target = tree::target(&root);
    let workplace = target.join("mutants");
    let lists = target.join("mutants.out");
    let (mutants, sources) = mutant::list(&root, &chosen)?;
    ensure!(!mutants.is_empty(), "no mutants with {chosen:?}");
    let places = places(&mutants, &sources)?;
    println!("{} mutants", mutants.len());
    let tree = workplace.join("tree");
    tree::copy(&root, &tree)?;
    add_switch(&tree)?;
    let workshop = Workshop {
        tree: &tree,
        target: &workplace.join("build"),
        sources: &sources,
        mutants: &mutants,
        places: &places,
    };
    let built = workshop.build()?;
    println!("built after {} s", start.elapsed().as_secs());
    let trial = Trial::record(&built.program, &workplace)?;
    let mut outcomes = decided(&built, &places, &trial);
    outcome::write(&lists, &mutants, &outcomes)?;
    let open = places
        .keys()
        .copied()
        .filter(|number| !outcomes.contains_key(number));
    let open: Vec<u32> = open.collect();
    println!(
        "{} are tried, from {} s on",
        open.len(),
        start.elapsed().as_secs()
    );
    let tell = |number: u32, outcome| {
        let found = mutants.iter().find(|one| one.number == number);
        if let Some(one) = found.filter(|_| outcome == Outcome::Missed) {
            println!("missed: {}", one.name);
        }
    };
    outcomes.extend(trial.try_all(&open, tell)?);
    outcome::write(&lists, &mutants, &outcomes)?;
    println!("tried after {} s", start.elapsed().as_secs());
    if with_rest {
        rest::add(&root, &workplace, &mutants, &mut outcomes)?;
        outcome::write(&lists, &mutants, &outcomes)?;
    }
    println!("{}", outcome::table(&mutants, &outcomes));
    println!(
        "{} s; the lists are in {}",
        start.elapsed().as_secs(),
        lists.display()
    );
    Ok(())
}

fn places(mutants: &[Mutant], sources: &Sources) -> Result<BTreeMap<u32, Found>> {
    let mut places = BTreeMap::new();
    for (file, text) in sources {
        let of_file: Vec<&Mutant> = mutants.iter().filter(|one| one.file == *file).collect();
        places.append(&mut place::find(text, &of_file).with_context(|| file.clone())?);
    }
    Ok(places)
}

fn add_switch(tree: &Path) -> Result<()> {
    let library = tree.join("src/lib.rs");
    let text = std::fs::read_to_string(&library)?;
    let text = format!(
        "#![feature(core_intrinsics, const_eval_select)]\n#![allow(internal_features)]\n{text}\n\
         mod mutant;\n"
    );
    tree::write(&library, text.as_bytes())?;
    tree::write(&tree.join("src/mutant.rs"), include_bytes!("switch.rs"))
}

/// What is known before any mutant is on.
fn decided(built: &Built, places: &BTreeMap<u32, Found>, trial: &Trial<'_>) -> Outcomes {
    let of = |(number, found): (&u32, &Found)| {
        let unreached = found.is_const && !trial.is_reached(*number);
        let outcome = match number {
            _ if built.unviable.contains(number) => Outcome::Unviable,
            _ if built.left.contains(number) || unreached => Outcome::Left,
            _ => return None,
        };
        Some((*number, outcome))
    };
    places.iter().filter_map(of).collect()
}
