//! The AP exchange (RFC 4120 section 3.2): a ticket shown to a service, and the service's verdict.

use chrono::{DateTime, TimeDelta, Utc};
use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3,
    ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag6, ExplicitContextTag7,
    OctetStringAsn1, Optional,
};
use picky_krb::data_types::{Authenticator, AuthenticatorInner, Checksum};
use picky_krb::messages::{ApReq, ApReqInner};
use zeroize::Zeroizing;

use super::as_exchange::micros;
use super::credential::{Credential, TicketFlags};
use super::der::{Malformed, decode, encode};
use super::encryption::{Confounder, UnsupportedEnctype, Usage};
use super::ticket::{OpenError, PVNO, Ticket, TicketInside, open_sealed};
use super::wire::{
    Unsayable, flags, int32, integer, number, of_name, of_time, seal, to_key, to_name, to_realm,
    to_time,
};
use crate::kerberos::{Enctype, Key, Kvno, Principal};

const AP_REQ: i64 = 14;
const WHAT: &str = "AP request";

/// A ticket to be shown to its service, without a request for the service's own proof.
#[derive(Debug, Clone, Copy)]
pub struct ApRequest<'a> {
    /// The ticket.
    pub credential: &'a Credential,
    /// The time.
    pub now: DateTime<Utc>,
    /// Random bytes.
    pub confounder: &'a Confounder,
}

impl ApRequest<'_> {
    /// The message: a KRB-AP-REQ, without GSS-API's header.
    ///
    /// # Errors
    /// [`Unsayable`] if a name is not ASCII, a time is out of range or the session key is of RC4.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        let beside = Beside::default();
        let usage = Usage::Authenticator;
        show(self.credential, usage, beside, self.now, self.confounder).map(|shown| encode(&shown))
    }
}

/// What an authenticator says beside who shows the ticket and when.
#[derive(Default)]
pub(super) struct Beside<'a> {
    /// The number and the bytes of a checksum.
    pub sum: Option<(i32, Vec<u8>)>,
    /// The client's part in a key for this context alone.
    pub subkey: Option<&'a Key>,
    /// The number of the client's first message.
    pub sequence: Option<u32>,
    /// The service is to prove itself, too.
    pub mutual: bool,
}

/// The option `mutual-required` (RFC 4120 section 5.5.1).
const MUTUAL_REQUIRED: u32 = 1 << 29;

/// The ticket with a fresh authenticator.
pub(super) fn show(
    credential: &Credential,
    usage: Usage,
    beside: Beside<'_>,
    now: DateTime<Utc>,
    confounder: &Confounder,
) -> Result<ApReq, Unsayable> {
    let options = if beside.mutual { MUTUAL_REQUIRED } else { 0 };
    let subkey = beside.subkey.map(to_key).map(ExplicitContextTag6::from);
    let sequence = beside
        .sequence
        .map(|sequence| ExplicitContextTag7::from(integer(sequence.into())));
    let sum = beside.sum.map(|(kind, bytes)| {
        ExplicitContextTag3::from(Checksum {
            cksumtype: ExplicitContextTag0::from(integer(kind.into())),
            checksum: ExplicitContextTag1::from(OctetStringAsn1::from(bytes)),
        })
    });
    let authenticator = Zeroizing::new(encode(&Authenticator::from(AuthenticatorInner {
        authenticator_vno: ExplicitContextTag0::from(integer(PVNO)),
        crealm: ExplicitContextTag1::from(to_realm(credential.client.realm())?),
        cname: ExplicitContextTag2::from(to_name(&credential.client)?),
        cksum: Optional::from(sum),
        cusec: ExplicitContextTag4::from(micros(now)),
        ctime: ExplicitContextTag5::from(to_time(now)?),
        subkey: Optional::from(subkey),
        seq_number: Optional::from(sequence),
        authorization_data: Optional::from(None),
    })));
    let sealed = seal(
        &credential.session_key,
        None,
        usage,
        &authenticator,
        confounder,
    )?;
    Ok(ApReq::from(ApReqInner {
        pvno: ExplicitContextTag0::from(integer(PVNO)),
        msg_type: ExplicitContextTag1::from(integer(AP_REQ)),
        ap_options: ExplicitContextTag2::from(flags(options)),
        ticket: ExplicitContextTag3::from(credential.ticket.wire().clone()),
        authenticator: ExplicitContextTag4::from(sealed),
    }))
}

/// What an accepted request proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Who showed the ticket.
    pub client: Principal,
    /// The service it is for, as the ticket spells it.
    pub service: Principal,
    /// The version of the key that opened it.
    pub kvno: Kvno,
    /// That key's enctype.
    pub enctype: Enctype,
    /// Until when the ticket is honoured.
    pub ticket_end: DateTime<Utc>,
}

/// Why a request was not accepted. The first two are worded as MIT's acceptors word them, so that
/// a search through a web server's log and through ours finds the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// There is no such key: it was not staged here, or was retired too early.
    #[error(
        "request ticket server {principal} kvno {kvno} enctype {enctype} not found in keytab; \
         keytab is likely out of date"
    )]
    UnknownKey {
        /// The service the ticket is for.
        principal: Principal,
        /// The version of the key it is under.
        kvno: Kvno,
        /// That key's enctype.
        enctype: Enctype,
    },
    /// There is such a key, but it is another one: kvnos alone do not identify keys.
    #[error(
        "request ticket server {principal} kvno {kvno} enctype {enctype} found in keytab but \
         cannot decrypt ticket"
    )]
    WrongKey {
        /// The service the ticket is for.
        principal: Principal,
        /// The version of the key it is under.
        kvno: Kvno,
        /// That key's enctype.
        enctype: Enctype,
    },
    /// The ticket is under an enctype that no key here can have.
    #[error("the ticket is under enctype {0}, which is unknown here")]
    UnknownEnctype(i32),
    /// The ticket is under an enctype that is not opened here.
    #[error(transparent)]
    Unsupported(UnsupportedEnctype),
    /// The ticket is over.
    #[error("the ticket expired at {0}")]
    Expired(DateTime<Utc>),
    /// The ticket is not valid yet.
    #[error("the ticket is not valid before {0}")]
    NotYetValid(DateTime<Utc>),
    /// Client's and service's clocks differ by more than is allowed.
    #[error("clock skew too great: the request is of {sent}, it is {now} here")]
    ClockSkew {
        /// The client's time.
        sent: DateTime<Utc>,
        /// The service's.
        now: DateTime<Utc>,
    },
    /// The authenticator is not under the ticket's session key.
    #[error("the authenticator is not under the ticket's session key")]
    WrongSessionKey,
    /// The ticket is one person's, the authenticator another's.
    #[error("the ticket is of {ticket}, the authenticator of {authenticator}")]
    WrongClient {
        /// Whose ticket it is.
        ticket: Principal,
        /// Who claims to show it.
        authenticator: Principal,
    },
    /// This is no AP request.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Judges an AP request as a strict acceptor does: the exact principal, kvno and enctype, and no
/// other key is tried. Whoever passes here passes at every acceptor that reads the same keytab.
///
/// `lookup` finds the key of a keytab entry. Times may be off by `skew` (usually five minutes).
/// Replays are not remembered: what is judged here opens nothing.
///
/// # Errors
/// [`AcceptError`], by what is wrong.
pub fn accept<'k>(
    request: &[u8],
    lookup: &dyn Fn(&Principal, Kvno, Enctype) -> Option<&'k Key>,
    now: DateTime<Utc>,
    skew: TimeDelta,
) -> Result<Accepted, AcceptError> {
    let request = decode::<ApReq>(WHAT, request)?.0;
    if number(&request.pvno.0) != Some(PVNO) || number(&request.msg_type.0) != Some(AP_REQ) {
        return Err(Malformed::new(WHAT, "it is not of version 5, or not of its type").into());
    }
    let ticket = Ticket::from_wire(request.ticket.0)?;
    let look = ticket.look();
    let enctype =
        Enctype::from_number(look.enctype).ok_or(AcceptError::UnknownEnctype(look.enctype))?;
    let kvno = look.kvno.unwrap_or_default();
    let principal = ticket.service();
    let key = lookup(principal, kvno, enctype).ok_or_else(|| AcceptError::UnknownKey {
        principal: principal.clone(),
        kvno,
        enctype,
    })?;
    let inside = ticket.open(key).map_err(|error| match error {
        OpenError::Unsupported(enctype) => AcceptError::Unsupported(enctype),
        OpenError::Malformed(malformed) => AcceptError::Malformed(malformed),
        _ => AcceptError::WrongKey {
            principal: principal.clone(),
            kvno,
            enctype,
        },
    })?;
    let sealed = request.authenticator.0;
    let found = int32(WHAT, &sealed.etype.0)?;
    check_authenticator(&inside, found, &sealed.cipher.0.0, now, skew)?;
    check_times(&inside, now, skew)?;
    Ok(Accepted {
        client: inside.client,
        service: principal.clone(),
        kvno,
        enctype,
        ticket_end: inside.times.end,
    })
}

fn check_authenticator(
    inside: &TicketInside,
    found: i32,
    cipher: &[u8],
    now: DateTime<Utc>,
    skew: TimeDelta,
) -> Result<(), AcceptError> {
    const WHAT: &str = "authenticator";
    let plain = open_sealed(&inside.session_key, found, Usage::Authenticator, cipher);
    let plain = plain.map_err(|error| match error {
        OpenError::Unsupported(enctype) => AcceptError::Unsupported(enctype),
        _ => AcceptError::WrongSessionKey,
    })?;
    let authenticator = decode::<Authenticator>(WHAT, plain.expose())?.0;
    let client = of_name(WHAT, &authenticator.cname.0, &authenticator.crealm.0)?;
    if client != inside.client {
        let ticket = inside.client.clone();
        return Err(AcceptError::WrongClient {
            ticket,
            authenticator: client,
        });
    }
    let sent = of_time(WHAT, &authenticator.ctime.0)?;
    if (now - sent).abs() > skew {
        return Err(AcceptError::ClockSkew { sent, now });
    }
    Ok(())
}

fn check_times(
    inside: &TicketInside,
    now: DateTime<Utc>,
    skew: TimeDelta,
) -> Result<(), AcceptError> {
    let times = &inside.times;
    if times.start - now > skew || inside.flags.contains(TicketFlags::INVALID) {
        return Err(AcceptError::NotYetValid(times.start));
    }
    if now - times.end > skew {
        return Err(AcceptError::Expired(times.end));
    }
    Ok(())
}
