//! The service that nodes join by.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyroll::name::NodeName;
use keyroll::secret::SecretBytes;
use keyroll_proto::convert::{parsed, thirty_two};
use keyroll_proto::enroll::enroll_server::{Enroll, EnrollServer};
use keyroll_proto::enroll::{JoinReply, JoinRequest};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::NodeAddress;
use super::rate::Rate;
use super::refused::Refused;
use crate::agents::AgentPool;
use crate::audit;
use crate::audit::sinks::Sinks;
use crate::ca::{Authority, Issued, SigningRequest, Visitor, now_unix};
use crate::store::{NodeRecord, NodeState, NotRedeemed, Read as _, Store, StoreError};

/// The longest request: a token, two names and a signing request of 8 KiB at most.
const LONGEST_REQUEST: usize = 16 * 1024;

/// Lets nodes in, and has the pool dial them.
pub struct EnrollService {
    store: Arc<Store>,
    authority: Arc<Authority>,
    pool: Arc<AgentPool>,
    rate: Mutex<Rate>,
    refused: Mutex<Refused>,
    sinks: Option<Arc<Sinks>>,
}

impl std::fmt::Debug for EnrollService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrollService(..)")
    }
}

/// Why a node is not let in.
#[derive(Debug, thiserror::Error)]
enum NotJoined {
    #[error(transparent)]
    Token(#[from] NotRedeemed),
    #[error("node {0} is not expected: it was removed; ask for a new invitation: keyroll node add")]
    Removed(NodeName),
    #[error(
        "nobody said where the agent of node {0} is dialled: set listen in the agent's settings"
    )]
    NoAddress(NodeName),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotJoined {
    /// Which of them it is, whatever it names besides.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Token(NotRedeemed::Used { .. }) => "used",
            Self::Token(NotRedeemed::Expired { .. }) => "expired",
            Self::Token(_) => "token",
            Self::Removed(_) => "removed",
            Self::NoAddress(_) => "no-address",
            Self::Store(_) => "store",
        }
    }
}

impl EnrollService {
    /// Enrolment into `store`, by certificates of `authority`.
    #[must_use]
    pub fn new(store: Arc<Store>, authority: Arc<Authority>, pool: Arc<AgentPool>) -> Self {
        let rate = Mutex::default();
        Self {
            store,
            authority,
            pool,
            rate,
            refused: Mutex::default(),
            sinks: None,
        }
    }

    /// Letting nobody in while no sink of the audit takes anything.
    #[must_use]
    pub fn heard_by(mut self, sinks: Arc<Sinks>) -> Self {
        self.sinks = Some(sinks);
        self
    }

    /// The gRPC service, for a server on a [`Doorway`](crate::ca::Doorway) of
    /// [`OwnCredential::open_to_all`](crate::ca::OwnCredential::open_to_all).
    #[must_use]
    pub fn server(self) -> EnrollServer<Self> {
        EnrollServer::new(self).max_decoding_message_size(LONGEST_REQUEST)
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, request: JoinRequest, from: SocketAddr) -> Result<JoinReply, Status> {
        let token = thirty_two("token", &request.token)?;
        let token = SecretBytes::new(token.to_vec());
        let node: NodeName = parsed("node", &request.node)?;
        let known = self
            .store
            .knows_token(&token)
            .map_err(|error| fault(&error))?;
        if !known {
            // Nothing is computed for strangers.
            if let Some(untold) = self.refused().line() {
                tracing::warn!(%node, %from, untold, "join refused: the token is unknown");
            }
            return Err(Status::permission_denied(NotRedeemed::Unknown.to_string()));
        }
        let address = match request.address.as_str() {
            "" => None,
            text => Some(parsed::<NodeAddress>("address", text)?),
        };
        let issued = SigningRequest::read(&request.csr, &format!("node {node}"))
            .and_then(|request| self.authority.issue_node(&node, &request, now_unix()))
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        match self.join(&token, &node, address, &issued, from) {
            Ok(record) => {
                self.pool.know(&record);
                Ok(self.welcome(&record, &issued))
            }
            Err(NotJoined::Store(error) | NotJoined::Token(NotRedeemed::Store(error))) => {
                Err(fault(&error))
            }
            Err(refused) => {
                if let Some(untold) = self.refused().line() {
                    tracing::warn!(%node, %from, untold, why = %refused, "join refused");
                }
                // Whoever has a real token that does not count is worth an entry: a token used
                // before its owner came, most of all.
                let due = self.refused().entry(&token, refused.kind());
                if let Some(before) = due {
                    let why = match before {
                        0 => refused.to_string(),
                        more => format!("{refused}; {more} more tries since the entry before"),
                    };
                    let event = event(&node, from, "refused", &why);
                    audit::append(&self.store, event).map_err(|error| fault(&error))?;
                }
                Err(Status::permission_denied(refused.to_string()))
            }
        }
    }

    fn join(
        &self,
        token: &SecretBytes,
        node: &NodeName,
        address: Option<NodeAddress>,
        issued: &Issued,
        from: SocketAddr,
    ) -> Result<NodeRecord, NotJoined> {
        let now = now_unix();
        let (record, entry) = self.store.write(|change| {
            change.redeem_token(token, node, now)?;
            let invited = change.node(node)?;
            let invited = invited.filter(|record| record.state != NodeState::Removed);
            let mut record = invited.ok_or_else(|| NotJoined::Removed(node.clone()))?;
            // What an operator said of the address counts; then the node's own word.
            if record.address.is_empty() {
                let said = address.ok_or_else(|| NotJoined::NoAddress(node.clone()))?;
                record.address = said.to_string();
            }
            // A new key: whatever was issued to this name before counts no more.
            record.forget_certificates();
            record.certify(issued.serial.clone(), issued.ends_unix, now);
            record.confirm(issued.ends_unix);
            record.trust = self.authority.trust();
            record.state = NodeState::Joined;
            record.joined_unix = now;
            change.put_node(&record)?;
            let detail = format!("certificate {}, agent at {}", issued.serial, record.address);
            let entry = audit::append_within(change, event(node, from, "done", &detail))?;
            Ok::<_, NotJoined>((record, entry))
        })?;
        audit::announce(&entry);
        tracing::info!(%node, %from, address = record.address, "joined");
        Ok(record)
    }

    fn welcome(&self, record: &NodeRecord, issued: &Issued) -> JoinReply {
        let authorities = self.authority.certificates();
        JoinReply {
            chain: issued.chain.iter().map(|one| one.to_vec()).collect(),
            authorities: authorities.iter().map(|one| one.to_vec()).collect(),
            arrays: record.arrays.iter().map(ToString::to_string).collect(),
        }
    }
}

fn event(node: &NodeName, from: SocketAddr, outcome: &str, detail: &str) -> audit::Event {
    audit::Event {
        at_unix_millis: now_unix().saturating_mul(1000),
        actor: format!("{node} from {}", from.ip()),
        verb: "join".to_owned(),
        object: node.to_string(),
        outcome: outcome.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Our fault, not the node's; what exactly is for our log.
fn fault(error: &StoreError) -> Status {
    tracing::error!(%error, "no node can join");
    Status::internal("the controller cannot save this; see its log")
}

#[tonic::async_trait]
impl Enroll for EnrollService {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinReply>, Status> {
        let visitor = request.extensions().get::<Visitor>();
        let from = visitor.map(|visitor| visitor.address);
        let from = from.ok_or_else(|| Status::internal("this connection has no address"))?;
        let allows = |rate: &mut Rate| rate.allows(from.ip(), Instant::now());
        if !allows(&mut self.rate.lock().unwrap_or_else(PoisonError::into_inner)) {
            let why = "ten joins a minute from one address; wait a minute";
            return Err(Status::resource_exhausted(why));
        }
        if let Some(sinks) = &self.sinks {
            let unheard = sinks.demand().await;
            unheard.map_err(|error| Status::unavailable(error.to_string()))?;
        }
        self.admit(request.into_inner(), from).map(Response::new)
    }
}
