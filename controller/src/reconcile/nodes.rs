//! One node: what it holds, put right where that is needed, and whether it may serve.

use keyroll::drift::{Change, Edited, fought_over};
use keyroll::keyset::{Keyset, Unlisted};
use keyroll::keytab::compare::shortfall;
use keyroll::name::NodeName;
use keyroll_proto::operator::Alarm;

use super::overview::{NodeStatus, alarm};
use super::{Reconciler, Watch};
use crate::audit;
use crate::driver::wrong_with;
use crate::ports::{NodeInventory, NodeTarget, PortError};
use crate::random;
use crate::store::{ArrayRecord, NodeRecord, StoreError};

/// A file that is put right this often within an hour is fought over.
const OFTEN: usize = 3;

impl Reconciler {
    /// Looks at a node, gives it what it lacks, and opens or shuts its gate. `unknown` is what a
    /// client would show it, where there is no key in force to compare with.
    pub(super) async fn mend(
        &self,
        watch: &Watch<'_>,
        node: &NodeRecord,
        unknown: Option<&Result<Vec<u8>, String>>,
    ) -> NodeStatus {
        let (desired, array) = (watch.desired, &watch.desired.array);
        let ordered = node.quarantined.get(&array.name).cloned();
        let (row, node) = (node, &node.name);
        let quarantined = ordered.or_else(|| desired.left_behind().remove(node));
        let nonce = random::bytes();
        let looked = self.ports.agents.look(node, &array.name, nonce).await;
        let mut inventory = match looked {
            Ok(inventory) => inventory,
            Err(error) => {
                return self.unreachable(array, node, quarantined.is_some(), &error);
            }
        };
        self.note_limit(row, &inventory);
        let status = |inventory, state, reason| NodeStatus {
            seen: Some(self.ports.clock.now()),
            inventory: Some(inventory),
            nonce,
            state,
            reason,
        };
        let forgotten = self.has_forgotten(array, node, &inventory);
        if let Some(why) = forgotten.unwrap_or_else(|error| Some(error.to_string())) {
            return status(inventory, "held", why);
        }
        let keeping = if has_more(&inventory, &desired.keyset) && watch.is_foreign().await {
            // What another program has written there may be the only key that opens a ticket.
            Some(desired.keyset.keeping())
        } else {
            None
        };
        let keyset = keeping.as_ref().unwrap_or(&desired.keyset);
        let unbidden = || unbidden(row, array, &inventory);
        let mut wrong = wrong(&inventory, keyset, &nonce).or_else(unbidden);
        let drifted = inventory.targets.iter().any(|target| target.drifted);
        // Files that are as they should be serve, whatever a hook says; it is tried again.
        let hook = wrong.is_none().then(|| inventory.hook_trouble.clone());
        let due = hook.flatten();
        let why = wrong.as_ref().or(due.as_ref());
        let to_give = !keyset.generations.is_empty() && !row.leaves(&array.name);
        if why.is_some() && !desired.is_staged(node) && to_give {
            tracing::info!(array = %array.name, node = %node, why, "mending a node");
            let edited = edited(node, &inventory, &desired.keyset, keeping.is_some(), &nonce);
            match self.put_right(array, node, keyset, edited, nonce).await {
                Ok(after) => {
                    wrong = self::wrong(&after, keyset, &nonce);
                    inventory = after;
                }
                Err(why) if due.is_none() => wrong = Some(why),
                Err(why) => inventory.hook_trouble = Some(why),
            }
        }
        let mut required = keyset.version;
        if let Some(request) = unknown {
            // There is nothing to compare with, and no newer keyset to wait for.
            wrong =
                wrong_with(&inventory, keyset, &nonce).or(self.refuses(array, node, request).await);
            required = inventory.version;
        }
        let quarantined = quarantined.or_else(|| self.ports.quarantine(node, &array.name));
        let verdict = match (&quarantined, &wrong) {
            (None, None) if desired.is_stranger(node) => {
                Err("it joins the array's roll before it serves".to_owned())
            }
            (Some(why), _) => Err(format!("quarantined: {why}")),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Ok(()),
        };
        // A node whose roll is driven gets its word from the driver, which knows more.
        if !desired.is_driven(node) || verdict.is_ok() {
            let agents = &self.ports.agents;
            let admitted = agents.admit(node, &array.name, required, verdict.clone());
            drop(admitted.await);
        }
        match (quarantined, verdict) {
            (Some(why), _) => status(inventory, "quarantined", why),
            (None, Err(why)) if drifted => status(inventory, "drifted", why),
            (None, Err(why)) => status(inventory, "behind", why),
            (None, Ok(())) => {
                let hook = inventory.hook_trouble.clone().unwrap_or_default();
                status(inventory, "in-service", hook)
            }
        }
    }

    fn unreachable(
        &self,
        array: &ArrayRecord,
        node: &NodeName,
        quarantined: bool,
        error: &PortError,
    ) -> NodeStatus {
        let before = self.overview.node(&array.name, node);
        let state = if quarantined {
            "quarantined"
        } else {
            "unreachable"
        };
        NodeStatus {
            seen: before.and_then(|before| before.seen),
            inventory: None,
            nonce: random::bytes(),
            state,
            reason: error.to_string(),
        }
    }

    /// Keeps how long the node stays ready without us, for rolls that cannot tell it to stop.
    fn note_limit(&self, row: &NodeRecord, inventory: &NodeInventory) {
        let limit = inventory.stays_ready.map(|most| most.as_secs());
        if limit == row.stays_ready_seconds {
            return;
        }
        let edit = |row: &mut NodeRecord| row.stays_ready_seconds = limit;
        let noted: Result<_, StoreError> = self
            .ports
            .store
            .write(|change| change.edit_node(&row.name, edit));
        if let Err(error) = noted {
            tracing::warn!(node = %row.name, %error, "its limit without a controller is not noted");
        }
    }

    /// Gives a node its keyset, with a word about each file that others have written to; tells
    /// which of them they write to again and again.
    async fn put_right(
        &self,
        array: &ArrayRecord,
        node: &NodeName,
        keyset: &Keyset,
        edited: Vec<(String, Change)>,
        nonce: [u8; 32],
    ) -> Result<NodeInventory, String> {
        let now = self.ports.clock.now();
        for (path, change) in &edited {
            let times = self.overview.times(&array.name, change, now) + 1;
            if times < OFTEN {
                // One who writes there every few seconds must not fill the audit.
                let event = self.event("Mend", array, change);
                let noted = audit::append(&self.ports.store, event);
                noted.map_err(|error| error.to_string())?;
            } else {
                let fought = fought_over(path, node, times);
                self.overview.notice_often(&array.name, now, fought);
            }
        }
        let staged = self.ports.agents.stage(node, keyset, nonce).await;
        let after = staged.map_err(|error| error.to_string())?;
        for (_, change) in edited {
            self.overview.notice(&array.name, now, change);
        }
        Ok(after)
    }
}

/// What is wrong with a node's files, if anything is.
fn wrong(inventory: &NodeInventory, keyset: &Keyset, nonce: &[u8; 32]) -> Option<String> {
    let behind = inventory.version != keyset.version;
    let drifted = inventory.targets.iter().find(|target| target.drifted);
    wrong_with(inventory, keyset, nonce)
        .or_else(|| behind.then(|| format!("it holds keyset {}", inventory.version)))
        .or_else(|| drifted.map(|target| format!("{} is not as keyroll wrote it", target.path)))
}

/// That a node keeps a password which it may not have any more.
fn unbidden(node: &NodeRecord, array: &ArrayRecord, inventory: &NodeInventory) -> Option<String> {
    let leave = node.passwords.get(&array.name);
    let is_unbidden = |target: &&NodeTarget| {
        let purpose = target.filter.kind.password_use();
        let allowed = |purpose| leave.is_some_and(|leave| leave.uses.contains(&purpose));
        purpose.is_some_and(|purpose| !allowed(purpose)) && !target.entries.is_empty()
    };
    let target = inventory.targets.iter().find(is_unbidden)?;
    Some(format!(
        "{} keeps a password that is not allowed there",
        target.path
    ))
}

/// Whether a file holds a newer key of the array's than any that was given to it.
fn has_more(inventory: &NodeInventory, keyset: &Keyset) -> bool {
    let newest = keyset.generations.iter().map(|one| one.kvno).max();
    let targets = inventory.targets.iter();
    let mut entries = targets.flat_map(|target| &target.entries);
    entries.any(|entry| Some(entry.kvno) > newest && keyset.principals.contains(&entry.principal))
}

/// What is to be said of each file that somebody else has written to, with its path; `kept` if
/// what is not ours in it stays.
fn edited(
    node: &NodeName,
    inventory: &NodeInventory,
    keyset: &Keyset,
    kept: bool,
    nonce: &[u8; 32],
) -> Vec<(String, Change)> {
    let drifted = inventory.targets.iter().filter(|target| target.drifted);
    let change = |target: &NodeTarget| {
        let missing = || shortfall(keyset, &target.filter, &target.entries, nonce);
        let wrong = target.trouble.clone();
        let wrong = wrong.or_else(|| missing().map(|shortfall| shortfall.to_string()));
        let edited = Edited {
            node,
            path: &target.path,
            kind: target.filter.kind,
            wrong: wrong.as_deref(),
            kept: kept || keyset.unlisted == Unlisted::Keep,
            entries: &target.entries,
            names: &keyset.principals,
            written_unix: target.written_unix,
        };
        (target.path.clone(), edited.change())
    };
    drifted.map(change).collect()
}

pub(super) fn node_alarm(
    array: &ArrayRecord,
    node: &NodeName,
    status: &NodeStatus,
) -> Option<Alarm> {
    let next = format!("keyroll node show {} {node}", array.name);
    let what = format!("{}: {}", status.state, status.reason);
    let is_well = status.state == "in-service" && status.reason.is_empty();
    (!is_well).then(|| alarm("warning", node, what, &next))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keyroll::kerberos::{Enctype, Kvno};
    use keyroll::keyset::HeldEntry;
    use keyroll::keytab::{TargetFilter, TargetKind};
    use keyroll::letter::{LetterOpener, PasswordUse};

    use super::*;
    use crate::stand_in::inventory;
    use crate::store::PasswordLeave;
    use crate::store::tests::array;

    #[test]
    fn a_password_that_is_not_allowed_any_more_is_something_to_mend() {
        let (web, mut node) = (
            array("web"),
            NodeRecord::invited("n1".parse().unwrap(), String::new()),
        );
        let entry = HeldEntry {
            principal: "HTTP/web.corp.example@CORP.EXAMPLE".parse().unwrap(),
            kvno: Kvno(4),
            enctype: Enctype::Aes256CtsHmacSha1,
            fingerprint: [9; 32],
        };
        let with = |kind, entries| {
            let filter = TargetFilter {
                kind,
                principals: None,
                enctypes: None,
            };
            let mut inventory = inventory();
            inventory.targets.push(NodeTarget {
                path: "logon-session".to_owned(),
                filter,
                entries,
                trouble: None,
                drifted: false,
                foreign_entries: 0,
                written_unix: 0,
                leftovers: Vec::new(),
                folder_trouble: None,
            });
            inventory
        };
        let kept = with(TargetKind::LogonSession, vec![entry.clone()]);
        assert!(unbidden(&node, &web, &kept).is_some());
        assert_eq!(
            unbidden(&node, &web, &with(TargetKind::LogonSession, Vec::new())),
            None
        );
        assert_eq!(
            unbidden(&node, &web, &with(TargetKind::Owned, vec![entry])),
            None
        );
        let leave = PasswordLeave {
            uses: BTreeSet::from([PasswordUse::LogonSession]),
            key: LetterOpener::of([1; 32]).key(),
        };
        node.passwords.insert(web.name.clone(), leave);
        assert_eq!(unbidden(&node, &web, &kept), None);
        // Leave for one use is none for another.
        let other = with(TargetKind::ServiceLogon, kept.targets[0].entries.clone());
        assert!(unbidden(&node, &web, &other).is_some());
    }
}
