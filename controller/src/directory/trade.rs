//! A ticket shown to a KDC for another (RFC 4120 3.3), and why it gives none, in words.

use std::time::Duration;

use chrono::TimeDelta;
use keyroll::kerberos::Principal;
use keyroll::kerberos::message::{Credential, KdcCode, KdcError, Malformed, TgsReply, Unsayable};
use keyroll::name::DcName;

use super::exchange::{Answered, ask};
use super::said_no;
use crate::ports::PortError;
use crate::random;

/// Every ticket is asked for as long as a KDC may grant, so that its length shows the domain's
/// longest ticket life.
pub(super) const LIFETIME: TimeDelta = TimeDelta::days(30);

/// What to do about an answer that is no KDC's.
pub(super) const WHAT_LISTENS: &str = "check what listens on port 88 there";

/// What makes an answer that of one request.
pub(super) fn nonce() -> u32 {
    u32::from_be_bytes(random::bytes()) & 0x7fff_ffff
}

/// What a KDC gives for a ticket that is shown.
pub(super) enum Traded {
    /// A ticket, and when it was answered.
    Got(Box<Credential>, Answered),
    /// No, and when.
    Refused(KdcError, Answered),
    /// The service is another realm's.
    Referred(Principal),
}

/// Sends a TGS request and opens the answer with the session key of the ticket shown.
pub(super) async fn trade(
    dc: &DcName,
    object: &str,
    message: &[u8],
    tgt: &Credential,
    nonce: u32,
    patience: Duration,
) -> Result<Traded, PortError> {
    let answered = ask(dc, message, patience).await?;
    let reply = TgsReply::parse(&answered.bytes).map_err(|error| garbled(object, error))?;
    let granted = match reply {
        TgsReply::Granted(granted) => granted,
        TgsReply::Refused(error) => return Ok(Traded::Refused(error, answered)),
        TgsReply::Referred(other) => return Ok(Traded::Referred(other)),
    };
    let credential = granted.open(&tgt.session_key, nonce);
    let credential = credential.map_err(|error| PortError::Refused {
        object: object.to_owned(),
        why: format!("its answer is not good: {error}"),
        next: WHAT_LISTENS.to_owned(),
    })?;
    Ok(Traded::Got(Box::new(credential), answered))
}

/// Why a KDC issues no ticket for a service of `account`, where that is known, with what to do
/// about it.
pub(super) fn service_refused(
    dc: &DcName,
    service: &Principal,
    account: Option<&Principal>,
    error: &KdcError,
) -> PortError {
    let object = format!("{service} at the KDC of {dc}");
    let words = match error.code {
        KdcCode::Unavailable => {
            return PortError::Unreachable {
                object,
                why: error.to_string(),
            };
        }
        KdcCode::ServiceUnknown => {
            "it knows no such service: no account has this SPN here yet, or two accounts have it"
        }
        KdcCode::NotUnique => "two accounts have this SPN",
        KdcCode::ServiceRevoked | KdcCode::ClientRevoked => {
            "its account is locked, disabled or expired: nobody gets tickets for it"
        }
        KdcCode::EnctypeUnsupported => "its account has no key of an enctype that clients offer",
        KdcCode::Skew => "the clocks differ too much",
        _ => "it issues no ticket",
    };
    PortError::Refused {
        object,
        why: format!("{words} ({error})"),
        next: said_no::to_service(error.code, dc, &service.name(), account),
    }
}

pub(super) fn unsayable(object: &str, error: &Unsayable) -> PortError {
    PortError::Refused {
        object: object.to_owned(),
        why: error.to_string(),
        next: match error {
            Unsayable::NotAscii(_) => "the same with a name of ASCII letters",
            Unsayable::Time(_) => "chronyc tracking",
            Unsayable::Unsupported(_) => "the same with a key of AES",
        }
        .to_owned(),
    }
}

/// An answer that is no Kerberos: something else listens there, or somebody plays with us.
pub(super) fn garbled(object: &str, error: Malformed) -> PortError {
    PortError::Refused {
        object: object.to_owned(),
        why: error.to_string(),
        next: WHAT_LISTENS.to_owned(),
    }
}
