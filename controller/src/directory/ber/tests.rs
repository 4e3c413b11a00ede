use ldap3::SearchEntry;
use ldap3::asn1::{StructureTag, parse_tag};
use proptest::prelude::*;

use super::*;

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, &body].concat()
}

fn message(id: u8, operation: &[u8], controls: &[u8]) -> Vec<u8> {
    element(
        SEQUENCE,
        &[&element(INTEGER, &[&[id]]), operation, controls],
    )
}

fn some_entry() -> Vec<u8> {
    let values = element(
        SET,
        &[&element(OCTETS, &[b"\xff\0"]), &element(OCTETS, &[b"b"])],
    );
    let attribute = element(SEQUENCE, &[&element(OCTETS, &[b"objectGUID"]), &values]);
    element(
        SEARCH_ENTRY,
        &[
            &element(OCTETS, &[b"CN=a"]),
            &element(SEQUENCE, &[&attribute]),
        ],
    )
}

fn some_result(tag: u8, text: &[u8]) -> Vec<u8> {
    let empty = element(OCTETS, &[]);
    element(
        tag,
        &[
            &element(ENUMERATED, &[&[0]]),
            &empty,
            &element(OCTETS, &[text]),
        ],
    )
}

fn page(value: &[u8]) -> Vec<u8> {
    let control = [
        &element(OCTETS, &[PAGED_RESULTS])[..],
        &element(OCTETS, &[value]),
    ]
    .concat();
    element(CONTROLS, &[&element(SEQUENCE, &[&control])])
}

#[test]
fn what_domain_controllers_send_is_let_through() {
    let cookie = element(
        SEQUENCE,
        &[&element(INTEGER, &[&[0]]), &element(OCTETS, &[b"x"])],
    );
    for (bytes, operation, search) in [
        (message(7, &some_entry(), &[]), SEARCH_ENTRY, true),
        (
            message(7, &some_result(SEARCH_DONE, b""), &page(&cookie)),
            SEARCH_DONE,
            true,
        ),
        (
            message(7, &some_result(0x67, b"0000052D: \0"), &[]),
            0x67,
            false,
        ),
    ] {
        assert_eq!(message_length(&bytes), Ok(Some(bytes.len())));
        let found = answer(&bytes).unwrap();
        assert_eq!(found, Message { id: 7, operation });
        assert!(found.answers(search) && !found.answers(!search));
        for cut in 0..bytes.len() {
            assert!(answer(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
    let notice = message(0, &some_result(0x78, b""), &element(0x8a, &[b"1.3.6"]));
    assert_eq!(answer(&notice).unwrap().id, 0);
}

#[test]
fn deep_nesting_costs_nothing() {
    let mut deep = Vec::new();
    for _ in 0..100_000 {
        deep.extend([SEQUENCE, 0x80 | 3, 0x0f, 0xff, 0xff]);
    }
    assert!(answer(&deep).is_err());
    assert_eq!(
        message_length(&[SEQUENCE, 0x84, 0x7f, 0xff, 0xff, 0xff]),
        Err(NotLdap("it is too long"))
    );
    assert!(message_length(&[SEQUENCE, 0x80]).is_err());
    assert!(message_length(b"HTTP/1.1 400").is_err());
}

#[test]
fn wrong_shapes_are_refused() {
    let bare = element(OCTETS, &[b"x"]);
    for bytes in [
        message(7, &element(SEARCH_ENTRY, &[]), &[]),
        message(7, &some_result(0x67, b"\xff"), &[]),
        message(7, &some_result(0x79, b""), &[]),
        message(7, &some_result(0x67, b""), &page(b"")),
        message(7, &some_result(0x67, b""), &bare),
        message(7, &some_result(0x67, b""), &element(0x8a, &[b"1.3.6"])),
        element(SEQUENCE, &[&element(INTEGER, &[]), &some_result(0x67, b"")]),
        element(
            SEQUENCE,
            &[
                &element(INTEGER, &[&[0x80, 0, 0, 0]]),
                &some_result(0x67, b""),
            ],
        ),
        [message(7, &some_entry(), &[]), vec![0]].concat(),
    ] {
        assert!(answer(&bytes).is_err(), "{bytes:02x?}");
    }
}

/// What ldap3 does with an answer, up to where it would panic.
fn read_as_ldap3(bytes: &[u8]) {
    let (_, whole): (_, StructureTag) = parse_tag(bytes).unwrap();
    let parts = whole.expect_constructed().unwrap();
    if parts[1].id == 4 {
        SearchEntry::construct(ldap3::ResultEntry::new(parts[1].clone()));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_walk_panic(bytes in any::<Vec<u8>>()) {
        let _ = message_length(&bytes);
        let _ = answer(&bytes);
        let _ = request(&bytes);
    }

    #[test]
    fn what_is_let_through_is_read_without_panic(at in any::<prop::sample::Index>(), byte: u8) {
        let result = some_result(0x67, b"text");
        for mut bytes in [message(7, &some_entry(), &[]), message(7, &result, &[])] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if answer(&bytes).is_ok() {
                read_as_ldap3(&bytes);
            }
        }
    }
}
