//! The second person: what the settings let nobody do alone waits until somebody else agrees. What
//! is agreed to is one request, byte for byte, by whoever asked; it is done once.

use std::any::Any;

use chrono::Utc;
use keyroll_proto::operator as said;
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::{Call, Service};
use crate::operators::Grave;
use crate::store::{Change, Petition, Petitions as _, StoreError};
use crate::verbs::No;

/// How long something may wait, and how long it may be done once it was agreed to.
const HOLDS: i64 = 3600;
/// How long one that is over is shown, in seconds.
const SHOWN: i64 = 24 * 3600;

/// What is grave about a request, if anything is.
pub(super) fn grave(request: &dyn Any) -> Option<Grave> {
    if let Some(roll) = request.downcast_ref::<said::StartRollRequest>() {
        return roll.emergency.then_some(Grave::Emergency);
    }
    if let Some(choice) = request.downcast_ref::<said::ResolveRollRequest>() {
        return (choice.choice == "waive-dc").then_some(Grave::WaiveDc);
    }
    // To take a change of SPNs back is one more. To make one was agreed to when it was planned.
    if request.is::<said::PlanSpnsRequest>() || request.is::<said::UndoChangeRequest>() {
        return Some(Grave::Spn);
    }
    let delegation =
        request.is::<said::PlanDelegationRequest>() || request.is::<said::TestDelegationRequest>();
    delegation.then_some(Grave::Delegation)
}

/// Takes down that what was agreed to is being done.
///
/// # Errors
/// [`No`] if it is done already: the same request came twice at once.
pub(super) fn spend(change: &Change<'_>, agreed: &Petition) -> Result<(), No> {
    let number = agreed.number;
    let now = Utc::now().timestamp();
    let mut petitions = change.petitions()?.into_iter();
    let open = petitions.find(|one| one.number == number && one.is_open(now));
    let Some(petition) = open else {
        let what = format!("number {number} is done already");
        return Err(No::bad_state("answered", what).next("keyroll approval list"));
    };
    change.put_petition(&Petition {
        done: true,
        ..petition
    })?;
    Ok(())
}

/// What came of a look at the petitions.
enum Found {
    /// Somebody else has agreed.
    Agreed(Petition),
    /// Nobody has answered yet.
    Waits(Petition),
    /// Somebody else has refused.
    Refused(Petition),
}

impl Service {
    /// Returns what somebody has agreed to, not yet spent; nothing where nobody needs to.
    ///
    /// # Errors
    /// [`No`] with the number to agree to, while nobody has.
    pub(super) fn demand_second<T: Message + 'static>(
        &self,
        rpc: &str,
        request: &T,
        call: &Call,
        arrays: &[&str],
    ) -> Result<Option<Petition>, No> {
        let needed = grave(request).filter(|kind| self.controller.two_persons.contains(kind));
        if needed.is_none() || !call.changes {
            return Ok(None);
        }
        let now = Utc::now().timestamp();
        let asked = Petition {
            number: 0,
            rpc: rpc.to_owned(),
            digest: hex::encode(Sha256::digest(request.encode_to_vec())),
            verb: call.verb.to_owned(),
            arrays: arrays.iter().map(ToString::to_string).collect(),
            detail: call.detail.clone(),
            actor: call.actor.clone(),
            at_unix: now,
            ends_unix: now.saturating_add(HOLDS),
            answered: None,
            done: false,
        };
        match self.petition(asked)? {
            Found::Agreed(petition) => Ok(Some(petition)),
            Found::Waits(petition) => {
                let number = petition.number;
                self.note(
                    call,
                    "waiting",
                    &format!("approval {number}: {}", call.detail),
                )?;
                let what = format!(
                    "`{}` needs a second person here: it waits as number {number} for an hour, and \
                     nothing was done",
                    call.verb
                );
                Err(No::needs_operator("second-person", what).next(format!(
                    "another operator: keyroll approval give {number}; then the same again"
                )))
            }
            Found::Refused(petition) => {
                let by = petition
                    .answered
                    .map(|answer| answer.by)
                    .unwrap_or_default();
                let what = format!("`{}` was refused by {by}, and nothing was done", call.verb);
                Err(No::denied(what))
            }
        }
    }

    /// Finds what was asked before, or writes down that it is asked.
    fn petition(&self, asked: Petition) -> Result<Found, StoreError> {
        self.controller.ports.store.write(|change| {
            let (now, mut newest) = (asked.at_unix, 0);
            let mut same = None;
            for petition in change.petitions()? {
                newest = newest.max(petition.number);
                if petition.ends_unix.saturating_add(SHOWN) < now && petition.number < newest {
                    change.forget_petition(petition.number)?;
                } else if petition.is_open(now)
                    && (&petition.rpc, &petition.digest, &petition.actor)
                        == (&asked.rpc, &asked.digest, &asked.actor)
                {
                    same = same.or(Some(petition));
                }
            }
            let Some(mut same) = same else {
                let number = newest + 1;
                let petition = Petition { number, ..asked };
                change.put_petition(&petition)?;
                return Ok(Found::Waits(petition));
            };
            match &same.answered {
                None => Ok(Found::Waits(same)),
                // It is spent together with the entry that says that it is being done.
                Some(answer) if answer.agreed => Ok(Found::Agreed(same)),
                Some(_) => {
                    same.done = true;
                    change.put_petition(&same)?;
                    Ok(Found::Refused(same))
                }
            }
        })
    }
}
