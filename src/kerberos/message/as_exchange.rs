//! The AS exchange (RFC 4120 section 3.1): an account's own key for a first ticket.

use chrono::{DateTime, TimeDelta, Utc};
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, IntegerAsn1,
    OctetStringAsn1, Optional,
};
use picky_krb::data_types::PaEncTsEnc;
use picky_krb::messages::{AsRep, AsReq};
use serde::{Deserialize, Serialize};

use super::der::{Malformed, decode, encode};
use super::encryption::{Confounder, Usage};
use super::kdc_error::{self, KdcCode, KdcError};
use super::kdc_exchange::{FORWARDABLE, Granted, Wanted, body, find_hint, hint, request};
use super::wire::{Unsayable, int32, integer, seal, to_time};
use crate::kerberos::salt::Salt;
use crate::kerberos::{Enctype, Key, Principal, Realm};

const AS_REQ: i64 = 10;
/// The first component of a ticket-granting service's name (RFC 4120 section 7.3).
pub(super) const KRBTGT: &str = "krbtgt";
/// Kinds of hints (RFC 4120 section 7.5.2): PA-ENC-TIMESTAMP and PA-ETYPE-INFO2.
const ENC_TIMESTAMP: i64 = 2;
const ETYPE_INFO2: i64 = 19;
const WHAT: &str = "AS reply";

/// A request for a first ticket.
///
/// Without `preauth` it asks which salt and enctype the KDC would use, and costs nothing. With a
/// wrong key the directory counts a failed login: never try the pending key of a service here.
#[derive(Debug, Clone, Copy)]
pub struct AsRequest<'a> {
    /// Who asks.
    pub client: &'a Principal,
    /// For which service: [`krbtgt`], or any service of the realm.
    pub service: &'a Principal,
    /// Which enctypes are offered, best first. A KDC tells the salt of the best one only, so offer
    /// one at a time to look at each key.
    pub enctypes: &'a [Enctype],
    /// The time.
    pub now: DateTime<Utc>,
    /// How long the ticket should be honoured; the KDC may grant less.
    pub lifetime: TimeDelta,
    /// A random number, at most 2^31 - 1: some KDCs read it with a sign.
    pub nonce: u32,
    /// The proof that the client has its key.
    pub preauth: Option<Preauth<'a>>,
}

/// Proves a key by encrypting the time (RFC 4120 section 5.2.7.2).
#[derive(Debug, Clone, Copy)]
pub struct Preauth<'a> {
    /// The client's key.
    pub key: &'a Key,
    /// Random bytes.
    pub confounder: &'a Confounder,
}

/// What a KDC answers to an AS request.
#[derive(Debug)]
pub enum AsReply {
    /// A ticket.
    Granted(Box<Granted>),
    /// The key must be proven first; this is how to derive it. Empty if the KDC gives no hint.
    PreauthRequired(Vec<KeyHint>),
    /// No.
    Refused(KdcError),
}

/// How a KDC derives one of an account's keys (RFC 4120 section 5.2.7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHint {
    /// The number of the enctype.
    pub enctype: i32,
    /// The salt, where the enctype has one and it is text.
    pub salt: Option<Salt>,
    /// The iteration count, where the KDC names one.
    pub iterations: Option<u32>,
}

/// The ticket-granting service of a realm: `krbtgt/REALM@REALM`.
#[must_use]
pub fn krbtgt(realm: &Realm) -> Principal {
    let parts = vec![KRBTGT.to_owned(), realm.as_str().to_owned()];
    Principal::new(parts, realm.clone()).expect("a realm is neither empty nor long")
}

impl AsRequest<'_> {
    /// The message, without TCP's frame.
    ///
    /// # Errors
    /// [`Unsayable`] if a name is not ASCII, a time is out of range or the key is of RC4.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        let mut hints = Vec::new();
        if let Some(preauth) = &self.preauth {
            let stamp = encode(&PaEncTsEnc {
                patimestamp: ExplicitContextTag0::from(to_time(self.now)?),
                pausec: Optional::from(Some(ExplicitContextTag1::from(micros(self.now)))),
            });
            let usage = Usage::AsRequestTimestamp;
            let sealed = seal(preauth.key, None, usage, &stamp, preauth.confounder)?;
            hints.push(hint(ENC_TIMESTAMP, encode(&sealed)));
        }
        let wanted = Wanted {
            client: Some(self.client),
            service: self.service,
            enctypes: self.enctypes,
            now: self.now,
            lifetime: self.lifetime,
            nonce: self.nonce,
            options: FORWARDABLE,
            evidence: None,
        };
        Ok(encode(&AsReq::from(request(AS_REQ, hints, body(&wanted)?))))
    }
}

/// The microseconds within the second; a leap second counts as the end of the one before.
pub(super) fn micros(now: DateTime<Utc>) -> IntegerAsn1 {
    integer(now.timestamp_subsec_micros().min(999_999).into())
}

impl AsReply {
    /// Reads a KDC's answer.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither an AS-REP nor a KRB-ERROR.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some((refusal, hints)) = kdc_error::parse(bytes)? else {
            let reply = decode::<AsRep>(WHAT, bytes)?.0;
            return Ok(Self::Granted(Box::new(Granted::new(
                WHAT,
                Usage::AsReply,
                reply,
            )?)));
        };
        if refusal.code != KdcCode::PreauthRequired {
            return Ok(Self::Refused(refusal));
        }
        let list = find_hint(&hints, ETYPE_INFO2).map(key_hints).transpose()?;
        Ok(Self::PreauthRequired(list.unwrap_or_default()))
    }
}

impl Granted {
    /// How the KDC derived the client's key, if it says so in the reply.
    ///
    /// # Errors
    /// [`Malformed`] if the hint cannot be read.
    pub fn key_hints(&self) -> Result<Vec<KeyHint>, Malformed> {
        let list = self.hint(ETYPE_INFO2).map(key_hints).transpose()?;
        Ok(list.unwrap_or_default())
    }
}

/// `ETYPE-INFO2-ENTRY`. Not picky-krb's, which loses the whole list over one salt that is not
/// ASCII; its decoder takes any string type for bytes.
#[derive(Debug, Serialize, Deserialize)]
struct HintEntry {
    etype: ExplicitContextTag0<IntegerAsn1>,
    #[serde(default)]
    salt: Optional<Option<ExplicitContextTag1<OctetStringAsn1>>>,
    #[serde(default)]
    s2kparams: Optional<Option<ExplicitContextTag2<OctetStringAsn1>>>,
}

fn key_hints(value: &[u8]) -> Result<Vec<KeyHint>, Malformed> {
    const WHAT: &str = "list of enctypes (ETYPE-INFO2)";
    let entries = decode::<Asn1SequenceOf<HintEntry>>(WHAT, value)?.0;
    let read = |entry: HintEntry| {
        let salt = entry
            .salt
            .0
            .and_then(|salt| String::from_utf8(salt.0.0).ok());
        let count = entry
            .s2kparams
            .0
            .and_then(|count| <[u8; 4]>::try_from(count.0.0).ok());
        Ok(KeyHint {
            enctype: int32(WHAT, &entry.etype.0)?,
            salt: salt.map(Salt::new),
            iterations: count.map(u32::from_be_bytes),
        })
    };
    entries.into_iter().map(read).collect()
}
