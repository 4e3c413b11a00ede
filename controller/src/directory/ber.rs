//! Checks an LDAP message (RFC 4511 section 4) for its exact shape before the LDAP library sees it.
//!
//! ldap3's parser recurses as deep as the message nests, and its readers end the process on a
//! message of another shape. A domain controller that has been broken into must not stop the
//! controller between a write and its answer, so only messages that this file has walked through,
//! without recursion and each element of it, are handed on.

/// The longest message that is read, in bytes. The largest answer asked for is a page of entries,
/// each a message of its own of at most a few thousand values.
pub const MESSAGE_MAX: usize = 4 << 20;

/// A message that no domain controller sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it sent something that is no LDAP message: {0}")]
pub struct NotLdap(pub &'static str);

/// A message's number and what it is: the tag of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// The number, by which an answer finds its request; 0 is nobody's.
    pub id: u32,
    /// The operation's tag byte.
    pub operation: u8,
}

/// A search request.
pub const SEARCH_REQUEST: u8 = 0x63;
/// The last message of a search.
pub const SEARCH_DONE: u8 = 0x65;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_REFERENCE: u8 = 0x73;
/// The answers that are a bare LDAPResult: bind, modify, add, delete, rename, compare, extended.
const RESULTS: [u8; 7] = [0x61, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x78];

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTROLS: u8 = 0xa0;
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

impl Message {
    /// Whether this answers a search (`search` true) or anything else.
    #[must_use]
    pub fn answers(&self, search: bool) -> bool {
        let of_search = matches!(
            self.operation,
            SEARCH_ENTRY | SEARCH_REFERENCE | SEARCH_DONE
        );
        search == of_search
    }
}

/// How many bytes the first message in `bytes` has; `None` as long as too few are there to tell.
///
/// # Errors
/// [`NotLdap`] if no message begins like this, or it would be longer than [`MESSAGE_MAX`].
pub fn message_length(bytes: &[u8]) -> Result<Option<usize>, NotLdap> {
    let Some(&tag) = bytes.first() else {
        return Ok(None);
    };
    if tag != SEQUENCE {
        return Err(NotLdap("it does not begin with a sequence"));
    }
    let Some((header, body)) = header(bytes)? else {
        return Ok(None);
    };
    let whole = header
        .checked_add(body)
        .filter(|whole| *whole <= MESSAGE_MAX);
    whole.map(Some).ok_or(NotLdap("it is too long"))
}

/// Only the number and the operation of a request of ours.
///
/// # Errors
/// [`NotLdap`] if it is none.
pub fn request(message: &[u8]) -> Result<Message, NotLdap> {
    let mut outer = Elements(message);
    let mut parts = Elements(outer.expect(SEQUENCE)?);
    let id = number(parts.expect(INTEGER)?)?;
    let (operation, _) = parts.next()?.ok_or(NotLdap("it has no operation"))?;
    Ok(Message { id, operation })
}

/// Walks through a whole answer.
///
/// # Errors
/// [`NotLdap`] if any part is not where RFC 4511 puts it.
pub fn answer(message: &[u8]) -> Result<Message, NotLdap> {
    let mut outer = Elements(message);
    let mut parts = Elements(outer.expect(SEQUENCE)?);
    outer.end()?;
    let id = number(parts.expect(INTEGER)?)?;
    let (operation, body) = parts.next()?.ok_or(NotLdap("it has no operation"))?;
    match operation {
        SEARCH_ENTRY => entry(body)?,
        SEARCH_REFERENCE => texts(body)?,
        SEARCH_DONE => result(body)?,
        _ if RESULTS.contains(&operation) => result(body)?,
        _ => return Err(NotLdap("its operation is not one that was asked for")),
    }
    if let Some((tag, list)) = parts.next()? {
        // AD puts the name of a notice of disconnection here (tag 10), outside the operation.
        match tag {
            CONTROLS => controls(list)?,
            0x8a if id == 0 => {}
            _ => return Err(NotLdap("it has more parts than an operation and controls")),
        }
    }
    parts.end()?;
    Ok(Message { id, operation })
}

fn entry(body: &[u8]) -> Result<(), NotLdap> {
    let mut parts = Elements(body);
    text(parts.expect(OCTETS)?)?;
    let mut attributes = Elements(parts.expect(SEQUENCE)?);
    parts.end()?;
    while let Some(attribute) = attributes.next_of(SEQUENCE)? {
        let mut parts = Elements(attribute);
        text(parts.expect(OCTETS)?)?;
        let mut values = Elements(parts.expect(SET)?);
        parts.end()?;
        while values.next_of(OCTETS)?.is_some() {}
    }
    Ok(())
}

/// LDAPResult (RFC 4511 section 4.1.9) with what bind and extended answers append.
fn result(body: &[u8]) -> Result<(), NotLdap> {
    let mut parts = Elements(body);
    number(parts.expect(ENUMERATED)?)?;
    text(parts.expect(OCTETS)?)?;
    text(parts.expect(OCTETS)?)?;
    while let Some((tag, body)) = parts.next()? {
        match tag {
            0xa3 => texts(body)?,
            0x8a => text(body)?,
            0x87 | 0x8b => {}
            _ => return Err(NotLdap("a result has an unknown part")),
        }
    }
    Ok(())
}

fn controls(list: &[u8]) -> Result<(), NotLdap> {
    let mut list = Elements(list);
    while let Some(control) = list.next_of(SEQUENCE)? {
        let mut parts = Elements(control);
        let kind = parts.expect(OCTETS)?;
        text(kind)?;
        let mut next = parts.next()?;
        if let Some((BOOLEAN, value)) = next {
            if value.len() != 1 {
                return Err(NotLdap("a truth value is not one byte"));
            }
            next = parts.next()?;
        }
        match next {
            Some((OCTETS, value)) if kind == PAGED_RESULTS => paged_results(value)?,
            None if kind == PAGED_RESULTS => return Err(NotLdap("a page has no value")),
            Some((OCTETS, _)) | None => {}
            Some(_) => return Err(NotLdap("a control has an unknown part")),
        }
        parts.end()?;
    }
    Ok(())
}

fn paged_results(value: &[u8]) -> Result<(), NotLdap> {
    let mut outer = Elements(value);
    let mut parts = Elements(outer.expect(SEQUENCE)?);
    number(parts.expect(INTEGER)?)?;
    parts.expect(OCTETS)?;
    parts.end()?;
    outer.end()
}

fn texts(body: &[u8]) -> Result<(), NotLdap> {
    let mut list = Elements(body);
    while let Some(value) = list.next_of(OCTETS)? {
        text(value)?;
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<(), NotLdap> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err(NotLdap("a text in it is not UTF-8")),
    }
}

/// A number that is not negative and fits 31 bits, as RFC 4511 limits them all.
fn number(bytes: &[u8]) -> Result<u32, NotLdap> {
    let number = bytes.iter().try_fold(0_u32, |sum, byte| {
        Some(sum.checked_mul(256)? | u32::from(*byte))
    });
    match number {
        Some(number) if !bytes.is_empty() && number <= i32::MAX as u32 => Ok(number),
        _ => Err(NotLdap("a number in it is missing or too large")),
    }
}

/// The bytes of the header of the element that `bytes` begin with, and of its body.
fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>, NotLdap> {
    let Some(&first) = bytes.get(1) else {
        return Ok(None);
    };
    if first < 0x80 {
        return Ok(Some((2, usize::from(first))));
    }
    // 0x80 is a length that only the end tells, which LDAP forbids (RFC 4511 section 5.1).
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(NotLdap("a length is not one that LDAP has"));
    }
    let Some(length) = bytes.get(2..2 + count) else {
        return Ok(None);
    };
    let length = length
        .iter()
        .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    Ok(Some((2 + count, length)))
}

/// Elements laid end to end.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, NotLdap> {
        const CUT: NotLdap = NotLdap("it is cut short");
        let Some(&tag) = self.0.first() else {
            return Ok(None);
        };
        let (start, length) = header(self.0)?.ok_or(CUT)?;
        let end = start.checked_add(length).ok_or(CUT)?;
        let body = self.0.get(start..end).ok_or(CUT)?;
        self.0 = &self.0[end..];
        Ok(Some((tag, body)))
    }

    fn next_of(&mut self, wanted: u8) -> Result<Option<&'a [u8]>, NotLdap> {
        match self.next()? {
            None => Ok(None),
            Some((tag, body)) if tag == wanted => Ok(Some(body)),
            Some(_) => Err(NotLdap("a part is of another kind than LDAP has there")),
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<&'a [u8], NotLdap> {
        self.next_of(wanted)?.ok_or(NotLdap("a part is missing"))
    }

    fn end(&self) -> Result<(), NotLdap> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(NotLdap("it goes on after its end"))
        }
    }
}

pub mod bind;

#[cfg(test)]
mod tests;
