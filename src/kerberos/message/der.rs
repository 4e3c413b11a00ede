//! DER at the door: the shape of every input is checked before picky-krb decodes it.
//!
//! Its decoder trusts lengths, skips what it does not understand and subtracts from a BIT STRING's
//! first byte; what passes here gives it nothing to stumble over.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message that is read, in bytes. Windows' own limit for a ticket is 48,000
/// (MaxTokenSize), and a reply holds little beside it.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// How deep elements may nest. An AP request nests nine deep, a PA-TGS-REQ inside a request twelve.
const DEPTH_MAX: usize = 24;

/// Bytes that are not the message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} is malformed: {reason}")]
pub struct Malformed {
    /// Which message or part.
    pub what: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Malformed {
    pub(super) const fn new(what: &'static str, reason: &'static str) -> Self {
        Self { what, reason }
    }
}

/// Decodes one whole element; `what` names it in the error.
pub(super) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, Malformed> {
    if bytes.len() > MESSAGE_MAX {
        return Err(Malformed::new(what, "it is longer than 64 KiB"));
    }
    let rest = check_element(bytes, DEPTH_MAX).map_err(|reason| Malformed::new(what, reason))?;
    if !rest.is_empty() {
        return Err(Malformed::new(what, "something follows it"));
    }
    // The library's reason is not passed on: it may quote the bytes, which may hold a key.
    picky_asn1_der::from_bytes(bytes)
        .map_err(|_| Malformed::new(what, "a field is missing or of another type"))
}

/// Encodes a value made of this module's own types.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    picky_asn1_der::to_vec(value)
        .expect("values built from numbers, ASCII and bytes have a DER form")
}

/// Checks the element at the front of `bytes` and all within it; returns what follows it.
fn check_element(bytes: &[u8], depth: usize) -> Result<&[u8], &'static str> {
    let (tag, length, rest) = header(bytes)?;
    let (content, rest) = rest
        .split_at_checked(length)
        .ok_or("an element is cut short")?;
    if tag & CONSTRUCTED == 0 {
        check_primitive(tag, content)?;
        return Ok(rest);
    }
    let depth = depth.checked_sub(1).ok_or("elements nest too deep")?;
    let mut inside = content;
    while !inside.is_empty() {
        inside = check_element(inside, depth)?;
    }
    Ok(rest)
}

/// The bit of a tag that says that elements, not bytes, are inside.
const CONSTRUCTED: u8 = 0x20;

/// Splits a tag and a definite length off `bytes`.
pub(super) fn header(bytes: &[u8]) -> Result<(u8, usize, &[u8]), &'static str> {
    let [tag, first, rest @ ..] = bytes else {
        return Err("an element is cut short");
    };
    if tag & 0x1f == 0x1f {
        return Err("a tag has more than one byte");
    }
    if first & 0x80 == 0 {
        return Ok((*tag, usize::from(*first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err("a length is indefinite or too large");
    }
    let (digits, rest) = rest
        .split_at_checked(count)
        .ok_or("a length is cut short")?;
    let length = digits
        .iter()
        .fold(0, |length, digit| 256 * length + usize::from(*digit));
    if length < 0x80 || length >> (8 * (count - 1)) == 0 {
        return Err("a length is not in its shortest form");
    }
    Ok((*tag, length, rest))
}

/// The rules of those universal types whose content picky-asn1 takes for granted.
fn check_primitive(tag: u8, content: &[u8]) -> Result<(), &'static str> {
    match (tag, content) {
        (BOOLEAN, [_]) => Ok(()),
        (BOOLEAN, _) => Err("a BOOLEAN is not one byte"),
        (INTEGER, [_, ..]) if content.len() <= 8 => Ok(()),
        (INTEGER, _) => Err("an INTEGER is empty or too large"),
        (BIT_STRING, [0]) => Ok(()),
        (BIT_STRING, [0..=7, _, ..]) => Ok(()),
        (BIT_STRING, _) => Err("a BIT STRING has no or too many unused bits"),
        (GENERALIZED_TIME, [digits @ .., b'Z'])
            if digits.len() == 14 && digits.iter().all(u8::is_ascii_digit) =>
        {
            Ok(())
        }
        (GENERALIZED_TIME, _) => Err("a time is not of the form YYYYMMDDhhmmssZ"),
        _ => Ok(()),
    }
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const GENERALIZED_TIME: u8 = 0x18;

#[cfg(test)]
mod tests {
    use picky_asn1::wrapper::{BitStringAsn1, IntegerAsn1, OctetStringAsn1};

    use super::*;

    #[test]
    fn hostile_shapes_are_refused() {
        let mut nested = vec![0x30, 0x80 | 2, 0, 0];
        for _ in 0..2_000 {
            let length = u16::try_from(nested.len()).unwrap().to_be_bytes();
            nested.splice(0..0, [0x30, 0x82, length[0], length[1]]);
        }
        for (bytes, reason) in [
            (&[][..], "an element is cut short"),
            (&[0x30], "an element is cut short"),
            (&[0x30, 0x80, 0, 0], "a length is indefinite or too large"),
            (
                &[0x30, 0x85, 1, 0, 0, 0, 0],
                "a length is indefinite or too large",
            ),
            (
                &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
                "an element is cut short",
            ),
            (
                &[0x04, 0x81, 0x01, 0x00],
                "a length is not in its shortest form",
            ),
            (&[0x30, 0x82, 1], "a length is cut short"),
            (&[0x3f, 0x01, 0], "a tag has more than one byte"),
            (&[0x02, 0x00], "an INTEGER is empty or too large"),
            (
                &[0x30, 2, 0x03, 0],
                "a BIT STRING has no or too many unused bits",
            ),
            (
                &[0x30, 3, 0x03, 1, 5],
                "a BIT STRING has no or too many unused bits",
            ),
            (&[0x04, 0, 0], "something follows it"),
            (&nested, "elements nest too deep"),
            (&vec![0; MESSAGE_MAX + 1], "it is longer than 64 KiB"),
        ] {
            let refused = decode::<OctetStringAsn1>("test", bytes).unwrap_err();
            assert_eq!(
                refused.reason,
                reason,
                "{:02x?}",
                &bytes[..bytes.len().min(8)]
            );
        }
    }

    #[test]
    fn primitives_have_the_shape_of_their_type() {
        let bytes = |length| vec![1; length];
        for (tag, content, is_good) in [
            (BOOLEAN, bytes(1), true),
            (BOOLEAN, bytes(0), false),
            (BOOLEAN, bytes(2), false),
            (INTEGER, bytes(1), true),
            (INTEGER, bytes(8), true),
            (INTEGER, bytes(0), false),
            (INTEGER, bytes(9), false),
            (BIT_STRING, vec![0], true),
            (BIT_STRING, vec![0, 1], true),
            (BIT_STRING, vec![7, 0x80, 0x80], true),
            (BIT_STRING, vec![], false),
            (BIT_STRING, vec![1], false),
            (BIT_STRING, vec![8, 0], false),
            (GENERALIZED_TIME, b"20240229235958Z".to_vec(), true),
            (GENERALIZED_TIME, b"2024022923595Z".to_vec(), false),
            (GENERALIZED_TIME, b"202402292359580Z".to_vec(), false),
            (GENERALIZED_TIME, b"20240229235958z".to_vec(), false),
            (GENERALIZED_TIME, b"2024022923595:Z".to_vec(), false),
            (GENERALIZED_TIME, vec![], false),
            (0x04, vec![], true),
            (0x05, bytes(3), true),
        ] {
            let checked = check_primitive(tag, &content);
            assert_eq!(checked.is_ok(), is_good, "{tag:#x} {content:02x?}");
        }
    }

    #[test]
    fn lengths_are_in_their_one_shortest_form() {
        for (bytes, length) in [
            (&[4, 0x7f][..], Some(0x7f)),
            (&[4, 0x81, 0x80], Some(0x80)),
            (&[4, 0x81, 0x7f], None),
            (&[4, 0x82, 1, 2], Some(0x0102)),
            (&[4, 0x82, 0, 0xff], None),
            (&[4, 0x83, 1, 2, 3], Some(0x01_0203)),
            (&[4, 0x83, 0, 0xff, 0xff], None),
            (&[4, 0x84, 1, 2, 3, 4], Some(0x0102_0304)),
            (&[4, 0x84, 0, 0xff, 0xff, 0xff], None),
            (&[4, 0x85, 1, 2, 3, 4, 5], None),
            (&[4, 0x80], None),
            (&[4, 0x82, 1], None),
            (&[0x5f, 0x7f], None),
            (&[0x5e, 0], Some(0)),
        ] {
            let found = header(bytes).ok().map(|(_, length, _)| length);
            assert_eq!(found, length, "{bytes:02x?}");
        }
    }

    #[test]
    fn elements_nest_as_deep_as_is_allowed() {
        let nested = |depth: usize| {
            let mut bytes = vec![4, 0];
            for _ in 0..depth {
                let length = u8::try_from(bytes.len()).unwrap();
                bytes.splice(0..0, [0x30, length]);
            }
            bytes
        };
        let checked = |depth| check_element(&nested(depth), DEPTH_MAX).map(<[u8]>::len);
        assert_eq!(checked(DEPTH_MAX), Ok(0));
        assert_eq!(checked(DEPTH_MAX + 1), Err("elements nest too deep"));
    }

    #[test]
    fn the_longest_message_is_read() {
        let longest = |length: usize| {
            let [high, low] = u16::try_from(length - 4).unwrap().to_be_bytes();
            let mut bytes = vec![4, 0x82, high, low];
            bytes.resize(length, 7);
            decode::<OctetStringAsn1>("test", &bytes)
        };
        assert_eq!(longest(MESSAGE_MAX).unwrap().0.len(), MESSAGE_MAX - 4);
    }

    #[test]
    fn whole_elements_are_decoded() {
        assert_eq!(
            decode::<OctetStringAsn1>("test", &[4, 1, 9]).unwrap().0,
            [9]
        );
        assert_eq!(decode::<IntegerAsn1>("test", &[2, 1, 9]).unwrap().0, [9]);
        assert!(
            decode::<BitStringAsn1>("test", &[3, 2, 0, 0x40])
                .unwrap()
                .0
                .is_set(1)
        );
    }
}
