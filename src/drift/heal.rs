//! Whether a password that somebody else set is set anew without asking anybody.

use serde::{Deserialize, Serialize};

/// What an array's policy says of a password that nobody here knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heal {
    /// An alarm: an operator decides.
    #[default]
    Never,
    /// A roll that stages a new key on every node and then resets the account.
    Reset,
}

/// The healing of one array so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Healed {
    /// When the last one began, seconds since 1970.
    pub last_unix: Option<i64>,
    /// The password was foreign again within [`PAUSE`]: somebody else heals too, and each turn
    /// costs logins. It stays so until an operator rolls.
    pub fought: bool,
}

/// What to do about a foreign password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Leave it to an operator, as the policy says.
    Alarm,
    /// Begin a healing roll.
    Roll,
    /// Leave it to an operator: two take turns.
    Stop,
}

/// At most one healing in this many seconds.
pub const PAUSE: i64 = 3600;

impl Healed {
    /// What to do at `now_unix` about a password that nobody here knows.
    #[must_use]
    pub fn remedy(&self, policy: Heal, now_unix: i64) -> Remedy {
        // A clock that was set back makes the pause longer, never shorter.
        let rests = |last: i64| now_unix.saturating_sub(last) < PAUSE;
        match policy {
            Heal::Never => Remedy::Alarm,
            Heal::Reset if self.fought || self.last_unix.is_some_and(rests) => Remedy::Stop,
            Heal::Reset => Remedy::Roll,
        }
    }

    /// After `remedy` was decided on at `now_unix`.
    #[must_use]
    pub const fn after(self, remedy: Remedy, now_unix: i64) -> Self {
        match remedy {
            Remedy::Alarm => self,
            Remedy::Roll => Self {
                last_unix: Some(now_unix),
                fought: false,
            },
            Remedy::Stop => Self {
                fought: true,
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r23_two_healers_do_not_take_turns() {
        let fresh = Healed::default();
        assert_eq!(fresh.remedy(Heal::Never, 1000), Remedy::Alarm);
        assert_eq!(fresh.remedy(Heal::Reset, 1000), Remedy::Roll);
        let once = fresh.after(Remedy::Roll, 1000);
        for (now, remedy) in [
            (1000, Remedy::Stop),
            (1000 + PAUSE - 1, Remedy::Stop),
            (1000 + PAUSE, Remedy::Roll),
            (0, Remedy::Stop),
        ] {
            assert_eq!(once.remedy(Heal::Reset, now), remedy, "{now}");
        }
        // Once fought, an hour's rest is no peace.
        let fought = once.after(Remedy::Stop, 1500);
        assert_eq!(fought.remedy(Heal::Reset, 1000 + 9 * PAUSE), Remedy::Stop);
        assert_eq!(fought.remedy(Heal::Never, 1500), Remedy::Alarm);
    }
}
