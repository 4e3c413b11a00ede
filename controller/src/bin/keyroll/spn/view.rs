//! SPNs as text.

use std::fmt::Write as _;

use keyroll_proto::operator::{
    DuplicateSpn, DuplicateSpnsReply, ListSpnsReply, PrepareSpnsReply, SpnView, UnseenForest,
};

use crate::screen::table;
use crate::words::{or_dash, took};

/// A line for each.
#[must_use]
pub fn list(reply: &ListSpnsReply) -> String {
    if reply.spns.is_empty() {
        return "no SPN".to_owned();
    }
    let row = |view: &SpnView| {
        let held = match view.nodes {
            0 => String::new(),
            nodes => format!("{} of {nodes} nodes", view.held_by),
        };
        [
            view.spn.clone(),
            state(view),
            or_dash(&held),
            or_dash(&view.owner),
        ]
    };
    let mut text = table(
        ["SPN", "STATE", "KEYS", "OWNER"],
        reply.spns.iter().map(row),
    );
    if !reply.unknown_because.is_empty() {
        let _ = write!(text, "{}\nnext: {}", reply.unknown_because, reply.next);
    }
    text
}

/// The same, and the commands that register what is missing.
#[must_use]
pub fn plan(reply: &ListSpnsReply) -> String {
    let mut text = list(reply);
    if !reply.commands.is_empty() {
        let _ = write!(text, "\n\n{}", reply.commands.join("\n"));
    }
    text
}

fn state(view: &SpnView) -> String {
    match view.left_seconds {
        0 => view.state.clone(),
        seconds => format!("{} ({})", view.state, took(seconds.saturating_mul(1_000))),
    }
}

/// Every name with two owners, and how much was looked through.
#[must_use]
pub fn duplicates(reply: &DuplicateSpnsReply) -> String {
    let mut text = String::new();
    for one in &reply.duplicates {
        let _ = writeln!(text, "{}", duplicate(one));
    }
    let mut places = vec![if reply.forest {
        "the forest"
    } else {
        "this domain (the domain controller is no global catalog)"
    }];
    places.extend(reply.others.iter().map(String::as_str));
    let place = places.join(" and ");
    let broken = reply.duplicates.iter().filter(|one| one.grade == "broken");
    let number = broken.count();
    let _ = write!(
        text,
        "{number} duplicates among {} SPNs of {place}",
        reply.looked_at
    );
    match reply.duplicates.len() - number {
        0 => {}
        notices => {
            let _ = write!(
                text,
                ", and {notices} that HOST of another account answered for"
            );
        }
    }
    for UnseenForest { forest, why, next } in &reply.unseen {
        let _ = write!(
            text,
            "\nunknown {forest}: not looked through: {why}\n  next: {next}"
        );
    }
    text
}

fn duplicate(one: &DuplicateSpn) -> String {
    let mut text = format!("{} ({}):", one.likeness, one.grade);
    for holder in &one.holders {
        // What looks the same must not be printed the same.
        let spn = holder.spn.escape_default();
        let _ = write!(
            text,
            "\n  {spn}  {} ({})",
            holder.account, holder.distinguished_name
        );
    }
    if !one.next.is_empty() {
        let _ = write!(text, "\n  next: {}", one.next);
    }
    text
}

/// Which nodes are waited for.
#[must_use]
pub fn progress(reply: &PrepareSpnsReply) -> String {
    let waiting = reply.waiting.iter();
    let names: Vec<String> = waiting
        .map(|one| format!("{} ({}: {})", one.node, one.state, one.reason))
        .collect();
    let missing = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let held = reply.nodes.saturating_sub(missing);
    format!(
        "{held} of {} nodes hold the keys; waiting for {}",
        reply.nodes,
        names.join(", ")
    )
}
