//! Renewal: every node gets a new certificate long before its old one ends.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use keyroll::name::NodeName;
use keyroll_failpoint::at;
use keyroll_proto::agent::agent_client::AgentClient;
use keyroll_proto::agent::{InstallCertificateRequest, RequestCertificateRequest};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::AgentPool;
use super::calls::refusal;
use super::link::{Serials, unreachable};
use super::wire::Wire;
use crate::ca::{Authority, CaError, Issued, SigningRequest, now_unix};
use crate::ports::PortError;
use crate::store::{NodeRecord, NodeState, Read as _, Store, Trust};

/// What a node is asked in a renewal, as places where a test ends this process.
pub(crate) const QUESTIONS: [&str; 2] = [REQUEST, INSTALL];
const REQUEST: &str = "request-certificate";
const INSTALL: &str = "install-certificate";
/// How often the nodes are gone through.
const ROUND: Duration = Duration::from_secs(30);
/// How long to listen to other nodes when one has said something new.
const GATHER: Duration = Duration::from_secs(1);
/// Renewals at one time: each is a signature of ours and a few files of the node's.
const AT_ONCE: usize = 16;
/// How long one renewal may take.
const DEADLINE: Duration = Duration::from_secs(15);

impl AgentPool {
    /// Gives a node a new certificate now. Gives its end, seconds since 1970.
    ///
    /// # Errors
    /// [`PortError`]; the old certificate counts until its end in any case.
    pub async fn renew(&self, node: &NodeName) -> Result<i64, PortError> {
        let link = self.link(node)?;
        let deadline = Instant::now() + DEADLINE;
        let mut client = link.client(deadline).await?;
        let authority = self.own.authority();
        let renewal = renew_over(&mut client, node, &self.store, authority, link.serials());
        let late = || unreachable(node, "renewing its certificate takes too long");
        let ends_unix = tokio::time::timeout_at(deadline, renewal)
            .await
            .map_err(|_| late())??;
        link.says(ends_unix);
        Ok(ends_unix)
    }

    /// Renews certificates for ever, each when about half its life is over.
    pub async fn renew_due(self: Arc<Self>) {
        loop {
            match self.store.nodes() {
                Ok(nodes) => self.renew_those_due(nodes).await,
                Err(error) => tracing::error!(%error, "the nodes cannot be read"),
            }
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                // After a start many nodes speak at about the same time.
                () = self.certificates.notified() => tokio::time::sleep(GATHER).await,
            }
        }
    }

    async fn renew_those_due(&self, nodes: Vec<NodeRecord>) {
        let authority = self.own.authority();
        let (life, trust) = (authority.lifetimes().node, authority.trust());
        let now = now_unix();
        let said = |node: &NodeRecord| self.link(&node.name).ok()?.said();
        let due = nodes
            .into_iter()
            .filter(|node| is_due(node, said(node), life, now) || lives_by_others(node, trust));
        let renewals = due.map(|node| async move {
            let left = node
                .certificate_ends_unix()
                .unwrap_or(0)
                .saturating_sub(now);
            match self.renew(&node.name).await {
                Ok(ends_unix) => tracing::info!(node = %node.name, ends_unix, "renewed"),
                Err(error) if left < seconds(life) / 6 => {
                    tracing::error!(node = %node.name, %error, left, "its certificate ends soon");
                }
                Err(error) => tracing::debug!(node = %node.name, %error, "not renewed yet"),
            }
        });
        futures_util::stream::iter(renewals)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }
}

/// Whether half of the certificate's life is over, a little earlier for some nodes than for
/// others, so that a thousand nodes that joined together do not renew together.
///
/// The one that was issued last may have been lost on its way, so what the node says counts too.
fn is_due(node: &NodeRecord, said: Option<i64>, life: Duration, now_unix: i64) -> bool {
    let Some(issued) = node.certificate_ends_unix() else {
        return false;
    };
    let ends = said.map_or(issued, |said| said.min(issued));
    let spread = i64::from(Sha256::digest(node.name.as_str())[0]);
    let (half, tenth) = (seconds(life) / 2, seconds(life) / 10);
    let left = ends.saturating_sub(now_unix);
    node.state == NodeState::Joined && left <= half + tenth * spread / 256
}

/// Whether it is to hear that other authorities are trusted, or that another one signs.
fn lives_by_others(node: &NodeRecord, trust: Trust) -> bool {
    node.state == NodeState::Joined && !node.certificates.is_empty() && node.trust != trust
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A node's new certificate: asked for, signed, noted durably, and only then handed out.
pub(super) async fn renew_over(
    client: &mut AgentClient<Wire>,
    node: &NodeName,
    store: &Store,
    authority: &Authority,
    serials: &Serials,
) -> Result<i64, PortError> {
    let here = at("renewal", REQUEST);
    let asked = client
        .request_certificate(RequestCertificateRequest {})
        .await;
    drop(here);
    let csr = asked
        .map_err(|status| refusal(node, &status))?
        .into_inner()
        .csr;
    let issued = issue(node, &csr, store, authority).map_err(|error| PortError::Refused {
        object: format!("node {node}"),
        why: error.to_string(),
        next: String::new(),
    })?;
    serials
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(issued.serial.clone());
    let trust = Trust {
        signer: issued.signer,
        ..authority.trust()
    };
    let install = InstallCertificateRequest {
        chain: issued.chain.iter().map(|one| one.to_vec()).collect(),
        authorities: authority
            .certificates()
            .iter()
            .map(|one| one.to_vec())
            .collect(),
    };
    let _here = at("renewal", INSTALL);
    let installed = client.install_certificate(install).await;
    installed.map_err(|status| refusal(node, &status))?;
    // From here on the one before has been replaced: once it has ended it gets nobody a new one.
    store
        .write(|change| {
            change.edit_node(node, |record| {
                record.confirm(issued.ends_unix);
                record.trust = trust;
            })
        })
        .map_err(|error| unreachable(node, error))?;
    Ok(issued.ends_unix)
}

fn issue(
    node: &NodeName,
    csr: &[u8],
    store: &Store,
    authority: &Authority,
) -> Result<Issued, CaError> {
    let now = now_unix();
    let request = SigningRequest::read(csr, &format!("node {node}"))?;
    let issued = authority.issue_node(node, &request, now)?;
    store.write(|change| {
        let joined = change
            .node(node)?
            .filter(|record| record.state == NodeState::Joined);
        let Some(mut record) = joined else {
            let why = "the node was removed".to_owned();
            return Err(CaError::Request {
                object: format!("node {node}"),
                why,
            });
        };
        record.certify(issued.serial.clone(), issued.ends_unix, now);
        Ok::<_, CaError>(change.put_node(&record)?)
    })?;
    Ok(issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn r03_for_thirty_days_no_certificate_ends_though_every_second_round_is_missed() {
        for name in ["n1", "n2", "web.corp.example"] {
            let mut node = NodeRecord::invited(name.parse().unwrap(), String::new());
            node.state = NodeState::Joined;
            node.certify("0".into(), seconds(DAY), 0);
            let mut renewals = 0;
            for now in (0..30 * seconds(DAY)).step_by(60) {
                let ends = node.certificate_ends_unix().unwrap();
                assert!(
                    ends - now > seconds(DAY) / 3,
                    "{name} has {} s left",
                    ends - now
                );
                if is_due(&node, None, DAY, now) && now % 120 == 0 {
                    renewals += 1;
                    node.certify(renewals.to_string(), now + seconds(DAY), now);
                }
            }
            assert!(
                (60..80).contains(&renewals),
                "{name} was renewed {renewals} times"
            );
            assert!(node.certificates.len() <= 4, "{:?}", node.certificates);
        }
    }

    #[test]
    fn a_certificate_that_was_lost_on_its_way_is_made_up_for() {
        let mut node = NodeRecord::invited("n1".parse().unwrap(), String::new());
        node.state = NodeState::Joined;
        let (first, noon) = (seconds(DAY), seconds(DAY) * 6 / 10);
        node.certify("0".into(), first, 0);
        node.certify("1".into(), noon + first, noon);
        assert!(
            is_due(&node, Some(first), DAY, noon),
            "it has the first one still"
        );
        assert!(!is_due(&node, Some(noon + first), DAY, noon));
        assert!(!is_due(&node, None, DAY, noon), "it has not said yet");
    }

    #[test]
    fn nodes_that_joined_together_do_not_renew_together() {
        let due_at = |number: u32| {
            let name = format!("n{number}").parse().unwrap();
            let mut node = NodeRecord::invited(name, String::new());
            node.state = NodeState::Joined;
            node.certify("0".into(), seconds(DAY), 0);
            (0..seconds(DAY))
                .step_by(60)
                .find(|now| is_due(&node, None, DAY, *now))
                .unwrap()
        };
        let times: std::collections::BTreeSet<i64> = (0..500).map(due_at).collect();
        assert!(times.len() > 80, "{} moments for 500 nodes", times.len());
        assert!(
            times
                .iter()
                .all(|at| (seconds(DAY) * 2 / 5..=seconds(DAY) / 2).contains(at))
        );
    }

    #[test]
    fn who_has_no_certificate_or_was_removed_gets_none() {
        let mut node = NodeRecord::invited("n1".parse().unwrap(), String::new());
        assert!(!is_due(&node, None, DAY, 0));
        node.certify("0".into(), 10, 0);
        assert!(!is_due(&node, None, DAY, 0), "it has not joined");
        node.state = NodeState::Joined;
        assert!(is_due(&node, None, DAY, 0));
        assert!(
            is_due(&node, None, DAY, 20),
            "one that ended recovers when it is reached"
        );
        node.state = NodeState::Removed;
        assert!(!is_due(&node, None, DAY, 0));
    }
}
