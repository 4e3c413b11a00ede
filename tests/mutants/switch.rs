//! Which mutant is on. This file is compiled with the copy of the core, not with the tool.

use std::io::Write;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

const UNREAD: u32 = u32::MAX;
const RECORDING: u32 = u32::MAX - 1;
const OFF: u32 = u32::MAX - 2;

static ON: AtomicU32 = AtomicU32::new(UNREAD);
static REACHED: [AtomicU64; 512] = [const { AtomicU64::new(0) }; 512];

/// Whether this mutant is on. In what the compiler computes none is.
#[inline]
pub(crate) const fn is(number: u32) -> bool {
    core::intrinsics::const_eval_select((number,), never, now)
}

const fn never(_: u32) -> bool {
    false
}

#[inline]
fn now(number: u32) -> bool {
    let on = ON.load(Relaxed);
    on == number || (on >= RECORDING && asked(number))
}

#[cold]
fn asked(number: u32) -> bool {
    if ON.load(Relaxed) == UNREAD {
        let chosen = std::env::var("MUTANT").ok();
        let records = std::env::var_os("MUTANTS_REACHED").is_some();
        let otherwise = if records { RECORDING } else { OFF };
        let chosen = chosen.and_then(|text| text.parse().ok());
        ON.store(chosen.unwrap_or(otherwise), Relaxed);
        return now(number);
    }
    let (word, bit) = (&REACHED[number as usize / 64], 1 << (number % 64));
    if word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Relaxed) & bit == 0 {
        note(number);
    }
    false
}

fn note(number: u32) {
    let path = std::env::var_os("MUTANTS_REACHED").unwrap_or_default();
    let file = std::fs::File::options()
        .append(true)
        .create(true)
        .open(path);
    let line = format!("{number}\n");
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap();
}
