//! What the nodes of an array shall hold right now, roll or no roll.

use std::collections::BTreeMap;
use std::time::Duration;

use keyroll::account::{AccountState, Wanted};
use keyroll::fence::Version;
use keyroll::keyset::{Keyset, Role, Unlisted};
use keyroll::name::NodeName;
use keyroll::roll::{Base, End, GenerationNumber, Leftover, Recipe, Roll, State, Which};

use crate::Ports;
use crate::array::left_over;
use crate::driver::DriveError;
use crate::keys::{self, Unlocked};
use crate::store::{ArrayRecord, Read as _, Snapshot, StoreError};

/// What an array's nodes shall hold, and with what secrets.
pub struct Desired {
    /// The keyset.
    pub keyset: Keyset,
    /// The generation in force as far as is known: the old one during a roll.
    pub base: Option<Unlocked>,
    /// The generation that an open roll brings, or that one that was given up has left.
    pub new: Option<Unlocked>,
    /// The open roll, if there is one.
    pub roll: Option<Roll>,
    /// The last roll, if it was given up and the nodes hold what it left.
    pub given_up: Option<Roll>,
    /// The array's row of the same moment.
    pub array: ArrayRecord,
}

impl Desired {
    /// Opens what an array is to hold, whatever its row was when the caller read it.
    ///
    /// Row and journal are of one moment: the row of before a roll's last record with the journal
    /// of after it would name the old key under the new version.
    ///
    /// # Errors
    /// [`DriveError`] if the store, the seal or the journal fails, or the array is gone.
    pub fn of(ports: &Ports, array: &ArrayRecord) -> Result<Self, DriveError> {
        let moment = ports.store.snapshot()?;
        let array = moment
            .array(&array.name)?
            .ok_or_else(|| StoreError::missing(&array.name))?;
        let roll = moment.open_roll(&array.name)?.map(|open| open.roll);
        // Whoever gives a roll up is promised that the nodes keep what they hold.
        let told = match &roll {
            Some(open) => Some(open.clone()),
            None => given_up(&moment, &array)?,
        };
        let unlock = |number, secret, salt| {
            keys::unlock(
                &ports.seal,
                &array.name,
                number,
                secret,
                salt,
                &array.enctypes,
            )
        };
        let current = array.current.as_ref();
        let base = current
            .map(|base| unlock(base.number, &base.secret, base.salt.as_ref()))
            .transpose()?;
        // The key before: not the one in force any more where a roll was given up after its commit.
        // One that is forgotten leaves a gap: another key must never stand under its kvno.
        let before = told.as_ref().and_then(|roll| roll.frame().base);
        let before = before
            .filter(|before| current.is_none_or(|current| current.number != before.generation))
            .map(|before| array.generation(before.generation));
        let replaced = before.is_some();
        let before = before
            .flatten()
            .map(|before| unlock(before.number, &before.secret, before.salt.as_ref()))
            .transpose()?;
        // The new key of a roll that was aborted is never used again.
        let aborted = |roll: &&Roll| roll.state() != State::Ended(End::Aborted);
        let generated = told
            .as_ref()
            .filter(aborted)
            .and_then(|roll| Some((roll.frame(), roll.generated()?)));
        let kept = array.kept();
        let leftovers = told.as_ref().map(|roll| roll.frame().leftovers.as_slice());
        let left = keys::unlock_left(
            &ports.seal,
            &array.name,
            leftovers.unwrap_or(&kept),
            &array.enctypes,
        )?;
        let new = generated
            .map(|(frame, new)| unlock(frame.generation, &new.sealed, Some(&new.salt)))
            .transpose()?;
        let mut recipe = told.as_ref().map_or_else(|| at_rest(&array), Roll::recipe);
        // Rolls that came to nothing since may have counted on.
        recipe.version = recipe.version.max(array.keyset_version);
        let keyset = keys::keyset(
            &recipe,
            &array.name,
            ports.epoch.now(),
            &array.principals(),
            if replaced {
                before.as_ref()
            } else {
                base.as_ref()
            },
            new.as_ref(),
            &left,
        );
        Ok(Self {
            keyset,
            base,
            new,
            given_up: told.filter(|_| roll.is_none()),
            roll,
            array,
        })
    }

    /// What the array wants of its account as it is now.
    #[must_use]
    pub fn wanted(&self, state: &AccountState) -> Wanted<'_> {
        let base = self.base.as_ref();
        let password_known = base.is_some_and(|base| base.password.is_some());
        let method = self.array.method;
        Wanted {
            array: &self.array.name,
            enctypes: &self.array.enctypes,
            method: method.unwrap_or_else(|| state.method(password_known)),
            password_known,
            password_length: self.array.password_length,
        }
    }

    /// Whether the nodes hold this generation for the sake of a roll, open or given up.
    #[must_use]
    pub fn lists(&self, generation: GenerationNumber) -> bool {
        let told = self.roll.as_ref().or(self.given_up.as_ref());
        told.is_some_and(|roll| {
            let base = roll.frame().base.map(|base| base.generation);
            let listed = roll.recipe().generations;
            base == Some(generation) && listed.iter().any(|(_, which, _)| *which == Which::Base)
        })
    }

    /// Whether the driver of an open roll gives this node its keys, and within seconds. A roll may
    /// wait for days for a domain controller or an operator, for hours for old tickets to die, and
    /// mends no file meanwhile.
    #[must_use]
    pub fn is_staged(&self, node: &NodeName) -> bool {
        let waits = [
            State::Committing,
            State::Converging,
            State::Draining,
            State::Halted,
        ];
        let waits = |roll: &Roll| waits.contains(&roll.state());
        self.is_driven(node) && !self.roll.as_ref().is_some_and(waits)
    }

    /// Whether the driver of an open roll sees to this node.
    #[must_use]
    pub fn is_driven(&self, node: &NodeName) -> bool {
        self.roll
            .as_ref()
            .is_some_and(|roll| roll.serving().any(|one| one == node))
    }

    /// Whether the node is not in an open roll that has yet to write the password: let in now, it
    /// would refuse the first ticket under the new key.
    #[must_use]
    pub fn is_stranger(&self, node: &NodeName) -> bool {
        let before = [
            State::Planned,
            State::Generated,
            State::Staging,
            State::Committing,
        ];
        self.roll.as_ref().is_some_and(|roll| {
            let written = roll.has_issued();
            before.contains(&roll.state()) && !written && !roll.frame().members.contains(node)
        })
    }

    /// The nodes that an open roll goes on without, and why.
    #[must_use]
    pub fn left_behind(&self) -> BTreeMap<NodeName, String> {
        self.roll
            .as_ref()
            .map(|roll| roll.quarantined().clone())
            .unwrap_or_default()
    }
}

/// What nodes hold besides the generation that the array's next roll will be based on, with the
/// secrets: tickets under it may be alive until that roll's end.
///
/// # Errors
/// [`StoreError`].
pub fn leftovers(
    ports: &Ports,
    array: &ArrayRecord,
    base: Option<Base>,
) -> Result<Vec<Leftover>, StoreError> {
    let moment = ports.store.snapshot()?;
    let told = given_up(&moment, array)?;
    let held = told.iter().flat_map(|roll| array.held_after(roll));
    // Over a password that somebody else has set, a roll has no base; tickets from before are
    // under the one that was in force.
    let current = array.current.iter().cloned();
    let kept = array.drift.kept.iter().map(|kept| kept.generation.clone());
    let based = base.map(|base| (base.generation, base.kvno));
    let mut left: Vec<Leftover> = Vec::new();
    for one in held.chain(current).chain(kept).map(|one| left_over(&one)) {
        let known = left.iter().any(|other| other.kvno == one.kvno);
        if !known && based != Some((one.generation, one.kvno)) {
            left.push(one);
        }
    }
    Ok(left)
}

/// No ticket is asked for that lives longer, so none is seen.
const LONGEST_TICKET: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long tickets from before the array's last password may still live, `now_unix`.
///
/// # Errors
/// [`StoreError`].
pub fn cool_down(
    ports: &Ports,
    array: &ArrayRecord,
    now_unix: i64,
) -> Result<Duration, StoreError> {
    let current = array.current.as_ref().map(|current| current.kvno);
    let kept = array.drift.kept.iter();
    // The directory was set back, and will give these numbers again, to other keys.
    let ahead = kept.filter(|kept| Some(kept.generation.kvno) > current);
    let ahead = ahead.map(|kept| kept.left_seconds).max().unwrap_or(0);
    let ahead = Duration::from_secs(ahead);
    // A clock that was set back makes it longer; a moment that is days ahead was written down with
    // a clock that was wrong, and would make it endless.
    let since = array.rolled_at_unix.map(|rolled| now_unix - rolled);
    let since = since.filter(|since| *since > -24 * 3600);
    let since = Duration::from_secs(since.unwrap_or(i64::MAX).max(0).unsigned_abs());
    if since >= array.policy.drain_seen(LONGEST_TICKET) {
        return Ok(ahead);
    }
    let past = ports.store.history(&array.name, usize::MAX)?;
    let committed = past.into_iter().find(|past| past.roll.has_committed());
    Ok(committed.map_or(ahead, |past| past.roll.cool_down(since).max(ahead)))
}

/// The array's last roll that did anything, if its nodes hold more for its sake than the
/// generation in force: until the next one that does.
fn given_up(moment: &Snapshot<'_>, array: &ArrayRecord) -> Result<Option<Roll>, StoreError> {
    for limit in (0..32).map(|doublings| 1 << doublings) {
        let past = moment.history(&array.name, limit)?;
        let all = past.len() < limit;
        match last_of_note(past.into_iter().map(|past| past.roll), array.keyset_version) {
            Some(roll) => return Ok(roll),
            None if all => return Ok(None),
            None => {}
        }
    }
    Ok(None)
}

/// Walks back over rolls that took nothing from the nodes, the newest first. `None` if all of them
/// were such.
fn last_of_note(
    rolls: impl IntoIterator<Item = Roll>,
    mut version: Version,
) -> Option<Option<Roll>> {
    for roll in rolls {
        // Of another version: an array of this name that was deleted since.
        if roll.recipe().version != version {
            return Some(None);
        }
        match roll.state() {
            State::Ended(End::GivenUp) => return Some(Some(roll)),
            State::Ended(End::Refused) => version = roll.frame().version,
            // Without a base nothing unlisted was removed, without a password nothing at all.
            State::Ended(End::Aborted)
                if roll.frame().base.is_none() || roll.generated().is_none() =>
            {
                version = roll.frame().version;
            }
            State::Ended(End::Aborted) if !roll.frame().leftovers.is_empty() => {
                return Some(Some(roll));
            }
            _ => return Some(None),
        }
    }
    None
}

/// With no roll open: the generation in force, and those that domain controllers were seen to
/// issue under besides. Where nobody told us that one, whatever is there stays.
fn at_rest(array: &ArrayRecord) -> Recipe {
    let current = array.current.as_ref();
    let base = current.map(|current| (Role::Current, Which::Base, current.kvno));
    let kept = array.drift.kept.iter().map(|kept| {
        let one = &kept.generation;
        (Role::Previous, Which::Left(one.number), one.kvno)
    });
    Recipe {
        version: array.keyset_version,
        generations: base.into_iter().chain(kept).collect(),
        unlisted: if current.is_some() && !array.unknown_keys_stay {
            Unlisted::Remove
        } else {
            Unlisted::Keep
        },
    }
}

#[cfg(test)]
mod tests;
