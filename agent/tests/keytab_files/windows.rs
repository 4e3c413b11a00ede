//! Files that others have open, and access control lists.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::sync::mpsc::{Sender, channel};

use keyroll::keytab::TargetKind;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::{OURS, keyset, kvnos, names_in, stage, target};

/// Passes on that the agent has said something: what it says here is that it waits for a file.
struct Teller(Sender<()>);

impl<S: tracing::Subscriber> Layer<S> for Teller {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::TRACE {
            // Nobody listens any more once it was heard.
            self.0.send(()).ok();
        }
    }
}

/// `FILE_SHARE_READ`, as C's `fopen` of a careful program has it: nobody may replace the file.
const OTHERS_READ: u32 = 1;

#[test]
fn a_file_that_a_reader_has_open_is_replaced_once_the_reader_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    let old = fs::read(&file.path).unwrap();
    let mut reader = OpenOptions::new()
        .read(true)
        .share_mode(OTHERS_READ)
        .open(&file.path)
        .unwrap();
    std::thread::scope(|scope| {
        let staging = scope.spawn(|| stage(std::slice::from_ref(&file), &keyset(2, OURS)));
        // The new file is made beside it, and waits.
        while names_in(folder.path()).len() < 2 {
            std::thread::yield_now();
        }
        let mut seen = Vec::new();
        reader.rewind().unwrap();
        reader.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, old, "a reader met another file than it had opened");
        drop(reader);
        staging.join().unwrap().unwrap();
    });
    assert_eq!(kvnos(&file, OURS[0]), [2, 3]);
    assert_eq!(names_in(folder.path()), ["k"]);
}

#[test]
fn a_file_that_another_program_has_for_itself_is_read_once_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    let other = OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(&file.path)
        .unwrap();
    std::thread::scope(|scope| {
        let (says, waits) = channel();
        let file = &file;
        // With one listener alone, whoever is the first to come to an event decides whether anybody
        // hears of it, and that may be another test's thread, which listens to nothing.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let staging = scope.spawn(move || {
            let told = tracing_subscriber::registry().with(Teller(says));
            tracing::subscriber::with_default(told, || {
                stage(std::slice::from_ref(file), &keyset(2, OURS))
            })
        });
        waits.recv().unwrap();
        drop(other);
        staging.join().unwrap().unwrap();
    });
    assert_eq!(kvnos(&file, OURS[0]), [2, 3]);
    assert_eq!(names_in(folder.path()), ["k"]);
}

#[test]
fn a_file_that_anybody_may_read_is_replaced_by_one_that_nobody_else_may() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path().join("k"), TargetKind::Owned);
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    let bytes = fs::read(&file.path).unwrap();
    fs::remove_file(&file.path).unwrap();
    fs::write(&file.path, bytes).unwrap();
    assert!(file.is_open_to_others());
    stage(std::slice::from_ref(&file), &keyset(1, OURS)).unwrap();
    assert!(!file.is_open_to_others());
    assert_eq!(kvnos(&file, OURS[0]), [1, 2]);
}
