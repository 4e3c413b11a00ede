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
    let file = std::env::var_os("MUTANTS_REACHED");
    if ON.load(Relaxed) == UNREAD {
        let chosen = std::env::var("MUTANT")
            .ok()
            .and_then(|text| text.parse().ok());
        let otherwise = if file.is_some() { RECORDING } else { OFF };
        ON.store(chosen.unwrap_or(otherwise), Relaxed);
        return now(number);
    }
    let bit = 1 << (number % 64);
    let before = REACHED[number as usize / 64].fetch_or(bit, Relaxed);
    if before & bit == 0
        && let Some(file) = file
    {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        file.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
    false
}
