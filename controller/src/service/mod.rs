//! The operators' gRPC service: who asks, may they, and what is written down about it.

mod caller;
pub mod local;
mod policy;
mod rpc;
mod scope;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::Utc;
use tonic::{Request, Status};

pub use caller::Caller;
pub use policy::{NEEDS, Needs};
pub use scope::Scope;

use crate::audit;
use crate::ca::Visitor;
use crate::store::StoreError;
use crate::verbs::{Controller, No};

/// The service, for any number of listeners.
#[derive(Clone)]
pub struct Service {
    controller: Arc<Controller>,
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

/// One call that was let through.
struct Call {
    rpc: &'static str,
    actor: String,
    object: String,
    /// Whether it changes anything, and so is audited.
    changes: bool,
    /// The arrays that the caller may hear of.
    scope: Scope,
}

impl Service {
    /// The service of this controller.
    #[must_use]
    pub const fn new(controller: Arc<Controller>) -> Self {
        Self { controller }
    }

    /// Lets a call through, or says no. `arrays` are those that it is about, none for a call about
    /// the controller itself; `about` is the node or operator that it names besides.
    fn admit<T>(
        &self,
        rpc: &'static str,
        request: &Request<T>,
        arrays: &[&str],
        about: &str,
        dry_run: bool,
    ) -> Result<Call, No> {
        let needs = policy::needs(rpc);
        let caller = Caller::of(request, &self.controller.ports.store)?;
        caller.may(needs, arrays)?;
        let changes = needs.changes && !dry_run;
        let named = arrays
            .iter()
            .copied()
            .chain([about])
            .filter(|name| !name.is_empty());
        let object = named.collect::<Vec<_>>().join(" ");
        let call = Call {
            rpc,
            actor: caller.name(),
            object,
            changes,
            scope: caller.scope(),
        };
        if changes {
            // Fail closed: what cannot be written down is not done.
            self.note(&call, "begun", "")?;
        }
        Ok(call)
    }

    /// Writes down how a call ended.
    fn finish<T>(&self, call: &Call, outcome: Result<T, No>) -> Result<T, Status> {
        if call.changes {
            let (word, detail) = match &outcome {
                Ok(_) => ("done", String::new()),
                Err(no) => (no.code, no.what.clone()),
            };
            self.note(call, word, &detail)
                .map_err(|error| Status::from(No::from(error)))?;
        }
        if let Err(no) = &outcome {
            tracing::info!(
                rpc = call.rpc,
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
            verb: call.rpc.to_owned(),
            object: call.object.clone(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
        };
        audit::append(&self.controller.ports.store, entry)
    }
}
