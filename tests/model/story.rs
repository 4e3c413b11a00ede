//! A way to a state, told in full and in short.

use keyroll::roll::Record;

use crate::event::{Event, How};
use crate::explore::Space as _;
use crate::model::Model;
use crate::question::{Act, Next};
use crate::world::World;

/// One line for each step.
pub fn story(model: &Model, path: &[(Event, World)]) -> String {
    let mut lines = Vec::new();
    told(model, path, |number, event, next| {
        let said = match (event, next) {
            (Event::Write, Some(Next::Write(record, _))) => format!(": {}", record.sentence()),
            (Event::Write, Some(Next::Illegal(why))) => format!(": {why}"),
            _ => String::new(),
        };
        lines.push(format!("{number:3}. {event}{said}"));
    });
    lines.join("\n")
}

/// The records, and what is out of the ordinary: looks and pushes that go well, and waits, are left
/// out.
pub fn in_short(model: &Model, path: &[(Event, World)]) -> String {
    let mut words = Vec::new();
    told(model, path, |_, event, next| match (event, next) {
        (Event::Begin, _) => words.push("`planned`".to_owned()),
        (Event::Write, Some(Next::Write(record, _))) => words.push(name(record)),
        (Event::Did(Act::Commit(..), How::Plainly), _) => words.push(event.to_string()),
        (Event::Did(_, How::Plainly) | Event::Waited | Event::Moment, _) => {}
        _ => words.push(event.to_string()),
    });
    if words.is_empty() {
        words.push("from the beginning".to_owned());
    }
    words.join(" → ").replace("the controller ", "")
}

fn name(record: &Record) -> String {
    match record {
        Record::CommitIntent { attempt, .. } => format!("`{} {attempt}`", record.name()),
        Record::Quarantined { node, .. } => format!("`{} {node}`", record.name()),
        _ => format!("`{}`", record.name()),
    }
}

/// Walks along a way, and tells of each step with what `plan` had said before it.
fn told(
    model: &Model,
    path: &[(Event, World)],
    mut tell: impl FnMut(usize, &Event, Option<&Next>),
) {
    let mut before = model.initial();
    for (number, (event, after)) in path.iter().enumerate() {
        let next = before.desk.roll.map(|roll| model.decide(&before, roll));
        tell(number + 1, event, next.as_deref());
        before = *after;
    }
}
