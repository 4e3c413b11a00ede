//! `keyroll node remove`: users leave a node first, its keys then.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keyroll::name::{ArrayName, NodeName};
use keyroll_proto::operator as said;

use super::super::no::No;
use super::super::{Controller, changed};
use crate::ports::PortError;
use crate::random;
use crate::store::{ArrayRecord, LEAVING, NodeRecord, NodeState};

/// For how long a node that is taken for gone may put off that it is let go of: the connection is
/// cut within five seconds of the command (R4).
const AT_ONCE: Duration = Duration::from_secs(3);
/// How often a gate may be found open after it was shut.
const OPENED_AGAIN: usize = 3;

impl Controller {
    /// Shuts a node's gate, wipes the array's keys there once no balancer sends users there any
    /// more, and lets go of it.
    ///
    /// # Errors
    /// [`No`]; an unreachable node is let go of only if that was asked for.
    pub async fn remove_node(
        &self,
        request: &said::RemoveNodeRequest,
    ) -> Result<said::Changed, No> {
        let (array, node) = self.member(&request.array, &request.node)?;
        let _alone = self.alone_in_removing(&array.name, &node.name)?;
        let mut done = Vec::new();
        let (joined, mut wiped) = (node.state == NodeState::Joined, false);
        if joined && !request.dry_run {
            match self.empty(&array, &node, request.unreachable).await {
                Ok(()) => {
                    wiped = true;
                    done.push(format!("keys of {} wiped on {}", array.name, node.name));
                }
                Err(error) if request.unreachable => done.push(format!(
                    "keys of {} NOT wiped on {}: {error}",
                    array.name, node.name
                )),
                Err(error) => return Err(still_holds(&array, &node, &error)),
            }
        } else if joined {
            done.push(format!("keys of {} wiped on {}", array.name, node.name));
        }
        done.push(format!("{} let go of", node.name));
        if node.arrays.len() > 1 {
            // Which they are is not everybody's to know.
            done.push(format!(
                "{} is a node of another array, too: its connection and its certificate end with \
                 the last one",
                node.name
            ));
        }
        // It knew the keys in force: only a roll makes it forget those.
        let mut next = format!("keyroll roll {}", array.name);
        if !request.dry_run
            && let Err(error) = self
                .let_go(&array, &node, wiped, request.unreachable)
                .await?
        {
            done.push(format!(
                "what came to {} since the keys were wiped was perhaps NOT wiped: {error}",
                node.name
            ));
            next.push_str(" --emergency");
        }
        Ok(changed(done, vec![next], request.dry_run))
    }

    /// One removal at a time: what one takes back when it fails would open the gate to the other.
    fn alone_in_removing(&self, array: &ArrayName, node: &NodeName) -> Result<Leaving<'_>, No> {
        let which = (array.clone(), node.clone());
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if !leaving.insert(which.clone()) {
            let what = format!("{node} is being removed from {array} already");
            let next = format!("keyroll node list {array}");
            return Err(No::bad_state("being-removed", what).next(next));
        }
        Ok(Leaving {
            all: &self.leaving,
            which,
        })
    }

    /// Sees to it that nobody is sent to a node any more, and wipes the array's keys there. Where
    /// that fails the node serves on as before; cut short, it stays quarantined, and says why.
    async fn empty(
        &self,
        array: &ArrayRecord,
        node: &NodeRecord,
        at_once: bool,
    ) -> Result<(), PortError> {
        let name = &array.name;
        let internal = |error: crate::store::StoreError| PortError::Refused {
            object: "the store".to_owned(),
            why: error.to_string(),
            next: String::new(),
        };
        // On record, or the next look would open its gate again, and a push give it keys again.
        let mut before = None;
        self.edit(&node.name, |node| {
            before = node.quarantined.insert(name.clone(), LEAVING.to_owned());
        })
        .map_err(internal)?;
        let emptied = if at_once {
            self.wipe_at_once(array, &node.name).await
        } else {
            self.shut_and_wipe(array, &node.name).await
        };
        if emptied.is_err() {
            // Unless somebody has said another reason meanwhile.
            self.edit(&node.name, |node| {
                let stays = |array: &ArrayName, why: &mut String| array != name || why != LEAVING;
                node.quarantined.retain(stays);
                if let Some(before) = before {
                    node.quarantined.entry(name.clone()).or_insert(before);
                }
            })
            .map_err(internal)?;
            self.wake.notify_one();
        }
        emptied
    }

    /// The wait begins anew where a push of before has opened the gate once more.
    async fn shut_and_wipe(&self, array: &ArrayRecord, node: &NodeName) -> Result<(), PortError> {
        let (agents, name) = (&self.ports.agents, &array.name);
        for _ in 0..OPENED_AGAIN {
            let verdict = Err(LEAVING.to_owned());
            agents
                .admit(node, name, array.keyset_version, verdict)
                .await?;
            tokio::time::sleep(self.ports.balancer).await;
            let found = agents.look(node, name, random::bytes()).await?;
            if found.ready.is_err() {
                return agents.wipe(node, name).await;
            }
        }
        Err(PortError::Refused {
            object: format!("{node} in {name}"),
            why: format!("its gate was opened again {OPENED_AGAIN} times; users may be there"),
            next: format!("keyroll node show {name} {node}"),
        })
    }

    /// For a node that is gone, or in wrong hands: whatever answers there has no time to play for,
    /// and nobody waits for the balancer.
    async fn wipe_at_once(&self, array: &ArrayRecord, node: &NodeName) -> Result<(), PortError> {
        let wipe = self.ports.agents.wipe(node, &array.name);
        tokio::time::timeout(AT_ONCE, wipe)
            .await
            .map_err(|_| PortError::Refused {
                object: format!("{node} in {}", array.name),
                why: format!("it did not say so within {} s", AT_ONCE.as_secs()),
                next: String::new(),
            })?
    }

    /// Forgets a node in an array. What came of wiping it once more is returned.
    async fn let_go(
        &self,
        array: &ArrayRecord,
        node: &NodeRecord,
        wiped: bool,
        at_once: bool,
    ) -> Result<Result<(), PortError>, No> {
        let left = self.ports.store.write(|change| {
            change.revoke_tokens(&node.name)?;
            change.edit_node(&node.name, |node| {
                node.arrays.remove(&array.name);
                node.quarantined.remove(&array.name);
                node.passwords.remove(&array.name);
                // As it is now: it may have been let go of elsewhere, or added, meanwhile.
                if node.arrays.is_empty() {
                    node.state = NodeState::Removed;
                    node.forget_certificates();
                }
            })
        })?;
        let gone = left.is_none_or(|node| node.state == NodeState::Removed);
        let again = if wiped && !at_once {
            // A push that was under way may have come in after the first one.
            self.ports.agents.wipe(&node.name, &array.name).await
        } else {
            Ok(())
        };
        if gone {
            self.pool.forget(&node.name);
        }
        self.wake.notify_one();
        Ok(again)
    }
}

/// A removal under way.
struct Leaving<'a> {
    all: &'a Mutex<BTreeSet<(ArrayName, NodeName)>>,
    which: (ArrayName, NodeName),
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.which);
    }
}

fn still_holds(array: &ArrayRecord, node: &NodeRecord, error: &PortError) -> No {
    let (array, node) = (&array.name, &node.name);
    let what = format!("{node} still holds the keys: {error}; nothing was changed");
    No::unreachable(what).next(format!(
        "keyroll node remove {array} {node} --unreachable, then keyroll roll {array} --emergency"
    ))
}
