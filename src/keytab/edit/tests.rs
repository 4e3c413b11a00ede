//! How: random files of our and foreign records, holes and remains of interrupted appends; then
//! random edits, of which every prefix of patches must leave a whole file.

use proptest::prelude::*;

use super::*;
use crate::fence::{Epoch, Version};
use crate::keyset::GenerationKeys;

fn key(enctype: Enctype, byte: u8) -> Key {
    Key::new(enctype, SecretBytes::new(vec![byte; enctype.key_length()])).unwrap()
}

fn generation(role: Role, kvno: u32) -> GenerationKeys {
    let byte = u8::try_from(kvno & 0xff).unwrap();
    let keys = vec![
        key(Enctype::Aes256CtsHmacSha1, byte),
        key(Enctype::Aes128CtsHmacSha1, byte),
    ];
    GenerationKeys {
        role,
        kvno: Kvno(kvno),
        keys,
        origin: None,
    }
}

fn keyset(principals: &[&str], generations: Vec<GenerationKeys>) -> Keyset {
    Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(1),
        version: Version(1),
        principals: principals
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        generations,
        unlisted: Unlisted::Remove,
    }
}

const ALL: fn(TargetKind) -> TargetFilter = |kind| TargetFilter {
    kind,
    principals: None,
    enctypes: None,
};

fn kvnos(wanted: &[Wanted<'_>]) -> Vec<u32> {
    let mut kvnos: Vec<u32> = wanted.iter().map(|one| one.kvno.0).collect();
    kvnos.dedup();
    kvnos
}

#[test]
fn current_stands_first_and_clients_get_nothing_else() {
    let generations = vec![
        generation(Role::Previous, 6),
        generation(Role::Pending, 8),
        generation(Role::Current, 7),
    ];
    let keyset = keyset(&["HTTP/web@R", "WEB$@R"], generations);
    let all = wanted(&keyset, &ALL(TargetKind::Owned));
    assert_eq!((all.len(), kvnos(&all)), (12, vec![7, 8, 6]));
    let client = wanted(&keyset, &ALL(TargetKind::Client));
    assert_eq!((client.len(), kvnos(&client)), (4, vec![7]));
    let narrow = TargetFilter {
        kind: TargetKind::Owned,
        principals: Some(vec!["WEB$@R".parse().unwrap()]),
        enctypes: Some(vec![Enctype::Aes256CtsHmacSha1]),
    };
    assert_eq!(wanted(&keyset, &narrow).len(), 3);
}

#[test]
fn a_whole_file_is_recognised_whenever_it_was_written() {
    let kvno_above_16_bits = vec![generation(Role::Current, 70_001)];
    let keyset = keyset(&["HTTP/web@R"], kvno_above_16_bits);
    let entries = wanted(&keyset, &ALL(TargetKind::Owned));
    let file = whole_file(&entries, 99).unwrap();
    assert!(is_whole_file_of(file.expose(), &entries).unwrap());
    assert!(!is_whole_file_of(file.expose(), &entries[..1]).unwrap());
    let shorter = whole_file(&entries[..1], 99).unwrap();
    assert!(!is_whole_file_of(shorter.expose(), &entries).unwrap());
}

/// One record of a file that the property starts from.
#[derive(Debug, Clone)]
enum Piece {
    Ours {
        principal: usize,
        kvno: u32,
        wrong_key: bool,
    },
    Foreign(u32),
    Opaque(Vec<u8>),
    Hole(usize),
}

const PRINCIPALS: [&str; 2] = ["HTTP/web.corp.example@CORP.EXAMPLE", "WEB$@CORP.EXAMPLE"];

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => (0..2usize, 1..5u32, any::<bool>()).prop_map(|(principal, kvno, wrong_key)| {
            Piece::Ours { principal, kvno, wrong_key }
        }),
        2 => (1..9u32).prop_map(Piece::Foreign),
        1 => prop::collection::vec(any::<u8>(), 1..9).prop_map(Piece::Opaque),
        2 => (1..120usize).prop_map(Piece::Hole),
    ]
}

fn file(pieces: &[Piece], tail: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(MAGIC.to_vec());
    for piece in pieces {
        let (kind, body) = match piece {
            Piece::Ours {
                principal,
                kvno,
                wrong_key,
            } => {
                let principal = PRINCIPALS[*principal].parse().unwrap();
                let byte = u8::try_from(*kvno).unwrap() ^ if *wrong_key { 0x80 } else { 0 };
                let key = key(Enctype::Aes256CtsHmacSha1, byte);
                let body = entry::render(&principal, Kvno(*kvno), &key, 1).unwrap();
                (RecordKind::Entry, body.expose().to_vec())
            }
            Piece::Foreign(kvno) => {
                let principal = "host/web.corp.example@CORP.EXAMPLE".parse().unwrap();
                let key = key(Enctype::Rc4Hmac, 9);
                let body = entry::render(&principal, Kvno(*kvno), &key, 1).unwrap();
                (RecordKind::Entry, body.expose().to_vec())
            }
            Piece::Opaque(body) => (RecordKind::Entry, body.clone()),
            Piece::Hole(size) => (RecordKind::Hole, vec![0xee; *size]),
        };
        bytes.extend(length_word(body.len(), kind));
        bytes.extend(body);
    }
    if !tail.is_empty() {
        bytes.extend([0; LENGTH_WORD]);
        bytes.extend(tail);
    }
    bytes
}

/// The foreign records, and which (principal, kvno, first key byte) of ours are held.
type Contents = (Vec<Vec<u8>>, Vec<(Principal, u32, i32, u8)>);

fn contents(bytes: &[u8], scope: &[Principal]) -> Contents {
    let framing = Framing::parse(bytes).expect("the file is whole");
    let (mut foreign, mut ours) = (Vec::new(), Vec::new());
    for record in framing.entries() {
        match Entry::parse(record.body) {
            Some(entry) if scope.contains(&entry.principal) => {
                let byte = entry.key.expose()[0];
                ours.push((entry.principal, entry.kvno.0, entry.enctype, byte));
            }
            _ => foreign.push(record.body.to_vec()),
        }
    }
    (foreign, ours)
}

/// Java's reader goes on behind a zero length word. It too must never meet a torn record.
fn java_reads(bytes: &[u8]) -> bool {
    let mut rest = &bytes[MAGIC.len()..];
    while let Some((word, after)) = rest.split_first_chunk::<LENGTH_WORD>() {
        let size = i32::from_be_bytes(*word).unsigned_abs() as usize;
        let Some(after) = after.get(size..) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_prefix_of_an_edit_is_a_whole_file(
        pieces in prop::collection::vec(piece(), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..12),
        current in 1..4u32,
        pending: bool,
        keep: bool,
    ) {
        let mut generations = vec![generation(Role::Current, current)];
        if pending {
            generations.push(generation(Role::Pending, current + 1));
        }
        let keyset = keyset(&PRINCIPALS, generations);
        let wanted = wanted(&keyset, &ALL(TargetKind::Shared));
        let unlisted = if keep { Unlisted::Keep } else { Unlisted::Remove };
        let scope = &keyset.principals[..];
        let edit = SharedEdit { wanted: &wanted, scope, unlisted, timestamp: 2 };
        let mut bytes = file(&pieces, &tail);
        let (foreign, held_before) = contents(&bytes, scope);
        let is_wanted = |(principal, kvno, enctype, byte): &(Principal, u32, i32, u8)| {
            wanted.iter().any(|one| {
                one.principal == principal
                    && one.kvno.0 == *kvno
                    && one.key.enctype().number() == *enctype
                    && one.key.expose()[0] == *byte
            })
        };
        let java_before = java_reads(&bytes);
        for patch in shared(&bytes.clone(), &edit).unwrap() {
            patch.apply(&mut bytes);
            let (foreign_now, held) = contents(&bytes, scope);
            prop_assert_eq!(&foreign_now, &foreign);
            for entry in held_before.iter().filter(|entry| is_wanted(entry)) {
                prop_assert!(held.contains(entry), "a wanted key was lost on the way");
            }
            prop_assert!(!java_before || java_reads(&bytes));
        }
        let (_, held) = contents(&bytes, scope);
        for one in &wanted {
            let at_its_place: Vec<u8> = held
                .iter()
                .filter(|(principal, kvno, enctype, _)| {
                    principal == one.principal
                        && *kvno == one.kvno.0
                        && *enctype == one.key.enctype().number()
                })
                .map(|(_, _, _, byte)| *byte)
                .collect();
            prop_assert!(at_its_place.contains(&one.key.expose()[0]));
            prop_assert!(at_its_place.iter().all(|byte| *byte == one.key.expose()[0]));
        }
        let kept = held.iter().filter(|entry| !is_wanted(entry)).count();
        prop_assert!(keep || kept == 0);
        let gone = held_before.iter().filter(|entry| !held.contains(entry));
        for (principal, kvno, enctype, _) in gone {
            let replaced = wanted.iter().any(|one| {
                one.principal == principal
                    && one.kvno.0 == *kvno
                    && one.key.enctype().number() == *enctype
            });
            prop_assert!(!keep || replaced, "an unlisted key was not kept");
        }
        prop_assert!(shared(&bytes, &edit).unwrap().is_empty(), "the edit is not idempotent");
    }
}

#[test]
fn a_retired_key_leaves_no_byte_behind() {
    let old = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 0xab)]);
    let entries = wanted(&old, &ALL(TargetKind::Shared));
    let bytes = Zeroizing::new(whole_file(&entries, 1).unwrap().expose().to_vec());
    let scope = &old.principals[..];
    let edit = SharedEdit {
        wanted: &[],
        scope,
        unlisted: Unlisted::Remove,
        timestamp: 2,
    };
    let patches = shared(&bytes.clone(), &edit).unwrap();
    // Whole, and cut off by a crash before any of its steps: then the same once more.
    for done in 0..=patches.len() {
        let mut cut = bytes.clone();
        patches[..done]
            .iter()
            .for_each(|patch| patch.apply(&mut cut));
        for patch in shared(&cut.clone(), &edit).unwrap() {
            patch.apply(&mut cut);
        }
        assert!(!cut.windows(4).any(|window| window == [0xab; 4]), "{done}");
    }
}

#[test]
fn entries_are_taken_out_and_the_others_stay_where_they_are() {
    let generations = vec![
        generation(Role::Current, 0xab),
        generation(Role::Pending, 0xcd),
    ];
    let old = keyset(&["HTTP/web@R"], generations);
    let entries = wanted(&old, &ALL(TargetKind::Shared));
    let before = whole_file(&entries, 1).unwrap();
    let mut bytes = Zeroizing::new(before.expose().to_vec());
    for patch in without(before.expose(), |held| held.kvno.0 == 0xab).unwrap() {
        patch.apply(&mut bytes);
    }
    assert_eq!(bytes.len(), before.expose().len());
    assert!(!bytes.windows(4).any(|window| window == [0xab; 4]));
    let left = contents(&bytes, &old.principals).1;
    assert!(
        left.iter().all(|entry| entry.1 == 0xcd) && left.len() == 2,
        "{left:?}"
    );
    assert!(
        without(&bytes, |held| held.kvno.0 == 0xab)
            .unwrap()
            .is_empty()
    );
    assert!(without(&bytes[..bytes.len() - 1], |_| true).is_err());
}

#[test]
fn an_empty_file_becomes_a_keytab_and_a_damaged_one_is_left_alone() {
    let new = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 3)]);
    let entries = wanted(&new, &ALL(TargetKind::Shared));
    let scope = &new.principals[..];
    let edit = SharedEdit {
        wanted: &entries,
        scope,
        unlisted: Unlisted::Keep,
        timestamp: 2,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    for patch in shared(&[], &edit).unwrap() {
        patch.apply(&mut bytes);
    }
    assert_eq!(contents(&bytes, scope).1.len(), 2);
    let cut = &bytes[..bytes.len() - 1];
    assert!(matches!(shared(cut, &edit), Err(EditError::Damaged(_))));
}

/// A file of `size` bytes that is one record of somebody else.
fn opaque_file(size: usize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(length_word(
        size - MAGIC.len() - LENGTH_WORD,
        RecordKind::Entry,
    ));
    bytes.resize(size, 0xff);
    bytes
}

#[test]
fn a_whole_file_is_recognised_by_every_record() {
    let new = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 3)]);
    let entries = wanted(&new, &ALL(TargetKind::Owned));
    let others = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 4)]);
    let other = whole_file(&wanted(&others, &ALL(TargetKind::Owned)), 1).unwrap();
    assert!(!is_whole_file_of(other.expose(), &entries).unwrap());
    // The right bytes in a hole are nothing that a reader finds.
    let file = whole_file(&entries, 1).unwrap().expose().to_vec();
    let first = Framing::parse(&file).unwrap().records[0].body.len();
    let mut hidden = file.clone();
    hidden[2..6].copy_from_slice(&length_word(first, RecordKind::Hole));
    assert!(!is_whole_file_of(&hidden, &entries).unwrap());
    let followed = [&file[..], &[0; 4]].concat();
    assert!(!is_whole_file_of(&followed, &entries).unwrap());
}

#[test]
fn a_whole_file_is_as_large_as_readers_take() {
    let key = key(Enctype::Aes256CtsHmacSha1, 1);
    let made = |size: usize| {
        let body = |principal: &Principal| {
            let body = entry::render(principal, Kvno(1), &key, 1).unwrap();
            LENGTH_WORD + body.expose().len()
        };
        let plain: Principal = "a@R".parse().unwrap();
        let count = (size - MAGIC.len()) / body(&plain) - 1;
        // The last one is longer by what is missing.
        let missing = size - MAGIC.len() - (count + 1) * body(&plain);
        let long: Principal = format!("{}@R", "a".repeat(1 + missing)).parse().unwrap();
        let one = |principal| Wanted {
            principal,
            role: Role::Current,
            kvno: Kvno(1),
            key: &key,
        };
        let mut wanted = vec![one(&plain); count];
        wanted.push(one(&long));
        whole_file(&wanted, 1).map(|file| file.expose().len())
    };
    assert_eq!(made(MAX_FILE), Ok(MAX_FILE));
    for more in [1, 2, 60] {
        assert_eq!(
            made(MAX_FILE + more),
            Err(EditError::TooLarge(MAX_FILE + more))
        );
    }
}

#[test]
fn a_shared_file_grows_as_far_as_readers_take() {
    let new = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 3)]);
    let entries = wanted(&new, &ALL(TargetKind::Shared));
    let edit = SharedEdit {
        wanted: &entries,
        scope: &new.principals,
        unlisted: Unlisted::Keep,
        timestamp: 2,
    };
    // Two records of 68 and 52 bytes, each behind its length word.
    let room = 72 + 56;
    assert!(shared(&opaque_file(MAX_FILE - room), &edit).is_ok());
    for more in [1, 2] {
        let refused = shared(&opaque_file(MAX_FILE - room + more), &edit).unwrap_err();
        assert_eq!(refused, EditError::TooLarge(MAX_FILE + more));
    }
}

#[test]
fn a_sync_stands_wherever_a_crash_must_not_reorder() {
    let old = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 2)]);
    let file = whole_file(&wanted(&old, &ALL(TargetKind::Shared)), 1).unwrap();
    let new = keyset(&["HTTP/web@R"], vec![generation(Role::Current, 3)]);
    let entries = wanted(&new, &ALL(TargetKind::Shared));
    let edit = |unlisted| SharedEdit {
        wanted: &entries,
        scope: &new.principals,
        unlisted,
        timestamp: 2,
    };
    let syncs = |existing: &[u8], unlisted| -> Vec<Sync> {
        let patches = shared(existing, &edit(unlisted)).unwrap();
        patches.iter().map(|patch| patch.then).collect()
    };
    use super::Sync::{Later, Now};
    // Room; its holes; the bodies; the signs of the two entries.
    let added = [Now, Later, Now, Later, Now, Later, Now];
    assert_eq!(syncs(file.expose(), Unlisted::Keep), added);
    // Then the old ones become holes, and then they are wiped.
    let replaced = [&added[..], &[Later, Now, Later, Now]].concat();
    assert_eq!(syncs(file.expose(), Unlisted::Remove), replaced);
    assert_eq!(syncs(b"", Unlisted::Keep), [&[Now][..], &added].concat());
    let shown = format!("{:?}", shared(b"", &edit(Unlisted::Keep)).unwrap()[0]);
    assert_eq!(shown, "2 bytes at 0 then Now");
}
