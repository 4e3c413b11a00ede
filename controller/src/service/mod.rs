//! The operators' gRPC service: who asks, may they, and what is written down about it.

mod caller;
mod detail;
pub mod local;
mod policy;
mod rpc;
mod scope;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use tonic::{Request, Status};

pub use caller::Caller;
pub use policy::{NEEDS, Needs};
pub use scope::Scope;

use crate::audit;
use crate::ca::Visitor;
use crate::store::StoreError;
use crate::verbs::{Controller, No};

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
    fn admit<T>(
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
        };
        let caller = Caller::of(request, &self.controller.ports.store);
        let admitted = caller.and_then(|caller| {
            caller.may(needs, about.arrays)?;
            Ok(caller)
        });
        match admitted {
            Ok(caller) => call.scope = caller.scope(),
            Err(no) => {
                self.note_denial(&call, &no)?;
                return Err(no);
            }
        }
        if call.changes {
            // Fail closed: what cannot be written down is not done.
            self.note(&call, "begun", &call.detail)?;
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
