//! The KDCs, asked as any client asks: whose key is a fresh ticket under, and does a key log in?

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::{
    Credential, KdcCode, KdcError, Malformed, OpenError, TgsReply, TgsRequest, Ticket, Unsayable,
};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::{default_iterations, string_to_key};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::name::DcName;
use keyroll::roll::WhichKey;
use tokio::sync::Mutex;

use super::config::DirectorySettings;
use super::credential::Refusals;
use super::exchange::ask;
use super::login::{Login, hints, log_in};
use crate::ports::{Kdc, KnownKeys, PortError, Sighting};
use crate::random;

/// What clients of today offer, best first. RC4 is among them so that a domain controller that
/// would issue RC4 tickets is seen doing it.
const OFFERED: [Enctype; 3] = [
    Enctype::Aes256CtsHmacSha1,
    Enctype::Aes128CtsHmacSha1,
    Enctype::Rc4Hmac,
];
/// What the controller's own key may be of.
const OWN: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];

/// A first ticket is replaced this long before it ends.
const SPARE: TimeDelta = TimeDelta::minutes(10);

/// Every ticket is asked for as long as a KDC may grant, so that its length shows the domain's
/// longest ticket life.
pub(super) const LIFETIME: TimeDelta = TimeDelta::days(30);

/// A first ticket, if there is one; locked while it is fetched, so that it is fetched once.
type Held = Arc<Mutex<Option<Arc<Login>>>>;

/// The KDCs of the domain controllers, over TCP.
#[derive(Debug)]
pub struct Kdcs {
    settings: DirectorySettings,
    refusals: Refusals,
    first_tickets: Mutex<HashMap<DcName, Held>>,
}

impl Kdcs {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(settings: DirectorySettings) -> Self {
        Self {
            settings,
            refusals: Refusals::default(),
            first_tickets: Mutex::default(),
        }
    }

    /// The controller's own ticket-granting ticket from this domain controller.
    async fn first_ticket(&self, dc: &DcName, fresh: bool) -> Result<Arc<Login>, PortError> {
        let slot = self
            .first_tickets
            .lock()
            .await
            .entry(dc.clone())
            .or_default()
            .clone();
        let mut held = slot.lock().await;
        let good = |login: &Login| login.credential.times.end - (Utc::now() + login.ahead) > SPARE;
        if let Some(login) = held.as_ref().filter(|login| !fresh && good(login)) {
            return Ok(Arc::clone(login));
        }
        let login = Arc::new(self.log_in_as_controller(dc).await?);
        *held = Some(Arc::clone(&login));
        Ok(login)
    }

    async fn log_in_as_controller(&self, dc: &DcName) -> Result<Login, PortError> {
        let own = &self.settings.principal;
        let object = format!("{own} at the KDC of {dc}");
        let refused = |why: String| PortError::Refused {
            object: object.clone(),
            why,
            next: "check directory.bind: principal and password".to_owned(),
        };
        let password = self.settings.password.read();
        let password = password.map_err(|error| refused(error.to_string()))?;
        self.refusals.check(dc, &password).map_err(refused)?;
        let patience = self.settings.connect_timeout;
        let login = log_in(dc, own, &OWN, patience, |hints| {
            let fitting = hints.iter().find_map(|hint| {
                let enctype = OWN.into_iter().find(|own| own.number() == hint.enctype)?;
                Some((enctype, hint.salt.clone()?, hint.iterations))
            });
            let Some((enctype, salt, iterations)) = fitting else {
                return Err(refused("the KDC offers it no AES key".to_owned()));
            };
            let iterations = iterations.unwrap_or(default_iterations(enctype));
            string_to_key(enctype, &password, &salt, iterations)
                .map_err(|error| refused(error.to_string()))
        });
        login.await.map_err(|trouble| {
            if trouble.is_wrong_key() {
                self.refusals.note(dc, &password);
            }
            trouble.in_words(&object)
        })
    }

    /// A service ticket, with the KDC's clock; `Ok(Err)` if the KDC refused.
    async fn service_ticket(
        &self,
        dc: &DcName,
        login: &Login,
        service: &Principal,
    ) -> Result<Result<(Credential, TimeDelta), KdcError>, PortError> {
        let object = format!("{service} at the KDC of {dc}");
        let nonce = u32::from_be_bytes(random::bytes()) & 0x7fff_ffff;
        let request = TgsRequest {
            tgt: &login.credential,
            service,
            enctypes: &OFFERED,
            now: Utc::now() + login.ahead,
            lifetime: LIFETIME,
            nonce,
            confounder: &random::bytes(),
        };
        let message = request
            .to_bytes()
            .map_err(|error| unsayable(&object, &error))?;
        let answered = ask(dc, &message, self.settings.connect_timeout).await?;
        let reply = TgsReply::parse(&answered.bytes).map_err(|error| garbled(&object, error))?;
        let granted = match reply {
            TgsReply::Granted(granted) => granted,
            TgsReply::Refused(error) => return Ok(Err(error)),
            TgsReply::Referred(other) => {
                return Err(PortError::Refused {
                    object,
                    why: format!("no account of this domain has it; it points to {other}"),
                    next: format!("setspn -Q {}", service.name()),
                });
            }
        };
        let credential = granted
            .open(&login.credential.session_key, nonce)
            .map_err(|error| PortError::Refused {
                object,
                why: format!("its answer is not good: {error}"),
                next: String::new(),
            })?;
        let times = &credential.times;
        // A KDC that names no start leaves the time of the login there, which says nothing of now.
        let ahead = if times.start == times.authenticated {
            login.ahead
        } else {
            answered.clock_ahead(times.start)
        };
        Ok(Ok((credential, ahead)))
    }

    /// A service ticket under the domain controller's present keys. A first ticket that the KDC
    /// does not take (any more) is fetched anew, once.
    async fn fresh_ticket(
        &self,
        dc: &DcName,
        service: &Principal,
    ) -> Result<(Credential, TimeDelta), PortError> {
        let login = self.first_ticket(dc, false).await?;
        let error = match self.service_ticket(dc, &login, service).await? {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let about_first_ticket = matches!(
            error.code,
            KdcCode::BadIntegrity
                | KdcCode::TicketExpired
                | KdcCode::Skew
                | KdcCode::Modified
                | KdcCode::ClientRevoked
                | KdcCode::ClientUnknown
        );
        let error = if about_first_ticket {
            let login = self.first_ticket(dc, true).await?;
            match self.service_ticket(dc, &login, service).await? {
                Ok(found) => return Ok(found),
                Err(error) => error,
            }
        } else {
            error
        };
        Err(service_refused(dc, service, &error))
    }

    /// The salt that the KDC names for this account's key of `enctype`, and the key of `password`
    /// under it. Nothing is proven, so nothing is counted.
    async fn key_by_hint(
        &self,
        dc: &DcName,
        known: &KnownKeys<'_>,
        enctype: i32,
    ) -> Result<Option<(Key, Salt)>, PortError> {
        let Some((password, enctypes, account)) = known.new_password else {
            return Ok(None);
        };
        let Some(enctype) = enctypes.iter().copied().find(|one| one.number() == enctype) else {
            return Ok(None);
        };
        let object = format!("{account} at the KDC of {dc}");
        let hints = hints(dc, account, &[enctype], self.settings.connect_timeout).await;
        let hints = hints.map_err(|trouble| trouble.in_words(&object))?;
        let hint = hints
            .into_iter()
            .find(|hint| hint.enctype == enctype.number());
        let Some((salt, iterations)) = hint.and_then(|hint| Some((hint.salt?, hint.iterations)))
        else {
            return Ok(None);
        };
        let iterations = iterations.unwrap_or(default_iterations(enctype));
        let key = string_to_key(enctype, password, &salt, iterations);
        let key = key.map_err(|error| PortError::Refused {
            object,
            why: error.to_string(),
            next: String::new(),
        })?;
        Ok(Some((key, salt)))
    }
}

#[async_trait]
impl Kdc for Kdcs {
    async fn sight(
        &self,
        dc: &DcName,
        service: &Principal,
        known: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError> {
        let (credential, ahead) = self.fresh_ticket(dc, service).await?;
        let object = format!("{service} at the KDC of {dc}");
        let look = credential.ticket.look();
        let mut found = (WhichKey::Foreign, None);
        for (which, key) in &known.keys {
            if opens(&credential.ticket, key, &object)? {
                found = (*which, None);
                break;
            }
        }
        if found.0 == WhichKey::Foreign
            && let Some((key, salt)) = self.key_by_hint(dc, known, look.enctype).await?
            && opens(&credential.ticket, &key, &object)?
        {
            found = (WhichKey::New, Some(salt));
        }
        Ok(Sighting {
            key: found.0,
            kvno: look.kvno.unwrap_or(Kvno(0)),
            enctype: look.enctype,
            salt: found.1,
            clock_offset: ahead.abs().to_std().unwrap_or_default(),
            ticket: Arc::new(credential),
        })
    }

    async fn log_in(
        &self,
        dc: &DcName,
        account: &Principal,
        keys: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, PortError> {
        let mut salts = BTreeMap::new();
        // RC4 is not spoken here; such a key is proven by the ticket alone.
        for key in keys.iter().filter(|key| key.enctype() != Enctype::Rc4Hmac) {
            let (enctypes, mut salt) = ([key.enctype()], None);
            let [enctype] = enctypes;
            let patience = self.settings.connect_timeout;
            let login = log_in(dc, account, &enctypes, patience, |hints| {
                let mut hints = hints.iter();
                salt = hints
                    .find(|hint| hint.enctype == enctype.number())
                    .and_then(|hint| hint.salt.clone());
                Ok(key.duplicate())
            });
            // At the first trouble it stops: a second wrong key would count a second time.
            login.await.map_err(|trouble| {
                trouble.in_words(&format!("{account} ({enctype}) at the KDC of {dc}"))
            })?;
            salts.insert(enctype, salt);
        }
        Ok(salts)
    }
}

/// Whether the key opens the ticket. One of another enctype does not; an enctype that nothing here
/// can open tells nothing about the key.
fn opens(ticket: &Ticket, key: &Key, object: &str) -> Result<bool, PortError> {
    match ticket.open(key) {
        // Decrypted and checked: whoever made this ticket holds the key, whatever is inside.
        Ok(_) | Err(OpenError::Malformed(_) | OpenError::OtherRequest(_)) => Ok(true),
        Err(OpenError::WrongKey | OpenError::WrongEnctype { .. }) => Ok(false),
        Err(OpenError::Unsupported(error)) => Err(PortError::Refused {
            object: object.to_owned(),
            why: format!("the ticket cannot be judged: {error}"),
            next: String::new(),
        }),
    }
}

/// Why a KDC issues no ticket for a service, with what to do about it.
fn service_refused(dc: &DcName, service: &Principal, error: &KdcError) -> PortError {
    let object = format!("{service} at the KDC of {dc}");
    let spn = service.name();
    let (words, next) = match error.code {
        KdcCode::Unavailable => {
            return PortError::Unreachable {
                object,
                why: error.to_string(),
            };
        }
        KdcCode::ServiceUnknown => (
            "it knows no such service: no account has this SPN here yet, or two accounts have it",
            format!("setspn -Q {spn}"),
        ),
        KdcCode::NotUnique => ("two accounts have this SPN", format!("setspn -Q {spn}")),
        KdcCode::ServiceRevoked | KdcCode::ClientRevoked => (
            "its account is locked, disabled or expired: nobody gets tickets for it",
            "samba-tool user unlock ACCOUNT (or Unlock-ADAccount)".to_owned(),
        ),
        KdcCode::EnctypeUnsupported => (
            "its account has no key of an enctype that clients offer",
            "set msDS-SupportedEncryptionTypes to 24, then set the password once".to_owned(),
        ),
        KdcCode::Skew => ("the clocks differ too much", "chronyc tracking".to_owned()),
        _ => ("it issues no ticket", String::new()),
    };
    PortError::Refused {
        object,
        why: format!("{words} ({error})"),
        next,
    }
}

pub(super) fn unsayable(object: &str, error: &Unsayable) -> PortError {
    PortError::Refused {
        object: object.to_owned(),
        why: error.to_string(),
        next: String::new(),
    }
}

/// An answer that is no Kerberos: something else listens there, or somebody plays with us.
pub(super) fn garbled(object: &str, error: Malformed) -> PortError {
    PortError::Refused {
        object: object.to_owned(),
        why: error.to_string(),
        next: "check what listens on port 88 there".to_owned(),
    }
}
