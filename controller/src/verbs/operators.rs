//! `keyroll operator …`, `keyroll audit …`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;
use keyroll::name::{ArrayName, OperatorName};
use keyroll_proto::operator as said;
use tokio::task::spawn_blocking;

use super::no::No;
use super::{Controller, changed};
use crate::audit;
use crate::ca::SigningRequest;
use crate::operators::Role;
use crate::store::{OperatorRecord, Read as _, Store, StoreError};

/// How long an operator's certificate holds unless said otherwise, and at the most, in seconds.
const LIFETIME: (u64, u64) = (90 * 24 * 3600, 400 * 24 * 3600);

/// How many entries of the audit are shown unless it is told, and at the most.
const SHOWN: (usize, usize) = (50, 1_000);

/// Who acts in the audit and is no operator.
const RESERVED: [&str; 6] = [
    "root",
    "keyroll",
    "controller",
    "schedule",
    "settings",
    "nobody",
];

impl Controller {
    /// Gives an operator a certificate, or a new one. `by` are who asks and who has agreed to it.
    ///
    /// # Errors
    /// [`No`].
    pub fn add_operator(
        &self,
        request: &said::AddOperatorRequest,
        by: BTreeSet<String>,
    ) -> Result<said::AddOperatorReply, No> {
        let name: OperatorName = request.operator.parse()?;
        self.demand_name(&name, request.replace)?;
        let role: Role = request
            .role
            .parse()
            .map_err(|error| No::bad_input("bad-value", format!("{error}")))?;
        let arrays = request
            .arrays
            .iter()
            .map(|array| Ok(self.array(array)?.name))
            .collect::<Result<BTreeSet<ArrayName>, No>>()?;
        let seconds = match request.lifetime {
            0 => LIFETIME.0,
            given if given <= LIFETIME.1 => given,
            given => {
                let what = format!(
                    "a certificate for {given} s is too long-lived, at most {} s",
                    LIFETIME.1
                );
                return Err(No::bad_input("bad-lifetime", what));
            }
        };
        let scope = if arrays.is_empty() {
            "all arrays".to_owned()
        } else {
            arrays
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let done = vec![format!("operator {name} added as {role} of {scope}")];
        let mut reply = said::AddOperatorReply {
            changed: Some(changed(
                done,
                vec!["keyroll operator list".to_owned()],
                request.dry_run,
            )),
            ..said::AddOperatorReply::default()
        };
        if request.dry_run {
            return Ok(reply);
        }
        let lifetime = std::time::Duration::from_secs(seconds);
        let now = Utc::now().timestamp();
        let issued = SigningRequest::read(&request.csr, name.as_str())
            .and_then(|csr| self.authority.issue_operator(&name, &csr, lifetime, now))
            .map_err(|error| No::bad_input("bad-csr", error.to_string()))?;
        let record = OperatorRecord {
            name,
            role,
            arrays,
            serial: issued.serial.clone(),
            expires_unix: issued.ends_unix,
            revoked: false,
            signer: issued.signer,
            added_by: by,
            added_unix: now,
        };
        self.ports
            .store
            .write(|change| change.put_operator(&record))?;
        self.standing.send_replace(());
        reply.certificate_pem = issued.pem();
        reply.authorities_pem = self.authority.pem();
        reply.controller.clone_from(&self.operator_address);
        Ok(reply)
    }

    /// The name is nobody else's: not an actor's in the audit who is no operator, and not that of
    /// an operator whom nobody means to replace.
    fn demand_name(&self, name: &OperatorName, replace: bool) -> Result<(), No> {
        if RESERVED.contains(&name.as_str()) {
            let what = format!("{name} is no operator's name: the audit calls another actor so");
            return Err(No::bad_input("reserved-name", what).next("another name"));
        }
        let known = self.ports.store.operator(name)?;
        match known.filter(|known| !known.revoked && !replace) {
            None => Ok(()),
            Some(known) => {
                let what = format!(
                    "operator {name} exists: {}; a new certificate ends the one before at once",
                    known.role
                );
                Err(No::exists(what).next("the same with --replace, or another name"))
            }
        }
    }

    /// Every operator, revoked ones too.
    ///
    /// # Errors
    /// [`No`].
    pub fn list_operators(&self) -> Result<said::ListOperatorsReply, No> {
        let view = |record: OperatorRecord| said::OperatorView {
            operator: record.name.to_string(),
            role: record.role.to_string(),
            arrays: record.arrays.iter().map(ToString::to_string).collect(),
            serial: record.serial,
            expires_unix: record.expires_unix,
            revoked: record.revoked,
        };
        let operators = self
            .ports
            .store
            .operators()?
            .into_iter()
            .map(view)
            .collect();
        Ok(said::ListOperatorsReply { operators })
    }

    /// Ends an operator's authority from the next call on.
    ///
    /// # Errors
    /// [`No`].
    pub fn revoke_operator(
        &self,
        request: &said::RevokeOperatorRequest,
    ) -> Result<said::Changed, No> {
        let name: OperatorName = request.operator.parse()?;
        let unknown = || {
            No::unknown("unknown-operator", format!("there is no operator {name}"))
                .next("keyroll operator list")
        };
        let mut record = self.ports.store.operator(&name)?.ok_or_else(unknown)?;
        record.revoked = true;
        if !request.dry_run {
            self.ports
                .store
                .write(|change| change.put_operator(&record))?;
            self.standing.send_replace(());
        }
        let done = vec![format!("operator {name} has no say from the next call on")];
        Ok(changed(
            done,
            vec!["keyroll operator list".to_owned()],
            request.dry_run,
        ))
    }

    /// The newest entries of the audit, the newest first.
    ///
    /// # Errors
    /// [`No`].
    pub async fn show_audit(
        &self,
        request: &said::ShowAuditRequest,
    ) -> Result<said::ShowAuditReply, No> {
        let limit = match request.limit {
            0 => SHOWN.0,
            asked => usize::try_from(asked).unwrap_or(SHOWN.1).min(SHOWN.1),
        };
        let array = request.array.clone();
        let walk = move |store: &Store| audit::newest(store, limit, &array);
        let entries = self.walk_audit(walk).await?;
        let view = |entry: audit::Entry| said::AuditEntry {
            number: entry.number,
            at_unix_millis: entry.event.at_unix_millis,
            actor: entry.event.actor,
            verb: entry.event.verb,
            object: entry.event.object,
            outcome: entry.event.outcome,
            detail: entry.event.detail,
            hash: entry.hash,
        };
        Ok(said::ShowAuditReply {
            entries: entries.into_iter().map(view).collect(),
        })
    }

    /// Goes along the audit, which may be long, beside whatever else is to be done: one at a time,
    /// however many ask, and to its end though nobody waits for it any more.
    async fn walk_audit<T: Send + 'static>(
        &self,
        walk: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, No> {
        let fault = |error: &dyn std::fmt::Display| No::internal(error.to_string());
        let turn = Arc::clone(&self.audit_walks).acquire_owned().await;
        let turn = turn.map_err(|error| fault(&error))?;
        let store = Arc::clone(&self.ports.store);
        let walked = spawn_blocking(move || {
            let _turn = turn;
            walk(&store)
        });
        Ok(walked.await.map_err(|error| fault(&error))??)
    }

    /// Ends the alarms of sinks that know of entries which the controller does not.
    ///
    /// # Errors
    /// [`No`] without a reason, or if there is no such alarm.
    pub fn acknowledge_audit(
        &self,
        request: &said::AcknowledgeAuditRequest,
    ) -> Result<said::Changed, No> {
        if request.reason.trim().is_empty() {
            let what = "it is written down why: there is no reason".to_owned();
            return Err(No::bad_input("no-reason", what).next("the same with --reason"));
        }
        let forks = self.sinks.forks();
        if forks.is_empty() {
            let what = "no sink knows of entries that this controller does not".to_owned();
            return Err(No::bad_state("no-fork", what).next("keyroll audit verify"));
        }
        if !request.dry_run {
            self.sinks.acknowledge(&forks)?;
        }
        let seen = forks.iter().map(|(place, what)| format!("{place}: {what}"));
        let next = vec!["keyroll audit show".to_owned()];
        Ok(changed(seen.collect(), next, request.dry_run))
    }

    /// Whether the chain of the audit holds.
    ///
    /// # Errors
    /// [`No`].
    pub async fn verify_audit(&self) -> Result<said::VerifyAuditReply, No> {
        let verdict = self.walk_audit(audit::verify).await?;
        Ok(said::VerifyAuditReply {
            ok: verdict.trouble.is_none(),
            entries: verdict.entries,
            head: verdict.head,
            trouble: verdict.trouble.unwrap_or_default(),
            checkpoints: verdict.checkpoints,
            signed: verdict.signed,
            key: verdict.key.to_string(),
            last: verdict.last,
        })
    }
}
