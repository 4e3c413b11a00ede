//! Numbers that order events, because clocks do not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Counts the controllers that ever led: raised durably at each start, before any effect.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

/// Counts the keysets of one array. A node never goes back to a lower one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Version(pub u64);

impl Epoch {
    /// The epoch of the controller that takes over from this one. At the end of the numbers it is
    /// no new one, which is refused where a new one is wanted.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Version {
    /// The version of the keyset after this one. At the end of the numbers it is no new one, which
    /// is refused where a new one is wanted.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a node has accepted so far for one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fence {
    /// The highest epoch seen.
    pub epoch: Epoch,
    /// The version of the keyset on disk.
    pub version: Version,
}

/// What an agent does with a keyset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Judgement {
    /// Newer than all seen: write it.
    Apply,
    /// The very version on disk: compare, repair if need be, answer as before.
    Repeat,
    /// From a controller that has been superseded, or older than what is on disk.
    Refuse(Stale),
}

/// Why a keyset is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// A newer controller has spoken already.
    #[error("epoch {offered} is older than epoch {seen}, which this node has already heard")]
    Epoch {
        /// The epoch offered.
        offered: Epoch,
        /// The epoch known.
        seen: Epoch,
    },
    /// A newer keyset is on disk already.
    #[error("keyset version {offered} is older than version {seen}, which this node already holds")]
    Version {
        /// The version offered.
        offered: Version,
        /// The version known.
        seen: Version,
    },
}

impl Fence {
    /// Judges a keyset of `epoch` and `version`.
    pub fn judge(self, epoch: Epoch, version: Version) -> Judgement {
        if epoch < self.epoch {
            Judgement::Refuse(Stale::Epoch {
                offered: epoch,
                seen: self.epoch,
            })
        } else if version < self.version {
            Judgement::Refuse(Stale::Version {
                offered: version,
                seen: self.version,
            })
        } else if version == self.version {
            Judgement::Repeat
        } else {
            Judgement::Apply
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_epochs_and_versions_are_refused() {
        let fence = Fence {
            epoch: Epoch(3),
            version: Version(7),
        };
        assert_eq!(fence.judge(Epoch(3), Version(8)), Judgement::Apply);
        assert_eq!(fence.judge(Epoch(4), Version(7)), Judgement::Repeat);
        assert!(matches!(
            fence.judge(Epoch(2), Version(9)),
            Judgement::Refuse(Stale::Epoch { .. })
        ));
        let lower = fence.judge(Epoch(9), Version(6));
        assert!(matches!(lower, Judgement::Refuse(Stale::Version { .. })));
    }

    #[test]
    fn numbers_go_up_by_one_and_are_shown_as_they_are() {
        assert_eq!((Epoch(6).next(), Version(6).next()), (Epoch(7), Version(7)));
        let last = (Epoch(u64::MAX), Version(u64::MAX));
        assert_eq!((last.0.next(), last.1.next()), last);
        let refusals = [
            Stale::Epoch {
                offered: Epoch(2),
                seen: Epoch(31),
            }
            .to_string(),
            Stale::Version {
                offered: Version(4),
                seen: Version(51),
            }
            .to_string(),
        ];
        assert!(refusals[0].starts_with("epoch 2 is older than epoch 31, "));
        assert!(refusals[1].starts_with("keyset version 4 is older than version 51, "));
    }
}
