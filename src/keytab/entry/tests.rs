use proptest::prelude::*;

use super::*;

fn key(enctype: Enctype, byte: u8) -> Key {
    Key::new(enctype, SecretBytes::new(vec![byte; enctype.key_length()])).unwrap()
}

fn principal(text: &str) -> Principal {
    text.parse().unwrap()
}

/// `HTTP/web@R` with kvno 5 and an AES-128 key, as MIT's ktutil writes it.
fn by_hand(low: u8, tail: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x02\0\x01R\0\x04HTTP\0\x03web\0\0\0\x01\x65\0\0\0".to_vec();
    body.extend([low, 0, 17, 0, 16]);
    body.extend([7; 16]);
    body.extend(tail);
    body
}

#[test]
fn the_written_record_is_the_documented_one() {
    let key = key(Enctype::Aes128CtsHmacSha1, 7);
    for (kvno, low) in [(5, 5), (255, 255), (256, 0), (70_000, 112), (u32::MAX, 255)] {
        let body = render(&principal("HTTP/web@R"), Kvno(kvno), &key, 0x6500_0000).unwrap();
        assert_eq!(body.expose(), by_hand(low, &kvno.to_be_bytes()));
    }
}

#[test]
fn the_tail_is_kvno_or_fill() {
    let kvno = |low, tail: &[u8]| Entry::parse(&by_hand(low, tail)).map(|entry| entry.kvno.0);
    assert_eq!(kvno(5, b""), Some(5));
    assert_eq!(kvno(5, b"\0"), Some(5), "one byte of fill");
    assert_eq!(kvno(5, b"\0\0\0"), Some(5), "three bytes of fill");
    assert_eq!(kvno(5, b"\0\0\0\0"), Some(5), "a zero kvno is fill");
    assert_eq!(kvno(0, b"\0\0\x01\0"), Some(256));
    assert_eq!(
        kvno(0, b"\0\x01\0\0\0\0\0\0\0"),
        Some(65536),
        "fill behind the kvno"
    );
}

#[test]
fn wildcards_are_not_written() {
    let key = key(Enctype::Aes256CtsHmacSha1, 1);
    let refused = render(&principal("a@R"), Kvno(0), &key, 0).unwrap_err();
    assert!(matches!(refused, Unwritable::WildcardKvno { .. }));
}

#[test]
fn what_cannot_be_read_is_nobodys() {
    for body in [&b""[..], b"\0", b"\xff\xff\0\0", &by_hand(5, b"")[..40]] {
        assert!(Entry::parse(body).is_none());
    }
    // A realm that is not text.
    let mut body = by_hand(5, b"");
    body[4] = 0xff;
    assert!(Entry::parse(&body).is_none());
    // An enctype we do not know is read, but has no key for us.
    let mut body = by_hand(5, b"");
    let enctype = body.len() - 20;
    body[enctype..enctype + 2].copy_from_slice(&(-133i16).to_be_bytes());
    let entry = Entry::parse(&body).unwrap();
    assert_eq!(entry.enctype, -133);
    assert!(entry.known_key().is_none());
}

#[test]
fn debug_shows_no_key() {
    let entry = Entry::parse(&by_hand(5, b"")).unwrap();
    assert!(format!("{entry:?}").contains("SecretBytes(..)"));
}

proptest! {
    #[test]
    fn entries_round_trip(
        components in prop::collection::vec("[a-zA-Z0-9.$/@-]{1,40}", 1..4),
        kvno in 1u32..,
        timestamp: u32,
        fill: u8,
        which in 0usize..5,
    ) {
        let principal = Principal::new(components, "CORP.EXAMPLE".parse().unwrap()).unwrap();
        let key = key(Enctype::ALL[which], fill);
        let body = render(&principal, Kvno(kvno), &key, timestamp).unwrap();
        let entry = Entry::parse(body.expose()).unwrap();
        prop_assert!(entry.holds(&principal, Kvno(kvno), &key));
        prop_assert_eq!((entry.timestamp, entry.name_type), (timestamp, NAME_TYPE_PRINCIPAL));
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..96), word in 0u8..4) {
        let _ = Entry::parse(&body);
        // Small numbers reach deeper than random ones.
        let small: Vec<u8> = body.iter().map(|byte| byte & word).collect();
        let _ = Entry::parse(&small);
    }
}
