//! Whether the node may serve, array by array: the state behind the health endpoints.
//!
//! Closed at each start, until the controller has compared the inventory and said so: a node that
//! came back from a backup, or that slept through a roll, must not serve with keys of yesterday.
//! Once open it stays open while the controller is away, since nothing changes without it; the
//! node's certificate may end meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyroll::fence::Version;
use keyroll::name::ArrayName;

/// More characters of a reason are not kept.
const LONGEST_REASON: usize = 500;

/// The gates of all arrays of the node.
#[derive(Debug)]
pub struct Gates {
    arrays: Mutex<BTreeMap<ArrayName, Gate>>,
    without_controller: Option<Duration>,
}

/// One array's gate.
#[derive(Debug, Clone, Default)]
struct Gate {
    admitted: bool,
    /// Why the controller keeps it closed.
    refusal: String,
    required: Version,
    held: Version,
    /// What is wrong with the files, as last seen.
    trouble: Option<String>,
    heard: Option<Instant>,
    /// Taken out of the array, and not in it again yet.
    removed: bool,
}

/// Whether an array may be served here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It may.
    Ready,
    /// It must not, and why, in one line.
    NotReady(String),
}

impl Gates {
    /// All gates closed.
    #[must_use]
    pub fn new(
        arrays: impl IntoIterator<Item = (ArrayName, Version)>,
        without_controller: Option<Duration>,
    ) -> Self {
        let closed = |(name, held)| {
            (
                name,
                Gate {
                    held,
                    ..Gate::default()
                },
            )
        };
        Self {
            arrays: Mutex::new(arrays.into_iter().map(closed).collect()),
            without_controller,
        }
    }

    /// How long the node stays ready without a controller's word; none: for ever.
    #[must_use]
    pub const fn without_controller(&self) -> Option<Duration> {
        self.without_controller
    }

    /// The controller has told its verdict on this array. Nothing else counts as its word: one that
    /// has left this node behind may look at it, and still be unable to shut its gate.
    pub fn heard(&self, array: &ArrayName, now: Instant) {
        self.with(array, |gate| gate.heard = Some(now));
    }

    /// The controller's verdict on the inventory.
    pub fn admit(&self, array: &ArrayName, verdict: Result<(), String>, required: Version) {
        self.with(array, |gate| {
            // Whoever was taken out is in it again once it is let in, not by being shut once more.
            gate.removed &= verdict.is_err();
            gate.admitted = verdict.is_ok();
            gate.refusal = shortened(verdict.err().unwrap_or_default());
            // Requirements only rise: a late message does not lower one.
            gate.required = gate.required.max(required);
        });
    }

    /// A keyset is whole on disk.
    pub fn held(&self, array: &ArrayName, version: Version) {
        self.with(array, |gate| {
            gate.held = version;
            gate.trouble = None;
        });
    }

    /// What a look at the files of the array found.
    pub fn looked(&self, array: &ArrayName, trouble: Option<String>) {
        self.with(array, |gate| gate.trouble = trouble);
    }

    /// The array is no longer held here.
    pub fn forget(&self, array: &ArrayName) {
        let removed = Gate {
            removed: true,
            ..Gate::default()
        };
        self.with(array, |gate| *gate = removed);
    }

    /// Whether the node was taken out of `array`, and is not in it again yet.
    #[must_use]
    pub fn is_removed(&self, array: &ArrayName) -> bool {
        let arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        arrays.get(array).is_some_and(|gate| gate.removed)
    }

    /// Everything must be confirmed anew, as after a start.
    pub fn close_all(&self) {
        let mut arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        arrays.values_mut().for_each(|gate| gate.admitted = false);
    }

    /// Whether the node's settings have `array`.
    #[must_use]
    pub fn knows(&self, array: &ArrayName) -> bool {
        let arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        arrays.contains_key(array)
    }

    /// Whether `array` may be served.
    #[must_use]
    pub fn readiness(&self, array: &ArrayName) -> Readiness {
        self.readiness_at(array, Instant::now())
    }

    /// The same for another moment than this one.
    #[must_use]
    pub fn readiness_at(&self, array: &ArrayName, now: Instant) -> Readiness {
        let arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = match arrays.get(array) {
            None => Some("this node does not belong to the array".to_owned()),
            Some(gate) => gate.reason(now, self.without_controller),
        };
        match reason {
            None => Readiness::Ready,
            Some(reason) => Readiness::NotReady(format!("{array}: {reason}")),
        }
    }

    /// Whether all arrays may be served; the first reason if not. An array that the node was taken
    /// out of does not count while there is another one.
    #[must_use]
    pub fn all(&self) -> Readiness {
        let names: Vec<ArrayName> = {
            let arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
            let is_left = arrays.values().any(|gate| !gate.removed);
            let counting = arrays.iter().filter(|(_, gate)| !(is_left && gate.removed));
            counting.map(|(name, _)| name.clone()).collect()
        };
        names
            .iter()
            .map(|name| self.readiness(name))
            .find(|readiness| *readiness != Readiness::Ready)
            .unwrap_or(Readiness::Ready)
    }

    fn with(&self, array: &ArrayName, change: impl FnOnce(&mut Gate)) {
        let mut arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = arrays.get_mut(array) {
            change(gate);
        }
    }
}

/// A reason is a line for people.
fn shortened(reason: String) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => reason[..end].to_owned(),
        None => reason,
    }
}

impl Gate {
    fn reason(&self, now: Instant, without_controller: Option<Duration>) -> Option<String> {
        let away = self.heard.map(|heard| now.saturating_duration_since(heard));
        if !self.refusal.is_empty() {
            return Some(self.refusal.clone());
        }
        if self.removed {
            return Some("an operator removed this node from the array".into());
        }
        if !self.admitted {
            return Some(
                "the controller has not confirmed this node's keys since its start".into(),
            );
        }
        if self.held < self.required {
            let (held, required) = (self.held, self.required);
            return Some(format!(
                "behind: it holds version {held}, {required} is required"
            ));
        }
        if let Some(trouble) = &self.trouble {
            return Some(trouble.clone());
        }
        match (away, without_controller) {
            (Some(away), Some(most)) if away > most => {
                let (away, most) = (away.as_secs(), most.as_secs());
                Some(format!(
                    "no word from the controller for {away} s, {most} s are allowed"
                ))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> ArrayName {
        "web".parse().unwrap()
    }

    fn gates(without_controller: Option<Duration>) -> Gates {
        Gates::new([(web(), Version(4))], without_controller)
    }

    fn reason(gates: &Gates) -> String {
        match gates.all() {
            Readiness::Ready => String::new(),
            Readiness::NotReady(reason) => reason,
        }
    }

    #[test]
    fn closed_until_admitted_and_open_from_then_on() {
        let gates = gates(None);
        assert!(reason(&gates).contains("not confirmed"));
        gates.admit(&web(), Ok(()), Version(4));
        assert_eq!(gates.readiness(&web()), Readiness::Ready);
        gates.close_all();
        assert!(reason(&gates).contains("not confirmed"));
    }

    #[test]
    fn a_removed_node_says_so_until_it_is_taken_back() {
        let gates = gates(None);
        gates.admit(&web(), Ok(()), Version(4));
        gates.forget(&web());
        assert!(reason(&gates).contains("an operator removed this node"));
        gates.admit(&web(), Ok(()), Version(0));
        assert_eq!(reason(&gates), "");
    }

    #[test]
    fn an_array_that_the_node_left_takes_no_other_down() {
        let mail: ArrayName = "mail".parse().unwrap();
        let gates = Gates::new([(web(), Version(4)), (mail.clone(), Version(2))], None);
        gates.admit(&web(), Ok(()), Version(4));
        assert!(reason(&gates).contains("mail: the controller has not confirmed"));
        gates.admit(&mail, Ok(()), Version(2));
        gates.forget(&mail);
        assert_eq!(reason(&gates), "");
        assert_ne!(gates.readiness(&mail), Readiness::Ready);
        // A roll that began with it shuts it once more.
        gates.admit(&mail, Err("quarantined".into()), Version(2));
        assert_eq!(reason(&gates), "");
        assert!(gates.is_removed(&mail));
        // It is in again.
        gates.held(&mail, Version(3));
        gates.admit(&mail, Ok(()), Version(3));
        assert!(!gates.is_removed(&mail));
        gates.admit(&mail, Err("quarantined".into()), Version(3));
        assert!(reason(&gates).contains("mail: quarantined"));
        gates.forget(&mail);
        gates.forget(&web());
        assert!(reason(&gates).contains("an operator removed this node"));
    }

    #[test]
    fn quarantine_lag_and_trouble_close_it() {
        let gates = gates(None);
        gates.admit(&web(), Err("quarantined by alice".into()), Version(4));
        assert_eq!(reason(&gates), "web: quarantined by alice");
        gates.admit(&web(), Ok(()), Version(5));
        assert!(reason(&gates).contains("holds version 4, 5 is required"));
        gates.admit(&web(), Ok(()), Version(1));
        assert!(
            reason(&gates).contains("5 is required"),
            "a late message lowered it"
        );
        gates.held(&web(), Version(5));
        assert_eq!(reason(&gates), "");
        gates.looked(&web(), Some("/k has lost 2 keys".into()));
        assert!(reason(&gates).contains("lost 2 keys"));
        gates.looked(&web(), None);
        assert_eq!(reason(&gates), "");
    }

    #[test]
    fn r31_thirty_days_without_the_controller_close_no_gate() {
        let gates = gates(None);
        let died = Instant::now();
        gates.heard(&web(), died);
        gates.admit(&web(), Ok(()), Version(4));
        for minute in 0..30 * 24 * 60 {
            // The agent's own look at its files goes on.
            gates.looked(&web(), None);
            let now = died + Duration::from_secs(60 * minute);
            assert_eq!(gates.readiness_at(&web(), now), Readiness::Ready);
        }
        let limited = Gates::new([(web(), Version(4))], Some(Duration::from_secs(3600)));
        limited.heard(&web(), died);
        limited.admit(&web(), Ok(()), Version(4));
        let later = died + Duration::from_secs(3601);
        assert_ne!(limited.readiness_at(&web(), later), Readiness::Ready);
    }

    #[test]
    fn the_controller_may_be_away_for_ever_unless_a_limit_is_set() {
        let long_ago = Instant::now()
            .checked_sub(Duration::from_secs(100))
            .unwrap();
        for (limit, ready) in [(None, true), (Some(200), true), (Some(50), false)] {
            let gates = gates(limit.map(Duration::from_secs));
            gates.heard(&web(), long_ago);
            gates.admit(&web(), Ok(()), Version(4));
            assert_eq!(gates.all() == Readiness::Ready, ready, "{limit:?}");
        }
    }
}
