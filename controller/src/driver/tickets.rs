//! Real tickets seen during a roll, kept to be shown to the nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use keyroll::kerberos::Kvno;
use keyroll::kerberos::message::Credential;
use keyroll::roll::WhichKey;

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
