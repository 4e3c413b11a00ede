//! What peers send over gRPC: messages, and what they are taken for.

use keyroll::keyset::{HeldEntry, Keyset};
use keyroll_controller::agents::inventory::{Asked, inventory};
use keyroll_controller::ca::{Peer, SigningRequest};
use keyroll_proto::convert::{LONGEST_WORDS, MOST_ENTRIES};
use keyroll_proto::{agent, enroll, operator};
use prost::Message;

/// Whatever a peer sends: what is not refused goes back to the same message, and is no more than
/// the limits say.
pub fn conversions(bytes: &[u8]) -> bool {
    let mut taken = false;
    if let Ok(said) = agent::Keyset::decode(bytes)
        && let Ok(keyset) = Keyset::try_from(said)
    {
        let keys: usize = keyset.generations.iter().map(|one| one.keys.len()).sum();
        assert!(keys * keyset.principals.len() <= MOST_ENTRIES);
        let again = agent::Keyset::from(&keyset).encode_to_vec();
        let said = agent::Keyset::decode(&*again).expect("our own message");
        let keyset = Keyset::try_from(said).expect("our own keyset");
        assert!(agent::Keyset::from(&keyset).encode_to_vec() == again);
        taken = true;
    }
    if let Ok(said) = agent::Inventory::decode(bytes) {
        entries(&said);
        taken |= inventories(said);
    }
    // Messages without a conversion of their own: their fields are looked at where they are used.
    decodes::<agent::StageRequest>(bytes);
    decodes::<agent::ProveReply>(bytes);
    decodes::<enroll::JoinRequest>(bytes);
    decodes::<operator::CreateArrayRequest>(bytes);
    decodes::<operator::SetScheduleRequest>(bytes);
    let signed = SigningRequest::read(bytes, "node n1").is_ok() || Peer::of(bytes).is_ok();
    taken || signed
}

fn entries(said: &agent::Inventory) {
    for entry in said.targets.iter().flat_map(|target| &target.entries) {
        if let Ok(held) = HeldEntry::try_from(entry) {
            let again = HeldEntry::try_from(&agent::Entry::from(&held));
            assert!(again.is_ok_and(|again| again == held), "an entry changed");
        }
    }
}

/// As the inventory of node `n1` for array `web`, whatever names it carries.
fn inventories(mut said: agent::Inventory) -> bool {
    "n1".clone_into(&mut said.node);
    "web".clone_into(&mut said.array);
    let (node, array) = (
        "n1".parse().expect("a name"),
        "web".parse().expect("a name"),
    );
    let listed: Vec<usize> = said.targets.iter().map(|one| one.entries.len()).collect();
    let Ok(read) = inventory(said, &node, &array, Asked::now()) else {
        return false;
    };
    assert!(read.targets.len() == listed.len());
    for (target, listed) in read.targets.iter().zip(listed) {
        let foreign = target.foreign_entries as usize;
        assert!(target.entries.len() <= listed && listed <= target.entries.len() + foreign);
        let trouble = target.trouble.iter().chain([&target.path]);
        trouble.for_each(|words| harmless(words));
    }
    read.ready
        .as_ref()
        .err()
        .into_iter()
        .for_each(|words| harmless(words));
    harmless(&read.agent_version);
    true
}

/// What a node says for people can neither fill a journal nor move a cursor.
fn harmless(words: &str) {
    assert!(words.chars().count() <= LONGEST_WORDS);
    assert!(!words.contains(char::is_control), "{words:?}");
}

fn decodes<M: Message + Default + PartialEq>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        let again = M::decode(&*message.encode_to_vec()).expect("our own message");
        assert!(again == message, "a message changed on its way");
    }
}
