//! A roll as operators see it: running from memory, ended from its journal.

use keyroll::roll::{Cause, DcView, End, Observed, Plan, Record, Roll, State, WhichKey};
use keyroll_proto::operator::{Refusal, RollDcView, RollNodeView, RollView, Sentence, StateTime};

use super::act::by_state;
use crate::store::JournalEntry;

/// The view of a roll that is under way.
pub(super) fn running_view(
    roll: &Roll,
    observed: &Observed,
    reason: &str,
    entries: &[JournalEntry],
) -> RollView {
    let frame = roll.frame();
    let mut view = journal_view(roll, entries);
    view.reason = roll
        .trouble()
        .map_or_else(|| reason.to_owned(), keyroll::roll::Trouble::sentence);
    let states = by_state(roll, observed);
    view.nodes = states
        .into_iter()
        .map(|(node, state)| {
            let seen = observed.nodes.get(&node);
            let why = seen.and_then(|seen| seen.trouble.clone().or_else(|| seen.refuses.clone()));
            let quarantine = roll.quarantined().get(&node).cloned();
            RollNodeView {
                node: node.to_string(),
                state: state.to_owned(),
                reason: quarantine.or(why).unwrap_or_default(),
            }
        })
        .collect();
    view.dcs = frame
        .dcs
        .iter()
        .map(|dc| dc_view(roll, observed, dc))
        .collect();
    view
}

fn dc_view(roll: &Roll, observed: &Observed, dc: &keyroll::name::DcName) -> RollDcView {
    let (issues, kvno, reason) = match observed.dcs.get(dc) {
        _ if roll.waived().contains(dc) => ("waived", 0, String::new()),
        Some(DcView::Issues(issued)) => {
            let issues = match issued.key {
                WhichKey::Base => "old",
                WhichKey::New => "new",
                WhichKey::Foreign => "foreign",
            };
            (issues, issued.kvno.0, String::new())
        }
        Some(DcView::Trouble(why)) => ("unknown", 0, why.clone()),
        None if roll.converged().contains(dc) => (
            "new",
            roll.generated().map_or(0, |new| new.kvno.0),
            String::new(),
        ),
        None => ("unknown", 0, String::new()),
    };
    RollDcView {
        dc: dc.to_string(),
        issues: issues.to_owned(),
        kvno,
        reason,
    }
}

/// The view of a roll that has ended, or of one that nobody drives right now.
#[must_use]
pub fn ended_view(roll: &Roll, entries: &[JournalEntry]) -> RollView {
    let mut view = journal_view(roll, entries);
    view.reason = match (roll.verdict(), roll.trouble()) {
        (_, Some(trouble)) => trouble.sentence(),
        (Some(why), None) => why.to_owned(),
        (None, None) => entries
            .last()
            .map(|entry| entry.reason.clone())
            .unwrap_or_default(),
    };
    let node = |node: &keyroll::name::NodeName| {
        let why = roll.quarantined().get(node);
        let state = match roll.state() {
            _ if why.is_some() => "quarantined",
            State::Ended(End::Done) => "proven",
            State::Ended(End::Aborted) => "unchanged",
            State::Ended(End::GivenUp) => "both-keys",
            _ => "waiting",
        };
        RollNodeView {
            node: node.to_string(),
            state: state.to_owned(),
            reason: why.cloned().unwrap_or_default(),
        }
    };
    // A refused roll gave its nodes nothing.
    if roll.state() != State::Ended(End::Refused) {
        view.nodes = roll.frame().members.iter().map(node).collect();
    }
    view.dcs = roll
        .frame()
        .dcs
        .iter()
        .map(|dc| dc_view(roll, &Observed::default(), dc))
        .collect();
    view
}

fn journal_view(roll: &Roll, entries: &[JournalEntry]) -> RollView {
    let frame = roll.frame();
    let ended = matches!(roll.state(), State::Ended(_));
    let millis = |entry: Option<&JournalEntry>| entry.map_or(0, |entry| entry.at_unix_millis);
    let cause = match frame.cause {
        Cause::Schedule => "schedule",
        Cause::Operator => "operator",
        Cause::Emergency => "emergency",
    };
    let refusal = |reason: &keyroll::roll::Refusal| Refusal {
        code: reason.code.clone(),
        object: reason.object.clone(),
        why: reason.why.clone(),
        next: reason.next.clone(),
    };
    RollView {
        array: frame.array.to_string(),
        roll: frame.roll.0,
        state: roll.state().name().to_owned(),
        ended,
        kvno_before: roll.generated().map_or(0, |new| new.kvno_before.0),
        kvno_after: roll.generated().map_or(0, |new| new.kvno.0),
        writer: if roll.state() == State::Ended(End::Refused) {
            String::new()
        } else {
            frame.writer.to_string()
        },
        drain_left_seconds: roll.drain_left().as_secs(),
        started_unix_millis: millis(entries.first()),
        ended_unix_millis: if ended { millis(entries.last()) } else { 0 },
        times: state_times(entries),
        refusals: roll.refusals().iter().map(refusal).collect(),
        cause: cause.to_owned(),
        actor: frame.actor.clone(),
        ..RollView::default()
    }
}

/// How long the roll was in each state, by the journal's wall clock, for people.
fn state_times(entries: &[JournalEntry]) -> Vec<StateTime> {
    let mut times: Vec<StateTime> = Vec::new();
    let states = states(entries);
    for (state, pair) in states.iter().zip(entries.windows(2)) {
        let millis = (pair[1].at_unix_millis - pair[0].at_unix_millis)
            .max(0)
            .unsigned_abs();
        match times.last_mut().filter(|time| time.state == *state) {
            Some(time) => time.millis += millis,
            None => times.push(StateTime {
                state: (*state).to_owned(),
                millis,
            }),
        }
    }
    times
}

/// The state after each entry.
fn states(entries: &[JournalEntry]) -> Vec<&'static str> {
    let mut roll: Option<Roll> = None;
    let mut take = |record: &Record| {
        match (&mut roll, record) {
            (None, Record::Planned { plan }) => roll = Some(Roll::planned(Plan::clone(plan))),
            (None, _) => return "unknown",
            (Some(roll), record) => {
                if roll.apply(record.clone()).is_err() {
                    return "unknown";
                }
            }
        }
        roll.as_ref().map_or("unknown", |roll| roll.state().name())
    };
    entries.iter().map(|entry| take(&entry.record)).collect()
}

/// The journal as sentences.
#[must_use]
pub fn story(entries: &[JournalEntry]) -> Vec<Sentence> {
    let sentence = |(entry, state): (&JournalEntry, &'static str)| Sentence {
        at_unix_millis: entry.at_unix_millis,
        state: state.to_owned(),
        text: entry.record.sentence(),
    };
    entries.iter().zip(states(entries)).map(sentence).collect()
}
