//! `keyroll audit …`

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use keyroll_controller::audit::verify_copy;
use keyroll_controller::seal::AuditKey;
use keyroll_proto::operator::{
    AcknowledgeAuditRequest, ShowAuditReply, ShowAuditRequest, VerifyAuditReply, VerifyAuditRequest,
};

use crate::exit::Exit;
use crate::screen::table;
use crate::session::{Consent, Session, show};
use crate::trouble::Trouble;
use crate::words::{moment_millis, or_dash};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll audit show --limit 20
  keyroll audit verify
  keyroll audit acknowledge --reason 'put back from the backup of Monday, by anna'";

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
    /// Check the chain of hashes and its signatures: that no entry was changed or taken out
    #[command(after_help = "Examples:
  keyroll audit verify
  keyroll audit verify --output json     # keep head and key elsewhere, and compare later
  keyroll audit verify --copy audit.jsonl --key \"$(cat audit.key)\"")]
    Verify {
        /// A copy that a sink has kept, in place of the controller's own; asks no controller
        #[arg(long, value_name = "FILE", requires = "key")]
        copy: Option<PathBuf>,
        /// The key that has signed the copy, as `keyroll audit verify` shows it
        #[arg(long, value_name = "KEY", requires = "copy")]
        key: Option<AuditKey>,
        /// A head that was noted elsewhere: an entry of the copy must have this hash
        #[arg(long, value_name = "HASH", requires = "copy")]
        head: Option<String>,
    },
    /// End the alarm that a sink has heard of entries which the controller does not have
    ///
    /// The controller was set back, or somebody has written there: find out which, first. Needs an
    /// admin of all arrays.
    #[command(after_help = "Examples:
  keyroll audit acknowledge --reason 'put back from the backup of Monday, by anna' --dry-run
  keyroll audit acknowledge --reason 'put back from the backup of Monday, by anna'")]
    Acknowledge {
        /// What was found out; it is written into the audit
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        consent: Consent,
    },
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
        Verb::Verify { copy, key, head } => {
            let of_copy = copy.is_some();
            let reply = match copy.zip(key) {
                Some((path, key)) => verified_copy(&path, key, head.as_deref())?,
                None => {
                    session
                        .ask("checking the audit trail", async |mut client| {
                            client.verify_audit(VerifyAuditRequest {}).await
                        })
                        .await?
                }
            };
            session.screen.reply(&reply, verify_text)?;
            Ok(match (reply.ok, reply.signed) {
                (false, _) => Exit::EndedBadly,
                // A copy that nobody has signed is as somebody wants it to be. The controller's own
                // chain is short of its first checkpoint for a while.
                (true, 0) if of_copy => Exit::Warning,
                (true, _) => Exit::Done,
            })
        }
        Verb::Acknowledge { reason, consent } => {
            session
                .change_if_agreed("ending the alarm", consent, async |mut client, dry_run| {
                    let reason = reason.clone();
                    let request = AcknowledgeAuditRequest { reason, dry_run };
                    client.acknowledge_audit(request).await
                })
                .await
        }
    }
}

/// What `VerifyAudit` would say of a copy.
fn verified_copy(
    path: &Path,
    key: AuditKey,
    head: Option<&str>,
) -> Result<VerifyAuditReply, Trouble> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Trouble::new(
            Exit::InputOutput,
            "unreadable",
            format!("{}: {error}", path.display()),
        )
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let verdict = verify_copy(BufReader::new(file), key, head);
    let verdict = verdict.map_err(|error| unreadable(&error))?;
    Ok(VerifyAuditReply {
        ok: verdict.trouble.is_none(),
        entries: verdict.entries,
        head: verdict.head,
        trouble: verdict.trouble.unwrap_or_default(),
        checkpoints: verdict.checkpoints,
        signed: verdict.signed,
        key: verdict.key.to_string(),
        last: verdict.last,
    })
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
    if !reply.ok {
        return format!("broken: {}", reply.trouble);
    }
    let mut text = format!(
        "{}, {} entries, unbroken; head {}\n\
         {} checkpoints, the newest at entry {}, signed by {}",
        if reply.signed > 0 {
            "ok"
        } else {
            "not signed yet"
        },
        reply.entries,
        or_dash(&reply.head),
        reply.checkpoints,
        reply.signed,
        or_dash(&reply.key),
    );
    if reply.signed < reply.last {
        let first = reply.last.saturating_sub(reply.entries) + 1;
        let open = first.max(reply.signed + 1);
        text.push_str(&format!(
            "\nentries {open}-{} are not covered by a signature",
            reply.last
        ));
    }
    text
}
