//! Keys first: every node holds the keys for a name before the directory has it.

use keyroll::name::ArrayName;
use keyroll::spn::Spn;
use keyroll_proto::operator as said;

use super::{parsed, typed};
use crate::store::{ArrayRecord, NodeRecord, NodeState, Read as _, StoreError};
use crate::verbs::{Controller, No};

/// The first of these that the array's keysets have no entries for.
fn unknown<'a>(array: &ArrayRecord, spns: &'a [Spn]) -> Option<&'a Spn> {
    let known = |spn: &Spn| array.spns.iter().any(|one| spn.is_same(one));
    spns.iter().find(|spn| !known(spn))
}

/// Whether a machine's own account has names of this class.
fn is_of_machines(spn: &Spn) -> bool {
    let mut classes = ["host", "RestrictedKrbHost"].into_iter();
    classes.any(|class| class.eq_ignore_ascii_case(spn.class()))
}

impl Controller {
    /// Has every node hold keys for these SPNs, and says which do not yet.
    ///
    /// # Errors
    /// [`No`] while a roll is open, or if an SPN cannot become the array's.
    pub async fn prepare_spns(
        &self,
        request: &said::PrepareSpnsRequest,
    ) -> Result<said::PrepareSpnsReply, No> {
        let array = self.array(&request.array)?;
        let spns = parsed(&request.spns)?;
        if !request.dry_run {
            let known = |spn: &&Spn| array.spns.iter().any(|one| spn.is_same(one));
            let missing: Vec<&Spn> = spns.iter().filter(|spn| !known(spn)).collect();
            self.demand_takable(&array, &missing, request.moves).await?;
            self.stay(&array.name, &spns)?;
            if !missing.is_empty() {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                self.take_in(&array, &missing)?;
                self.wake.notify_one();
            }
        }
        let array = self.array(&request.array)?;
        let waiting = self.waiting(&array)?;
        let nodes = self.joined(&array)?;
        Ok(said::PrepareSpnsReply {
            ready: waiting.is_empty() && !nodes.is_empty() && unknown(&array, &spns).is_none(),
            nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
            waiting,
        })
    }

    /// These can become the array's: what a node holds keys for, it takes others' keys for away.
    async fn demand_takable(
        &self,
        array: &ArrayRecord,
        spns: &[&Spn],
        moves: bool,
    ) -> Result<(), No> {
        if spns.is_empty() {
            return Ok(());
        }
        self.demand_no_machines(spns.iter().copied())?;
        let dc = self.writer().await?;
        for spn in spns {
            if moves {
                self.owners(array, &dc, spn).await?;
            } else {
                self.demand_free(&array.account.guid, &dc, spn).await?;
            }
        }
        Ok(())
    }

    /// None of these is the name of a node itself, whose keys may lie in the same keytab: those are
    /// the machine's, and `sshd` and SSSD live by them.
    pub(in crate::verbs) fn demand_no_machines<'a>(
        &self,
        spns: impl IntoIterator<Item = &'a Spn>,
    ) -> Result<(), No> {
        let nodes = self.ports.store.nodes()?;
        for spn in spns.into_iter().filter(|spn| is_of_machines(spn)) {
            let is_it = |node: &&NodeRecord| {
                let (name, host) = (node.name.as_str(), spn.host());
                let short = name.split('.').next().unwrap_or(name);
                host.eq_ignore_ascii_case(name) || host.eq_ignore_ascii_case(short)
            };
            if let Some(node) = nodes.iter().find(is_it) {
                let what = format!(
                    "{spn} is the name of the machine {} itself; its own account has the keys",
                    node.name
                );
                let next = "name the service (HTTP/...), or a host that no node is";
                return Err(No::refused("machines-name", what).next(next));
            }
        }
        Ok(())
    }

    /// What is leaving has its keys still: it is to stay, and if it is not registered after all,
    /// its time begins anew.
    pub(super) fn stay(&self, name: &ArrayName, spns: &[Spn]) -> Result<(), StoreError> {
        self.ports.store.write(|change| {
            let Some(mut array) = change.array(name)? else {
                return Err(StoreError::missing(name));
            };
            let before = array.clone();
            let whole = u64::try_from(change.drain(&array)?.as_millis()).unwrap_or(u64::MAX);
            let leaving = array.naming.leaving.iter_mut();
            for (_, left) in leaving.filter(|(one, _)| spns.iter().any(|spn| spn.is_same(one))) {
                *left = whole;
            }
            if array != before {
                change.put_array(&array)?;
            }
            Ok(())
        })
    }

    fn take_in(&self, array: &ArrayRecord, missing: &[String]) -> Result<(), No> {
        let name = &array.name;
        let given_up = crate::desired::Desired::of(&self.ports, array)
            .map_err(|error| No::internal(error.to_string()))?
            .given_up;
        let busy = self.ports.store.write(|change| {
            let Some(mut array) = change.array(name)? else {
                return Err(StoreError::missing(name));
            };
            if change.has_open_roll(name)? {
                return Ok(true);
            }
            array.naming.prepared.extend(missing.iter().cloned());
            array.spns.extend(missing.iter().cloned());
            array.advance(given_up.as_ref());
            change.put_array(&array)?;
            Ok(false)
        })?;
        if busy {
            let what = format!("a roll of {name} is open: its keysets are settled until it ends");
            return Err(No::busy("roll-under-way", what).next(format!("keyroll roll watch {name}")));
        }
        Ok(())
    }

    /// SPNs that were to be registered are not any more: nobody has a ticket for them.
    pub(super) fn drop_prepared(&self, array: &ArrayRecord, spns: &[String]) -> Result<(), No> {
        if spns.is_empty() {
            return Ok(());
        }
        let same = |one: &String| spns.iter().any(|spn| spn.eq_ignore_ascii_case(one));
        self.ports.store.write(|change| {
            if let Some(mut array) = change.array(&array.name)? {
                let gone: Vec<String> = array.awaited().filter(|one| same(one)).cloned().collect();
                array.naming.prepared.retain(|one| !same(one));
                array.spns_pending.retain(|one| !same(one));
                // With nothing left of their tickets they go at the next look.
                array
                    .naming
                    .leaving
                    .extend(gone.into_iter().map(|one| (one, 0)));
                change.put_array(&array)?;
            }
            Ok::<_, StoreError>(())
        })?;
        self.wake.notify_one();
        Ok(())
    }

    /// Every node holds the keys for these SPNs.
    pub(super) fn demand_ready(&self, array: &ArrayRecord, spns: &[Spn]) -> Result<(), No> {
        let name = &array.name;
        let next = format!("keyroll node list {name}");
        if let Some(spn) = unknown(array, spns) {
            let what = format!("the nodes of {name} hold no keys for {spn}");
            let next = format!("keyroll spn add {name} {}", typed(spn));
            return Err(No::refused("keys-missing", what).next(next));
        }
        if self.joined(array)?.is_empty() {
            let what = format!("{name} has no node that could accept tickets");
            return Err(No::refused("no-nodes", what).next(format!("keyroll node add {name} NODE")));
        }
        match self.waiting(array)?.first() {
            None => Ok(()),
            Some(one) => {
                let what = format!(
                    "node {} does not hold the keys of {name} yet: {}",
                    one.node, one.reason
                );
                Err(No::refused("keys-missing", what).next(next))
            }
        }
    }

    /// The nodes that do not hold the array's keyset as it is now. One in quarantine is not waited
    /// for: it serves nobody until it has caught up.
    fn waiting(&self, array: &ArrayRecord) -> Result<Vec<said::RollNodeView>, No> {
        let mut waiting = Vec::new();
        for node in self.joined(array)? {
            let status = self.overview.node(&array.name, &node);
            let version = status
                .as_ref()
                .and_then(|status| status.inventory.as_ref().map(|inventory| inventory.version));
            let (state, reason) = match &status {
                None => ("waiting", "it was not looked at yet".to_owned()),
                Some(status) if status.state == "quarantined" => continue,
                Some(status) if status.state != "in-service" => {
                    (status.state, status.reason.clone())
                }
                Some(_) if version.is_none_or(|version| version < array.keyset_version) => {
                    ("behind", "it is being given them".to_owned())
                }
                Some(_) => continue,
            };
            waiting.push(said::RollNodeView {
                node: node.to_string(),
                state: state.to_owned(),
                reason,
            });
        }
        Ok(waiting)
    }

    pub(super) fn joined(&self, array: &ArrayRecord) -> Result<Vec<keyroll::name::NodeName>, No> {
        let members = self.ports.store.members(&array.name)?.into_iter();
        let joined = members.filter(|node| node.state == NodeState::Joined);
        Ok(joined.map(|node| node.name).collect())
    }
}
