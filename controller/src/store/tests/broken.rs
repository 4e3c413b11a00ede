//! A disk that fails: whoever finds it out, the process hears of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;

#[derive(Debug, Default)]
struct Medium {
    bytes: InMemoryBackend,
    failing: Arc<AtomicBool>,
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.bytes.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(io::Error::other("input/output error"));
        }
        self.bytes.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.bytes.write(offset, data)
    }
}

#[test]
fn a_change_that_is_not_saved_is_told_to_whoever_ends_the_process() {
    let medium = Medium::default();
    let failing = Arc::clone(&medium.failing);
    let (store, _) = Store::on(medium, &"R".parse().unwrap(), seal()).unwrap();
    let save =
        || -> Result<(), StoreError> { store.write(|change| change.put_array(&array("web"))) };
    save().unwrap();
    assert!(store.broken().now_or_never().is_none());
    failing.store(true, Ordering::Relaxed);
    // Whoever asked for the change may only tell an operator, or put it into an alarm.
    assert!(matches!(save(), Err(StoreError::Unsaved(_))));
    let why = store.broken().now_or_never().unwrap();
    assert!(why.contains("input/output error"), "{why}");
}
