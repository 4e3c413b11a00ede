//! From a plan to what became of it: shown, agreed to, made with the operator's rights, reported.

use keyroll::directory_change::{Action, DirectoryChange, Modification, Target};
use keyroll::kerberos::Realm;
use keyroll::roll::Answer;
use keyroll_controller::ports::Directory as _;
use keyroll_proto::operator as said;
use tonic::{Response, Status};

use super::view;
use crate::bind::{BindOptions, Operator, not_bound};
use crate::exit::Exit;
use crate::session::{Client, Consent, Session, with_spinner};
use crate::trouble::Trouble;

/// How a plan is carried out.
pub struct Plan<'a> {
    /// What the controller does, as in "looking for duplicates".
    pub doing: &'a str,
    /// Whose rights.
    pub bind: &'a BindOptions,
    /// Whether it is asked about.
    pub consent: Consent,
}

/// Shows what the controller plans, asks, makes the changes one after another, and reports what
/// became of each. `plan` is given whether it is a dry run.
///
/// # Errors
/// No plan, no agreement, no bind; a change that was not applied, with what to do next.
pub async fn carry_out(
    session: &Session,
    how: Plan<'_>,
    plan: impl AsyncFn(Client, bool) -> Result<Response<said::PlannedChanges>, Status>,
) -> Result<Exit, Trouble> {
    let ask = !how.consent.dry_run && session.must_ask(how.consent)?;
    let preview = session
        .ask(how.doing, async |client| plan(client, true).await)
        .await?;
    if how.consent.dry_run || preview.changes.is_empty() {
        session.screen.reply(&preview, view::planned)?;
        return Ok(Exit::Done);
    }
    if ask {
        session.screen.say(&view::planned(&preview));
        session.demand_agreement("Go on?").await?;
    }
    // Before anything is written down: whoever cannot bind has planned nothing.
    let maker = Maker::of(&how, &preview).await?;
    let planned = session
        .ask(how.doing, async |client| plan(client, false).await)
        .await?;
    let made = make_all(session, &maker, &preview, &planned).await?;
    let failed = made.changes.iter().find_map(failure);
    session.screen.reply(&made, view::outcomes)?;
    for more in &planned.next {
        session.screen.say(&format!("next: {more}"));
    }
    failed.map_or(Ok(Exit::Done), Err)
}

/// Who makes the changes.
enum Maker {
    Controller,
    Operator(Operator),
}

impl Maker {
    /// The one who shall, after a first look at each object with these rights.
    async fn of(how: &Plan<'_>, preview: &said::PlannedChanges) -> Result<Self, Trouble> {
        if how.bind.with_controller_rights {
            return Ok(Self::Controller);
        }
        let changes = preview.changes.iter().map(read);
        let changes = changes.collect::<Result<Vec<_>, _>>()?;
        let (realm, _) = changes.first().ok_or_else(|| garbled("no change"))?;
        let operator = how.bind.operator(realm)?;
        for (_, change) in &changes {
            let directory = operator.directory(&change.dc)?;
            let look = directory.values(&change.dc, &change.target.guid, &["objectGUID"]);
            let doing = format!("logging in at {} as {}", change.dc, operator.principal);
            let seen = with_spinner(&doing, look).await;
            seen.map_err(|error| not_bound(&error))?;
        }
        Ok(Self::Operator(operator))
    }
}

/// Makes the changes in order and stops at the first that is not applied; the rest is reported as
/// never sent.
async fn make_all(
    session: &Session,
    maker: &Maker,
    preview: &said::PlannedChanges,
    planned: &said::PlannedChanges,
) -> Result<said::ListChangesReply, Trouble> {
    let shown = |plan: &said::PlannedChanges| {
        let changes = plan.changes.iter();
        changes
            .map(|change| (change.dc.clone(), change.ldif.clone()))
            .collect::<Vec<_>>()
    };
    let mut go_on = shown(preview) == shown(planned);
    let mut made = said::ListChangesReply::default();
    for change in &planned.changes {
        let view = if go_on {
            make(session, maker, &planned.array, change).await?
        } else {
            let why = "not sent: what comes before it was not made, or the plan has changed";
            let report = report_of(&planned.array, change, ("not-sent", why.to_owned()));
            tell(session, report).await?
        };
        go_on &= view.state == "applied";
        made.changes.push(view);
    }
    Ok(made)
}

async fn make(
    session: &Session,
    maker: &Maker,
    array: &str,
    change: &said::DirectoryChange,
) -> Result<said::ChangeView, Trouble> {
    let operator = match maker {
        Maker::Operator(operator) => operator,
        Maker::Controller => {
            let request = said::MakeChangeRequest {
                array: array.to_owned(),
                number: change.number,
            };
            let doing = "having the controller make the change";
            return session
                .ask(doing, async |mut client| client.make_change(request).await)
                .await;
        }
    };
    let (_, wanted) = read(change)?;
    let directory = operator.directory(&wanted.dc)?;
    let doing = format!("changing {} on {}", change.account, change.dc);
    session.screen.note(&doing);
    let outcome = match with_spinner(&doing, directory.make_change(&wanted)).await {
        Answer::Applied => ("applied", String::new()),
        Answer::Refused { text, .. } => ("refused", text),
        Answer::Unanswered { text } => ("unknown", text),
    };
    let mut report = report_of(array, change, outcome);
    report.bound_as = operator.principal.to_string();
    tell(session, report).await
}

fn report_of(
    array: &str,
    change: &said::DirectoryChange,
    (outcome, said): (&str, String),
) -> said::ReportChangeRequest {
    said::ReportChangeRequest {
        array: array.to_owned(),
        number: change.number,
        outcome: outcome.to_owned(),
        said,
        bound_as: String::new(),
    }
}

/// Tells the controller what was heard; it looks for itself.
async fn tell(
    session: &Session,
    report: said::ReportChangeRequest,
) -> Result<said::ChangeView, Trouble> {
    let (number, outcome) = (report.number, report.outcome.clone());
    let told = session
        .ask(
            "telling the controller what became of it",
            async |mut client| client.report_change(report).await,
        )
        .await;
    told.map_err(|trouble| Trouble {
        what: format!(
            "change {number}: the domain controller's answer was {outcome:?}, and the controller \
             could not be told: {}",
            trouble.what
        ),
        next: format!("keyroll change settle {number}"),
        ..trouble
    })
}

/// The change as the core knows it, with its realm.
fn read(change: &said::DirectoryChange) -> Result<(Realm, DirectoryChange), Trouble> {
    let realm = change.realm.parse().map_err(|_| garbled("a realm"))?;
    let dc = change
        .dc
        .parse()
        .map_err(|_| garbled("a domain controller"))?;
    let guid = change.guid.as_slice().try_into();
    let modification = |one: &said::Modification| {
        let action = Action::of_word(&one.action).ok_or_else(|| garbled("an action"))?;
        Ok(Modification {
            attribute: one.attribute.clone(),
            action,
            value: one.value.clone(),
        })
    };
    let modifications = change.modifications.iter().map(modification);
    let change = DirectoryChange {
        dc,
        target: Target {
            guid: guid.map_err(|_| garbled("an object"))?,
            account: change.account.clone(),
            distinguished_name: change.distinguished_name.clone(),
        },
        modifications: modifications.collect::<Result<_, Trouble>>()?,
    };
    Ok((realm, change))
}

fn garbled(what: &str) -> Trouble {
    let what = format!("the controller names {what} that this keyroll cannot read");
    Trouble::new(Exit::Internal, "garbled", what).next("keyroll --version")
}

/// What is wrong with a change that is not applied, and what to do.
fn failure(view: &said::ChangeView) -> Option<Trouble> {
    let (exit, code, next) = match view.state.as_str() {
        "applied" => return None,
        "unknown" | "handed-out" => (Exit::TryAgain, "change-unknown", "settle"),
        "differs" => (Exit::EndedBadly, "change-differs", "show"),
        "refused" => (Exit::EndedBadly, "change-refused", "show"),
        _ => (Exit::EndedBadly, "change-not-made", "show"),
    };
    let number = view.change.as_ref().map_or(0, |change| change.number);
    Some(Trouble::new(exit, code, view::one(view)).next(format!("keyroll change {next} {number}")))
}
