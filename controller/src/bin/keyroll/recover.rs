//! `keyroll recover`

use keyroll_proto::operator::{RecoverReply, RecoverRequest, Recovery};

use crate::exit::Exit;
use crate::session::{Consent, Session};
use crate::trouble::Trouble;

/// Examples of the verb.
pub const EXAMPLES: &str = "Examples:
  keyroll recover web --dry-run     what nodes and domain controllers have, and what follows
  keyroll recover web
  keyroll recover --all --yes";

/// Which arrays.
#[derive(Debug, clap::Args)]
pub struct Recover {
    /// The arrays to recover
    #[arg(
        value_name = "ARRAY",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    arrays: Vec<String>,
    /// Every array that needs it
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Runs `keyroll recover`.
///
/// # Errors
/// What the operator is told.
pub async fn run(recover: Recover, session: &Session) -> Result<Exit, Trouble> {
    let ask = async |dry_run| {
        let request = RecoverRequest {
            arrays: recover.arrays.clone(),
            all: recover.all,
            dry_run,
        };
        let doing = "looking what nodes and domain controllers have";
        session
            .ask(doing, async |mut client| client.recover(request).await)
            .await
    };
    if session.must_ask(recover.consent)? {
        session.screen.say(&text(&ask(true).await?));
        session.demand_agreement("Go on from there?").await?;
    }
    let reply = ask(recover.consent.dry_run).await?;
    session.screen.reply(&reply, text)?;
    let refused = reply.recoveries.iter().any(|one| one.refusal.is_some());
    Ok(if refused {
        Exit::EndedBadly
    } else {
        Exit::Done
    })
}

fn text(reply: &RecoverReply) -> String {
    if reply.recoveries.is_empty() {
        return "no array needs to be recovered".to_owned();
    }
    let each = reply.recoveries.iter();
    let each = each.map(|recovery| one(recovery, reply.dry_run));
    each.collect::<Vec<_>>().join("\n\n")
}

fn one(recovery: &Recovery, dry_run: bool) -> String {
    let mut lines = vec![match recovery.stale.as_str() {
        "" => recovery.array.clone(),
        why => format!("{}: {why}", recovery.array),
    }];
    lines.extend(recovery.seen.iter().map(|seen| format!("  seen: {seen}")));
    let done = if dry_run { "would" } else { "now" };
    lines.extend(recovery.done.iter().map(|what| format!("  {done}: {what}")));
    if let Some(refusal) = &recovery.refusal {
        lines.push(format!("  refused: {} [{}]", refusal.why, refusal.code));
        lines.push(format!("next: {}", refusal.next));
    }
    lines.extend(recovery.next.iter().map(|next| format!("next: {next}")));
    lines.join("\n")
}
