//! `keyroll status`

use std::fmt::Write as _;

use keyroll_proto::operator::{StatusReply, StatusRequest};

use crate::array::{alarms_text, array_list_text};
use crate::exit::Exit;
use crate::roll;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::{moment, or_dash};

/// Examples of the verb.
pub const EXAMPLES: &str = "Examples:
  keyroll status
  keyroll status --output json | jq '.alarms'";

/// Runs `keyroll status`.
///
/// # Errors
/// What the operator is told.
pub async fn run(session: &Session) -> Result<Exit, Trouble> {
    let reply = session
        .ask("reading the status", async |mut client| {
            client.status(StatusRequest {}).await
        })
        .await?;
    session.screen.reply(&reply, text)?;
    let critical = reply.alarms.iter().any(|alarm| alarm.grade == "critical");
    Ok(if critical {
        Exit::EndedBadly
    } else {
        Exit::Done
    })
}

fn text(status: &StatusReply) -> String {
    let mut text = format!(
        "controller {}, up since {}, realm {}, epoch {}\n\n",
        or_dash(&status.version),
        moment(status.started_unix),
        or_dash(&status.realm),
        status.epoch
    );
    // Outside a roll only their names are known here; `verify` asks each of them.
    if status.dcs.iter().any(|dc| !dc.issues.is_empty()) {
        let _ = writeln!(text, "{}", roll::dcs_text(&status.dcs));
    } else if !status.dcs.is_empty() {
        let names: Vec<&str> = status.dcs.iter().map(|dc| dc.dc.as_str()).collect();
        let _ = writeln!(text, "domain controllers {}\n", names.join(", "));
    }
    text.push_str(&array_list_text(&status.arrays));
    text.push('\n');
    if status.alarms.is_empty() {
        text.push_str("ok, no alarms\n");
    } else {
        text.push_str(&alarms_text(&status.alarms));
    }
    text
}
