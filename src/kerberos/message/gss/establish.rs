//! The context's establishment: a ticket shown, and the service's proof judged.

use chrono::{DateTime, Timelike as _, Utc};
use picky_krb::data_types::EncApRepPart;
use picky_krb::messages::ApRep;

use super::super::ap_exchange::{Beside, show};
use super::super::as_exchange::micros;
use super::super::credential::Credential;
use super::super::der::{Malformed, decode, encode, header};
use super::super::encryption::{Confounder, Usage};
use super::super::kdc_error::{self, KdcCode};
use super::super::ticket::{OpenError, PVNO, open_sealed};
use super::super::wire::{Unsayable, int32, number, of_key, of_time, uint32};
use super::binding::ChannelBinding;
use super::wrap::{Receiving, Sending};
use crate::kerberos::Key;

/// 1.2.840.113554.1.2.2, the Kerberos mechanism, as an element.
pub(super) const MECHANISM: [u8; 11] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02,
];
/// The frame of every token of the establishment (RFC 2743 section 3.1).
pub(super) const FRAME: u8 = 0x60;
/// Which message a token holds (RFC 4121 section 4.1).
const REQUEST: [u8; 2] = [1, 0];
const REPLY: [u8; 2] = [2, 0];
const ERROR: [u8; 2] = [3, 0];
/// The kind of checksum that is none, but holds flags and bindings (RFC 4121 section 4.1.1).
const CHECKSUM: i32 = 0x8003;
/// The flags in it: of the service's own proof, of replays and order, of wrapping.
const MUTUAL: u32 = 2;
const REPLAY: u32 = 4;
const SEQUENCE: u32 = 8;
const CONFIDENTIAL: u32 = 16;
const INTEGRITY: u32 = 32;

const WHAT: &str = "service's reply (AP-REP)";

/// What the context is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Each other's proof alone: something else, such as TLS, protects what is said.
    Proof,
    /// The context encrypts what is said.
    Sealing,
}

/// A ticket to be shown for a context.
#[derive(Debug, Clone, Copy)]
pub struct Initiation<'a> {
    /// The ticket.
    pub credential: &'a Credential,
    /// A fresh random key of the session key's enctype: no two contexts share a key, whatever the
    /// service adds.
    pub subkey: &'a Key,
    /// The number of the first message: random, at most 2^30 - 1, since some services read it
    /// with a sign.
    pub sequence: u32,
    /// The time.
    pub now: DateTime<Utc>,
    /// Random bytes.
    pub confounder: &'a Confounder,
    /// What for.
    pub protection: Protection,
    /// The channel that it holds on.
    pub binding: Option<&'a ChannelBinding>,
}

/// An established context: the service has proven itself.
#[derive(Debug)]
pub struct Context {
    /// For what is sent.
    pub sending: Sending,
    /// For what is received.
    pub receiving: Receiving,
}

/// Why there is no context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unestablished {
    /// The service refuses the ticket or the time.
    #[error("it does not take the ticket: {0}")]
    Refused(KdcCode),
    /// The service answers, but does not prove that it is the one that the ticket is for.
    #[error("it does not prove that it is the service: {0}")]
    Unproven(OpenError),
    /// The answer cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Initiation<'_> {
    /// The first token: a KRB-AP-REQ within GSS-API's frame.
    ///
    /// # Errors
    /// [`Unsayable`] if a name is not ASCII, a time is out of range or the session key is of RC4.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        let beside = Beside {
            sum: Some((CHECKSUM, self.checksum())),
            subkey: Some(self.subkey),
            sequence: Some(self.sequence),
            mutual: true,
        };
        let usage = Usage::Authenticator;
        let shown = show(self.credential, usage, beside, self.now, self.confounder)?;
        Ok(frame(REQUEST, &encode(&shown)))
    }

    /// Length and bytes of the bindings, then the flags, all with the low byte first.
    fn checksum(&self) -> Vec<u8> {
        let flags = match self.protection {
            Protection::Proof => MUTUAL,
            Protection::Sealing => MUTUAL | REPLAY | SEQUENCE | CONFIDENTIAL | INTEGRITY,
        };
        let bindings = self.binding.map_or([0; 16], |binding| *binding.bytes());
        let length = u32::try_from(bindings.len()).unwrap_or(u32::MAX);
        [&length.to_le_bytes()[..], &bindings, &flags.to_le_bytes()].concat()
    }

    /// The context, if `token` is the service's proof for this very request.
    ///
    /// # Errors
    /// [`Unestablished`].
    pub fn establish(&self, token: &[u8]) -> Result<Context, Unestablished> {
        let (kind, message) = unframe(token)?;
        match kind {
            REPLY => self.judge(message).map_err(Unestablished::Unproven),
            ERROR => match kdc_error::parse(message)? {
                Some((refusal, _hints)) => Err(Unestablished::Refused(refusal.code)),
                None => Err(Malformed::new(WHAT, "it is announced as an error and is none").into()),
            },
            _ => Err(Malformed::new(WHAT, "it is neither a reply nor an error").into()),
        }
    }

    fn judge(&self, reply: &[u8]) -> Result<Context, OpenError> {
        let reply = decode::<ApRep>(WHAT, reply)?.0;
        if number(&reply.pvno.0) != Some(PVNO) {
            return Err(Malformed::new(WHAT, "it is not of version 5").into());
        }
        let sealed = reply.enc_part.0;
        let found = int32(WHAT, &sealed.etype.0)?;
        let session_key = &self.credential.session_key;
        let plain = open_sealed(session_key, found, Usage::ApReply, &sealed.cipher.0.0)?;
        let part = decode::<EncApRepPart>(WHAT, plain.expose())?.0;
        // Only who opened the authenticator knows the microseconds in it.
        let second = self.now.with_nanosecond(0).unwrap_or(self.now);
        if of_time(WHAT, &part.ctime.0)? != second || part.cusec.0 != micros(self.now) {
            return Err(OpenError::OtherRequest("time"));
        }
        let theirs = part.subkey.0.map(|key| of_key(WHAT, key.0)).transpose()?;
        let sequence = part.seq_number.0.map(|number| uint32(WHAT, &number.0));
        let by_service = theirs.is_some();
        let key = theirs.unwrap_or_else(|| self.subkey.duplicate());
        Ok(Context {
            sending: Sending::new(key.duplicate(), by_service, self.sequence),
            receiving: Receiving::new(key, by_service, sequence.transpose()?.unwrap_or(0)),
        })
    }
}

fn frame(kind: [u8; 2], message: &[u8]) -> Vec<u8> {
    element(FRAME, &[&MECHANISM, &kind, message])
}

/// A tag, the length in its shortest form, and the parts one after the other.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let digits = length.to_be_bytes();
    let skipped = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = &digits[skipped.min(digits.len() - 1)..];
    let mut bytes = vec![tag];
    if length >= 0x80 {
        // At most eight digits.
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(u8::MAX));
    }
    bytes.extend_from_slice(digits);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// Which message a token holds, and that message.
fn unframe(token: &[u8]) -> Result<([u8; 2], &[u8]), Malformed> {
    let malformed = |reason| Malformed::new(WHAT, reason);
    let (tag, length, rest) = header(token).map_err(malformed)?;
    if tag != FRAME || length != rest.len() {
        return Err(malformed("it is not framed as GSS-API frames it"));
    }
    let rest = rest.strip_prefix(&MECHANISM);
    let rest = rest.ok_or(malformed("it is not of the Kerberos mechanism"))?;
    let (kind, message) = rest
        .split_first_chunk()
        .ok_or(malformed("it has no message"))?;
    Ok((*kind, message))
}
