//! What a grave request comes to as things are now. Whoever agrees sees it, and it is this that is
//! agreed to: what a rule picks out of the directory, or which roll is open, may be another thing
//! an hour later.

use std::any::Any;

use keyroll::name::ArrayName;
use keyroll_proto::operator as said;
use prost::Message as _;

use super::Service;
use crate::store::{Read as _, StoreError};
use crate::verbs::{Controller, No};

/// What a request comes to.
#[derive(Default)]
pub(super) struct Foreseen {
    /// For people.
    pub(super) plan: Vec<String>,
    /// What must be the same when it is done, byte for byte.
    pub(super) bound: Vec<u8>,
}

impl Foreseen {
    /// Sentences that say all there is to it.
    fn said(plan: Vec<String>) -> Self {
        let bound = plan.join("\n").into_bytes();
        Self { plan, bound }
    }

    fn planned(planned: Result<said::PlannedChanges, No>) -> Self {
        match planned {
            Ok(planned) => Self {
                bound: planned
                    .changes
                    .iter()
                    .flat_map(said::DirectoryChange::encode_length_delimited_to_vec)
                    .collect(),
                plan: planned
                    .changes
                    .into_iter()
                    .flat_map(|change| change.sentences)
                    .chain(planned.notes)
                    .collect(),
            },
            Err(no) => Self::refused(&no),
        }
    }

    fn refused(no: &No) -> Self {
        let plan = format!("as things are, it would be refused: {}", no.what);
        Self {
            plan: vec![plan],
            bound: no.code.as_bytes().to_vec(),
        }
    }
}

/// What a request says by which old keys go earlier after a roll, if it does.
pub(super) fn goes_earlier(request: &dyn Any, controller: &Controller) -> Option<String> {
    if let Some(set) = request.downcast_ref::<said::SetPolicyRequest>() {
        return controller.goes_earlier(Some(&set.array), set.policy.as_ref());
    }
    let create = request.downcast_ref::<said::CreateArrayRequest>();
    let adopt = request.downcast_ref::<said::AdoptArrayRequest>();
    let given = create.map(|create| create.policy.as_ref());
    let given = given.or_else(|| adopt.map(|adopt| adopt.policy.as_ref()))?;
    controller.goes_earlier(None, given)
}

impl Service {
    /// Looks what a request comes to, and changes nothing.
    pub(super) async fn foresee(
        &self,
        request: &(dyn Any + Send + Sync),
        actor: &str,
    ) -> Result<Foreseen, StoreError> {
        let controller = &self.controller;
        let store = &controller.ports.store;
        if let Some(roll) = request.downcast_ref::<said::StartRollRequest>() {
            let mut arrays = roll.arrays.clone();
            if roll.all {
                let all = store.arrays()?.into_iter();
                arrays = all.map(|array| array.name.to_string()).collect();
            }
            let plan = format!("a roll of each of these arrays: {}", arrays.join(" "));
            return Ok(Foreseen::said(vec![plan]));
        }
        if let Some(choice) = request.downcast_ref::<said::ResolveRollRequest>() {
            let name = choice.array.parse::<ArrayName>().ok();
            let open = name.map(|name| store.open_roll(&name)).transpose()?;
            let open = open.flatten().map(|open| format!("roll {}", open.number));
            let open = open.unwrap_or_else(|| "no roll is open".to_owned());
            return Ok(Foreseen::said(vec![open]));
        }
        let dry_run = true;
        if let Some(plan) = request.downcast_ref::<said::PlanSpnsRequest>() {
            let plan = said::PlanSpnsRequest {
                dry_run,
                ..plan.clone()
            };
            return Ok(Foreseen::planned(controller.plan_spns(&plan, actor).await));
        }
        if let Some(plan) = request.downcast_ref::<said::PlanDelegationRequest>() {
            let plan = said::PlanDelegationRequest {
                dry_run,
                ..plan.clone()
            };
            let planned = controller.plan_delegation(&plan, actor).await;
            return Ok(Foreseen::planned(planned));
        }
        if let Some(undo) = request.downcast_ref::<said::UndoChangeRequest>() {
            let undo = said::UndoChangeRequest {
                dry_run,
                ..undo.clone()
            };
            let planned = controller.undo_change(&undo, actor).await;
            return Ok(Foreseen::planned(planned));
        }
        if let Some(create) = request.downcast_ref::<said::CreateArrayRequest>() {
            let create = said::CreateArrayRequest {
                dry_run,
                ..create.clone()
            };
            return Ok(match controller.create_array(&create).await {
                Ok(changed) => {
                    let earlier = goes_earlier(request, controller);
                    Foreseen::said(changed.done.into_iter().chain(earlier).collect())
                }
                Err(no) => Foreseen::refused(&no),
            });
        }
        if let Some(allow) = request.downcast_ref::<said::AllowPasswordRequest>() {
            let foreseen = self.sealed_to(allow).await;
            return Ok(foreseen.unwrap_or_else(|no| Foreseen::refused(&no)));
        }
        if request.is::<said::AcknowledgeAuditRequest>() {
            let forks = controller.sinks.forks().into_iter();
            let forks = forks.map(|(place, what)| format!("{place}: {what}"));
            return Ok(Foreseen::said(forks.collect()));
        }
        if let Some(earlier) = goes_earlier(request, controller) {
            return Ok(Foreseen::said(vec![earlier]));
        }
        // The rest says itself all that it comes to.
        Ok(Foreseen::default())
    }

    /// Which machine is given the password: another one that joins under the node's name since has
    /// another key, and nobody has agreed to that one.
    async fn sealed_to(&self, allow: &said::AllowPasswordRequest) -> Result<Foreseen, No> {
        let (array, node) = self.controller.member(&allow.array, &allow.node)?;
        let joined = crate::restore::moment(node.joined_unix);
        let asked = self.controller.pool.letter_key(&node.name, &array.name);
        let sealed = match asked.await {
            Ok(key) => format!("it is sealed to its key, SHA-256 {}", key.fingerprint()),
            Err(error) => format!("as things are, it would be refused: {error}"),
        };
        let joined = format!("{} as it joined {joined}", node.name);
        Ok(Foreseen::said(vec![joined, sealed]))
    }
}
