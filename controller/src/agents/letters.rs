//! Passwords on their way to the nodes that may have them. To all others go keys alone.

use keyroll::keyset::Keyset;
use keyroll::letter::{Address, BadLetter, LetterKey, PasswordUse, seal};
use keyroll::name::{ArrayName, NodeName};
use keyroll_proto::agent::{SealedPassword, ShowLetterKeyRequest};
use keyroll_proto::convert::{Enclosed, Malformed};

use super::AgentPool;
use super::calls::malformed;
use crate::ports::PortError;
use crate::random;
use crate::store::NodeRecord;

impl AgentPool {
    /// The key that passwords of `array` for this node are sealed to, by the node's own word over
    /// its own connection. It makes one if it has none.
    ///
    /// # Errors
    /// [`PortError`]; a refusal is the node's own: no target of the array there takes a password.
    pub async fn letter_key(
        &self,
        node: &NodeName,
        array: &ArrayName,
    ) -> Result<LetterKey, PortError> {
        self.demand_member(node, array)?;
        let request = ShowLetterKeyRequest {
            array: array.to_string(),
        };
        let reply = self
            .ask(node, self.deadlines.look, |mut client| async move {
                client.show_letter_key(request).await
            })
            .await?;
        let key = LetterKey::new(&reply.key);
        key.map_err(|error| malformed(node, &Malformed::new("key", error)))
    }
}

/// The letters that go with `keyset` to the node of this record: one for each password that is
/// known and each use that an operator has allowed there, sealed to the key of that moment.
pub(super) fn letters(
    node: &NodeRecord,
    keyset: &Keyset,
) -> Result<Vec<SealedPassword>, PortError> {
    let leave = node.passwords.get(&keyset.array);
    let (Some(leave), Some(account)) = (leave, keyset.principals.first()) else {
        return Ok(Vec::new());
    };
    let mut letters = Vec::new();
    for generation in &keyset.generations {
        let Some(origin) = &generation.origin else {
            continue;
        };
        for purpose in &leave.uses {
            let address = Address {
                node: &node.name,
                array: &keyset.array,
                version: keyset.version,
                kvno: generation.kvno,
                purpose: *purpose,
                account,
                salt: &origin.salt,
            };
            let letter = seal(&origin.password, &leave.key, address, random::bytes());
            letters.push(SealedPassword::from(Enclosed {
                kvno: generation.kvno,
                purpose: *purpose,
                salt: origin.salt.clone(),
                letter: letter.map_err(|error| unsealed(node, keyset, *purpose, error))?,
            }));
        }
    }
    Ok(letters)
}

fn unsealed(
    node: &NodeRecord,
    keyset: &Keyset,
    purpose: PasswordUse,
    error: BadLetter,
) -> PortError {
    let (node, array) = (&node.name, &keyset.array);
    PortError::Refused {
        object: format!("the key for passwords of node {node}"),
        why: error.to_string(),
        next: format!("keyroll node password {array} {node} --allow {purpose}"),
    }
}
