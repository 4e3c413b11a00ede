//! What the nodes of an array shall hold right now, roll or no roll.

use std::collections::BTreeMap;

use keyroll::keyset::{Keyset, Role, Unlisted};
use keyroll::name::NodeName;
use keyroll::roll::{End, Recipe, Roll, State, Which};

use crate::Ports;
use crate::driver::DriveError;
use crate::keys::{self, Unlocked};
use crate::store::{ArrayRecord, Read as _, Snapshot, StoreError};

/// What an array's nodes shall hold, and with what secrets.
pub struct Desired {
    /// The keyset.
    pub keyset: Keyset,
    /// The generation in force when nothing is rolled; the old one during a roll.
    pub base: Option<Unlocked>,
    /// The generation that an open roll brings, or that one that was given up has left.
    pub new: Option<Unlocked>,
    /// The open roll, if there is one.
    pub roll: Option<Roll>,
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
        let generated = told
            .as_ref()
            .and_then(|roll| Some((roll.frame(), roll.generated()?)));
        let new = generated
            .map(|(frame, new)| unlock(frame.generation, &new.sealed, Some(&new.salt)))
            .transpose()?;
        let recipe = told.as_ref().map_or_else(|| at_rest(&array), Roll::recipe);
        let keyset = keys::keyset(
            &recipe,
            &array.name,
            ports.epoch,
            &array.principals(),
            base.as_ref(),
            new.as_ref(),
        );
        Ok(Self {
            keyset,
            base,
            new,
            roll,
            array,
        })
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
            before.contains(&roll.state()) && !roll.frame().members.contains(node)
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

/// The array's last roll, if an operator gave it up: its nodes hold both keys until the next one.
fn given_up(moment: &Snapshot<'_>, array: &ArrayRecord) -> Result<Option<Roll>, StoreError> {
    let last = moment.history(&array.name, 1)?.pop();
    let left = |roll: &Roll| {
        // Of another version: an array of this name that was deleted since.
        roll.state() == State::Ended(End::GivenUp) && roll.recipe().version == array.keyset_version
    };
    Ok(last.map(|past| past.roll).filter(left))
}

/// With no roll open: the generation in force, alone. Where nobody told us that one, whatever is
/// there stays.
fn at_rest(array: &ArrayRecord) -> Recipe {
    let current = array.current.as_ref();
    Recipe {
        version: array.keyset_version,
        generations: current
            .map(|current| (Role::Current, Which::Base, current.kvno))
            .into_iter()
            .collect(),
        unlisted: if current.is_some() {
            Unlisted::Remove
        } else {
            Unlisted::Keep
        },
    }
}
