//! From a plan to what became of it: shown, agreed to, made with the operator's rights, reported.

use std::time::Instant;

use keyroll_proto::operator as said;
use tonic::{Response, Status};

use super::maker::{Maker, Outcome};
use super::plan::understood;
use super::view;
use crate::bind::BindOptions;
use crate::exit::Exit;
use crate::session::{Client, Consent, Session};
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

/// As [`carry_out_after`], of what needs nothing beforehand.
///
/// # Errors
/// As [`carry_out_after`].
pub async fn carry_out(
    session: &Session,
    how: Plan<'_>,
    plan: impl AsyncFn(Client, bool) -> Result<Response<said::PlannedChanges>, Status>,
) -> Result<Exit, Trouble> {
    carry_out_after(session, how, async || Ok(()), plan).await
}

/// Shows what the controller plans, asks, makes the changes one after another, and reports what
/// became of each. `plan` is given whether it is a dry run; `before` is done once the operator has
/// agreed, and nothing is known to stand in the way.
///
/// # Errors
/// No plan, no agreement, no bind, no right; a change that was not applied, with what to do next.
pub async fn carry_out_after(
    session: &Session,
    how: Plan<'_>,
    before: impl AsyncFnOnce() -> Result<(), Trouble>,
    plan: impl AsyncFn(Client, bool) -> Result<Response<said::PlannedChanges>, Status>,
) -> Result<Exit, Trouble> {
    let ask = !how.consent.dry_run && session.must_ask(how.consent)?;
    let preview = session
        .ask(how.doing, async |client| plan(client, true).await)
        .await?;
    let (mut preview, shown) = understood(preview)?;
    if how.consent.dry_run || (shown.is_empty() && preview.forgotten.is_empty()) {
        preview.dry_run = how.consent.dry_run;
        session.screen.reply(&preview, view::planned)?;
        return Ok(Exit::Done);
    }
    if ask {
        session.screen.say(&view::planned(&preview));
        session.demand_agreement("Go on?").await?;
    }
    // Before anything is written down: whoever cannot bind has planned nothing.
    let maker = if how.bind.with_controller_rights {
        demand_permitted(&preview)?;
        None
    } else if shown.is_empty() {
        None
    } else {
        Some(Maker::of(how.bind, &shown).await?)
    };
    before().await?;
    let since = Instant::now();
    let planned = session
        .ask(how.doing, async |client| plan(client, false).await)
        .await?;
    let (planned, changes) = understood(planned)?;
    if changes.is_empty() && shown.is_empty() {
        session.screen.reply(&planned, view::planned)?;
        return Ok(Exit::Done);
    }
    let made = if changes != shown {
        let none = || Outcome::not_sent("the plan has changed since it was shown");
        let outcomes = changes.iter().map(|_| none()).collect();
        tell_all(session, &planned, outcomes).await?
    } else if let Some(maker) = &maker {
        let outcomes = maker.make(&changes, since).await;
        tell_all(session, &planned, outcomes).await?
    } else {
        have_made(session, &planned).await?
    };
    let failed = failed(&made);
    // What failed is told once, with what to do about it.
    let number = failed.map(number);
    session
        .screen
        .reply(&made, |made| view::outcomes(made, number))?;
    for gone in view::forgotten(&planned) {
        session.screen.say(&gone);
    }
    if let Some(failed) = failed {
        return Err(failure(&made, failed));
    }
    for more in &planned.next {
        session.screen.say(&format!("next: {more}"));
    }
    Ok(Exit::Done)
}

/// The controller's settings let it make the changes: else nothing is begun.
fn demand_permitted(preview: &said::PlannedChanges) -> Result<(), Trouble> {
    let Some(attribute) = preview.controller_may_not_write.first() else {
        return Ok(());
    };
    let what = format!(
        "the controller's settings do not let it write {attribute}: authority.controller-writes; \
         nothing was changed"
    );
    let next = "the same without --with-controller-rights";
    Err(Trouble::new(Exit::Denied, "denied", what).next(next))
}

/// Has the controller make the changes, one after another; the rest of them is not made after one
/// that is not applied.
async fn have_made(
    session: &Session,
    planned: &said::PlannedChanges,
) -> Result<said::ListChangesReply, Trouble> {
    let mut made = said::ListChangesReply::default();
    let mut changes = planned.changes.iter();
    for change in changes.by_ref() {
        let request = said::MakeChangeRequest {
            array: planned.array.clone(),
            number: change.number,
        };
        let doing = "having the controller make the change";
        let view = session
            .ask(doing, async |mut client| client.make_change(request).await)
            .await?;
        let applied = view.state == "applied";
        made.changes.push(view);
        if !applied {
            break;
        }
    }
    for change in changes {
        let never = Outcome::not_sent("what comes before it was not made");
        let view = tell(session, report(planned, change, never)).await?;
        made.changes.push(view);
    }
    Ok(made)
}

/// Reports each outcome, and gives how the controller has found the changes. What cannot be told
/// is settled by its own look, and is an error once everything else is told.
async fn tell_all(
    session: &Session,
    planned: &said::PlannedChanges,
    outcomes: Vec<Outcome>,
) -> Result<said::ListChangesReply, Trouble> {
    let mut made = said::ListChangesReply::default();
    let mut untold = None;
    for (change, outcome) in planned.changes.iter().zip(outcomes) {
        match tell(session, report(planned, change, outcome)).await {
            Ok(view) => made.changes.push(view),
            Err(trouble) => untold = untold.or(Some(trouble)),
        }
    }
    untold.map_or(Ok(made), Err)
}

fn report(
    planned: &said::PlannedChanges,
    change: &said::DirectoryChange,
    outcome: Outcome,
) -> said::ReportChangeRequest {
    said::ReportChangeRequest {
        array: planned.array.clone(),
        number: change.number,
        outcome: outcome.word.to_owned(),
        said: outcome.said,
        bound_as: outcome.bound_as,
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

/// The first change that is not applied.
fn failed(made: &said::ListChangesReply) -> Option<&said::ChangeView> {
    made.changes.iter().find(|view| view.state != "applied")
}

/// What is wrong where a change is not applied, and what to do.
fn failure(made: &said::ListChangesReply, failed: &said::ChangeView) -> Trouble {
    let (exit, code, next) = match failed.state.as_str() {
        "unknown" | "handed-out" => (Exit::TryAgain, "change-unknown", "settle"),
        "differs" => (Exit::EndedBadly, "change-differs", "show"),
        "refused" => (Exit::EndedBadly, "change-refused", "show"),
        _ => (Exit::EndedBadly, "change-not-made", "show"),
    };
    // A name that was taken from one account and not given to the other is nobody's.
    let applied = made.changes.iter().rfind(|view| view.state == "applied");
    let next = match applied {
        Some(half) if exit == Exit::EndedBadly => format!("keyroll change undo {}", number(half)),
        _ => format!(
            "keyroll change {next} {}{}",
            number(failed),
            or_forget(failed)
        ),
    };
    Trouble::new(exit, code, view::one(failed)).next(next)
}

/// What takes the keys away again that nodes got for a name which was not registered.
fn or_forget(failed: &said::ChangeView) -> String {
    let is_over = !["unknown", "handed-out"].contains(&failed.state.as_str());
    if failed.verb != "spn add" || !is_over {
        return String::new();
    }
    let change = failed.change.iter();
    let values = change.flat_map(|change| &change.modifications);
    let spns: Vec<_> = values
        .map(|one| String::from_utf8_lossy(&one.value).into_owned())
        .collect();
    let spns = keyroll::shell::words(&spns);
    format!(
        "; to take the keys back: keyroll spn remove {} {spns}",
        failed.array
    )
}

fn number(view: &said::ChangeView) -> u64 {
    view.change.as_ref().map_or(0, |change| change.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(made: &said::ListChangesReply) -> Option<Trouble> {
        super::failed(made).map(|failed| failure(made, failed))
    }

    #[test]
    fn a_name_that_was_refused_can_be_forgotten() {
        let failed = |state: &str| said::ListChangesReply {
            changes: vec![said::ChangeView {
                change: Some(said::DirectoryChange {
                    number: 7,
                    modifications: vec![said::Modification {
                        value: b"HTTP/new".to_vec(),
                        ..Default::default()
                    }],
                    ..Default::default()
                }),
                array: "web".to_owned(),
                verb: "spn add".to_owned(),
                state: state.to_owned(),
                ..Default::default()
            }],
        };
        let next = told(&failed("refused")).unwrap().next;
        assert!(next.ends_with("keyroll spn remove web HTTP/new"), "{next}");
        // It may come yet.
        let next = told(&failed("unknown")).unwrap().next;
        assert_eq!(next, "keyroll change settle 7");
    }

    #[test]
    fn half_of_a_move_is_taken_back() {
        let view = |number, state: &str| said::ChangeView {
            change: Some(said::DirectoryChange {
                number,
                ..Default::default()
            }),
            state: state.to_owned(),
            ..Default::default()
        };
        for (states, next) in [
            (vec!["applied", "applied"], None),
            (vec!["refused", "not-made"], Some("keyroll change show 1")),
            (vec!["applied", "refused"], Some("keyroll change undo 1")),
            (vec!["applied", "not-made"], Some("keyroll change undo 1")),
            // It may come yet.
            (vec!["applied", "unknown"], Some("keyroll change settle 2")),
            (vec!["unknown", "not-made"], Some("keyroll change settle 1")),
        ] {
            let changes = (1..)
                .zip(&states)
                .map(|(number, state)| view(number, state));
            let made = said::ListChangesReply {
                changes: changes.collect(),
            };
            let trouble = told(&made);
            let said = trouble.as_ref().map(|trouble| trouble.next.as_str());
            assert_eq!(said, next, "{states:?}");
        }
    }
}
