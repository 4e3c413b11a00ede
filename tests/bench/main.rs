//! What `docs/benchmarks.md` promises, measured, and written there.
//!
//! Run outside, it enters a lab of its own and runs there.

mod agents;
mod derivation;
mod flood;
mod keytab;
mod roll;
#[path = "../flood/roll/mod.rs"]
mod roll_under_flood;
mod size;
mod staging;
mod table;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use keyroll_tests::lab::{Lab, tests_folder};
use keyroll_tests::told;
use keyroll_tests::web::FreeNodes;
use keyroll_tests::world::World;

/// As the programs have it: what is freed is wiped, and that takes its time.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

const DCS: usize = 2;
const NODES: usize = 3;

fn main() -> ExitCode {
    // `cargo test --benches` runs this too, without the argument, and wants no minutes of it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    if !Lab::is_here() {
        return Lab::enter(DCS, DCS * NODES).unwrap_or_else(|error| complain(&error));
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn measure() -> Result<()> {
    // The lab's folder may be in memory; this one is where the sources are built.
    let scratch = tempfile::Builder::new()
        .prefix("bench")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = scratch.path();
    let lab = Lab::here()?;
    let free = FreeNodes::of(&lab);
    let mut rows = keytab::measure(folder)?;
    rows.extend(derivation::measure(folder)?);
    rows.extend(staging::measure(folder)?);
    let mut alone = lab.clone();
    alone.dcs.truncate(1);
    rows.extend(flood::measure(&alone)?);
    let mut notes = String::new();
    for lab in [&alone, &lab] {
        let array = format!("bench{}", lab.dcs.len());
        let mut world = World::new(lab, &free, NODES, &[&array])?;
        let (roll, story) =
            roll::measure(&mut world, &array, folder).with_context(|| world.story())?;
        rows.extend(roll);
        notes += &story;
        if lab.dcs.len() == DCS {
            rows.extend(size::measure(&mut world)?);
        }
    }
    let page = table::page(&rows, &notes)?;
    println!("{page}");
    let path = tests_folder().join("../docs/benchmarks.md");
    write(&path, &page)
}

fn write(path: &Path, page: &str) -> Result<()> {
    fs::write(path, page).with_context(|| format!("writing {}", path.display()))
}

#[expect(clippy::print_stderr, reason = "the bench's own voice")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("bench: {}", told(error));
    ExitCode::FAILURE
}
