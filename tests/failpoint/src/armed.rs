//! What a place does in a process that a test has told of a file of wishes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::VARIABLE;

pub fn reach(when: &str, place: &str) {
    static WISHES: OnceLock<Option<PathBuf>> = OnceLock::new();
    // One thread at a time: a process ends once, and at one place.
    static TURN: Mutex<()> = Mutex::new(());
    let wishes = WISHES.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    let Some(path) = wishes else {
        return;
    };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let place = format!("{when} {place}");
    let Some(wish) = wished(&fs::read_to_string(path).unwrap_or_default(), &place) else {
        return;
    };
    // Whoever waits for it would wait in vain otherwise; the process goes on, and the test fails.
    if note(path, &place).is_ok() {
        grant(wish);
    }
}

/// What a test wants of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Kill,
    Stop,
}

/// What `wishes` have for a place.
fn wished(wishes: &str, place: &str) -> Option<Wish> {
    wishes.lines().find_map(|wish| match wish.split_once(' ') {
        Some(("kill", of)) if of == place => Some(Wish::Kill),
        Some(("stop", of)) if of == place => Some(Wish::Stop),
        _ => None,
    })
}

#[cfg(unix)]
fn grant(wish: Wish) {
    use nix::sys::signal::{Signal, raise};
    let signal = match wish {
        Wish::Kill => Signal::SIGKILL,
        Wish::Stop => Signal::SIGSTOP,
    };
    raise(signal).ok();
}

/// Windows cannot halt a process such that it goes on later: that wish is not granted there.
#[cfg(windows)]
fn grant(wish: Wish) {
    if wish == Wish::Kill {
        std::process::exit(137);
    }
}

fn note(wishes: &Path, place: &str) -> io::Result<()> {
    let reached = wishes.with_extension("reached");
    let mut file = File::options().create(true).append(true).open(reached)?;
    file.write_all(format!("{place}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_for_one_place_and_one_end() {
        let wishes = "kill before record planned\nstop after port stage\nhalt after port look\n";
        for (place, signal) in [
            ("before record planned", Some(Wish::Kill)),
            ("after record planned", None),
            ("before record", None),
            ("after port stage", Some(Wish::Stop)),
            ("after port look", None),
        ] {
            assert_eq!(wished(wishes, place), signal, "{place}");
        }
    }

    #[test]
    fn what_was_reached_is_added_beside_the_wishes() {
        let folder = tempfile::tempdir().unwrap();
        let wishes = folder.path().join("wishes");
        note(&wishes, "before a b").unwrap();
        note(&wishes, "after a b").unwrap();
        let reached = fs::read_to_string(folder.path().join("wishes.reached")).unwrap();
        assert_eq!(reached, "before a b\nafter a b\n");
    }
}
