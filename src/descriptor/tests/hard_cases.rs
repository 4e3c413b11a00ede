//! Entries with conditions, and a list that is almost full.

use super::*;

#[test]
fn an_entry_with_a_condition_is_told_where_it_may_let_somebody_in() {
    let has = |ace: Vec<u8>| {
        let found = Descriptor::from_bytes(&descriptor(&[ace])).unwrap();
        found.has_conditions()
    };
    let (callback, of_object, denying) = (9, 11, 10);
    assert!(has(ace(callback, 0, CONTROL_ACCESS, None, &ALICE)));
    assert!(has(ace(callback, 0, GENERIC_ALL, None, &ALICE)));
    assert!(has(ace(of_object, 0, CONTROL_ACCESS, None, &ALICE)));
    let inherited = 0x10;
    assert!(has(ace(callback, inherited, GENERIC_ALL, None, &ALICE)));
    // Too short for its rights: nobody can say.
    assert!(has(vec![callback, 0, 6, 0, 1, 2]));
    // No condition, a denial, one for what is below it, and one that lets nobody act.
    assert!(!has(ace(0, 0, CONTROL_ACCESS, None, &ALICE)));
    assert!(!has(ace(denying, 0, CONTROL_ACCESS, None, &ALICE)));
    assert!(!has(ace(callback, INHERIT_ONLY, GENERIC_ALL, None, &ALICE)));
    assert!(!has(ace(callback, 0, 0x10, None, &ALICE)));
}

/// An entry for a SID of two parts has 24 bytes.
#[test]
fn the_last_entry_may_fill_a_list_to_its_last_byte() {
    let actor = sid("S-1-5-21-1");
    for (length, fits) in [(0xffff - 24, true), (0xffff - 23, false)] {
        let mut bytes = descriptor(&[]);
        bytes.resize(20 + length, 0);
        bytes[22..24].copy_from_slice(&u16::try_from(length).unwrap().to_le_bytes());
        let mut found = Descriptor::from_bytes(&bytes).unwrap();
        assert_eq!(found.allow(&actor), fits, "{length}");
        assert_eq!(found.actors().len(), usize::from(fits));
        let after = found.to_bytes();
        assert_eq!(after.len(), bytes.len() + if fits { 24 } else { 0 });
        assert_eq!(Descriptor::from_bytes(&after).unwrap(), found);
    }
}
