//! The TGS exchange (RFC 4120 section 3.3): a ticket for a service, for a first ticket.

use chrono::{DateTime, TimeDelta, Utc};
use picky_krb::data_types::PaData;
use picky_krb::messages::{TgsRep, TgsReq};

use super::ap_exchange::{Beside, show};
use super::as_exchange::KRBTGT;
use super::credential::Credential;
use super::der::{Malformed, decode, encode};
use super::encryption::{Confounder, Usage, checksum};
use super::kdc_error::{self, KdcError};
use super::kdc_exchange::{FORWARDABLE, Granted, Wanted, body, hint, request};
use super::ticket::Ticket;
use super::wire::Unsayable;
use crate::kerberos::{Enctype, Principal};

const TGS_REQ: i64 = 12;
/// The kind of hint that carries the ticket (RFC 4120 section 7.5.2): PA-TGS-REQ.
const SHOWN_TICKET: i64 = 1;
const WHAT: &str = "TGS reply";

/// A request for a service's ticket, within the realm of the ticket that is shown.
#[derive(Debug, Clone, Copy)]
pub struct TgsRequest<'a> {
    /// The ticket-granting ticket that is shown.
    pub tgt: &'a Credential,
    /// For which service.
    pub service: &'a Principal,
    /// The enctypes offered for the session key. The KDC chooses the ticket's by the service's
    /// keys, whatever stands here.
    pub enctypes: &'a [Enctype],
    /// The time.
    pub now: DateTime<Utc>,
    /// How long the ticket should be honoured; the KDC may grant less.
    pub lifetime: TimeDelta,
    /// A random number, at most 2^31 - 1.
    pub nonce: u32,
    /// Random bytes.
    pub confounder: &'a Confounder,
}

/// What a KDC answers to a TGS request.
#[derive(Debug)]
pub enum TgsReply {
    /// A ticket; [`Granted::open`] takes the session key of the ticket that was shown.
    Granted(Box<Granted>),
    /// The service is not of this realm: instead of its ticket came one for this other realm's
    /// ticket-granting service. It proves nothing about the service's key.
    Referred(Principal),
    /// No.
    Refused(KdcError),
}

impl TgsRequest<'_> {
    /// The message, without TCP's frame.
    ///
    /// # Errors
    /// [`Unsayable`] if a name is not ASCII, a time is out of range or the session key is of RC4.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        self.message(0, None, Vec::new())
    }

    /// The same for a ticket that may be evidence in an S4U2Proxy request of the service, if the
    /// ticket shown may be handed on.
    ///
    /// # Errors
    /// As [`TgsRequest::to_bytes`].
    pub fn to_evidence_bytes(&self) -> Result<Vec<u8>, Unsayable> {
        self.message(FORWARDABLE, None, Vec::new())
    }

    /// The message with these options, this evidence and these hints beside the ticket.
    pub(super) fn message(
        &self,
        options: u32,
        evidence: Option<&Ticket>,
        beside_ticket: Vec<PaData>,
    ) -> Result<Vec<u8>, Unsayable> {
        let body = body(&Wanted {
            client: None,
            service: self.service,
            enctypes: self.enctypes,
            now: self.now,
            lifetime: self.lifetime,
            nonce: self.nonce,
            options,
            evidence,
        })?;
        let sum = checksum(
            &self.tgt.session_key,
            Usage::TgsRequestChecksum,
            &encode(&body),
        );
        let beside = Beside {
            sum: Some(sum.map_err(Unsayable::Unsupported)?),
            ..Beside::default()
        };
        let usage = Usage::TgsRequestAuthenticator;
        let shown = show(self.tgt, usage, beside, self.now, self.confounder)?;
        let mut hints = vec![hint(SHOWN_TICKET, encode(&shown))];
        hints.extend(beside_ticket);
        Ok(encode(&TgsReq::from(request(TGS_REQ, hints, body))))
    }
}

impl TgsReply {
    /// Reads a KDC's answer.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither a TGS-REP nor a KRB-ERROR.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if let Some((refusal, _hints)) = kdc_error::parse(bytes)? {
            return Ok(Self::Refused(refusal));
        }
        let reply = decode::<TgsRep>(WHAT, bytes)?.0;
        let granted = Granted::new(WHAT, Usage::TgsReply, reply)?;
        let service = granted.ticket().service();
        if service.components()[0] == KRBTGT {
            return Ok(Self::Referred(service.clone()));
        }
        Ok(Self::Granted(Box::new(granted)))
    }
}
