//! Tickets that real keys open, and logins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use keyroll::kerberos::message::{Credential, Mint};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::{default_iterations, string_to_key};
use keyroll::kerberos::{Enctype, Key, Principal};
use keyroll::name::DcName;
use keyroll::roll::WhichKey;
use keyroll::secret::{Password, SecretBytes};

use super::{Domain, Issuer};
use crate::ports::{Kdc, KnownKeys, NotLoggedIn, PortError, Sighting};
use crate::random;

impl Domain {
    fn ticket(&self, issuer: &Issuer, service: &Principal) -> Credential {
        let text = Password::new(issuer.password.clone());
        let aes = Enctype::Aes256CtsHmacSha1;
        let key = string_to_key(aes, &text, &issuer.salt, default_iterations(aes)).unwrap();
        let session = SecretBytes::new(random::vector(32));
        let mint = Mint {
            service,
            key: &key,
            kvno: issuer.kvno,
            client: &"keyroll@CORP.EXAMPLE".parse().unwrap(),
            start: Utc::now() - TimeDelta::minutes(1),
            end: Utc::now() + TimeDelta::minutes(5),
            session_key: &Key::new(aes, session).unwrap(),
            confounder: &random::bytes(),
        };
        mint.issue().unwrap()
    }
}

#[async_trait]
impl Kdc for Domain {
    async fn sight(
        &self,
        dc: &DcName,
        service: &Principal,
        known: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError> {
        let issuer = self.dcs.lock().unwrap()[dc].clone();
        let ticket = self.ticket(&issuer, service);
        let opens = |key: &&Key| ticket.ticket.open(key).is_ok();
        let aes = issuer.enctype == Enctype::Aes256CtsHmacSha1;
        let mut keys = known.keys.iter().filter(|(_, key)| aes && opens(key));
        let found = keys.next().map(|(which, _)| *which);
        // As it is derived with the KDC's own salt.
        let renamed = known.new_password.filter(|(text, ..)| {
            let key = string_to_key(issuer.enctype, text, &issuer.salt, 4096);
            found.is_none() && key.is_ok_and(|key| opens(&&key))
        });
        Ok(Sighting {
            key: match (found, renamed) {
                (Some(which), _) => which,
                (None, Some(_)) => WhichKey::New,
                (None, None) => WhichKey::Foreign,
            },
            kvno: issuer.kvno,
            enctype: issuer.enctype.number(),
            salt: renamed.map(|_| issuer.salt),
            clock_offset: TimeDelta::zero(),
            ticket_life: Duration::ZERO,
            ticket: Arc::new(ticket),
        })
    }

    async fn log_in(
        &self,
        _: &DcName,
        _: &Principal,
        _: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn> {
        self.logins.fetch_add(1, Ordering::Relaxed);
        let bar = self.bar.lock().unwrap().clone();
        bar.map_or_else(|| Ok(BTreeMap::new()), Err)
    }
}
