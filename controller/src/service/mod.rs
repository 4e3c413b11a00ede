//! The operators' gRPC service: who asks, may they, and what is written down about it.

mod caller;
mod detail;
pub mod local;
mod policy;
mod rpc;
mod scope;
mod second;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use prost::Message;
use tonic::{Request, Status};

pub use caller::{Caller, LocalRoot};
pub use policy::{NEEDS, Needs};
pub use scope::Scope;

use crate::audit;
use crate::ca::Visitor;
use crate::store::{Petition, StoreError};
use crate::verbs::{Controller, Giver, No};

/// No detail in the audit is longer, in characters.
const LONGEST_DETAIL: usize = 400;

/// One denial for each caller and verb is written down in this time.
const DENIED_AGAIN: Duration = Duration::from_secs(60);

/// The service, for any number of listeners.
#[derive(Clone)]
pub struct Service {
    controller: Arc<Controller>,
    /// Who was denied what, and when that was last written down.
    denied: Arc<Mutex<BTreeMap<(String, &'static str), Instant>>>,
}

/// Hands a connection's identity on to its requests.
///
/// # Errors
/// Unauthenticated for a connection without a certificate.
pub fn mark_peer(mut request: Request<()>) -> Result<Request<()>, Status> {
    let visitor = request.extensions().get::<Visitor>();
    let peer = visitor.and_then(|visitor| visitor.peer.clone());
    let peer = peer.ok_or_else(|| Status::unauthenticated("no certificate was shown"))?;
    request.extensions_mut().insert(peer);
    Ok(request)
}

/// What a call is about.
struct About<'a> {
    /// The arrays; none for a call about the controller itself.
    arrays: &'a [&'a str],
    /// The node or operator that it names besides.
    object: &'a str,
    dry_run: bool,
    /// What was chosen and why, for the audit.
    detail: String,
}

impl<'a> About<'a> {
    /// Nothing but these arrays.
    const fn of(arrays: &'a [&'a str]) -> Self {
        Self {
            arrays,
            object: "",
            dry_run: false,
            detail: String::new(),
        }
    }
}

/// One call that was let through.
struct Call {
    verb: &'static str,
    actor: String,
    object: String,
    detail: String,
    /// Whether it changes anything, and so is audited.
    changes: bool,
    /// The arrays that the caller may hear of.
    scope: Scope,
    /// Who it is, once that is known.
    caller: Option<Caller>,
}

impl Call {
    /// Whoever answers for somebody else's wish, and what may be answered.
    fn giver(&self) -> Giver<'_> {
        let may = |petition: &Petition| {
            let arrays: Vec<&str> = petition.arrays.iter().map(String::as_str).collect();
            let caller = self
                .caller
                .as_ref()
                .ok_or_else(|| No::denied("who are you?"))?;
            caller.may(policy::named(&petition.rpc), &arrays)
        };
        Giver {
            name: &self.actor,
            may: Box::new(may),
        }
    }
}

impl Service {
    /// The service of this controller.
    #[must_use]
    pub fn new(controller: Arc<Controller>) -> Self {
        Self {
            controller,
            denied: Arc::default(),
        }
    }

    /// Lets a call through, or says no.
    async fn admit<T: Message + 'static>(
        &self,
        rpc: &'static str,
        request: &Request<T>,
        about: &About<'_>,
    ) -> Result<Call, No> {
        let needs = policy::needs(rpc);
        let named = about
            .arrays
            .iter()
            .copied()
            .chain([about.object])
            .filter(|name| !name.is_empty());
        let mut call = Call {
            verb: needs.verb,
            actor: caller::shown(request),
            object: named.collect::<Vec<_>>().join(" "),
            detail: about.detail.chars().take(LONGEST_DETAIL).collect(),
            changes: needs.changes && !about.dry_run,
            scope: Scope::All,
            caller: None,
        };
        let caller = Caller::of(request, &self.controller.ports.store);
        let admitted = caller.and_then(|caller| {
            caller.may(needs, about.arrays)?;
            Ok(caller)
        });
        match admitted {
            Ok(caller) => {
                call.scope = caller.scope();
                call.caller = Some(caller);
            }
            Err(no) => {
                self.note_denial(&call, &no)?;
                return Err(no);
            }
        }
        if let Some(by) = self.demand_second(rpc, request.get_ref(), &call, about.arrays)? {
            let detail = format!("agreed to by {by}: {}", call.detail);
            call.detail = detail.chars().take(LONGEST_DETAIL).collect();
        }
        if call.changes {
            // Fail closed: what cannot be written down is not done.
            self.note(&call, "begun", &call.detail)?;
            if let Err(unheard) = self.controller.sinks.demand().await {
                let no = No::from(unheard);
                self.note(&call, no.code, &no.what)?;
                return Err(no);
            }
        }
        Ok(call)
    }

    /// Writes down that somebody was turned away; not each time, or whoever asks again and again
    /// would fill the disk.
    fn note_denial(&self, call: &Call, no: &No) -> Result<(), StoreError> {
        let now = Instant::now();
        {
            let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
            denied.retain(|_, at| now.duration_since(*at) < DENIED_AGAIN);
            let who = (call.actor.clone(), call.verb);
            if denied.contains_key(&who) {
                return Ok(());
            }
            denied.insert(who, now);
        }
        self.note(call, no.code, &no.what)
    }

    /// Writes down how a call ended.
    fn finish<T>(&self, call: &Call, outcome: Result<T, No>) -> Result<T, Status> {
        if call.changes {
            let (word, detail) = match &outcome {
                Ok(_) => ("done", call.detail.clone()),
                Err(no) => (no.code, no.what.clone()),
            };
            self.note(call, word, &detail)
                .map_err(|error| Status::from(No::from(error)))?;
        }
        if let Err(no) = &outcome {
            tracing::info!(
                verb = call.verb,
                actor = call.actor,
                code = no.code,
                what = no.what,
                "no"
            );
        }
        outcome.map_err(Status::from)
    }

    fn note(&self, call: &Call, outcome: &str, detail: &str) -> Result<(), StoreError> {
        let entry = audit::Event {
            at_unix_millis: Utc::now().timestamp_millis(),
            actor: call.actor.clone(),
            verb: call.verb.to_owned(),
            object: call.object.clone(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
        };
        audit::append(&self.controller.ports.store, entry)
    }
}
