//! Nodes as tables.

use std::fmt::Write as _;

use keyroll_proto::operator::{ListNodesReply, NodeView, TargetView};

use crate::screen::table;
use crate::words::{moment, number, or_dash};

/// The nodes that were asked for.
pub fn list_text(reply: &ListNodesReply) -> String {
    if reply.nodes.is_empty() {
        return "no nodes yet\nnext: keyroll node add --help\n".to_owned();
    }
    nodes_text(&reply.nodes)
}

/// A line for each node.
pub fn nodes_text(nodes: &[NodeView]) -> String {
    table(
        ["ARRAY", "NODE", "STATE", "KEYSET", "LAST SEEN", "REASON"],
        nodes.iter().map(|node| {
            [
                node.array.clone(),
                node.node.clone(),
                node.state.clone(),
                number(node.version),
                moment(node.last_seen_unix),
                or_dash(&node.reason),
            ]
        }),
    )
}

/// One node in full.
pub fn node_text(node: &NodeView) -> String {
    let offset = match node.clock_offset_seconds {
        0.0 => String::new(),
        seconds => format!("{seconds:+.3} s"),
    };
    let state = match node.reason.as_str() {
        "" => node.state.clone(),
        reason => format!("{} ({reason})", node.state),
    };
    let facts = [
        ("array", node.array.clone()),
        ("node", node.node.clone()),
        ("address", node.address.clone()),
        ("state", state),
        ("keyset", number(node.version)),
        ("last seen", moment(node.last_seen_unix)),
        (
            "certificate",
            format!("ends {}", moment(node.certificate_ends_unix)),
        ),
        ("clock", offset),
        ("agent", node.agent_version.clone()),
        ("password for", node.password_uses.join(", ")),
    ];
    let mut text = String::new();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<13} {value}");
    }
    for target in &node.targets {
        let _ = write!(text, "\n{}", target_text(target));
    }
    text
}

fn target_text(target: &TargetView) -> String {
    let mut text = format!("{} ({})", target.path, target.kind);
    match target.foreign_entries {
        0 => {}
        count => {
            let _ = write!(text, ", {count} foreign entries");
        }
    }
    text.push('\n');
    if !target.trouble.is_empty() {
        let _ = writeln!(text, "broken: {}", target.trouble);
    }
    text.push_str(&table(
        ["PRINCIPAL", "KVNO", "ENCTYPE", "KEY"],
        target.entries.iter().map(|entry| {
            let key = if entry.right { "right" } else { "WRONG" };
            [
                entry.principal.clone(),
                number(entry.kvno),
                entry.enctype.clone(),
                key.to_owned(),
            ]
        }),
    ));
    text
}
