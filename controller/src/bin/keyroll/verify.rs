//! `keyroll verify`

use std::fmt::Write as _;

use clap::Args;
use keyroll_proto::operator::{VerifyReply, VerifyRequest};

use crate::exit::Exit;
use crate::screen::table;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::or_dash;

/// Which array to verify.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyroll verify web
  keyroll verify web --output json")]
pub struct Verify {
    /// The array
    array: String,
}

/// Runs `keyroll verify`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verify: Verify, session: &Session) -> Result<Exit, Trouble> {
    let doing = format!("verifying {}", verify.array);
    let request = VerifyRequest {
        array: verify.array,
    };
    let reply = session
        .ask(&doing, async |mut client| client.verify(request).await)
        .await?;
    session.screen.reply(&reply, text)?;
    Ok(grade(&reply))
}

/// The exit code of what was found.
#[must_use]
pub fn grade(reply: &VerifyReply) -> Exit {
    let has = |grade: &str| reply.checks.iter().any(|check| check.grade == grade);
    if has("broken") || (!reply.ok && !has("warning") && !has("unknown")) {
        Exit::EndedBadly
    } else if has("warning") || has("unknown") {
        Exit::Warning
    } else {
        Exit::Done
    }
}

/// What was found, as a table.
#[must_use]
pub fn text(reply: &VerifyReply) -> String {
    let mut text = table(
        ["GRADE", "OBJECT", "WHAT", "EVIDENCE"],
        reply.checks.iter().map(|check| {
            [
                check.grade.clone(),
                check.object.clone(),
                check.what.clone(),
                or_dash(&check.evidence),
            ]
        }),
    );
    let mut said = Vec::new();
    for check in reply.checks.iter().filter(|check| !check.next.is_empty()) {
        if !said.contains(&&check.next) {
            let _ = writeln!(text, "next for {}: {}", check.object, check.next);
            said.push(&check.next);
        }
    }
    let verdict = match grade(reply) {
        Exit::Done => "ok, all of it",
        Exit::Warning => "warning: not all of it is well",
        _ => "broken: see above",
    };
    text.push_str(verdict);
    text
}
