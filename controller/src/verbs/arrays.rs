//! `keyroll array …`: accounts made or taken over, and given up.

mod acl;
mod adopt;
mod create;
mod rules;
mod words;

use std::collections::BTreeSet;

use keyroll::account::AccountState;
use keyroll::fence::Version;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::{Enctype, Principal};
use keyroll::name::ArrayName;
use keyroll::roll::{GenerationNumber, Refusal, RollNumber};
use keyroll::shell::{quoted, word};
use keyroll_proto::operator as said;

use self::rules::Rules;
use super::no::No;
use super::{Controller, changed};
use crate::ports::AccountRef;
use crate::store::{Account, ArrayRecord, DriftRecord, NamingRecord, NodeState, Read as _};

/// The first generation of an array.
const FIRST: GenerationNumber = GenerationNumber(1);

/// No array takes so many keyset numbers between two rolls.
const BETWEEN_ROLLS: u64 = 1 << 20;

impl Controller {
    /// Forgets an array; the account stays in the directory.
    ///
    /// # Errors
    /// [`No`].
    pub async fn delete_array(
        &self,
        request: &said::DeleteArrayRequest,
    ) -> Result<said::Changed, No> {
        let array = self.array(&request.array)?;
        if let Some(open) = self.ports.store.open_roll(&array.name)? {
            let roll = open.number;
            return Err(No::busy(
                "roll-under-way",
                format!("roll {roll} of {} is under way", array.name),
            )
            .next(format!("keyroll roll abort {}", array.name)));
        }
        let nodes = self.ports.store.members(&array.name)?;
        let mut done = Vec::new();
        for node in nodes.iter().map(|node| &node.name) {
            if request.wipe_nodes {
                if !request.dry_run {
                    self.ports.agents.wipe(node, &array.name).await?;
                }
                done.push(format!("keys of {} wiped on {node}", array.name));
            } else {
                done.push(format!("{node} keeps its keytab as it is"));
            }
        }
        done.push(format!(
            "array {} forgotten; account {} stays",
            array.name, array.account.sam_account_name
        ));
        if !request.dry_run {
            self.forget(&array.name)?;
        }
        let sam = &array.account.sam_account_name;
        let delete = match array.account.kind {
            AccountKind::Computer => format!("computer delete {}", word(sam.trim_end_matches('$'))),
            AccountKind::User => format!("user delete {}", word(sam)),
        };
        let next = vec![
            format!(
                "keyroll array adopt {} --account {} --keytab FILE (takes it anew)",
                array.name,
                quoted(sam)
            ),
            format!("only once nothing uses the account any more: samba-tool {delete}"),
        ];
        Ok(changed(done, next, request.dry_run))
    }

    fn is_free(&self, name: &ArrayName, sam: &str) -> Result<(), No> {
        if self.ports.store.array(name)?.is_some() {
            return Err(No::exists(format!("array {name} exists already"))
                .next(format!("keyroll array show {name}")));
        }
        self.is_of_no_array(sam, |account| {
            account.sam_account_name.eq_ignore_ascii_case(sam)
        })
    }

    /// As the directory knows it: an account that was renamed just now has another name here.
    fn is_taken_by_none(&self, account: &AccountRef, sam: &str) -> Result<(), No> {
        self.is_of_no_array(sam, |other| other.guid == account.guid)
    }

    fn is_of_no_array(&self, sam: &str, is_it: impl Fn(&Account) -> bool) -> Result<(), No> {
        let arrays = self.ports.store.arrays()?;
        match arrays.iter().find(|array| is_it(&array.account)) {
            None => Ok(()),
            Some(other) => Err(No::exists(format!(
                "account {sam} belongs to array {}",
                other.name
            ))
            .next(format!("keyroll array show {}", other.name))),
        }
    }

    /// None of these SPNs is of an array, registered or waiting to be.
    fn are_of_no_array(&self, spns: &[String]) -> Result<(), No> {
        let same = |one: &&String| spns.iter().any(|spn| spn.eq_ignore_ascii_case(one));
        for array in self.ports.store.arrays()? {
            if let Some(spn) = array.spns.iter().find(same) {
                let what = format!("{spn} belongs to array {}", array.name);
                let next = format!("keyroll array show {}", array.name);
                return Err(No::exists(what).next(next));
            }
        }
        Ok(())
    }

    fn blank(
        &self,
        name: ArrayName,
        sam: &str,
        kind: AccountKind,
        enctypes: Vec<Enctype>,
        rules: Rules,
    ) -> Result<ArrayRecord, No> {
        let realm = self.ports.directory.realm().clone();
        let principal = Principal::new(vec![sam.to_owned()], realm.clone())?;
        // The journals of a deleted array stay, and so do its nodes' fences: its numbers go on.
        let last = self.ports.store.history(&name, 1)?.pop();
        let (keyset_version, next_roll) = last.map_or((Version(1), RollNumber(1)), |past| {
            // Names that were followed between rolls took numbers, too.
            let version = Version(past.roll.recipe().version.0 + BETWEEN_ROLLS);
            (version, RollNumber(past.number.0 + 1))
        });
        Ok(ArrayRecord {
            name,
            realm,
            account: Account {
                principal,
                guid: [0; 16],
                sam_account_name: sam.to_owned(),
                kind,
                distinguished_name: String::new(),
            },
            spns: Vec::new(),
            spns_pending: BTreeSet::new(),
            enctypes,
            policy: rules.policy,
            method: rules.method,
            password_length: rules.password_length,
            current: None,
            previous: None,
            founding: None,
            keyset_version,
            next_roll,
            next_generation: GenerationNumber(2),
            rolled_at_unix: None,
            schedule: None,
            schedule_set_unix: None,
            paused: None,
            stale: None,
            unknown_keys_stay: false,
            drift: DriftRecord {
                heal: rules.heal,
                ..DriftRecord::default()
            },
            naming: NamingRecord::default(),
        })
    }

    fn put(&self, array: &ArrayRecord) -> Result<(), No> {
        Ok(self.ports.store.write(|change| change.put_array(array))?)
    }

    /// The array's row goes, and its nodes no longer belong to it: they keep what they joined with,
    /// for an array that they are added to next, and nothing that was allowed them in this one.
    fn forget(&self, name: &ArrayName) -> Result<(), No> {
        self.ports.store.write(|change| {
            for mut node in change.members(name)? {
                node.arrays.remove(name);
                node.quarantined.remove(name);
                node.passwords.remove(name);
                // Whoever was invited was so to this array.
                if node.state == NodeState::Invited && node.arrays.is_empty() {
                    node.state = NodeState::Removed;
                    change.revoke_tokens(&node.name)?;
                }
                change.put_node(&node)?;
            }
            change.remove_array(name)
        })?;
        Ok(())
    }
}

/// An account that is more than an array's is neither taken nor adopted.
fn demand_within_bounds(state: &AccountState, sam: &str) -> Result<(), No> {
    let Some(Refusal {
        code: _,
        object,
        why,
        next,
    }) = state.out_of_bounds()
    else {
        return Ok(());
    };
    let what = format!("account {sam} ({object}): {why}");
    Err(No::refused("account-protected", what).next(next))
}

/// A core refusal in the protocol's form.
pub(super) fn refusal(reason: &Refusal) -> said::Refusal {
    said::Refusal {
        code: reason.code.clone(),
        object: reason.object.clone(),
        why: reason.why.clone(),
        next: reason.next.clone(),
    }
}
