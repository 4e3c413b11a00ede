//! A roll's secrets in the clear, for as long as steps follow one another without a wait.

use std::sync::Arc;

use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::Salt;
use keyroll::keyset::Keyset;
use keyroll::roll::{GenerationNumber, Roll, Sealed};

use crate::Ports;
use crate::keys::{self, UnlockError, Unlocked};
use crate::store::ArrayRecord;

/// What the steps after a record need.
pub(super) struct Open {
    pub(super) base: Option<Arc<Unlocked>>,
    pub(super) new: Option<Arc<Unlocked>>,
    pub(super) keyset: Keyset,
}

/// What was opened since the last wait.
///
/// Each record may change the keyset, few change a key, and to derive one is the slowest thing that
/// the controller itself does in a roll (RFC 3962, section 4: 4,096 iterations).
#[derive(Default)]
pub(super) struct Secrets {
    opened: Vec<Opened>,
}

/// One generation, and what its keys were derived from.
struct Opened {
    generation: GenerationNumber,
    sealed: Sealed,
    salt: Option<Salt>,
    enctypes: Vec<Enctype>,
    unlocked: Arc<Unlocked>,
}

impl Secrets {
    /// Everything that `roll` of `array` needs as it stands.
    pub(super) fn open(
        &mut self,
        ports: &Ports,
        array: &ArrayRecord,
        roll: &Roll,
    ) -> Result<Open, UnlockError> {
        let frame = roll.frame();
        let base = frame
            .base
            .and_then(|base| array.generation(base.generation));
        let base = base
            .map(|base| self.unlock(ports, array, base.number, &base.secret, base.salt.as_ref()))
            .transpose()?;
        let new = roll
            .generated()
            .map(|new| self.unlock(ports, array, frame.generation, &new.sealed, Some(&new.salt)))
            .transpose()?;
        let (seal, enctypes) = (&ports.seal, &array.enctypes);
        let left = keys::unlock_left(seal, &array.name, &frame.leftovers, enctypes)?;
        let keyset = keys::keyset(
            &roll.recipe(),
            &array.name,
            ports.epoch.now(),
            &array.principals(),
            base.as_deref(),
            new.as_deref(),
            &left,
        );
        Ok(Open { base, new, keyset })
    }

    /// Nothing stays in the clear.
    pub(super) fn wipe(&mut self) {
        self.opened.clear();
    }

    fn unlock(
        &mut self,
        ports: &Ports,
        array: &ArrayRecord,
        generation: GenerationNumber,
        sealed: &Sealed,
        salt: Option<&Salt>,
    ) -> Result<Arc<Unlocked>, UnlockError> {
        let same = |opened: &&Opened| {
            opened.sealed == *sealed
                && opened.salt.as_ref() == salt
                && opened.enctypes == array.enctypes
        };
        if let Some(opened) = self.opened.iter().find(same) {
            return Ok(Arc::clone(&opened.unlocked));
        }
        let (seal, enctypes) = (&ports.seal, &array.enctypes);
        let open = keys::unlock(seal, &array.name, generation, sealed, salt, enctypes)?;
        let unlocked = Arc::new(open);
        // A generation under another salt than before takes the place of what it was.
        self.opened.retain(|opened| opened.generation != generation);
        self.opened.push(Opened {
            generation,
            sealed: sealed.clone(),
            salt: salt.cloned(),
            enctypes: array.enctypes.clone(),
            unlocked: Arc::clone(&unlocked),
        });
        Ok(unlocked)
    }
}
