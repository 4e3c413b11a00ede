//! Rolls as tables and sentences.

use std::fmt::Write as _;

use keyroll_proto::operator::{
    ExplainRollReply, RollDcView, RollHistoryReply, RollStatusReply, RollView, StartRollReply,
};

use crate::screen::table;
use crate::words::{moment_millis, number, or_dash, took};

/// What `--all` says where there is nothing at all.
const NO_ARRAY: &str = "there is no array to roll\n";

/// The rolls that were asked for.
pub fn status_text(reply: &RollStatusReply) -> String {
    match reply.rolls.as_slice() {
        [] => "no roll so far\nnext: keyroll roll --help\n".to_owned(),
        [roll] => roll_text(roll),
        rolls => rolls_text(rolls),
    }
}

/// The rolls of an array.
pub fn history_text(reply: &RollHistoryReply) -> String {
    rolls_text(&reply.rolls)
}

fn rolls_text(rolls: &[RollView]) -> String {
    table(
        [
            "ARRAY", "ROLL", "STATE", "KVNO", "STARTED", "TOOK", "WHO", "REASON",
        ],
        rolls.iter().map(|roll| {
            let reason = if roll.ended {
                &roll.cause
            } else {
                &roll.reason
            };
            [
                roll.array.clone(),
                roll.roll.to_string(),
                roll.state.clone(),
                kvno_text(roll),
                moment_millis(roll.started_unix_millis),
                took_text(roll),
                or_dash(&roll.actor),
                or_dash(reason),
            ]
        }),
    )
}

fn kvno_text(roll: &RollView) -> String {
    format!(
        "{} -> {}",
        number(roll.kvno_before),
        number(roll.kvno_after)
    )
}

fn took_text(roll: &RollView) -> String {
    match roll.times.iter().map(|time| time.millis).sum::<u64>() {
        0 => "-".to_owned(),
        millis => took(millis),
    }
}

/// What rolls would do, and what stands in their way.
pub fn plan_text(plan: &StartRollReply) -> String {
    let mut text = String::new();
    for roll in &plan.rolls {
        for sentence in &roll.would {
            let _ = writeln!(text, "would: {}: {sentence}", roll.array);
        }
        for warning in &roll.warnings {
            let _ = writeln!(text, "warning: {}: {warning}", roll.array);
        }
        text.push_str(&refusals_text(roll));
        if roll.would.is_empty() && roll.refusals.is_empty() {
            let _ = writeln!(text, "would: {}: {}", roll.array, roll.reason);
        }
    }
    if text.is_empty() {
        NO_ARRAY.to_owned()
    } else {
        text
    }
}

/// Rolls that were started, or that have ended.
pub fn started_text(started: &StartRollReply) -> String {
    if started.rolls.is_empty() {
        return NO_ARRAY.to_owned();
    }
    let mut texts = Vec::new();
    for roll in &started.rolls {
        let mut text = if roll.state == "planned" {
            format!("{} roll {} began\n", roll.array, roll.roll)
        } else {
            roll_text(roll)
        };
        if !roll.ended && roll.state != "halted" {
            let _ = writeln!(text, "next: keyroll roll watch {}", roll.array);
        }
        texts.push(text);
    }
    texts.join("\n")
}

/// One line on where a roll is.
pub fn line_text(roll: &RollView) -> String {
    let mut line = format!("{} roll {} {}", roll.array, roll.roll, roll.state);
    if !roll.reason.is_empty() {
        let _ = write!(line, ": {}", roll.reason);
    }
    let mut counts = Vec::new();
    let ready = roll
        .nodes
        .iter()
        .filter(|node| matches!(node.state.as_str(), "staged" | "proven"))
        .count();
    if !roll.nodes.is_empty() {
        counts.push(format!("nodes {ready}/{}", roll.nodes.len()));
    }
    if matches!(roll.state.as_str(), "converging" | "draining") {
        let new = roll.dcs.iter().filter(|dc| dc.issues == "new").count();
        counts.push(format!("DCs {new}/{}", roll.dcs.len()));
    }
    let left = took(roll.drain_left_seconds.saturating_mul(1_000));
    // While nothing is amiss it is the reason already.
    if roll.state == "draining" && !roll.reason.contains("old key goes in") {
        counts.push(format!("{left} left"));
    }
    if !counts.is_empty() {
        let _ = write!(line, " ({})", counts.join(", "));
    }
    line
}

/// One roll in full.
pub fn roll_text(roll: &RollView) -> String {
    let mut text = format!("{} roll {}: {}", roll.array, roll.roll, roll.state);
    if roll.ended && !roll.times.is_empty() {
        let _ = write!(text, " in {}", took_text(roll));
    }
    if roll.kvno_before != 0 || roll.kvno_after != 0 {
        let _ = write!(text, ", kvno {}", kvno_text(roll));
    }
    if !roll.writer.is_empty() {
        let _ = write!(text, ", written on {}", roll.writer);
    }
    text.push('\n');
    if !roll.reason.is_empty() {
        let _ = writeln!(text, "{}", roll.reason);
    }
    if roll.state == "draining" && roll.reason.is_empty() {
        let left = took(roll.drain_left_seconds.saturating_mul(1_000));
        let _ = writeln!(text, "the old key goes in {left}");
    }
    text.push_str(&refusals_text(roll));
    if roll.state == "done" && roll.cause == "emergency" {
        let array = &roll.array;
        let _ = writeln!(
            text,
            "next, if the password itself has leaked: keyroll roll {array} --emergency, once more \
             in an hour, when the directory accepts the old one for NTLM no longer"
        );
    }
    if roll.state == "halted" {
        let array = &roll.array;
        let _ = writeln!(
            text,
            "next: keyroll roll explain {array}, then keyroll roll resolve {array} --help"
        );
    }
    if !roll.times.is_empty() {
        let times = roll
            .times
            .iter()
            .map(|time| [time.state.clone(), took(time.millis)]);
        let _ = write!(text, "\n{}", table(["STATE", "TIME"], times));
    }
    if !roll.nodes.is_empty() {
        let nodes = roll
            .nodes
            .iter()
            .map(|node| [node.node.clone(), node.state.clone(), or_dash(&node.reason)]);
        let _ = write!(text, "\n{}", table(["NODE", "STATE", "REASON"], nodes));
    }
    if !roll.dcs.is_empty() {
        let _ = write!(text, "\n{}", dcs_text(&roll.dcs));
    }
    text
}

/// A line for each domain controller: which key it issues tickets under.
pub fn dcs_text(dcs: &[RollDcView]) -> String {
    table(
        ["DC", "ISSUES", "KVNO", "REASON"],
        dcs.iter().map(|dc| {
            [
                dc.dc.clone(),
                or_dash(&dc.issues),
                number(dc.kvno),
                or_dash(&dc.reason),
            ]
        }),
    )
}

fn refusals_text(roll: &RollView) -> String {
    let mut text = String::new();
    for refusal in &roll.refusals {
        let _ = writeln!(
            text,
            "refused: {}: {} ({})",
            refusal.object, refusal.why, refusal.code
        );
        if !refusal.next.is_empty() {
            let _ = writeln!(text, "    next: {}", refusal.next);
        }
    }
    text
}

/// A roll told as sentences.
pub fn explain_text(reply: &ExplainRollReply) -> String {
    let mut text = String::new();
    for sentence in &reply.sentences {
        let at = moment_millis(sentence.at_unix_millis);
        let _ = writeln!(text, "{at}  {:<11} {}", sentence.state, sentence.text);
    }
    if text.is_empty() {
        text.push_str("no roll so far\n");
    }
    text
}
