//! Tickets: looking at one, opening one with a service's key, making one.

use std::fmt;

use chrono::{DateTime, Utc};
use picky_asn1::wrapper::{
    ExplicitContextTag0, ExplicitContextTag1, ExplicitContextTag2, ExplicitContextTag3,
    ExplicitContextTag4, ExplicitContextTag5, ExplicitContextTag6, ExplicitContextTag7,
    OctetStringAsn1, Optional,
};
use picky_krb::data_types::{
    EncTicketPart, EncTicketPartInner, Ticket as WireTicket, TicketInner, TransitedEncoding,
};
use zeroize::Zeroizing;

use super::credential::{Credential, TicketFlags, TicketTimes};
use super::der::{Malformed, decode, encode};
use super::encryption::{Confounder, Unopened, UnsupportedEnctype, Usage, decrypt};
use super::wire::{
    Unsayable, flag_bits, flags, int32, integer, number, of_key, of_name, of_time, seal, to_key,
    to_name, to_realm, to_time, uint32,
};
use crate::kerberos::{Enctype, Key, Kvno, Principal};

/// The version of Kerberos that every message names.
pub(super) const PVNO: i64 = 5;
/// The way in which a list of crossed realms is written (RFC 4120 section 8.1); ours is empty.
const DOMAIN_X500_COMPRESS: i64 = 1;
const WHAT: &str = "ticket";

/// A ticket (RFC 4120 section 5.3), closed.
#[derive(Clone, PartialEq)]
pub struct Ticket {
    wire: WireTicket,
    service: Principal,
    look: TicketLook,
}

/// What everybody can see of a ticket's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketLook {
    /// The version of the key that it is under, if the KDC names one; AD always does.
    pub kvno: Option<Kvno>,
    /// The number of its enctype.
    pub enctype: i32,
}

/// What only the service sees.
#[derive(Debug)]
pub struct TicketInside {
    /// Whose ticket it is.
    pub client: Principal,
    /// The key that client and service share through it.
    pub session_key: Key,
    /// From when until when it is honoured.
    pub times: TicketTimes,
    /// What the KDC says of it.
    pub flags: TicketFlags,
}

/// Why a ticket or reply was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is under another enctype than the key's.
    #[error("it is under enctype {found}, the key is of {key}")]
    WrongEnctype {
        /// The number of its enctype.
        found: i32,
        /// The key's.
        key: Enctype,
    },
    /// Nothing is opened under this enctype.
    #[error(transparent)]
    Unsupported(UnsupportedEnctype),
    /// The key does not open it: it is under another key, whatever its kvno says.
    #[error("the key does not open it")]
    WrongKey,
    /// The key opens it, but it answers another request.
    #[error("its {0} is not that of the request")]
    OtherRequest(&'static str),
    /// The key opens it, but what is inside cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl From<Unopened> for OpenError {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Unsupported(enctype) => Self::Unsupported(enctype),
            Unopened::WrongKey => Self::WrongKey,
        }
    }
}

impl Ticket {
    /// A ticket from its DER form.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no ticket.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::from_wire(decode(WHAT, bytes)?)
    }

    pub(super) fn from_wire(wire: WireTicket) -> Result<Self, Malformed> {
        if number(&wire.0.tkt_vno.0) != Some(PVNO) {
            return Err(Malformed::new(WHAT, "it is not of version 5"));
        }
        let service = of_name(WHAT, &wire.0.sname.0, &wire.0.realm.0)?;
        let sealed = &wire.0.enc_part.0;
        let kvno = sealed
            .kvno
            .0
            .as_ref()
            .map(|kvno| uint32(WHAT, &kvno.0))
            .transpose()?;
        let look = TicketLook {
            kvno: kvno.map(Kvno),
            enctype: int32(WHAT, &sealed.etype.0)?,
        };
        Ok(Self {
            wire,
            service,
            look,
        })
    }

    pub(super) const fn wire(&self) -> &WireTicket {
        &self.wire
    }

    /// The DER form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.wire)
    }

    /// Whom the ticket is for.
    #[must_use]
    pub const fn service(&self) -> &Principal {
        &self.service
    }

    /// Its kvno and enctype.
    #[must_use]
    pub const fn look(&self) -> TicketLook {
        self.look
    }

    /// Opens the ticket with the service's key. Success proves that whoever issued the ticket
    /// holds this very key, and the directory counts nothing.
    ///
    /// # Errors
    /// [`OpenError::WrongKey`] if it is under another key, [`OpenError::WrongEnctype`] if it
    /// cannot be under this one, the others if it cannot be judged.
    pub fn open(&self, key: &Key) -> Result<TicketInside, OpenError> {
        let plain = open_sealed(key, self.look.enctype, Usage::Ticket, self.sealed())?;
        let part = decode::<EncTicketPart>(WHAT, plain.expose())?.0;
        let authenticated = of_time(WHAT, &part.auth_time.0)?;
        let start = part
            .starttime
            .0
            .map(|start| of_time(WHAT, &start.0))
            .transpose()?;
        Ok(TicketInside {
            client: of_name(WHAT, &part.cname.0, &part.crealm.0)?,
            session_key: of_key(WHAT, part.key.0)?,
            times: TicketTimes {
                authenticated,
                start: start.unwrap_or(authenticated),
                end: of_time(WHAT, &part.endtime.0)?,
            },
            flags: TicketFlags(flag_bits(&part.flags.0)),
        })
    }

    fn sealed(&self) -> &[u8] {
        &self.wire.0.enc_part.0.cipher.0.0
    }
}

/// Decrypts, having compared the enctypes: under another one no key can be judged.
pub(super) fn open_sealed(
    key: &Key,
    found: i32,
    usage: Usage,
    cipher: &[u8],
) -> Result<crate::secret::SecretBytes, OpenError> {
    if found != key.enctype().number() {
        return Err(OpenError::WrongEnctype {
            found,
            key: key.enctype(),
        });
    }
    Ok(decrypt(key, usage, cipher)?)
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Ticket");
        shown
            .field("service", &self.service)
            .field("look", &self.look)
            .finish_non_exhaustive()
    }
}

/// A ticket to be made with the service's own key.
///
/// Who holds the key of a service can issue its tickets: an acceptor that looks only at the ticket
/// (MIT, Heimdal, Java, Go and our own [`accept`](super::accept)) cannot tell them from a KDC's.
/// So a key can be proven on every node before the directory has it. The ticket carries no PAC;
/// Windows' LSA asks for one and is not proven this way.
#[derive(Debug)]
pub struct Mint<'a> {
    /// Whom the ticket is for.
    pub service: &'a Principal,
    /// The service's key.
    pub key: &'a Key,
    /// Its version.
    pub kvno: Kvno,
    /// Whose ticket it is.
    pub client: &'a Principal,
    /// From when on it is honoured.
    pub start: DateTime<Utc>,
    /// Until when.
    pub end: DateTime<Utc>,
    /// The key that client and service are to share: random bytes of an AES enctype.
    pub session_key: &'a Key,
    /// Random bytes.
    pub confounder: &'a Confounder,
}

impl Mint<'_> {
    /// Makes the ticket.
    ///
    /// # Errors
    /// [`Unsayable`] if a name is not ASCII, a time is out of range or the key is of RC4.
    pub fn issue(&self) -> Result<Credential, Unsayable> {
        let issued = TicketFlags::PRE_AUTHENTICATED;
        let part = EncTicketPart::from(EncTicketPartInner {
            flags: ExplicitContextTag0::from(flags(issued.0)),
            key: ExplicitContextTag1::from(to_key(self.session_key)),
            crealm: ExplicitContextTag2::from(to_realm(self.client.realm())?),
            cname: ExplicitContextTag3::from(to_name(self.client)?),
            transited: ExplicitContextTag4::from(TransitedEncoding {
                tr_type: ExplicitContextTag0::from(integer(DOMAIN_X500_COMPRESS)),
                contents: ExplicitContextTag1::from(OctetStringAsn1::from(Vec::new())),
            }),
            auth_time: ExplicitContextTag5::from(to_time(self.start)?),
            starttime: Optional::from(Some(ExplicitContextTag6::from(to_time(self.start)?))),
            endtime: ExplicitContextTag7::from(to_time(self.end)?),
            renew_till: Optional::from(None),
            caddr: Optional::from(None),
            authorization_data: Optional::from(None),
        });
        let plain = Zeroizing::new(encode(&part));
        let sealed = seal(
            self.key,
            Some(self.kvno),
            Usage::Ticket,
            &plain,
            self.confounder,
        )?;
        let ticket = Ticket {
            wire: WireTicket::from(TicketInner {
                tkt_vno: ExplicitContextTag0::from(integer(PVNO)),
                realm: ExplicitContextTag1::from(to_realm(self.service.realm())?),
                sname: ExplicitContextTag2::from(to_name(self.service)?),
                enc_part: ExplicitContextTag3::from(sealed),
            }),
            service: self.service.clone(),
            look: TicketLook {
                kvno: Some(self.kvno),
                enctype: self.key.enctype().number(),
            },
        };
        Ok(Credential {
            ticket,
            session_key: self.session_key.duplicate(),
            client: self.client.clone(),
            times: TicketTimes {
                authenticated: self.start,
                start: self.start,
                end: self.end,
            },
            flags: issued,
        })
    }
}
