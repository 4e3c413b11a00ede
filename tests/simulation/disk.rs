//! The disk of the controller's store: what was synced survives, of the rest nobody knows.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// A disk that a test has in its hand. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    /// What undoes each write since the last sync, the oldest first.
    undo: Vec<Undo>,
    /// How far back those before went, the oldest first: for a disk that lies about syncs.
    before: VecDeque<Vec<Undo>>,
    failing: bool,
    /// So many of the last syncs were none.
    lies: usize,
    /// Counts the powers that the disk was given: what holds an older one writes nothing.
    power: u64,
}

#[derive(Debug)]
enum Undo {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// The disk, as one process reaches it.
#[derive(Debug)]
pub struct Medium {
    disk: Disk,
    power: u64,
}

impl Disk {
    /// The disk for the process that starts now.
    pub fn medium(&self) -> Medium {
        let power = self.platter().power;
        let disk = self.clone();
        Medium { disk, power }
    }

    /// The power goes: the process that had the disk reaches it no more, and of what was not
    /// synced the first `kept` writes are there.
    pub fn cut_power(&self, kept: usize) {
        let mut platter = self.platter();
        platter.power += 1;
        platter.failing = false;
        let mut undo = std::mem::take(&mut platter.undo);
        let mut lost = undo.split_off(kept.min(undo.len()));
        if platter.lies > 0 {
            let before = std::mem::take(&mut platter.before).into_iter().flatten();
            lost = before.chain(undo).chain(lost).collect();
        }
        for undo in lost.into_iter().rev() {
            platter.revert(undo);
        }
    }

    /// How many writes were made since the last sync.
    pub fn unsynced(&self) -> usize {
        self.platter().undo.len()
    }

    /// What had not failed so far does not.
    pub fn mend(&self) {
        self.platter().failing = false;
    }

    /// The next sync fails, and all that follow.
    pub fn fail(&self) {
        self.platter().failing = true;
    }

    /// From now on a sync says that it is done and is not: it takes so many more to make it so.
    pub fn lie(&self, syncs: usize) {
        self.platter().lies = syncs;
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Platter {
    fn revert(&mut self, undo: Undo) {
        match undo {
            Undo::Write(at, old) => {
                let end = (at + old.len()).min(self.bytes.len());
                if at < end {
                    self.bytes[at..end].copy_from_slice(&old[..end - at]);
                }
            }
            Undo::Length(length) => self.bytes.resize(length, 0),
        }
    }
}

impl Medium {
    fn platter(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.platter();
        if platter.power == self.power {
            Ok(platter)
        } else {
            Err(io::Error::other("this process is dead"))
        }
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter()?.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter()?;
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = platter.bytes.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut platter = self.platter()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let old = platter.bytes.len();
        if length < old {
            let cut = platter.bytes[length..].to_vec();
            platter.undo.push(Undo::Write(length, cut));
        }
        platter.undo.push(Undo::Length(old));
        platter.bytes.resize(length, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter()?;
        if platter.failing {
            return Err(io::Error::other("input/output error"));
        }
        let undo = std::mem::take(&mut platter.undo);
        platter.before.push_back(undo);
        while platter.before.len() > platter.lies {
            platter.before.pop_front();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter()?;
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let place = platter.bytes.get_mut(at..at + data.len());
        let place = place.ok_or(io::ErrorKind::UnexpectedEof)?;
        let old = place.to_vec();
        place.copy_from_slice(data);
        platter.undo.push(Undo::Write(at, old));
        Ok(())
    }
}
