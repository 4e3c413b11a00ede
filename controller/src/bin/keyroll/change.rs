//! `keyroll change …`: what was written to the directory besides passwords.

mod carry_out;
mod maker;
mod plan;
mod view;

use clap::Subcommand;
use keyroll_proto::operator::{ListChangesRequest, ReportChangeRequest, UndoChangeRequest};

use crate::bind::BindOptions;
use crate::exit::Exit;
use crate::session::{Consent, Session, show};
use crate::trouble::Trouble;

pub use self::carry_out::{Plan, carry_out, carry_out_after};
pub use self::plan::understood;
pub use self::view::planned_by_hand;

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll change list
  keyroll change show 7
  keyroll change undo 7";

/// What to do with changes.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the changes, the newest first
    #[command(after_help = "Examples:
  keyroll change list
  keyroll change list --array web --output json")]
    List {
        /// Those of this array alone
        #[arg(long)]
        array: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one change: who, what, as LDIF too, and what became of it
    #[command(after_help = "Examples:
  keyroll change show 7")]
    Show {
        /// Its number
        number: u64,
    },
    /// Look what became of a change that nobody reported
    ///
    /// Reads the object and writes down whether the change is there. Sends nothing.
    #[command(after_help = "Examples:
  keyroll change settle 7")]
    Settle {
        /// Its number
        number: u64,
    },
    /// Take a change back: what was added goes, what was deleted comes
    ///
    /// Refused where somebody has changed the same values since. It is a change of its own, with a
    /// number of its own.
    #[command(after_help = "Examples:
  keyroll change undo 7 --dry-run
  keyroll change undo 7")]
    Undo {
        /// Its number
        number: u64,
        /// Whose rights.
        #[command(flatten)]
        bind: BindOptions,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// Does it.
///
/// # Errors
/// Whatever the controller or the directory says no to.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::List { array, limit } => {
            let request = ListChangesRequest {
                array: array.unwrap_or_default(),
                limit,
                number: 0,
            };
            show(
                session,
                "reading the changes",
                view::list,
                async |mut client| client.list_changes(request).await,
            )
            .await
        }
        Verb::Show { number } => {
            let request = one(number);
            show(
                session,
                "reading the change",
                view::whole,
                async |mut client| client.list_changes(request).await,
            )
            .await
        }
        Verb::Settle { number } => {
            let array = array_of(session, number).await?;
            let request = ReportChangeRequest {
                array,
                number,
                ..Default::default()
            };
            show(
                session,
                "looking at the object",
                view::one,
                async |mut client| client.report_change(request).await,
            )
            .await
        }
        Verb::Undo {
            number,
            bind,
            consent,
        } => {
            let array = array_of(session, number).await?;
            let plan = Plan {
                doing: "planning to take the change back",
                bind: &bind,
                consent,
            };
            carry_out(session, plan, async |mut client, dry_run| {
                let request = UndoChangeRequest {
                    array: array.clone(),
                    number,
                    dry_run,
                };
                client.undo_change(request).await
            })
            .await
        }
    }
}

fn one(number: u64) -> ListChangesRequest {
    ListChangesRequest {
        number,
        ..Default::default()
    }
}

/// The array that a change is for: the controller wants it named, to see who may.
async fn array_of(session: &Session, number: u64) -> Result<String, Trouble> {
    let request = one(number);
    let reply = session
        .ask("reading the change", async |mut client| {
            client.list_changes(request).await
        })
        .await?;
    let found = reply.changes.into_iter().next();
    found.map(|view| view.array).ok_or_else(|| {
        let what = format!("there is no change {number}");
        Trouble::new(Exit::Unknown, "unknown-change", what).next("keyroll change list")
    })
}
