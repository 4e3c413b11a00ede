//! The bind by SASL (RFC 4511 section 4.2), which ldap3 has only with a C library behind it.

use super::{ENUMERATED, Elements, INTEGER, NotLdap, OCTETS, SEQUENCE, answer, number};

const BIND_REQUEST: u8 = 0x60;
const BIND_ANSWER: u8 = 0x61;
/// The choice of SASL within a bind request, and what the server says within its answer.
const SASL: u8 = 0xa3;
const SERVER_CREDENTIALS: u8 = 0x87;

/// The version of LDAP.
const VERSION: u8 = 3;

/// A domain controller's answer to a bind.
#[derive(Debug, PartialEq, Eq)]
pub struct BindAnswer {
    /// The result code (RFC 4511 section 4.1.9); 14 asks for the next step.
    pub code: u32,
    /// The diagnostic text.
    pub text: String,
    /// What the mechanism says.
    pub credentials: Vec<u8>,
}

/// A bind request with number `id`, at most 127, by a SASL mechanism.
#[must_use]
pub fn request(id: u8, mechanism: &str, credentials: &[u8]) -> Vec<u8> {
    let sasl = [
        element(OCTETS, mechanism.as_bytes()),
        element(OCTETS, credentials),
    ]
    .concat();
    // The name stays empty: the mechanism tells who binds.
    let bind = [
        element(INTEGER, &[VERSION]),
        element(OCTETS, b""),
        element(SASL, &sasl),
    ]
    .concat();
    let message = [element(INTEGER, &[id]), element(BIND_REQUEST, &bind)].concat();
    element(SEQUENCE, &message)
}

/// Reads the answer to the bind request with number `id`.
///
/// # Errors
/// [`NotLdap`] if it is anything else.
pub fn read_answer(message: &[u8], id: u8) -> Result<BindAnswer, NotLdap> {
    let whole = answer(message)?;
    if whole.id != u32::from(id) || whole.operation != BIND_ANSWER {
        return Err(NotLdap("it does not answer the bind"));
    }
    let mut parts = Elements(Elements(message).expect(SEQUENCE)?);
    parts.expect(INTEGER)?;
    let mut parts = Elements(parts.expect(BIND_ANSWER)?);
    let code = number(parts.expect(ENUMERATED)?)?;
    parts.expect(OCTETS)?;
    // `answer` has seen that it is UTF-8.
    let text = String::from_utf8_lossy(parts.expect(OCTETS)?).into_owned();
    let mut credentials = Vec::new();
    while let Some((tag, body)) = parts.next()? {
        if tag == SERVER_CREDENTIALS {
            credentials = body.to_vec();
        }
    }
    Ok(BindAnswer {
        code,
        text,
        credentials,
    })
}

fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let digits = body.len().to_be_bytes();
    let skipped = digits.iter().take_while(|digit| **digit == 0).count();
    let mut element = vec![tag];
    if body.len() >= 0x80 {
        // At most eight digits.
        element.push(0x80 | u8::try_from(digits.len() - skipped).unwrap_or(u8::MAX));
        element.extend_from_slice(&digits[skipped..]);
    } else {
        element.push(digits[digits.len() - 1]);
    }
    element.extend_from_slice(body);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_rfc_4511_writes_it() {
        let expected =
            b"\x30\x16\x02\x01\x02\x60\x11\x02\x01\x03\x04\x00\xa3\x0a\x04\x04GSAP\x04\x02hi";
        assert_eq!(request(2, "GSAP", b"hi"), expected);
        for length in [127, 128, 255, 256, 70_000] {
            let bytes = request(1, "GSSAPI", &vec![7; length]);
            assert_eq!(super::super::message_length(&bytes), Ok(Some(bytes.len())));
            assert_eq!(super::super::request(&bytes).unwrap().operation, 0x60);
        }
    }

    #[test]
    fn an_answer_tells_code_text_and_credentials() {
        let bytes = b"\x30\x11\x02\x01\x02\x61\x0c\x0a\x01\x0e\x04\x00\x04\x02ab\x87\x01c";
        let expected = BindAnswer {
            code: 14,
            text: "ab".to_owned(),
            credentials: b"c".to_vec(),
        };
        assert_eq!(read_answer(bytes, 2), Ok(expected));
        read_answer(bytes, 3).unwrap_err();
        let modified = b"\x30\x0c\x02\x01\x02\x67\x07\x0a\x01\x00\x04\x00\x04\x00";
        read_answer(modified, 2).unwrap_err();
    }
}
