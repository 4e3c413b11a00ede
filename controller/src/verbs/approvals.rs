//! `keyroll approval …`: what waits for a second person.

use chrono::Utc;
use keyroll_proto::operator as said;

use super::no::No;
use super::{Controller, changed};
use crate::store::{Answered, Petition, Petitions as _};

/// Who answers, and whether that one may do what is asked for.
pub(crate) struct Giver<'a> {
    /// As in the audit.
    pub(crate) name: &'a str,
    /// Nobody can agree to what they may not do themselves.
    pub(crate) may: Box<May<'a>>,
}

type May<'a> = dyn Fn(&Petition) -> Result<(), No> + 'a;

impl Controller {
    /// What waits, and what became of what waited.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_approvals(
        &self,
        request: &said::ListApprovalsRequest,
    ) -> Result<said::ListApprovalsReply, No> {
        let now = Utc::now().timestamp();
        let mut petitions = self.ports.store.petitions()?;
        let array = &request.array;
        petitions.retain(|one| array.is_empty() || one.arrays.contains(array));
        Ok(said::ListApprovalsReply {
            approvals: petitions.into_iter().map(|one| view(one, now)).collect(),
        })
    }

    /// Agrees to what somebody else has asked for, or refuses it.
    ///
    /// # Errors
    /// [`No`] if it is not there, over, answered, one's own, or beyond what the giver may do.
    pub(crate) fn give_approval(
        &self,
        request: &said::GiveApprovalRequest,
        giver: &Giver<'_>,
    ) -> Result<said::Changed, No> {
        let (number, now) = (request.number, Utc::now().timestamp());
        let word = if request.refuse {
            "refused"
        } else {
            "agreed to"
        };
        let petition = self.ports.store.write(|change| {
            let found = change
                .petitions()?
                .into_iter()
                .find(|one| one.number == number);
            let mut petition = found.ok_or_else(|| {
                let what = format!("nothing waits as number {number}");
                No::unknown("unknown-approval", what).next("keyroll approval list")
            })?;
            (giver.may)(&petition)?;
            if petition.actor == giver.name {
                let what = format!("{} has asked for number {number}", giver.name);
                return Err(No::denied(what).next("somebody else: keyroll approval give"));
            }
            if !petition.is_open(now) || petition.answered.is_some() {
                let state = state(&petition, now);
                let what = format!("number {number} is {state} already");
                return Err(No::bad_state("answered", what).next("keyroll approval list"));
            }
            petition.answered = Some(Answered {
                by: giver.name.to_owned(),
                agreed: !request.refuse,
            });
            if !request.dry_run {
                change.put_petition(&petition)?;
            }
            Ok::<_, No>(petition)
        })?;
        let Petition {
            verb,
            actor,
            arrays,
            object,
            detail,
            plan,
            ..
        } = petition;
        let mut about = vec![arrays.join(" "), object, detail];
        about.retain(|part| !part.is_empty());
        let mut done = vec![format!("{word}: `{verb}` of {actor}, {}", about.join(" "))];
        done.extend(plan.into_iter().map(|line| format!("it comes to: {line}")));
        let next = if request.refuse {
            Vec::new()
        } else {
            vec![format!("{actor}: keyroll {verb} … once more, as it was")]
        };
        Ok(changed(done, next, request.dry_run))
    }
}

fn state(petition: &Petition, now_unix: i64) -> &'static str {
    match &petition.answered {
        Some(answer) if !answer.agreed => "refused",
        _ if petition.done => "done",
        _ if !petition.is_open(now_unix) => "over",
        Some(_) => "agreed",
        None => "waiting",
    }
}

fn view(petition: Petition, now_unix: i64) -> said::ApprovalView {
    let state = state(&petition, now_unix).to_owned();
    said::ApprovalView {
        number: petition.number,
        verb: petition.verb,
        arrays: petition.arrays,
        asked_by: petition.actor,
        asked_unix: petition.at_unix,
        ends_unix: petition.ends_unix,
        object: petition.object,
        detail: petition.detail,
        plan: petition.plan,
        answered_by: petition
            .answered
            .map(|answer| answer.by)
            .unwrap_or_default(),
        state,
    }
}
