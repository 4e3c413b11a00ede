//! A keyset on its way into the targets: files first, then those who take passwords, then what is
//! noted.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use keyroll::keyset::{Keyset, Unlisted};
use keyroll::keytab::{Entry, TargetKind};
use keyroll::letter::PasswordUse;

use super::{StageError, save};
use crate::config::Array;
use crate::keytab_file::{Order, prepare};
use crate::password_targets::PasswordTargets;
use crate::state::ArrayState;
use crate::trouble::chain;

/// A keyset on its way into the targets of an array.
pub(super) struct Writing<'a> {
    pub(super) folder: &'a Path,
    pub(super) array: &'a Array,
    pub(super) passwords: &'a PasswordTargets,
    pub(super) keyset: &'a Keyset,
    /// For what uses the passwords in it are.
    pub(super) sent: &'a BTreeSet<PasswordUse>,
}

impl Writing<'_> {
    /// Brings the targets to the keyset; returns what is true from now on, whether it worked or
    /// not.
    pub(super) fn write(self, state: ArrayState) -> (ArrayState, Result<(), StageError>) {
        let keyset = self.keyset;
        let mut next = state.clone();
        next.begin(keyset.epoch, keyset.version, &keyset.principals);
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let scope = next.principals.clone();
        let (written, ours) = (state.written(), state.ours());
        let order = Order {
            keyset,
            scope: &scope,
            written: &written,
            ours: &ours,
            timestamp: u32::try_from(seconds).unwrap_or(u32::MAX),
        };
        let prepared = match prepare(&self.array.targets, order) {
            Ok(prepared) => prepared,
            Err(error) => return (state, Err(error.into())),
        };
        // A hook restarts what has to be, so it is told of what logs on anew, too.
        if !prepared.is_empty() || self.passwords.switches_logons(keyset) {
            next.hooks_due = true;
            next.changes += 1;
        }
        for target in &self.array.targets {
            // Ours from here on: whatever a crash leaves there, nobody else's is lost with it.
            next.files.entry(target.path.clone()).or_default();
            if target.filter.kind == TargetKind::Shared {
                next.shared.insert(target.path.clone());
            }
        }
        // The intent first: from here on no older keyset is taken, whatever happens.
        let begun = match save(self.folder, &self.array.name, &state, next) {
            Ok(begun) => begun,
            Err(error) => return (state, Err(error.into())),
        };
        // The files are right even where the password is not to be had.
        let settled = prepared
            .commit()
            .map_err(StageError::from)
            .and_then(|()| Ok(self.passwords.hold(keyset, self.sent)?))
            .and_then(|()| self.settle(begun.clone()));
        match settled {
            Ok(settled) => (settled, Ok(())),
            Err(error) => (begun, Err(error)),
        }
    }

    /// Notes what each target holds now.
    fn settle(&self, begun: ArrayState) -> Result<ArrayState, StageError> {
        let mut next = begun.clone();
        if self.keyset.unlisted == Unlisted::Remove {
            // No key of an earlier name is left, so such names are not the array's any more.
            next.principals.clone_from(&self.keyset.principals);
            if let Err(error) = next.retire(|held| self.lists(held)) {
                // No service has to wait for that: it is tried again with each keyset.
                tracing::warn!(
                    error = chain(&error),
                    "keys are left where no target is any more"
                );
            }
        }
        next.files.clear();
        next.shared.clear();
        next.access.clear();
        for target in &self.array.targets {
            let entries = target.entries()?;
            let marks = entries
                .iter()
                .flatten()
                .filter(|entry| next.owns(target, entry))
                .filter_map(|entry| next.mark(entry))
                .collect();
            next.files.insert(target.path.clone(), marks);
            if target.filter.kind == TargetKind::Shared {
                next.shared.insert(target.path.clone());
            }
            next.access
                .insert(target.path.clone(), target.access_now()?);
        }
        next.files.extend(self.passwords.marks(&next.salt)?);
        // Without hooks there is nothing left that could fail: one write to the disk less.
        if self.array.hooks.is_empty() || !next.hooks_due {
            next.hold(self.keyset.epoch, self.keyset.version);
        }
        Ok(save(self.folder, &self.array.name, &begun, next)?)
    }

    /// Whether the keyset has the key of this entry.
    fn lists(&self, held: &Entry) -> bool {
        let generations = self.keyset.generations.iter();
        let mut keys = generations.flat_map(|one| one.keys.iter().map(|key| (one.kvno, key)));
        self.keyset.principals.contains(&held.principal)
            && keys.any(|(kvno, key)| held.holds(&held.principal, kvno, key))
    }
}
