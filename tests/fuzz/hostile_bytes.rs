//! Every property on thousands of inputs made from its corpus by mistakes, as libFuzzer makes them
//! up, and what it takes of memory: with any compiler, and always the same inputs.

mod properties;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use peak_alloc::PeakAlloc;
use properties::Property;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Inputs made up for each property.
const MADE: u64 = 3_000;
/// One in so many is far longer than its specimen.
const LONG: u64 = 50;
/// The longest input.
const MOST: usize = 64 * 1024;
/// No reader takes more than so many times the length of what it reads,
const TIMES: usize = 8;
/// but those that make a tree of a text: a byte of it may be a table. Settings are their
/// administrator's, schedules come from operators in messages of a bounded length, a journal is our
/// own; and the entries of `ldap_values` are made by the property itself, of as many parts.
const TREES: [(&str, usize); 5] = [
    ("agent_configuration_is_valid_or_explained", 128),
    ("controller_configuration_is_valid_or_explained", 128),
    ("schedules_round_trip", 64),
    ("journal_replay_never_panics", 32),
    ("ldap_values_never_panic", 32),
];
/// And what it takes whatever it reads: buffers, tables, an error's text.
const BESIDES: usize = 256 * 1024;

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u32; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// The files of a folder in their order: the inputs are to be the same everywhere.
fn specimens(name: &str) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = fs::read_dir(corpus.join(name)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A part of so many bytes: where it begins, and where it ends.
fn part(rng: &mut StdRng, length: usize) -> (usize, usize) {
    let begin = rng.random_range(0..=length);
    (begin, rng.random_range(begin..=length))
}

/// Makes one mistake.
fn mistake(rng: &mut StdRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = rng.random_range(0..bytes.len().max(1));
    match rng.random_range(0..8) {
        0 => bytes
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << rng.random_range(0..8)),
        1 => bytes
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = rng.random()),
        2 => {
            let number = NUMBERS[rng.random_range(0..NUMBERS.len())];
            let width = [1, 2, 4][rng.random_range(0..3)];
            let said = match rng.random() {
                true => number.to_be_bytes()[4 - width..].to_vec(),
                false => number.to_le_bytes()[..width].to_vec(),
            };
            bytes
                .iter_mut()
                .skip(at)
                .zip(said)
                .for_each(|(byte, new)| *byte = new);
        }
        3 => bytes.truncate(at),
        4 => {
            let (begin, end) = part(rng, bytes.len());
            bytes.drain(begin..end);
        }
        5 => {
            let (begin, end) = part(rng, bytes.len());
            let again = bytes[begin..end].to_vec();
            bytes.splice(begin..begin, again);
        }
        6 => {
            let other = &others[rng.random_range(0..others.len())];
            let (begin, end) = part(rng, other.len());
            bytes.truncate(at);
            bytes.extend(&other[begin..end]);
        }
        _ => {
            let made: Vec<u8> = (0..rng.random_range(1..16)).map(|_| rng.random()).collect();
            bytes.splice(at.min(bytes.len())..at.min(bytes.len()), made);
        }
    }
}

/// The input of this number: a specimen with one to four mistakes; now and then one part of it
/// over and over.
fn input(name: &str, number: u64, specimens: &[Vec<u8>]) -> Vec<u8> {
    let seed = name
        .bytes()
        .fold(number, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
    let mut rng = StdRng::seed_from_u64(seed);
    let mut bytes = specimens[rng.random_range(0..specimens.len())].clone();
    for _ in 0..rng.random_range(1..=4) {
        mistake(&mut rng, &mut bytes, specimens);
    }
    if number.is_multiple_of(LONG) {
        let (begin, end) = part(&mut rng, bytes.len());
        let again = bytes[begin..end].to_vec();
        let times = (MOST / again.len().max(1)).min(MOST);
        bytes.splice(end..end, again.repeat(times));
    }
    bytes.truncate(MOST);
    bytes
}

/// What a property takes of memory for an input, in bytes at once; none if it is broken.
fn cost(property: Property, bytes: &[u8]) -> Option<usize> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    catch_unwind(AssertUnwindSafe(|| property(bytes))).ok()?;
    Some(MEMORY.peak_usage().saturating_sub(before))
}

#[test]
fn r32_no_reader_panics_or_takes_more_than_eight_times_its_input() {
    let mut broken = Vec::new();
    for (name, property) in properties::ALL {
        let tree = TREES.iter().find(|(tree, _)| *tree == name);
        let times = tree.map_or(TIMES, |(_, times)| *times);
        let specimens = specimens(name);
        let whole = specimens.iter().cloned().enumerate();
        let whole = whole.map(|(number, bytes)| (format!("specimen {number}"), bytes));
        let made =
            (0..MADE).map(|number| (format!("made {number}"), input(name, number, &specimens)));
        for (what, bytes) in whole.chain(made) {
            let cost = cost(property, &bytes);
            if cost.is_none_or(|cost| cost > times * bytes.len() + BESIDES) {
                broken.push(format!(
                    "{name}, {what}: {} bytes took {cost:?}",
                    bytes.len()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
