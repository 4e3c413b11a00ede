//! `keyroll approval …`: what waits for a second person.

use clap::Subcommand;
use keyroll_proto::operator::{GiveApprovalRequest, ListApprovalsReply, ListApprovalsRequest};

use crate::exit::Exit;
use crate::screen::table;
use crate::session::{Consent, Session, show};
use crate::trouble::Trouble;
use crate::words::{moment, or_dash};

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll approval list
  keyroll approval give 7";

/// What to do with what waits.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what waits for a second person, and what became of it, the newest first
    #[command(after_help = "Examples:
  keyroll approval list
  keyroll approval list --array web --output json")]
    List {
        /// Those of this array alone
        #[arg(long)]
        array: Option<String>,
    },
    /// Agree to what somebody else has asked for, or refuse it
    ///
    /// Whoever asked then types the same command once more, within the hour: exactly that is done,
    /// once. Nobody can agree to what they have asked for, or to what they may not do themselves.
    #[command(after_help = "Examples:
  keyroll approval give 7
  keyroll approval give 7 --refuse")]
    Give {
        /// Its number
        number: u64,
        /// Say no
        #[arg(long)]
        refuse: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// Does it.
///
/// # Errors
/// Whatever the controller says no to.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::List { array } => {
            let request = list(array.unwrap_or_default());
            show(session, "reading what waits", shown, async |mut client| {
                client.list_approvals(request).await
            })
            .await
        }
        Verb::Give {
            number,
            refuse,
            consent,
        } => give(number, refuse, consent, session).await,
    }
}

const fn list(array: String) -> ListApprovalsRequest {
    ListApprovalsRequest { array }
}

async fn give(
    number: u64,
    refuse: bool,
    consent: Consent,
    session: &Session,
) -> Result<Exit, Trouble> {
    let all = session
        .ask("reading what waits", async |mut client| {
            client.list_approvals(list(String::new())).await
        })
        .await?;
    // What it is about decides who has a say over it.
    let found = all.approvals.into_iter().find(|one| one.number == number);
    let array = found.and_then(|one| one.arrays.into_iter().next());
    let array = array.unwrap_or_default();
    session
        .change_if_agreed("answering", consent, async |mut client, dry_run| {
            let request = GiveApprovalRequest {
                number,
                refuse,
                array: array.clone(),
                dry_run,
            };
            client.give_approval(request).await
        })
        .await
}

fn shown(reply: &ListApprovalsReply) -> String {
    table(
        [
            "NUMBER",
            "STATE",
            "VERB",
            "ARRAYS",
            "ASKED BY",
            "UNTIL",
            "ANSWERED BY",
            "DETAIL",
        ],
        reply.approvals.iter().map(|one| {
            [
                one.number.to_string(),
                one.state.clone(),
                one.verb.clone(),
                or_dash(&one.arrays.join(" ")),
                one.asked_by.clone(),
                moment(one.ends_unix),
                or_dash(&one.answered_by),
                or_dash(format!("{} {}", one.object, one.detail).trim()),
            ]
        }),
    )
}
