//! The second person: what the settings let nobody do alone waits until somebody else agrees. What
//! is agreed to is one request, byte for byte, by whoever asked; it is done once.

use std::any::Any;

use chrono::Utc;
use keyroll::delegation::{ACTORS, CONTROL, TARGETS};
use keyroll::directory_change::DirectoryChange;
use keyroll_proto::operator as said;
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::foreseen::{Foreseen, goes_earlier};
use super::{About, Call, Caller, Service};
use crate::operators::{Grave, Role};
use crate::store::{
    Change, Changes as _, OperatorRecord, Petition, Petitions as _, Read, Store, StoreError,
};
use crate::verbs::{Controller, No};

/// How long something may wait, and how long it may be done once it was agreed to.
const HOLDS: i64 = 3600;
/// How long one that is over is shown, in seconds.
const SHOWN: i64 = 24 * 3600;

/// No petition is longer, in bytes: it is shown to a person as a whole.
const LONGEST: usize = 16 * 1024;

/// What is grave about a request.
fn grave(request: &dyn Any, controller: &Controller) -> Result<Vec<Grave>, StoreError> {
    let if_so = |holds: bool, kind| Ok(if holds { vec![kind] } else { Vec::new() });
    if let Some(roll) = request.downcast_ref::<said::StartRollRequest>() {
        return if_so(roll.emergency, Grave::Emergency);
    }
    if let Some(choice) = request.downcast_ref::<said::ResolveRollRequest>() {
        return if_so(choice.choice == "waive-dc", Grave::WaiveDc);
    }
    if let Some(allow) = request.downcast_ref::<said::AllowPasswordRequest>() {
        return if_so(!allow.forbid, Grave::Password);
    }
    // They are registered by themselves, once a node holds the key.
    if let Some(create) = request.downcast_ref::<said::CreateArrayRequest>() {
        let mut kinds = if_so(!create.spns.is_empty(), Grave::Spn)?;
        kinds.extend(if_so(
            goes_earlier(request, controller).is_some(),
            Grave::Emergency,
        )?);
        return Ok(kinds);
    }
    // Else any roll would do what an emergency does.
    if request.is::<said::SetPolicyRequest>() || request.is::<said::AdoptArrayRequest>() {
        return if_so(
            goes_earlier(request, controller).is_some(),
            Grave::Emergency,
        );
    }
    // To take a change back is one more. To make one was agreed to when it was planned.
    if let Some(undo) = request.downcast_ref::<said::UndoChangeRequest>() {
        let record = controller.ports.store.change(undo.number)?;
        let unknown = || vec![Grave::Spn, Grave::Delegation];
        return Ok(record.map_or_else(unknown, |record| touched(&record.change)));
    }
    if request.is::<said::AcknowledgeAuditRequest>() {
        return Ok(vec![Grave::AuditFork]);
    }
    if request.is::<said::PlanSpnsRequest>() {
        return Ok(vec![Grave::Spn]);
    }
    let delegation =
        request.is::<said::PlanDelegationRequest>() || request.is::<said::TestDelegationRequest>();
    if_so(delegation, Grave::Delegation)
}

/// What is grave about a change, by the attributes that it touches.
fn touched(change: &DirectoryChange) -> Vec<Grave> {
    let kind = |name: &str| {
        let mut of_delegation = [TARGETS, ACTORS, CONTROL].into_iter();
        if of_delegation.any(|one| one.eq_ignore_ascii_case(name)) {
            Grave::Delegation
        } else {
            Grave::Spn
        }
    };
    change.attributes().into_iter().map(kind).collect()
}

/// Takes down that what was agreed to is being done.
///
/// # Errors
/// [`No`] if it is done already: the same request came twice at once. So, too, if whoever agreed
/// may not any more.
pub(super) fn spend(change: &Change<'_>, agreed: &Petition) -> Result<(), No> {
    let number = agreed.number;
    let now = Utc::now().timestamp();
    let mut petitions = change.petitions()?.into_iter();
    let is_it = |one: &Petition| one.number == number && one.answered == agreed.answered;
    let open = petitions.find(|one| is_it(one) && one.is_open(now));
    let Some(petition) = open else {
        let what = format!("number {number} is done already");
        return Err(No::bad_state("answered", what).next("keyroll approval list"));
    };
    still_agreed(&petition, change)?;
    change.put_petition(&Petition {
        done: true,
        ..petition
    })?;
    Ok(())
}

/// Whoever has agreed could still do so: an agreement is no better than the one who gave it.
fn still_agreed(petition: &Petition, store: &impl Read) -> Result<(), No> {
    let answer = petition.answered.as_ref().filter(|answer| answer.agreed);
    let by = answer.map_or("nobody", |answer| answer.by.as_str());
    Caller::named(by, store)?.may_agree(petition, store)
}

/// Whether a request makes somebody who could agree to things, or puts one into another's place.
/// Root alone makes the first two, since root and whom root alone has made are one person.
fn makes_a_person(
    add: &said::AddOperatorRequest,
    call: &Call,
    store: &Store,
) -> Result<bool, StoreError> {
    let Ok(name) = add.operator.parse() else {
        return Ok(false);
    };
    let gains = add.role != Role::Viewer.name() || store.operator(&name)?.is_some();
    let now = Utc::now().timestamp();
    let could = |one: &OperatorRecord| {
        one.is_in_force(now) && one.role == Role::Admin && one.arrays.is_empty()
    };
    let is_root = matches!(call.caller, Some(Caller::Root));
    let there = store.operators()?.iter().filter(|one| could(one)).count();
    Ok(gains && (!is_root || there > 1))
}

/// What of a request is agreed to: all of it, but for the key that an operator is made with, which
/// is made anew each time it is asked for.
fn meant<T: Message + 'static>(request: &T) -> Vec<u8> {
    let any: &dyn Any = request;
    match any.downcast_ref::<said::AddOperatorRequest>() {
        Some(add) => said::AddOperatorRequest {
            csr: Vec::new(),
            ..add.clone()
        }
        .encode_to_vec(),
        None => request.encode_to_vec(),
    }
}

/// What came of a look at the petitions.
enum Found {
    /// Somebody else has agreed.
    Agreed(Petition),
    /// Nobody has answered yet.
    Waits(Petition),
    /// Somebody else had agreed, whose word does not count any more, and why.
    Void(Petition, String),
    /// Somebody else has refused.
    Refused(Petition),
}

impl Service {
    /// Whether nobody may do this alone here.
    fn needs_second(&self, request: &dyn Any, call: &Call) -> Result<bool, StoreError> {
        let (two, store) = (&self.controller.two_persons, &self.controller.ports.store);
        if two.is_empty() || !call.changes {
            return Ok(false);
        }
        if let Some(add) = request.downcast_ref::<said::AddOperatorRequest>() {
            return makes_a_person(add, call, store);
        }
        let grave = grave(request, &self.controller)?;
        Ok(grave.iter().any(|kind| two.contains(kind)))
    }

    /// Returns what somebody has agreed to, not yet spent; nothing where nobody needs to.
    ///
    /// # Errors
    /// [`No`] with the number to agree to, while nobody has.
    pub(super) async fn demand_second<T: Message + 'static>(
        &self,
        rpc: &str,
        request: &T,
        call: &Call,
        about: &About<'_>,
    ) -> Result<Option<Petition>, No> {
        if !self.needs_second(request, call)? {
            return Ok(None);
        }
        let now = Utc::now().timestamp();
        let Foreseen { plan, bound } = self.foresee(request, &call.actor).await?;
        let mut digest = Sha256::new_with_prefix(meant(request));
        digest.update(bound);
        let asked = Petition {
            number: 0,
            rpc: rpc.to_owned(),
            digest: hex::encode(digest.finalize()),
            verb: call.verb.to_owned(),
            arrays: about.arrays.iter().map(ToString::to_string).collect(),
            object: about.object.to_owned(),
            detail: call.detail.clone(),
            plan,
            actor: call.actor.clone(),
            at_unix: now,
            ends_unix: now.saturating_add(HOLDS),
            answered: None,
            done: false,
        };
        let texts = asked.arrays.iter().chain(&asked.plan);
        let texts = texts.chain([&asked.object, &asked.detail]);
        if texts.map(String::len).sum::<usize>() > LONGEST {
            let what = format!(
                "`{}` is more than anybody can look at before agreeing to it",
                call.verb
            );
            return Err(No::bad_input("too-long", what).next("the same in smaller parts"));
        }
        let found = self.petition(asked)?;
        if let Found::Void(_, why) = &found {
            self.note(call, "void", why)?;
        }
        match found {
            Found::Agreed(petition) => Ok(Some(petition)),
            Found::Waits(petition) | Found::Void(petition, _) => {
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
                Some(answer) if answer.agreed => {
                    let Err(no) = still_agreed(&same, change) else {
                        // It is spent together with the entry that says that it is being done.
                        return Ok(Found::Agreed(same));
                    };
                    let (by, number) = (&answer.by, same.number);
                    let why = format!("approval {number} of {by} counts no more: {}", no.what);
                    same.answered = None;
                    change.put_petition(&same)?;
                    Ok(Found::Void(same, why))
                }
                Some(_) => {
                    same.done = true;
                    change.put_petition(&same)?;
                    Ok(Found::Refused(same))
                }
            }
        })
    }
}
