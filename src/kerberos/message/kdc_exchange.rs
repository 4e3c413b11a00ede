//! What the AS and the TGS exchange share: a request's body, and a reply that grants a ticket.

use chrono::{DateTime, TimeDelta, Utc};
use picky_asn1::wrapper::{
    Asn1SequenceOf, ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2,
    ExplicitContextTag3, ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag7,
    ExplicitContextTag8, ExplicitContextTag11, OctetStringAsn1, Optional,
};
use picky_krb::data_types::{PaData, PrincipalName};
use picky_krb::messages::{EncAsRepPart, EncTgsRepPart, KdcRep, KdcReq, KdcReqBody};

use super::credential::{Credential, TicketFlags, TicketTimes};
use super::der::{Malformed, decode};
use super::encryption::Usage;
use super::ticket::{OpenError, PVNO, Ticket, open_sealed};
use super::wire::{
    Unsayable, flag_bits, flags, int32, integer, number, of_key, of_name, of_time, to_name,
    to_realm, to_time, uint32,
};
use crate::kerberos::{Enctype, Key, Principal};

/// Which ticket is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub client: Option<&'a Principal>,
    pub service: &'a Principal,
    pub enctypes: &'a [Enctype],
    pub now: DateTime<Utc>,
    pub lifetime: TimeDelta,
    pub nonce: u32,
    /// The KDC's options, bit 0 of the RFC in the highest bit.
    pub options: u32,
    /// A ticket that another shows us, as evidence.
    pub evidence: Option<&'a Ticket>,
}

/// `forwardable` of the KDC's options (RFC 4120 section 5.4.1): the ticket may be evidence. A KDC
/// grants the ticket without it where it may not be.
pub(super) const FORWARDABLE: u32 = 1 << 30;

pub(super) fn body(wanted: &Wanted<'_>) -> Result<KdcReqBody, Unsayable> {
    let till = wanted.now.checked_add_signed(wanted.lifetime);
    let till = till.ok_or(Unsayable::Time(wanted.now))?;
    let client = wanted.client.map(to_name).transpose()?;
    let enctypes = wanted
        .enctypes
        .iter()
        .map(|enctype| integer(enctype.number().into()));
    let evidence = wanted
        .evidence
        .map(|ticket| Asn1SequenceOf::from(vec![ticket.wire().clone()]));
    Ok(KdcReqBody {
        kdc_options: ExplicitContextTag0::from(flags(wanted.options)),
        cname: Optional::from(client.map(ExplicitContextTag1::from)),
        realm: ExplicitContextTag2::from(to_realm(wanted.service.realm())?),
        sname: Optional::from(Some(ExplicitContextTag3::from(to_name(wanted.service)?))),
        from: Optional::from(None),
        till: ExplicitContextTag5::from(to_time(till)?),
        rtime: Optional::from(None),
        nonce: ExplicitContextTag7::from(integer(wanted.nonce.into())),
        etype: ExplicitContextTag8::from(Asn1SequenceOf::from(enctypes.collect::<Vec<_>>())),
        addresses: Optional::from(None),
        enc_authorization_data: Optional::from(None),
        additional_tickets: Optional::from(evidence.map(ExplicitContextTag11::from)),
    })
}

pub(super) fn request(message: i64, hints: Vec<PaData>, body: KdcReqBody) -> KdcReq {
    let hints = (!hints.is_empty()).then(|| ExplicitContextTag3::from(Asn1SequenceOf::from(hints)));
    KdcReq {
        pvno: ExplicitContextTag1::from(integer(PVNO)),
        msg_type: ExplicitContextTag2::from(integer(message)),
        padata: Optional::from(hints),
        req_body: ExplicitContextTag4::from(body),
    }
}

pub(super) fn hint(kind: i64, value: Vec<u8>) -> PaData {
    PaData {
        padata_type: ExplicitContextTag1::from(integer(kind)),
        padata_data: ExplicitContextTag2::from(OctetStringAsn1::from(value)),
    }
}

/// A reply that grants a ticket; the session key is still closed.
#[derive(Debug)]
pub struct Granted {
    what: &'static str,
    usage: Usage,
    reply: KdcRep,
    client: Principal,
    ticket: Ticket,
}

impl Granted {
    pub(super) fn new(what: &'static str, usage: Usage, reply: KdcRep) -> Result<Self, Malformed> {
        if number(&reply.pvno.0) != Some(PVNO) {
            return Err(Malformed::new(what, "it is not of version 5"));
        }
        let client = of_name(what, &reply.cname.0, &reply.crealm.0)?;
        let ticket = Ticket::from_wire(reply.ticket.0.clone())?;
        Ok(Self {
            what,
            usage,
            reply,
            client,
            ticket,
        })
    }

    /// The ticket, which already tells who issued it under which key.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// The value of the first pre-authentication hint of this kind.
    pub(super) fn hint(&self, kind: i64) -> Option<&[u8]> {
        find_hint(&self.reply.padata.0.as_ref()?.0.0, kind)
    }

    /// Opens the client's part: with the client's key after an AS exchange, with the session key
    /// of the ticket that was shown after a TGS exchange. `nonce` is the request's.
    ///
    /// # Errors
    /// [`OpenError::WrongKey`] if the KDC used another key, [`OpenError::OtherRequest`] if the
    /// nonce or the service is not that of this reply, the others if it cannot be read.
    pub fn open(&self, key: &Key, nonce: u32) -> Result<Credential, OpenError> {
        let sealed = &self.reply.enc_part.0;
        let found = int32(self.what, &sealed.etype.0)?;
        let plain = open_sealed(key, found, self.usage, &sealed.cipher.0.0)?;
        // RFC 4120 section 5.4.2 wants both tags accepted, whatever the exchange.
        let part = match plain.expose().first() {
            Some(&ENC_TGS_REP_TAG) => decode::<EncTgsRepPart>(self.what, plain.expose())?.0,
            _ => decode::<EncAsRepPart>(self.what, plain.expose())?.0,
        };
        if uint32(self.what, &part.nonce.0)? != nonce {
            return Err(OpenError::OtherRequest("nonce"));
        }
        let wire = &self.ticket.wire().0;
        if part.srealm.0 != wire.realm.0 || !same_name(&part.sname.0, &wire.sname.0) {
            return Err(OpenError::OtherRequest("service"));
        }
        let authenticated = of_time(self.what, &part.auth_time.0)?;
        let start = part
            .start_time
            .0
            .map(|start| of_time(self.what, &start.0))
            .transpose()?;
        Ok(Credential {
            ticket: self.ticket.clone(),
            session_key: of_key(self.what, part.key.0)?,
            client: self.client.clone(),
            times: TicketTimes {
                authenticated,
                start: start.unwrap_or(authenticated),
                end: of_time(self.what, &part.end_time.0)?,
            },
            flags: TicketFlags(flag_bits(&part.flags.0)),
        })
    }
}

/// The first byte of an EncTGSRepPart.
const ENC_TGS_REP_TAG: u8 = 0x7a;

/// Whether the parts are the same; the type of a name is only a hint (RFC 4120 section 6.2).
fn same_name(one: &PrincipalName, other: &PrincipalName) -> bool {
    one.name_string == other.name_string
}

pub(super) fn find_hint(hints: &[PaData], kind: i64) -> Option<&[u8]> {
    let hint = hints
        .iter()
        .find(|hint| number(&hint.padata_type.0) == Some(kind))?;
    Some(&hint.padata_data.0.0)
}
