//! Wrapped messages (RFC 4121 section 4.2): signed or sealed, and numbered.

use subtle::ConstantTimeEq as _;

use super::super::encryption::{
    Confounder, Unopened, UnsupportedEnctype, Usage, checksum, decrypt, encrypt,
};
use crate::kerberos::Key;
use crate::secret::SecretBytes;

/// By how much a wrapped message is longer than the message, at most: two headers, confounder and
/// check value.
pub const OVERHEAD_MAX: usize = 2 * HEADER + 16 + 24;

const HEADER: usize = 16;
/// The first bytes of a wrapped message.
const WRAPPED: [u8; 2] = [5, 4];
const FILLER: u8 = 0xff;
/// The flags of a header.
const BY_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;
const ACCEPTOR_SUBKEY: u8 = 4;

/// Bytes that are no message of this context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadWrap {
    /// They do not have the form of a wrapped message, or not of the kind that is wanted here.
    #[error("this is no wrapped message: {0}")]
    Malformed(&'static str),
    /// The check value does not fit: they were changed, or are of another context.
    #[error("a wrapped message was changed on its way")]
    Changed,
    /// A message came twice, or one is missing.
    #[error("message {found} came where {wanted} was due")]
    OutOfOrder {
        /// Its number.
        found: u64,
        /// The number due.
        wanted: u64,
    },
    /// Nothing is wrapped under the context's enctype.
    #[error(transparent)]
    Unsupported(UnsupportedEnctype),
}

/// One half of a context: the key and the number of the next message.
#[derive(Debug)]
struct Half {
    key: Key,
    /// The flags that every header of this half has.
    flags: u8,
    next: u64,
}

/// The half that sends.
#[derive(Debug)]
pub struct Sending(Half);

/// The half that receives.
#[derive(Debug)]
pub struct Receiving(Half);

/// The first sixteen bytes of a wrapped message.
struct Header {
    flags: u8,
    /// How many bytes the check value (signed) or the filler (sealed) has.
    extra: u16,
    /// By how many bytes what follows is turned to the right.
    turn: u16,
    number: u64,
}

impl Header {
    fn bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..2].copy_from_slice(&WRAPPED);
        bytes[2] = self.flags;
        bytes[3] = FILLER;
        bytes[4..6].copy_from_slice(&self.extra.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.turn.to_be_bytes());
        bytes[8..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }
}

impl Half {
    fn new(key: Key, acceptor_subkey: bool, by_acceptor: bool, first: u32) -> Self {
        let subkey = if acceptor_subkey { ACCEPTOR_SUBKEY } else { 0 };
        let sender = if by_acceptor { BY_ACCEPTOR } else { 0 };
        Self {
            key,
            flags: subkey | sender,
            next: first.into(),
        }
    }

    fn usage(&self) -> Usage {
        if self.flags & BY_ACCEPTOR == 0 {
            Usage::InitiatorWrap
        } else {
            Usage::AcceptorWrap
        }
    }

    fn step(&mut self) -> u64 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }

    fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, UnsupportedEnctype> {
        let mut header = Header {
            flags: self.flags,
            extra: 0,
            turn: 0,
            number: self.step(),
        };
        let sum = self.sum(text, &header)?;
        // A check value has 24 bytes at most.
        header.extra = u16::try_from(sum.len()).unwrap_or(u16::MAX);
        Ok([&header.bytes()[..], text, &sum].concat())
    }

    /// The check value of a message that is only signed: over the text and the header as it is
    /// before it tells of the check value.
    fn sum(&self, text: &[u8], header: &Header) -> Result<Vec<u8>, UnsupportedEnctype> {
        let bare = Header {
            extra: 0,
            turn: 0,
            ..*header
        };
        let covered = [text, &bare.bytes()].concat();
        checksum(&self.key, self.usage(), &covered).map(|(_kind, sum)| sum)
    }

    fn seal(&mut self, text: &[u8], random: &Confounder) -> Result<Vec<u8>, UnsupportedEnctype> {
        let header = Header {
            flags: self.flags | SEALED,
            extra: 0,
            turn: 0,
            number: self.step(),
        };
        let header = header.bytes();
        let plain = SecretBytes::new([text, &header].concat());
        let cipher = encrypt(&self.key, self.usage(), plain.expose(), random)?;
        Ok([&header[..], &cipher].concat())
    }

    /// The header, which must be the next one and sealed or not as wanted, and what follows it,
    /// turned back.
    fn take_apart(&self, token: &[u8], sealed: u8) -> Result<(Header, Vec<u8>), BadWrap> {
        let Some((header, body)) = token.split_first_chunk::<HEADER>() else {
            return Err(BadWrap::Malformed("it is too short"));
        };
        let [first, second, flags, filler, e1, e2, t1, t2, number @ ..] = *header;
        if [first, second] != WRAPPED || filler != FILLER {
            return Err(BadWrap::Malformed("it does not begin like one"));
        }
        if flags != self.flags | sealed {
            let why = "it is of another sender, key or protection than agreed";
            return Err(BadWrap::Malformed(why));
        }
        let header = Header {
            flags,
            extra: u16::from_be_bytes([e1, e2]),
            turn: u16::from_be_bytes([t1, t2]),
            number: u64::from_be_bytes(number),
        };
        let mut body = body.to_vec();
        if !body.is_empty() {
            let turn = usize::from(header.turn) % body.len();
            body.rotate_left(turn);
        }
        Ok((header, body))
    }

    fn in_order(&mut self, header: &Header) -> Result<(), BadWrap> {
        if header.number != self.next {
            return Err(BadWrap::OutOfOrder {
                found: header.number,
                wanted: self.next,
            });
        }
        self.step();
        Ok(())
    }

    fn verify(&mut self, token: &[u8]) -> Result<Vec<u8>, BadWrap> {
        let (header, mut text) = self.take_apart(token, 0)?;
        let end = text.len().checked_sub(usize::from(header.extra));
        let end = end.ok_or(BadWrap::Malformed("its check value is cut short"))?;
        let found = text.split_off(end);
        let wanted = self.sum(&text, &header).map_err(BadWrap::Unsupported)?;
        if !bool::from(wanted.ct_eq(&found)) {
            return Err(BadWrap::Changed);
        }
        self.in_order(&header)?;
        Ok(text)
    }

    fn open(&mut self, token: &[u8]) -> Result<SecretBytes, BadWrap> {
        let (header, cipher) = self.take_apart(token, SEALED)?;
        let plain = decrypt(&self.key, self.usage(), &cipher).map_err(|error| match error {
            Unopened::Unsupported(enctype) => BadWrap::Unsupported(enctype),
            Unopened::WrongKey => BadWrap::Changed,
        })?;
        // The text, the filler, and the header again, which the check value covers here.
        let again = Header { turn: 0, ..header };
        let text = plain.expose().strip_suffix(&again.bytes());
        let text = text.ok_or(BadWrap::Changed)?;
        let end = text.len().checked_sub(usize::from(header.extra));
        let end = end.ok_or(BadWrap::Malformed("its filler is cut short"))?;
        self.in_order(&header)?;
        Ok(SecretBytes::new(text[..end].to_vec()))
    }
}

impl Sending {
    pub(super) fn new(key: Key, acceptor_subkey: bool, first: u32) -> Self {
        Self(Half::new(key, acceptor_subkey, false, first))
    }

    /// The text with a check value, readable to all.
    ///
    /// # Errors
    /// [`UnsupportedEnctype`] if the context's key is of RC4.
    pub fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, UnsupportedEnctype> {
        self.0.sign(text)
    }

    /// The text encrypted; `random` is drawn anew for each.
    ///
    /// # Errors
    /// [`UnsupportedEnctype`] if the context's key is of RC4.
    pub fn seal(
        &mut self,
        text: &[u8],
        random: &Confounder,
    ) -> Result<Vec<u8>, UnsupportedEnctype> {
        self.0.seal(text, random)
    }
}

impl Receiving {
    pub(super) fn new(key: Key, acceptor_subkey: bool, first: u32) -> Self {
        Self(Half::new(key, acceptor_subkey, true, first))
    }

    /// The text of a message that is signed and not sealed.
    ///
    /// # Errors
    /// [`BadWrap`]; the context is of no use after it.
    pub fn verify(&mut self, token: &[u8]) -> Result<Vec<u8>, BadWrap> {
        self.0.verify(token)
    }

    /// The text of a sealed message; one that is only signed is refused.
    ///
    /// # Errors
    /// [`BadWrap`]; the context is of no use after it.
    pub fn open(&mut self, token: &[u8]) -> Result<SecretBytes, BadWrap> {
        self.0.open(token)
    }
}

/// Both halves of the other end, for tests.
#[cfg(test)]
pub(super) fn of_acceptor(
    key: &Key,
    acceptor_subkey: bool,
    theirs: u32,
    ours: u32,
) -> (Sending, Receiving) {
    let half = |by_acceptor, first| Half::new(key.duplicate(), acceptor_subkey, by_acceptor, first);
    (Sending(half(true, ours)), Receiving(half(false, theirs)))
}
