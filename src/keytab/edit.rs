//! Which entries a keytab shall hold, and what to write for it.
//!
//! A file of ours alone is built whole ([`whole_file`]) and put in place by rename. A file that
//! others write too is edited in place ([`shared`]): others hold its inode, and a rename would
//! lose what they write. Its plan is a list of [`Patch`]es, ordered such that whoever reads
//! between two of them, or after a crash between two of them, finds a whole file.

use std::fmt;

use zeroize::Zeroizing;

use super::entry::{self, Entry, Unwritable};
use super::framing::{
    Damaged, Framing, LENGTH_WORD, MAGIC, MAX_FILE, Record, RecordKind, length_word,
};
use crate::kerberos::{Enctype, Key, Kvno, Principal};
use crate::keyset::{Keyset, Role, Unlisted};
use crate::letter::PasswordUse;
use crate::secret::SecretBytes;

/// Who else writes or reads a keytab file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// Ours alone, for acceptors.
    Owned,
    /// Other programs keep entries in it too.
    Shared,
    /// Ours alone, for initiators: they take the highest kvno, so it holds only what the
    /// directory has.
    Client,
    /// No file: the extra credential of logon sessions of Windows, for acceptors.
    LogonSession,
    /// No file: what services of Windows log on with, so only what the directory has.
    ServiceLogon,
    /// No file: what application pools of IIS run with, so only what the directory has.
    IisPool,
}

impl TargetKind {
    /// Whether it is for those who log in as the account: the directory knows one password alone.
    #[must_use]
    pub const fn is_for_initiators(self) -> bool {
        matches!(self, Self::Client | Self::ServiceLogon | Self::IisPool)
    }

    /// For what use it takes the password itself; none if keys do.
    #[must_use]
    pub const fn password_use(self) -> Option<PasswordUse> {
        match self {
            Self::Owned | Self::Shared | Self::Client => None,
            Self::LogonSession => Some(PasswordUse::LogonSession),
            Self::ServiceLogon => Some(PasswordUse::ServiceLogon),
            Self::IisPool => Some(PasswordUse::IisPool),
        }
    }
}

/// What one file takes of a keyset.
#[derive(Debug, Clone)]
pub struct TargetFilter {
    /// The kind of file.
    pub kind: TargetKind,
    /// Only these principals; all if `None`.
    pub principals: Option<Vec<Principal>>,
    /// Only these enctypes; all if `None`.
    pub enctypes: Option<Vec<Enctype>>,
}

/// One entry that a file shall hold.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose key.
    pub principal: &'a Principal,
    /// What the key is for at this moment.
    pub role: Role,
    /// Its number.
    pub kvno: Kvno,
    /// The key.
    pub key: &'a Key,
}

/// An edit of a file that others write too.
#[derive(Debug)]
pub struct SharedEdit<'a> {
    /// What the file shall hold.
    pub wanted: &'a [Wanted<'a>],
    /// The principals whose other entries are ours to judge. All else is foreign.
    pub scope: &'a [Principal],
    /// What becomes of entries in scope that are not wanted.
    pub unlisted: Unlisted,
    /// The time new entries carry, seconds since 1970.
    pub timestamp: u32,
}

/// One write into an existing file.
pub struct Patch {
    /// Where.
    pub offset: usize,
    /// What.
    pub bytes: SecretBytes,
    /// What comes after it.
    pub then: Sync,
}

/// Whether a write must be on disk before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// `fdatasync` before going on.
    Now,
    /// Any order with the next write is fine.
    Later,
}

/// Why no edit can be planned; the file stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is damaged, and what others keep there cannot be told apart.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// An entry has no place in a keytab.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// The result would be larger than readers should have to face.
    #[error("the keytab would grow to {0} bytes, more than {MAX_FILE}")]
    TooLarge(usize),
}

/// The entries of `keyset` that a file takes, in the order in which they stand in it: current
/// before pending before previous, since some acceptors take the first that fits.
#[must_use]
pub fn wanted<'a>(keyset: &'a Keyset, filter: &TargetFilter) -> Vec<Wanted<'a>> {
    let mut wanted = Vec::new();
    for generation in &keyset.generations {
        let role = generation.role;
        if filter.kind.is_for_initiators() && role != Role::Current {
            continue;
        }
        for principal in keyset.principals.iter().filter(|one| filter.covers(one)) {
            for key in generation
                .keys
                .iter()
                .filter(|one| filter.takes(one.enctype()))
            {
                wanted.push(Wanted {
                    principal,
                    role,
                    kvno: generation.kvno,
                    key,
                });
            }
        }
    }
    wanted.sort_by_key(|one| one.role);
    wanted
}

impl TargetFilter {
    /// Whether entries of this principal belong into the file.
    #[must_use]
    pub fn covers(&self, principal: &Principal) -> bool {
        let listed = |list: &Vec<Principal>| list.contains(principal);
        self.principals.as_ref().is_none_or(listed)
    }

    /// Whether keys of this enctype belong into the file.
    #[must_use]
    pub fn takes(&self, enctype: Enctype) -> bool {
        let listed = |list: &Vec<Enctype>| list.contains(&enctype);
        self.enctypes.as_ref().is_none_or(listed)
    }
}

/// A whole keytab of exactly these entries, in this order.
///
/// # Errors
/// [`EditError::Unwritable`] or [`EditError::TooLarge`].
pub fn whole_file(wanted: &[Wanted<'_>], timestamp: u32) -> Result<SecretBytes, EditError> {
    let bodies = wanted
        .iter()
        .map(|one| entry::render(one.principal, one.kvno, one.key, timestamp))
        .collect::<Result<Vec<_>, _>>()?;
    let size = |body: &SecretBytes| LENGTH_WORD + body.expose().len();
    let total = MAGIC.len() + bodies.iter().map(size).sum::<usize>();
    if total > MAX_FILE {
        return Err(EditError::TooLarge(total));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(total));
    bytes.extend_from_slice(&MAGIC);
    for body in &bodies {
        bytes.extend_from_slice(&length_word(body.expose().len(), RecordKind::Entry));
        bytes.extend_from_slice(body.expose());
    }
    Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
}

/// Whether a file holds exactly these entries in this order, whenever they were written.
///
/// # Errors
/// [`Damaged`] if the file is no whole keytab.
pub fn is_whole_file_of(bytes: &[u8], wanted: &[Wanted<'_>]) -> Result<bool, Damaged> {
    let framing = Framing::parse(bytes)?;
    let mut left = wanted.iter();
    let all_wanted = framing.records.iter().all(|record| {
        left.next().is_some_and(|one| {
            record.kind == RecordKind::Entry
                && Entry::parse(record.body).is_some_and(|held| one.is_held_by(&held))
        })
    });
    Ok(all_wanted && left.next().is_none() && framing.tail.is_empty())
}

impl Wanted<'_> {
    fn is_held_by(&self, held: &Entry) -> bool {
        held.holds(self.principal, self.kvno, self.key)
    }

    /// The same place with another key: a reader that takes the first of the two would fail.
    fn is_contradicted_by(&self, held: &Entry) -> bool {
        held.principal == *self.principal
            && held.kvno == self.kvno
            && held.enctype == self.key.enctype().number()
            && !self.is_held_by(held)
    }
}

/// The plan for a file that others write too; empty if it already is as it should be.
///
/// Entries out of scope, and records that cannot be read, keep their place and their bytes. New
/// entries are added before old ones go. An entry in the place of a wanted one (same principal,
/// kvno and enctype) but with another key goes whatever the policy says, since acceptors that
/// take the first fitting entry would take the wrong one. A hole that is not empty is what a crash
/// between the last two steps of an edit has left of a key: it is overwritten.
///
/// # Errors
/// [`EditError`]; nothing may be written then.
pub fn shared(existing: &[u8], edit: &SharedEdit<'_>) -> Result<Vec<Patch>, EditError> {
    let mut patches = Vec::new();
    // An empty file is one that somebody has just created: it gets its magic first.
    let existing = if existing.is_empty() {
        patches.push(Patch::new(0, MAGIC.to_vec(), Sync::Now));
        &MAGIC[..]
    } else {
        existing
    };
    let framing = Framing::parse(existing)?;
    let mut missing: Vec<&Wanted<'_>> = edit.wanted.iter().collect();
    let mut retired = Vec::new();
    for record in framing.entries() {
        let Some(held) = Entry::parse(record.body) else {
            continue;
        };
        if !edit.scope.contains(&held.principal) {
            continue;
        }
        missing.retain(|one| !one.is_held_by(&held));
        let contradicts = edit.wanted.iter().any(|one| one.is_contradicted_by(&held));
        let listed = edit.wanted.iter().any(|one| one.is_held_by(&held));
        if contradicts || (edit.unlisted == Unlisted::Remove && !listed) {
            retired.push(record);
        }
    }
    let holes = framing
        .records
        .iter()
        .filter(|one| one.kind == RecordKind::Hole);
    let left = holes.filter(|hole| hole.body.iter().any(|byte| *byte != 0));
    in_one_sync(left.map(wiped), &mut patches);
    let bodies = missing
        .iter()
        .map(|one| entry::render(one.principal, one.kvno, one.key, edit.timestamp))
        .collect::<Result<Vec<_>, _>>()?;
    add(&framing, bodies, &mut patches)?;
    take_out(&retired, &mut patches);
    Ok(patches)
}

/// The plan that takes the entries out that are `gone`, and leaves everything else where it is.
///
/// # Errors
/// [`EditError::Damaged`]; nothing may be written then.
pub fn without(
    existing: &[u8],
    mut gone: impl FnMut(&Entry) -> bool,
) -> Result<Vec<Patch>, EditError> {
    let framing = Framing::parse(existing)?;
    let entries = framing.entries();
    let retired =
        entries.filter(|record| Entry::parse(record.body).is_some_and(|held| gone(&held)));
    let mut patches = Vec::new();
    take_out(&retired.collect::<Vec<_>>(), &mut patches);
    Ok(patches)
}

/// Turns records into holes, and wipes them once no reader sees them any more.
fn take_out(retired: &[&Record<'_>], patches: &mut Vec<Patch>) {
    let turned = retired.iter().map(|record| {
        let word = length_word(record.body.len(), RecordKind::Hole);
        Patch::new(record.offset, word.to_vec(), Sync::Later)
    });
    in_one_sync(turned, patches);
    in_one_sync(retired.iter().copied().map(wiped), patches);
}

/// Zeros over the body of a record that no reader sees any more.
fn wiped(record: &Record<'_>) -> Patch {
    let zeros = vec![0; record.body.len()];
    Patch::new(record.offset + LENGTH_WORD, zeros, Sync::Later)
}

/// Plans the addition of `bodies`: room first, as holes; then the bodies into the holes; then the
/// sign of each length word.
///
/// MIT writes the body behind a zero length word instead. That serves MIT's own readers, which
/// stop there, but Java's go on behind a zero word and would take the body for a length.
fn add(
    framing: &Framing<'_>,
    bodies: Vec<SecretBytes>,
    patches: &mut Vec<Patch>,
) -> Result<(), EditError> {
    let mut holes: Vec<(usize, usize)> = framing
        .records
        .iter()
        .filter(|record| record.kind == RecordKind::Hole)
        .map(|record| (record.offset, record.body.len()))
        .collect();
    let mut end = framing.end;
    let mut announced = Vec::new();
    let mut filled = Vec::new();
    let mut turned = Vec::new();
    for body in bodies {
        let needed = body.expose().len();
        let fitting = holes.iter().position(|(_, size)| *size >= needed);
        // A hole keeps its size: the fill behind the entry is part of the record (MIT's rule).
        let (offset, size) = match fitting {
            Some(index) => holes.remove(index),
            None => {
                // Whole words, so that zeros read as length words never end in a torn one.
                let size = needed.next_multiple_of(LENGTH_WORD);
                let word = length_word(size, RecordKind::Hole);
                announced.push(Patch::new(end, word.to_vec(), Sync::Later));
                end += LENGTH_WORD + size;
                (end - LENGTH_WORD - size, size)
            }
        };
        let mut fill = Zeroizing::new(body.expose().to_vec());
        fill.resize(size, 0);
        let fill = std::mem::take(&mut *fill);
        filled.push(Patch::new(offset + LENGTH_WORD, fill, Sync::Later));
        let word = length_word(size, RecordKind::Entry);
        turned.push(Patch::new(offset, word.to_vec(), Sync::Later));
    }
    if end > MAX_FILE {
        return Err(EditError::TooLarge(end));
    }
    if end > framing.end {
        // What an interrupted append left behind the end is overwritten with the rest.
        let zeros = vec![0; framing.tail.len().max(end - framing.end)];
        patches.push(Patch::new(framing.end, zeros, Sync::Now));
    }
    in_one_sync(announced, patches);
    in_one_sync(filled, patches);
    in_one_sync(turned, patches);
    Ok(())
}

/// Adds patches that are independent of each other, and one sync behind the last. What was there
/// before ends in a sync already.
fn in_one_sync(group: impl IntoIterator<Item = Patch>, patches: &mut Vec<Patch>) {
    patches.extend(group);
    if let Some(last) = patches.last_mut() {
        last.then = Sync::Now;
    }
}

impl Patch {
    fn new(offset: usize, bytes: Vec<u8>, then: Sync) -> Self {
        let bytes = SecretBytes::new(bytes);
        Self {
            offset,
            bytes,
            then,
        }
    }

    /// Performs the write on a file in memory.
    pub fn apply(&self, file: &mut Zeroizing<Vec<u8>>) {
        let end = self.offset + self.bytes.expose().len();
        let size = file.len().max(end);
        file.resize(size, 0);
        if let Some(room) = file.get_mut(self.offset..end) {
            room.copy_from_slice(self.bytes.expose());
        }
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.bytes.expose().len();
        write!(f, "{size} bytes at {} then {:?}", self.offset, self.then)
    }
}

#[cfg(test)]
mod tests;
