//! What was seen at the last look, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::drift::Change;
use keyroll::name::{ArrayName, NodeName};
use keyroll_proto::operator::Alarm;

use crate::ports::NodeInventory;

/// How long something that is over is told of.
pub(super) const TOLD: TimeDelta = TimeDelta::hours(24);
/// What happens more often than this within an hour is no accident.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// A node as last seen by reconciliation.
#[derive(Debug, Clone)]
pub struct NodeStatus {
    /// When it last answered.
    pub seen: Option<DateTime<Utc>>,
    /// Its last inventory.
    pub inventory: Option<NodeInventory>,
    /// The nonce of that inventory's fingerprints.
    pub nonce: [u8; 32],
    /// `in-service`, `behind`, `unreachable`, `quarantined`, `drifted`, `held`.
    pub state: &'static str,
    /// Why, if it is not in service.
    pub reason: String,
}

/// What is known of every array, from the last look.
#[derive(Default)]
pub struct Overview {
    nodes: Mutex<BTreeMap<(ArrayName, NodeName), NodeStatus>>,
    alarms: Mutex<BTreeMap<ArrayName, Vec<Alarm>>>,
    changes: Mutex<BTreeMap<ArrayName, Vec<Change>>>,
    notices: Mutex<BTreeMap<ArrayName, Vec<Notice>>>,
    domain: Mutex<Vec<Change>>,
}

/// Something that was put right, or needed nothing.
struct Notice {
    at: DateTime<Utc>,
    told: TimeDelta,
    change: Change,
}

impl Notice {
    fn is_of(&self, change: &Change) -> bool {
        (self.change.code, &self.change.object) == (change.code, &change.object)
    }
}

/// Nothing that is kept here can be half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Overview {
    /// The node as last seen.
    #[must_use]
    pub fn node(&self, array: &ArrayName, node: &NodeName) -> Option<NodeStatus> {
        lock(&self.nodes)
            .get(&(array.clone(), node.clone()))
            .cloned()
    }

    /// Everything that an operator should know of an array at `now`, the most urgent first.
    #[must_use]
    pub fn alarms(&self, array: &ArrayName, now: DateTime<Utc>) -> Vec<Alarm> {
        let mut alarms = lock(&self.alarms).get(array).cloned().unwrap_or_default();
        alarms.extend(self.changes(array, now).iter().map(alarm_of));
        alarms.sort_by_key(|alarm| urgency(&alarm.grade));
        alarms
    }

    /// What others have changed: what is so still, and what was put right within a day.
    #[must_use]
    pub fn changes(&self, array: &ArrayName, now: DateTime<Utc>) -> Vec<Change> {
        let mut changes = lock(&self.changes).get(array).cloned().unwrap_or_default();
        let notices = lock(&self.notices);
        let recent = notices.get(array).into_iter().flatten().rev();
        for notice in recent.filter(|notice| now - notice.at < notice.told) {
            // One that comes again and again is told once, as it was last.
            if !changes.iter().any(|one| notice.is_of(one)) {
                changes.push(notice.change.clone());
            }
        }
        changes
    }

    /// What is to be told of domain controllers.
    #[must_use]
    pub fn domain(&self) -> Vec<Alarm> {
        lock(&self.domain).iter().map(alarm_of).collect()
    }

    /// What was seen of an array just now. A change that was not there before goes to the log.
    pub(super) fn set(
        &self,
        array: &ArrayName,
        nodes: Vec<(NodeName, NodeStatus)>,
        alarms: Vec<Alarm>,
        changes: Vec<Change>,
    ) {
        let mut all = lock(&self.nodes);
        all.retain(|(of, _), _| of != array);
        let of = |(node, status)| ((array.clone(), node), status);
        all.extend(nodes.into_iter().map(of));
        drop(all);
        lock(&self.alarms).insert(array.clone(), alarms);
        let before = lock(&self.changes).insert(array.clone(), changes.clone());
        let before = before.unwrap_or_default();
        for change in changes.iter().filter(|one| !before.contains(one)) {
            log(array.as_str(), change);
        }
    }

    /// Notes something that is over already.
    pub(super) fn notice(&self, array: &ArrayName, now: DateTime<Utc>, change: Change) {
        self.notice_for(array, now, TOLD, change);
    }

    /// Notes something that happens again and again: told until it has not for an hour.
    pub(super) fn notice_often(&self, array: &ArrayName, now: DateTime<Utc>, change: Change) {
        self.notice_for(array, now, HOUR, change);
    }

    fn notice_for(&self, array: &ArrayName, now: DateTime<Utc>, told: TimeDelta, change: Change) {
        log(array.as_str(), &change);
        let mut notices = lock(&self.notices);
        let notices = notices.entry(array.clone()).or_default();
        notices.retain(|notice| now - notice.at < notice.told);
        notices.push(Notice {
            at: now,
            told,
            change,
        });
    }

    /// How often this was noticed within the hour before `now`.
    pub(super) fn times(&self, array: &ArrayName, change: &Change, now: DateTime<Utc>) -> usize {
        let notices = lock(&self.notices);
        let of = notices.get(array).into_iter().flatten();
        let recent = of.filter(|notice| now - notice.at < HOUR);
        recent.filter(|notice| notice.is_of(change)).count()
    }

    /// What is to be told of domain controllers from now on.
    pub(super) fn set_domain(&self, changes: Vec<Change>) {
        let before = std::mem::replace(&mut *lock(&self.domain), changes.clone());
        for change in changes.iter().filter(|one| !before.contains(one)) {
            log("-", change);
        }
    }
}

fn log(array: &str, change: &Change) {
    let (code, object, next) = (change.code, &change.object, &change.next);
    let what = change.sentence();
    tracing::warn!(array, code, object, what, next, "changed by others");
}

fn urgency(grade: &str) -> u8 {
    match grade {
        "critical" => 0,
        "warning" => 1,
        _ => 2,
    }
}

/// A change as operators are told of it.
fn alarm_of(change: &Change) -> Alarm {
    let origin = change.origin.as_ref();
    let dc = origin.and_then(|origin| origin.dc.as_ref());
    Alarm {
        grade: change.judgement.grade().to_owned(),
        object: change.object.clone(),
        what: change.sentence(),
        next: change.next.clone(),
        code: change.code.to_owned(),
        changed_unix: origin.map_or(0, |origin| origin.stamp.at_unix),
        changed_on: dc.map(ToString::to_string).unwrap_or_default(),
    }
}

/// An alarm of something that nobody has changed.
pub(super) fn alarm(
    grade: &str,
    object: impl ToString,
    what: impl Into<String>,
    next: &str,
) -> Alarm {
    Alarm {
        grade: grade.to_owned(),
        object: object.to_string(),
        what: what.into(),
        next: next.to_owned(),
        ..Alarm::default()
    }
}
