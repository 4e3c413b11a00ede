//! `userAccountControl`: one number of many flags. A change means some of them, and asks the
//! directory for the very number that it was planned with, so that no flag that somebody else sets
//! at the same time is lost.

use super::{Action, DirectoryChange, Modification};
use crate::delegation::{CONTROL, Control};

/// From which number to which a change brings the flags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) old: Control,
    pub(super) new: Control,
}

pub(super) fn is_of_flags(one: &Modification) -> bool {
    one.attribute.eq_ignore_ascii_case(CONTROL)
}

impl Flags {
    /// Of a change that swaps one number for another; of any other, none.
    pub(super) fn of(change: &DirectoryChange) -> Option<Self> {
        let of_flags = change.modifications.iter().filter(|one| is_of_flags(one));
        let mut found = of_flags.map(|one| (one.action, Control::of_text(&one.value)));
        let two = [found.next(), found.next()];
        match (two, found.next()) {
            (
                [
                    Some((Action::Delete, Some(old))),
                    Some((Action::Add, Some(new))),
                ],
                None,
            ) => Some(Self { old, new }),
            _ => None,
        }
    }

    /// The flags that it means.
    pub(super) const fn meant(self) -> u32 {
        self.old.0 ^ self.new.0
    }

    /// Whether the flags that it means are as it wants them; none if only some are, or if these
    /// values are no number.
    pub(super) fn are_made(self, present: &[Vec<u8>]) -> Option<bool> {
        let found = number(present)?.0 & self.meant();
        if found == self.new.0 & self.meant() {
            Some(true)
        } else if found == self.old.0 & self.meant() {
            Some(false)
        } else {
            None
        }
    }

    /// The same for an object that has this number by now.
    pub(super) const fn upon(self, present: Control) -> Self {
        let others = present.0 & !self.meant();
        Self {
            old: present,
            new: Control(others | self.new.0 & self.meant()),
        }
    }
}

/// The one number among an attribute's values.
pub(super) fn number(present: &[Vec<u8>]) -> Option<Control> {
    match present {
        [one] => Control::of_text(one),
        _ => None,
    }
}
