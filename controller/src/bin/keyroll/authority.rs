//! `keyroll authority …`: the controller's certificate authority is replaced.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyroll_proto::operator::{ReplaceAuthorityReply, ReplaceAuthorityRequest};

use crate::exit::Exit;
use crate::files;
use crate::session::{Consent, Session, changed_text};
use crate::trouble::Trouble;

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll authority prepare --ca-file ca.crt
  keyroll authority activate --dry-run
  keyroll authority activate
  keyroll authority retire";

/// The three steps; each waits until every node has confirmed the one before.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a new authority, which everybody is told to trust and which signs nothing yet
    #[command(after_help = "Examples:
  # operators put this file in the place of their ca.crt
  keyroll authority prepare --ca-file ca.crt")]
    Prepare(Step),
    /// Let the new authority sign, once every node trusts it
    #[command(after_help = "Examples:
  keyroll authority activate --dry-run
  keyroll authority activate")]
    Activate(Step),
    /// End all trust in the old authority, once nobody lives by it any more
    #[command(after_help = "Examples:
  keyroll authority retire --dry-run
  keyroll authority retire")]
    Retire(Step),
}

/// One step.
#[derive(Debug, Args)]
pub struct Step {
    /// Where to write the certificates of all authorities that are trusted then: operators' ca.crt
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// Runs `keyroll authority …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Prepare(step) => step.run("prepare", session).await,
        Verb::Activate(step) => step.run("activate", session).await,
        Verb::Retire(step) => step.run("retire", session).await,
    }
}

impl Step {
    async fn run(self, step: &str, session: &Session) -> Result<Exit, Trouble> {
        if session.must_ask(self.consent)? {
            let preview = self.ask(step, true, session).await?;
            session.screen.say(&text(&preview));
            session.demand_agreement("Go on?").await?;
        }
        let reply = self.ask(step, self.consent.dry_run, session).await?;
        if let Some(path) = self.ca_file.as_ref().filter(|_| !self.consent.dry_run) {
            files::write_public(path, reply.authorities_pem.as_bytes())?;
        }
        session.screen.reply(&reply, text)?;
        Ok(Exit::Done)
    }

    async fn ask(
        &self,
        step: &str,
        dry_run: bool,
        session: &Session,
    ) -> Result<ReplaceAuthorityReply, Trouble> {
        let request = ReplaceAuthorityRequest {
            step: step.to_owned(),
            dry_run,
        };
        let doing = format!("the authority: {step}");
        let ask =
            async |mut client: crate::session::Client| client.replace_authority(request).await;
        session.ask(&doing, ask).await
    }
}

fn text(reply: &ReplaceAuthorityReply) -> String {
    reply.changed.as_ref().map(changed_text).unwrap_or_default()
}
