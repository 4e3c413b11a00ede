//! One change of one object in the directory: as it is shown, made, recognized and taken back.
//!
//! A change adds and deletes single values and never replaces a list, so that whatever somebody
//! else writes at the same time stays. It is one LDAP modify, which holds as a whole or not at
//! all; so a look at the object tells whether it was made, without asking who sent it.

use serde::{Deserialize, Serialize};

use self::flags::{Flags, is_of_flags, number};
use crate::delegation::{CONTROL, Control};
use crate::name::DcName;

pub use outcome::{Reported, State};
pub use passing::{keeps_duplicates, take_duplicate};
pub use shown::as_text;

mod commands;
mod flags;
mod outcome;
mod passing;
mod shown;
#[cfg(test)]
mod tests;

/// What happens to one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is not there, and comes.
    Add,
    /// It is there, and goes.
    Delete,
}

impl Action {
    /// The word of LDIF (RFC 2849), and of the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "delete",
        }
    }

    /// The action of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Add, Self::Delete]
            .into_iter()
            .find(|action| action.word() == word)
    }

    const fn inverse(self) -> Self {
        match self {
            Self::Add => Self::Delete,
            Self::Delete => Self::Add,
        }
    }
}

/// One value that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Modification {
    /// The attribute's LDAP name.
    pub attribute: String,
    /// Whether the value comes or goes.
    pub action: Action,
    /// The value byte for byte: a value that goes is written exactly as it is there.
    pub value: Vec<u8>,
}

/// The object that is changed, by what does not change and by what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Target {
    /// `objectGUID`.
    pub guid: [u8; 16],
    /// `sAMAccountName`.
    pub account: String,
    /// `distinguishedName`, as last read.
    pub distinguished_name: String,
}

/// Every attribute that keyroll changes on an operator's behalf.
const WRITTEN: [&str; 4] = [
    "servicePrincipalName",
    "msDS-AllowedToDelegateTo",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "userAccountControl",
];

/// One change: to one object, on one domain controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DirectoryChange {
    /// Where it is made, and nowhere else: two domain controllers that are changed at once may
    /// each take what the other would refuse.
    pub dc: DcName,
    /// What is changed.
    pub target: Target,
    /// The values, in the order in which they are sent.
    pub modifications: Vec<Modification>,
}

/// What an object shows of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All of it is there.
    Made,
    /// None of it is there.
    NotMade,
    /// A part of it is there. One modify makes no half changes: somebody else has a hand in it.
    Partly,
}

impl Modification {
    /// A value that comes.
    #[must_use]
    pub fn add(attribute: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::new(attribute, Action::Add, value)
    }

    /// A value that goes, spelled as it is there.
    #[must_use]
    pub fn delete(attribute: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::new(attribute, Action::Delete, value)
    }

    fn new(attribute: &str, action: Action, value: impl Into<Vec<u8>>) -> Self {
        Self {
            attribute: attribute.to_owned(),
            action,
            value: value.into(),
        }
    }

    fn is_made(&self, present: &[Vec<u8>]) -> bool {
        present.contains(&self.value) == (self.action == Action::Add)
    }
}

impl DirectoryChange {
    /// The change that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let back = self.lasting().rev().map(|one| Modification {
            action: one.action.inverse(),
            ..one.clone()
        });
        Self {
            modifications: back.collect(),
            ..self.clone()
        }
    }

    /// The change that takes this one back on an object as it is now, given an attribute's present
    /// values: flags that somebody has set or cleared since, and this one does not mean, stay.
    #[must_use]
    pub fn inverse_on(&self, present: impl Fn(&str) -> Vec<Vec<u8>>) -> Self {
        let mut back = self.inverse();
        let Some((flags, now)) = Flags::of(&back).zip(number(&present(CONTROL))) else {
            return back;
        };
        let flags = flags.upon(now);
        for one in back.modifications.iter_mut().filter(|one| is_of_flags(one)) {
            let value = match one.action {
                Action::Delete => flags.old,
                Action::Add => flags.new,
            };
            one.value = value.text().into_bytes();
        }
        back
    }

    /// Whether it sets this flag of `userAccountControl`, which is clear.
    #[must_use]
    pub fn sets(&self, bit: u32) -> bool {
        Flags::of(self).is_some_and(|flags| flags.new.has(bit) && !flags.old.has(bit))
    }

    /// The attributes that it touches, each once.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .modifications
            .iter()
            .map(|one| one.attribute.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// An attribute that keyroll never changes on anybody's behalf, if there is one in it. Of the
    /// flags in `userAccountControl` those of delegation alone are its own.
    #[must_use]
    pub fn foreign_attribute(&self) -> Option<&str> {
        let ours = |name: &&str| WRITTEN.iter().any(|one| one.eq_ignore_ascii_case(name));
        let other = self.attributes().into_iter().find(|name| !ours(name));
        let flags = Flags::of(self);
        let are_ours = flags.is_some_and(|flags| flags.meant() & !Control::OF_DELEGATION == 0);
        let mut of_flags = self.modifications.iter().filter(|one| is_of_flags(one));
        let flags = of_flags.next().filter(|_| !are_ours);
        other.or(flags.map(|one| one.attribute.as_str()))
    }

    /// What the object shows of it, given an attribute's present values.
    ///
    /// A change may be sent only where this says [`Standing::NotMade`]; in any other case the
    /// object is not as it was when the change was planned. Of flags, those count that it means.
    #[must_use]
    pub fn standing(&self, present: impl Fn(&str) -> Vec<Vec<u8>>) -> Standing {
        let flags = Flags::of(self);
        let of_flags = match flags.map(|flags| flags.are_made(&present(CONTROL))) {
            Some(None) => return Standing::Partly,
            Some(Some(made)) => Some(made),
            None => None,
        };
        let others = self.lasting();
        let others = others.filter(|one| flags.is_none() || !is_of_flags(one));
        let others = others.map(|one| one.is_made(&present(&one.attribute)));
        let mut made = of_flags.into_iter().chain(others);
        let first = made.next().unwrap_or(true);
        match (first, made.all(|next| next == first)) {
            (true, true) => Standing::Made,
            (false, true) => Standing::NotMade,
            (_, false) => Standing::Partly,
        }
    }
}
