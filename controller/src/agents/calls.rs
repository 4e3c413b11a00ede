//! What is asked of an agent.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use keyroll::doctor::NodeAround;
use keyroll::fence::Version;
use keyroll::kerberos::Kvno;
use keyroll::keyset::Keyset;
use keyroll::name::{ArrayName, NodeName};
use keyroll_proto::agent::agent_client::AgentClient;
use keyroll_proto::agent::{
    AdmitRequest, Inventory, LookRequest, ProveRequest, StageRequest, WipeRequest,
};
use keyroll_proto::convert::{Malformed, words};
use tokio::time::Instant;
use tonic::{Code, Response, Status};

use super::AgentPool;
use super::inventory::{Asked, around, inventory};
use super::letters::letters;
use super::link::unreachable;
use super::wire::{Wire, chain};
use crate::ports::{Agents, NodeInventory, NodeProof, PortError};

/// A failed call, by what it says of the outcome: only the agent's own word is a refusal.
pub(super) fn refusal(node: &NodeName, status: &Status) -> PortError {
    let silent = [
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::Cancelled,
        Code::Unknown,
    ];
    // A status with a source was made on this side, out of a broken connection.
    if status.source().is_some() || silent.contains(&status.code()) {
        let why = status
            .source()
            .map_or_else(|| words(status.message()), chain);
        return unreachable(node, why);
    }
    PortError::Refused {
        object: format!("node {node}"),
        why: words(status.message()),
        next: format!("keyroll node show {node}"),
    }
}

pub(super) fn malformed(node: &NodeName, malformed: &Malformed) -> PortError {
    PortError::Refused {
        object: format!("node {node}"),
        why: format!("it answered with a {malformed}"),
        next: "install the same version of keyroll on the node and the controller".to_owned(),
    }
}

impl AgentPool {
    /// One call within its time, connecting included.
    pub(super) async fn ask<T, F>(
        &self,
        node: &NodeName,
        time: Duration,
        call: impl FnOnce(AgentClient<Wire>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + time;
        let link = self.link(node)?;
        let client = link.client(deadline).await?;
        match tokio::time::timeout_at(deadline, call(client)).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            // Of a connection that ended under it a call knows no more than that.
            Ok(Err(status)) if status.source().is_some() => Err(link
                .why_lost()
                .await
                .unwrap_or_else(|| refusal(node, &status))),
            Ok(Err(status)) => Err(refusal(node, &status)),
            Err(_) => Err(unreachable(
                node,
                format!("no answer within {} s", time.as_secs()),
            )),
        }
    }
}

impl AgentPool {
    async fn look_now(
        &self,
        node: &NodeName,
        request: LookRequest,
    ) -> Result<(Asked, Inventory), PortError> {
        let asking = |mut client: AgentClient<Wire>| async move {
            // Asked when the question leaves: connecting may have taken its time.
            let asked = Asked::now();
            let answer = client.look(request).await;
            answer.map(|answer| answer.map(|said| (asked, said)))
        };
        self.ask(node, self.deadlines.look, asking).await
    }
}

#[async_trait]
impl Agents for AgentPool {
    async fn look(
        &self,
        node: &NodeName,
        array: &ArrayName,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        let request = LookRequest {
            array: array.to_string(),
            nonce: nonce.to_vec(),
            hosts: Vec::new(),
        };
        let (asked, said) = self.look_now(node, request).await?;
        if self.link(node)?.says(said.certificate_ends_unix) {
            self.certificates.notify_one();
        }
        inventory(said, node, array, asked).map_err(|error| malformed(node, &error))
    }

    async fn around(
        &self,
        node: &NodeName,
        array: &ArrayName,
        hosts: &[String],
    ) -> Result<NodeAround, PortError> {
        let request = LookRequest {
            array: array.to_string(),
            nonce: vec![0; 32],
            hosts: hosts.to_vec(),
        };
        let (_, said) = self.look_now(node, request).await?;
        around(said).map_err(|error| malformed(node, &error))
    }

    async fn stage(
        &self,
        node: &NodeName,
        keyset: &Keyset,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, PortError> {
        let _turn = self.turn(node, &keyset.array).await;
        let record = self.demand_member(node, &keyset.array)?;
        let request = StageRequest {
            keyset: Some(keyset.into()),
            nonce: nonce.to_vec(),
            passwords: letters(&record, keyset)?,
        };
        let reply = self
            .ask(node, self.deadlines.stage, |mut client| async move {
                client.stage(request).await
            })
            .await;
        // Whatever came of it.
        if let Ok(link) = self.link(node) {
            link.note_keys();
        }
        let reply = reply?;
        let said = reply.inventory.unwrap_or_default();
        // Writing takes its time: the clock in this answer says little, and `look` asks anew.
        let read = inventory(said, node, &keyset.array, Asked::now());
        read.map_err(|error| malformed(node, &error))
    }

    async fn prove(
        &self,
        node: &NodeName,
        array: &ArrayName,
        ap_request: Vec<u8>,
    ) -> Result<Vec<NodeProof>, PortError> {
        let request = ProveRequest {
            array: array.to_string(),
            ap_req: ap_request,
        };
        let reply = self
            .ask(node, self.deadlines.look, |mut client| async move {
                client.prove(request).await
            })
            .await?;
        let proofs = reply.proofs.into_iter().map(|proof| NodeProof {
            path: words(&proof.path),
            verdict: if proof.accepted {
                Ok(Kvno(proof.kvno))
            } else {
                Err(words(&proof.reason))
            },
        });
        Ok(proofs.collect())
    }

    async fn admit(
        &self,
        node: &NodeName,
        array: &ArrayName,
        required: Version,
        verdict: Result<(), String>,
    ) -> Result<(), PortError> {
        let request = AdmitRequest {
            array: array.to_string(),
            epoch: self.epoch.now().0,
            required_version: required.0,
            admitted: verdict.is_ok(),
            reason: verdict.err().unwrap_or_default(),
        };
        self.ask(node, self.deadlines.look, |mut client| async move {
            client.admit(request).await
        })
        .await
        .map(drop)
    }

    async fn wipe(&self, node: &NodeName, array: &ArrayName) -> Result<(), PortError> {
        let _turn = self.turn(node, array).await;
        let request = WipeRequest {
            array: array.to_string(),
            epoch: self.epoch.now().0,
        };
        self.ask(node, self.deadlines.stage, |mut client| async move {
            client.wipe(request).await
        })
        .await
        .map(drop)
    }
}
