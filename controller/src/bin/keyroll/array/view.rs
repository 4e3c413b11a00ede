//! Arrays as tables.

use std::fmt::Write as _;

use keyroll_proto::operator::{Alarm, ArrayView, ListArraysReply, Policy, PrintAclReply};

use crate::node;
use crate::roll;
use crate::screen::table;
use crate::words::{moment, number, or_dash, took};

/// All arrays with their alarms.
pub fn list_text(reply: &ListArraysReply) -> String {
    let mut text = array_list_text(&reply.arrays);
    let alarms: Vec<_> = reply
        .arrays
        .iter()
        .flat_map(|array| &array.alarms)
        .collect();
    text.push_str(&alarms_text(alarms));
    text
}

/// A line for each array.
pub fn array_list_text(arrays: &[ArrayView]) -> String {
    if arrays.is_empty() {
        return "no arrays yet\nnext: keyroll array create --help\n".to_owned();
    }
    table(
        [
            "ARRAY",
            "ACCOUNT",
            "KVNO",
            "NODES",
            "LAST ROLL",
            "ROLL",
            "NEXT",
        ],
        arrays.iter().map(|array| {
            let serving = array
                .nodes
                .iter()
                .filter(|node| node.state == "in-service")
                .count();
            let roll = array.roll.as_ref().map(|roll| roll.state.as_str());
            let next = array
                .schedule
                .as_ref()
                .map_or(0, |schedule| schedule.next_unix);
            [
                array.array.clone(),
                array.account.clone(),
                number(array.kvno),
                format!("{serving}/{}", array.nodes.len()),
                moment(array.rolled_at_unix),
                or_dash(roll.unwrap_or_default()),
                moment(next),
            ]
        }),
    )
}

/// Alarms, the most urgent first, each with its next command.
pub fn alarms_text<'a>(alarms: impl IntoIterator<Item = &'a Alarm>) -> String {
    let mut text = String::new();
    for alarm in alarms {
        let _ = writeln!(text, "{} {}: {}", alarm.grade, alarm.object, alarm.what);
        if !alarm.next.is_empty() {
            let _ = writeln!(text, "    next: {}", alarm.next);
        }
    }
    text
}

/// One array in full.
pub fn array_text(array: &ArrayView) -> String {
    let account = format!("{} ({})", array.account, array.account_kind);
    let schedule = array
        .schedule
        .as_ref()
        .map_or_else(String::new, |schedule| {
            match (schedule.paused, schedule.next_unix) {
                (true, _) => "paused".to_owned(),
                (false, 0) => String::new(),
                (false, next) => format!("next roll {}", moment(next)),
            }
        });
    let facts = [
        ("array", array.array.clone()),
        ("account", account),
        ("object", array.distinguished_name.clone()),
        ("realm", array.realm.clone()),
        ("SPNs", array.spns.join(" ")),
        ("SPNs waiting", array.spns_pending.join(" ")),
        ("enctypes", array.enctypes.join(" ")),
        ("kvno", number(array.kvno)),
        ("keyset", number(array.keyset_version)),
        ("last roll", moment(array.rolled_at_unix)),
        (
            "policy",
            array.policy.as_ref().map(policy_text).unwrap_or_default(),
        ),
        ("schedule", schedule),
    ];
    let mut text = String::new();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<13} {value}");
    }
    if !array.nodes.is_empty() {
        let _ = write!(text, "\n{}", node::nodes_text(&array.nodes));
    }
    if let Some(roll) = &array.roll {
        let _ = write!(text, "\n{}", roll::roll_text(roll));
    }
    if !array.alarms.is_empty() {
        let _ = write!(text, "\n{}", alarms_text(&array.alarms));
    }
    text
}

fn policy_text(policy: &Policy) -> String {
    let mut parts = Vec::new();
    let mut word = |name: &str, value: &str| {
        if !value.is_empty() {
            parts.push(format!("{name} {value}"));
        }
    };
    word("gate", &policy.gate);
    word("method", &policy.method);
    word("heal", &policy.heal);
    word("delegation gap", &policy.delegation_gap);
    word("on deadline", &policy.on_deadline);
    let times = [
        (
            "stage deadline",
            Some(policy.stage_deadline).filter(|time| *time > 0),
        ),
        ("ticket life", policy.ticket_life),
        ("clock skew", policy.clock_skew),
        ("margin", policy.margin),
    ];
    for (name, seconds) in times {
        if let Some(seconds) = seconds {
            word(name, &took(seconds.saturating_mul(1_000)));
        }
    }
    parts.join(", ")
}

/// The delegation as commands, each with what it is for.
pub fn acl_text(acl: &PrintAclReply) -> String {
    let mut parts = Vec::new();
    if !acl.distinguished_name.is_empty() {
        let title = format!("The least rights on {}", acl.distinguished_name);
        parts.push(rights(&title, [&acl.dsacls, &acl.samba_tool, &acl.why]));
    }
    if !acl.container.is_empty() {
        let title = format!(
            "To have a {} account made in {}, instead",
            acl.account_kind, acl.container
        );
        let lists = [
            &acl.container_dsacls,
            &acl.container_samba_tool,
            &acl.container_why,
        ];
        parts.push(rights(&title, lists));
    }
    parts.join("\n")
}

fn rights(title: &str, [dsacls, samba_tool, why]: [&Vec<String>; 3]) -> String {
    let mut text = format!("# {title}\n");
    for (tool, commands) in [
        ("Windows: dsacls", dsacls),
        ("Samba: samba-tool dsacl", samba_tool),
    ] {
        let _ = write!(text, "\n# {tool}\n");
        for (index, command) in commands.iter().enumerate() {
            if let Some(why) = why.get(index).filter(|why| !why.is_empty()) {
                let _ = writeln!(text, "# {why}");
            }
            let _ = writeln!(text, "{command}");
        }
    }
    text
}
