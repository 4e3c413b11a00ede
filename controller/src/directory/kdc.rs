//! The KDCs, asked as any client asks: whose key is a fresh ticket under, and does a key log in?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keyroll::delegation::trial::Tried;
use keyroll::kerberos::message::{KdcCode, OpenError, Ticket, UnsupportedEnctype};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::{default_iterations, string_to_key};
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::name::DcName;
use keyroll::roll::WhichKey;

use super::config::DirectorySettings;
use super::login::{hints, log_in};
use super::said_no;
use super::tickets::{Got, Tickets};
use super::trade::WHAT_LISTENS;
use crate::ports::{Kdc, KnownKeys, NotLoggedIn, PortError, Sighting, Trial};

/// What clients of today offer, best first. RC4 is among them so that a domain controller that
/// would issue RC4 tickets is seen doing it.
pub(super) const OFFERED: [Enctype; 3] = [
    Enctype::Aes256CtsHmacSha1,
    Enctype::Aes128CtsHmacSha1,
    Enctype::Rc4Hmac,
];
/// The KDCs of the domain controllers, over TCP.
#[derive(Debug)]
pub struct Kdcs {
    pub(super) tickets: Tickets,
    pub(super) patience: Duration,
}

impl Kdcs {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(settings: DirectorySettings) -> Self {
        Self {
            patience: settings.connect_timeout,
            tickets: Tickets::new(settings),
        }
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
        let hints = hints(dc, account, &[enctype], self.patience).await;
        let hints = hints.map_err(|trouble| trouble.in_words(dc, account))?;
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
            next: WHAT_LISTENS.to_owned(),
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
        let Got {
            credential,
            ahead,
            ticket_life,
        } = self
            .tickets
            .of(dc, service, known.account, &OFFERED)
            .await?;
        let object = format!("{service} at the KDC of {dc}");
        let judge = |key: &Key| {
            opens(&credential.ticket, key).map_err(|error| PortError::Refused {
                object: object.clone(),
                why: format!("the ticket cannot be judged: {error}"),
                next: said_no::to_service(
                    KdcCode::EnctypeUnsupported,
                    dc,
                    &service.name(),
                    known.account,
                ),
            })
        };
        let look = credential.ticket.look();
        let mut found = (WhichKey::Foreign, None);
        for (which, key) in &known.keys {
            if judge(key)? {
                found = (*which, None);
                break;
            }
        }
        if found.0 == WhichKey::Foreign
            && let Some((key, salt)) = self.key_by_hint(dc, known, look.enctype).await?
            && judge(&key)?
        {
            found = (WhichKey::New, Some(salt));
        }
        Ok(Sighting {
            key: found.0,
            kvno: look.kvno.unwrap_or(Kvno(0)),
            enctype: look.enctype,
            salt: found.1,
            clock_offset: ahead,
            ticket_life,
            ticket: Arc::new(credential),
        })
    }

    async fn delegate(&self, dc: &DcName, trial: &Trial<'_>) -> Result<Tried, PortError> {
        self.try_delegation(dc, trial).await
    }

    async fn log_in(
        &self,
        dc: &DcName,
        account: &Principal,
        keys: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn> {
        let mut salts = BTreeMap::new();
        // RC4 is not spoken here; such a key is proven by the ticket alone.
        for key in keys.iter().filter(|key| key.enctype() != Enctype::Rc4Hmac) {
            let (enctypes, mut salt) = ([key.enctype()], None);
            let [enctype] = enctypes;
            let patience = self.patience;
            let login = log_in(dc, account, &enctypes, patience, |hints| {
                let mut hints = hints.iter();
                salt = hints
                    .find(|hint| hint.enctype == enctype.number())
                    .and_then(|hint| hint.salt.clone());
                Ok(key.duplicate())
            });
            // At the first trouble it stops: a second wrong key would count a second time.
            login
                .await
                .map_err(|trouble| trouble.of_key(dc, account, enctype))?;
            salts.insert(enctype, salt);
        }
        Ok(salts)
    }
}

/// Whether the key opens the ticket. One of another enctype does not; an enctype that nothing here
/// can open tells nothing about the key.
fn opens(ticket: &Ticket, key: &Key) -> Result<bool, UnsupportedEnctype> {
    match ticket.open(key) {
        // Decrypted and checked: whoever made this ticket holds the key, whatever is inside.
        Ok(_) | Err(OpenError::Malformed(_) | OpenError::OtherRequest(_)) => Ok(true),
        Err(OpenError::WrongKey | OpenError::WrongEnctype { .. }) => Ok(false),
        Err(OpenError::Unsupported(error)) => Err(error),
    }
}
