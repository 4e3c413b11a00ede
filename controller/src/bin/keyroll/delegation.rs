//! `keyroll delegation …`

mod apply;

use std::fmt::Write as _;

use clap::Subcommand;
use keyroll::delegation::NOT_ALL_SEEN;
use keyroll_proto::operator::{
    DelegationView, ShowDelegationRequest, TestDelegationReply, TestDelegationRequest,
};

use self::apply::{Apply, Undo, Wishes};
use crate::exit::Exit;
use crate::screen::table;
use crate::session::Session;
use crate::trouble::Trouble;

/// Examples of the group.
pub const EXAMPLES: &str = "Examples:
  keyroll delegation show web
  keyroll delegation test web --to MSSQLSvc/db.corp.example
  keyroll delegation test web --user alice --to MSSQLSvc/db.corp.example
  keyroll delegation plan web --to MSSQLSvc/db.corp.example
  keyroll delegation apply web --to MSSQLSvc/db.corp.example --no-unconstrained
  keyroll delegation undo web";

/// The verbs of the group.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Who may act for whom by way of the array's account, and what that risks
    ///
    /// Where the account may delegate to, who may delegate to it, who is unconstrained in its
    /// domain; targets that nobody or more than one account has; each risk, and something safer.
    /// Exit code 0: nothing to worry about; 3: warnings; 1: critical, by what can come of it:
    /// `keyroll doctor` grades by what costs logins, and calls the same a warning.
    #[command(after_help = EXAMPLES)]
    Show {
        /// The array
        array: String,
    },
    /// Try delegation with the array's own key, step by step
    ///
    /// The controller logs in as the array's account, gets a ticket to it for a user, and asks for
    /// one to the target on the strength of that. The step that fails is named, with the reason as
    /// far as the directory shows it. No ticket leaves the controller, and none is kept. An admin's
    /// verb, written to the audit with user and target. Exit code 0: it works; 1: it does not.
    #[command(after_help = EXAMPLES)]
    Test {
        /// The array
        array: String,
        /// The service to delegate to
        #[arg(long, value_name = "SPN")]
        to: String,
        /// For whom: the account asks for a ticket in this user's name (S4U2Self), which is
        /// evidence only with protocol transition. By default the controller's own account, with a
        /// ticket that it fetches as any client does
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        user: String,
    },
    /// The changes that would bring what is wanted by the safest way that fits; changes nothing
    ///
    /// Resource-based delegation comes first, then constrained delegation; each with its risk and
    /// with the commands by which others do the same. Unconstrained delegation is never given. With
    /// nothing wanted, what leads nowhere or lets anybody in would go.
    #[command(after_help = "Examples:
  keyroll delegation plan web
  keyroll delegation plan web --to MSSQLSvc/db.corp.example
  keyroll delegation plan web --to MSSQLSvc/db.corp.example --way constrained --output json")]
    Plan(Wishes),
    /// Change who may act for whom, with your own rights
    ///
    /// What `plan` shows, written down before it is made and to be taken back by `undo`. Flags and
    /// descriptors are swapped for the very values that were read: what somebody else changes at
    /// the same time is never lost.
    #[command(after_help = "Examples:
  keyroll delegation apply web --to MSSQLSvc/db.corp.example --dry-run
  keyroll delegation apply web --to MSSQLSvc/db.corp.example --no-unconstrained
  keyroll delegation apply web --protocol-transition off
  keyroll delegation apply web --from svc-portal --bind-as anna")]
    Apply(Apply),
    /// Take back the newest change of an array's delegation, or another one
    ///
    /// What was added goes, what was deleted comes, byte for byte; flags that others have set since
    /// stay. Refused where somebody has changed the same values since.
    #[command(after_help = "Examples:
  keyroll delegation undo web --dry-run
  keyroll delegation undo web
  keyroll delegation undo web --change 7")]
    Undo(Undo),
}

/// Runs `keyroll delegation …`.
///
/// # Errors
/// What the operator is told.
pub async fn run(verb: Verb, session: &Session) -> Result<Exit, Trouble> {
    match verb {
        Verb::Show { array } => {
            let doing = format!("looking who delegates to and from {array}");
            let request = ShowDelegationRequest { array };
            let view = session
                .ask(&doing, async |mut client| {
                    client.show_delegation(request).await
                })
                .await?;
            session.screen.reply(&view, view_text)?;
            Ok(grade(&view))
        }
        Verb::Plan(wishes) => wishes.plan(session).await,
        Verb::Apply(apply) => apply.run(session).await,
        Verb::Undo(undo) => undo.run(session).await,
        Verb::Test { array, to, user } => {
            let doing = format!("trying to delegate from {array} to {to}");
            let request = TestDelegationRequest { array, user, to };
            let reply = session
                .ask(&doing, async |mut client| {
                    client.test_delegation(request).await
                })
                .await?;
            session.screen.reply(&reply, test_text)?;
            Ok(if reply.ok {
                Exit::Done
            } else {
                Exit::EndedBadly
            })
        }
    }
}

fn grade(view: &DelegationView) -> Exit {
    let has = |grade: &str| view.findings.iter().any(|one| one.grade == grade);
    if has("critical") {
        Exit::EndedBadly
    } else if has("warning") {
        Exit::Warning
    } else {
        Exit::Done
    }
}

fn view_text(view: &DelegationView) -> String {
    let mut text = String::new();
    let partial = view.findings.iter().any(|one| one.code == NOT_ALL_SEEN);
    let ways = match view.ways.as_slice() {
        [] if partial => "it delegates to nobody, as far as it is shown".to_owned(),
        [] => "it delegates to nobody".to_owned(),
        ways => ways.join("; "),
    };
    let _ = writeln!(
        text,
        "{} ({} on {}): {ways}",
        view.array, view.account, view.dc
    );
    for target in &view.targets {
        let owners = match target.owners.as_slice() {
            [] => "nobody has it".to_owned(),
            [owner] => format!("of {owner}"),
            several => format!(
                "{} have it, so nobody gets tickets for it",
                several.join(" and ")
            ),
        };
        let _ = writeln!(text, "may act at: {} ({owners})", target.spn);
    }
    for resource in &view.resources {
        let _ = writeln!(text, "may act at: {resource} (by its own descriptor)");
    }
    for front in &view.fronts {
        let _ = writeln!(
            text,
            "may act here: {} (at {})",
            front.account,
            front.spns.join(" ")
        );
    }
    for actor in &view.actors {
        let _ = writeln!(text, "may act here: {actor} (by this account's descriptor)");
    }
    text.push_str(match view.whole_forest {
        true => "lists and SPNs: of the whole forest; descriptors: of its domain only\n",
        false => "its domain only was looked through: no global catalog answers there\n",
    });
    if view.findings.is_empty() {
        text.push_str("nothing to worry about");
        return text;
    }
    text.push('\n');
    text.push_str(&table(
        ["GRADE", "CODE", "OBJECT", "WHAT"],
        view.findings
            .iter()
            .map(|one| [&one.grade, &one.code, &one.object, &one.what].map(String::clone)),
    ));
    for one in &view.findings {
        let _ = writeln!(text, "{} {}: {}", one.code, one.object, one.risk);
        if !one.safer.is_empty() {
            let _ = writeln!(text, "  safer: {}", one.safer);
        }
    }
    text
}

fn test_text(reply: &TestDelegationReply) -> String {
    let mut text = String::new();
    for step in &reply.steps {
        let word = if step.ok { "ok" } else { "no" };
        let _ = writeln!(text, "{word}: {}: {}", step.what, step.why);
        if !step.ok && !step.next.is_empty() {
            let _ = writeln!(text, "  next: {}", step.next);
        }
    }
    let (user, dc) = (&reply.user, &reply.dc);
    text + &if reply.ok {
        format!("ok, it can act for {user} there, by {dc}")
    } else {
        format!("it cannot act for {user} there, by {dc}")
    }
}
