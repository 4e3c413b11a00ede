//! Whatever a peer sends: what is not refused goes back to the same message, and nothing panics.

#![no_main]

use keyroll::keyset::{HeldEntry, Keyset};
use keyroll_proto::agent;
use keyroll_proto::invitation::Invitation;
use prost::Message as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(said) = agent::Keyset::decode(bytes)
        && let Ok(keyset) = Keyset::try_from(said)
    {
        let again = agent::Keyset::from(&keyset).encode_to_vec();
        let said = agent::Keyset::decode(&*again).expect("our own message");
        let keyset = Keyset::try_from(said).expect("our own keyset");
        assert!(agent::Keyset::from(&keyset).encode_to_vec() == again);
    }
    if let Ok(inventory) = agent::Inventory::decode(bytes) {
        for entry in inventory.targets.iter().flat_map(|target| &target.entries) {
            if let Ok(held) = HeldEntry::try_from(entry) {
                let again = HeldEntry::try_from(&agent::Entry::from(&held));
                assert!(again.is_ok_and(|again| again == held), "an entry changed");
            }
        }
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(invitation) = text.parse::<Invitation>()
    {
        let again = invitation.line().parse::<Invitation>();
        assert!(again.is_ok_and(|again| again.line() == invitation.line()));
    }
});
