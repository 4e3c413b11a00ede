//! What everybody has: each node's inventory, each domain controller's ticket.

use futures_util::future::join_all;
use keyroll::fence::{Epoch, Fence, Version};
use keyroll::kerberos::{Key, Principal};
use keyroll::keyset::{HeldEntry, fingerprint};
use keyroll::name::{DcName, NodeName};
use keyroll::roll::WhichKey;
use keyroll::roll::recovery::{Issuer, Look};

use super::super::Controller;
use super::super::no::No;
use crate::keys::{self, Unlocked};
use crate::ports::{KnownKeys, NodeInventory, PortError};
use crate::random;
use crate::store::{ArrayRecord, GenerationRecord, NodeState, PastRoll, Read as _};

/// No controller counts as far beyond what is known here as this: whoever says so lies.
const FAR: u64 = 1 << 32;

/// What was seen of an array, beside what is remembered of it.
pub(super) struct Seen {
    pub(super) array: ArrayRecord,
    pub(super) open: Option<PastRoll>,
    pub(super) epoch: Epoch,
    pub(super) nodes: Vec<(NodeName, Result<NodeInventory, PortError>)>,
    pub(super) dcs: Vec<(DcName, Result<Look, PortError>)>,
    /// Whether a node holds the key that was in force before the open roll.
    old_key_held: bool,
}

/// The generations that are remembered, open.
struct Remembered {
    recorded: Option<Unlocked>,
    roll: Option<Unlocked>,
    before: Option<Unlocked>,
}

impl Seen {
    /// The highest numbers that anybody has heard, ours among them.
    pub(super) fn highest(&self) -> Fence {
        let heard = self.inventories().map(|(_, inventory)| inventory.fence);
        let roll = self.open.as_ref().map(|open| open.roll.recipe().version);
        let own = Fence {
            epoch: self.epoch,
            version: self.array.keyset_version.max(roll.unwrap_or_default()),
        };
        heard.fold(own, |most, one| Fence {
            epoch: most.epoch.max(one.epoch),
            version: most.version.max(one.version),
        })
    }

    pub(super) fn looks(&self) -> impl Iterator<Item = &Look> {
        self.dcs.iter().filter_map(|(_, look)| look.as_ref().ok())
    }

    pub(super) fn inventories(&self) -> impl Iterator<Item = (&NodeName, &NodeInventory)> {
        self.nodes
            .iter()
            .filter_map(|(node, answer)| Some((node, answer.as_ref().ok()?)))
    }

    /// Why no domain controller answered.
    pub(super) fn silence(&self) -> String {
        let why = self.dcs.iter().filter_map(|(_, look)| look.as_ref().err());
        why.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// Whether whoever went on with the open roll has taken the old key from every node.
    pub(super) fn is_retired(&self) -> bool {
        let Some(open) = self.open.as_ref().filter(|_| !self.old_key_held) else {
            return false;
        };
        let known = open.roll.recipe().version;
        let all = self.nodes.iter().all(|(_, answer)| answer.is_ok())
            && self.dcs.iter().all(|(_, look)| look.is_ok());
        let beyond = self.inventories().any(|(_, one)| one.fence.version > known);
        all && beyond && open.roll.frame().base.is_some()
    }

    /// That no node says what cannot be.
    fn demand_sane(&self) -> Result<(), No> {
        let far = |here: u64, there: u64| there.saturating_sub(here) > FAR;
        let Version(version) = self.array.keyset_version;
        let liar = self.inventories().find(|(_, inventory)| {
            let fence = inventory.fence;
            far(self.epoch.0, fence.epoch.0) || far(version, fence.version.0)
        });
        let Some((node, inventory)) = liar else {
            return Ok(());
        };
        let what = format!(
            "{node} says that it has heard epoch {} and was given keyset {}: no controller counts \
             that far; it is broken, or not to be trusted",
            inventory.fence.epoch, inventory.fence.version
        );
        let array = &self.array.name;
        Err(No::needs_operator("node-implausible", what)
            .next(format!("keyroll node remove {array} {node} --unreachable")))
    }
}

impl Controller {
    /// Asks every node and every domain controller.
    pub(super) async fn look_everywhere(&self, array: &ArrayRecord) -> Result<Seen, No> {
        let mut array = array.clone();
        let open = self.ports.store.open_roll(&array.name)?;
        let service = array.witness().ok_or_else(|| {
            let what = format!("{} has no SPN, so no ticket can tell its key", array.name);
            No::refused("spn-missing", what).next(format!("keyroll array delete {}", array.name))
        })?;
        let dcs = self.ports.directory.domain_controllers().await?;
        if array.founding.is_some() {
            self.complete(&mut array, &dcs).await?;
        }
        let remembered = self.remembered(&array, open.as_ref())?;
        let looks = dcs
            .iter()
            .map(|dc| self.look_at_dc(dc, &array, &service, &remembered));
        let looks = join_all(looks).await;
        let mut members = self.ports.store.members(&array.name)?;
        members.retain(|node| node.state == NodeState::Joined);
        let nonce = random::bytes();
        let nodes = members
            .iter()
            .map(|node| self.ports.agents.look(&node.name, &array.name, nonce));
        let nodes = join_all(nodes).await;
        let nodes: Vec<_> = members
            .into_iter()
            .map(|node| node.name)
            .zip(nodes)
            .collect();
        if !nodes.is_empty() && nodes.iter().all(|(_, answer)| answer.is_err()) {
            let why = nodes.iter().filter_map(|(_, answer)| answer.as_ref().err());
            let why: Vec<_> = why.map(ToString::to_string).collect();
            let what = format!(
                "no node of {} answers, so nobody can say what they were given: {}",
                array.name,
                why.join("; ")
            );
            return Err(No::unreachable(what).next(format!("keyroll node list {}", array.name)));
        }
        let base = remembered.recorded.as_ref();
        let old_keys = base.map(|base| base.keys.as_slice()).unwrap_or_default();
        let entries = nodes
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().ok())
            .flat_map(|inventory| &inventory.targets)
            .flat_map(|target| &target.entries);
        let old_key_held = holds(entries, old_keys, &nonce);
        let seen = Seen {
            old_key_held,
            array,
            open,
            epoch: self.ports.epoch.now(),
            nodes,
            dcs: dcs.into_iter().zip(looks).collect(),
        };
        seen.demand_sane()?;
        Ok(seen)
    }

    /// The account was being made when this was remembered: what only the directory can tell.
    async fn complete(&self, array: &mut ArrayRecord, dcs: &[DcName]) -> Result<(), No> {
        let name = &array.account.sam_account_name;
        let none = || PortError::Missing {
            object: "a domain controller".to_owned(),
        };
        let writer = dcs.first().ok_or_else(none)?;
        let account = self.ports.directory.find(writer, name).await?;
        let state = self.ports.directory.read(writer, &account).await?;
        array.account.guid = account.guid;
        array.account.distinguished_name = state.distinguished_name;
        if let Some(current) = &mut array.current {
            current.salt = Some(state.salt_source.next_salt());
        }
        Ok(())
    }

    fn remembered(&self, array: &ArrayRecord, open: Option<&PastRoll>) -> Result<Remembered, No> {
        let unlock = |one: &GenerationRecord| {
            let (number, salt) = (one.number, one.salt.as_ref());
            let (seal, enctypes) = (&self.ports.seal, &array.enctypes);
            keys::unlock(seal, &array.name, number, &one.secret, salt, enctypes)
                .map_err(|error| No::internal(error.to_string()))
        };
        let roll = open.and_then(|open| Some((open.roll.frame(), open.roll.generated()?)));
        let roll = roll.map(|(frame, new)| GenerationRecord {
            number: frame.generation,
            kvno: new.kvno,
            salt: Some(new.salt.clone()),
            secret: new.sealed.clone(),
            password_known: true,
        });
        let before = array.previous.as_ref().map(|previous| &previous.generation);
        Ok(Remembered {
            recorded: array.current.as_ref().map(unlock).transpose()?,
            roll: roll.as_ref().map(unlock).transpose()?,
            before: before.map(unlock).transpose()?,
        })
    }

    async fn look_at_dc(
        &self,
        dc: &DcName,
        array: &ArrayRecord,
        service: &Principal,
        remembered: &Remembered,
    ) -> Result<Look, PortError> {
        let recorded = keys_of(WhichKey::Base, remembered.recorded.as_ref());
        let roll = keys_of(WhichKey::New, remembered.roll.as_ref());
        let password = remembered
            .roll
            .as_ref()
            .and_then(|new| new.password.as_ref());
        let known = KnownKeys {
            keys: recorded.chain(roll).collect(),
            new_password: password
                .map(|text| (text, array.enctypes.as_slice(), &array.account.principal)),
            account: Some(&array.account.principal),
        };
        let sighting = self.ports.kdc.sight(dc, service, &known).await?;
        let key = match sighting.key {
            WhichKey::Base => Issuer::Recorded,
            WhichKey::New => Issuer::Roll,
            WhichKey::Foreign => {
                self.before_or_unknown(dc, array, service, remembered)
                    .await?
            }
        };
        Ok(Look {
            key,
            kvno: sighting.kvno,
            salt: sighting.salt,
        })
    }

    async fn before_or_unknown(
        &self,
        dc: &DcName,
        array: &ArrayRecord,
        service: &Principal,
        remembered: &Remembered,
    ) -> Result<Issuer, PortError> {
        let Some(before) = &remembered.before else {
            return Ok(Issuer::Unknown);
        };
        let known = KnownKeys {
            keys: keys_of(WhichKey::Base, Some(before)).collect(),
            new_password: None,
            account: Some(&array.account.principal),
        };
        let sighting = self.ports.kdc.sight(dc, service, &known).await?;
        Ok(match sighting.key {
            WhichKey::Base => Issuer::Before,
            WhichKey::New | WhichKey::Foreign => Issuer::Unknown,
        })
    }
}

fn keys_of(which: WhichKey, unlocked: Option<&Unlocked>) -> impl Iterator<Item = (WhichKey, &Key)> {
    let keys = unlocked.into_iter().flat_map(|unlocked| &unlocked.keys);
    keys.map(move |key| (which, key))
}

fn holds<'e>(
    entries: impl IntoIterator<Item = &'e HeldEntry>,
    keys: &[Key],
    nonce: &[u8; 32],
) -> bool {
    entries.into_iter().any(|entry| {
        let print = |key: &Key| fingerprint(nonce, &entry.principal, entry.kvno, key);
        keys.iter().any(|key| print(key) == entry.fingerprint)
    })
}
