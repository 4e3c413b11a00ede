//! What the nodes tell.

use std::collections::BTreeSet;

use futures_util::future::join3;
use keyroll::doctor::{KeytabFacts, NodeAround, NodeFacts, NodeLook, ProofFacts, Seen, Unseen};
use keyroll::kerberos::Enctype;
use keyroll::keytab::TargetFilter;
use keyroll::keytab::compare::shortfall;
use keyroll::name::NodeName;

use super::directory::hosts;
use super::service::dialled;
use crate::desired::Desired;
use crate::driver::ap_request;
use crate::ports::{NodeProof, NodeTarget, Sighting};
use crate::random;
use crate::store::{ArrayRecord, NodeRecord};
use crate::verbs::Controller;

/// The array's enctypes that an acceptor's file of tickets' SPN is told to leave out.
fn left_out(array: &ArrayRecord, filter: &TargetFilter) -> BTreeSet<Enctype> {
    let mut services = array.registered_services().take(1);
    let accepts = services.any(|service| filter.covers(&service));
    if !accepts || filter.kind.is_for_initiators() {
        return BTreeSet::new();
    }
    let lacks = |enctype: &Enctype| !filter.takes(*enctype);
    array.enctypes.iter().copied().filter(lacks).collect()
}

impl Controller {
    /// What a node's agent reads from its disks now.
    pub(super) async fn look_at(&self, desired: &Desired, node: &NodeName) -> Seen<NodeLook> {
        let (array, keyset, nonce) = (&desired.array, &desired.keyset, random::bytes());
        let inventory = self.ports.agents.look(node, &array.name, nonce).await;
        let inventory = inventory.map_err(Unseen::from)?;
        let keytab = |target: NodeTarget| KeytabFacts {
            wrong: match &target.trouble {
                Some(_) => None,
                None => shortfall(keyset, &target.filter, &target.entries, &nonce),
            },
            trouble: target.trouble,
            drifted: target.drifted,
            leftovers: target.leftovers,
            folder_trouble: target.folder_trouble,
            left_out: left_out(array, &target.filter),
            enctypes: target.entries.iter().map(|entry| entry.enctype).collect(),
            kind: target.filter.kind,
            path: target.path,
        };
        Ok(NodeLook {
            ready: inventory.ready,
            versions: (inventory.version.0, keyset.version.0),
            keytabs: inventory.targets.into_iter().map(keytab).collect(),
            clock_offset: inventory.clock_offset,
            certificate_ends_unix: inventory.certificate_ends_unix,
            hook_trouble: inventory.hook_trouble,
        })
    }

    /// The node with its verdicts on a fresh ticket.
    pub(super) async fn node_facts(
        &self,
        array: &ArrayRecord,
        node: &NodeRecord,
        look: Seen<NodeLook>,
        ticket: Option<&Sighting>,
    ) -> NodeFacts {
        let request = ticket.and_then(|ticket| ap_request(&ticket.ticket, self.ports.clock.now()));
        let agents = &self.ports.agents;
        let proofs = async {
            let request = request.filter(|_| look.is_ok())?;
            let proofs = agents.prove(&node.name, &array.name, request).await;
            let verdict = |proof: NodeProof| ProofFacts {
                path: proof.path,
                verdict: proof.verdict,
            };
            let verdicts = proofs.map_err(Unseen::from);
            Some(verdicts.map(|proofs| proofs.into_iter().map(verdict).collect()))
        };
        let around = async {
            let hosts = match look {
                Ok(_) => hosts(array).into_keys().collect::<Vec<_>>(),
                Err(_) => return NodeAround::default(),
            };
            let told = agents.around(&node.name, &array.name, &hosts).await;
            // It has answered a moment ago; if it has gone since, the next look says so.
            told.unwrap_or_default()
        };
        let address = async {
            let host = dialled(node);
            let mut found = tokio::net::lookup_host((host.as_str(), 0)).await.ok()?;
            found.next().map(|address| address.ip())
        };
        let (proofs, around, address) = join3(proofs, around, address).await;
        NodeFacts {
            address,
            name: node.name.clone(),
            quarantined: node.quarantined.get(&array.name).cloned(),
            look,
            around,
            proofs,
        }
    }
}
