//! What is asked of KDCs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keyroll::delegation::trial::Tried;
use keyroll::kerberos::message::Credential;
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::{Enctype, Key, Kvno, Principal};
use keyroll::name::DcName;
use keyroll::roll::WhichKey;
use keyroll::secret::Password;

use super::PortError;

/// Delegation that is tried with an account's own key.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The account.
    pub own: &'a Principal,
    /// The one key of it that a ticket has just shown to be in force.
    pub key: &'a Key,
    /// For whom it acts; `None`: for the controller's own account, with a ticket that this one
    /// has fetched for `service`.
    pub user: Option<&'a Principal>,
    /// An SPN of the account.
    pub service: &'a Principal,
    /// Where it acts.
    pub to: &'a Principal,
}

/// The keys by which a ticket is recognized.
#[derive(Debug, Default)]
pub struct KnownKeys<'a> {
    /// Each key with whose it is. Several of one kind are tried in turn.
    pub keys: Vec<(WhichKey, &'a Key)>,
    /// The new password, to derive its keys anew where the KDC names another salt than predicted,
    /// with the enctypes and the account: a KDC tells salts of accounts, not of services.
    pub new_password: Option<(&'a Password, &'a [Enctype], &'a Principal)>,
    /// The account that the service is looked for on: what mends a refusal names it.
    pub account: Option<&'a Principal>,
}

/// A ticket seen, and whose key opened it.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Whose key.
    pub key: WhichKey,
    /// The kvno in the ticket.
    pub kvno: Kvno,
    /// Its enctype number.
    pub enctype: i32,
    /// Where the key was derived with a salt of the KDC's own naming: that salt.
    pub salt: Option<Salt>,
    /// How far the KDC's clock is ahead of ours; below zero, it is behind.
    pub clock_offset: TimeDelta,
    /// How long the longer-lived of the ticket and the ticket-granting one lives.
    pub ticket_life: Duration,
    /// The ticket itself, for a proof by a node: opaque to the driver.
    pub ticket: Arc<Credential>,
}

impl Sighting {
    /// The one known key that the ticket has shown to be in force. To log in with any other may
    /// count as a failed login.
    #[must_use]
    pub fn shown<'k>(&self, known: &KnownKeys<'k>) -> Option<&'k Key> {
        let fits = |(which, key): &&(WhichKey, &Key)| {
            *which == self.key && key.enctype().number() == self.enctype
        };
        // Derived anew with the KDC's own salt, it is none of those known.
        let found = known.keys.iter().find(fits).map(|(_, key)| *key);
        found.filter(|_| self.salt.is_none())
    }
}

/// Why nobody is logged in; by what that tells of the key that was shown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotLoggedIn {
    /// Its password has expired, whatever the key.
    #[error(transparent)]
    Expired(PortError),
    /// The account may not, whatever the key: locked, not at this hour, not from here.
    #[error(transparent)]
    Barred(PortError),
    /// The key is wrong, or nobody can say: no answer, or none that was understood.
    #[error(transparent)]
    Unproven(#[from] PortError),
}

/// The KDCs, asked as a client asks.
#[async_trait]
pub trait Kdc: Send + Sync {
    /// Gets a fresh service ticket for `service` from this very domain controller, with the
    /// controller's own credentials, and sees which known key opens it. Raises no bad-password
    /// count, whatever the outcome.
    async fn sight(
        &self,
        dc: &DcName,
        service: &Principal,
        known: &KnownKeys<'_>,
    ) -> Result<Sighting, PortError>;

    /// Tries delegation, step by step. No ticket or key of it outlives the call.
    async fn delegate(&self, dc: &DcName, trial: &Trial<'_>) -> Result<Tried, PortError> {
        Err(PortError::Missing {
            object: format!("a KDC on {dc} to try {} at", trial.own),
        })
    }

    /// Logs in as the account with each of these keys, one enctype at a time, and compares the
    /// KDC's salt. Only for keys that a ticket has already shown to be in force: a wrong key
    /// would count as a bad password.
    async fn log_in(
        &self,
        dc: &DcName,
        account: &Principal,
        keys: &[Key],
    ) -> Result<BTreeMap<Enctype, Option<Salt>>, NotLoggedIn>;
}
