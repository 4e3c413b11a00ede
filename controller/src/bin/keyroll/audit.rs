//! `keyroll audit …`

use clap::Subcommand;
use keyroll_proto::operator::{
    ShowAuditReply, ShowAuditRequest, VerifyAuditReply, VerifyAuditRequest,
};

use crate::exit::Exit;
use crate::screen::table;
use crate::session::{Session, show};
use crate::trouble::Trouble;
use crate::words::{moment_millis, or_dash};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll audit show --limit 20
  keyroll audit verify";

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the newest entries: who did what, when, and how it ended
    #[command(after_help = "Examples:
  keyroll audit show
  keyroll audit show --limit 200 --array web
  keyroll audit show --output json | jq '.entries[] | select(.verb == \"roll\")'")]
    Show {
        /// How many entries
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Only those of this array
        #[arg(
            long,
            value_name = "ARRAY",
            default_value = "",
            hide_default_value = true
        )]
        array: String,
    },
    /// Check the chain of hashes: that no entry was changed or taken out
    #[command(after_help = "Examples:
  keyroll audit verify
  keyroll audit verify --output json     # keep the head elsewhere, and compare later")]
    Verify,
}

/// Runs `keyroll audit …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Show { limit, array } => {
            let request = ShowAuditRequest { limit, array };
            show(
                session,
                "reading the audit trail",
                show_text,
                async |mut client| client.show_audit(request).await,
            )
            .await
        }
        Verb::Verify => {
            let reply = session
                .ask("checking the audit trail", async |mut client| {
                    client.verify_audit(VerifyAuditRequest {}).await
                })
                .await?;
            session.screen.reply(&reply, verify_text)?;
            Ok(if reply.ok {
                Exit::Done
            } else {
                Exit::EndedBadly
            })
        }
    }
}

fn show_text(reply: &ShowAuditReply) -> String {
    table(
        ["NUMBER", "AT", "WHO", "VERB", "OBJECT", "OUTCOME", "DETAIL"],
        reply.entries.iter().map(|entry| {
            [
                entry.number.to_string(),
                moment_millis(entry.at_unix_millis),
                entry.actor.clone(),
                entry.verb.clone(),
                or_dash(&entry.object),
                entry.outcome.clone(),
                or_dash(&entry.detail),
            ]
        }),
    )
}

fn verify_text(reply: &VerifyAuditReply) -> String {
    if reply.ok {
        format!(
            "ok, {} entries, unbroken; head {}",
            reply.entries,
            or_dash(&reply.head)
        )
    } else {
        format!("broken: {}", reply.trouble)
    }
}
