//! `keyroll roll …`

mod start;
mod view;
mod watch;

use clap::{Args, Subcommand, ValueEnum};
use keyroll_proto::operator::{
    AbortRollRequest, ExplainRollRequest, ResolveRollRequest, RollHistoryRequest, RollStatusRequest,
};

use self::start::Start;
use crate::exit::Exit;
use crate::session::{Consent, Session, show};
use crate::trouble::Trouble;

pub use self::view::{dcs_text, roll_text};

/// A new roll, or a verb about one there is.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    override_usage = "keyroll roll [OPTIONS] ARRAY...\n       keyroll roll [OPTIONS] --all\n       \
                      keyroll roll VERB ...",
    after_help = "Examples:
  keyroll roll web --dry-run            what would be done, and everything that stands in the way
  keyroll roll web --wait               see it to its end; the exit code tells how it ended
  keyroll roll web crm --yes            two arrays side by side, unattended
  keyroll roll --all --yes --reason 'quarterly'
  keyroll roll web --emergency --kill now --reason 'keytab of node3 leaked'
  keyroll roll status web
  keyroll roll -- status                the array whose name is \"status\""
)]
pub struct Roll {
    /// What to do with a roll there is.
    #[command(subcommand)]
    verb: Option<Verb>,
    /// A new roll.
    #[command(flatten)]
    start: Start,
}

/// What to do with a roll there is.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the roll under way, or the last one
    #[command(after_help = "Examples:
  keyroll roll status
  keyroll roll status web --output json")]
    Status {
        /// The array; without it, all
        array: Option<String>,
    },
    /// Follow a roll until it ends or is halted; the exit code tells how it ended
    #[command(after_help = "Examples:
  keyroll roll watch web
  keyroll roll watch web --output json      # a line of JSON for each change")]
    Watch {
        /// The array
        array: String,
        /// Which roll; without it, the one under way, or the last one
        #[arg(
            long,
            value_name = "NUMBER",
            default_value_t = 0,
            hide_default_value = true
        )]
        roll: u64,
    },
    /// Take a roll back; possible until the directory has been asked to change
    #[command(after_help = "Examples:
  keyroll roll abort web --dry-run
  keyroll roll abort web --reason 'node2 is being replaced'")]
    Abort {
        /// The array
        array: String,
        /// Why, for the others and for the audit trail
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Decide what a halted roll cannot decide by itself
    #[command(after_help = "Examples:
  keyroll roll explain web                   why it is halted
  keyroll roll resolve web continue --reason 'dc2 is back'
  keyroll roll resolve web waive-dc --dc dc2.corp.example --reason 'dc2 is switched off for good'
  keyroll roll resolve web give-up --reason 'password was reset by hand'")]
    Resolve(Resolve),
    /// List an array's rolls, the newest first
    #[command(after_help = "Examples:
  keyroll roll history web
  keyroll roll history web --limit 5")]
    History {
        /// The array
        array: String,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Tell a roll as sentences: each step, when, and why
    #[command(after_help = "Examples:
  keyroll roll explain web
  keyroll roll explain web --roll 12")]
    Explain {
        /// The array
        array: String,
        /// Which roll; without it, the last one
        #[arg(
            long,
            value_name = "NUMBER",
            default_value_t = 0,
            hide_default_value = true
        )]
        roll: u64,
    },
}

/// What an operator may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Go on: what stood in the way is mended
    Continue,
    /// Do not wait for one domain controller (--dc): it will never issue a ticket again
    WaiveDc,
    /// Give the roll up; both keys stay on the nodes
    GiveUp,
}

/// `roll resolve`
#[derive(Debug, Args)]
pub struct Resolve {
    /// The array
    array: String,
    /// The decision
    #[arg(value_enum)]
    choice: Choice,
    /// With waive-dc: which domain controller
    #[arg(long, value_name = "HOST", required_if_eq("choice", "waive-dc"))]
    dc: Option<String>,
    /// Why, for the others and for the audit trail
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    consent: Consent,
}

/// The verbs, which no array can be named without saying so.
pub const VERBS: [&str; 6] = ["status", "watch", "abort", "resolve", "history", "explain"];

/// Runs `keyroll roll …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(roll: Roll, session: &Session) -> Result<Exit, Trouble> {
    match roll.verb {
        None => start::run(roll.start, session).await,
        Some(Verb::Status { array }) => {
            let array = array.unwrap_or_default();
            show(
                session,
                "reading the rolls",
                view::status_text,
                async |mut client| client.roll_status(RollStatusRequest { array }).await,
            )
            .await
        }
        Some(Verb::Watch { array, roll }) => watch::run(session, array, roll).await,
        Some(Verb::Abort {
            array,
            reason,
            consent,
        }) => {
            let doing = format!("aborting the roll of {array}");
            session
                .change_if_agreed(&doing, consent, async |mut client, dry_run| {
                    let request = AbortRollRequest {
                        array: array.clone(),
                        reason: reason.clone(),
                        dry_run,
                    };
                    client.abort_roll(request).await
                })
                .await
        }
        Some(Verb::Resolve(resolve)) => resolve.run(session).await,
        Some(Verb::History { array, limit }) => {
            let request = RollHistoryRequest { array, limit };
            show(
                session,
                "reading the rolls",
                view::history_text,
                async |mut client| client.roll_history(request).await,
            )
            .await
        }
        Some(Verb::Explain { array, roll }) => {
            let request = ExplainRollRequest { array, roll };
            show(
                session,
                "reading the journal",
                view::explain_text,
                async |mut client| client.explain_roll(request).await,
            )
            .await
        }
    }
}

impl Resolve {
    async fn run(self, session: &Session) -> Result<Exit, Trouble> {
        let choice = match self.choice {
            Choice::Continue => "continue",
            Choice::WaiveDc => "waive-dc",
            Choice::GiveUp => "give-up",
        };
        if self.dc.is_some() && self.choice != Choice::WaiveDc {
            return Err(Trouble::usage("--dc belongs to waive-dc"));
        }
        let doing = format!("resolving the roll of {}", self.array);
        let request = ResolveRollRequest {
            array: self.array,
            choice: choice.to_owned(),
            dc: self.dc.unwrap_or_default(),
            reason: self.reason,
            dry_run: self.consent.dry_run,
        };
        session
            .change_if_agreed(&doing, self.consent, async |mut client, dry_run| {
                let mut request = request.clone();
                request.dry_run = dry_run;
                client.resolve_roll(request).await
            })
            .await
    }
}
