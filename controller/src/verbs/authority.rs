//! `keyroll authority …`: the certificate authority is replaced while everything goes on.
//!
//! First everybody is told to trust a new one, then it signs, then the old one is trusted no more.
//! Each step waits until every node has confirmed the one before.

use chrono::Utc;
use keyroll_proto::operator as said;

use super::no::No;
use super::{Controller, changed};
use crate::ca::CaError;
use crate::store::{NodeRecord, NodeState, OperatorRecord, Read as _, Trust};

impl Controller {
    /// Takes one of the three steps.
    ///
    /// # Errors
    /// [`No`].
    pub fn replace_authority(
        &self,
        request: &said::ReplaceAuthorityRequest,
    ) -> Result<said::ReplaceAuthorityReply, No> {
        let trust = self.authority.trust();
        let (done, next) = match request.step.as_str() {
            "prepare" => self.prepare_authority(trust, request.dry_run)?,
            "activate" => self.activate_authority(trust, request.dry_run)?,
            "retire" => self.retire_authority(trust, request.dry_run)?,
            other => {
                let what = format!("there is no step {other:?}: prepare, activate, retire");
                return Err(No::bad_input("bad-value", what));
            }
        };
        if !request.dry_run {
            self.pool.live_by_the_authority().map_err(failed)?;
        }
        Ok(said::ReplaceAuthorityReply {
            changed: Some(changed(vec![done], vec![next], request.dry_run)),
            authorities_pem: self.authority.pem(),
        })
    }

    fn prepare_authority(&self, trust: Trust, dry_run: bool) -> Result<(String, String), No> {
        if trust.oldest != trust.newest {
            let (old, new) = (trust.oldest, trust.newest);
            let what = format!("authority {old} is being replaced by {new} already");
            let next = if trust.signer == new {
                "retire"
            } else {
                "activate"
            };
            return Err(No::bad_state("authority-prepared", what)
                .next(format!("keyroll authority {next} --dry-run")));
        }
        if !dry_run {
            let (store, seal) = (&self.ports.store, &self.ports.seal);
            let now = Utc::now().timestamp();
            self.authority.prepare(store, seal, now).map_err(failed)?;
        }
        let done = format!(
            "authority {} is made; nodes are told to trust it, and operators need the new CA file",
            trust.newest + 1
        );
        Ok((done, "keyroll authority activate --dry-run".to_owned()))
    }

    fn activate_authority(&self, trust: Trust, dry_run: bool) -> Result<(String, String), No> {
        let new = trust.newest;
        if new == trust.signer {
            let what = format!("there is no authority after {new}");
            return Err(
                No::bad_state("no-authority-prepared", what).next("keyroll authority prepare")
            );
        }
        self.demand_nodes(&format!("trust authority {new}"), |node| {
            node.trust.newest >= new
        })?;
        if !dry_run {
            let (store, seal) = (&self.ports.store, &self.ports.seal);
            self.authority.activate(store, seal, new).map_err(failed)?;
        }
        let done = format!("authority {new} signs; every node is given a certificate of it");
        Ok((done, "keyroll authority retire --dry-run".to_owned()))
    }

    fn retire_authority(&self, trust: Trust, dry_run: bool) -> Result<(String, String), No> {
        let signer = trust.signer;
        if trust.oldest == signer {
            let what = format!("there is no authority before {signer}");
            return Err(
                No::bad_state("no-authority-replaced", what).next("keyroll authority prepare")
            );
        }
        self.demand_nodes(
            &format!("have a certificate of authority {signer}"),
            |node| node.trust.signer >= signer,
        )?;
        let now = Utc::now().timestamp();
        let left =
            |one: &&OperatorRecord| !one.revoked && one.expires_unix > now && one.signer < signer;
        let operators = self.ports.store.operators()?;
        if let Some(operator) = operators.iter().find(left) {
            let name = &operator.name;
            let what = format!("operator {name} has no certificate of authority {signer} yet");
            return Err(No::bad_state("operators-left", what).next(format!(
                "keyroll operator add {name} --role {} --replace --directory NEW, or keyroll \
                 operator revoke {name}",
                operator.role
            )));
        }
        if !dry_run {
            let (store, seal) = (&self.ports.store, &self.ports.seal);
            // Before, since a step that was cut off is taken again only while there is one to take.
            self.drop_strangers(signer)?;
            self.authority.retire(store, seal).map_err(failed)?;
        }
        let done =
            format!("nobody trusts authorities before {signer} any more; their keys are gone");
        Ok((done, "keyroll status".to_owned()))
    }

    /// Nodes of no array, which were not waited for, and whose certificates nobody will trust: each
    /// joins anew when it is added to one.
    fn drop_strangers(&self, signer: u64) -> Result<(), No> {
        for node in self.ports.store.nodes()? {
            if node.state != NodeState::Joined || node.trust.signer >= signer {
                continue;
            }
            let kept = self.ports.store.write(|change| {
                change.edit_node(&node.name, |node| {
                    if node.arrays.is_empty() {
                        node.state = NodeState::Removed;
                        node.forget_certificates();
                    }
                })
            })?;
            if kept.is_some_and(|node| node.state == NodeState::Removed) {
                self.pool.forget(&node.name);
            }
        }
        Ok(())
    }

    /// Every node of an array is so far, or the first that is not. A machine that was left in no
    /// array may be gone, and no verb names it.
    fn demand_nodes(&self, so_far: &str, is: impl Fn(&NodeRecord) -> bool) -> Result<(), No> {
        let nodes = self.ports.store.nodes()?;
        let serves =
            |node: &&NodeRecord| node.state == NodeState::Joined && !node.arrays.is_empty();
        let left: Vec<&NodeRecord> = nodes
            .iter()
            .filter(serves)
            .filter(|node| !is(node))
            .collect();
        let Some(first) = left.first() else {
            return Ok(());
        };
        let (name, count) = (&first.name, left.len());
        let what = format!(
            "{count} nodes do not {so_far} yet, {name} among them; each that is reached does so \
             within a minute"
        );
        Err(No::busy("nodes-left", what).next(format!(
            "keyroll node show {name}; if it is gone for good: keyroll node remove ARRAY {name} \
             --unreachable"
        )))
    }
}

fn failed(error: CaError) -> No {
    No::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::Role;
    use crate::stand_in::StandIn;
    use crate::store::StoreError;

    fn step(site: &StandIn, step: &str, dry_run: bool) -> Result<said::ReplaceAuthorityReply, No> {
        let step = step.to_owned();
        let request = said::ReplaceAuthorityRequest { step, dry_run };
        site.controller.replace_authority(&request)
    }

    #[track_caller]
    fn refused(site: &StandIn, what: &str, code: &str, naming: &str) {
        let no = step(site, what, true).unwrap_err();
        assert_eq!(no.code, code, "{}", no.what);
        assert!(no.what.contains(naming) && !no.next.is_empty(), "{no:?}");
    }

    /// What a renewal notes once the node has kept its certificate.
    fn renewed(site: &StandIn, node: &str) {
        let controller = &site.controller;
        let kept: Result<_, StoreError> = controller.ports.store.write(|change| {
            change.edit_node(&node.parse().unwrap(), |node| {
                node.trust = controller.authority.trust();
            })
        });
        assert!(kept.unwrap().is_some());
    }

    #[tokio::test]
    async fn r07_no_step_is_taken_before_every_node_has_heard_of_the_last() {
        let site = StandIn::new();
        site.node("n1", NodeState::Joined, &["web"]);
        site.node("n2", NodeState::Removed, &["web"]);
        site.node("n3", NodeState::Invited, &["web"]);
        let anna = |signer| OperatorRecord {
            name: "anna".parse().unwrap(),
            role: Role::Admin,
            arrays: Default::default(),
            serial: "1".to_owned(),
            expires_unix: i64::MAX,
            revoked: false,
            signer,
            added_by: Default::default(),
            added_unix: 0,
        };
        let keep = |operator: &OperatorRecord| {
            let store = &site.controller.ports.store;
            let kept: Result<(), StoreError> = store.write(|change| change.put_operator(operator));
            kept.unwrap();
        };
        keep(&anna(1));
        refused(&site, "activate", "no-authority-prepared", "after 1");
        refused(&site, "retire", "no-authority-replaced", "before 1");
        step(&site, "prepare", true).unwrap();
        refused(&site, "activate", "no-authority-prepared", "after 1");
        let both = step(&site, "prepare", false).unwrap().authorities_pem;
        assert_eq!(both.matches("BEGIN").count(), 2);
        refused(
            &site,
            "prepare",
            "authority-prepared",
            "1 is being replaced by 2",
        );
        refused(
            &site,
            "activate",
            "nodes-left",
            "1 nodes do not trust authority 2 yet, n1",
        );
        renewed(&site, "n1");
        // A machine that its array was deleted under, and that nobody can name any more.
        site.node("n4", NodeState::Joined, &[]);
        step(&site, "activate", false).unwrap();
        assert_eq!(site.controller.authority.trust().signer, 2);
        refused(&site, "retire", "nodes-left", "n1");
        renewed(&site, "n1");
        refused(&site, "retire", "operators-left", "anna");
        keep(&anna(2));
        let new = step(&site, "retire", false).unwrap().authorities_pem;
        assert!(both.contains(&new) && new.matches("BEGIN").count() == 1);
        let n4 = site.controller.ports.store.node(&"n4".parse().unwrap());
        assert_eq!(n4.unwrap().unwrap().state, NodeState::Removed);
        refused(&site, "retire", "no-authority-replaced", "before 2");
        step(&site, "prepare", true).unwrap();
    }
}
