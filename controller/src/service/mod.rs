//! The operators' gRPC service: who asks, may they, and what is written down about it.

mod caller;
mod detail;
mod foreseen;
pub mod local;
mod policy;
mod rpc;
mod scope;
mod second;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use keyroll::name::{ArrayName, BadName, NodeName};
use keyroll_proto::operator::operator_server::OperatorServer;
use prost::Message;
use tokio::sync::Semaphore;
use tonic::{Request, Status};

pub use caller::{Caller, LocalRoot};
pub use policy::{NEEDS, Needs};
pub use scope::Scope;

use crate::audit;
use crate::ca::{Places, Visitor};
use crate::store::{Petition, Store, StoreError};
use crate::verbs::{Controller, Giver, No};

/// One denial for each caller and verb is written down in this time, and so many for each caller.
const DENIED_AGAIN: Duration = Duration::from_secs(60);
const DENIALS: usize = 8;

/// No request is longer, in bytes, but the one that may carry a keytab.
const LONGEST_REQUEST: usize = 256 * 1024;
const WITH_KEYTAB: usize = (1 << 20) + LONGEST_REQUEST;

/// Requests under way of one operator, and of all: what each of them holds is bounded.
const AT_ONCE: usize = 128;
const IN_ALL: usize = 2_048;

/// The service, for any number of listeners.
#[derive(Clone)]
pub struct Service {
    controller: Arc<Controller>,
    /// Who was denied what, and when that was last written down.
    denied: Arc<Mutex<BTreeMap<(String, &'static str), Instant>>>,
    /// A place for each backup that may be under way.
    backups: Arc<Semaphore>,
}

/// Hands a connection's identity on to its requests, and lets so many of each in at a time.
///
/// # Errors
/// Unauthenticated for a connection without a certificate; exhausted for one request more than
/// somebody may have under way.
pub fn mark_peers() -> impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone {
    let places = Places::new(IN_ALL, AT_ONCE);
    move |mut request| {
        let visitor = request.extensions().get::<Visitor>();
        let peer = visitor.and_then(|visitor| visitor.peer.clone());
        let peer = peer.ok_or_else(|| Status::unauthenticated("no certificate was shown"))?;
        let place = places.enter(format!("{} {}", peer.identity, peer.serial));
        let place = place.ok_or_else(|| {
            let why = format!("{AT_ONCE} requests of yours are under way; wait for one to end");
            Status::resource_exhausted(why)
        })?;
        request.extensions_mut().insert(peer);
        // While the request is there: comes in, is carried out, and is listened to.
        request.extensions_mut().insert(Arc::new(place));
        Ok(request)
    }
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

    /// Every array's name is one, and what a call is about is one word: an entry of the audit log
    /// is found by the words of both.
    fn demand_names(&self) -> Result<(), BadName> {
        let mut arrays = self.arrays.iter();
        arrays.try_for_each(|array| array.parse::<ArrayName>().map(drop))?;
        if self.object.contains(char::is_whitespace) {
            self.object.parse::<NodeName>()?;
        }
        Ok(())
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
    /// Who has agreed to it, if somebody had to.
    agreed_by: Option<String>,
}

impl Call {
    /// What the audit keeps of it.
    fn event(&self, outcome: &str, detail: &str) -> audit::Event {
        audit::Event {
            at_unix_millis: Utc::now().timestamp_millis(),
            actor: self.actor.clone(),
            verb: self.verb.to_owned(),
            object: self.object.clone(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
        }
    }

    /// Who stands for it.
    fn people(&self) -> BTreeSet<String> {
        let agreed = self.agreed_by.iter();
        agreed.chain([&self.actor]).cloned().collect()
    }

    /// Whoever answers for somebody else's wish, and what may be answered.
    fn giver<'a>(&'a self, store: &'a Store) -> Giver<'a> {
        let may = move |petition: &Petition| {
            let caller = self
                .caller
                .as_ref()
                .ok_or_else(|| No::denied("who are you?"))?;
            caller.may_agree(petition, store)
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
            backups: Arc::new(Semaphore::new(stream::BACKUPS)),
        }
    }

    /// The service for one listener, which takes no longer messages than are needed.
    #[must_use]
    pub fn server(&self) -> OperatorServer<Self> {
        OperatorServer::new(self.clone()).max_decoding_message_size(WITH_KEYTAB)
    }

    /// Lets a call through, or says no.
    async fn admit<T: Message + 'static>(
        &self,
        rpc: &'static str,
        request: &Request<T>,
        about: &About<'_>,
    ) -> Result<Call, No> {
        let needs = policy::needs(rpc);
        // What is said no to here is not written down: it names nothing that there could be.
        about.demand_names()?;
        if rpc != "AdoptArray" && request.get_ref().encoded_len() > LONGEST_REQUEST {
            let what = format!("a request is {LONGEST_REQUEST} bytes at the most");
            return Err(No::bad_input("too-long", what));
        }
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
            detail: about.detail.clone(),
            changes: needs.changes && !about.dry_run,
            scope: Scope::All,
            caller: None,
            agreed_by: None,
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
        let agreed = self.demand_second(rpc, request.get_ref(), &call, about);
        let agreed = agreed.await?;
        if let Some(answer) = agreed.as_ref().and_then(|one| one.answered.as_ref()) {
            call.detail = format!("agreed to by {}: {}", answer.by, call.detail);
            call.agreed_by = Some(answer.by.clone());
        }
        if call.changes {
            self.begin(&call, agreed).await?;
        }
        Ok(call)
    }

    /// Fail closed: what cannot be written down is not done. What was agreed to is done with the
    /// entry that says so; where no sink hears of it, it was not done and may be still.
    async fn begin(&self, call: &Call, agreed: Option<Petition>) -> Result<(), No> {
        let store = &self.controller.ports.store;
        let begun = store.write(|change| {
            if let Some(petition) = &agreed {
                second::spend(change, petition)?;
            }
            let entry = audit::append_within(change, call.event("begun", &call.detail))?;
            Ok::<_, No>(entry)
        })?;
        audit::announce(&begun);
        let Err(unheard) = self.controller.sinks.demand().await else {
            return Ok(());
        };
        let no = No::from(unheard);
        let unheard = store.write(|change| {
            if let Some(petition) = &agreed {
                change.put_petition(petition)?;
            }
            audit::append_within(change, call.event(no.code, &no.what))
        })?;
        audit::announce(&unheard);
        Err(no)
    }

    /// Writes down that somebody was turned away; not each time, or whoever asks again and again
    /// would fill the disk.
    fn note_denial(&self, call: &Call, no: &No) -> Result<(), StoreError> {
        let now = Instant::now();
        {
            let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
            denied.retain(|_, at| now.duration_since(*at) < DENIED_AGAIN);
            let who = (call.actor.clone(), call.verb);
            let by = denied.keys().filter(|(actor, _)| *actor == call.actor);
            if denied.contains_key(&who) || by.count() >= DENIALS {
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
        audit::append(&self.controller.ports.store, call.event(outcome, detail))
    }
}
