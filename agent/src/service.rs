//! The agent's gRPC service: messages in, the node's doing, messages out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keyroll::fence::{Epoch, Version};
use keyroll::keyset::Keyset;
use keyroll::keytab::TargetKind;
use keyroll::letter::PasswordUse;
use keyroll::name::ArrayName;
use keyroll_proto::agent as said;
use keyroll_proto::agent::agent_server::Agent;
use keyroll_proto::convert::{Enclosed, parsed, thirty_two};
use tonic::{Request, Response, Status};

use crate::gate::Readiness;
use crate::identity::Identity;
use crate::logon_session::SessionError;
use crate::node::{FileProof, Found, FoundTarget, Node, StageError};
use crate::trouble::chain;
use crate::{own_names, platform};

/// An AP-REQ is some two kilobytes.
const LONGEST_AP_REQUEST: usize = 64 * 1024;

/// The service.
#[derive(Clone)]
pub struct Service {
    node: Arc<Node>,
    identity: Arc<Identity>,
    boot: [u8; 16],
}

impl Service {
    /// The service of this node.
    #[must_use]
    pub fn new(node: Arc<Node>, identity: Arc<Identity>) -> Self {
        Self {
            node,
            identity,
            boot: rand::random(),
        }
    }

    /// Puts the passwords into a keyset; says what they are for. What no target asks for stays
    /// sealed.
    async fn open(
        &self,
        mut keyset: Keyset,
        passwords: Vec<said::SealedPassword>,
    ) -> Result<(Keyset, BTreeSet<PasswordUse>), Status> {
        let uses = self.node.password_uses(&keyset.array);
        let letters: Result<Vec<_>, _> = passwords.into_iter().map(Enclosed::try_from).collect();
        let mut letters = letters?;
        letters.retain(|letter| uses.contains(&letter.purpose));
        let sent = letters.iter().map(|letter| letter.purpose).collect();
        let (node, name) = (Arc::clone(&self.node), self.identity.node());
        let (keyset, opened) = aside(move || {
            let opened = node.letters().open(&name, &mut keyset, &letters);
            (keyset, opened)
        })
        .await?;
        let opened = opened.map_err(|error| Status::failed_precondition(chain(&error)))?;
        let array = keyset.array.clone();
        opened.map_err(|source| refused(&SessionError::Letter { array, source }.into()))?;
        Ok((keyset, sent))
    }

    async fn inventory(
        &self,
        array: &ArrayName,
        nonce: &[u8; 32],
    ) -> Result<said::Inventory, Status> {
        let found = self
            .node
            .inspect(array, nonce)
            .await
            .map_err(|error| refused(&error))?;
        let readiness = self.node.gates().readiness(array);
        let (ready, reason) = match readiness {
            Readiness::Ready => (true, String::new()),
            Readiness::NotReady(reason) => (false, reason),
        };
        let Found {
            epoch,
            version,
            fence,
            targets,
            hook_trouble,
        } = found;
        Ok(said::Inventory {
            node: self.identity.node().to_string(),
            array: array.to_string(),
            epoch: epoch.0,
            version: version.0,
            targets: targets.iter().map(target).collect(),
            boot: self.boot.to_vec(),
            ready,
            not_ready_reason: reason,
            clock_unix_micros: micros(SystemTime::now()),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            certificate_ends_unix: micros(self.identity.ends()) / 1_000_000,
            heard_epoch: fence.epoch.0,
            begun_version: fence.version.0,
            stays_ready_seconds: self
                .node
                .gates()
                .without_controller()
                .map(|most| most.as_secs()),
            hook_trouble: hook_trouble.unwrap_or_default(),
            own_names: Vec::new(),
            iis: None,
        })
    }
}

#[tonic::async_trait]
impl Agent for Service {
    async fn look(
        &self,
        request: Request<said::LookRequest>,
    ) -> Result<Response<said::Inventory>, Status> {
        let request = request.into_inner();
        let array: ArrayName = parsed("array", &request.array)?;
        let nonce = thirty_two("nonce", &request.nonce)?;
        let mut inventory = self.inventory(&array, &nonce).await?;
        if !request.hosts.is_empty() {
            inventory.own_names = own_names::among(request.hosts).await;
            let iis = tokio::task::spawn_blocking(platform::iis_now).await;
            inventory.iis = iis.ok().flatten();
            for pool in inventory.iis.iter_mut().flat_map(|iis| &mut iis.pools) {
                pool.kept = self.node.keeps_pool(&array, &pool.name);
            }
        }
        Ok(Response::new(inventory))
    }

    async fn stage(
        &self,
        request: Request<said::StageRequest>,
    ) -> Result<Response<said::StageReply>, Status> {
        let request = request.into_inner();
        let nonce = thirty_two("nonce", &request.nonce)?;
        let keyset = request
            .keyset
            .ok_or_else(|| Status::invalid_argument("no keyset"))?;
        let keyset = Keyset::try_from(keyset)?;
        let (keyset, sent) = self.open(keyset, request.passwords).await?;
        let (array, version) = (keyset.array.clone(), keyset.version);
        let node = Arc::clone(&self.node);
        let outcome = to_the_end(async move { node.stage_with(keyset, sent).await }).await;
        if let Err(error) = &outcome {
            tracing::warn!(%array, %version, error = chain(error), "keyset not held");
        } else {
            tracing::info!(%array, %version, "keyset held");
        }
        outcome.map_err(|error| refused(&error))?;
        let inventory = Some(self.inventory(&array, &nonce).await?);
        Ok(Response::new(said::StageReply { inventory }))
    }

    async fn prove(
        &self,
        request: Request<said::ProveRequest>,
    ) -> Result<Response<said::ProveReply>, Status> {
        let request = request.into_inner();
        let array: ArrayName = parsed("array", &request.array)?;
        if request.ap_req.len() > LONGEST_AP_REQUEST {
            return Err(Status::invalid_argument("the AP-REQ is too long"));
        }
        let proofs = self
            .node
            .prove(&array, request.ap_req)
            .await
            .map_err(|error| refused(&error))?;
        Ok(Response::new(said::ProveReply {
            proofs: proofs.into_iter().map(proof).collect(),
        }))
    }

    async fn admit(
        &self,
        request: Request<said::AdmitRequest>,
    ) -> Result<Response<said::AdmitReply>, Status> {
        let request = request.into_inner();
        let array: ArrayName = parsed("array", &request.array)?;
        let verdict = if request.admitted {
            Ok(())
        } else {
            Err(request.reason)
        };
        let required = Version(request.required_version);
        let (node, name) = (Arc::clone(&self.node), array.clone());
        let epoch = Epoch(request.epoch);
        to_the_end(async move { node.admit(&name, epoch, verdict, required).await })
            .await
            .map_err(|error| refused(&error))?;
        let (ready, reason) = match self.node.gates().readiness(&array) {
            Readiness::Ready => (true, String::new()),
            Readiness::NotReady(reason) => (false, reason),
        };
        Ok(Response::new(said::AdmitReply { ready, reason }))
    }

    async fn show_letter_key(
        &self,
        request: Request<said::ShowLetterKeyRequest>,
    ) -> Result<Response<said::ShowLetterKeyReply>, Status> {
        let array: ArrayName = parsed("array", &request.into_inner().array)?;
        if self.node.password_uses(&array).is_empty() {
            let what = format!(
                "no target of array {array} here takes a password; next, on the node: add one of \
                 kind = \"logon-session\", \"service-logon\" or \"iis-pool\" to its settings"
            );
            return Err(Status::failed_precondition(what));
        }
        let node = Arc::clone(&self.node);
        let key = aside(move || node.letters().key()).await?;
        let key = key.map_err(|error| Status::failed_precondition(chain(&error)))?;
        Ok(Response::new(said::ShowLetterKeyReply {
            key: key.bytes().to_vec(),
        }))
    }

    async fn wipe(
        &self,
        request: Request<said::WipeRequest>,
    ) -> Result<Response<said::Inventory>, Status> {
        let request = request.into_inner();
        let array: ArrayName = parsed("array", &request.array)?;
        let (node, name) = (Arc::clone(&self.node), array.clone());
        to_the_end(async move { node.wipe(&name, Epoch(request.epoch)).await })
            .await
            .map_err(|error| refused(&error))?;
        tracing::info!(%array, "every key of the array is wiped");
        Ok(Response::new(self.inventory(&array, &[0; 32]).await?))
    }

    async fn request_certificate(
        &self,
        _: Request<said::RequestCertificateRequest>,
    ) -> Result<Response<said::RequestCertificateReply>, Status> {
        let identity = Arc::clone(&self.identity);
        // One that is being installed is waited for.
        let csr = aside(move || identity.ask())
            .await?
            .map_err(|error| Status::internal(chain(&error)))?;
        Ok(Response::new(said::RequestCertificateReply { csr }))
    }

    async fn install_certificate(
        &self,
        request: Request<said::InstallCertificateRequest>,
    ) -> Result<Response<said::InstallCertificateReply>, Status> {
        let request = request.into_inner();
        let identity = Arc::clone(&self.identity);
        let ends = aside(move || identity.install(&request.chain, &request.authorities))
            .await?
            .map_err(|error| Status::failed_precondition(chain(&error)))?;
        tracing::info!("certificate renewed");
        let certificate_ends_unix = micros(ends) / 1_000_000;
        Ok(Response::new(said::InstallCertificateReply {
            certificate_ends_unix,
        }))
    }
}

/// Does what waits for files beside the one thread that serves.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|error| Status::internal(error.to_string()))
}

/// Does what changes the node to its end: with the connection that asked for it, its lock would be
/// lost in the middle, while a thread still writes.
async fn to_the_end(
    work: impl Future<Output = Result<(), StageError>> + Send + 'static,
) -> Result<(), StageError> {
    let outcome = tokio::spawn(work).await;
    outcome.unwrap_or_else(|error| Err(StageError::Lost(error.to_string())))
}

fn refused(error: &StageError) -> Status {
    let text = chain(error);
    match error {
        StageError::UnknownArray(_) => Status::not_found(text),
        StageError::Stale(_) | StageError::Superseded(_) => Status::aborted(text),
        StageError::Keytab(_)
        | StageError::Session(_)
        | StageError::State(_)
        | StageError::Hook(_) => Status::failed_precondition(text),
        StageError::Lost(_) => Status::internal(text),
    }
}

fn target(found: &FoundTarget) -> said::Target {
    let filter = &found.filter;
    let kind = match filter.kind {
        TargetKind::Owned => said::TargetKind::Owned,
        TargetKind::Shared => said::TargetKind::Shared,
        TargetKind::Client => said::TargetKind::Client,
        TargetKind::LogonSession => said::TargetKind::LogonSession,
        TargetKind::ServiceLogon => said::TargetKind::ServiceLogon,
        TargetKind::IisPool => said::TargetKind::IisPool,
    };
    let principals = filter
        .principals
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    let enctypes = filter
        .enctypes
        .iter()
        .flatten()
        .map(|one| one.number())
        .collect();
    let leftovers = found.around.leftovers.iter();
    said::Target {
        path: found.path.display().to_string(),
        kind: kind.into(),
        entries: found.entries.iter().map(said::Entry::from).collect(),
        trouble: found.trouble.clone().unwrap_or_default(),
        drifted: found.drifted,
        foreign_entries: found.foreign,
        principals,
        enctypes,
        written_unix: found.written_unix,
        leftovers: leftovers.map(|path| path.display().to_string()).collect(),
        folder_trouble: found.around.folder.clone().unwrap_or_default(),
    }
}

fn proof(proof: FileProof) -> said::Proof {
    let path = proof.path.display().to_string();
    match proof.verdict {
        Ok(accepted) => said::Proof {
            path,
            accepted: true,
            client: accepted.client.to_string(),
            service: accepted.service.to_string(),
            kvno: accepted.kvno.0,
            enctype: accepted.enctype.number(),
            ..said::Proof::default()
        },
        Err(reason) => said::Proof {
            path,
            reason,
            ..said::Proof::default()
        },
    }
}

fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
