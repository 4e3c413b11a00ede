//! Agents in this process that keep keys in memory: everything of one but the disk.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use keyroll::keyset::{Keyset, fingerprint};
use keyroll_controller::ca::{Authority, Doorway, SigningRequest, now_unix, server_config};
use keyroll_controller::store::{NodeRecord, NodeState};
use keyroll_proto::agent::agent_server::{Agent, AgentServer};
use keyroll_proto::agent::*;
use keyroll_proto::convert::thirty_two;
use rcgen::{CertificateParams, KeyPair};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// The certificate of one simulated agent.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Starts the agent of `node` on a port of its own; its record, as the store has it after joining.
pub async fn start(node: &str, authority: &Authority) -> Result<NodeRecord> {
    let key = KeyPair::generate()?;
    let request = CertificateParams::new(vec![node.to_owned()])?.serialize_request(&key)?;
    let request = SigningRequest::read(request.der(), node)?;
    let issued = authority.issue_node(&node.parse()?, &request, now_unix())?;
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = rustls::crypto::ring::default_provider()
        .key_provider
        .load_private_key(der)?;
    let shown = Shown(Arc::new(CertifiedKey::new(issued.chain, signer)));
    let config = Arc::new(server_config(Arc::new(shown), Some(authority.roots()))?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let doorway = Doorway::open(listener, move || Ok(Arc::clone(&config)));
    let server = tonic::transport::Server::builder()
        .add_service(AgentServer::new(Simulated(node.to_owned())))
        .serve_with_incoming(doorway);
    tokio::spawn(server);
    let mut record = NodeRecord::invited(node.parse()?, address);
    record.state = NodeState::Joined;
    record.arrays.insert("web".parse()?);
    record.certificates.insert(issued.serial, issued.ends_unix);
    Ok(record)
}

struct Simulated(String);

impl Simulated {
    fn stage(&self, request: StageRequest) -> Result<StageReply> {
        let keyset: Keyset = request.keyset.context("no keyset")?.try_into()?;
        let nonce = thirty_two("nonce", &request.nonce)?;
        let mut entries = Vec::new();
        for principal in &keyset.principals {
            for generation in &keyset.generations {
                entries.extend(generation.keys.iter().map(|key| Entry {
                    principal: principal.to_string(),
                    kvno: generation.kvno.0,
                    enctype: key.enctype().number(),
                    fingerprint: fingerprint(&nonce, principal, generation.kvno, key).to_vec(),
                }));
            }
        }
        let target = Target {
            path: "/etc/krb5.keytab".to_owned(),
            kind: TargetKind::Owned.into(),
            entries,
            ..Target::default()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let inventory = Inventory {
            node: self.0.clone(),
            array: keyset.array.to_string(),
            epoch: keyset.epoch.0,
            version: keyset.version.0,
            targets: vec![target],
            ready: true,
            clock_unix_micros: i64::try_from(now.as_micros())?,
            ..Inventory::default()
        };
        Ok(StageReply {
            inventory: Some(inventory),
        })
    }
}

fn unasked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("only staging is measured"))
}

#[tonic::async_trait]
impl Agent for Simulated {
    async fn stage(&self, request: Request<StageRequest>) -> Result<Response<StageReply>, Status> {
        let reply = Simulated::stage(self, request.into_inner());
        reply
            .map(Response::new)
            .map_err(|error| Status::invalid_argument(error.to_string()))
    }

    async fn look(&self, _: Request<LookRequest>) -> Result<Response<Inventory>, Status> {
        unasked()
    }

    async fn show_letter_key(
        &self,
        _: Request<ShowLetterKeyRequest>,
    ) -> Result<Response<ShowLetterKeyReply>, Status> {
        unasked()
    }

    async fn prove(&self, _: Request<ProveRequest>) -> Result<Response<ProveReply>, Status> {
        unasked()
    }

    async fn admit(&self, _: Request<AdmitRequest>) -> Result<Response<AdmitReply>, Status> {
        unasked()
    }

    async fn wipe(&self, _: Request<WipeRequest>) -> Result<Response<Inventory>, Status> {
        unasked()
    }

    async fn request_certificate(
        &self,
        _: Request<RequestCertificateRequest>,
    ) -> Result<Response<RequestCertificateReply>, Status> {
        unasked()
    }

    async fn install_certificate(
        &self,
        _: Request<InstallCertificateRequest>,
    ) -> Result<Response<InstallCertificateReply>, Status> {
        unasked()
    }
}
