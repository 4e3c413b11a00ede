//! Changes as text.

use keyroll_proto::operator::{ChangeView, DirectoryChange, ListChangesReply, PlannedChanges};

use crate::screen::table;
use crate::words::{moment, or_dash};

/// What would be done, or will be.
#[must_use]
pub fn planned(planned: &PlannedChanges) -> String {
    let prefix = if planned.dry_run { "would: " } else { "" };
    let mut lines = Vec::new();
    for change in &planned.changes {
        let on = &change.dc;
        let sentences = change.sentences.iter();
        lines.extend(sentences.map(|sentence| format!("{prefix}{sentence} (on {on})")));
    }
    lines.extend(forgotten(planned));
    if lines.is_empty() {
        lines.push(format!("{prefix}nothing to change"));
    }
    lines.extend(planned.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(planned.next.iter().map(|next| format!("next: {next}")));
    lines.join("\n")
}

/// The names whose keys nodes lose, or would, though the directory is not changed.
#[must_use]
pub fn forgotten(planned: &PlannedChanges) -> Vec<String> {
    let prefix = if planned.dry_run { "would" } else { "done" };
    let each = planned.forgotten.iter();
    each.map(|spn| format!("{prefix}: the keytabs lose {spn}, which was never registered"))
        .collect()
}

/// What would be done, and how others would do it.
#[must_use]
pub fn planned_by_hand(reply: &PlannedChanges) -> String {
    let changes = reply.changes.iter();
    let by_hand = changes.map(|change| format!("\nby hand:\n{}", by_hand(change)));
    std::iter::once(planned(reply))
        .chain(by_hand)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A line for each.
#[must_use]
pub fn list(reply: &ListChangesReply) -> String {
    if reply.changes.is_empty() {
        return "no change so far".to_owned();
    }
    let row = |view: &ChangeView| {
        let change = view.change.clone().unwrap_or_default();
        [
            change.number.to_string(),
            moment(view.at_unix),
            or_dash(&view.array),
            view.actor.clone(),
            state(view),
            change.sentences.join("; "),
        ]
    };
    let head = ["CHANGE", "WHEN", "ARRAY", "BY", "STATE", "WHAT"];
    table(head, reply.changes.iter().map(row))
}

/// Each in short, but for the one of this number.
#[must_use]
pub fn outcomes(reply: &ListChangesReply, untold: Option<u64>) -> String {
    let number = |view: &&ChangeView| view.change.as_ref().map(|change| change.number);
    let told = reply.changes.iter();
    let told = told.filter(|view| untold.is_none() || number(view) != untold);
    told.map(one).collect::<Vec<_>>().join("\n")
}

/// One in short.
#[must_use]
pub fn one(view: &ChangeView) -> String {
    let change = view.change.clone().unwrap_or_default();
    let what = change.sentences.join("; ");
    let mut text = format!("change {} {}: {what}", change.number, state(view));
    if !view.said.is_empty() {
        text = format!("{text}: {}", view.said);
    }
    text
}

/// Everything of one.
#[must_use]
pub fn whole(reply: &ListChangesReply) -> String {
    let whole = |view: &ChangeView| {
        let change = view.change.clone().unwrap_or_default();
        let lines = [
            one(view),
            format!(
                "typed: keyroll {}, by {}, {}",
                view.verb,
                view.actor,
                moment(view.at_unix)
            ),
            format!("on: {}, made as: {}", change.dc, or_dash(&view.bound_as)),
            by_hand(&change),
        ];
        lines.join("\n")
    };
    reply
        .changes
        .iter()
        .map(whole)
        .collect::<Vec<_>>()
        .join("\n")
}

fn by_hand(change: &DirectoryChange) -> String {
    let mut lines = change.commands.clone();
    // Beside commands, LDIF needs a heading, too.
    if change.commands.iter().any(|line| line.starts_with('#')) {
        lines.push("# or LDIF".to_owned());
    }
    lines.push(change.ldif.trim_end().to_owned());
    lines.join("\n")
}

fn state(view: &ChangeView) -> String {
    match (view.undone_by, view.undoes) {
        (0, 0) => view.state.clone(),
        (0, of) => format!("{} (takes back {of})", view.state),
        (by, _) => format!("{} (taken back by {by})", view.state),
    }
}
