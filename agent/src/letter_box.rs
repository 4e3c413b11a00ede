//! Where a node gets passwords: the key that letters to it are sealed to, and letters opened.
//!
//! The key is made when the controller first asks for it, which it does when an operator allows the
//! node a password; most nodes never have one.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use keyroll::keyset::{Keyset, Origin};
use keyroll::letter::{Address, BadLetter, LetterKey, LetterOpener};
use keyroll::name::NodeName;
use keyroll_proto::convert::Enclosed;

use crate::atomic_file::{self, Access, FileError};
use crate::effect::Effect;
use crate::platform;

const FILE: &str = "letters.key";

/// Why there is no key for letters.
#[derive(Debug, thiserror::Error)]
pub enum LetterBoxError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is in it.
    #[error("{}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: BadLetter,
    },
}

/// The node's letter box.
#[derive(Debug)]
pub struct LetterBox {
    path: PathBuf,
    /// Two who ask first at once get one key.
    making: Mutex<()>,
}

impl LetterBox {
    /// The one whose key is in the state folder, or will be.
    #[must_use]
    pub fn in_folder(state: &Path) -> Self {
        Self {
            path: state.join(FILE),
            making: Mutex::default(),
        }
    }

    /// The key that letters are sealed to, made now if there is none.
    ///
    /// # Errors
    /// [`LetterBoxError`].
    pub fn key(&self) -> Result<LetterKey, LetterBoxError> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opener) = self.opener()? {
            return Ok(opener.key());
        }
        let opener = LetterOpener::of(rand::random());
        let _here = Effect::SaveIdentity.here();
        let sealed = platform::seal(opener.seed());
        let sealed = sealed.map_err(|error| FileError::system("seal", &self.path, error))?;
        atomic_file::replace(&self.path, &sealed, &Access::PRIVATE)?;
        Ok(opener.key())
    }

    /// Puts into `keyset` what the letters to `node` say, and what they are for.
    ///
    /// # Errors
    /// [`LetterBoxError`]; [`BadLetter`] of the first letter that does not open.
    pub fn open(
        &self,
        node: &NodeName,
        keyset: &mut Keyset,
        letters: &[Enclosed],
    ) -> Result<Result<(), BadLetter>, LetterBoxError> {
        let opener = self.opener()?;
        Ok(letters.iter().try_for_each(|enclosed| {
            let opener = opener.as_ref().ok_or(BadLetter::Closed)?;
            let account = keyset.principals.first().ok_or(BadLetter::Closed)?;
            let address = Address {
                node,
                array: &keyset.array,
                version: keyset.version,
                kvno: enclosed.kvno,
                purpose: enclosed.purpose,
                account,
                salt: &enclosed.salt,
            };
            let password = opener.open(&enclosed.letter, address)?;
            let mut generations = keyset.generations.iter_mut();
            if let Some(one) = generations.find(|one| one.kvno == enclosed.kvno) {
                one.origin = Some(Origin {
                    password,
                    salt: enclosed.salt.clone(),
                });
            }
            Ok(())
        }))
    }

    fn opener(&self) -> Result<Option<LetterOpener>, LetterBoxError> {
        let sealed = match atomic_file::read(&self.path) {
            Err(error) if error.is_missing() => return Ok(None),
            outcome => outcome?,
        };
        let seed = platform::unseal(sealed);
        let seed = seed.map_err(|error| FileError::system("open", &self.path, error))?;
        let opener = LetterOpener::kept(seed);
        opener.map(Some).map_err(|source| LetterBoxError::Damaged {
            path: self.path.clone(),
            source,
        })
    }
}
