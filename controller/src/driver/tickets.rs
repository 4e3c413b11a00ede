//! Tickets to be shown to the nodes: real ones that were seen during a roll, or made here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::kerberos::message::{ApRequest, Credential, Mint};
use keyroll::kerberos::{Key, Kvno, Principal};
use keyroll::roll::WhichKey;
use keyroll::secret::SecretBytes;

use crate::keys::Unlocked;
use crate::random;

/// The newest ticket under each key. The one under the old key is what a client's cache holds.
#[derive(Default)]
pub(super) struct Tickets(BTreeMap<(WhichKey, Kvno), Arc<Credential>>);

impl Tickets {
    pub(super) fn keep(&mut self, key: WhichKey, kvno: Kvno, ticket: Arc<Credential>) {
        self.0.insert((key, kvno), ticket);
    }

    /// The ticket under this key, if one was seen and is not about to end at `now`.
    pub(super) fn find(
        &self,
        key: WhichKey,
        kvno: Kvno,
        now: DateTime<Utc>,
    ) -> Option<Arc<Credential>> {
        let ticket = self.0.get(&(key, kvno))?;
        (ticket.times.end - now > TimeDelta::seconds(5)).then(|| Arc::clone(ticket))
    }
}

/// A ticket as a KDC would issue it: to an acceptor there is no difference.
pub(super) fn mint(
    service: &Principal,
    unlocked: Option<&Unlocked>,
    kvno: Kvno,
    now: DateTime<Utc>,
) -> Option<Credential> {
    let client: Principal = format!("keyroll-proof@{}", service.realm()).parse().ok()?;
    unlocked?.keys.iter().find_map(|key| {
        let session = SecretBytes::new(random::vector(key.enctype().key_length()));
        let session = Key::new(key.enctype(), session).ok()?;
        let mint = Mint {
            service,
            key,
            kvno,
            client: &client,
            start: now - TimeDelta::minutes(1),
            end: now + TimeDelta::minutes(5),
            session_key: &session,
            confounder: &random::bytes(),
        };
        mint.issue().ok()
    })
}

/// The AP-REQ that a client would send with this ticket at `now`.
pub(crate) fn ap_request(credential: &Credential, now: DateTime<Utc>) -> Option<Vec<u8>> {
    let confounder = random::bytes();
    ApRequest {
        credential,
        now,
        confounder: &confounder,
    }
    .to_bytes()
    .ok()
}
